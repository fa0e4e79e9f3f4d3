//! Items and changes of DynamoDB tables.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| aws::fuzzing::dynamodb_records(bytes));
