//! Prints what decoding a record costs: `cargo test --release -p penstock-clickhouse -- --ignored --nocapture`.
use std::hint::black_box;
use std::time::Instant;

use super::*;
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

fn measure(label: &str, columns: &[Column], shape: &Shape) {
    let values: Vec<_> = (0..1_000).map(record).collect();
    let bytes: usize = values.iter().map(String::len).sum();
    let headers: &[(&str, Option<&[u8]>)] = &[("trace", Some(b"0af7651916cd43dd"))];
    let record = |(offset, value): (usize, &'static str)| Incoming {
        topic: "orders",
        partition: 3,
        offset: offset as i64,
        value: Some(value.as_bytes()),
        key: Some(&value.as_bytes()[..12]),
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

fn columns(columns: &[(&str, &str)]) -> Vec<Column> {
    let column = |(name, ty): &(&str, &str)| Column {
        name: (*name).into(),
        type_text: (*ty).into(),
        has_default: false,
    };
    columns.iter().map(column).collect()
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
