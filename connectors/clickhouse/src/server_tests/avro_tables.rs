//! Tables that are created from, and altered for, the schemas that Avro records were written with.
use apache_avro::Schema as Theirs;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use formats::registry::Format;
use penstock_sdk::Kind;
use serde_json::{Value as Json, json};

use super::*;
use crate::binary::fake::{Fake, framed, open};

pub fn with(lab: &Lab, more: &[(&str, &str)], keys: bool) -> Delivery {
    let mut settings = Settings::parse(&config(more).with("database", &lab.database)).unwrap();
    settings.shape.schemas = Some(Fake::shared().schemas(""));
    settings.shape.key_schemas = keys.then(|| Fake::shared().schemas(""));
    Delivery::new(settings, false, patient()).unwrap()
}

pub fn types(lab: &Lab) -> String {
    let sql = "SELECT name, type FROM system.columns \
        WHERE database = '@' AND table = 't' AND name NOT IN ('_topic', '_partition', '_offset', '_timestamp') ORDER BY position";
    lab.run(sql).iter().map(|row| row.join(" ")).collect::<Vec<_>>().join(", ")
}

/// The other writer's bytes of a value, behind the id of its schema.
pub fn written(schema: &Json, value: Value) -> Vec<u8> {
    let text = schema.to_string();
    let theirs = Theirs::parse_str(&text).unwrap();
    let body = GenericDatumWriter::builder(&theirs).build().unwrap().write_value_to_vec(value).unwrap();
    framed(Fake::shared().register(&text), &body)
}

pub type Field<'a> = (&'a str, Json, Value);

pub fn record(fields: &[Field<'_>]) -> Vec<u8> {
    let types: Vec<_> = fields.iter().map(|(name, ty, _)| json!({"name": name, "type": ty})).collect();
    let schema = json!({"type": "record", "name": "R", "fields": types});
    written(&schema, object(fields))
}

fn object(fields: &[Field<'_>]) -> Value {
    Value::Record(fields.iter().map(|(name, _, value)| ((*name).to_owned(), value.clone())).collect())
}

pub fn long(name: &str, value: i64) -> Field<'_> {
    (name, json!("long"), Value::Long(value))
}

pub fn some(value: Value) -> Value {
    Value::Union(1, Box::new(value))
}

const CREATE: (&str, &str) = ("tableCreation", "create");

/// A field of every type.
fn everything() -> Vec<u8> {
    let decimal = json!({"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2});
    let place = json!({"type": "record", "name": "P", "fields":
        [{"name": "lat", "type": "double"}, {"name": "note", "type": ["null", "string"]}]});
    let at = Value::Record(vec![
        ("lat".into(), Value::Double(1.5)),
        ("note".into(), Value::Union(0, Box::new(Value::Null))),
    ]);
    record(&[
        ("k", json!("int"), Value::Int(7)),
        ("n", json!(["null", "long"]), Value::Union(0, Box::new(Value::Null))),
        ("at", json!({"type": "long", "logicalType": "timestamp-millis"}), Value::TimestampMillis(1_500)),
        ("day", json!({"type": "int", "logicalType": "date"}), Value::Date(19_000)),
        ("clock", json!({"type": "long", "logicalType": "time-micros"}), Value::TimeMicros(1_000_000)),
        ("price", decimal, Value::Decimal(1250_i64.to_be_bytes().to_vec().into())),
        (
            "id",
            json!({"type": "string", "logicalType": "uuid"}),
            Value::Uuid(apache_avro::Uuid::from_u128(5)),
        ),
        ("e", json!({"type": "enum", "name": "E", "symbols": ["A", "B"]}), Value::Enum(1, "B".into())),
        (
            "tags",
            json!({"type": "array", "items": ["null", "string"]}),
            Value::Array(vec![some(Value::String("x".into()))]),
        ),
        (
            "m",
            json!({"type": "map", "values": "float"}),
            Value::Map([("a".to_owned(), Value::Float(0.5))].into()),
        ),
        ("place", place, at),
        ("any", json!(["int", {"type": "array", "items": "int"}]), some(Value::Array(vec![Value::Int(3)]))),
        ("raw", json!("bytes"), Value::Bytes(vec![1, 2])),
    ])
}

#[test]
fn a_missing_table_gets_the_columns_of_the_schema() {
    let lab = Lab::new();
    let value = everything();
    let mut delivery = with(&lab, &[CREATE], false);
    accept(&mut delivery, "t", &[&value, &value]);
    assert_eq!(
        types(&lab),
        "k Int32, n Nullable(Int64), at DateTime64(3, 'UTC'), day Date32, clock Time64(6), price Decimal(9, 2), id UUID, \
         e LowCardinality(String), tags Array(Nullable(String)), m Map(String, Float32), \
         place Tuple(lat Float64, note Nullable(String)), any String, raw String"
    );
    let row = lab.run(
        "SELECT DISTINCT k, isNull(n), at, day, clock, price, id, e, tags[1], m['a'], place.lat, any, hex(raw) FROM @.t",
    );
    let expected = [
        "7",
        "1",
        "1970-01-01 00:00:01.500",
        "2022-01-08",
        "00:00:01.000000",
        "12.5",
        "00000000-0000-0000-0000-000000000005",
        "B",
        "x",
        "0.5",
        "1.5",
        "[3]",
        "0102",
    ];
    assert_eq!(row, [expected]);
    assert_eq!(delivery.take_notices()[0].event, "tables_created");
}

#[test]
fn a_missing_table_is_told_with_the_statement_of_the_schema() {
    let lab = Lab::new();
    let error = write(&mut with(&lab, &[], false), "t", &[record(&[long("k", 1)])]).unwrap_err();
    let (_, statement) = error.message().split_once("tableCreation=create would run ").expect("a statement");
    lab.run(statement);
    assert_eq!(types(&lab), "k Int64");
}

#[test]
fn a_batch_of_two_schemas_makes_one_table() {
    let lab = Lab::new();
    let old =
        record(&[("k", json!("int"), Value::Int(1)), ("gone", json!("string"), Value::String("x".into()))]);
    let new = record(&[long("k", 1 << 40), ("new", json!("boolean"), Value::Boolean(true))]);
    accept(&mut with(&lab, &[CREATE], false), "t", &[old, new]);
    assert_eq!(types(&lab), "k Int64, gone Nullable(String), new Nullable(Bool)");
    assert_eq!(lab.run("SELECT sum(k), count(gone), count(new) FROM @.t"), [["1099511627777", "1", "1"]]);
}

#[test]
fn records_that_nobody_can_read_make_no_table() {
    let lab = Lab::new();
    let mut delivery = with(&lab, &[CREATE], false);
    let outcome = write(&mut delivery, "t", &[framed(1 << 30, b""), b"no header".to_vec()]).unwrap();
    assert_eq!((outcome.rows, outcome.rejected.len()), (0, 2));
    let mut settings = Settings::parse(&config(&[CREATE]).with("database", &lab.database)).unwrap();
    settings.shape.schemas = Some(open(Format::Avro, "http://127.0.0.1:1"));
    let mut away = Delivery::new(settings, false, patient()).unwrap();
    let error = write(&mut away, "t", &[record(&[long("k", 1)])]).unwrap_err();
    assert_eq!(error.kind(), &Kind::Retry { after: None }, "{error}");
    assert!(lab.run("SHOW TABLES FROM @").is_empty());
    // A map names its fields by itself.
    let map = json!({"type": "map", "values": "long"});
    let value = written(&map, Value::Map([("k".to_owned(), Value::Long(5))].into()));
    accept(&mut delivery, "t", &[value]);
    assert_eq!(types(&lab), "k Int64");
}

const SORTED: &str = "SELECT name FROM system.columns WHERE database = '@' AND is_in_sorting_key";

#[test]
fn upserts_sort_a_table_by_the_fields_of_avro_keys() {
    let lab = Lab::new();
    let mut delivery = with(&lab, &[CREATE, ("upsertMode", "tombstones")], true);
    let (key, value) = (record(&[long("id", 1)]), record(&[long("v", 9), long("id", 1)]));
    let incoming =
        |offset, value| Incoming { topic: "t", offset, key: Some(&key), value, ..Incoming::default() };
    delivery.write(&[incoming(0, Some(&value))], None).unwrap();
    assert_eq!(lab.run(SORTED), [["id"]]);
    assert_eq!(lab.run("SELECT id, v FROM @.t FINAL"), [["1", "9"]]);
    delivery.write(&[incoming(1, None)], None).unwrap();
    assert!(lab.run("SELECT id, v FROM @.t FINAL").is_empty());
    // A key that is a single value names the field that equals it.
    lab.run("DROP TABLE @.t SYNC");
    let key = written(&json!("long"), Value::Long(1));
    let mut delivery = with(&lab, &[CREATE, ("upsertMode", "tombstones")], true);
    let record = Incoming { topic: "t", key: Some(&key), value: Some(&value), ..Incoming::default() };
    delivery.write(&[record], None).unwrap();
    assert_eq!(lab.run(SORTED), [["id"]]);
}

/// A change event of Debezium that inserts a row of these fields.
pub fn change(fields: &[Field<'_>]) -> Vec<u8> {
    let types: Vec<_> = fields.iter().map(|(name, ty, _)| json!({"name": name, "type": ty})).collect();
    let row = json!({"type": "record", "name": "Row", "fields": types});
    let schema = json!({"type": "record", "name": "Envelope", "fields": [
        {"name": "before", "type": ["null", row]},
        {"name": "after", "type": ["null", "Row"]},
        {"name": "op", "type": "string"},
    ]});
    let event = Value::Record(vec![
        ("before".into(), Value::Union(0, Box::new(Value::Null))),
        ("after".into(), some(object(fields))),
        ("op".into(), Value::String("c".into())),
    ]);
    written(&schema, event)
}

#[test]
fn change_events_make_alter_and_overflow_the_table_of_their_rows() {
    let lab = Lab::new();
    let key = record(&[long("id", 1)]);
    let settings = |mode| [CREATE, ("upsertMode", "debezium"), ("schemaEvolution", mode)];
    let put = |delivery: &mut Delivery, offset, value: &[u8]| {
        let key = Some(key.as_slice());
        let record = Incoming { topic: "t", offset, key, value: Some(value), ..Incoming::default() };
        assert_eq!(delivery.write(&[record], None).unwrap().rows, 1);
    };
    let mut delivery = with(&lab, &settings("add"), true);
    put(&mut delivery, 0, &change(&[long("id", 1), long("v", 2)]));
    put(&mut delivery, 1, &change(&[long("id", 1), long("v", 3), long("w", 4)]));
    assert_eq!(lab.run("SELECT id, v, w FROM @.t FINAL"), [["1", "3", "4"]]);
    lab.run("ALTER TABLE @.t ADD COLUMN _overflow String");
    put(&mut with(&lab, &settings("overflow"), true), 2, &change(&[long("id", 1), long("x", 5)]));
    assert_eq!(lab.run("SELECT id, _overflow FROM @.t FINAL"), [["1", "{\"x\":5}"]]);
}

#[test]
fn a_schema_with_new_fields_alters_the_table_or_stops_the_task() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32, o_a Int64) ENGINE = MergeTree ORDER BY k");
    let inner = |names: &[&str]| {
        let fields: Vec<_> = names.iter().map(|name| json!({"name": name, "type": "long"})).collect();
        json!({"type": "record", "name": "O", "fields": fields})
    };
    let value = |names: &[&str], k| {
        let fields = names.iter().map(|name| ((*name).to_owned(), Value::Long(8))).collect();
        record(&[long("k", k), ("o", inner(names), Value::Record(fields)), ("n", json!("null"), Value::Null)])
    };
    let mode = |mode| [("schemaEvolution", mode), ("flattenSeparator", "_")];
    let mut halting = with(&lab, &mode("halt"), false);
    accept(&mut halting, "t", &[value(&["a"], 1)]);
    let error = write(&mut halting, "t", &[value(&["a", "b"], 2)]).unwrap_err();
    assert!(error.message().contains("ADD COLUMN IF NOT EXISTS `o_b` Nullable(Int64)"), "{error}");
    let mut adding = with(&lab, &mode("add"), false);
    accept(&mut adding, "t", &[value(&["a", "b"], 2), value(&["a"], 3)]);
    assert_eq!(types(&lab), "k UInt32, o_a Int64, o_b Nullable(Int64)");
    assert_eq!(lab.run("SELECT k, ifNull(o_b, 0) FROM @.t ORDER BY k"), [["1", "0"], ["2", "8"], ["3", "0"]]);
    let events: Vec<_> = adding.take_notices().iter().map(|notice| notice.event).collect();
    assert_eq!(events, ["columns_added"]);
    accept(&mut halting, "t", &[value(&["a", "b"], 4)]);
}

#[test]
fn fields_without_a_column_overflow_as_json() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32, _overflow String) ENGINE = MergeTree ORDER BY k");
    let mut delivery = with(&lab, &[("schemaEvolution", "overflow")], false);
    let nullable = |k, value| record(&[long("k", k), ("x", json!(["null", "bytes"]), value)]);
    let values = [
        nullable(1, some(Value::Bytes(vec![255]))),
        nullable(2, Value::Union(0, Box::new(Value::Null))),
        record(&[long("k", 3)]),
    ];
    accept(&mut delivery, "t", &values);
    assert_eq!(
        lab.run("SELECT k, _overflow FROM @.t ORDER BY k"),
        [["1", "{\"x\":\"/w==\"}"], ["2", ""], ["3", ""]]
    );
    let map = json!({"type": "map", "values": "long"});
    let entries = [("k".to_owned(), Value::Long(4)), ("more".to_owned(), Value::Long(5))].into();
    accept(&mut delivery, "t", &[written(&map, Value::Map(entries))]);
    assert_eq!(lab.run("SELECT _overflow FROM @.t WHERE k = 4"), [["{\"more\":5}"]]);
}
