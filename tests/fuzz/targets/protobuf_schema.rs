//! A Protobuf schema as a registry gives it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| formats::fuzzing::protobuf_schema(bytes));
