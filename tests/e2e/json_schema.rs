//! Records in JSON whose schemas a registry has: read by any sink, and written by any source.

use crate::clickhouse::sink as clickhouse_sink;
use crate::datagen::datagen;
use crate::formats::{await_lines, file_sink_of};
use penstock_tests::registry::register;
use penstock_tests::services::registry;
use penstock_tests::{ClickHouse, Kafka, Rest, SOON, Worker, unique, until};
use serde_json::json;

const JSON_SCHEMA: &str = "io.confluent.connect.json.JsonSchemaConverter";
const ADDRESS: &str = r#"{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","title":"Address","properties":{"city":{"type":"string"}},"required":["city"]}"#;
const ORDER: &str = r#"{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","title":"Order","properties":{"id":{"type":"integer"},"to":{"$ref":"address.json"}}}"#;
/// As the one above with a property more that may be null.
const ORDER_2: &str = r#"{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","title":"Order","properties":{"id":{"type":"integer"},"to":{"$ref":"address.json"},"note":{"oneOf":[{"type":"null"},{"type":"string"}]}}}"#;

fn record(schema: u32, text: &str) -> Vec<u8> {
    [&[0][..], &schema.to_be_bytes(), text.as_bytes()].concat()
}

#[test]
fn json_with_references_and_evolution_reaches_files_and_tables() {
    let (kafka, clickhouse, registry) = (Kafka::shared(), ClickHouse::shared(), registry());
    let (topic, file_name, table) = (unique("orders"), unique("to-file"), unique("to-table"));
    kafka.create_topic(&topic, 1);
    let (subject, address) = (format!("{topic}-value"), format!("{topic}-address"));
    register(&registry, &address, "JSON", ADDRESS, &json!([]));
    let references = json!([{"name": "address.json", "subject": address, "version": 1}]);
    // What a property more means for readers of closed content is not this test's subject.
    let level = json!({"compatibility": "NONE"});
    Rest::new(&registry).put(&format!("/config/{subject}"), &level).expect(200);
    let [first, second] =
        [ORDER, ORDER_2].map(|schema| register(&registry, &subject, "JSON", schema, &references));
    kafka.put_bytes(&topic, &record(first, r#"{"to":{"city":"Oslo"},"id":1}"#));
    kafka.put_bytes(&topic, &record(second, r#"{"id":2,"to":{"city":"Bern"},"note":"soon"}"#));
    kafka.put_bytes(&topic, &record(first, r#"{"id":3,"to":{"city":"Rome"},"note":"unknown to the first"}"#));
    kafka.put_bytes(&topic, &record(second, r#"{"id":4,"to":{"city":"Nice"}}"#));
    let mut worker = Worker::distributed().start();
    let file = worker.path("orders.txt");
    worker.create(&file_name, &file_sink_of(JSON_SCHEMA, &file, &topic, &registry));
    await_lines(
        &file,
        "Struct{id=1,to=Struct{city=Oslo}}\nStruct{id=2,to=Struct{city=Bern},note=soon}\n\
         Struct{id=3,to=Struct{city=Rome}}\nStruct{id=4,to=Struct{city=Nice}}\n",
    );
    clickhouse.query(&format!(
        "CREATE TABLE `{table}` (id Int64, `to` Tuple(city String), note Nullable(String)) ENGINE=MergeTree ORDER BY id"
    ));
    let mut config = clickhouse_sink(&clickhouse, &topic, &table, 1);
    config["value.converter"] = json!(JSON_SCHEMA);
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
fn a_source_registers_json_schema_and_a_sink_reads_it_back() {
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
            ("key.converter", JSON_SCHEMA),
            ("key.converter.schema.registry.url", &registry),
            ("value.converter", JSON_SCHEMA),
            ("value.converter.schema.registry.url", &registry),
            ("value.converter.decimal.format", "NUMERIC"),
        ],
    );
    worker.create(&writer, &config);
    until("200 records", SOON, || kafka.ends(&topic) == [200]);
    for part in ["key", "value"] {
        let schema =
            Rest::new(&registry).get(&format!("/subjects/{topic}-{part}/versions/latest")).expect(200);
        assert_eq!(schema["schemaType"], "JSON", "{schema}");
    }
    let is_key = |key: &Vec<u8>| key.len() == 9 && key[0] == 0 && key[5] == b'"';
    assert!(kafka.read(&topic).iter().all(|record| record.key.as_ref().is_some_and(is_key)));
    let file = worker.path("generated.txt");
    worker.create(&reader, &file_sink_of(JSON_SCHEMA, &file, &topic, &registry));
    let lines = || std::fs::read_to_string(&file).unwrap_or_default();
    until("200 lines", SOON, || lines().lines().count() >= 200);
    for (number, line) in lines().lines().enumerate() {
        let id = [number, number + 1].map(|id| format!("Struct{{id={id},price="));
        assert!(id.iter().any(|start| line.starts_with(start)), "{line}");
        assert!(line.contains(",country=") && line.contains(",paid=") && line.contains(",at="), "{line}");
    }
    worker.stop();
}
