//! Avro records into the columns of a ClickHouse table.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| clickhouse::fuzzing::clickhouse_avro(bytes));
