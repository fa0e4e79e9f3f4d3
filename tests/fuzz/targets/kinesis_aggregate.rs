//! A record of Kinesis that may hold others.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| aws::fuzzing::kinesis_aggregate(bytes));
