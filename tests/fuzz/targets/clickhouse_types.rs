//! The text of a ClickHouse column type.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| clickhouse::fuzzing::clickhouse_types(bytes));
