//! Lines and cells of a file that may be compressed.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| aws::fuzzing::s3_cells(bytes));
