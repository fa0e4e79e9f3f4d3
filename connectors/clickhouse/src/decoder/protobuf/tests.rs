//! Protobuf values by the bytes that are sent: what the same value in JSON becomes, and what is refused.
use formats::registry::Format;
use formats::varint;

use crate::binary::fake::{Fake, framed};
use crate::decoder::Appended;
use crate::decoder::trial::{as_json, decoder, sent};
use crate::shape::Shape;

/// A message, written field by field.
#[derive(Clone, Debug, Default)]
pub struct Written(pub Vec<u8>);

impl Written {
    pub fn varint(mut self, number: u64, value: u64) -> Self {
        varint::put(number << 3, &mut self.0);
        varint::put(value, &mut self.0);
        self
    }

    pub fn signed(self, number: u64, value: i64) -> Self {
        self.varint(number, value.cast_unsigned())
    }

    pub fn sized(mut self, number: u64, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        varint::put(number << 3 | 2, &mut self.0);
        varint::put(bytes.len() as u64, &mut self.0);
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn message(self, number: u64, message: &Written) -> Self {
        self.sized(number, &message.0)
    }

    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }
}

pub fn new() -> Written {
    Written::default()
}

pub fn shape() -> Shape {
    Shape { schemas: Some(Fake::shared().schemas_of(Format::Protobuf, "")), ..Shape::default() }
}

/// The file with these messages, of which the first one counts.
pub fn file(messages: &str) -> String {
    let imports = ["timestamp", "duration", "wrappers", "struct", "any"];
    let imports = imports.map(|name| format!("import \"google/protobuf/{name}.proto\";\n")).concat();
    let more = ["google/type/date", "google/type/timeofday", "google/type/decimal", "confluent/type/decimal"];
    let more = more.map(|name| format!("import \"{name}.proto\";\n")).concat();
    format!(
        "syntax = \"proto3\";\npackage a;\n{imports}{more}{messages}\nenum E {{ NONE = 0; SOME = 5; LESS = -3; }}\n"
    )
}

pub fn id(file: &str) -> u32 {
    Fake::shared().register_as(Format::Protobuf, file)
}

/// A record of a file's first message.
pub fn record(file: &str, message: &Written) -> Vec<u8> {
    framed(id(file), &[&[0], &message.0[..]].concat())
}

/// In a column of this type, a message with this field `v = 1` becomes what this JSON becomes.
#[track_caller]
fn same(ty: &str, field: &str, message: &Written, json: &str) {
    let table = [("v", ty), ("w", "Array(UInt8)")];
    let file = file(&format!(
        "message M {{ {field} v = 1; }}\nmessage N {{ int32 x = 1; optional string y = 2; E z = 3; repeated M list = 4; }}"
    ));
    let told = format!("{field} {message:?} in {ty}");
    let mut ours = decoder(&table, &shape());
    assert_eq!(ours.append(&record(&file, message)), Ok(Appended::Row), "{told}");
    let expected = as_json(&table, &shape(), &[&format!("{{\"v\":{json}}}")]);
    assert_eq!(sent(&mut ours), expected, "{told}");
}

#[track_caller]
pub fn refused(ty: &str, field: &str, message: &Written, sentence: &str) {
    let file = file(&format!("message M {{ {field} v = 1; }}\nmessage N {{ int32 x = 1; M m = 2; }}"));
    let mut ours = decoder(&[("v", ty), ("w", "Array(UInt8)")], &shape());
    let told = ours.append(&record(&file, message)).unwrap_err().to_string();
    let told = told.replace(&format!("schema {}", id(&file)), "schema 1");
    assert_eq!(told, sentence);
    assert_eq!(ours.rows(), 0);
    assert!(ours.rows.slots.iter().all(|slot| !slot.has(0)), "it leaves nothing behind");
}

#[track_caller]
fn misfits(ty: &str, field: &str, message: &Written, value: &str) {
    refused(ty, field, message, &format!("field v: {value} does not fit column v {ty}"));
}

#[test]
fn numbers_of_every_kind_become_what_their_json_becomes() {
    for ty in ["Int8", "Int32", "Int256", "Float64", "Decimal(9, 2)", "String", "Nullable(Int64)"] {
        same(ty, "int32", &new().signed(1, -7), "-7");
        same(ty, "int64", &new().signed(1, -7), "-7");
        same(ty, "sint32", &new().varint(1, 13), "-7");
        same(ty, "sint64", &new().varint(1, 13), "-7");
        same(ty, "sfixed32", &new().raw(&[13, 0xF9, 0xFF, 0xFF, 0xFF]), "-7");
        same(ty, "sfixed64", &new().raw(&[9, 0xF9, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]), "-7");
        same(
            ty,
            "double",
            &new().raw(&[9]).raw(&(-7_f64).to_le_bytes()),
            if ty == "String" { "\"-7.0\"" } else { "-7" },
        );
        same(
            ty,
            "float",
            &new().raw(&[13]).raw(&(-7_f32).to_le_bytes()),
            if ty == "String" { "\"-7.0\"" } else { "-7" },
        );
    }
    for ty in
        ["UInt64", "UInt128", "Int128", "Float64", "Decimal(38, 5)", "String", "Variant(String, UInt64)"]
    {
        same(ty, "uint64", &new().varint(1, u64::MAX), "18446744073709551615");
        same(ty, "fixed64", &new().raw(&[9]).raw(&[0xFF; 8]), "18446744073709551615");
        same(ty, "uint32", &new().varint(1, 0xFFFF_FFFF), "4294967295");
        same(ty, "fixed32", &new().raw(&[13]).raw(&[0xFF; 4]), "4294967295");
    }
    misfits("Int64", "uint64", &new().varint(1, u64::MAX), "uint64 18446744073709551615");
    misfits("UInt8", "int32", &new().signed(1, -1), "int32 -1");
    // As Protobuf has it, numbers of 32 bits are cut to them.
    same("Int64", "int32", &new().varint(1, 0x1_0000_0007), "7");
    same("UInt8", "bool", &new().varint(1, 2), "true");
    same("Bool", "bool", &new().varint(1, 1), "true");
    same("Float32", "float", &new().raw(&[13]).raw(&0.1_f32.to_le_bytes()), "0.1");
    same("DateTime64(3)", "int64", &new().varint(1, 1_700_000_000_123), "1700000000123");
}

#[test]
fn texts_bytes_and_enums_go_where_they_mean_something() {
    same("String", "string", &new().sized(1, "a\"é"), "\"a\\\"é\"");
    same("LowCardinality(Nullable(String))", "string", &new().sized(1, "a"), "\"a\"");
    same(
        "UUID",
        "string",
        &new().sized(1, "11111111-1111-1111-1111-111111111111"),
        "\"11111111-1111-1111-1111-111111111111\"",
    );
    same("UUID", "bytes", &new().sized(1, [0x11; 16]), "\"11111111-1111-1111-1111-111111111111\"");
    same("IPv4", "bytes", &new().sized(1, [1, 2, 3, 4]), "\"1.2.3.4\"");
    same("String", "bytes", &new().sized(1, "ab"), "\"ab\"");
    same("JSON", "string", &new().sized(1, "{\"a\": 1}"), "{\"a\": 1}");
    same("Enum8('SOME' = 3, 'NONE' = 7)", "E", &new().varint(1, 5), "\"SOME\"");
    same("Enum8('SOME' = 3, 'NONE' = 7)", "E", &new(), "\"NONE\"");
    same("Nullable(Enum8('SOME' = 3, 'NONE' = 7))", "E", &new(), "\"NONE\"");
    same("String", "E", &new().signed(1, -3), "\"LESS\"");
    same("String", "E", &new().varint(1, 77), "\"UNKNOWN_ENUM_VALUE_E_77\"");
    same("Int16", "E", &new().signed(1, -3), "-3");
    misfits("Enum8('NONE' = 7, 'SOME' = 1)", "E", &new().signed(1, -3), "enum \"LESS\"");
    misfits("Enum8('NONE' = 7, 'SOME' = 1)", "E", &new().varint(1, 77), "enum 77");
    misfits("Enum8('SOME' = 1)", "E", &new(), "enum \"NONE\"");
    refused("Enum8('A' = 1)", "E", &new(), "field v: protobuf enum E does not fit column v Enum8('A' = 1)");
    refused("Array(UInt8)", "string", &new(), "field v: protobuf string does not fit column v Array(UInt8)");
    refused(
        "String",
        "string",
        &new().sized(1, [0xFF]),
        "protobuf of schema 1: field v: a string that is not UTF-8",
    );
    refused(
        "UInt8",
        "int32",
        &new().sized(1, []),
        "protobuf of schema 1: field v: its bytes are of another type than int32",
    );
    refused(
        "UInt8",
        "int32",
        &new().raw(&[8]),
        "protobuf of schema 1: the value is cut off, or its numbers are too long",
    );
}

#[test]
fn the_last_value_counts_and_messages_merge() {
    same("UInt8", "int32", &new().varint(1, 300).varint(1, 7), "7");
    same("UInt8", "int32", &new().sized(1, [3, 7]), "7");
    let x = |value| new().varint(1, value);
    let tuple = "Tuple(z Enum8('NONE' = 9, 'SOME' = 1), y Nullable(String), x UInt16)";
    let twice = new().message(1, &x(1).sized(2, "a")).message(1, &x(2)).message(1, &new().varint(3, 5));
    same(tuple, "N", &twice, "{\"x\":2,\"y\":\"a\",\"z\":\"SOME\"}");
    same(tuple, "N", &new().message(1, &x(1)), "{\"x\":1,\"y\":null,\"z\":\"NONE\"}");
    same(tuple, "N", &new(), "null");
    same("String", "N", &twice, "{\"x\":2,\"y\":\"a\",\"z\":\"SOME\",\"list\":[]}");
    same("JSON", "N", &new().message(1, &new()), "{\"x\":0,\"z\":\"NONE\",\"list\":[]}");
    same("Tuple(UInt16, String, String, String)", "N", &new().message(1, &x(1)), "[1,\"\",\"NONE\",\"[]\"]");
    same("Tuple(list Array(Tuple(v Tuple(x UInt8))))", "N", &new().message(1, &new()), "{}");
    misfits("Tuple(x UInt8)", "N", &new().message(1, &x(256)), "int32 256");
    refused(
        "Tuple(x Array(UInt8))",
        "N",
        &new(),
        "field v.x: protobuf int32 does not fit column v Tuple(x Array(UInt8))",
    );
    refused(
        "Tuple(x UInt8)",
        "N",
        &new().varint(1, 1),
        "protobuf of schema 1: field v: its bytes are of another type than a message",
    );
}

#[test]
fn lists_come_packed_and_one_by_one() {
    let mixed = new().varint(1, 1).sized(1, [2, 3]).varint(1, 4);
    for ty in [
        "Array(UInt8)",
        "Array(Nullable(Int64))",
        "Tuple(UInt8, Int8, Float64, Int16)",
        "Array(LowCardinality(UInt32))",
        "String",
    ] {
        same(ty, "repeated int32", &mixed, "[1,2,3,4]");
    }
    same(
        "Array(Float64)",
        "repeated double",
        &new().sized(1, [1_f64.to_le_bytes(), 2_f64.to_le_bytes()].concat()),
        "[1,2]",
    );
    same(
        "Array(UInt32)",
        "repeated fixed32",
        &new().sized(1, [[1_u8, 0, 0, 0], [2, 0, 0, 0]].concat()),
        "[1,2]",
    );
    same("Array(String)", "repeated E", &new().sized(1, [5, 0]), "[\"SOME\",\"NONE\"]");
    same("Array(String)", "repeated string", &new().sized(1, "a").sized(1, ""), "[\"a\",\"\"]");
    same(
        "Array(Tuple(x UInt8))",
        "repeated N",
        &new().message(1, &new().varint(1, 1)).message(1, &new()),
        "[{\"x\":1},{\"x\":0}]",
    );
    misfits("Tuple(UInt8, UInt8)", "repeated int32", &mixed, "list of another length than 2");
    misfits("Array(UInt8)", "repeated int32", &new().sized(1, [1, 0xAC, 2]), "int32 300");
    refused(
        "UInt8",
        "repeated int32",
        &new(),
        "field v: protobuf repeated int32 does not fit column v UInt8",
    );
    refused(
        "Array(UInt8)",
        "repeated int32",
        &new().sized(1, [1, 0x80]),
        "protobuf of schema 1: field v: the value is cut off, or its numbers are too long",
    );
}

#[test]
fn of_entries_with_one_key_the_last_counts() {
    let entry = |key: &str, value: u64| new().sized(1, key).varint(2, value);
    let entries = new().message(1, &entry("a", 1)).message(1, &entry("b", 2)).message(1, &entry("a", 3));
    same("Map(String, UInt8)", "map<string, int32>", &entries, "{\"b\":2,\"a\":3}");
    same("Tuple(a UInt8, c UInt8)", "map<string, int32>", &entries, "{\"a\":3}");
    same("String", "map<string, int32>", &entries, "{\"b\":2,\"a\":3}");
    same("JSON", "map<string, int32>", &entries, "{\"b\":2,\"a\":3}");
    same("Map(LowCardinality(String), UInt8)", "map<string, int32>", &new().message(1, &new()), "{\"\":0}");
    same(
        "Map(Int64, Tuple(x UInt8))",
        "map<sint32, N>",
        &new().message(1, &new().varint(1, 1)),
        "{\"-1\":{\"x\":0}}",
    );
    same("Map(Int64, String)", "map<int32, string>", &new().message(1, &new()), "{\"0\":\"\"}");
    same("String", "map<int32, string>", &new().message(1, &new()), "{\"0\":\"\"}");
    let many = (0..100).fold(new(), |message, key| message.message(1, &entry(&(key % 90).to_string(), key)));
    let keys = (10..100).map(|key| format!("\"{}\":{key}", key % 90)).collect::<Vec<_>>().join(",");
    same("Map(String, UInt8)", "map<string, int32>", &many, &format!("{{{keys}}}"));
    refused(
        "Map(UInt8, UInt8)",
        "map<string, int32>",
        &entries,
        "field v: string \"b\" does not fit column v Map(UInt8, UInt8)",
    );
    refused(
        "UInt8",
        "map<string, int32>",
        &new(),
        "field v: protobuf map of string to int32 does not fit column v UInt8",
    );
}

#[test]
fn well_known_messages_keep_their_meaning() {
    let moment = |seconds: i64, nanos: u64| new().message(1, &new().signed(1, seconds).varint(2, nanos));
    let at = moment(1_672_628_645, 678_000_000);
    for ty in ["DateTime64(3)", "DateTime64(9, 'UTC')", "DateTime", "String", "Nullable(DateTime64(6))"] {
        same(ty, "google.protobuf.Timestamp", &at, "\"2023-01-02T03:04:05.678Z\"");
    }
    same("Date32", "google.protobuf.Timestamp", &at, "\"2023-01-02\"");
    same("Int64", "google.protobuf.Timestamp", &at, "1672628645678");
    same("Float64", "google.protobuf.Timestamp", &moment(-1, 500_000_000), "-500");
    same(
        "DateTime64(6)",
        "google.protobuf.Timestamp",
        &moment(253_402_300_799, 999_999_999),
        "\"9999-12-31T23:59:59.999999Z\"",
    );
    same(
        "Tuple(seconds Int64, nanos Int32)",
        "google.protobuf.Timestamp",
        &at,
        "{\"seconds\":1672628645,\"nanos\":678000000}",
    );
    misfits(
        "DateTime64(3)",
        "google.protobuf.Timestamp",
        &moment(i64::MAX, 0),
        "timestamp 292277026596-12-04T15:30:07Z",
    );
    same("Time64(3)", "google.protobuf.Duration", &moment(-3, 0), "\"-00:00:03.000\"");
    same("Decimal(18, 3)", "google.protobuf.Duration", &moment(1, 500_000_000), "1.5");
    same("Float64", "google.protobuf.Duration", &moment(1, 500_000_000), "1.5");
    misfits("Int64", "google.protobuf.Duration", &moment(1, 500_000_000), "duration 1.500000000");
    let of = |numbers: &[u64]| {
        let message =
            numbers.iter().zip(1..).fold(new(), |message, (value, number)| message.varint(number, *value));
        new().message(1, &message)
    };
    same("Date", "google.type.Date", &of(&[2023, 1, 2]), "\"2023-01-02\"");
    same("String", "google.type.Date", &of(&[2023, 1, 2]), "\"2023-01-02\"");
    misfits("Date", "google.type.Date", &of(&[2023, 0, 2]), "date 2023-0-2, which is no full date,");
    same("Time64(3)", "google.type.TimeOfDay", &of(&[12, 34, 56, 789_000_000]), "\"12:34:56.789\"");
    same("Int32", "google.type.TimeOfDay", &of(&[0, 0, 1, 5_000_000]), "1005");
    misfits("Time", "google.type.TimeOfDay", &of(&[24]), "time of day 24:0:0");
    let decimal = new().message(1, &new().sized(1, [4, 0xD2]).varint(3, 2));
    for ty in ["Decimal(18, 4)", "String", "Float64", "Nullable(Decimal(9, 2))"] {
        same(ty, "confluent.type.Decimal", &decimal, if ty == "String" { "\"12.34\"" } else { "12.34" });
    }
    misfits("Decimal(9, 1)", "confluent.type.Decimal", &decimal, "decimal 12.34");
    same("Decimal(9, 2)", "google.type.Decimal", &new().message(1, &new().sized(1, "12.3")), "\"12.3\"");
    let wrapped = new().message(1, &new().varint(1, 7));
    same("Nullable(Int32)", "google.protobuf.Int32Value", &wrapped, "7");
    same("Nullable(Int32)", "google.protobuf.Int32Value", &new().message(1, &new()), "0");
    same("Tuple(value Int32)", "google.protobuf.Int32Value", &wrapped, "{\"value\":7}");
    refused(
        "String",
        "google.protobuf.Any",
        &new(),
        "field v: protobuf message google.protobuf.Any does not fit column v String",
    );
}

#[test]
fn values_of_any_kind_become_json() {
    let value = |number: u64| new().varint(number, 1);
    let number = new().raw(&[17]).raw(&1.5_f64.to_le_bytes());
    let list = new().message(1, &number).message(1, &new().varint(1, 0)).message(1, &new().sized(3, "t\""));
    let entry = |key: &str, value: &Written| new().sized(1, key).message(2, value);
    let object = new()
        .message(1, &entry("a", &value(4)))
        .message(1, &entry("b", &new().message(6, &list)))
        .message(1, &entry("c", &new()));
    let json = "{\"a\":true,\"b\":[1.5,null,\"t\\\"\"],\"c\":null}";
    for ty in ["JSON", "String", "Nullable(String)"] {
        same(ty, "google.protobuf.Struct", &new().message(1, &object), json);
        same(ty, "google.protobuf.Value", &new().message(1, &new().message(5, &object)), json);
    }
    same("String", "google.protobuf.ListValue", &new().message(1, &list), "[1.5,null,\"t\\\"\"]");
    misfits("JSON", "google.protobuf.Value", &new().message(1, &number), "value 1.5");
}

#[test]
fn columns_of_many_types_take_what_fits_best() {
    same("Variant(Int64, String)", "int32", &new(), "0");
    same("Variant(Array(Int64), String)", "repeated int64", &new(), "[]");
    same("Variant(Int64, String)", "string", &new().sized(1, "7x"), "\"7x\"");
    same("Dynamic", "string", &new().sized(1, "x"), "\"x\"");
    same("Dynamic", "int64", &new().varint(1, 7), "7");
    same("Dynamic", "int64", &new(), "0");
    same("Dynamic", "optional int64", &new(), "null");
    same("Dynamic", "repeated int64", &new().varint(1, 7), "[7]");
    refused(
        "Variant(Int64, UInt8)",
        "N",
        &new(),
        "field v: protobuf message a.N does not fit column v Variant(Int64, UInt8)",
    );
}

#[test]
fn what_nests_without_end_is_refused() {
    let deep =
        |levels: usize| (0..levels).fold(new(), |inner, _| new().message(1, &new().message(2, &inner)));
    same("String", "N", &new().message(1, &new()), "{\"x\":0,\"z\":\"NONE\",\"list\":[]}");
    refused("String", "N", &deep(100), "protobuf of schema 1: field v: the value is nested deeper than 128");
}
