//! The broker under test, and a round trip through every kind of client.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kafka::{
    Admin, ClientSettings, Committer, CompactedLog, Consumer, ConsumerSettings, Creation, Delivery, Error,
    Leading, LogSettings, Message, Outgoing, Producer, ProducerSettings, RebalanceListener, TopicPartition,
    TopicSpec, Topics,
};

/// Long enough for a busy machine: no test waits for it when things work.
pub const PATIENCE: Duration = Duration::from_secs(60);

fn variable(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name}: expected; `tests/services/up kafka-secure` prints it"))
}

pub fn sasl() -> String {
    variable("PENSTOCK_TEST_KAFKA_SECURE_SASL")
}

pub fn sasl_ssl() -> String {
    variable("PENSTOCK_TEST_KAFKA_SECURE_SASL_SSL")
}

/// The listener that wants a client's certificate.
pub fn ssl() -> String {
    variable("PENSTOCK_TEST_KAFKA_SECURE_SSL")
}

/// A file among the broker's certificates.
pub fn file(name: &str) -> String {
    format!("{}/{name}", variable("PENSTOCK_TEST_KAFKA_SECURE_TLS"))
}

pub fn java<K: AsRef<str>, V: AsRef<str>>(pairs: &[(K, V)]) -> ClientSettings {
    let given = pairs.iter().map(|(key, value)| (key.as_ref().to_owned(), value.as_ref().to_owned()));
    ClientSettings::from_java(given).unwrap().0
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

pub fn spec(name: &str) -> TopicSpec {
    TopicSpec { name: name.to_owned(), partitions: 1, replication: 1, configs: BTreeMap::new() }
}

pub type Outcome = Result<(i32, i64), Error>;

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

pub struct Silent;

impl RebalanceListener for Silent {
    fn assigned(&mut self, _: &[TopicPartition]) {}
    fn revoked(&mut self, _: &[TopicPartition], _: &mut Committer<'_>) {}
    fn lost(&mut self, _: &[TopicPartition]) {}
}

/// One client of each kind, all open at the same time.
pub struct Clients {
    pub topic: String,
    pub admin: Admin,
    pub producer: Producer,
    pub outcomes: Arc<Outcomes>,
    pub consumer: Consumer,
    pub log: CompactedLog,
    pub leading: Leading,
    next: u64,
}

impl Clients {
    pub fn open(client: &ClientSettings) -> Self {
        let topic = unique("secure");
        let admin = Admin::open(client, PATIENCE).unwrap();
        assert_eq!(block_on(admin.create_topic(&spec(&topic))).unwrap(), Creation::Created);
        let (producer, outcomes) = producer(client);
        let consumer = consumer(client, &topic);
        let log = block_on(CompactedLog::open(log(client), |_| {})).unwrap();
        let leading = block_on(log.lead(&unique("leader"))).unwrap();
        Self { topic, admin, producer, outcomes, consumer, log, leading, next: 0 }
    }

    /// Every client does what it is for, once.
    pub fn work(&mut self) {
        self.next += 1;
        let (token, value) = (self.next, self.next.to_string());
        let value = Some(value.as_bytes());
        self.producer.send(&Outgoing { topic: &self.topic, value, token, ..Outgoing::default() }).unwrap();
        let (_, offset) = self.outcomes.of(token).unwrap();
        let until = Instant::now() + PATIENCE;
        let mut last = -1;
        while last < offset {
            assert!(Instant::now() < until, "the record does not come");
            // A connection may be made anew at any time.
            if let Ok(messages) = self.consumer.fetch(10, Duration::from_millis(200)) {
                last = messages.iter().map(Message::offset).max().unwrap_or(last);
            }
        }
        block_on(async {
            assert!(self.admin.describe_topic(&self.topic).await.unwrap().is_some());
            self.log.append(b"key", value).await.unwrap();
            self.leading.append_all(&[(b"led", value)]).await.unwrap();
            self.log.read_to_end().await.unwrap();
        });
    }
}

pub fn producer(client: &ClientSettings) -> (Producer, Arc<Outcomes>) {
    let outcomes = Arc::new(Outcomes::default());
    let settings = ProducerSettings { client: client.clone(), delivery: outcomes.clone() };
    (Producer::open(settings).unwrap(), outcomes)
}

pub fn consumer(client: &ClientSettings, topic: &str) -> Consumer {
    let topics = Topics::Names(vec![topic.to_owned()]);
    let mut settings = ConsumerSettings::new(client.clone(), &unique("group"), topics, Box::new(Silent));
    settings.request_timeout = Duration::from_secs(5);
    Consumer::open(settings).unwrap()
}

pub fn log(client: &ClientSettings) -> LogSettings {
    LogSettings {
        client: client.clone(),
        client_id: "log".into(),
        topic: spec(&unique("log")),
        create: true,
        transactional: true,
        request_timeout: PATIENCE,
    }
}

/// Opens every kind of client and lets each do its work.
pub fn round_trip(client: &ClientSettings) {
    Clients::open(client).work();
}
