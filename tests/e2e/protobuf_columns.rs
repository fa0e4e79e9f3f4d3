//! Protobuf that the ClickHouse sink decodes itself: messages that change, types of every kind, what is refused, keys
//! that delete, and a transform in front.

use crate::clickhouse::{await_committed, sink};
use penstock_tests::kafka::Record;
use penstock_tests::registry::register;
use penstock_tests::services::registry;
use penstock_tests::{ClickHouse, Kafka, Worker, unique};
use serde_json::{Value, json};
use std::fmt::Write as _;

const PROTOBUF: &str = "io.confluent.connect.protobuf.ProtobufConverter";
const ITEM: &str = "syntax = \"proto3\";\npackage shop;\nmessage Item { string sku = 1; sint32 count = 2; double unused = 3; }\n";
const IMPORTS: &str = "syntax = \"proto3\";\npackage shop;\nimport \"shop/item.proto\";\n\
    import \"google/protobuf/timestamp.proto\";\nimport \"confluent/type/decimal.proto\";\n";
/// The number of an order is unsigned from the second version on, and there are a state and labels.
const ORDERS: [&str; 2] = [
    "message Order { int64 id = 1; confluent.type.Decimal price = 2; oneof code { string text = 3; int64 number = 4; }\n\
     google.protobuf.Timestamp at = 5; repeated Item items = 6; To to = 7; message To { string city = 1; } }\n",
    "message Other { int64 id = 1; }\n\
     message Order { uint64 id = 1; confluent.type.Decimal price = 2; google.protobuf.Timestamp at = 5;\n\
     repeated Item items = 6; To to = 7; State state = 8; map<string, string> labels = 9; optional bool gift = 10;\n\
     message To { string city = 1; } enum State { UNKNOWN = 0; NEW = 4; PAID = 5; } }\n",
];

/// Ids of the two versions of an order, whose items are a schema of their own.
fn orders(registry: &str, topic: &str) -> [u32; 2] {
    let item = format!("{topic}-item");
    register(registry, &item, "PROTOBUF", ITEM, &json!([]));
    let references = json!([{"name": "shop/item.proto", "subject": item, "version": 1}]);
    let version = |at: usize| {
        register(
            registry,
            &format!("{topic}-{at}"),
            "PROTOBUF",
            &format!("{IMPORTS}{}", ORDERS[at]),
            &references,
        )
    };
    [version(0), version(1)]
}

/// A message, written field by field.
#[derive(Clone, Default)]
struct Message(Vec<u8>);

fn message() -> Message {
    Message::default()
}

impl Message {
    fn plain(mut self, mut value: u64) -> Self {
        while value >= 0x80 {
            self.0.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.0.push(value.to_le_bytes()[0]);
        self
    }

    fn number(self, field: u64, value: i64) -> Self {
        self.plain(field << 3).plain(value.cast_unsigned())
    }

    fn bytes(self, field: u64, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        let mut written = self.plain(field << 3 | 2).plain(bytes.len().try_into().unwrap());
        written.0.extend_from_slice(bytes);
        written
    }

    fn inner(self, field: u64, inner: &Message) -> Self {
        self.bytes(field, &inner.0)
    }

    /// Behind the id of its schema and the indexes of the message.
    fn record(&self, schema: u32, indexes: &[u8]) -> Vec<u8> {
        [&[0][..], &schema.to_be_bytes(), indexes, &self.0].concat()
    }
}

/// The fields that both versions have.
fn order(id: i64, cents: i32, city: &str) -> Message {
    message()
        .number(1, id)
        .inner(2, &message().bytes(1, cents.to_be_bytes()).number(3, 2))
        .inner(5, &message().number(1, 1_672_628_645).number(2, 678_901_000))
        .inner(6, &message().bytes(1, "s-1").number(2, 6))
        .inner(6, &message().bytes(1, "s-2"))
        .inner(7, &message().bytes(1, city))
}

fn protobuf_sink(topic: &str, table: &str, registry: &str, more: &[(&str, &str)]) -> Value {
    let mut config = sink(&ClickHouse::shared(), topic, table, 1);
    config["value.converter"] = json!(PROTOBUF);
    config["value.converter.schema.registry.url"] = json!(registry);
    for (key, value) in more {
        config[*key] = json!(value);
    }
    config
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|row| serde_json::from_str(row).unwrap()).collect()
}

fn create_orders(clickhouse: &ClickHouse, name: &str) {
    clickhouse.query(&format!(
        "CREATE TABLE `{name}` (id UInt32, price Decimal(18, 4), text Nullable(String), number Nullable(Int64), \
         at DateTime64(3, 'UTC'), items Array(Tuple(sku LowCardinality(String), count Int8)), to_city String, \
         state Enum8('NEW' = 1, 'UNKNOWN' = 2, 'PAID' = 3) DEFAULT 'PAID', labels Map(String, String), whole JSON, \
         gift Bool DEFAULT true, _offset UInt64, _raw_message String) ENGINE = MergeTree ORDER BY id"
    ));
}

const FLAT_AND_TOLERANT: [(&str, &str); 4] = [
    ("flattenSeparator", "_"),
    ("field2ColumnMap", "to.city=to_city,to=whole"),
    ("errorTableEnabled", "true"),
    ("errors.tolerance", "all"),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[test]
fn orders_of_two_messages_arrive_in_typed_columns_and_bad_ones_in_the_error_table() {
    let (kafka, clickhouse, registry) = (Kafka::shared(), ClickHouse::shared(), registry());
    let (topic, name) = (unique("orders"), unique("protobuf-columns"));
    kafka.create_topic(&topic, 1);
    create_orders(&clickhouse, &name);
    let [first, second] = orders(&registry, &topic);
    let label = |key: &str, value: &str| message().bytes(1, key).bytes(2, value);
    let more =
        order(2, -5, "Bern").number(8, 4).inner(9, &label("k", "v")).inner(9, &label("k", "w")).number(10, 0);
    let values = [
        order(1, 1234, "Oslo").number(4, 5).bytes(3, "x-1").record(first, &[0]),
        // The second message of its file.
        more.record(second, &[2, 2]),
        order(3, 100, "Rome").number(4, 77).number(99, 1).record(first, &[2, 0]),
        order(-4, 100, "bad: no number below zero fits").record(first, &[0]),
        // Numbers count again where a field comes twice, and messages merge.
        order(5, 0, "").number(1, 6).inner(7, &message().bytes(1, "Nice")).record(second, &[2, 2]),
        b"{\"id\":7}".to_vec(),
        order(8, 0, "cut off").record(first, &[0])[..20].to_vec(),
        order(9, 0, "no such message").record(first, &[2, 8]),
    ];
    for value in &values {
        kafka.put_bytes(&topic, value);
    }
    let mut worker = Worker::distributed().start();
    worker.create(&name, &protobuf_sink(&topic, &name, &registry, &FLAT_AND_TOLERANT));
    await_committed(&name, &topic);
    let raw = hex(&values[0]);
    let rows = clickhouse.query(&format!(
        "SELECT id, price, text, toString(number), at, items.sku, items.count, toString(state), labels, toString(whole), gift, \
         _offset, _raw_message = unhex('{raw}') FROM `{name}` ORDER BY id FORMAT JSONCompactEachRow"
    ));
    let time = "2023-01-02 03:04:05.678";
    let whole = |city: &str| format!("{{\"city\":\"{city}\"}}");
    let items = (json!(["s-1", "s-2"]), json!([3, 0]));
    let expected = [
        json!([1, 12.34, "x-1", null, time, items.0, items.1, "PAID", {}, whole("Oslo"), true, 0, 1]),
        json!([2, -0.05, null, null, time, items.0, items.1, "NEW", {"k": "w"}, whole("Bern"), false, 1, 0]),
        json!([3, 1, null, "77", time, items.0, items.1, "PAID", {}, whole("Rome"), true, 2, 0]),
        json!([6, 0, null, null, time, items.0, items.1, "UNKNOWN", {}, whole("Nice"), true, 4, 0]),
    ];
    assert_eq!(lines(&rows), expected);
    let kept = clickhouse.query(&format!(
        "SELECT offset, error_class, error_message FROM `{name}_penstock_error` ORDER BY offset FORMAT JSONCompactEachRow"
    ));
    let kept = lines(&kept);
    assert_eq!(kept.len(), 4, "{kept:?}");
    for (row, part) in kept.iter().zip([
        "@3: field id: int64 -4 does not fit column id UInt32",
        "the first byte is 123, expected 0",
        "cut off",
        "has no message at [4]",
    ]) {
        assert_eq!(row[1], "DATA_PARSING_ERROR");
        assert!(row[2].as_str().unwrap().contains(part), "{row}");
    }
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{name}`"));
    clickhouse.query(&format!("DROP TABLE `{name}_penstock_error`"));
}

#[test]
fn messages_make_the_table_and_their_new_fields_its_columns() {
    let (kafka, clickhouse, registry) = (Kafka::shared(), ClickHouse::shared(), registry());
    let (topic, name) = (unique("orders"), unique("protobuf-created"));
    kafka.create_topic(&topic, 1);
    let [first, second] = orders(&registry, &topic);
    kafka.put_bytes(&topic, &order(1, 1234, "Oslo").number(4, 77).record(first, &[0]));
    let mut worker = Worker::distributed().start();
    let more = [("tableCreation", "create"), ("schemaEvolution", "add")];
    worker.create(&name, &protobuf_sink(&topic, &name, &registry, &more));
    await_committed(&name, &topic);
    kafka.put_bytes(&topic, &order(2, -5, "Bern").number(8, 5).record(second, &[2, 2]));
    await_committed(&name, &topic);
    let columns = clickhouse.query(&format!(
        "SELECT name, type FROM system.columns WHERE database = 'default' AND table = '{name}' AND NOT startsWith(name, '_') \
         ORDER BY position FORMAT JSONCompactEachRow"
    ));
    let expected = [
        json!(["id", "Int64"]),
        json!(["price", "Nullable(String)"]),
        json!(["text", "Nullable(String)"]),
        json!(["number", "Nullable(Int64)"]),
        json!(["at", "Nullable(DateTime64(6, 'UTC'))"]),
        json!(["items", "Array(Tuple(sku String, count Int32, unused Float64))"]),
        json!(["to", "Tuple(city String)"]),
        json!(["state", "LowCardinality(Nullable(String))"]),
        json!(["labels", "Map(String, String)"]),
        json!(["gift", "Nullable(Bool)"]),
    ];
    assert_eq!(lines(&columns), expected);
    let rows = clickhouse.query(&format!(
        "SELECT toString(id), price, toString(number), at, items.count, to.city, state, labels FROM `{name}` ORDER BY id \
         FORMAT JSONCompactEachRow"
    ));
    let time = "2023-01-02 03:04:05.678901";
    let expected = [
        json!(["1", "12.34", "77", time, [3, 0], "Oslo", null, {}]),
        json!(["2", "-0.05", null, time, [3, 0], "Bern", "PAID", {}]),
    ];
    assert_eq!(lines(&rows), expected);
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{name}`"));
}

#[test]
fn keys_in_protobuf_delete_rows_also_behind_a_transform_of_the_value() {
    let (kafka, clickhouse, registry) = (Kafka::shared(), ClickHouse::shared(), registry());
    let (topic, name) = (unique("states"), unique("protobuf-keys"));
    kafka.create_topic(&topic, 1);
    clickhouse.query(&format!(
        "CREATE TABLE `{name}` (id UInt32, name String, more Nullable(String), version UInt64, gone UInt8) \
         ENGINE = ReplacingMergeTree(version, gone) ORDER BY id"
    ));
    let text = |fields: &str| format!("syntax = \"proto3\";\npackage shop;\nmessage State {{ {fields} }}\n");
    let key = register(&registry, &format!("{topic}-key"), "PROTOBUF", &text("int64 id = 1;"), &json!([]));
    let value = text("int64 id = 1; string name = 2;");
    let schema = register(&registry, &format!("{topic}-value"), "PROTOBUF", &value, &json!([]));
    let record = |id: i64, name: Option<&str>| Record {
        partition: 0,
        offset: 0,
        key: Some(message().number(1, id).record(key, &[0])),
        value: name.map(|name| message().number(1, id).bytes(2, name).record(schema, &[0])),
        headers: Vec::new(),
    };
    kafka
        .append(&topic, &[record(1, Some("a")), record(2, Some("b")), record(1, None), record(3, Some("c"))]);
    // The connector says nothing of converters: they are the worker's, with their registry.
    let mut worker = Worker::distributed()
        .set("key.converter", PROTOBUF)
        .set("key.converter.schema.registry.url", &registry)
        .set("value.converter", PROTOBUF)
        .set("value.converter.schema.registry.url", &registry)
        .start();
    let mut config = sink(&clickhouse, &topic, &name, 1);
    let settings = config.as_object_mut().unwrap();
    settings.retain(|key, _| !key.contains("converter"));
    for (key, value) in [
        ("upsertMode", "tombstones"),
        ("transforms", "more"),
        ("transforms.more.type", "org.apache.kafka.connect.transforms.InsertField$Value"),
        ("transforms.more.static.field", "more"),
        ("transforms.more.static.value", "inserted"),
        ("transforms.more.predicate", "gone"),
        ("transforms.more.negate", "true"),
        ("predicates", "gone"),
        ("predicates.gone.type", "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone"),
    ] {
        settings.insert(key.to_owned(), json!(value));
    }
    worker.create(&name, &config);
    await_committed(&name, &topic);
    let rows = clickhouse.query(&format!("SELECT id, name, more FROM `{name}` FINAL ORDER BY id FORMAT CSV"));
    assert_eq!(rows.trim(), "2,\"b\",\"inserted\"\n3,\"c\",\"inserted\"");
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{name}`"));
}
