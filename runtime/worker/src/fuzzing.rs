//! What `tests/fuzz` calls: bytes from outside, and what must hold whatever they are.

use crate::converter::{Converted, Converter};
use crate::definition::ConverterConfig;
use crate::providers::{parts, properties};
use crate::store::{Entry, configs, offsets::Offsets, statuses::Statuses};
use indexmap::IndexMap;

/// The first byte says whether values have schemas. What was read can be written, and reads the same.
pub fn json_converter(bytes: &[u8]) {
    let Some((choice, record)) = bytes.split_first() else { return };
    let mut converter = converter(choice & 1 == 1);
    let mut arena = b"before".to_vec();
    let Ok(converted) = converter.to_value(Some(record), &mut arena) else {
        assert_eq!(arena, b"before");
        return;
    };
    let schema = converter.schema_text(Some(record)).map(str::to_owned);
    let mut written = Vec::new();
    let value = converted.value(record, &arena);
    if !matches!(converter.to_bytes(value, schema.as_deref(), &mut written), Ok(Some(_))) {
        // Numbers that JSON has no word for, and nulls.
        return;
    }
    let mut again = Vec::new();
    let read = match converter.to_value(Some(&written), &mut again) {
        Ok(read) => read,
        Err(error) => panic!("what was written cannot be read: {error}"),
    };
    if let (Converted::Flat(first), Converted::Flat(second)) = (converted, read) {
        assert_eq!(arena[first], again[second]);
    }
}

/// A key up to the first zero byte, a value after it; without that byte, a tombstone.
pub fn internal_records(bytes: &[u8]) {
    let mut halves = bytes.splitn(2, |byte| *byte == 0);
    let key = halves.next().unwrap_or_default().to_vec();
    let entry = Entry { key, value: halves.next().map(<[u8]>::to_vec) };
    drop(configs::parse(&entry));
    drop(Statuses::default().read(&entry));
    let offsets = Offsets::default();
    if offsets.read(entry).is_ok() {
        drop(offsets.all("c"));
    }
}

pub fn plan_metadata(bytes: &[u8]) {
    crate::task::fuzz_plan(bytes);
}

pub fn secret_references(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        drop(parts(text));
        drop(properties::parse(text));
    }
}

fn converter(has_schemas: bool) -> Converter {
    let settings = IndexMap::from([("schemas.enable".to_owned(), has_schemas.to_string())]);
    let class = "org.apache.kafka.connect.json.JsonConverter".to_owned();
    match Converter::open(&ConverterConfig { class, settings }) {
        Ok(converter) => converter,
        Err(error) => panic!("settings of this file: {error}"),
    }
}
