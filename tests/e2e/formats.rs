//! Records whose schemas a registry has: read by any sink, written by any source, and never lost with the registry.

use crate::clickhouse::sink as clickhouse_sink;
use crate::datagen::datagen;
use penstock_tests::registry::register;
use penstock_tests::services::{Own, registry};
use penstock_tests::{ClickHouse, Kafka, Rest, SOON, Worker, unique, until};
use serde_json::{Value, json};
use std::path::Path;

pub const AVRO: &str = "io.confluent.connect.avro.AvroConverter";
const ADDRESS: &str =
    r#"{"type":"record","name":"Address","namespace":"shop","fields":[{"name":"city","type":"string"}]}"#;
const ORDER: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"long"},{"name":"to","type":"shop.Address"}]}"#;
/// As the one above with a field more, which is what evolution mostly is.
const ORDER_2: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"long"},{"name":"to","type":"shop.Address"},{"name":"note","type":["null","string"],"default":null}]}"#;

/// Ids of the two versions of an order, whose address is a schema of its own.
fn orders(registry: &str, subject: &str) -> [u32; 2] {
    let address = format!("{subject}-address");
    register(registry, &address, "AVRO", ADDRESS, &json!([]));
    let references = json!([{"name": "shop.Address", "subject": address, "version": 1}]);
    [ORDER, ORDER_2].map(|schema| register(registry, subject, "AVRO", schema, &references))
}

/// The field that the second version has.
enum Note<'a> {
    Unknown,
    Null,
    Text(&'a str),
}

/// An order in Avro behind the id of its schema.
fn order(schema: u32, id: i8, city: &str, note: &Note<'_>) -> Vec<u8> {
    let mut bytes = vec![0];
    bytes.extend_from_slice(&schema.to_be_bytes());
    let text = |bytes: &mut Vec<u8>, text: &str| {
        bytes.push(u8::try_from(text.len() * 2).unwrap());
        bytes.extend_from_slice(text.as_bytes());
    };
    bytes.push(id.unsigned_abs() * 2);
    text(&mut bytes, city);
    match note {
        Note::Unknown => {}
        Note::Null => bytes.push(0),
        Note::Text(note) => {
            bytes.push(2);
            text(&mut bytes, note);
        }
    }
    bytes
}

fn file_sink(file: &Path, topic: &str, registry: &str, more: Value) -> Value {
    let mut config = file_sink_of(AVRO, file, topic, registry);
    let (Value::Object(config), Value::Object(more)) = (&mut config, more) else { unreachable!("objects") };
    config.extend(more);
    Value::Object(config.clone())
}

/// A sink that writes a topic to a file, with a converter that needs the registry.
pub fn file_sink_of(converter: &str, file: &Path, topic: &str, registry: &str) -> Value {
    json!({
        "connector.class": "FileStreamSink",
        "tasks.max": "1",
        "file": file.to_string_lossy(),
        "topics": topic,
        "value.converter": converter,
        "value.converter.schema.registry.url": registry,
    })
}

#[track_caller]
pub fn await_lines(file: &Path, expected: &str) {
    let read = || std::fs::read_to_string(file).unwrap_or_default();
    until(&format!("{} to hold {expected:?}", file.display()), SOON, || read().len() >= expected.len());
    assert_eq!(read(), expected);
}

#[test]
fn avro_with_references_and_evolution_reaches_files_and_tables() {
    let (kafka, clickhouse, registry) = (Kafka::shared(), ClickHouse::shared(), registry());
    let (topic, file_name, table) = (unique("orders"), unique("to-file"), unique("to-table"));
    kafka.create_topic(&topic, 1);
    let [first, second] = orders(&registry, &format!("{topic}-value"));
    kafka.put_bytes(&topic, &order(first, 1, "Oslo", &Note::Unknown));
    kafka.put_bytes(&topic, &order(second, 2, "Bern", &Note::Text("soon")));
    kafka.put_bytes(&topic, &order(second, 3, "Rome", &Note::Null));
    kafka.put_bytes(&topic, &order(first, 4, "Nice", &Note::Unknown));
    let mut worker = Worker::distributed().start();
    let file = worker.path("orders.txt");
    worker.create(&file_name, &file_sink(&file, &topic, &registry, json!({})));
    await_lines(
        &file,
        "Struct{id=1,to=Struct{city=Oslo}}\nStruct{id=2,to=Struct{city=Bern},note=soon}\n\
         Struct{id=3,to=Struct{city=Rome}}\nStruct{id=4,to=Struct{city=Nice}}\n",
    );
    clickhouse.query(&format!(
        "CREATE TABLE `{table}` (id Int64, `to` Tuple(city String), note Nullable(String)) ENGINE=MergeTree ORDER BY id"
    ));
    let mut config = clickhouse_sink(&clickhouse, &topic, &table, 1);
    config["value.converter"] = json!(AVRO);
    config["value.converter.schema.registry.url"] = json!(registry);
    worker.create(&table, &config);
    until("all rows to arrive", SOON, || clickhouse.count(&table) >= 4);
    let rows = clickhouse
        .query(&format!("SELECT id, to.city, ifNull(note, '-') FROM `{table}` ORDER BY id FORMAT CSV"));
    assert_eq!(rows.trim(), "1,\"Oslo\",\"-\"\n2,\"Bern\",\"soon\"\n3,\"Rome\",\"-\"\n4,\"Nice\",\"-\"");
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{table}`"));
}

#[test]
fn transforms_and_a_sink_that_decodes_by_itself_get_what_was_avro() {
    let (kafka, clickhouse, registry) = (Kafka::shared(), ClickHouse::shared(), registry());
    let (topic, table) = (unique("orders"), unique("transformed"));
    kafka.create_topic(&topic, 1);
    let [first, _] = orders(&registry, &format!("{topic}-value"));
    kafka.put_bytes(&topic, &order(first, 1, "Oslo", &Note::Unknown));
    clickhouse.query(&format!(
        "CREATE TABLE `{table}` (number Int64, `to` Tuple(city String)) ENGINE=MergeTree ORDER BY number"
    ));
    let mut worker = Worker::distributed().start();
    let mut config = clickhouse_sink(&clickhouse, &topic, &table, 1);
    config["value.converter"] = json!(AVRO);
    config["value.converter.schema.registry.url"] = json!(registry);
    config["transforms"] = json!("r");
    config["transforms.r.type"] = json!("org.apache.kafka.connect.transforms.ReplaceField$Value");
    config["transforms.r.renames"] = json!("id:number");
    worker.create(&table, &config);
    until("the row to arrive", SOON, || clickhouse.count(&table) >= 1);
    assert_eq!(
        clickhouse.query(&format!("SELECT number, to.city FROM `{table}` FORMAT CSV")).trim(),
        "1,\"Oslo\""
    );
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{table}`"));
}

#[test]
fn an_id_that_the_registry_does_not_know_is_the_records_fault() {
    let (kafka, registry) = (Kafka::shared(), registry());
    let (topic, name, dead) = (unique("orders"), unique("unknown"), unique("dead"));
    kafka.create_topic(&topic, 1);
    let [first, _] = orders(&registry, &format!("{topic}-value"));
    kafka.put_bytes(&topic, &order(first, 1, "Oslo", &Note::Unknown));
    kafka.put_bytes(&topic, &order(2_000_000_000, 2, "Bern", &Note::Unknown));
    kafka.put_bytes(&topic, b"{}");
    kafka.put_bytes(&topic, &order(first, 4, "Nice", &Note::Unknown));
    let mut worker = Worker::distributed().start();
    let file = worker.path("orders.txt");
    let tolerant = json!({
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": dead,
        "errors.deadletterqueue.topic.replication.factor": "1",
        "errors.deadletterqueue.context.headers.enable": "true",
    });
    worker.create(&name, &file_sink(&file, &topic, &registry, tolerant));
    await_lines(&file, "Struct{id=1,to=Struct{city=Oslo}}\nStruct{id=4,to=Struct{city=Nice}}\n");
    let letters = kafka.read(&dead);
    let reasons: Vec<_> = letters
        .iter()
        .map(|letter| letter.header("__connect.errors.exception.message").unwrap_or_default())
        .collect();
    assert!(
        matches!(reasons[..], [unknown, foreign] if unknown.contains("schema 2000000000: HTTP 404") && foreign.contains("the first byte is 123")),
        "{reasons:?}"
    );
    assert_eq!(letters[0].header("__connect.errors.stage"), Some("VALUE_CONVERTER"));
    worker.stop();
}

#[test]
fn without_the_registry_known_schemas_go_on_and_unknown_ones_wait() {
    let (kafka, own) = (Kafka::shared(), Own::start("apicurio"));
    let (topic, name, dead) = (unique("orders"), unique("away"), unique("dead"));
    kafka.create_topic(&topic, 1);
    let [first, second] = orders(&own.address, "o");
    kafka.put_bytes(&topic, &order(first, 1, "Oslo", &Note::Unknown));
    let mut worker = Worker::distributed().allow("the schema registry is away").start();
    let file = worker.path("orders.txt");
    let tolerant = json!({
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": dead,
        "errors.deadletterqueue.topic.replication.factor": "1",
    });
    worker.create(&name, &file_sink(&file, &topic, &own.address, tolerant));
    let mut expected = "Struct{id=1,to=Struct{city=Oslo}}\n".to_owned();
    await_lines(&file, &expected);
    own.stop();
    kafka.put_bytes(&topic, &order(first, 2, "Bern", &Note::Unknown));
    expected += "Struct{id=2,to=Struct{city=Bern}}\n";
    await_lines(&file, &expected);
    let group = format!("connect-{name}");
    until("the known ones to be committed", SOON, || kafka.committed(&group, &topic) == [2]);
    kafka.put_bytes(&topic, &order(second, 3, "Rome", &Note::Null));
    let label = format!("connector=\"{name}\"");
    until("the worker to ask again", SOON, || worker.metric("penstock_task_retries_total", &[&label]) >= 2.0);
    let status = worker.await_status(&name, "to run", |status| status["tasks"][0]["state"] == "RUNNING");
    assert_eq!(status["tasks"][0]["state"], "RUNNING");
    assert_eq!(
        kafka.committed(&group, &topic),
        [2],
        "an offset moved past a record that nobody could read yet"
    );
    // The registry forgets everything when it stops: nobody may ask it before it has the schemas again.
    worker.kill();
    own.start_again();
    assert_eq!(orders(&own.address, "o"), [first, second], "an empty registry gives the same ids again");
    worker.start();
    expected += "Struct{id=3,to=Struct{city=Rome}}\n";
    await_lines(&file, &expected);
    until("the last one to be committed", SOON, || kafka.committed(&group, &topic) == [3]);
    worker.stop();
}

#[test]
fn a_source_registers_what_it_writes_and_a_sink_reads_it_back() {
    let (kafka, registry) = (Kafka::shared(), registry());
    let (topic, writer, reader) = (unique("generated"), unique("writer"), unique("reader"));
    kafka.create_topic(&topic, 1);
    let mut worker = Worker::distributed().start();
    let fields = "id:sequence,price:decimal(1..1000,2),country:choice(DE|FR),paid:boolean,at:now";
    let config = datagen(
        &topic,
        &[
            ("fields", fields),
            ("total", "200"),
            ("key.field", "country"),
            ("key.converter", AVRO),
            ("key.converter.schema.registry.url", &registry),
            ("value.converter", AVRO),
            ("value.converter.schema.registry.url", &registry),
        ],
    );
    worker.create(&writer, &config);
    until("200 records", SOON, || kafka.ends(&topic) == [200]);
    let subjects = Rest::new(&registry).get("/subjects").expect(200);
    for part in ["key", "value"] {
        let subject = json!(format!("{topic}-{part}"));
        assert!(subjects.as_array().unwrap().contains(&subject), "{subject} in {subjects}");
    }
    let records = kafka.read(&topic);
    assert!(
        records.iter().all(|record| record.key.as_ref().is_some_and(|key| key[0] == 0 && key.len() == 8))
    );
    let file = worker.path("generated.txt");
    worker.create(&reader, &file_sink(&file, &topic, &registry, json!({})));
    let lines = || std::fs::read_to_string(&file).unwrap_or_default();
    until("200 lines", SOON, || lines().lines().count() >= 200);
    for (number, line) in lines().lines().enumerate() {
        assert!(
            line.starts_with(&format!("Struct{{id={number},price="))
                || line.starts_with(&format!("Struct{{id={},price=", number + 1)),
            "{line}"
        );
        assert!(line.contains(",country=") && line.contains(",paid=") && line.contains(",at="), "{line}");
    }
    worker.stop();
}
