//! The bytes of Protobuf messages, to the flat encoding and back.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| formats::fuzzing::protobuf_value(bytes));
