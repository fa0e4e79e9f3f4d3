//! Records in Protobuf whose schemas a registry has: read by any sink, and written by any source.

use crate::clickhouse::sink as clickhouse_sink;
use crate::datagen::datagen;
use crate::formats::{await_lines, file_sink_of};
use penstock_tests::registry::register;
use penstock_tests::services::registry;
use penstock_tests::{ClickHouse, Kafka, Rest, SOON, Worker, unique, until};
use serde_json::json;

const PROTOBUF: &str = "io.confluent.connect.protobuf.ProtobufConverter";
const COUNTRY: &str = "syntax = \"proto3\";\npackage shop;\nmessage Country { string code = 1; }\n";
const ADDRESS: &str = "syntax = \"proto3\";\npackage shop;\nimport \"shop/country.proto\";\n\
    message Address { string city = 1; Country country = 2; }\n";
const ORDER: &str = "syntax = \"proto3\";\npackage shop;\nimport \"shop/address.proto\";\n\
    message Order { int64 id = 1; Address to = 2; }\n";
/// With fields and a message more, which is what evolution mostly is.
const ORDER_2: &str = "syntax = \"proto3\";\npackage shop;\nimport \"shop/address.proto\";\n\
    import \"google/protobuf/timestamp.proto\";\n\
    message Order { int64 id = 1; Address to = 2; optional string note = 3; repeated uint32 lines = 4;\n\
    oneof paid { string card = 5; bool cash = 6; } google.protobuf.Timestamp at = 7; message Return { int64 id = 1; } }\n";

/// Ids of the two versions of an order, whose address is a schema of its own, and its country another.
fn orders(registry: &str, subject: &str) -> [u32; 2] {
    let (country, address) = (format!("{subject}-country"), format!("{subject}-address"));
    register(registry, &country, "PROTOBUF", COUNTRY, &json!([]));
    let of_country = json!([{"name": "shop/country.proto", "subject": country, "version": 1}]);
    register(registry, &address, "PROTOBUF", ADDRESS, &of_country);
    let of_address = json!([{"name": "shop/address.proto", "subject": address, "version": 1}]);
    [ORDER, ORDER_2].map(|schema| register(registry, subject, "PROTOBUF", schema, &of_address))
}

/// A record: the id of its schema, which of the schema's messages it is, and the message.
fn record(schema: u32, indexes: &[u8], message: &[u8]) -> Vec<u8> {
    [&[0][..], &schema.to_be_bytes(), indexes, message].concat()
}

/// The fields of an order that both versions have.
fn order(id: u8, city: &str) -> Vec<u8> {
    let size = u8::try_from(city.len()).unwrap();
    [&[8, id, 18, size + 8, 10, size][..], city.as_bytes(), &[18, 4, 10, 2, b'x', b'y']].concat()
}

#[test]
fn protobuf_with_references_and_evolution_reaches_files_and_tables() {
    let (kafka, clickhouse, registry) = (Kafka::shared(), ClickHouse::shared(), registry());
    let (topic, file_name, table) = (unique("orders"), unique("to-file"), unique("to-table"));
    kafka.create_topic(&topic, 1);
    let [first, second] = orders(&registry, &format!("{topic}-value"));
    let more: &[u8] = &[26, 4, b's', b'o', b'o', b'n', 34, 2, 7, 9, 48, 1, 58, 2, 8, 5];
    kafka.put_bytes(&topic, &record(first, &[0], &order(1, "Oslo")));
    kafka.put_bytes(&topic, &record(second, &[0], &[&order(2, "Bern")[..], more].concat()));
    // A reader that knows the first version only passes over what the second has.
    kafka.put_bytes(&topic, &record(first, &[2, 0], &[&order(3, "Rome")[..], more].concat()));
    kafka.put_bytes(&topic, &record(second, &[0], &order(4, "Nice")));
    let mut worker = Worker::distributed().start();
    let file = worker.path("orders.txt");
    worker.create(&file_name, &file_sink_of(PROTOBUF, &file, &topic, &registry));
    let to = |city: &str| format!("to=Struct{{city={city},country=Struct{{code=xy}}}}");
    await_lines(
        &file,
        &format!(
            "Struct{{id=1,{}}}\nStruct{{paid_0=Struct{{cash=true}},id=2,{},note=soon,lines=[7, 9],at=5000}}\n\
             Struct{{id=3,{}}}\nStruct{{id=4,{},lines=[]}}\n",
            to("Oslo"),
            to("Bern"),
            to("Rome"),
            to("Nice")
        ),
    );
    clickhouse.query(&format!(
        "CREATE TABLE `{table}` (id Int64, `to` Tuple(city String, country Tuple(code String)), note Nullable(String), \
         lines Array(UInt32)) ENGINE=MergeTree ORDER BY id"
    ));
    let mut config = clickhouse_sink(&clickhouse, &topic, &table, 1);
    config["value.converter"] = json!(PROTOBUF);
    config["value.converter.schema.registry.url"] = json!(registry);
    worker.create(&table, &config);
    until("all rows to arrive", SOON, || clickhouse.count(&table) >= 4);
    let rows = clickhouse.query(&format!(
        "SELECT id, to.city, to.country.code, ifNull(note, '-'), toString(lines) FROM `{table}` ORDER BY id FORMAT CSV"
    ));
    assert_eq!(
        rows.trim(),
        "1,\"Oslo\",\"xy\",\"-\",\"[]\"\n2,\"Bern\",\"xy\",\"soon\",\"[7,9]\"\n3,\"Rome\",\"xy\",\"-\",\"[]\"\n4,\"Nice\",\"xy\",\"-\",\"[]\""
    );
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{table}`"));
}

#[test]
fn what_is_no_message_of_its_schema_is_the_records_fault() {
    let (kafka, registry) = (Kafka::shared(), registry());
    let (topic, name, dead) = (unique("orders"), unique("wrong"), unique("dead"));
    kafka.create_topic(&topic, 1);
    let [first, second] = orders(&registry, &format!("{topic}-value"));
    kafka.put_bytes(&topic, &record(first, &[0], &order(1, "Oslo")));
    kafka.put_bytes(&topic, &record(first, &[2, 8], &order(2, "Bern")));
    kafka.put_bytes(&topic, &record(first, &[0], &order(3, "Rome")[..5]));
    kafka.put_bytes(&topic, &record(second, &[4, 0, 0], &[8, 4]));
    let mut worker = Worker::distributed().start();
    let file = worker.path("orders.txt");
    let mut config = file_sink_of(PROTOBUF, &file, &topic, &registry);
    config["errors.tolerance"] = json!("all");
    config["errors.deadletterqueue.topic.name"] = json!(dead);
    config["errors.deadletterqueue.topic.replication.factor"] = json!("1");
    config["errors.deadletterqueue.context.headers.enable"] = json!("true");
    worker.create(&name, &config);
    await_lines(&file, "Struct{id=1,to=Struct{city=Oslo,country=Struct{code=xy}}}\nStruct{id=4}\n");
    let letters = kafka.read(&dead);
    let reasons: Vec<_> = letters
        .iter()
        .map(|letter| letter.header("__connect.errors.exception.message").unwrap_or_default())
        .collect();
    assert!(
        matches!(reasons[..], [place, cut] if place.contains("has no message at [4]") && cut.contains("is cut off")),
        "{reasons:?}"
    );
    worker.stop();
}

#[test]
fn a_source_registers_protobuf_and_a_sink_reads_it_back() {
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
            ("key.converter", PROTOBUF),
            ("key.converter.schema.registry.url", &registry),
            ("value.converter", PROTOBUF),
            ("value.converter.schema.registry.url", &registry),
        ],
    );
    worker.create(&writer, &config);
    until("200 records", SOON, || kafka.ends(&topic) == [200]);
    for part in ["key", "value"] {
        let schema =
            Rest::new(&registry).get(&format!("/subjects/{topic}-{part}/versions/latest")).expect(200);
        assert_eq!(schema["schemaType"], "PROTOBUF", "{schema}");
    }
    // The header, the place of the wrapper of strings, and the wrapper with two letters.
    let is_key =
        |key: &Vec<u8>| key.len() == 11 && key.starts_with(&[0]) && key[5..].starts_with(&[2, 14, 10, 2]);
    assert!(kafka.read(&topic).iter().all(|record| record.key.as_ref().is_some_and(is_key)));
    let file = worker.path("generated.txt");
    let mut config = file_sink_of(PROTOBUF, &file, &topic, &registry);
    config["key.converter"] = json!(PROTOBUF);
    config["key.converter.schema.registry.url"] = json!(registry);
    worker.create(&reader, &config);
    let lines = || std::fs::read_to_string(&file).unwrap_or_default();
    until("200 lines", SOON, || lines().lines().count() >= 200);
    for (number, line) in lines().lines().enumerate() {
        let id = [number, number + 1].map(|id| format!("Struct{{id={id},price="));
        assert!(id.iter().any(|start| line.starts_with(start)), "{line}");
        assert!(line.contains(",country=") && line.contains(",paid=") && line.contains(",at="), "{line}");
    }
    worker.stop();
}
