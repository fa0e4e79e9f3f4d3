//! The metadata of a consumer group's offsets, where exactly-once keeps its plans.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| worker::fuzzing::plan_metadata(bytes));
