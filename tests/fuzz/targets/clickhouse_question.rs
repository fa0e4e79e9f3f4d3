//! What is asked over REST for a table.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| clickhouse::fuzzing::clickhouse_question(bytes));
