//! Avro values by the bytes that are sent: what the same value in JSON becomes, and what is refused.
use apache_avro::Schema as Theirs;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use serde_json::json;

use crate::binary::fake::{Fake, framed};
use crate::decoder::trial::{as_json, columns, decoder, sent};
use crate::decoder::{Appended, Decoder};
use crate::shape::Shape;
use crate::values::{Loss, Zones};

pub fn shape() -> Shape {
    Shape { schemas: Some(Fake::shared().schemas("")), ..Shape::default() }
}

/// A record as the other writer makes it.
pub fn record(schema: &serde_json::Value, value: Value) -> Vec<u8> {
    let text = schema.to_string();
    framed(Fake::shared().register(&text), &body(&text, value))
}

/// The other writer's bytes of a value.
pub fn body(schema: &str, value: Value) -> Vec<u8> {
    let schema = Theirs::parse_str(schema).unwrap();
    GenericDatumWriter::builder(&schema).build().unwrap().write_value_to_vec(value).unwrap()
}

/// A record with one field `v`.
#[allow(clippy::needless_pass_by_value, reason = "types are written as literals")]
fn single(ty: serde_json::Value, value: Value) -> Vec<u8> {
    let schema = json!({"type": "record", "name": "R", "fields": [{"name": "v", "type": ty}]});
    record(&schema, Value::Record(vec![("v".into(), value)]))
}

/// In a column of this type, the value becomes what this JSON becomes.
#[track_caller]
fn same(ty: &str, avro: serde_json::Value, value: Value, json: &str) {
    let table = [("v", ty)];
    let told = format!("{avro} {value:?} in {ty}");
    let mut ours = decoder(&table, &shape());
    let record = single(avro, value);
    assert_eq!(ours.append(&record), Ok(Appended::Row), "{told}");
    let expected = as_json(&table, &shape(), &[&format!("{{\"v\":{json}}}")]);
    assert_eq!(sent(&mut ours), expected, "{told}");
}

#[track_caller]
fn refused(ty: &str, avro: serde_json::Value, value: Value, sentence: &str) {
    let mut ours = decoder(&[("v", ty), ("w", "Array(UInt8)")], &shape());
    let record = single(avro, value);
    let told = ours.append(&record).unwrap_err().to_string();
    assert_eq!(told, format!("field v: {sentence} does not fit column v {ty}"));
    assert_eq!(ours.rows(), 0);
    assert!(ours.rows.slots.iter().all(|slot| !slot.has(0)), "it leaves nothing behind");
}

fn logical(ty: &str, logical: &str) -> serde_json::Value {
    json!({"type": ty, "logicalType": logical})
}

fn decimal(precision: u32, scale: u32) -> serde_json::Value {
    json!({"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale})
}

fn decimal_of(unscaled: i128) -> Value {
    Value::Decimal(unscaled.to_be_bytes().to_vec().into())
}

#[test]
fn plain_values_become_what_their_json_becomes() {
    for (ty, json) in [("Int8", "-7"), ("Int256", "-7"), ("Float64", "-7"), ("Decimal(9, 2)", "-7")] {
        same(ty, json!("int"), Value::Int(-7), json);
        same(ty, json!("long"), Value::Long(-7), json);
        same(ty, json!("double"), Value::Double(-7.0), json);
        same(ty, json!("string"), Value::String("-7".into()), "\"-7\"");
    }
    same("UInt64", json!("long"), Value::Long(i64::MAX), "9223372036854775807");
    same("Int64", json!("long"), Value::Long(i64::MIN), "-9223372036854775808");
    same("Float32", json!("float"), Value::Float(0.1), "0.1");
    same("Float64", json!("double"), Value::Double(0.1), "0.1");
    same("Float32", json!("double"), Value::Double(f64::NAN), "\"nan\"");
    same("BFloat16", json!("double"), Value::Double(1.5), "1.5");
    same("Decimal(18, 4)", json!("double"), Value::Double(0.1), "0.1");
    same("Decimal(18, 4)", json!("float"), Value::Float(0.1), "0.1");
    same("Bool", json!("boolean"), Value::Boolean(true), "true");
    same("UInt8", json!("boolean"), Value::Boolean(true), "true");
    same("String", json!("boolean"), Value::Boolean(false), "false");
    same("String", json!("long"), Value::Long(-12), "-12");
    same("String", json!("string"), Value::String("a\"é".into()), "\"a\\\"é\"");
    same("FixedString(4)", json!("bytes"), Value::Bytes(b"ab".to_vec()), "\"ab\"");
    same("LowCardinality(String)", json!("string"), Value::String("x".into()), "\"x\"");
    same("Enum8('a' = 1, 'b' = 5)", json!("string"), Value::String("b".into()), "\"b\"");
    same("Enum8('a' = 1, 'b' = 5)", json!("int"), Value::Int(5), "5");
    same("DateTime64(3)", json!("long"), Value::Long(1_700_000_000_123), "1700000000123");
    same("Date", json!("int"), Value::Int(19_000), "19000");
    same("Time", json!("int"), Value::Int(45_045), "45045");
    same("IPv6", json!("string"), Value::String("::1".into()), "\"::1\"");
    same("IPv4", json!("bytes"), Value::Bytes(vec![1, 2, 3, 4]), "\"1.2.3.4\"");
    same("JSON", json!("string"), Value::String(" {\"a\": 1} ".into()), "{\"a\": 1}");
}

#[test]
fn logical_types_keep_their_meaning() {
    let instant = "\"2023-01-02T03:04:05.678Z\"";
    let millis = 1_672_628_645_678;
    let timestamp = logical("long", "timestamp-millis");
    for ty in ["DateTime64(3)", "DateTime64(9, 'Europe/Berlin')", "DateTime64(0)", "DateTime"] {
        same(ty, timestamp.clone(), Value::TimestampMillis(millis), instant);
        let micros = logical("long", "timestamp-micros");
        same(ty, micros, Value::TimestampMicros(millis * 1000), instant);
        let nanos = logical("long", "timestamp-nanos");
        same(ty, nanos, Value::TimestampNanos(millis * 1_000_000), instant);
        let local = logical("long", "local-timestamp-millis");
        same(ty, local, Value::LocalTimestampMillis(millis), "\"2023-01-02 03:04:05.678\"");
        same(ty, logical("int", "date"), Value::Date(19_359), "\"2023-01-02 00:00:00\"");
    }
    same("Date32", timestamp.clone(), Value::TimestampMillis(-1), "\"1969-12-31\"");
    same("Int64", timestamp.clone(), Value::TimestampMillis(millis), "1672628645678");
    same("String", timestamp, Value::TimestampMillis(millis), instant);
    let date = logical("int", "date");
    same("Date", date.clone(), Value::Date(19_359), "\"2023-01-02\"");
    same("Date32", date.clone(), Value::Date(-1), "\"1969-12-31\"");
    same("String", date.clone(), Value::Date(-1), "\"1969-12-31\"");
    same("Int32", date, Value::Date(-1), "-1");
    same("Time", logical("int", "time-millis"), Value::TimeMillis(45_296_000), "\"12:34:56\"");
    same("Time64(3)", logical("int", "time-millis"), Value::TimeMillis(45_296_789), "\"12:34:56.789\"");
    same("Time64(6)", logical("long", "time-micros"), Value::TimeMicros(1), "\"00:00:00.000001\"");
    same("String", logical("long", "time-micros"), Value::TimeMicros(1), "\"00:00:00.000001\"");
    same("Decimal(9, 2)", decimal(9, 2), decimal_of(-123), "-1.23");
    same("Decimal(38, 4)", decimal(9, 2), decimal_of(-123), "-1.23");
    same("Decimal(9, 1)", decimal(9, 2), decimal_of(-120), "-1.2");
    same(
        "Decimal(76, 30)",
        decimal(38, 2),
        decimal_of(i128::MAX / 2),
        "850705917302346158658436518579420528.63",
    );
    same("Int64", decimal(9, 2), decimal_of(-1200), "-12");
    same("Float64", decimal(9, 2), decimal_of(-123), "-1.23");
    same("String", decimal(9, 2), decimal_of(-123), "\"-1.23\"");
    let uuid = "00112233-4455-6677-8899-aabbccddeeff";
    let quoted = format!("\"{uuid}\"");
    same("UUID", json!("string"), Value::String(uuid.into()), &quoted);
    let bytes: Vec<u8> = (0..16).map(|byte| byte * 0x11).collect();
    let fixed = json!({"type": "fixed", "name": "U", "size": 16});
    same("UUID", fixed.clone(), Value::Fixed(16, bytes.clone()), &quoted);
    same("IPv6", fixed, Value::Fixed(16, bytes), "\"11:2233:4455:6677:8899:aabb:ccdd:eeff\"");
}

#[test]
fn what_the_other_writer_does_not_write_is_read_as_well() {
    let fake = Fake::shared();
    let check = |ty: &str, avro: serde_json::Value, body: &[u8], json: &str| {
        let schema =
            json!({"type": "record", "name": "R", "fields": [{"name": "v", "type": avro}]}).to_string();
        let table = [("v", ty)];
        let mut ours = decoder(&table, &shape());
        assert_eq!(ours.append(&framed(fake.register(&schema), body)), Ok(Appended::Row), "{schema}");
        let expected = as_json(&table, &shape(), &[&format!("{{\"v\":{json}}}")]);
        assert_eq!(sent(&mut ours), expected, "{schema} in {ty}");
    };
    let duration = json!({"type": "fixed", "name": "D", "size": 12, "logicalType": "duration"});
    let body = [1_u32, 2, 3004].map(u32::to_le_bytes).concat();
    check("String", duration.clone(), &body, "\"P1M2DT3.004S\"");
    let body = [0_u32, 1, 5000].map(u32::to_le_bytes).concat();
    check("Time", duration, &body, "\"24:00:05\"");
    let uuid = json!({"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"});
    let bytes: Vec<u8> = (0..16).map(|byte| byte * 0x11).collect();
    check("UUID", uuid.clone(), &bytes, "\"00112233-4455-6677-8899-aabbccddeeff\"");
    check("String", uuid, &bytes, "\"00112233-4455-6677-8899-aabbccddeeff\"");
    let decimal = json!({"type": "fixed", "name": "F", "size": 3, "logicalType": "decimal", "precision": 6, "scale": 2});
    check("Decimal(9, 2)", decimal, &[0xFF, 0xFF, 0x85], "-1.23");
    // Two blocks, one of them with its size.
    check("Array(UInt8)", json!({"type": "array", "items": "int"}), &[1, 2, 2, 4, 4, 6, 0], "[1,2,3]");
    let any = json!({"type": "array", "items": {"type": "array", "items": "null"}});
    check("Array(Array(UInt8))", any, &[2, 6, 0, 0], "[[null,null,null]]");
    let micros = json!({"type": "long", "logicalType": "local-timestamp-micros"});
    check("DateTime64(6)", micros, &[2], "\"1970-01-01 00:00:00.000001\"");
}

#[test]
fn nested_values_find_their_elements_by_name() {
    let record_of = |fields: serde_json::Value| json!({"type": "record", "name": "N", "fields": fields});
    let two = record_of(
        json!([{"name": "b", "type": "string"}, {"name": "x", "type": "string"}, {"name": "a", "type": "int"}]),
    );
    let value = Value::Record(vec![
        ("b".into(), Value::String("t".into())),
        ("x".into(), Value::String("skipped".into())),
        ("a".into(), Value::Int(3)),
    ]);
    let text = r#"{"b":"t","x":"skipped","a":3}"#;
    same("Tuple(a UInt8, b String, c Array(String))", two.clone(), value.clone(), text);
    same("JSON", two.clone(), value.clone(), text);
    same("String", two.clone(), value.clone(), text);
    same("Tuple(String, String, UInt8)", two.clone(), value.clone(), r#"["t","skipped",3]"#);
    let items = json!({"type": "array", "items": two});
    let array = Value::Array(vec![value.clone(), value]);
    same("Nested(a UInt8, b String)", items.clone(), array.clone(), &format!("[{text},{text}]"));
    same("String", items, array, &format!("[{text},{text}]"));
    let map = json!({"type": "map", "values": "long"});
    let entries = Value::Map([("7".to_owned(), Value::Long(1))].into());
    same("Map(String, UInt8)", map.clone(), entries.clone(), "{\"7\":1}");
    same("Map(UInt8, Int64)", map.clone(), entries.clone(), "{\"7\":1}");
    same("Tuple(`7` UInt8, b UInt8)", map.clone(), entries.clone(), "{\"7\":1}");
    same("JSON", map, entries, "{\"7\":1}");
    let pairs = json!({"type": "array", "items": record_of(json!([{"name": "key", "type": "int"}, {"name": "value", "type": "string"}]))});
    let pair =
        Value::Record(vec![("key".into(), Value::Int(7)), ("value".into(), Value::String("x".into()))]);
    same("Map(Int64, String)", pairs, Value::Array(vec![pair]), "{\"7\":\"x\"}");
    let point = json!({"type": "array", "items": "double"});
    same("Point", point, Value::Array(vec![Value::Double(1.5), Value::Double(-2.0)]), "[1.5,-2.0]");
    let symbols = json!({"type": "enum", "name": "E", "symbols": ["A", "B"]});
    same("Enum16('B' = 300, 'C' = 1)", symbols.clone(), Value::Enum(1, "B".into()), "\"B\"");
    same("LowCardinality(String)", symbols.clone(), Value::Enum(1, "B".into()), "\"B\"");
    same("FixedString(3)", symbols, Value::Enum(0, "A".into()), "\"A\"");
}

#[test]
fn null_is_null_or_nothing() {
    let optional = |ty: serde_json::Value| json!(["null", ty]);
    let null = || Value::Union(0, Box::new(Value::Null));
    let array = json!({"type": "array", "items": "int"});
    let inner = json!({"type": "record", "name": "N", "fields": [{"name": "a", "type": ["int", "null"]}]});
    same("Nullable(UInt8)", optional(json!("int")), null(), "null");
    same("Nullable(UInt8)", json!(["int", "null"]), Value::Union(0, Box::new(Value::Int(1))), "1");
    same(
        "Nullable(String)",
        optional(inner.clone()),
        Value::Union(
            1,
            Box::new(Value::Record(vec![("a".into(), Value::Union(0, Box::new(Value::Int(1))))])),
        ),
        "{\"a\":1}",
    );
    let of_null = json!({"type": "array", "items": optional(array)});
    let values = Value::Array(vec![null(), Value::Union(1, Box::new(Value::Array(vec![Value::Int(1)])))]);
    same("Array(Array(Nullable(Int8)))", of_null, values, "[null,[1]]");
    let tuple = Value::Record(vec![("a".into(), Value::Union(1, Box::new(Value::Null)))]);
    same("Tuple(a UInt8, b Nullable(String))", inner, tuple, "{\"a\":null}");
    // As missing as it is in JSON: nothing is sent, and the server puts the default there.
    for ty in ["UInt8", "Array(UInt8)", "Map(String, UInt8)", "Tuple(a UInt8)", "JSON", "Dynamic"] {
        let table = [("v", ty), ("k", "UInt8")];
        let schema = json!({"type": "record", "name": "R", "fields": [{"name": "v", "type": ["null"]}, {"name": "k", "type": "int"}]});
        let mut ours = decoder(&table, &shape());
        let value = Value::Record(vec![("v".into(), null()), ("k".into(), Value::Int(1))]);
        ours.append(&record(&schema, value)).unwrap();
        assert_eq!(sent(&mut ours), as_json(&table, &shape(), &["{\"v\":null,\"k\":1}"]), "{ty}");
    }
}

#[test]
fn unions_find_the_member_that_says_most() {
    let union = json!(["null", "int", "string", {"type": "array", "items": "long"}, "double", "boolean"]);
    let of = |index: u32, value: Value| Value::Union(index, Box::new(value));
    let ty = "Variant(Array(UInt8), Bool, Float64, Int32, String, UInt64)";
    same(ty, union.clone(), of(1, Value::Int(7)), "7");
    same(ty, union.clone(), of(2, Value::String("x".into())), "\"x\"");
    same(ty, union.clone(), of(3, Value::Array(vec![Value::Long(1)])), "[1]");
    same(ty, union.clone(), of(4, Value::Double(1.5)), "1.5");
    same(ty, union.clone(), of(5, Value::Boolean(true)), "true");
    same("Dynamic", union.clone(), of(2, Value::String("x".into())), "\"x\"");
    same("Dynamic", union.clone(), of(3, Value::Array(vec![Value::Long(1)])), "[1]");
    same("Dynamic", union.clone(), of(4, Value::Double(1.5)), "1.5");
    same("String", union.clone(), of(3, Value::Array(vec![Value::Long(1)])), "\"[1]\"");
    same("Int64", json!(["int", "long"]), of(1, Value::Long(9)), "9");
    let told = "avro union of null, int, string, array of long, double and boolean";
    refused("Int32", union.clone(), of(1, Value::Int(7)), told);
    refused("Variant(Array(UInt8), Bool)", union, of(5, Value::Boolean(true)), told);
}

#[test]
fn what_does_not_fit_is_told_with_field_type_and_column() {
    refused("UInt8", json!("int"), Value::Int(256), "int 256");
    refused("UInt8", json!("long"), Value::Long(-1), "long -1");
    refused(
        "Nullable(Int8)",
        json!(["null", "long"]),
        Value::Union(1, Box::new(Value::Long(128))),
        "long 128",
    );
    refused("Int32", json!("double"), Value::Double(1.5), "double 1.5");
    refused("Float32", json!("double"), Value::Double(1e39), "double 1e39");
    refused("Int32", json!("string"), Value::String("x".into()), "string \"x\"");
    refused("FixedString(1)", json!("bytes"), Value::Bytes(vec![1, 2]), "bytes 0x0102");
    refused("Decimal(9, 1)", decimal(9, 2), decimal_of(-123), "decimal -1.23");
    refused("Decimal(2, 1)", decimal(9, 2), decimal_of(1000), "decimal 10.00");
    refused(
        "DateTime",
        logical("long", "timestamp-millis"),
        Value::TimestampMillis(-1000),
        "timestamp-millis 1969-12-31T23:59:59.000Z",
    );
    refused("Date", logical("int", "date"), Value::Date(65_536), "date 2149-06-07");
    let far = logical("long", "timestamp-millis");
    let value = Value::TimestampMillis(10_413_792_000_000);
    refused("DateTime64(9)", far, value, "timestamp-millis 2300-01-01T00:00:00.000Z");
    refused("JSON", json!("string"), Value::String("[1]".into()), "string \"[1]\"");
    refused("UInt8", json!({"type": "array", "items": "int"}), Value::Array(vec![]), "avro array of int");
    refused("UUID", json!("long"), Value::Long(1), "avro long");
    refused(
        "Array(UInt8)",
        json!({"type": "map", "values": "int"}),
        Value::Map([].into()),
        "avro map of int",
    );
    refused("Date", json!("double"), Value::Double(1.0), "avro double");
    let symbols = json!({"type": "enum", "name": "a.E", "symbols": ["A", "B"]});
    refused("Enum8('A' = 1)", symbols.clone(), Value::Enum(1, "B".into()), "enum \"B\"");
    refused("Enum8('C' = 1)", symbols, Value::Enum(1, "B".into()), "avro enum a.E");
    refused(
        "FixedString(3)",
        json!({"type": "fixed", "name": "F", "size": 4}),
        Value::Fixed(4, vec![0; 4]),
        "avro fixed(4)",
    );
    let inner = json!({"type": "record", "name": "N", "fields": [{"name": "a", "type": {"type": "array", "items": "int"}}]});
    let mut ours = decoder(&[("v", "Tuple(a UInt8)")], &shape());
    let told =
        ours.append(&single(inner, Value::Record(vec![("a".into(), Value::Array(vec![]))]))).unwrap_err();
    assert_eq!(told.to_string(), "field v.a: avro array of int does not fit column v Tuple(a UInt8)");
    let mut ours = decoder(&[("v", "AggregateFunction(sum, UInt8)")], &shape());
    let told = ours.append(&single(json!("int"), Value::Int(1))).unwrap_err().to_string();
    assert!(told.starts_with("field v: avro int cannot be inserted, because column v AggregateFunction(sum, UInt8) has a type that this sink does not write"), "{told}");
}

#[test]
fn precision_is_lost_only_where_it_may_be() {
    let check = |loss: Loss, ty: &str, avro: serde_json::Value, value: Value| {
        let zones = Zones { loss, ..Zones::utc() };
        let mut ours = Decoder::open(&columns(&[("v", ty)]), &zones, &shape(), None).unwrap();
        ours.append(&single(avro, value)).is_ok()
    };
    let timestamp = || (logical("long", "timestamp-millis"), Value::TimestampMillis(1_672_628_645_678));
    let price = || (decimal(9, 2), decimal_of(-123));
    for (loss, time, digits) in
        [(Loss::Refused, false, false), (Loss::Times, true, false), (Loss::Allowed, true, true)]
    {
        for ty in ["DateTime", "DateTime64(2)", "Date", "Date32"] {
            assert_eq!(check(loss, ty, timestamp().0, timestamp().1), time, "{ty} {loss:?}");
        }
        assert_eq!(check(loss, "Time", logical("int", "time-millis"), Value::TimeMillis(1)), time);
        assert_eq!(check(loss, "Decimal(9, 1)", price().0, price().1), digits);
        assert!(!check(loss, "Int32", price().0, price().1), "a fraction is no matter of precision");
    }
}
