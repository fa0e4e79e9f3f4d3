//! What `tests/fuzz` calls: bytes from outside, and what must hold whatever they are.
use crate::decoder::{Appended, Column, Decoder};
use crate::incoming::Incoming;
use crate::shape::Shape;
use crate::types;
use crate::values::Zones;

/// The first byte chooses the table, the rest is a record. A refused record leaves nothing behind: the block is the same
/// as if it had never come.
pub fn clickhouse_rows(bytes: &[u8]) {
    let Some((choice, value)) = bytes.split_first() else { return };
    let table = TABLES[usize::from(choice >> 1) % TABLES.len()];
    let shape = Shape { envelope: choice & 1 == 1, ..Shape::default() };
    let mut met = decoder(table, &shape);
    let is_taken = append(&mut met, value);
    append(&mut met, b"{}");
    if !is_taken {
        let mut spared = decoder(table, &shape);
        append(&mut spared, b"{}");
        assert_eq!(met.rows(), spared.rows());
        assert_eq!(met.insert().pieces.concat(), spared.insert().pieces.concat());
    }
}

/// A type that can be read can also be filled with its zero.
pub fn clickhouse_types(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if types::parse(text).is_err() {
        return;
    }
    let column = Column { name: "c".into(), type_text: text.into(), has_default: false };
    let Ok(mut decoder) = Decoder::open(&[column], &Zones::utc(), &Shape::default(), None) else { return };
    append(&mut decoder, b"{}");
    append(&mut decoder, b"{\"c\":null}");
    append(&mut decoder, b"{\"c\":[]}");
    drop(decoder.insert().pieces.concat());
}

fn decoder(table: &[(&str, &str)], shape: &Shape) -> Decoder {
    let column = |(name, ty): &(&str, &str)| Column {
        name: (*name).into(),
        type_text: (*ty).into(),
        has_default: name.starts_with('d'),
    };
    let columns: Vec<_> = table.iter().map(column).collect();
    match Decoder::open(&columns, &Zones::utc(), shape, None) {
        Ok(decoder) => decoder,
        Err(reason) => panic!("a table of this file: {reason}"),
    }
}

/// Whether it became a row.
fn append(decoder: &mut Decoder, value: &[u8]) -> bool {
    let record = Incoming { value: Some(value), ..Incoming::default() };
    let before = decoder.rows();
    let taken = decoder.take(&record);
    let is_row = matches!(taken, Ok(Appended::Row));
    assert_eq!(decoder.rows(), before + usize::from(is_row));
    is_row
}

/// Short names, so that a mutation hits them soon; those that begin with `d` have a DEFAULT.
const TABLES: &[&[(&str, &str)]] = &[
    &[("a", "UInt8"), ("b", "Int64"), ("c", "String"), ("d", "Float64"), ("e", "Nullable(Bool)")],
    &[("a", "Int256"), ("b", "UInt128"), ("c", "Decimal(76, 20)"), ("d", "Decimal(9, 4)"), ("e", "BFloat16")],
    &[
        ("a", "Date"),
        ("b", "Date32"),
        ("c", "DateTime('UTC')"),
        ("d", "DateTime64(9, 'UTC')"),
        ("e", "Time64(3)"),
        ("f", "Time"),
    ],
    &[
        ("a", "UUID"),
        ("b", "IPv4"),
        ("c", "IPv6"),
        ("d", "FixedString(3)"),
        ("e", "Enum8('x' = 1, 'y' = -2)"),
        ("f", "LowCardinality(Nullable(String))"),
    ],
    &[
        ("a", "Array(Array(Nullable(Int16)))"),
        ("b", "Map(String, Array(UInt8))"),
        ("d", "Array(String)"),
        ("e", "Tuple(x UInt8, y Tuple(z String, w Array(Tuple(Float32, Bool))))"),
        ("f", "Nested(k String, v UInt32)"),
    ],
    &[("a", "Dynamic"), ("b", "Variant(UInt64, String, Array(Int8))"), ("d", "Dynamic(max_types=2)")],
    &[("a", "JSON"), ("b", "JSON(x.y UInt8, SKIP z, max_dynamic_paths=2)"), ("d", "Array(JSON)")],
    &[
        ("a", "Point"),
        ("b", "Ring"),
        ("c", "MultiPolygon"),
        ("d", "SimpleAggregateFunction(sum, UInt64)"),
        ("_raw_message", "String"),
    ],
];
