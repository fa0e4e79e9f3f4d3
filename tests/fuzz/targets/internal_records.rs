//! Records of the three internal topics, whoever wrote them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| worker::fuzzing::internal_records(bytes));
