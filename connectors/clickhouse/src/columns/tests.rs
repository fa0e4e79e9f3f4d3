//! Rows, their removal and blocks, as bytes of the Native layout.
use super::*;
use crate::types::parse;

fn column(ty: &str) -> Column {
    Column::new(&parse(ty).unwrap(), &Zones::utc())
}

fn append(column: &mut Column, json: &str) -> Result<(), Fault> {
    column.mark();
    column.append(&mut Cursor::new(json))
}

fn block(column: &Column, block: usize) -> Vec<u8> {
    let mut pieces = Vec::new();
    column.pieces(block, &mut pieces);
    pieces.concat()
}

fn check(ty: &str, rows: &[&str], expected: &[u8]) {
    let mut column = column(ty);
    for row in rows {
        append(&mut column, row).unwrap();
    }
    assert_eq!(block(&column, 0), expected, "{ty} {rows:?}");
}

#[test]
fn values_have_the_native_layout() {
    check("UInt16", &["1", "\"258\"", "true"], &[1, 0, 2, 1, 1, 0]);
    check(
        "String",
        &["\"a\"", "\"\\u00e9\\n\"", "1.50", "[1, 2]", "null"],
        b"\x01a\x03\xc3\xa9\n\x041.50\x06[1, 2]\x00",
    );
    check("Nullable(Int8)", &["-1", "null"], &[0, 1, 0xFF, 0]);
    check(
        "Array(UInt8)",
        &["[1,2]", "[]", "[3]"],
        &[2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3],
    );
    check("Map(String, UInt8)", &["{\"k\":7}"], b"\x01\0\0\0\0\0\0\0\x01k\x07");
    check("Tuple(a UInt8, b String)", &["{\"b\":\"x\",\"z\":0}", "[9,\"y\"]"], b"\x00\x09\x01x\x01y");
    check("Enum8('low' = -2, 'b' = 2)", &["\"b\"", "-2", "null"], &[2, 0xFE, 0xFE]);
    check("FixedString(3)", &["\"ab\""], b"ab\0");
    check(
        "Decimal(10, 2)",
        &["1.230", "\"-1\""],
        &[123, 0, 0, 0, 0, 0, 0, 0, 156, 255, 255, 255, 255, 255, 255, 255],
    );
    check("IPv4", &["\"1.2.3.4\""], &[4, 3, 2, 1]);
    check(
        "UUID",
        &["\"00112233-4455-6677-8899-aabbccddeeff\""],
        &[0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0, 0xff, 0xee, 0xdd, 0xcc, 0xbb, 0xaa, 0x99, 0x88],
    );
}

/// What comes before the values, and the values, of types that have both.
fn whole(ty: &str, rows: &[&str]) -> Vec<u8> {
    let mut column = column(ty);
    for row in rows {
        append(&mut column, row).unwrap();
    }
    let mut bytes = Vec::new();
    column.prefix(0, &mut bytes);
    bytes.extend(block(&column, 0));
    bytes
}

#[test]
fn types_that_hold_other_types_say_which() {
    assert_eq!(
        whole("Variant(String, UInt8)", &["\"a\"", "7", "null"]),
        b"\0\0\0\0\0\0\0\0\x00\x01\xff\x01a\x07"
    );
    assert_eq!(
        whole("Array(Dynamic)", &["[1,\"ab\",null]"]),
        b"\x03\0\0\0\0\0\0\0\x02\x05Int64\x06String\x03\0\0\0\0\0\0\0\x00\x01\x02\x01\0\0\0\0\0\0\0\x02ab"
    );
    assert_eq!(
        whole("Variant(LowCardinality(String), UInt8)", &["\"a\"", "7"]),
        b"\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x00\x01\x02\x06\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x00\x01a\x01\0\0\0\0\0\0\0\x01\0\0\0\x07"
    );
    assert_eq!(
        whole("Variant(JSON(a UInt8), UInt8)", &["{}"]),
        b"\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x00\x02{}"
    );
}

#[test]
fn blocks_of_a_dynamic_column_have_the_types_that_they_need() {
    let mut column = column("Dynamic");
    append(&mut column, "1").unwrap();
    append(&mut column, "true").unwrap();
    column.cut(true);
    append(&mut column, "\"x\"").unwrap();
    column.rollback();
    append(&mut column, "\"y\"").unwrap();
    let of = |number: usize| {
        let mut bytes = Vec::new();
        column.prefix(number, &mut bytes);
        [bytes, block(&column, number)].concat()
    };
    assert_eq!(of(0), b"\x03\0\0\0\0\0\0\0\x01\x05Int64\x00\x01\0\0\0\0\0\0\0");
    assert_eq!(of(1), b"\x03\0\0\0\0\0\0\0\x02\x04Bool\x06String\x00\x01\x01\x01y");
}

#[test]
fn the_types_of_a_dynamic_column_have_an_end() {
    let mut column = column("Dynamic");
    let refused = (0..5_000).find(|name| append(&mut column, &format!("{{\"{name}\":1}}")).is_err());
    assert_eq!(refused, Some(4096));
    assert_eq!(append(&mut column, "{\"x\":1}"), Err(Fault::TooManyTypes { at: 0 }));
    column.rollback();
    column.clear();
    assert_eq!(append(&mut column, "{\"x\":1}"), Ok(()));
}

#[test]
fn a_long_text_with_escapes_gets_a_long_length() {
    let json = format!("\"\\n{}\"", "x".repeat(200));
    let mut column = column("String");
    append(&mut column, &json).unwrap();
    append(&mut column, "\"y\"").unwrap();
    let expected = [&[201, 1, b'\n'][..], &[b'x'; 200], &[1, b'y']].concat();
    assert_eq!(block(&column, 0), expected);
}

#[test]
fn a_row_that_does_not_fit_leaves_no_trace() {
    let ty = "Map(String, Tuple(Array(Nullable(UInt8)), String))";
    let mut dirty = column(ty);
    let mut clean = column(ty);
    for (row, fits) in [
        (r#"{"a":[[1,null],"x"]}"#, true),
        (r#"{"b":[[2],"y"],"c":[[1,2,300],"z"]}"#, false),
        (r#"{"b":[[2],"\u00e9"],"c":[[1],"\uZZ"]}"#, false),
        (r#"{"d":[[],"w"],"e":[[3],"v"]}"#, true),
    ] {
        assert_eq!(append(&mut dirty, row).is_ok(), fits, "{row}");
        if fits {
            append(&mut clean, row).unwrap();
        } else {
            dirty.rollback();
        }
    }
    assert_eq!(block(&dirty, 0), block(&clean, 0));
}

#[test]
fn blocks_begin_anew() {
    let mut column = column("Array(String)");
    append(&mut column, r#"["a","b"]"#).unwrap();
    column.cut(false);
    append(&mut column, r#"["c"]"#).unwrap();
    append(&mut column, r#"["d","e"]"#).unwrap();
    column.cut(true);
    assert_eq!(block(&column, 0), b"\x02\0\0\0\0\0\0\0\x01a\x01b");
    assert_eq!(block(&column, 1), b"\x01\0\0\0\0\0\0\0\x01c");
    assert_eq!(block(&column, 2), b"\x02\0\0\0\0\0\0\0\x01d\x01e");
    column.clear();
    append(&mut column, r#"["f"]"#).unwrap();
    assert_eq!(block(&column, 0), b"\x01\0\0\0\0\0\0\0\x01f");
}

#[test]
fn values_of_other_types_do_not_fit() {
    for (ty, value) in [
        ("UInt8", "256"),
        ("UInt8", "-1"),
        ("UInt8", "1.5"),
        ("UInt8", "\"\""),
        ("UInt8", "{}"),
        ("Int64", "9223372036854775808"),
        ("Int128", "170141183460469231731687303715884105728"),
        ("Float64", "1e400"),
        ("Float32", "1e39"),
        ("Bool", "2"),
        ("Bool", "\"yes\""),
        ("FixedString(2)", "\"abc\""),
        ("Date", "\"2023-02-29\""),
        ("Date", "\"1960-01-01\""),
        ("DateTime", "-1"),
        ("DateTime", "\"2023-01-01 24:00:00\""),
        ("DateTime64(3)", "\"yesterday\""),
        ("Decimal(4, 2)", "100"),
        ("Decimal(4, 2)", "\"1,5\""),
        ("Enum8('a' = 1)", "2"),
        ("UUID", "\"0011\""),
        ("UUID", "1"),
        ("IPv4", "\"1.2.3\""),
        ("Array(UInt8)", "{}"),
        ("Map(String, UInt8)", "[]"),
        ("Map(UInt8, UInt8)", "{\"a\":1}"),
        ("Tuple(UInt8, UInt8)", "[1]"),
        ("Tuple(UInt8, UInt8)", "[1,2,3]"),
        ("JSON", "[1]"),
        ("Decimal(4, 2)", "1.239"),
        ("BFloat16", "1e39"),
        ("Time", "3600000"),
        ("Time64(3)", "\"12:30\""),
        ("Point", "[1]"),
        ("Geometry", "5"),
        ("Variant(UInt8, UUID)", "256"),
        ("Dynamic", "{\"\":1}"),
        ("Dynamic", "1e400"),
    ] {
        assert!(matches!(append(&mut column(ty), value), Err(Fault::Misfit { .. })), "{ty} {value}");
    }
}
