//! Prints what decoding a record costs: `cargo test --release -p penstock-clickhouse -- --ignored --nocapture`.
use std::hint::black_box;
use std::time::Instant;

use formats::registry::Format;
use formats::varint;
use serde_json::json;

use super::trial::columns;
use super::*;
use crate::binary::fake::{Fake, framed};
use crate::incoming::HeaderList;
use crate::shape::{Mapping, Shape};
use crate::values::Zones;

/// Ten fields, 244 bytes of JSON on average: the record that the project's figures are about.
const COLUMNS: [(&str, &str); 10] = [
    ("id", "UInt64"),
    ("ts", "DateTime64(3)"),
    ("user", "String"),
    ("country", "LowCardinality(String)"),
    ("amount", "Decimal(18, 4)"),
    ("quantity", "UInt32"),
    ("active", "Bool"),
    ("score", "Float64"),
    ("session", "UUID"),
    ("note", "Nullable(String)"),
];

fn record(number: u64) -> String {
    format!(
        r#"{{"id":{},"ts":"2026-11-21 07:{:02}:{:02}.{:03}","user":"user-{:06}","country":"{}","amount":{}.{:02},"quantity":{},"active":{},"score":0.{:06},"session":"{:08x}-0f0e-4a0b-8c0d-0123456789ab","note":"{}"}}"#,
        1_000_000 + number,
        number / 60 % 60,
        number % 60,
        number % 1000,
        number % 100_000,
        ["DE", "FR", "US", "JP"][(number % 4) as usize],
        number % 5000,
        number % 100,
        number % 40,
        number.is_multiple_of(3),
        number * 7919 % 1_000_000,
        number.wrapping_mul(2_654_435_761) & 0xFFFF_FFFF,
        "left at the door of the yellow house, twice",
    )
}

/// The same record in Avro, by the schema that a careful writer would have.
fn avro_record(number: u64) -> Vec<u8> {
    let schema = json!({"type": "record", "name": "R", "fields": [
        {"name": "id", "type": "long"},
        {"name": "ts", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "user", "type": "string"},
        {"name": "country", "type": {"type": "enum", "name": "C", "symbols": ["DE", "FR", "US", "JP"]}},
        {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 2}},
        {"name": "quantity", "type": "int"},
        {"name": "active", "type": "boolean"},
        {"name": "score", "type": "double"},
        {"name": "session", "type": {"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"}},
        {"name": "note", "type": ["null", "string"]},
    ]});
    let mut body = Vec::new();
    let long = |body: &mut Vec<u8>, value: u64| varint::put_signed(value.cast_signed(), body);
    let sized = |body: &mut Vec<u8>, bytes: &[u8]| {
        long(body, bytes.len() as u64);
        body.extend_from_slice(bytes);
    };
    long(&mut body, 1_000_000 + number);
    long(&mut body, 1_795_244_400_000 + number);
    sized(&mut body, format!("user-{:06}", number % 100_000).as_bytes());
    long(&mut body, number % 4);
    sized(&mut body, &((number % 5000 * 100 + number % 100) as u32).to_be_bytes());
    long(&mut body, number % 40);
    body.push(u8::from(number.is_multiple_of(3)));
    body.extend_from_slice(&((number * 7919 % 1_000_000) as f64 / 1e6).to_le_bytes());
    body.extend_from_slice(&u128::from(number.wrapping_mul(2_654_435_761)).to_be_bytes());
    body.push(2);
    sized(&mut body, b"left at the door of the yellow house, twice");
    framed(Fake::shared().register(&schema.to_string()), &body)
}

/// The same record in Protobuf.
fn protobuf_record(number: u64) -> Vec<u8> {
    let schema = "syntax = \"proto3\"; import \"google/protobuf/timestamp.proto\"; import \"confluent/type/decimal.proto\"; \
        message R { int64 id = 1; google.protobuf.Timestamp ts = 2; string user = 3; C country = 4; \
        confluent.type.Decimal amount = 5; int32 quantity = 6; bool active = 7; double score = 8; bytes session = 9; \
        optional string note = 10; } enum C { DE = 0; FR = 1; US = 2; JP = 3; }";
    let mut body = vec![0];
    let varint = |body: &mut Vec<u8>, field: u8, value: u64| {
        if value != 0 {
            body.push(field << 3);
            varint::put(value, body);
        }
    };
    let sized = |body: &mut Vec<u8>, field: u8, bytes: &[u8]| {
        body.push(field << 3 | 2);
        varint::put(bytes.len() as u64, body);
        body.extend_from_slice(bytes);
    };
    varint(&mut body, 1, 1_000_000 + number);
    let mut inner = Vec::new();
    let millis = 1_795_244_400_000 + number;
    varint(&mut inner, 1, millis / 1000);
    varint(&mut inner, 2, millis % 1000 * 1_000_000);
    sized(&mut body, 2, &inner);
    sized(&mut body, 3, format!("user-{:06}", number % 100_000).as_bytes());
    varint(&mut body, 4, number % 4);
    inner.clear();
    sized(&mut inner, 1, &((number % 5000 * 100 + number % 100) as u32).to_be_bytes());
    varint(&mut inner, 3, 2);
    sized(&mut body, 5, &inner);
    varint(&mut body, 6, number % 40);
    varint(&mut body, 7, u64::from(number.is_multiple_of(3)));
    body.push(8 << 3 | 1);
    body.extend_from_slice(&((number * 7919 % 1_000_000) as f64 / 1e6).to_le_bytes());
    sized(&mut body, 9, &u128::from(number.wrapping_mul(2_654_435_761)).to_be_bytes());
    sized(&mut body, 10, b"left at the door of the yellow house, twice");
    framed(Fake::shared().register_as(Format::Protobuf, schema), &body)
}

fn measure(label: &str, columns: &[Column], shape: &Shape) {
    let format = shape.schemas.as_ref().map(|schemas| schemas.format());
    let of = |number| match format {
        Some(Format::Protobuf) => protobuf_record(number),
        Some(_) => avro_record(number),
        None => record(number).into_bytes(),
    };
    let values: Vec<_> = (0..1_000).map(of).collect();
    let bytes: usize = values.iter().map(Vec::len).sum();
    let headers: &[(&str, Option<&[u8]>)] = &[("trace", Some(b"0af7651916cd43dd"))];
    let record = |(offset, value): (usize, &'static [u8])| Incoming {
        topic: "orders",
        partition: 3,
        offset: offset as i64,
        value: Some(value),
        key: Some(&value[..12]),
        timestamp_ms: Some(1_700_000_000_000),
        headers: HeaderList::Given(headers),
    };
    // The test's process ends soon.
    let values = values.into_iter().map(|value| &*value.leak());
    let records: Vec<_> = values.enumerate().map(record).collect();
    let mut decoder = Decoder::open(columns, &Zones::utc(), shape, None).unwrap();
    let mut best = f64::MAX;
    // Short passes, so that the best one is undisturbed also on a busy machine.
    for _ in 0..1_000 {
        let start = Instant::now();
        for record in &records {
            decoder.take(black_box(record)).unwrap();
        }
        let nanos = start.elapsed().as_nanos() as f64 / records.len() as f64;
        best = best.min(nanos);
        assert_eq!(decoder.rows(), records.len());
        assert_eq!(decoder.insert().columns.len(), columns.len());
        decoder.clear();
    }
    println!("{label}: {} bytes a record on average: {best:.0} ns at best", bytes / records.len());
}

const VIRTUALS: [(&str, &str); 7] = [
    ("_key", "String"),
    ("_timestamp", "DateTime64(3)"),
    ("_partition", "Int32"),
    ("_offset", "UInt64"),
    ("_topic", "String"),
    ("_header_keys", "Array(String)"),
    ("_header_values", "Array(String)"),
];

#[test]
#[ignore = "measures speed, which is no matter of right or wrong"]
fn decoding_a_record_costs_this_many_nanoseconds() {
    let plain = Shape::default();
    measure("plain", &columns(&COLUMNS), &plain);
    let avro = Shape { schemas: Some(Fake::shared().schemas("")), ..Shape::default() };
    measure("avro", &columns(&COLUMNS), &avro);
    let protobuf =
        Shape { schemas: Some(Fake::shared().schemas_of(Format::Protobuf, "")), ..Shape::default() };
    measure("protobuf", &columns(&COLUMNS), &protobuf);
    measure("with virtual columns", &columns(&[&COLUMNS[..], &VIRTUALS[..]].concat()), &plain);
    measure("raw message", &columns(&[("_raw_message", "String")]), &plain);
    measure(
        "raw message and position",
        &columns(&[&[("_raw_message", "String")], &VIRTUALS[2..5]].concat()),
        &plain,
    );
    let map = ["user=name", "note=remark"].map(|entry| entry.split_once('=').unwrap());
    let map = map.map(|(source, column)| Mapping { path: vec![source.into()], column: column.into() });
    let mapped = COLUMNS.map(|(name, ty)| match name {
        "user" => ("name", ty),
        "note" => ("remark", ty),
        _ => (name, ty),
    });
    measure("mapped", &columns(&mapped), &Shape { map: map.into(), ..Shape::default() });
}
