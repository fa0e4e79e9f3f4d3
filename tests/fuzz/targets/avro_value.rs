//! An Avro schema and the bytes of a value, to the flat encoding and back.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| formats::fuzzing::avro_value(bytes));
