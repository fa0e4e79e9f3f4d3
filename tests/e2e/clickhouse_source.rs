//! From ClickHouse to Kafka, and back: nothing is missing, whatever is inserted, killed or altered meanwhile.

use crate::clickhouse::{LONG, sink};
use penstock_tests::services::{Own, checkout, registry};
use penstock_tests::{ClickHouse, Kafka, SOON, Worker, unique, until, until_some};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A table whose rows share the values of their growing column by ten.
pub fn create(clickhouse: &ClickHouse, table: &str) {
    clickhouse.query(&format!(
        "CREATE TABLE `{table}` (id UInt32, at DateTime64(3), price Decimal(10, 2), tags Array(LowCardinality(String)), \
         note Nullable(String), uid UUID, big UInt64, attrs Map(String, Int64), place Tuple(city String, zip UInt32), \
         state Enum8('new' = 1, 'paid' = 2), day Date, ip IPv4) ENGINE = MergeTree ORDER BY at"
    ));
}

pub fn insert(clickhouse: &ClickHouse, table: &str, ids: std::ops::Range<u64>) {
    let (start, count) = (ids.start, ids.end - ids.start);
    clickhouse.query(&format!(
        "INSERT INTO `{table}` SELECT {start} + number AS id, fromUnixTimestamp64Milli(toInt64(1767225600000 + \
         intDiv(id, 10))), id / 100, arrayMap(x -> concat('tag \"', toString(x), '\"'), range(id % 4)), \
         if(id % 3 = 0, NULL, concat('ü ', toString(id))), reinterpretAsUUID(sipHash128(id)), sipHash64(id), \
         map('a', id, 'b', -toInt64(id)), (toString(id), id), id % 2 + 1, toDate('2026-01-01') + id % 365, \
         toIPv4(toUInt32(id)) FROM numbers({count})"
    ));
}

pub fn source(clickhouse: &ClickHouse, table: &str, topic: &str, more: &[(&str, &str)]) -> Value {
    let mut config = json!({
        "connector.class": "ClickHouseSource",
        "tasks.max": "1",
        "hostname": clickhouse.host(),
        "port": clickhouse.port(),
        "table": table,
        "cursorColumn": "at",
        "topic": topic,
        "decimals": "string",
        "pollIntervalMs": "50",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
    });
    for (key, value) in more {
        config[*key] = json!(value);
    }
    config
}

/// How often each id came.
pub fn ids(kafka: &Kafka, topic: &str) -> BTreeMap<u64, u64> {
    let mut counts = BTreeMap::new();
    for record in kafka.read(topic) {
        let value: Value = serde_json::from_str(record.text()).unwrap();
        *counts.entry(value["id"].as_u64().unwrap()).or_default() += 1;
    }
    counts
}

fn total(kafka: &Kafka, topic: &str) -> i64 {
    kafka.ends(topic).iter().sum()
}

/// What `left` and `right` do not have in common, by the server's own comparison.
fn difference(clickhouse: &ClickHouse, left: &str, right: &str) -> String {
    let rows = |table: &str| format!("SELECT *, count() AS times FROM `{table}` GROUP BY ALL");
    let (left, right) = (rows(left), rows(right));
    clickhouse.query(&format!(
        "SELECT * FROM ({left} EXCEPT {right}) UNION ALL SELECT * FROM ({right} EXCEPT {left}) LIMIT 5"
    ))
}

/// A table goes to Kafka and comes back the same while it grows.
fn goes_round(clickhouse: &ClickHouse) {
    let kafka = Kafka::shared();
    let (table, copy, topic) = (unique("from"), unique("to"), unique("rows"));
    kafka.create_topic(&topic, 1);
    create(clickhouse, &table);
    create(clickhouse, &copy);
    insert(clickhouse, &table, 0..5_000);
    let mut worker = Worker::distributed().start();
    worker.create(&table, &source(clickhouse, &table, &topic, &[("batchRows", "700")]));
    worker.create(&copy, &sink(clickhouse, &topic, &copy, 1));
    // Rows with a value that was read already come later than those behind it in the same insert.
    for start in (5_000..9_000).step_by(503) {
        let end = (start + 503).min(9_000);
        insert(clickhouse, &table, start..end);
        until("the new rows in Kafka", LONG, || total(&kafka, &topic) >= end as i64);
    }
    until("all rows in the copy", LONG, || clickhouse.count(&copy) >= 9_000);
    assert_eq!(total(&kafka, &topic), 9_000);
    assert_eq!(clickhouse.count(&copy), 9_000);
    assert_eq!(difference(clickhouse, &table, &copy), "");
    let order: Vec<u64> = kafka
        .read(&topic)
        .iter()
        .map(|record| serde_json::from_str::<Value>(record.text()).unwrap()["at"].as_u64().unwrap())
        .collect();
    assert!(order.is_sorted(), "one task keeps the order of the growing column");
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{table}`, `{copy}`"));
}

#[test]
fn a_table_goes_to_kafka_and_comes_back_the_same_while_it_grows() {
    goes_round(&ClickHouse::shared());
}

#[test]
fn a_table_of_an_older_clickhouse_goes_to_kafka_and_comes_back_the_same() {
    let server = Own::start_with("clickhouse", &[("CLICKHOUSE_ENGINE", "26.7".to_owned())]);
    let clickhouse = ClickHouse::at(&server.address);
    assert_eq!(clickhouse.query("SELECT left(version(), 4)"), "26.7");
    goes_round(&clickhouse);
}

#[test]
fn raw_json_comes_back_the_same_too() {
    let (kafka, clickhouse) = (Kafka::shared(), ClickHouse::shared());
    let (table, copy, topic) = (unique("from"), unique("to"), unique("rows"));
    kafka.create_topic(&topic, 2);
    create(&clickhouse, &table);
    create(&clickhouse, &copy);
    insert(&clickhouse, &table, 0..2_000);
    let mut worker = Worker::distributed().start();
    let text = "org.apache.kafka.connect.storage.StringConverter";
    let raw =
        [("valueFormat", "json"), ("keyColumns", "uid"), ("value.converter", text), ("decimals", "decimal")];
    worker.create(&table, &source(&clickhouse, &table, &topic, &raw));
    worker.create(&copy, &sink(&clickhouse, &topic, &copy, 1));
    until("all rows in the copy", LONG, || clickhouse.count(&copy) >= 2_000);
    assert_eq!(difference(&clickhouse, &table, &copy), "");
    for record in kafka.read(&topic) {
        let value: Value = serde_json::from_str(record.text()).unwrap();
        assert_eq!(value["uid"].as_str().map(str::as_bytes), record.key.as_deref());
    }
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{table}`, `{copy}`"));
}

#[test]
fn nothing_is_missing_when_the_worker_is_killed_among_ties_and_inserts() {
    let (kafka, clickhouse) = (Kafka::shared(), ClickHouse::shared());
    let (table, topic) = (unique("killed"), unique("rows"));
    kafka.create_topic(&topic, 1);
    create(&clickhouse, &table);
    insert(&clickhouse, &table, 0..40_000);
    let mut worker = Worker::distributed().set("offset.flush.interval.ms", "50").start();
    worker.submit(&table, &source(&clickhouse, &table, &topic, &[("batchRows", "97")]));
    let mut there = 40_000;
    for kill in 1..=3_i64 {
        let seen = total(&kafka, &topic);
        until("more records", LONG, || total(&kafka, &topic) > seen + 500);
        worker.kill();
        // In the middle of a value, too.
        insert(&clickhouse, &table, there..there + 1_003);
        there += 1_003;
        assert!(total(&kafka, &topic) < there as i64, "kill {kill} came when all was read: it shows nothing");
        worker.start();
    }
    until("all rows", LONG, || ids(&kafka, &topic).len() as u64 == there);
    let counts = ids(&kafka, &topic);
    let doubled = counts.values().filter(|count| **count > 1).count();
    println!("killed three times: nothing missing, {doubled} of {there} rows came twice");
    assert!(counts.keys().copied().eq(0..there));
    assert!((doubled as u64) < there, "no stored offset was of any use");
    // A clean stop repeats nothing.
    let before = total(&kafka, &topic);
    worker.stop();
    worker.start();
    insert(&clickhouse, &table, there..there + 7);
    until("the last rows", LONG, || total(&kafka, &topic) >= before + 7);
    assert_eq!(total(&kafka, &topic), before + 7);
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{table}`"));
}

#[test]
fn avro_carries_decimals_and_times_with_their_meaning() {
    let (kafka, clickhouse, registry) = (Kafka::shared(), ClickHouse::shared(), registry());
    let (table, topic, reader) = (unique("avro"), unique("rows"), unique("reader"));
    kafka.create_topic(&topic, 1);
    create(&clickhouse, &table);
    insert(&clickhouse, &table, 7..8);
    let avro = "io.confluent.connect.avro.AvroConverter";
    let own = [
        ("value.converter", avro),
        ("value.converter.schema.registry.url", registry.as_str()),
        ("decimals", "decimal"),
        ("wideIntegers", "decimal"),
    ];
    let mut worker = Worker::distributed().start();
    worker.create(&table, &source(&clickhouse, &table, &topic, &own));
    until("the row", SOON, || total(&kafka, &topic) == 1);
    let asked = penstock_tests::Rest::new(&registry)
        .get(&format!("/subjects/{topic}-value/versions/latest"))
        .expect(200);
    let schema: Value = serde_json::from_str(asked["schema"].as_str().unwrap()).unwrap();
    let field = |name: &str| {
        let fields = schema["fields"].as_array().unwrap();
        fields.iter().find(|field| field["name"] == name).unwrap()["type"].clone()
    };
    assert_eq!((&field("price")["logicalType"], &field("price")["scale"]), (&json!("decimal"), &json!(2)));
    assert_eq!(field("at")["logicalType"], "timestamp-millis");
    assert_eq!(field("day")["logicalType"], "date");
    assert_eq!(field("note"), json!(["null", "string"]));
    let file = worker.path("rows.txt");
    worker.create(
        &reader,
        &json!({
            "connector.class": "FileStreamSink",
            "tasks.max": "1",
            "file": file,
            "topics": topic,
            "value.converter": avro,
            "value.converter.schema.registry.url": registry,
        }),
    );
    let text = || std::fs::read_to_string(&file).unwrap_or_default();
    until("the line", SOON, || text().ends_with('\n'));
    assert!(text().contains("id=7,at=1767225600000,") && text().contains(",note=ü 7,"), "{}", text());
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{table}`"));
}

#[test]
fn tables_are_shared_out_and_offsets_are_altered_or_refused() {
    let (kafka, clickhouse) = (Kafka::shared(), ClickHouse::shared());
    let (a, b, name) = (unique("a"), unique("b"), unique("several"));
    for (table, rows) in [(&a, 30), (&b, 50)] {
        kafka.create_topic(&format!("ch.{table}"), 1);
        create(&clickhouse, table);
        insert(&clickhouse, table, 0..rows);
    }
    let more = [("table", ""), ("tables", &format!("{a},{b}")), ("tasks.max", "2")];
    let config = source(&clickhouse, "", "ch.{table}", &more);
    let mut worker = Worker::distributed().start();
    worker.create(&name, &config);
    let counts = || [&a, &b].map(|table| total(&kafka, &format!("ch.{table}")));
    until("all rows", SOON, || counts() == [30, 50]);
    let offsets = || worker.rest.get(&format!("/connectors/{name}/offsets")).expect(200);
    let cursor = |table: &str| {
        let all = offsets()["offsets"].clone();
        let found =
            all.as_array().unwrap().iter().find(|entry| entry["partition"]["table"] == table).cloned();
        found.map(|entry| entry["offset"]["cursor"].clone()).unwrap_or_default()
    };
    until("offsets of both", SOON, || {
        (cursor(&a), cursor(&b)) == (json!("2026-01-01T00:00:00.002Z"), json!("2026-01-01T00:00:00.004Z"))
    });
    let path = |rest: &str| format!("/connectors/{name}/{rest}");
    worker.rest.put(&path("stop"), &Value::Null).expect(204);
    worker.await_status(&name, "to be stopped", |status| {
        status["connector"]["state"] == "STOPPED" && status["tasks"] == json!([])
    });
    let alter = |offset: Value| {
        let partition = json!({"database": "default", "table": a});
        let body = json!({"offsets": [{"partition": partition, "offset": offset}]});
        worker.rest.send("PATCH", &path("offsets"), Some(&body)).unwrap()
    };
    for (offset, expected) in [
        (
            json!({"cursor": "tomorrow"}),
            "stored offset: cursor: expected a value of column at, which is DateTime64(3), got \"tomorrow\"",
        ),
        (json!({"ties": ""}), "stored offset: expected cursor, the value of at to go on from"),
        (json!({"cursor": "2026-01-01", "by": "id"}), "it was made by cursorColumn=id, and now it is at"),
    ] {
        // A server that does not say in time what the table has is no objection; what is taken then is altered below.
        let refused = until_some("the offset to be refused", SOON, || {
            Some(alter(offset.clone())).filter(|answer| answer.status == 400)
        });
        let told = refused.body["message"].as_str().unwrap_or_default().to_owned();
        assert!(told.contains(expected), "{told}");
    }
    alter(json!({"cursor": "2026-01-01 00:00:00.001"})).expect(200);
    worker.rest.put(&path("resume"), &Value::Null).expect(202);
    until("the rows from there on once more", SOON, || counts() == [30 + 20, 50]);
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{a}`, `{b}`"));
}

#[test]
fn clickhouse_may_be_away_at_the_start_and_settings_are_checked_before() {
    let (kafka, clickhouse) = (Kafka::shared(), ClickHouse::shared());
    let (table, topic) = (unique("away"), unique("rows"));
    kafka.create_topic(&topic, 1);
    let own = penstock_tests::services::Own::start("clickhouse");
    let mut worker = Worker::distributed().allow("the source is not ready").start();
    let mut config = source(&clickhouse, &table, &topic, &[("tables", "x")]);
    config["topic"] = json!("");
    let checked = worker
        .rest
        .send("PUT", "/connector-plugins/ClickHouseSource/config/validate", Some(&config))
        .unwrap();
    let checked = checked.expect(200).to_string();
    assert!(checked.contains("expected one of table, tables and query, got table and tables"), "{checked}");
    let theirs = ClickHouse::at(&own.address);
    create(&theirs, &table);
    insert(&theirs, &table, 0..10);
    own.stop();
    worker.create(&table, &source(&theirs, &table, &topic, &[]));
    let label = format!("connector=\"{table}\"");
    until("the worker to ask again", SOON, || worker.metric("penstock_task_retries_total", &[&label]) >= 2.0);
    own.start_again();
    until("all rows", SOON, || total(&kafka, &topic) == 10);
    worker.await_running(&table, 1);
    worker.stop();
}

#[test]
fn the_example_works() {
    let (kafka, clickhouse, orders) = (Kafka::shared(), ClickHouse::shared(), unique("orders"));
    let read = |file: &str| std::fs::read_to_string(checkout().join("config").join(file)).unwrap();
    clickhouse.query(&read("orders.sql").replace("IF NOT EXISTS orders", &format!("`{orders}`")));
    clickhouse.query(&format!("INSERT INTO `{orders}` (id, price) VALUES (1, 1.5), (2, 2.25)"));
    let mut example: Value = serde_json::from_str(&read("clickhouse-source.json")).unwrap();
    let mut config = example["config"].take();
    for (key, value) in [
        ("hostname", clickhouse.host()),
        ("port", clickhouse.port()),
        ("table", orders.as_str()),
        ("topic", orders.as_str()),
    ] {
        assert!(config[key].is_string(), "the example has no {key}");
        config[key] = json!(value);
    }
    kafka.create_topic(&orders, 1);
    let mut worker = Worker::example("worker.properties").start();
    worker.create(&orders, &config);
    until("both orders", SOON, || total(&kafka, &orders) == 2);
    let records = kafka.read(&orders);
    assert!(records[1].text().contains("\"price\":\"2.25\""), "{}", records[1].text());
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{orders}`"));
}
