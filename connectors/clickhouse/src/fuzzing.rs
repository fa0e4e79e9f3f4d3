//! What `tests/fuzz` calls: bytes from outside, and what must hold whatever they are.
use std::sync::Arc;

use formats::registry as schemas;

use crate::binary::Schemas;
use crate::decoder::{Appended, Column, Decoder};
use crate::incoming::Incoming;
use crate::question;
use crate::shape::{Format, LineShape, Shape};
use crate::types;
use crate::values::Zones;

/// The first byte chooses the table, the rest is a record. A refused record leaves nothing behind: the block is the same
/// as if it had never come.
pub fn clickhouse_rows(bytes: &[u8]) {
    let Some((choice, value)) = bytes.split_first() else { return };
    let table = TABLES[usize::from(choice >> 1) % TABLES.len()];
    let shape = Shape { envelope: choice & 1 == 1, ..Shape::default() };
    let row: &[u8] = if shape.envelope { b"{\"payload\":{}}" } else { b"{}" };
    leaves_nothing_behind(table, &shape, value, row);
}

/// The first byte chooses the table and what stands between cells, the rest is a line.
pub fn clickhouse_lines(bytes: &[u8]) {
    let Some((choice, line)) = bytes.split_first() else { return };
    let table = TABLES[usize::from(choice >> 1) % TABLES.len()];
    let format = if choice & 1 == 1 { Format::Tsv } else { Format::Csv(b',') };
    let lines = LineShape { format, names: Vec::new() };
    let between = if choice & 1 == 1 { "\t" } else { "," };
    let places = table.iter().filter(|(name, _)| !name.starts_with('_')).count();
    let empty = between.repeat(places - 1);
    let shape = Shape { lines: Some(lines), ..Shape::default() };
    leaves_nothing_behind(table, &shape, line, empty.as_bytes());
}

/// The first byte chooses the table, the rest is a record of Protobuf behind the id of its schema.
pub fn clickhouse_messages(bytes: &[u8]) {
    let Some((choice, record)) = bytes.split_first() else { return };
    let table = MESSAGES[usize::from(choice >> 1) % MESSAGES.len()];
    // A message without fields is a row.
    leaves_nothing_behind(
        table,
        &binary(schemas::Format::Protobuf, SCHEMA, *choice),
        &behind_id(record),
        &behind_id(&[0]),
    );
}

/// The first byte chooses the table, the rest is a record of Avro behind the id of its schema.
pub fn clickhouse_avro(bytes: &[u8]) {
    let Some((choice, record)) = bytes.split_first() else { return };
    let table = RECORDS[usize::from(choice >> 1) % RECORDS.len()];
    leaves_nothing_behind(
        table,
        &binary(schemas::Format::Avro, AVRO, *choice),
        &behind_id(record),
        &behind_id(&[0; 64][..LEAST]),
    );
}

/// What is asked over REST for a table.
pub fn clickhouse_question(bytes: &[u8]) {
    let Ok(input) = std::str::from_utf8(bytes) else { return };
    drop(question::ask("table", &penstock_sdk::Config::default(), input));
}

fn binary(format: schemas::Format, schema: &'static str, choice: u8) -> Shape {
    let Ok(schemas) = Schemas::given(format, schema) else { panic!("an address without a registry") };
    let overflow = (choice & 1 == 1).then(|| "overflow".to_owned());
    let separator = overflow.is_some().then(|| "_".to_owned());
    let every_field = overflow.is_some();
    Shape { schemas: Some(Arc::new(schemas)), overflow, separator, every_field, ..Shape::default() }
}

fn behind_id(message: &[u8]) -> Vec<u8> {
    [&[0, 0, 0, 0, 1], message].concat()
}

/// Takes a record of which nothing is known and one that is a row.
fn leaves_nothing_behind(table: &[(&str, &str)], shape: &Shape, record: &[u8], row: &[u8]) {
    let mut met = decoder(table, shape);
    let is_taken = append(&mut met, record);
    assert!(append(&mut met, row), "the second record is a row");
    if !is_taken {
        let mut spared = decoder(table, shape);
        append(&mut spared, row);
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

/// Every type, a record within itself, and logical types.
const AVRO: &str = r#"{"type":"record","name":"M","fields":[{"name":"a","type":"int"},{"name":"b","type":"long"},
    {"name":"c","type":"string"},{"name":"d","type":"bytes"},{"name":"e","type":"double"},
    {"name":"f","type":{"type":"enum","name":"E","symbols":["NONE","SOME"]}},
    {"name":"g","type":{"type":"array","items":"long"}},{"name":"h","type":{"type":"map","values":["null","M"]}},
    {"name":"i","type":["null","M"]},{"name":"j","type":["null","int","string",{"type":"array","items":"string"}]},
    {"name":"l","type":"boolean"},{"name":"n","type":{"type":"long","logicalType":"timestamp-micros"}},
    {"name":"o","type":{"type":"fixed","name":"D","size":12,"logicalType":"duration"}},
    {"name":"s","type":{"type":"int","logicalType":"date"}},
    {"name":"v","type":{"type":"bytes","logicalType":"decimal","precision":30,"scale":4}}]}"#;
/// Bytes of the shortest record of it: one for each field, eight for the double and twelve for the duration.
const LEAST: usize = 13 + 8 + 12;

const RECORDS: &[&[(&str, &str)]] = &[
    &[
        ("a", "UInt8"),
        ("b", "Decimal(38, 2)"),
        ("c", "String"),
        ("d", "String"),
        ("e", "Float32"),
        ("f", "Enum8('NONE' = 3, 'SOME' = 2)"),
        ("g", "Array(UInt16)"),
        ("h", "Map(String, Tuple(a UInt8, g Array(Int8)))"),
        ("i", "Tuple(i Tuple(g Array(Int64), c String), l UInt8)"),
        ("j", "Dynamic"),
        ("overflow", "String"),
    ],
    &[
        ("h", "JSON"),
        ("i", "JSON"),
        ("j", "Variant(Int32, String, Array(String))"),
        ("l", "Nullable(Bool)"),
        ("n", "DateTime64(9)"),
        ("o", "String"),
        ("s", "Date"),
        ("v", "Decimal(9, 2)"),
        ("overflow", "JSON"),
    ],
    &[
        ("i_a", "UInt8"),
        ("i_i_b", "UInt64"),
        ("h_x", "String"),
        ("h_y_a", "Int16"),
        ("n", "Int64"),
        ("v", "String"),
        ("default", "String"),
        ("overflow", "JSON"),
    ],
];

/// Every kind of field, messages within themselves, and messages that everybody knows.
const SCHEMA: &str = r#"syntax = "proto3";
    import "google/protobuf/timestamp.proto"; import "google/protobuf/duration.proto"; import "google/protobuf/struct.proto";
    import "google/protobuf/wrappers.proto"; import "google/type/date.proto"; import "google/type/timeofday.proto";
    import "confluent/type/decimal.proto";
    message M { int32 a = 1; sint64 b = 2; string c = 3; bytes d = 4; double e = 5; E f = 6; repeated fixed32 g = 7;
      map<string, M> h = 8; M i = 9; oneof u { uint64 j = 10; M k = 11; } optional bool l = 12; repeated string m = 13;
      google.protobuf.Timestamp n = 14; google.protobuf.Duration o = 15; google.protobuf.Struct p = 16;
      google.protobuf.Value q = 17; google.protobuf.Int64Value r = 18; google.type.Date s = 19;
      google.type.TimeOfDay t = 20; confluent.type.Decimal v = 21; map<sint32, E> w = 22; repeated M x = 23; }
    enum E { NONE = 0; SOME = 1; LESS = -1; }"#;

const MESSAGES: &[&[(&str, &str)]] = &[
    &[
        ("a", "UInt8"),
        ("b", "Decimal(38, 2)"),
        ("c", "Enum8('' = 0, 'x' = 1)"),
        ("d", "String"),
        ("e", "Float32"),
        ("f", "Enum8('NONE' = 3, 'SOME' = 2, 'LESS' = 1)"),
        ("g", "Array(UInt16)"),
        ("h", "Map(String, Tuple(a UInt8, g Array(Int8), j UInt64))"),
        ("i", "Tuple(i Tuple(x Array(Tuple(f String, w Map(Int8, String)))), u UInt8, k String)"),
        ("j", "Nullable(UInt64)"),
        ("overflow", "String"),
    ],
    &[
        ("k", "JSON"),
        ("l", "Nullable(Bool)"),
        ("m", "Tuple(String, UInt8)"),
        ("n", "DateTime64(9)"),
        ("o", "Time64(3)"),
        ("p", "JSON"),
        ("q", "JSON"),
        ("r", "Nullable(UInt8)"),
        ("s", "Date"),
        ("t", "Time"),
        ("v", "Decimal(9, 2)"),
        ("overflow", "JSON"),
    ],
    &[
        ("i_a", "UInt8"),
        ("i_i_j", "UInt64"),
        ("h_x", "String"),
        ("h_y_a", "Int16"),
        ("n", "Int64"),
        ("o", "Decimal(18, 9)"),
        ("x", "Array(Variant(String, Tuple(a UInt8)))"),
        ("w", "Dynamic"),
        ("q", "String"),
        ("v", "String"),
        ("default", "String"),
        ("overflow", "JSON"),
    ],
];

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
