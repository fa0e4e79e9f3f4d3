//! Columns that are made wider for values of Avro and Protobuf, and values that no wider column is made for.
use apache_avro::types::Value;
use formats::registry::Format;
use formats::varint;
use serde_json::{Value as Json, json};

use super::avro_tables::{Field, change, long, record, some, types, with};
use super::*;
use crate::binary::fake::{Fake, framed};

const WIDEN: (&str, &str) = ("schemaEvolution", "widen");

fn logical(ty: &str, logical: &str) -> Json {
    json!({"type": ty, "logicalType": logical})
}

fn text(name: &str, value: &str) -> Field<'static> {
    (name.to_owned().leak(), json!("string"), Value::String(value.to_owned()))
}

fn double(name: &str, value: f64) -> Field<'_> {
    (name, json!("double"), Value::Double(value))
}

/// Records of one schema, with values that go into columns of many types.
fn avro(key: i64, numbers: [i64; 6], [real, share]: [f64; 2], [raw, low]: [&str; 2], symbol: u32) -> Vec<u8> {
    let [whole, plain, price, day, at, maybe] = numbers;
    let decimal = json!({"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 3});
    let symbols = json!({"type": "enum", "name": "E", "symbols": ["a", "new"]});
    let of = |value: i64| Value::Array(vec![Value::Long(1), Value::Long(value)]);
    record(&[
        long("k", key),
        long("i", whole),
        long("u", plain),
        double("f", real),
        double("share", share),
        ("d", decimal, Value::Decimal(price.to_be_bytes().to_vec().into())),
        ("e", symbols, Value::Enum(symbol, ["a", "new"][symbol as usize].into())),
        ("s", json!("bytes"), Value::Bytes(raw.as_bytes().to_vec())),
        ("day", logical("int", "date"), Value::Date(i32::try_from(day).unwrap())),
        ("at", logical("long", "timestamp-millis"), Value::TimestampMillis(at)),
        ("n", json!(["null", "long"]), some(Value::Long(maybe))),
        ("l", json!({"type": "array", "items": "long"}), of(whole)),
        (
            "m",
            json!({"type": "map", "values": "long"}),
            Value::Map([("x".to_owned(), Value::Long(plain))].into()),
        ),
        text("low", low),
    ])
}

const COLUMNS: &str = "i Int8, u UInt8, f Float32, share Int32, d Decimal(5, 2), e Enum8('a' = 1), s FixedString(2), \
    day Date, at DateTime('UTC'), n Nullable(Int16), l Array(Int8), m Map(String, UInt8), \
    low LowCardinality(FixedString(1)), stays UUID, whole Int64 DEFAULT 7";

fn table(lab: &Lab, columns: &str) {
    lab.run(&format!("CREATE TABLE @.t (k UInt32, {columns}) ENGINE = MergeTree ORDER BY k"));
}

#[test]
fn avro_makes_columns_wider_and_loses_no_value() {
    let lab = Lab::new();
    table(&lab, COLUMNS);
    let mut delivery = with(&lab, &[WIDEN], false);
    let first = avro(1, [-5, 200, 123_450, 19_724, 1_704_164_645_000, 3], [1.5, 2.0], ["xy", "z"], 0);
    accept(&mut delivery, "t", &[&first]);
    assert!(delivery.take_notices().is_empty());
    let at = 7_258_215_845_500;
    let second = avro(2, [40_000, -1, 1_234_567_125, -18_263, at, 70_000], [1e300, 1.5], ["long", "more"], 1);
    accept(&mut delivery, "t", &[&first, &second]);
    assert_eq!(
        types(&lab),
        "k UInt32, i Int32, u Int16, f Float64, share Float64, d Decimal(10, 3), e String, s String, day Date32, \
         at DateTime64(3, 'UTC'), n Nullable(Int32), l Array(Int32), m Map(String, Int16), low LowCardinality(String), \
         stays UUID, whole Int64"
    );
    let rows = "SELECT DISTINCT i, u, f, share, d, e, s, day, at, n, l, m['x'], low FROM @.t ORDER BY k";
    let small =
        "-5 200 1.5 2 123.45 a xy 2024-01-02 2024-01-02T03:04:05.000 3 [1,-5] 200 z".split(' ').collect();
    let large =
        "40000 -1 1e300 1.5 1234567.125 new long 1920-01-01 2200-01-02T03:04:05.500 70000 [1,40000] -1 more";
    let rows = lab.run(rows);
    let rows: Vec<Vec<_>> =
        rows.iter().map(|row| row.iter().map(|cell| cell.replace("02 03", "02T03")).collect()).collect();
    let expected: [Vec<&str>; 2] = [small, large.split(' ').collect()];
    assert_eq!(rows, expected);
    assert_eq!(lab.run("SELECT count(), sum(whole) FROM @.t"), [["3", "21"]]);
    let events: Vec<_> = delivery.take_notices().iter().map(|notice| notice.event).collect();
    assert_eq!(events, ["columns_widened"; 13]);
}

/// What the records are rejected with, behind where they stand.
fn refusals(delivery: &mut Delivery, records: &[Vec<u8>]) -> Vec<String> {
    let outcome = write(delivery, "t", records).unwrap();
    assert_eq!(outcome.rejected.len(), records.len(), "{:?}", outcome.rejected);
    let sentence = |sentence: &str| sentence.split_once(": ").unwrap().1.to_owned();
    outcome.rejected.iter().map(|(_, refusal)| sentence(&refusal.sentence)).collect()
}

#[test]
fn avro_that_no_wider_column_takes_is_rejected_by_name() {
    let lab = Lab::new();
    let columns = "k UInt8, v Int64, i Int32, id UUID, d Decimal(76, 70), m UInt8, p UInt8, t Time, flag Bool, a Array(Int8)";
    lab.run(&format!(
        "CREATE TABLE @.t ({columns}) ENGINE = ReplacingMergeTree(m) PARTITION BY p ORDER BY k"
    ));
    let mut delivery = with(&lab, &[WIDEN], false);
    let decimal = json!({"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 3});
    let records = [
        record(&[long("k", 256)]),
        record(&[long("m", 256)]),
        record(&[long("p", 256)]),
        record(&[double("v", 1.5)]),
        record(&[text("v", "x")]),
        record(&[double("i", f64::NAN)]),
        record(&[double("i", f64::INFINITY)]),
        record(&[("id", json!("bytes"), Value::Bytes(vec![1, 2, 3]))]),
        record(&[("d", decimal, Value::Decimal(1_234_567_000_i64.to_be_bytes().to_vec().into()))]),
        record(&[text("t", "noon")]),
        record(&[long("flag", 2)]),
        record(&[("i", json!({"type": "array", "items": "int"}), Value::Array(vec![Value::Int(1)]))]),
        record(&[(
            "a",
            json!({"type": "array", "items": "string"}),
            Value::Array(vec![Value::String("x".into())]),
        )]),
        // A wider column would be of no use to a record that another column refuses.
        record(&[long("i", 1 << 40), text("v", "x")]),
        record(&[text("v", "x"), long("i", 1 << 40)]),
    ];
    let told = refusals(&mut delivery, &records);
    let expected = [
        "field k: long 256 does not fit column k UInt8",
        "field m: long 256 does not fit column m UInt8",
        "field p: long 256 does not fit column p UInt8",
        "field v: double 1.5 does not fit column v Int64",
        "field v: string \"x\" does not fit column v Int64",
        "field i: double NaN does not fit column i Int32",
        "field i: double inf does not fit column i Int32",
        "field id: bytes 0x010203 does not fit column id UUID",
        "field d: decimal 1234567.000 does not fit column d Decimal(76, 70)",
        "field t: string \"noon\" does not fit column t Time",
        "field flag: long 2 does not fit column flag Bool",
        "field i: avro array of int does not fit column i Int32",
        "field a: string \"x\" does not fit column a Array(Int8)",
        "field i: long 1099511627776 does not fit column i Int32",
        "field v: string \"x\" does not fit column v Int64",
    ];
    assert_eq!(told, expected);
    assert_eq!(types(&lab), columns);
    assert!(delivery.take_notices().is_empty());
    // Those that fit arrive beside those that do not, and with add alone nothing is widened.
    let outcome = write(&mut delivery, "t", &[record(&[long("i", 5)]), record(&[text("v", "x")])]).unwrap();
    assert_eq!((outcome.rows, outcome.rejected.len()), (1, 1));
    let told =
        refusals(&mut with(&lab, &[("schemaEvolution", "add")], false), &[record(&[long("i", 1 << 40)])]);
    assert_eq!(told, ["field i: long 1099511627776 does not fit column i Int32"]);
    assert_eq!(types(&lab), columns);
}

#[test]
fn a_type_that_fits_no_column_of_its_schema_is_given_one_if_that_loses_nothing() {
    let lab = Lab::new();
    table(&lab, "s FixedString(2), o_i Int8");
    let mut delivery = with(&lab, &[WIDEN, ("flattenSeparator", "_")], false);
    let fixed = json!({"type": "fixed", "name": "F", "size": 3});
    let inner = json!({"type": "record", "name": "O", "fields": [{"name": "i", "type": "long"}, {"name": "new", "type": "long"}]});
    let object = Value::Record(vec![("i".into(), Value::Long(1 << 20)), ("new".into(), Value::Long(9))]);
    let value = record(&[long("k", 1), ("s", fixed, Value::Fixed(3, b"abc".to_vec())), ("o", inner, object)]);
    accept(&mut delivery, "t", &[value]);
    assert_eq!(types(&lab), "k UInt32, s String, o_i Int32, o_new Nullable(Int64)");
    assert_eq!(lab.run("SELECT * FROM @.t"), [["1", "abc", "1048576", "9"]]);
}

#[test]
fn rows_of_change_events_make_columns_wider() {
    let lab = Lab::new();
    let columns = "id Int8, v Int8, version UInt64, deleted UInt8";
    lab.run(&format!(
        "CREATE TABLE @.t ({columns}) ENGINE = ReplacingMergeTree(version, deleted) ORDER BY id"
    ));
    let mut delivery = with(&lab, &[WIDEN, ("upsertMode", "debezium")], true);
    let key = record(&[long("id", 1)]);
    let mut put = |offset, fields: &[Field<'_>]| {
        let (key, value) = (Some(key.as_slice()), change(fields));
        let record = Incoming { topic: "t", offset, key, value: Some(&value), ..Incoming::default() };
        delivery.write(&[record], None).unwrap()
    };
    assert_eq!(put(0, &[long("id", 1), long("v", 1)]).rows, 1);
    assert_eq!(put(1, &[long("id", 1), long("v", 1000)]).rows, 1);
    let outcome = put(2, &[long("id", 1000), long("v", 5)]);
    assert!(outcome.rejected[0].1.sentence.ends_with("long 1000 does not fit column id Int8"), "{outcome:?}");
    assert_eq!(lab.run("SELECT id, v FROM @.t FINAL"), [["1", "1000"]]);
    assert_eq!(types(&lab), columns.replace("v Int8", "v Int16"));
}

/// Fields of a message, as they are written.
struct Message(Vec<u8>);

impl Message {
    fn varint(mut self, number: u64, value: i64) -> Self {
        varint::put(number << 3, &mut self.0);
        varint::put(value.cast_unsigned(), &mut self.0);
        self
    }

    fn double(mut self, number: u64, value: f64) -> Self {
        varint::put(number << 3 | 1, &mut self.0);
        self.0.extend(value.to_le_bytes());
        self
    }

    fn sized(mut self, number: u64, value: &[u8]) -> Self {
        varint::put(number << 3 | 2, &mut self.0);
        varint::put(value.len() as u64, &mut self.0);
        self.0.extend_from_slice(value);
        self
    }

    fn framed(self) -> Vec<u8> {
        let id = Fake::shared().register_as(Format::Protobuf, MESSAGE);
        framed(id, &[&[0], self.0.as_slice()].concat())
    }
}

const MESSAGE: &str = "syntax = \"proto3\"; import \"google/protobuf/timestamp.proto\"; import \"confluent/type/decimal.proto\";
    message R { int64 k = 1; int64 i = 2; optional uint64 u = 3; double share = 4; E e = 5; bytes s = 6;
    google.protobuf.Timestamp at = 7; repeated sint64 l = 8; map<string, int64> m = 9; confluent.type.Decimal d = 10; }
    enum E { a = 0; new = 1; }";

#[test]
fn protobuf_makes_columns_wider_and_loses_no_value() {
    let lab = Lab::new();
    table(
        &lab,
        "i Int8, u UInt8, share Int32, e Enum8('a' = 1), s FixedString(2), at DateTime('UTC'), l Array(Int8), \
         m Map(String, Int8), d Decimal(5, 2)",
    );
    let mut delivery = registered::with(&lab, &[WIDEN], Fake::shared().schemas_of(Format::Protobuf, ""));
    let small = Message(Vec::new()).varint(1, 1).varint(2, -5).sized(6, b"xy").framed();
    accept(&mut delivery, "t", &[&small]);
    assert!(delivery.take_notices().is_empty());
    let at = Message(Vec::new()).varint(1, 7_258_215_845).varint(2, 500_000_000).0;
    let entry = Message(Vec::new()).sized(1, b"x").varint(2, 1000).0;
    let price = Message(Vec::new()).sized(1, &1_234_567_125_i64.to_be_bytes()).varint(3, 3).0;
    let large = Message(Vec::new())
        .varint(1, 2)
        .varint(2, 40_000)
        .varint(3, -1)
        .double(4, 1.5)
        .varint(5, 1)
        .sized(6, b"long")
        .sized(7, &at)
        .sized(8, &[2, 0xD0, 0x0F])
        .sized(9, &entry)
        .sized(10, &price)
        .framed();
    accept(&mut delivery, "t", &[&small, &large]);
    assert_eq!(
        types(&lab),
        "k UInt32, i Int32, u UInt64, share Float64, e String, s String, at DateTime64(3, 'UTC'), l Array(Int16), \
         m Map(String, Int16), d Decimal(10, 3)"
    );
    let rows = lab.run("SELECT i, u, share, e, s, at, l, m['x'], d FROM @.t WHERE k = 2");
    let expected = [
        "40000",
        "18446744073709551615",
        "1.5",
        "new",
        "long",
        "2200-01-02 03:04:05.500",
        "[1,1000]",
        "1000",
        "1234567.125",
    ];
    assert_eq!(rows, [expected]);
    assert_eq!(lab.run("SELECT count(), sum(i), sum(d) FROM @.t WHERE k = 1"), [["2", "-10", "0"]]);
    let events: Vec<_> = delivery.take_notices().iter().map(|notice| notice.event).collect();
    assert_eq!(events, ["columns_widened"; 9]);
}

#[test]
fn protobuf_that_no_wider_column_takes_is_rejected_by_name() {
    let lab = Lab::new();
    table(&lab, "i Int64, e UUID, share Int64, s Date");
    let mut delivery = registered::with(&lab, &[WIDEN], Fake::shared().schemas_of(Format::Protobuf, ""));
    let told = refusals(&mut delivery, &[Message(Vec::new()).varint(1, 1).framed()]);
    assert_eq!(told, ["field e: protobuf enum E does not fit column e UUID"]);
    lab.run("ALTER TABLE @.t DROP COLUMN e");
    let told = refusals(&mut delivery, &[Message(Vec::new()).sized(6, b"soon").framed()]);
    assert_eq!(told, ["field s: protobuf bytes does not fit column s Date"]);
    lab.run("ALTER TABLE @.t DROP COLUMN s");
    let told = refusals(
        &mut delivery,
        &[Message(Vec::new()).varint(1, -1).framed(), Message(Vec::new()).double(4, 1.5).framed()],
    );
    let expected = [
        "field k: int64 -1 does not fit column k UInt32",
        "field share: double 1.5 does not fit column share Int64",
    ];
    assert_eq!(told, expected);
    // Fields that had no column have one now.
    assert!(types(&lab).starts_with("k UInt32, i Int64, share Int64, "), "{}", types(&lab));
}
