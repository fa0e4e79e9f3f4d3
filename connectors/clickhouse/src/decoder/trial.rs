//! Decoders as tests open them, and what they send.
use super::{Appended, Column, Decoder};
use crate::shape::Shape;
use crate::values::Zones;

/// Columns by name and type. Those that begin with `default` have one.
pub fn columns(columns: &[(&str, &str)]) -> Vec<Column> {
    let column = |(name, ty): &(&str, &str)| Column {
        name: (*name).into(),
        type_text: (*ty).into(),
        has_default: name.starts_with("default"),
    };
    columns.iter().map(column).collect()
}

pub fn decoder(table: &[(&str, &str)], shape: &Shape) -> Decoder {
    Decoder::open(&columns(table), &Zones::utc(), shape, None).unwrap()
}

/// The names of the columns, and their bytes.
pub fn sent(decoder: &mut Decoder) -> (Vec<String>, Vec<u8>) {
    let insert = decoder.insert();
    (insert.columns.iter().map(|name| (*name).to_owned()).collect(), insert.pieces.concat())
}

/// What is sent of these records, which are JSON.
pub fn as_json(table: &[(&str, &str)], shape: &Shape, records: &[&str]) -> (Vec<String>, Vec<u8>) {
    let mut decoder = decoder(table, &Shape { schemas: None, ..shape.clone() });
    for record in records {
        assert_eq!(decoder.append(record.as_bytes()), Ok(Appended::Row), "{record}");
    }
    sent(&mut decoder)
}
