//! Avro that the ClickHouse sink decodes itself: schemas that change, types of every kind, what is refused, and a
//! registry that is away.

use crate::clickhouse::{await_committed, sink};
use penstock_tests::kafka::Record;
use penstock_tests::registry::register;
use penstock_tests::services::{Own, registry};
use penstock_tests::{ClickHouse, Kafka, SOON, Worker, unique, until};
use serde_json::{Value, json};

const AVRO: &str = "io.confluent.connect.avro.AvroConverter";

/// A record in Avro, written value by value.
struct Written(Vec<u8>);

impl Written {
    fn new(schema: u32) -> Self {
        Written([&[0], &schema.to_be_bytes()[..]].concat())
    }

    fn long(mut self, value: i64) -> Self {
        let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
        while rest >= 0x80 {
            self.0.push(rest.to_le_bytes()[0] | 0x80);
            rest >>= 7;
        }
        self.0.push(rest.to_le_bytes()[0]);
        self
    }

    fn bytes(self, bytes: &[u8]) -> Self {
        let mut written = self.long(bytes.len().try_into().unwrap());
        written.0.extend_from_slice(bytes);
        written
    }

    fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }
}

/// The first version of an order: a decimal, a union, a time, and records in an array.
fn first_version() -> Value {
    let item = json!({"type": "record", "name": "Item", "fields": [
        {"name": "sku", "type": "string"}, {"name": "count", "type": "int"}, {"name": "ignored", "type": "double"},
    ]});
    json!({"type": "record", "name": "Order", "namespace": "shop", "fields": [
        {"name": "id", "type": "long"},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
        {"name": "code", "type": ["null", "string", "long"]},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "items", "type": {"type": "array", "items": item}},
        {"name": "to", "type": {"type": "record", "name": "To", "fields": [{"name": "city", "type": "string"}]}},
    ]})
}

/// The second one: the code is gone, the number is an int, and there are a state and labels.
fn second_version() -> Value {
    let mut schema = first_version();
    let fields = schema["fields"].as_array_mut().unwrap();
    fields.remove(2);
    fields[0]["type"] = json!("int");
    fields.push(
        json!({"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["NEW", "PAID"]}}),
    );
    fields.push(json!({"name": "labels", "type": {"type": "map", "values": "string"}}));
    schema
}

/// Up to the code.
fn priced(schema: u32, id: i64, cents: i32) -> Written {
    Written::new(schema).long(id).bytes(&cents.to_be_bytes())
}

/// From the time to the city.
fn rest(written: Written, city: &str) -> Written {
    let mut item = written.long(1_672_628_645_678_901).long(1).text("s-1").long(3);
    item.0.extend_from_slice(&1.5_f64.to_le_bytes());
    item.long(0).text(city)
}

fn registered(registry: &str, subject: &str, schema: &Value) -> u32 {
    register(registry, subject, "AVRO", &schema.to_string(), &json!([]))
}

fn avro_sink(topic: &str, table: &str, registry: &str, more: &[(&str, &str)]) -> Value {
    let mut config = sink(&ClickHouse::shared(), topic, table, 1);
    config["value.converter"] = json!(AVRO);
    config["value.converter.schema.registry.url"] = json!(registry);
    for (key, value) in more {
        config[*key] = json!(value);
    }
    config
}

/// The error table has the records that fit nothing, and says why.
fn assert_kept(clickhouse: &ClickHouse, name: &str) {
    let kept = clickhouse.query(&format!(
        "SELECT offset, error_class, error_message FROM `{name}_penstock_error` ORDER BY offset FORMAT JSONCompactEachRow"
    ));
    let kept: Vec<Value> = kept.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
    assert_eq!(kept.len(), 3, "{kept:?}");
    for (row, part) in kept.iter().zip([
        "field id: long -4 does not fit column id UInt32",
        "the first byte is 123, expected 0",
        "cut off",
    ]) {
        assert_eq!(row[1], "DATA_PARSING_ERROR");
        assert!(row[2].as_str().unwrap().contains(part), "{row}");
    }
}

#[test]
fn orders_of_two_schemas_arrive_in_typed_columns_and_bad_ones_in_the_error_table() {
    let (kafka, clickhouse, registry) = (Kafka::shared(), ClickHouse::shared(), registry());
    let (topic, name) = (unique("orders"), unique("avro-columns"));
    kafka.create_topic(&topic, 1);
    clickhouse.query(&format!(
        "CREATE TABLE `{name}` (id UInt32, price Decimal(18, 4), code Variant(Int64, String), at DateTime64(3, 'UTC'), \
         items Array(Tuple(sku LowCardinality(String), count UInt8)), to_city String, \
         state Enum8('NEW' = 1, 'PAID' = 2) DEFAULT 'PAID', labels Map(String, String), whole JSON, \
         _offset UInt64, _raw_message String) ENGINE = MergeTree ORDER BY id"
    ));
    let [first, second] = [("a", first_version()), ("b", second_version())]
        .map(|(version, schema)| registered(&registry, &format!("{topic}-{version}"), &schema));
    let values = [
        rest(priced(first, 1, 1234).long(1).text("x-1"), "Oslo"),
        rest(priced(second, 2, -5), "Bern").long(0).long(1).text("k").text("v").long(0),
        rest(priced(first, 3, 100).long(2).long(77), "Rome"),
        rest(priced(first, -4, 100).long(0), "bad: no number below zero fits"),
        rest(priced(first, 5, 0).long(0), "Nice"),
        Written(b"{\"id\":6}".to_vec()),
        Written(rest(priced(first, 7, 0).long(0), "cut off").0[..20].to_vec()),
    ];
    for value in &values {
        kafka.put_bytes(&topic, &value.0);
    }
    let mut worker = Worker::distributed().start();
    let more = [
        ("flattenSeparator", "_"),
        ("field2ColumnMap", "to.city=to_city,to=whole"),
        ("errorTableEnabled", "true"),
        ("errors.tolerance", "all"),
    ];
    worker.create(&name, &avro_sink(&topic, &name, &registry, &more));
    await_committed(&name, &topic);
    let rows = clickhouse.query(&format!(
        "SELECT id, price, variantType(code), toString(code), at, items.sku, items.count, toString(state), labels, toString(whole), \
         _offset, _raw_message = unhex('{}') FROM `{name}` ORDER BY id FORMAT JSONCompactEachRow",
        values[0].0.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
    ));
    let time = "2023-01-02 03:04:05.678";
    let whole = |city: &str| format!("{{\"city\":\"{city}\"}}");
    let expected = [
        json!([1, 12.34, "String", "x-1", time, ["s-1"], [3], "PAID", {}, whole("Oslo"), 0, 1]),
        json!([2, -0.05, "None", "", time, ["s-1"], [3], "NEW", {"k": "v"}, whole("Bern"), 1, 0]),
        json!([3, 1, "Int64", "77", time, ["s-1"], [3], "PAID", {}, whole("Rome"), 2, 0]),
        json!([5, 0, "None", "", time, ["s-1"], [3], "PAID", {}, whole("Nice"), 4, 0]),
    ];
    let rows: Vec<Value> = rows.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
    assert_eq!(rows, expected);
    assert_kept(&clickhouse, &name);
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{name}`"));
    clickhouse.query(&format!("DROP TABLE `{name}_penstock_error`"));
}

#[test]
fn schemas_make_the_table_and_their_new_fields_its_columns() {
    let (kafka, clickhouse, registry) = (Kafka::shared(), ClickHouse::shared(), registry());
    let (topic, name) = (unique("orders"), unique("avro-created"));
    kafka.create_topic(&topic, 1);
    let [first, second] = [("a", first_version()), ("b", second_version())]
        .map(|(version, schema)| registered(&registry, &format!("{topic}-{version}"), &schema));
    kafka.put_bytes(&topic, &rest(priced(first, 1, 1234).long(2).long(77), "Oslo").0);
    let mut worker = Worker::distributed().allow("schemaEvolution: widen").start();
    let more = [("tableCreation", "create"), ("schemaEvolution", "add")];
    worker.create(&name, &avro_sink(&topic, &name, &registry, &more));
    await_committed(&name, &topic);
    let second = rest(priced(second, 2, -5), "Bern").long(1).long(1).text("k").text("v").long(0);
    kafka.put_bytes(&topic, &second.0);
    await_committed(&name, &topic);
    let columns = clickhouse.query(&format!(
        "SELECT name, type FROM system.columns WHERE database = 'default' AND table = '{name}' AND NOT startsWith(name, '_') \
         ORDER BY position FORMAT JSONCompactEachRow"
    ));
    let lines =
        |text: &str| text.lines().map(|row| serde_json::from_str(row).unwrap()).collect::<Vec<Value>>();
    let expected = [
        json!(["id", "Int64"]),
        json!(["price", "Decimal(12, 2)"]),
        json!(["code", "Nullable(String)"]),
        json!(["at", "DateTime64(6, 'UTC')"]),
        json!(["items", "Array(Tuple(sku String, count Int32, ignored Float64))"]),
        json!(["to", "Tuple(city String)"]),
        json!(["state", "LowCardinality(Nullable(String))"]),
        json!(["labels", "Map(String, String)"]),
    ];
    assert_eq!(lines(&columns), expected);
    let rows = clickhouse.query(&format!(
        "SELECT toString(id), toString(price), code, at, items.ignored, to.city, state, labels FROM `{name}` ORDER BY id \
         FORMAT JSONCompactEachRow"
    ));
    let time = "2023-01-02 03:04:05.678901";
    let expected = [
        json!(["1", "12.34", "77", time, [1.5], "Oslo", null, {}]),
        json!(["2", "-0.05", null, time, [1.5], "Bern", "PAID", {"k": "v"}]),
    ];
    assert_eq!(lines(&rows), expected);
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{name}`"));
}

#[test]
fn keys_in_avro_delete_rows_and_the_workers_own_converter_counts() {
    let (kafka, clickhouse, registry) = (Kafka::shared(), ClickHouse::shared(), registry());
    let (topic, name) = (unique("states"), unique("avro-keys"));
    kafka.create_topic(&topic, 1);
    clickhouse.query(&format!(
        "CREATE TABLE `{name}` (id UInt32, name String, version UInt64, gone UInt8) \
         ENGINE = ReplacingMergeTree(version, gone) ORDER BY id"
    ));
    let key = json!({"type": "record", "name": "Key", "fields": [{"name": "id", "type": "long"}]});
    let value = json!({"type": "record", "name": "Value", "fields": [{"name": "id", "type": "long"}, {"name": "name", "type": "string"}]});
    let key = registered(&registry, &format!("{topic}-key"), &key);
    let schema = registered(&registry, &format!("{topic}-value"), &value);
    let record = |id: i64, name: Option<&str>| Record {
        partition: 0,
        offset: 0,
        key: Some(Written::new(key).long(id).0),
        value: name.map(|name| Written::new(schema).long(id).text(name).0),
        headers: Vec::new(),
    };
    let records = [record(1, Some("a")), record(2, Some("b")), record(1, None), record(3, Some("c"))];
    kafka.append(&topic, &records);
    // The connector says nothing of converters: they are the worker's, with their registry.
    let mut worker = Worker::distributed()
        .set("key.converter", AVRO)
        .set("key.converter.schema.registry.url", &registry)
        .set("value.converter", AVRO)
        .set("value.converter.schema.registry.url", &registry)
        .start();
    let mut config = sink(&clickhouse, &topic, &name, 1);
    let settings = config.as_object_mut().unwrap();
    settings.retain(|key, _| !key.contains("converter"));
    settings.insert("upsertMode".to_owned(), json!("tombstones"));
    worker.create(&name, &config);
    await_committed(&name, &topic);
    let rows = clickhouse.query(&format!("SELECT id, name FROM `{name}` FINAL ORDER BY id FORMAT CSV"));
    assert_eq!(rows.trim(), "2,\"b\"\n3,\"c\"");
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{name}`"));
}

#[test]
fn rows_of_an_unknown_schema_wait_for_the_registry_and_are_no_errors() {
    let (kafka, clickhouse, own) = (Kafka::shared(), ClickHouse::shared(), Own::start("apicurio"));
    let (topic, name) = (unique("orders"), unique("avro-away"));
    kafka.create_topic(&topic, 1);
    clickhouse
        .query(&format!("CREATE TABLE `{name}` (id UInt32, name String) ENGINE = MergeTree ORDER BY id"));
    let of = |fields: Value| json!({"type": "record", "name": "R", "fields": fields});
    let id = json!({"name": "id", "type": "long"});
    let schemas = [of(json!([id])), of(json!([id, {"name": "name", "type": "string"}]))];
    let fill = || [0, 1].map(|at: usize| registered(&own.address, &format!("s{at}"), &schemas[at]));
    let [first, second] = fill();
    kafka.put_bytes(&topic, &Written::new(first).long(1).0);
    let mut worker = Worker::distributed().allow("the schema registry gives no answer").start();
    let more = [("errorTableEnabled", "true"), ("errors.tolerance", "all")];
    worker.create(&name, &avro_sink(&topic, &name, &own.address, &more));
    await_committed(&name, &topic);
    own.stop();
    kafka.put_bytes(&topic, &Written::new(first).long(2).0);
    await_committed(&name, &topic);
    kafka.put_bytes(&topic, &Written::new(second).long(3).text("late").0);
    let label = format!("connector=\"{name}\"");
    until("the worker to ask again", SOON, || worker.metric("penstock_task_retries_total", &[&label]) >= 2.0);
    let status = worker.await_status(&name, "to run", |status| status["tasks"][0]["state"] == "RUNNING");
    assert_eq!(status["tasks"][0]["state"], "RUNNING");
    assert_eq!(kafka.committed(&format!("connect-{name}"), &topic), [2]);
    // The registry forgets everything when it stops: nobody may ask it before it has the schemas again.
    worker.kill();
    own.start_again();
    assert_eq!(fill(), [first, second], "an empty registry gives the same ids again");
    worker.start();
    await_committed(&name, &topic);
    let rows = clickhouse.query(&format!("SELECT id, name FROM `{name}` ORDER BY id FORMAT CSV"));
    assert_eq!(rows.trim(), "1,\"\"\n2,\"\"\n3,\"late\"");
    assert_eq!(clickhouse.query(&format!("EXISTS TABLE `{name}_penstock_error`")), "0");
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{name}`"));
}

#[test]
fn a_value_that_does_not_fit_makes_its_column_wider() {
    let (kafka, clickhouse, registry) = (Kafka::shared(), ClickHouse::shared(), registry());
    let (topic, name) = (unique("wider"), unique("wider"));
    kafka.create_topic(&topic, 1);
    clickhouse.query(&format!(
        "CREATE TABLE `{name}` (id Int32, price Decimal(6, 2), to_city FixedString(4)) ENGINE = MergeTree ORDER BY tuple()"
    ));
    let schema = registered(&registry, &topic, &first_version());
    for (id, cents, city) in [(1, 1234, "Oslo"), (1 << 40, 12_345_678, "Berlin")] {
        kafka.put_bytes(&topic, &rest(priced(schema, id, cents).long(0), city).0);
    }
    let mut worker = Worker::distributed().start();
    let settings = [("schemaEvolution", "widen"), ("flattenSeparator", "_")];
    worker.create(&name, &avro_sink(&topic, &name, &registry, &settings));
    await_committed(&name, &topic);
    let rows = format!("SELECT id, price, to_city FROM `{name}` ORDER BY id");
    assert_eq!(clickhouse.query(&rows), "1\t12.34\tOslo\n1099511627776\t123456.78\tBerlin");
    let types =
        format!("SELECT toTypeName(id), toTypeName(price), toTypeName(to_city) FROM `{name}` LIMIT 1");
    assert_eq!(clickhouse.query(&types), "Int64\tDecimal(8, 2)\tString");
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{name}`"));
}
