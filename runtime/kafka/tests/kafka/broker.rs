//! The broker under test, names that no other test uses, and small clients.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kafka::{
    Admin, ClientSettings, Committer, Consumer, ConsumerSettings, Creation, Delivery, Error, Messages,
    Outgoing, Producer, ProducerSettings, RebalanceListener, TopicPartition, TopicSpec, Topics,
};

/// Long enough for a busy machine: no test waits for it when things work.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub fn client() -> ClientSettings {
    let bootstrap = std::env::var("PENSTOCK_TEST_KAFKA")
        .expect("PENSTOCK_TEST_KAFKA: expected the address of a real Kafka; ./test starts one and sets it");
    ClientSettings::new().with("bootstrap.servers", bootstrap)
}

pub fn unique(what: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    format!("{what}-{}-{now}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

pub fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

pub fn admin() -> Admin {
    Admin::open(&client(), PATIENCE).unwrap()
}

pub fn spec(name: &str, partitions: i32) -> TopicSpec {
    TopicSpec { name: name.to_owned(), partitions, replication: 1, configs: BTreeMap::new() }
}

pub fn topic(what: &str, partitions: i32) -> String {
    let name = unique(what);
    block_on(async {
        let admin = admin();
        assert_eq!(admin.create_topic(&spec(&name, partitions)).await.unwrap(), Creation::Created);
        let until = Instant::now() + PATIENCE;
        while admin.describe_topic(&name).await.unwrap().is_none_or(|found| found.partitions.is_empty()) {
            assert!(Instant::now() < until, "the topic does not appear");
        }
    });
    name
}

pub type Outcome = Result<(i32, i64), Error>;

/// Outcomes by token.
#[derive(Default)]
pub struct Outcomes {
    told: Mutex<BTreeMap<u64, Outcome>>,
    changed: Condvar,
}

impl Outcomes {
    pub fn of(&self, token: u64) -> Outcome {
        let told = self.told.lock().unwrap();
        let (told, wait) =
            self.changed.wait_timeout_while(told, PATIENCE, |told| !told.contains_key(&token)).unwrap();
        assert!(!wait.timed_out(), "no outcome for {token}");
        told[&token].clone()
    }
}

impl Delivery for Outcomes {
    fn delivered(&self, token: u64, outcome: Outcome) {
        self.told.lock().unwrap().insert(token, outcome);
        self.changed.notify_all();
    }
}

pub fn producer(client: ClientSettings) -> (Producer, Arc<Outcomes>) {
    let outcomes = Arc::new(Outcomes::default());
    (Producer::open(ProducerSettings { client, delivery: outcomes.clone() }).unwrap(), outcomes)
}

/// Writes `0..count` as values to one partition and waits for all of them.
pub fn fill(client: &ClientSettings, topic: &str, partition: i32, count: u64) {
    let (producer, outcomes) = producer(client.clone());
    let values: Vec<String> = (0..count).map(|n| n.to_string()).collect();
    for (token, value) in (0..).zip(&values) {
        let value = Some(value.as_bytes());
        let record = Outgoing { topic, partition: Some(partition), value, token, ..Outgoing::default() };
        producer.send(&record).unwrap();
    }
    for token in 0..count {
        outcomes.of(token).unwrap();
    }
}

pub struct Silent;

impl RebalanceListener for Silent {
    fn assigned(&mut self, _: &[TopicPartition]) {}
    fn revoked(&mut self, _: &[TopicPartition], _: &mut Committer<'_>) {}
    fn lost(&mut self, _: &[TopicPartition]) {}
}

pub fn settings(topic: &str, group: &str) -> ConsumerSettings {
    ConsumerSettings::new(client(), group, Topics::Names(vec![topic.to_owned()]), Box::new(Silent))
}

pub fn member(topic: &str, group: &str, instance: &str) -> Consumer {
    let mut settings = settings(topic, group);
    settings.instance = Some(instance.to_owned());
    Consumer::open(settings).unwrap()
}

/// Fetches until so many records are there, as one batch.
pub fn fetch(consumer: &mut Consumer, count: usize) -> Messages {
    let until = Instant::now() + PATIENCE;
    let mut all: Option<Messages> = None;
    while all.as_ref().map_or(0, Messages::len) < count {
        assert!(Instant::now() < until, "{} of {count} records", all.map_or(0, |all| all.len()));
        let more = consumer.fetch(count, Duration::from_secs(1)).unwrap();
        match &mut all {
            Some(all) => all.append(&more),
            None => all = Some(more),
        }
    }
    all.unwrap()
}

/// Fetches, and gives away what comes, until the condition holds.
pub fn drive(consumer: &mut Consumer, mut done: impl FnMut(&Consumer) -> bool) {
    let until = Instant::now() + PATIENCE;
    while !done(consumer) {
        assert!(Instant::now() < until, "it never happens");
        consumer.fetch(100, Duration::from_millis(50)).unwrap();
    }
}
