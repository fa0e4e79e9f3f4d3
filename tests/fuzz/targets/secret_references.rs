//! Values of settings that refer to config providers, and the files those read.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| worker::fuzzing::secret_references(bytes));
