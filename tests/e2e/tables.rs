//! Tables that the ClickHouse sink creates from the first records of a topic, and alters for later ones.

use crate::clickhouse::{await_committed, sink};
use penstock_tests::kafka::Record;
use penstock_tests::{ClickHouse, Kafka, Rest, Worker, unique, with};
use serde_json::{Value, json};

fn append(topic: &str, values: impl IntoIterator<Item = Value>) {
    let records: Vec<_> = values
        .into_iter()
        .enumerate()
        .map(|(number, value)| {
            let (partition, value) = (number as i32 % 2, Some(value.to_string().into_bytes()));
            Record { partition, offset: 0, key: None, value, headers: Vec::new() }
        })
        .collect();
    Kafka::shared().append(topic, &records);
}

/// The columns for fields, as `DESCRIBE` has them.
fn columns(clickhouse: &ClickHouse, table: &str) -> String {
    let text = clickhouse.query(&format!(
        "SELECT arrayStringConcat(groupArray(concat(name, ' ', type)), ', ') FROM (SELECT * FROM system.columns \
         WHERE database = 'default' AND table = '{table}' AND NOT startsWith(name, '_') ORDER BY position)"
    ));
    // Tab separated output has quotes escaped.
    text.replace("\\'", "'")
}

#[test]
fn a_topic_without_a_table_gets_one_and_a_new_field_a_column() {
    let clickhouse = ClickHouse::shared();
    let (name, topic) = (unique("created"), unique("created"));
    Kafka::shared().create_topic(&topic, 2);
    append(&topic, (0..400).map(|id| json!({ "id": id, "at": "2024-01-02T03:04:05Z", "tags": ["a", "b"] })));
    let mut worker = Worker::distributed().start();
    let more = [("tableCreation", "create"), ("schemaEvolution", "widen")];
    // Two tasks meet the missing table, and later the missing column, at the same time.
    worker.create(&name, &with(sink(&clickhouse, &topic, &name, 2), &more));
    await_committed(&name, &topic);
    let first = "id Int64, at DateTime64(3, 'UTC'), tags Array(String)";
    assert_eq!(columns(&clickhouse, &name), first);
    append(
        &topic,
        (400..800).map(|id| json!({ "id": id, "price": f64::from(id) + 0.5, "user": { "name": "ann" } })),
    );
    await_committed(&name, &topic);
    assert_eq!(
        columns(&clickhouse, &name),
        format!("{first}, price Nullable(Float64), user Tuple(name String)")
    );
    let sums = format!(
        "SELECT count(), uniqExact(_partition, _offset), uniqExact(id), count(price), sum(price), countIf(user.name = 'ann') \
         FROM `{name}`"
    );
    assert_eq!(clickhouse.query(&sums), "800\t800\t800\t400\t240000\t400");
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{name}`"));
}

#[test]
fn fields_without_a_column_are_kept_in_the_overflow_column() {
    let clickhouse = ClickHouse::shared();
    let (name, topic) = (unique("overflow"), unique("overflow"));
    Kafka::shared().create_topic(&topic, 2);
    clickhouse
        .query(&format!("CREATE TABLE `{name}` (id Int64, _overflow JSON) ENGINE = MergeTree ORDER BY id"));
    append(
        &topic,
        (0..200).map(|id| match id % 2 {
            0 => json!({ "id": id }),
            _ => json!({ "id": id, "more": { "n": id }, "text": "x" }),
        }),
    );
    let mut worker = Worker::distributed().start();
    let more = [("schemaEvolution", "overflow")];
    worker.create(&name, &with(sink(&clickhouse, &topic, &name, 2), &more));
    await_committed(&name, &topic);
    let sums = format!(
        "SELECT count(), sum(toInt64OrZero(toString(_overflow.more.n))), countIf(toString(_overflow.text) = 'x') FROM `{name}`"
    );
    assert_eq!(clickhouse.query(&sums), "200\t10000\t100");
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{name}`"));
}

#[test]
fn a_topic_without_a_table_fails_its_task_with_the_statement_that_helps() {
    let clickhouse = ClickHouse::shared();
    let (name, topic) = (unique("missing"), unique("missing"));
    Kafka::shared().create_topic(&topic, 2);
    append(&topic, [json!({ "id": 1, "text": "x" }), json!({ "id": 2 })]);
    let mut worker = Worker::distributed().allow("does not exist").start();
    worker.submit(&name, &sink(&clickhouse, &topic, &name, 1));
    let path = format!("/connectors/{name}/status");
    let mut trace = String::new();
    penstock_tests::until("the task to fail", crate::clickhouse::LONG, || {
        let status = worker.rest.get(&path).expect(200);
        trace = status["tasks"][0]["trace"].as_str().unwrap_or_default().to_owned();
        !trace.is_empty()
    });
    let expected = format!("tableCreation=create would run CREATE TABLE IF NOT EXISTS `default`.`{name}` (");
    assert!(trace.contains(&expected), "{trace}");
    worker.stop();
}

#[test]
fn a_table_is_proposed_over_rest_and_takes_the_records_it_was_made_for() {
    let clickhouse = ClickHouse::shared();
    let (name, topic) = (unique("proposed"), unique("proposed"));
    let mut worker = Worker::distributed().start();
    let rest = Rest::new(&worker.url);
    let values = [json!({"id": 1, "name": "a", "tags": ["x"]}), json!({"id": 2, "name": null, "tags": []})];
    let records: Vec<_> = values.iter().map(|value| json!({"value": value})).collect();
    let config = sink(&clickhouse, &topic, &name, 1);
    let ask = |plugin: &str, question: &str, body: &Value| {
        rest.post(&format!("/penstock/v1/connector-plugins/{plugin}/questions/{question}"), body)
    };
    let body = json!({"config": config, "input": {"records": records}});
    let proposal = ask("ClickHouseSink", "table", &body).expect(200);
    assert_eq!(proposal["table"], format!("default.{name}"));
    let validated = || {
        let answer = rest.put(
            "/connector-plugins/ClickHouseSink/config/validate",
            &with(config.clone(), &[("name", "x")]),
        );
        answer.expect(200)
    };
    let answer = validated();
    assert_eq!(
        (&answer["error_count"], &answer["advice"][0]["setting"]),
        (&json!(0), &json!("topics")),
        "{answer}"
    );
    assert!(answer["advice"][0]["message"].as_str().unwrap().contains(&name), "{answer}");
    clickhouse.query(proposal["statement"].as_str().unwrap());
    assert_eq!(validated().get("advice"), None, "there is a table");
    Kafka::shared().create_topic(&topic, 2);
    append(&topic, values);
    worker.create(&name, &config);
    await_committed(&name, &topic);
    assert_eq!(columns(&clickhouse, &name), "id Int64, name Nullable(String), tags Array(String)");
    assert_eq!(
        clickhouse.query(&format!("SELECT id, name, tags FROM `{name}` ORDER BY id")),
        "1\ta\t['x']\n2\t\\N\t[]"
    );
    ask("NoSuchSink", "table", &body).expect(404);
    ask("ClickHouseSink", "weather", &body).expect(404);
    ask("FileStreamSink", "table", &json!({})).expect(404);
    let refusal = ask("ClickHouseSink", "table", &json!({"input": {"records": [{"value": 7}]}})).expect(400);
    assert!(refusal["message"].as_str().unwrap().contains("input.topic"), "{refusal}");
    ask("ClickHouseSink", "table", &json!({"confg": {}})).expect(400);
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{name}`"));
}
