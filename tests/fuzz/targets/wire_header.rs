//! What stands in front of a value whose schema a registry has.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| formats::fuzzing::wire_header(bytes));
