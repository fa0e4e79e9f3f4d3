//! Topics come to a stream whole and in order per key, whatever the stream refuses and whenever the worker dies.

use crate::clickhouse::await_committed;
use crate::kinesis::{source, total};
use penstock_tests::kafka::Record;
use penstock_tests::services::{Own, checkout};
use penstock_tests::{Kafka, Kinesis, SOON, Worker, unique, until};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(120);
const PARTITIONS: i32 = 3;
const KEYS: u64 = 30;

pub fn sink(kinesis: &Kinesis, topic: &str, stream: &str, more: &[(&str, &str)]) -> Value {
    let mut config = json!({
        "connector.class": "KinesisSink",
        "tasks.max": "2",
        "topics": topic,
        "kinesis.stream": stream,
        "aws.region": "us-east-1",
        "aws.endpoint": kinesis.url,
        "aws.access.key.id": "test",
        "aws.secret.access.key": "test-secret",
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
    });
    for (key, value) in more {
        config[*key] = json!(value);
    }
    config
}

/// Each key once in each round, always in the same partition.
fn produce(kafka: &Kafka, topic: &str, rounds: std::ops::Range<u64>) {
    let mut all = rounds.flat_map(|round| (0..KEYS).map(move |key| (round, key)));
    kafka.produce(topic, |key, value| {
        let (round, number) = all.next()?;
        let _ = write!(key, "key-{number}");
        value.push_str(&round.to_string());
        Some(number as i32 % PARTITIONS)
    });
}

/// The rounds of each key as the stream has them, without those that came again, and how many did.
fn by_key(kinesis: &Kinesis, stream: &str) -> (BTreeMap<String, Vec<u64>>, usize) {
    let (mut keys, mut seen, mut again) = (BTreeMap::<String, Vec<u64>>::new(), BTreeSet::new(), 0);
    for (_, key, data) in kinesis.read(stream) {
        let round = String::from_utf8(data).unwrap().parse().unwrap();
        if seen.insert((key.clone(), round)) {
            keys.entry(key).or_default().push(round);
        } else {
            again += 1;
        }
    }
    (keys, again)
}

#[track_caller]
fn assert_whole(kinesis: &Kinesis, stream: &str, rounds: u64) -> usize {
    let (keys, again) = by_key(kinesis, stream);
    assert_eq!(keys.len() as u64, KEYS);
    for (key, found) in keys {
        assert!(found.iter().copied().eq(0..rounds), "{key} is out of order or has a gap: {found:?}");
    }
    again
}

#[test]
fn refused_requests_and_entries_break_no_order_and_a_kill_loses_nothing() {
    let faults = "PutRecords/4=ProvisionedThroughputExceededException,PutRecords/9=InternalFailure:500,\
                  PutRecords/13=KMSThrottlingException";
    let settings = [("KINESIS_FAULTS", faults), ("KINESIS_REFUSED_ENTRIES", "7")];
    let server = Own::start_with("kinesis", &settings.map(|(key, value)| (key, value.to_owned())));
    let (kafka, kinesis) = (Kafka::shared(), Kinesis::at(&server.address));
    let (name, stream) = (unique("refused"), unique("stream"));
    kafka.create_topic(&name, PARTITIONS);
    kinesis.create(&stream, 4);
    produce(&kafka, &name, 0..20);
    let builder = Worker::distributed().allow("the destination is not ready");
    // With all that is refused a write takes its time; one that partitions did not wait for would go on counting.
    let mut worker = builder.set("task.shutdown.graceful.timeout.ms", "60000").start();
    worker.create(&name, &sink(&kinesis, &name, &stream, &[]));
    let seen = || by_key(&kinesis, &stream).0.values().map(Vec::len).sum::<usize>() as u64;
    until("the first records", LONG, || seen() > 0);
    worker.kill();
    produce(&kafka, &name, 20..40);
    worker.start();
    until("all records", LONG, || seen() >= 40 * KEYS);
    let again = assert_whole(&kinesis, &stream, 40);
    println!("{} records in order per key, {again} came again by a kill", 40 * KEYS);
    for counter in ["throttles", "records_retried", "records_put"] {
        until(counter, SOON, || worker.plugin_events(&name, counter) > 0);
    }
    // What was taken of a batch is not sent again because something else of it was refused. The stream has a record
    // before the worker knows it; once offsets are committed, both are at rest.
    await_committed(&name, &name);
    let (put, before) = (worker.plugin_events(&name, "records_put"), kinesis.read(&stream).len() as u64);
    produce(&kafka, &name, 40..50);
    await_committed(&name, &name);
    assert_eq!(seen(), 50 * KEYS);
    assert_eq!(worker.plugin_events(&name, "records_put"), put + 10 * KEYS);
    assert_eq!(kinesis.read(&stream).len() as u64, before + 10 * KEYS);
    worker.stop();
}

#[test]
fn packed_records_go_round_through_our_own_source() {
    let settings = [("KINESIS_REFUSED_ENTRIES", "5".to_owned())];
    let server = Own::start_with("kinesis", &settings);
    let (kafka, kinesis) = (Kafka::shared(), Kinesis::at(&server.address));
    let (name, back) = (unique("packing"), unique("back"));
    kafka.create_topic(&name, PARTITIONS);
    kafka.create_topic(&back, 1);
    kinesis.create(&name, 4);
    produce(&kafka, &name, 0..100);
    let mut worker = Worker::distributed().start();
    worker.create(&name, &sink(&kinesis, &name, &name, &[("kinesis.aggregation", "true")]));
    worker.create(&back, &source(&kinesis, &name, 1, &[("topic", &back)]));
    until("all records", LONG, || total(&kafka, &back) >= 100 * KEYS);
    let mut keys = BTreeMap::<Vec<u8>, Vec<u64>>::new();
    for record in kafka.read(&back) {
        keys.entry(record.key.clone().unwrap()).or_default().push(record.text().parse().unwrap());
    }
    assert_eq!(keys.len() as u64, KEYS);
    assert!(keys.values().all(|rounds| rounds.iter().copied().eq(0..100)), "{keys:?}");
    let records = kinesis.read(&name).len() as u64;
    assert!(records < 100 * KEYS / 5, "{records} records of Kinesis for {}", 100 * KEYS);
    worker.stop();
}

#[test]
fn bad_records_are_told_with_their_size_and_the_others_arrive() {
    let (kafka, kinesis, name) = (Kafka::shared(), Kinesis::shared(), unique("sizes"));
    let dead = unique("dead");
    kafka.create_topic(&name, 1);
    kinesis.create(&name, 2);
    let record = |key: &str, value: Option<&str>, hash_key: Option<&str>| Record {
        partition: 0,
        offset: 0,
        key: Some(key.into()),
        value: value.map(Into::into),
        headers: hash_key.map(|text| ("hash".to_owned(), text.into())).into_iter().collect(),
    };
    let large = "x".repeat(2000);
    kafka.append(
        &name,
        &[
            record("large", Some(&large), None),
            record("a", Some("last shard"), Some(&u128::MAX.to_string())),
            record("b", Some("first shard"), Some("0")),
            record("c", Some("nowhere"), Some("-1")),
            record("gone", None, None),
        ],
    );
    let mut worker = Worker::distributed().start();
    let more = [
        ("kinesis.record.bytes.max", "1024"),
        ("kinesis.explicit.hash.key.header", "hash"),
        ("errors.tolerance", "all"),
        ("errors.deadletterqueue.topic.name", dead.as_str()),
        ("errors.deadletterqueue.topic.replication.factor", "1"),
        ("errors.deadletterqueue.context.headers.enable", "true"),
    ];
    worker.create(&name, &sink(&kinesis, &name, &name, &more));
    until("the dead letters", SOON, || kafka.partitions(&dead) > 0 && kafka.read(&dead).len() == 3);
    let found: Vec<(String, String)> =
        kinesis.read(&name).into_iter().map(|(shard, key, _)| (shard, key)).collect();
    let expected = [("shardId-000000000000", "b"), ("shardId-000000000001", "a")];
    assert_eq!(found, expected.map(|(shard, key)| (shard.to_owned(), key.to_owned())));
    let letters = kafka.read(&dead);
    let told = letters.iter().filter_map(|letter| letter.header("__connect.errors.exception.message"));
    let told = told.collect::<Vec<_>>().join("\n");
    for sentence in [
        "a record of 2005 bytes, with its key, is larger than the 1024 of kinesis.record.bytes.max",
        "expected a decimal number below 2^128 in header hash, got \"-1\"",
        "the record has no value, which Kinesis does not know",
    ] {
        assert!(told.contains(sentence), "{told}");
    }
    worker.stop();
    kinesis.delete(&name);
}

#[test]
fn denied_access_names_stream_action_and_who_asked() {
    let settings = [("KINESIS_FAULTS", "PutRecords/1=AccessDeniedException".to_owned())];
    let server = Own::start_with("kinesis", &settings);
    let (kafka, kinesis, name) = (Kafka::shared(), Kinesis::at(&server.address), unique("denied"));
    kafka.create_topic(&name, 1);
    kinesis.create(&name, 1);
    let mut worker = Worker::distributed().allow("is denied to").start();
    let path = "/connector-plugins/KinesisSink/config/validate";
    let wrong = sink(&kinesis, &name, "nowhere", &[]);
    let told = worker.rest.send("PUT", path, Some(&wrong)).unwrap().expect(200).to_string();
    assert!(told.contains("there is no stream nowhere for access key test in region us-east-1"), "{told}");
    kafka.put(&name, "k", Some("v"));
    worker.submit(&name, &sink(&kinesis, &name, &name, &[("tasks.max", "1")]));
    let status = worker.await_status(&name, "to fail", |status| status["tasks"][0]["state"] == "FAILED");
    let trace = status["tasks"][0]["trace"].as_str().unwrap_or_default();
    let expected = format!("stream {name}: kinesis:PutRecords is denied to access key test");
    assert!(trace.contains(&expected), "{trace}");
    worker.stop();
}

#[test]
fn the_example_works() {
    let (kafka, kinesis, orders) = (Kafka::shared(), Kinesis::shared(), unique("orders"));
    let text = std::fs::read_to_string(checkout().join("config/kinesis-sink.json")).unwrap();
    let mut config = serde_json::from_str::<Value>(&text).unwrap()["config"].take();
    for key in ["kinesis.stream", "topics"] {
        assert_eq!(config[key], "orders");
        config[key] = json!(orders);
    }
    config["aws.endpoint"] = json!(kinesis.url);
    kafka.create_topic(&orders, 1);
    kinesis.create(&orders, 1);
    kafka.put(&orders, "k", Some("{\"id\":1}"));
    let worker = Worker::example("worker.properties").env("AWS_ACCESS_KEY_ID", "test");
    let mut worker = worker.env("AWS_SECRET_ACCESS_KEY", "test").start();
    worker.create(&orders, &config);
    until("the order", SOON, || !kinesis.read(&orders).is_empty());
    let (_, key, data) = kinesis.read(&orders).remove(0);
    assert_eq!((key.as_str(), data.as_slice()), ("k", &b"{\"id\":1}"[..]));
    worker.stop();
    kinesis.delete(&orders);
}
