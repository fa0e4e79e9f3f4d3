//! Protobuf against a real server: tables that are made and change while messages do, and a registry that is away.
use std::fmt::Write as _;
use std::sync::Arc;

use formats::registry::Format;
use formats::varint;
use penstock_sdk::Kind;

use super::*;
use crate::binary::Schemas;
use crate::binary::fake::{Fake, framed};

/// A sink of Protobuf, with schemas of the registry that the tests of this process share.
pub fn delivery(lab: &Lab) -> Delivery {
    with(lab, &[], Fake::shared().schemas_of(Format::Protobuf, ""))
}

pub fn with(lab: &Lab, more: &[(&str, &str)], schemas: Arc<Schemas>) -> Delivery {
    let mut settings = Settings::parse(&config(more).with("database", &lab.database)).unwrap();
    settings.shape.schemas = Some(schemas);
    Delivery::new(settings, false, super::patient()).unwrap()
}

/// A record whose fields are all of type `int64`.
fn record(fields: &[(&str, i64)]) -> Vec<u8> {
    let (mut declared, mut body) = (String::new(), vec![0]);
    for (number, (name, value)) in (1_u64..).zip(fields) {
        let _ = write!(declared, "int64 {name} = {number};");
        varint::put(number << 3, &mut body);
        varint::put(value.cast_unsigned(), &mut body);
    }
    let text = format!("syntax = \"proto3\"; message R {{ {declared} }}");
    framed(Fake::shared().register_as(Format::Protobuf, &text), &body)
}

#[test]
fn a_message_with_a_new_field_finds_the_column_that_was_added_for_it() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32, v UInt8 DEFAULT k + 1) ENGINE = MergeTree ORDER BY k");
    let mut delivery = delivery(&lab);
    accept(&mut delivery, "t", &[record(&[("k", 1)]), record(&[("k", 2), ("v", 7)])]);
    lab.run("ALTER TABLE @.t ADD COLUMN added Int64, MODIFY COLUMN v String");
    let old = record(&[("k", 3), ("v", 300)]);
    let new = record(&[("added", -1), ("k", 4)]);
    accept(&mut delivery, "t", &[old, new]);
    assert_eq!(
        lab.run("SELECT k, v, added FROM @.t ORDER BY k"),
        [["1", "2", "0"], ["2", "7", "0"], ["3", "300", "0"], ["4", "5", "-1"]]
    );
}

#[test]
fn bad_records_leave_alone_and_keep_their_bytes_in_the_error_table() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32, CONSTRAINT c CHECK k != 3) ENGINE = MergeTree ORDER BY k");
    let settings = [("errorTableEnabled", "true"), ("errors.tolerance", "all")];
    let mut delivery = with(&lab, &settings, Fake::shared().schemas_of(Format::Protobuf, ""));
    let values = [record(&[("k", 1)]), record(&[("k", -1)]), record(&[("k", 3)]), framed(1 << 30, &[0])];
    let outcome = write(&mut delivery, "t", &values).unwrap();
    assert_eq!((outcome.rows, outcome.rejected.len()), (1, 3));
    assert_eq!(outcome.rejected[0].1.sentence, "t-0@1: field k: int64 -1 does not fit column k UInt32");
    let kept =
        lab.run("SELECT offset, error_class, hex(raw_message) FROM @.t_penstock_error ORDER BY offset");
    let hex = |at: usize| {
        let digits: Vec<_> = values[at].iter().map(|byte| format!("{byte:02X}")).collect();
        digits.concat()
    };
    for (row, (at, class)) in
        kept.iter().zip([(1, "DATA_PARSING_ERROR"), (2, "INSERT_ERROR"), (3, "DATA_PARSING_ERROR")])
    {
        assert_eq!(row[..], [at.to_string(), class.to_owned(), hex(at)]);
    }
    assert_eq!(kept.len(), 3);
}

#[test]
fn a_batch_waits_for_a_registry_that_is_away_and_rejects_nothing() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32) ENGINE = MergeTree ORDER BY k");
    let away = [("value.converter.schema.registry.url", "http://127.0.0.1:1")].into_iter().collect();
    let away = Schemas::open(&away, "value", Format::Protobuf).unwrap();
    let mut delivery = with(&lab, &[], Arc::new(away));
    for _ in 0..2 {
        let error = write(&mut delivery, "t", &[record(&[("k", 1)])]).unwrap_err();
        assert_eq!(error.kind(), &Kind::Retry { after: None }, "{error}");
    }
    assert_eq!(lab.run("SELECT count() FROM @.t"), [["0"]]);
}

/// A message with fields of every kind, and a record of it in which most are missing.
fn everything() -> Vec<u8> {
    let text = "syntax = \"proto3\"; import \"google/protobuf/timestamp.proto\"; import \"google/protobuf/wrappers.proto\";
        import \"google/protobuf/struct.proto\"; import \"google/type/date.proto\";
        message M { int32 k = 1; optional uint64 n = 2; google.protobuf.Timestamp at = 3; google.type.Date day = 4;
        E e = 5; repeated string tags = 6; map<string, float> m = 7; Place place = 8; google.protobuf.Struct any = 9;
        google.protobuf.StringValue note = 10; oneof choice { bool yes = 11; double share = 12; } bytes raw = 13; M self = 14; }
        message Place { double lat = 1; optional string note = 2; } enum E { A = 0; B = 1; }";
    let body = [0, 8, 7, 26, 2, 8, 1, 50, 1, b'x', 66, 0, 74, 0, 88, 1];
    framed(Fake::shared().register_as(Format::Protobuf, text), &body)
}

#[test]
fn a_missing_table_gets_the_columns_of_the_message_and_new_fields_become_columns() {
    let lab = Lab::new();
    let settings = [("tableCreation", "create"), ("schemaEvolution", "add")];
    let mut delivery = with(&lab, &settings, Fake::shared().schemas_of(Format::Protobuf, ""));
    accept(&mut delivery, "t", &[everything()]);
    let types = || {
        let sql = "SELECT name, type FROM system.columns \
            WHERE database = '@' AND table = 't' AND NOT startsWith(name, '_') ORDER BY position";
        lab.run(sql).iter().map(|row| row.join(" ")).collect::<Vec<_>>().join(", ")
    };
    let first = "k Int32, n Nullable(UInt64), at Nullable(DateTime64(6, 'UTC')), day Nullable(Date32), \
        e LowCardinality(String), tags Array(String), m Map(String, Float32), \
        place Tuple(lat Float64, note Nullable(String)), any Nullable(String), note Nullable(String), \
        yes Nullable(Bool), share Nullable(Float64), raw String, self Nullable(String)";
    assert_eq!(types(), first);
    let row = lab.run(
        "SELECT k, isNull(n), at, e, tags[1], place.lat, any, yes, isNull(share), isNull(self) FROM @.t",
    );
    assert_eq!(row, [["7", "1", "1970-01-01 00:00:01.000000", "A", "x", "0", "{}", "true", "1", "1"]]);
    accept(&mut delivery, "t", &[record(&[("k", 8), ("added", 5)])]);
    assert_eq!(types(), format!("{first}, added Nullable(Int64)"));
    assert_eq!(lab.run("SELECT ifNull(added, -1) FROM @.t ORDER BY k"), [["-1"], ["5"]]);
}
