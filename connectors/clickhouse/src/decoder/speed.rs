//! Prints what decoding a record costs: `cargo test --release -p penstock-clickhouse -- --ignored --nocapture`.
use std::hint::black_box;
use std::time::Instant;

use super::*;
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

#[test]
#[ignore = "measures speed, which is no matter of right or wrong"]
fn decoding_a_record_costs_this_many_nanoseconds() {
    let columns =
        COLUMNS.map(|(name, ty)| Column { name: name.into(), type_text: ty.into(), has_default: false });
    let records: Vec<_> = (0..1_000).map(record).collect();
    let bytes: usize = records.iter().map(String::len).sum();
    let mut decoder = Decoder::new(&columns, &Zones::utc(), false);
    let mut best = f64::MAX;
    // Short passes, so that the best one is undisturbed also on a busy machine.
    for _ in 0..1_000 {
        let start = Instant::now();
        for record in &records {
            decoder.append(black_box(record.as_bytes())).unwrap();
        }
        let nanos = start.elapsed().as_nanos() as f64 / records.len() as f64;
        best = best.min(nanos);
        assert_eq!(decoder.rows(), records.len());
        assert_eq!(decoder.insert().columns.len(), COLUMNS.len());
        decoder.clear();
    }
    println!("{} bytes a record on average: {best:.0} ns at best", bytes / records.len());
}
