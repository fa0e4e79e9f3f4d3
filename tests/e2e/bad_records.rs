//! Bad records among good ones: exactly the bad ones are reported, and all the others arrive.

use crate::clickhouse::{LONG, await_committed, sink};
use penstock_tests::million::Records;
use penstock_tests::{ClickHouse, Kafka, Worker, merged, unique, until};
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn one_percent_bad_records_are_reported_and_the_others_arrive() {
    let records = Records { bad_every: Some(100), ..Records::million(1) };
    let (kafka, clickhouse) = (Kafka::shared(), ClickHouse::shared());
    let (topic, name, dead) = (unique("bad"), unique("bad"), unique("dead"));
    records.produce(&kafka, &topic);
    records.create_table(&clickhouse, &name);
    let mut worker = Worker::distributed().start();
    let config = merged(
        sink(&clickhouse, &topic, &name, 2),
        json!({
            "errors.tolerance": "all",
            "errors.deadletterqueue.topic.name": dead,
            "errors.deadletterqueue.topic.replication.factor": "1",
            "errors.deadletterqueue.context.headers.enable": "true",
        }),
    );
    worker.create(&name, &config);
    await_committed(&name, &topic);
    records.assert_exactly_once(&clickhouse, &name);
    let bad = records.total() - records.good();
    let label = format!("connector=\"{name}\"");
    let counted = || worker.metric("penstock_task_records_rejected_total", &[&label]) as u64;
    until("the metric to count the bad records", LONG, || counted() >= bad);
    assert_eq!(counted(), bad);
    assert_dead_letters(&kafka, &records, &topic, &dead);
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{name}`"));
}

/// Each bad record is in the dead letter topic once, unchanged, with headers that say where it was and what is wrong.
fn assert_dead_letters(kafka: &Kafka, records: &Records, topic: &str, dead: &str) {
    let letters = kafka.read(dead);
    let mut places = BTreeSet::new();
    for letter in &letters {
        let value: Value =
            serde_json::from_str(letter.text()).expect("a dead letter is the record's own text");
        let (part, seq) = (value["part"].as_u64().unwrap(), value["seq"].as_u64().unwrap());
        assert!(value["level"].is_string(), "a good record among the dead letters: {value}");
        assert_eq!(letter.key.as_deref(), Some(format!("{part}-{seq}").as_bytes()));
        assert_eq!(letter.header("__connect.errors.topic"), Some(topic));
        assert_eq!(letter.header("__connect.errors.partition"), Some(part.to_string().as_str()));
        assert_eq!(letter.header("__connect.errors.offset"), Some(seq.to_string().as_str()));
        let message = letter.header("__connect.errors.exception.message").unwrap_or_default();
        assert!(message.contains("level") && message.contains("Int32"), "names field and type: {message:?}");
        places.insert((part, seq));
    }
    let parts = 0..records.partitions;
    let all = parts.flat_map(|part| (0..records.per_partition).map(move |seq| (part, seq)));
    let expected: BTreeSet<_> = all.filter(|(_, seq)| records.is_bad(*seq)).collect();
    assert_eq!(places, expected, "the places of the dead letters");
    assert_eq!(letters.len(), expected.len(), "a bad record is reported once");
}

#[test]
fn without_tolerance_a_bad_record_fails_the_task_and_says_where_it_is() {
    let records = Records { per_partition: 200, bad_every: Some(100), ..Records::million(2) };
    let (kafka, clickhouse) = (Kafka::shared(), ClickHouse::shared());
    let (topic, name) = (unique("strict"), unique("strict"));
    records.produce(&kafka, &topic);
    records.create_table(&clickhouse, &name);
    let mut worker = Worker::distributed().allow(&name).start();
    worker.submit(&name, &sink(&clickhouse, &topic, &name, 1));
    let status = worker.await_status(&name, "to fail", |status| status["tasks"][0]["state"] == "FAILED");
    let trace = status["tasks"][0]["trace"].as_str().unwrap_or_default();
    assert!(trace.contains(&topic) && trace.contains("level") && trace.contains("Int32"), "{trace}");
    assert_eq!(status["connector"]["state"], "RUNNING", "a failed task is not a failed connector");
    let committed = kafka.committed(&format!("connect-{name}"), &topic);
    let past_the_first_bad = committed.iter().filter(|offset| **offset > 50).count();
    assert_eq!(past_the_first_bad, 0, "offsets moved past an unreported bad record: {committed:?}");
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{name}`"));
}
