//! A JSON Schema and a value, to the flat encoding and back.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| formats::fuzzing::json_schema_value(bytes));
