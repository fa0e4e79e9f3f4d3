//! A stream comes to Kafka whole and in order per key, while it is resharded and the worker is stopped and killed.

use crate::kinesis_sink::sink;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use penstock_tests::kafka::Record;
use penstock_tests::services::{Own, checkout};
use penstock_tests::{Kafka, Kinesis, SOON, Worker, unique, until};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(180);
const KEYS: u64 = 97;

pub fn source(kinesis: &Kinesis, stream: &str, tasks: usize, more: &[(&str, &str)]) -> Value {
    let mut config = json!({
        "connector.class": "KinesisSource",
        "tasks.max": tasks.to_string(),
        "kinesis.stream": stream,
        "aws.region": "us-east-1",
        "aws.endpoint": kinesis.url,
        "aws.access.key.id": "test",
        "aws.secret.access.key": "test-secret",
        "value.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
    });
    for (key, value) in more {
        config[*key] = json!(value);
    }
    config
}

/// The records of one round: each key once, with the number of the round.
fn round(number: u64) -> Vec<(String, Vec<u8>)> {
    (0..KEYS).map(|key| (format!("key-{key}"), number.to_string().into_bytes())).collect()
}

pub fn total(kafka: &Kafka, topic: &str) -> u64 {
    kafka.ends(topic).iter().sum::<i64>() as u64
}

/// The numbers of each key in the order of the topic, those that came again left out, and how many did.
fn by_key(records: &[Record]) -> (BTreeMap<String, Vec<u64>>, usize) {
    let (mut keys, mut seen, mut again) = (BTreeMap::<_, Vec<u64>>::new(), HashSet::new(), 0);
    for record in records {
        let number = record.header("kinesis.sequence.number").expect("a sequence number");
        let shard = record.header("kinesis.shard.id").expect("a shard");
        if !seen.insert((shard.to_owned(), number.to_owned())) {
            again += 1;
            continue;
        }
        let key = String::from_utf8(record.key.clone().unwrap()).unwrap();
        keys.entry(key).or_default().push(record.text().parse().unwrap());
    }
    (keys, again)
}

/// Every record of `rounds` is there, in order per key; the answer is how many came more than once.
#[track_caller]
pub fn assert_whole(kafka: &Kafka, topic: &str, rounds: u64) -> usize {
    let (keys, again) = by_key(&kafka.read(topic));
    assert_eq!(keys.len() as u64, KEYS);
    for (key, numbers) in keys {
        let wrong = numbers.iter().zip(0..).position(|(number, expected)| *number != expected);
        assert_eq!(wrong, None, "{key} is out of order or has a gap: {numbers:?}");
        assert_eq!(numbers.len() as u64, rounds, "{key} is not whole");
    }
    again
}

/// Writes rounds until it is told to end; the answer is how many.
struct Writer<'a> {
    kinesis: &'a Kinesis,
    stream: &'a str,
    is_done: AtomicBool,
    rounds: AtomicU64,
}

impl<'a> Writer<'a> {
    fn new(kinesis: &'a Kinesis, stream: &'a str) -> Self {
        Self { kinesis, stream, is_done: AtomicBool::new(false), rounds: AtomicU64::new(0) }
    }

    fn run(&self) {
        while !self.is_done.load(Ordering::Relaxed) {
            self.kinesis.put(self.stream, &round(self.rounds.load(Ordering::Relaxed)));
            self.rounds.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn until_further(&self, rounds: u64) {
        let from = self.rounds.load(Ordering::Relaxed);
        until("more rounds", LONG, || self.rounds.load(Ordering::Relaxed) >= from + rounds);
    }

    fn end(&self) {
        self.is_done.store(true, Ordering::Relaxed);
    }
}

/// As [`total`], without the marks that transactions leave.
fn count(kafka: &Kafka, topic: &str) -> u64 {
    kafka.read(topic).len() as u64
}

fn reshards_while_the_worker_goes_down(mode: &str, is_exact: bool) {
    let (kafka, kinesis) = (Kafka::shared(), Kinesis::shared());
    let (name, stream) = (unique("resharded"), unique("stream"));
    kafka.create_topic(&stream, 3);
    kinesis.create(&stream, 8);
    let (support, wanted) = if is_exact { ("enabled", "required") } else { ("disabled", "requested") };
    let worker = Worker::distributed().set("exactly.once.source.support", support);
    let mut worker = worker.set("offset.flush.interval.ms", "200").start();
    let own = [("kinesis.mode", mode), ("exactly.once.support", wanted)];
    worker.create(&name, &source(&kinesis, &stream, 2, &own));
    let writer = Writer::new(&kinesis, &stream);
    let rounds = thread::scope(|scope| {
        let writing = scope.spawn(|| writer.run());
        writer.until_further(10);
        until("first records", LONG, || count(&kafka, &stream) > 0);
        kinesis.reshard(&stream, 16);
        writer.until_further(10);
        worker.stop();
        writer.until_further(10);
        worker.start();
        let seen = count(&kafka, &stream);
        until("records after the clean start", LONG, || count(&kafka, &stream) > seen + 2 * KEYS);
        kinesis.reshard(&stream, 4);
        writer.until_further(10);
        let seen = count(&kafka, &stream);
        until("records on the way", LONG, || count(&kafka, &stream) > seen);
        worker.kill();
        writer.until_further(10);
        worker.start();
        writer.until_further(20);
        writer.end();
        writing.join().expect("the writer");
        writer.rounds.load(Ordering::Relaxed)
    });
    until("all records", LONG, || count(&kafka, &stream) >= rounds * KEYS);
    let complete = || by_key(&kafka.read(&stream)).0.values().all(|numbers| numbers.len() as u64 == rounds);
    until("every record", LONG, complete);
    let again = assert_whole(&kafka, &stream, rounds);
    let all = rounds * KEYS;
    println!(
        "{mode}: 8, 16, 4 shards, a stop and a kill: {all} records in order per key, {again} came twice"
    );
    assert!((again as u64) < all / 2, "stored offsets were of no use");
    // Nothing comes twice after a clean stop.
    let before = count(&kafka, &stream);
    worker.stop();
    worker.start();
    kinesis.put(&stream, &round(rounds));
    until("the last round", LONG, || count(&kafka, &stream) >= before + KEYS);
    assert_eq!(count(&kafka, &stream), before + KEYS);
    worker.stop();
    kinesis.delete(&stream);
}

#[test]
fn polling_keeps_all_records_in_order_through_reshards_a_stop_and_a_kill() {
    reshards_while_the_worker_goes_down("polling", false);
}

#[test]
fn fanout_keeps_all_records_in_order_through_reshards_a_stop_and_a_kill() {
    reshards_while_the_worker_goes_down("fanout", false);
}

#[test]
fn exactly_once_gives_no_record_twice_through_reshards_a_stop_and_a_kill() {
    reshards_while_the_worker_goes_down("polling", true);
}

#[test]
fn many_shards_are_all_read_at_once_by_two_tasks() {
    many_shards_are_read_at_once(2, "polling");
}

/// So many subscriptions take more than one connection.
#[test]
fn many_shards_are_all_subscribed_to_by_one_task() {
    many_shards_are_read_at_once(1, "fanout");
}

fn many_shards_are_read_at_once(tasks: usize, mode: &str) {
    let (kafka, kinesis) = (Kafka::shared(), Kinesis::shared());
    let (name, stream) = (unique("many"), unique("stream"));
    kafka.create_topic(&stream, 4);
    kinesis.create(&stream, 64);
    let mut worker = Worker::distributed().start();
    worker.create(&name, &source(&kinesis, &stream, tasks, &[("kinesis.mode", mode)]));
    let label = format!("connector=\"{name}\"");
    let open = || worker.metric("penstock_plugin_value", &[&label, "name=\"shards_open\""]);
    until("a reader for each shard", SOON, || open() >= 64.0);
    let mut worst = 0.0_f64;
    for number in 0..40 {
        kinesis.put(&stream, &round(number));
        let lags = worker.metric("penstock_plugin_value", &[&label, "name=\"lag_ms\"", "task=\"0\""]);
        worst = worst.max(lags);
    }
    until("all records", LONG, || total(&kafka, &stream) >= 40 * KEYS);
    assert_eq!(assert_whole(&kafka, &stream, 40), 0);
    let shards: HashSet<String> = kafka
        .read(&stream)
        .iter()
        .map(|record| record.header("kinesis.shard.id").unwrap().to_owned())
        .collect();
    println!(
        "64 shards on {tasks} tasks by {mode}: records of {} shards, the worst lag seen was {worst} ms",
        shards.len()
    );
    assert!(shards.len() > 32, "{shards:?}");
    assert!(worst <= 2000.0, "a shard was behind by {worst} ms");
    worker.stop();
    kinesis.delete(&stream);
}

#[test]
fn records_that_a_producer_has_packed_arrive_one_by_one() {
    let (kafka, kinesis) = (Kafka::shared(), Kinesis::shared());
    let (name, stream) = (unique("packed"), unique("stream"));
    let path = checkout().join("connectors/aws/src/kinesis/aggregate/vectors.json");
    let vectors: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    kafka.create_topic(&stream, 1);
    kinesis.create(&stream, 1);
    let mut expected = Vec::new();
    for vector in &vectors {
        let data = STANDARD.decode(vector["data"].as_str().unwrap()).unwrap();
        kinesis.put(&stream, &[(vector["partition_key"].as_str().unwrap().to_owned(), data)]);
        for (at, part) in vector["expect"].as_array().unwrap().iter().enumerate() {
            let number = if vector["aggregated"] == true { format!("/{at}") } else { String::new() };
            let value = STANDARD.decode(part[2].as_str().unwrap()).unwrap();
            expected.push((part[0].as_str().unwrap().to_owned(), part[1].clone(), number, value));
        }
    }
    let mut worker = Worker::distributed().start();
    worker.create(&name, &source(&kinesis, &stream, 1, &[]));
    until("all records", SOON, || total(&kafka, &stream) >= expected.len() as u64);
    let records = kafka.read(&stream);
    assert_eq!(records.len(), expected.len());
    for (record, (key, hash_key, number, value)) in records.iter().zip(expected) {
        assert_eq!(record.key.as_deref(), Some(key.as_bytes()));
        assert_eq!(record.value.as_deref().unwrap_or_default(), value);
        assert_eq!(record.header("kinesis.explicit.hash.key"), hash_key.as_str());
        assert_eq!(record.header("kinesis.stream"), Some(stream.as_str()));
        let given = record.header("kinesis.sequence.number").unwrap();
        assert_eq!(given.find('/').map_or("", |at| &given[at..]), number);
    }
    worker.stop();
    kinesis.delete(&stream);
}

#[test]
fn the_example_works() {
    let (kafka, kinesis, orders) = (Kafka::shared(), Kinesis::shared(), unique("orders"));
    let text = std::fs::read_to_string(checkout().join("config/kinesis-source.json")).unwrap();
    let mut config = serde_json::from_str::<Value>(&text).unwrap()["config"].take();
    for key in ["kinesis.stream", "topic"] {
        assert_eq!(config[key], "orders");
        config[key] = json!(orders);
    }
    config["aws.endpoint"] = json!(kinesis.url);
    kafka.create_topic(&orders, 1);
    kinesis.create(&orders, 1);
    kinesis.put(&orders, &[("k".to_owned(), b"{\"id\":1}".to_vec())]);
    // Without keys in the settings the environment has them.
    let worker = Worker::example("worker.properties").env("AWS_ACCESS_KEY_ID", "test");
    let mut worker = worker.env("AWS_SECRET_ACCESS_KEY", "test").start();
    worker.create(&orders, &config);
    until("the order", SOON, || total(&kafka, &orders) == 1);
    assert_eq!(kafka.read(&orders)[0].text(), "{\"id\":1}");
    worker.stop();
    kinesis.delete(&orders);
}

/// The other emulator has an implementation of its own, and none of the first one's gaps.
/// The emulator that a machine with Node.js can have beside the other one.
fn mock() -> Option<Own> {
    let there = |program: &&str| Command::new(program).arg("--version").output().is_ok();
    if ["node", "npm"].iter().all(there) {
        return Some(Own::start_with("kinesis", &[("KINESIS_ENGINE", "mock".to_owned())]));
    }
    println!("node and npm are not there: kinesis-mock was not tried");
    None
}

#[test]
fn another_emulator_is_read_through_a_reshard_too() {
    let Some(server) = mock() else { return };
    let (kafka, kinesis) = (Kafka::shared(), Kinesis::at(&server.address));
    let (name, stream) = (unique("mocked"), unique("stream"));
    kafka.create_topic(&stream, 2);
    kinesis.create(&stream, 2);
    let mut worker = Worker::distributed().set("offset.flush.interval.ms", "200").start();
    worker.create(&name, &source(&kinesis, &stream, 2, &[]));
    for number in 0..6 {
        kinesis.put(&stream, &round(number));
        if number == 2 {
            kinesis.reshard(&stream, 4);
        }
        if number == 4 {
            kinesis.reshard(&stream, 3);
        }
    }
    until("all records", LONG, || total(&kafka, &stream) >= 6 * KEYS);
    assert_eq!(assert_whole(&kafka, &stream, 6), 0);
    worker.stop();
}

/// Of the emulators only this one takes the ARN wherever AWS does.
#[test]
fn a_stream_is_written_and_read_by_its_arn_too() {
    let Some(server) = mock() else { return };
    let (kafka, kinesis) = (Kafka::shared(), Kinesis::at(&server.address));
    let (stream, from) = (unique("arn"), unique("from"));
    let names = ["polling", "fanout"].map(|mode| (mode, unique(mode)));
    kinesis.create(&stream, 2);
    let arn = kinesis.call("DescribeStreamSummary", &json!({ "StreamName": stream }))
        ["StreamDescriptionSummary"]["StreamARN"]
        .clone();
    let arn = arn.as_str().unwrap();
    kafka.create_topic(&from, 1);
    kafka.produce_values(&from, ["one", "two", "three"]);
    let mut worker = Worker::distributed().start();
    worker.create(&from, &sink(&kinesis, &from, arn, &[]));
    for (mode, name) in &names {
        kafka.create_topic(name, 1);
        let more = [("kinesis.mode", *mode), ("topic", name.as_str())];
        worker.create(name, &source(&kinesis, arn, 1, &more));
    }
    for (mode, name) in &names {
        until(mode, LONG, || total(&kafka, name) >= 3);
        let read = kafka.read(name);
        let values: BTreeSet<&str> = read.iter().map(Record::text).collect();
        assert_eq!(values, BTreeSet::from(["one", "two", "three"]), "{mode}");
        assert!(read.iter().all(|record| record.header("kinesis.stream") == Some(&stream)), "{mode}");
    }
    worker.stop();
}
