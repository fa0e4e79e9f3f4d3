//! Connector configs with transforms, as people bring them along from Java.

use crate::clickhouse::{await_committed, sink as clickhouse_sink};
use crate::file_stream::sink as file_sink;
use penstock_tests::{ClickHouse, Kafka, SOON, Worker, merged, unique, until};
use serde_json::{Value, json};
use std::path::Path;

const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";

#[track_caller]
fn await_lines(file: &Path, expected: &str) {
    let read = || std::fs::read_to_string(file).unwrap_or_default();
    until(&format!("{} to hold {} bytes", file.display(), expected.len()), SOON, || {
        read().len() >= expected.len()
    });
    assert_eq!(read(), expected);
}

/// What Apache Kafka Connect 4.3.1 wrote to the sink's file with these configs; only the topic has another name.
const RECORDED: &str = "\
Struct{line=one,topic=TOPIC-raw,origin=***,partition=0,offset=0}
Struct{line=,topic=TOPIC-raw,origin=***,partition=0,offset=1}
Struct{line=größer, \"quoted\",topic=TOPIC-raw,origin=***,partition=0,offset=2}
";

fn source_config(file: &Path, topic: &str) -> Value {
    json!({
        "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
        "tasks.max": "1",
        "file": file.to_string_lossy(),
        "topic": format!("{topic}-raw"),
        "value.converter": JSON,
        "value.converter.schemas.enable": "true",
        "transforms": "hoist,insert,route,never",
        "transforms.hoist.type": "org.apache.kafka.connect.transforms.HoistField$Value",
        "transforms.hoist.field": "line",
        "transforms.insert.type": "org.apache.kafka.connect.transforms.InsertField$Value",
        "transforms.insert.topic.field": "topic",
        "transforms.insert.static.field": "origin!",
        "transforms.insert.static.value": "file",
        "transforms.route.type": "org.apache.kafka.connect.transforms.RegexRouter",
        "transforms.route.regex": "(.*)-raw",
        "transforms.route.replacement": "$1-clean",
        "transforms.route.predicate": "raw",
        "transforms.never.type": "org.apache.kafka.connect.transforms.Filter",
        "transforms.never.predicate": "clean",
        "transforms.never.negate": "true",
        "predicates": "raw,clean",
        "predicates.raw.type": "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
        "predicates.raw.pattern": ".*-raw",
        "predicates.clean.type": "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
        "predicates.clean.pattern": ".*-clean",
    })
}

fn sink_config(file: &Path, topic: &str) -> Value {
    merged(
        file_sink(file, &format!("{topic}-clean")),
        json!({
            "value.converter": JSON,
            "value.converter.schemas.enable": "true",
            "transforms": "mask,place",
            "transforms.mask.type": "org.apache.kafka.connect.transforms.MaskField$Value",
            "transforms.mask.fields": "origin",
            "transforms.mask.replacement": "***",
            "transforms.place.type": "org.apache.kafka.connect.transforms.InsertField$Value",
            "transforms.place.partition.field": "partition",
            "transforms.place.offset.field": "offset",
        }),
    )
}

#[test]
fn a_line_comes_out_of_its_transforms_as_of_javas() {
    let topic = unique("shape");
    Kafka::shared().create_topic(&format!("{topic}-clean"), 1);
    let mut worker = Worker::distributed().start();
    let (from, to) = (worker.path("in.txt"), worker.path("out.txt"));
    std::fs::write(&from, "one\n\ngrößer, \"quoted\"\n").unwrap();
    worker.create(&unique("reader"), &source_config(&from, &topic));
    worker.create(&unique("writer"), &sink_config(&to, &topic));
    await_lines(&to, &RECORDED.replace("TOPIC", &topic));
    worker.stop();
}

#[test]
fn records_that_a_transform_cannot_take_become_dead_letters() {
    let (topic, name, dead) = (unique("cast"), unique("cast"), unique("dead"));
    let kafka = Kafka::shared();
    kafka.create_topic(&topic, 1);
    let bad = "{\"price\":\"many\"}";
    kafka.produce_values(&topic, ["{\"price\":\"1\"}", bad, "null", "{\"price\":\"2\"}"]);
    let mut worker = Worker::distributed().start();
    let to = worker.path("out.txt");
    let config = merged(
        file_sink(&to, &topic),
        json!({
            "value.converter": JSON,
            "value.converter.schemas.enable": "false",
            "transforms": "gone,cast",
            "transforms.gone.type": "org.apache.kafka.connect.transforms.Filter",
            "transforms.gone.predicate": "tombstone",
            "predicates": "tombstone",
            "predicates.tombstone.type": "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone",
            "transforms.cast.type": "org.apache.kafka.connect.transforms.Cast$Value",
            "transforms.cast.spec": "price:int32",
            "errors.tolerance": "all",
            "errors.deadletterqueue.topic.name": dead,
            "errors.deadletterqueue.topic.replication.factor": "1",
            "errors.deadletterqueue.context.headers.enable": "true",
        }),
    );
    worker.create(&name, &config);
    await_lines(&to, "{price=1}\n{price=2}\n");
    await_committed(&name, &topic);
    let letters = kafka.read(&dead);
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].text(), bad, "a dead letter is the record's own text");
    assert_eq!(letters[0].header("__connect.errors.stage"), Some("TRANSFORMATION"));
    let class = "org.apache.kafka.connect.transforms.Cast$Value";
    assert_eq!(letters[0].header("__connect.errors.class.name"), Some(class));
    let message = letters[0].header("__connect.errors.exception.message").unwrap_or_default();
    assert!(
        message.contains("transforms.cast") && message.contains("price"),
        "names transform and field: {message}"
    );
    worker.stop();
}

#[test]
fn a_sink_that_decodes_by_itself_gets_transformed_records() {
    let (topic, name, table) = (unique("flat"), unique("flat"), unique("flat"));
    let (kafka, clickhouse) = (Kafka::shared(), ClickHouse::shared());
    kafka.create_topic(&topic, 1);
    let values: Vec<String> = (0..100)
        .map(|n| format!("{{\"id\":\"{n}\",\"who\":{{\"name\":\"n{n}\",\"age\":{n}}},\"x\":1}}"))
        .collect();
    kafka.produce_values(&topic, values.iter().map(String::as_str));
    clickhouse.query(&format!(
        "CREATE TABLE `{table}` (id Int64, who_name String, years Int32, at Int64) ENGINE = MergeTree ORDER BY id"
    ));
    let mut worker = Worker::distributed().start();
    let config = merged(
        // The topic that the router makes is the one that names the table.
        clickhouse_sink(&clickhouse, &format!("{topic}-routed"), &table, 1),
        json!({
            "topics": topic,
            "transforms": "flatten,rename,cast,offset,route",
            "transforms.flatten.type": "org.apache.kafka.connect.transforms.Flatten$Value",
            "transforms.flatten.delimiter": "_",
            "transforms.rename.type": "org.apache.kafka.connect.transforms.ReplaceField$Value",
            "transforms.rename.exclude": "x",
            "transforms.rename.renames": "who_age:years",
            "transforms.cast.type": "org.apache.kafka.connect.transforms.Cast$Value",
            "transforms.cast.spec": "id:int64",
            "transforms.offset.type": "org.apache.kafka.connect.transforms.InsertField$Value",
            "transforms.offset.offset.field": "at",
            "transforms.route.type": "org.apache.kafka.connect.transforms.RegexRouter",
            "transforms.route.regex": ".*",
            "transforms.route.replacement": "$0-routed",
        }),
    );
    worker.create(&name, &config);
    until("all rows to arrive", SOON, || clickhouse.count(&table) >= 100);
    let wrong = format!(
        "SELECT count() FROM `{table}` WHERE who_name != concat('n', toString(id)) OR years != id OR at != id"
    );
    assert_eq!(clickhouse.query(&wrong).trim(), "0");
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{table}`"));
}
