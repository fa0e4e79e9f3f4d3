//! A file of Avro.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| aws::fuzzing::s3_avro(bytes));
