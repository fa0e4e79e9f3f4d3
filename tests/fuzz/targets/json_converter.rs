//! Records through Connect's JsonConverter, to values and back.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| worker::fuzzing::json_converter(bytes));
