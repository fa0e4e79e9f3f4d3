//! Previews: what a connector would bring is shown, and nothing of it is written or kept.

use crate::datagen::datagen;
use crate::kinesis::source;
use crate::pipe::to_clickhouse;
use crate::s3::{alone, pipe};
use penstock_tests::files::append;
use penstock_tests::{Bucket, ClickHouse, Kafka, Kinesis, Rest, SOON, Worker, merged, unique, until, with};
use serde_json::{Value, json};
use std::fmt::Write;

fn preview(rest: &Rest, config: &Value, records: u32) -> Vec<Value> {
    let body = json!({ "config": config, "records": records });
    let answer = rest.post("/penstock/v1/preview", &body).expect(200);
    answer["records"].as_array().unwrap().clone()
}

fn refused(rest: &Rest, body: &Value) -> String {
    rest.post("/penstock/v1/preview", body).expect(400)["message"].as_str().unwrap().to_owned()
}

/// The same part of each record.
fn parts<'a>(records: &'a [Value], pointer: &str) -> Vec<&'a Value> {
    records.iter().map(|record| record.pointer(pointer).unwrap_or(&Value::Null)).collect()
}

#[test]
fn a_pipe_is_shown_before_and_after_its_transforms_without_any_kafka() {
    let (clickhouse, table) = (ClickHouse::shared(), unique("preview"));
    clickhouse.query(&format!("CREATE TABLE `{table}` (n UInt64, by String) ENGINE = MergeTree ORDER BY n"));
    let mut worker = alone();
    let from = worker.path("in.jsonl");
    append(&from, "{\"n\":1}\n{\"n\":2}\nno json\n{\"n\":4}\n");
    let more = json!({
        "name": "looked-at",
        "tasks.max": "3",
        "errors.tolerance": "all",
        "transforms": "by",
        "transforms.by.type": "org.apache.kafka.connect.transforms.InsertField$Value",
        "transforms.by.static.field": "by",
        "transforms.by.static.value": "hand",
    });
    let config = merged(to_clickhouse(&from, &clickhouse, &table), more);
    // Twice: nothing is left of the first.
    for _ in 0..2 {
        let shown = preview(&worker.rest, &config, 10);
        assert_eq!(parts(&shown, "/before/value"), ["{\"n\":1}", "{\"n\":2}", "no json", "{\"n\":4}"]);
        let after = json!([
            "{\"n\":1,\"by\":\"hand\"}",
            "{\"n\":2,\"by\":\"hand\"}",
            null,
            "{\"n\":4,\"by\":\"hand\"}"
        ]);
        assert_eq!(json!(parts(&shown, "/after/value")), after);
        assert_eq!(shown[2]["error"]["stage"], "VALUE_CONVERTER", "{}", shown[2]);
        assert!(shown[0].get("error").is_none(), "{}", shown[0]);
    }
    assert_eq!(preview(&worker.rest, &config, 1).len(), 1);
    assert_eq!(worker.rest.get("/connectors").expect(200), json!([]));
    assert_eq!(clickhouse.count(&table), 0);
    let metrics = worker.rest.get("/metrics").expect(200).to_string();
    assert!(!metrics.contains("looked-at"), "{metrics}");
    worker.submit("looked-at", &config);
    until("the rows", SOON, || clickhouse.count(&table) == 3);
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{table}`"));
}

#[test]
fn a_sink_is_shown_the_newest_records_of_its_topics_and_joins_no_group() {
    let (kafka, topic) = (Kafka::shared(), unique("preview"));
    kafka.create_topic(&topic, 2);
    let mut numbers = 0..20;
    kafka.produce(&topic, |_, value| {
        let number = numbers.next()?;
        let _ = write!(value, "{{\"n\":{number}}}");
        Some(number % 2)
    });
    let mut worker = Worker::distributed().start();
    let out = worker.path("out.txt");
    let config = json!({
        "name": unique("looked-at"),
        "connector.class": "FileStreamSink",
        "file": out.to_string_lossy(),
        "topics": topic,
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
        "transforms": "only",
        "transforms.only.type": "org.apache.kafka.connect.transforms.Filter",
        "transforms.only.predicate": "there",
        "predicates": "there",
        "predicates.there.type": "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
        "predicates.there.pattern": "another",
    });
    let mut shown = preview(&worker.rest, &config, 4);
    shown.sort_by_key(|record| record["before"]["value"].to_string());
    let numbers = [16, 17, 18, 19];
    assert_eq!(json!(parts(&shown, "/before/value")), json!(numbers.map(|n| format!("{{\"n\":{n}}}"))));
    assert_eq!(json!(parts(&shown, "/after/value")), json!(numbers.map(|n| json!({ "n": n }))));
    let places: Vec<_> =
        shown.iter().map(|record| (&record["after"]["partition"], &record["after"]["offset"])).collect();
    assert_eq!(json!(places), json!([[0, 8], [1, 8], [0, 9], [1, 9]]));
    let filtered = with(config.clone(), &[("predicates.there.pattern", "preview.*")]);
    assert_eq!(json!(parts(&preview(&worker.rest, &filtered, 2), "/after")), json!([null, null]));
    let broken =
        with(config.clone(), &[("value.converter", "org.apache.kafka.connect.converters.IntegerConverter")]);
    assert_eq!(parts(&preview(&worker.rest, &broken, 1), "/error/stage"), ["VALUE_CONVERTER"]);
    let message =
        refused(&worker.rest, &json!({ "config": with(config.clone(), &[("topics", "nowhere-at-all")]) }));
    assert_eq!(message, "topics: there is no topic nowhere-at-all");
    assert!(!out.exists());
    let group = format!("connect-{}", config["name"].as_str().unwrap());
    assert_eq!(kafka.committed(&group, &topic), [-1, -1]);
    worker.stop();
}

#[test]
fn a_source_is_shown_as_its_transforms_leave_it_and_registers_nobody() {
    let (kinesis, stream) = (Kinesis::shared(), unique("preview"));
    kinesis.create(&stream, 2);
    kinesis.put(
        &stream,
        &(0..20).map(|n| (format!("key-{n}"), format!("value {n}").into_bytes())).collect::<Vec<_>>(),
    );
    let mut worker = Worker::standalone().start();
    let fanout = [
        ("kinesis.mode", "fanout"),
        ("transforms", "to"),
        ("transforms.to.type", "org.apache.kafka.connect.transforms.RegexRouter"),
        ("transforms.to.regex", ".*"),
        ("transforms.to.replacement", "elsewhere"),
    ];
    let shown = preview(&worker.rest, &source(&kinesis, &stream, 2, &fanout), 5);
    assert_eq!(shown.len(), 5);
    assert_eq!(json!(parts(&shown, "/after/topic")), json!(vec!["elsewhere"; 5]));
    assert!(parts(&shown, "/before/value").iter().all(|value| value.as_str().unwrap().starts_with("value ")));
    assert!(kinesis.consumers(&stream).is_empty());
    worker.stop();
    kinesis.delete(&stream);
}

#[test]
fn what_cannot_be_shown_is_refused_with_its_reason() {
    let mut worker = Worker::standalone().start();
    let topic = unique("preview");
    let config = datagen(&topic, &[]);
    for (body, expected) in [
        (json!({}), "config: missing, expected an object"),
        (json!({ "config": config, "records": 0 }), "records: expected a number from 1 to 100, got 0"),
        (json!({ "config": config, "records": "9" }), "records: expected a number from 1 to 100, got \"9\""),
        (json!({ "config": config, "count": 1 }), "body: \"count\" is no field, expected config or records"),
    ] {
        assert_eq!(refused(&worker.rest, &body), expected);
    }
    let wrong = json!({ "config": with(config, &[("connector.class", "Nobody")]) });
    assert!(refused(&worker.rest, &wrong).contains("Nobody"));
    worker.stop();
}

/// Nobody listens there: asking it would be noticed.
const NOWHERE: &str = "http://127.0.0.1:9";

#[test]
fn files_are_listed_where_a_connector_would_take_them_from_a_queue() {
    let (bucket, name) = (Bucket::create("penstock-preview"), unique("preview"));
    bucket.put(&format!("{name}/a.jsonl"), b"{\"n\":1}\n{\"n\":2}\n");
    let queue = format!("{NOWHERE}/000000000000/files");
    let more = [("source.s3.mode", "continuous"), ("source.s3.sqs.queue.url", queue.as_str())];
    let mut worker = alone();
    let shown = preview(&worker.rest, &pipe(&bucket, &ClickHouse::shared(), &name, &more), 5);
    assert_eq!(parts(&shown, "/before/value"), ["{\"n\":1}", "{\"n\":2}"]);
    assert_eq!(parts(&shown, "/after/topic"), [name.as_str(); 2]);
    worker.stop();
}

#[test]
fn a_source_that_would_change_something_says_so() {
    let mut worker = alone();
    let config = json!({
        "connector.class": "Pipe",
        "source.connector.class": "DynamoDb",
        "source.dynamodb.table": "Orders",
        "source.dynamodb.export.bucket": "exports",
        "source.kinesis.stream": "orders",
        "source.aws.region": "us-east-1",
        "source.aws.endpoint": NOWHERE,
        "source.aws.access.key.id": "test",
        "source.aws.secret.access.key": "test-secret",
        "sink.connector.class": "FileStreamSink",
        "sink.file": worker.path("out.txt").to_string_lossy(),
    });
    let told = refused(&worker.rest, &json!({ "config": config }));
    assert!(told.starts_with("opening the source: DynamoDb has no preview"), "{told}");
    worker.stop();
}
