//! Records whose schemas a registry has, against a real server: tables that change while schemas do, and a registry that is
//! away.
use std::fmt::Write as _;
use std::sync::Arc;

use formats::registry::Format;
use formats::varint;
use penstock_sdk::Kind;
use serde_json::json;

use super::*;
use crate::binary::Schemas;
use crate::binary::fake::{Fake, framed, open};

/// A sink of this format, with schemas of the registry that the tests of this process share.
pub fn delivery(lab: &Lab, format: Format) -> Delivery {
    with(lab, &[], Fake::shared().schemas_of(format, ""))
}

pub fn with(lab: &Lab, more: &[(&str, &str)], schemas: Arc<Schemas>) -> Delivery {
    let mut settings = Settings::parse(&config(more).with("database", &lab.database)).unwrap();
    settings.shape.schemas = Some(schemas);
    Delivery::new(settings, false, patient()).unwrap()
}

/// A record whose fields are all integers of 64 bits.
pub fn record(format: Format, fields: &[(&str, i64)]) -> Vec<u8> {
    if format == Format::Avro { avro(fields) } else { protobuf(fields) }
}

fn avro(fields: &[(&str, i64)]) -> Vec<u8> {
    let names: Vec<_> = fields.iter().map(|(name, _)| json!({"name": name, "type": "long"})).collect();
    let schema = json!({"type": "record", "name": "R", "fields": names}).to_string();
    let mut body = Vec::new();
    for (_, value) in fields {
        varint::put_signed(*value, &mut body);
    }
    framed(Fake::shared().register(&schema), &body)
}

fn protobuf(fields: &[(&str, i64)]) -> Vec<u8> {
    let (mut declared, mut body) = (String::new(), vec![0]);
    for (number, (name, value)) in (1_u64..).zip(fields) {
        let _ = write!(declared, "int64 {name} = {number};");
        varint::put(number << 3, &mut body);
        varint::put(value.cast_unsigned(), &mut body);
    }
    let text = format!("syntax = \"proto3\"; message R {{ {declared} }}");
    framed(Fake::shared().register_as(Format::Protobuf, &text), &body)
}

fn new_fields_find_new_columns(format: Format) {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32, v UInt8 DEFAULT k + 1) ENGINE = MergeTree ORDER BY k");
    let (mut delivery, record) = (delivery(&lab, format), |fields: &[_]| record(format, fields));
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
fn an_avro_schema_with_a_new_field_finds_the_column_that_was_added_for_it() {
    new_fields_find_new_columns(Format::Avro);
}

#[test]
fn a_protobuf_message_with_a_new_field_finds_the_column_that_was_added_for_it() {
    new_fields_find_new_columns(Format::Protobuf);
}

fn bad_records_leave_alone(format: Format, reason: &str) {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32, CONSTRAINT c CHECK k != 3) ENGINE = MergeTree ORDER BY k");
    let settings = [("errorTableEnabled", "true"), ("errors.tolerance", "all")];
    let mut delivery = with(&lab, &settings, Fake::shared().schemas_of(format, ""));
    let record = |k: i64| record(format, &[("k", k)]);
    let values = [record(1), record(-1), record(3), framed(1 << 30, &[0])];
    let outcome = write(&mut delivery, "t", &values).unwrap();
    assert_eq!((outcome.rows, outcome.rejected.len()), (1, 3));
    assert_eq!(
        outcome.rejected[0].1.sentence,
        format!("t-0@1: field k: {reason} does not fit column k UInt32")
    );
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
fn bad_records_of_avro_leave_alone_and_keep_their_bytes_in_the_error_table() {
    bad_records_leave_alone(Format::Avro, "long -1");
}

#[test]
fn bad_records_of_protobuf_leave_alone_and_keep_their_bytes_in_the_error_table() {
    bad_records_leave_alone(Format::Protobuf, "int64 -1");
}

#[test]
fn a_batch_waits_for_a_registry_that_is_away_and_rejects_nothing() {
    for format in [Format::Avro, Format::Protobuf] {
        let lab = Lab::new();
        lab.run("CREATE TABLE @.t (k UInt32) ENGINE = MergeTree ORDER BY k");
        let mut delivery = with(&lab, &[], open(format, "http://127.0.0.1:1"));
        for _ in 0..2 {
            let error = write(&mut delivery, "t", &[record(format, &[("k", 1)])]).unwrap_err();
            assert_eq!(error.kind(), &Kind::Retry { after: None }, "{error}");
            assert!(error.message().contains("the schema registry gives no answer"), "{error}");
        }
        assert_eq!(lab.run("SELECT count() FROM @.t"), [["0"]]);
    }
}
