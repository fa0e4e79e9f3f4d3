//! Every type, against the same JSON read by the server itself.
use proptest::prelude::*;

use super::given::{days_of, json};
use super::*;
use crate::types::parse;

/// What says which type a value has, where a column has several.
fn kinds(ty: &str) -> &'static str {
    match ty {
        dynamic if dynamic.starts_with("Dynamic") => "dynamicType(v)",
        dynamic if dynamic.starts_with("Array(Dynamic") => "arrayMap(x -> dynamicType(x), v)",
        variant if variant.starts_with("Variant(") || variant == "Geometry" => "toString(variantType(v))",
        variant if variant.starts_with("Array(Variant(") => "arrayMap(x -> toString(variantType(x)), v)",
        _ => "''",
    }
}

/// Inserts the same values by the sink and by the server's own parser and compares what is read back.
pub fn check(lab: &Lab, ty: &str, values: &[String]) {
    for table in ["ours", "theirs"] {
        lab.run(&format!("CREATE OR REPLACE TABLE @.{table} (k UInt32, v {ty}) ENGINE = Memory"));
    }
    let records: Vec<_> =
        values.iter().enumerate().map(|(k, value)| format!(r#"{{"k":{k},"v":{value}}}"#)).collect();
    accept(&mut lab.delivery(&[("precisionLoss", "allow")]), "ours", &records);
    // Not by `run`: values may hold the sign that stands for the database.
    let theirs = format!("INSERT INTO {}.theirs FORMAT JSONEachRow\n{}", lab.database, records.join("\n"));
    lab.server.query(&theirs, &[]).unwrap();
    let read = |table: &str| {
        let kinds = lab.run(&format!("SELECT {} FROM @.{table} ORDER BY k", kinds(ty)));
        lab.rows(table).into_iter().zip(kinds.concat()).collect::<Vec<_>>()
    };
    let (ours, theirs) = (read("ours"), read("theirs"));
    for (at, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        assert_eq!(ours, theirs, "{ty} {}", values[at]);
    }
    assert_eq!(ours.len(), theirs.len(), "{ty}");
}

fn strings(values: &[&str]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

#[test]
fn chosen_values_of_every_type_read_as_the_server_reads_them() {
    let lab = Lab::new();
    for (ty, values) in CHOSEN {
        check(&lab, ty, &strings(values));
    }
}

#[test]
fn random_values_of_random_types_read_as_the_server_reads_them() {
    let lab = Lab::new();
    let strategy = prop::sample::select(RANDOM).prop_flat_map(|ty| {
        let value = json(&parse(ty).unwrap());
        (Just(ty), prop::collection::vec(value, 1..8))
    });
    seeded(60)
        .run(&strategy, |(ty, values)| {
            check(&lab, ty, &values);
            Ok(())
        })
        .unwrap();
}

#[test]
fn local_times_around_a_change_of_the_offset_read_as_the_server_reads_them() {
    let lab = Lab::new();
    for (zone, days) in [
        ("America/New_York", ["2023-03-12", "2023-11-05"]),
        ("Australia/Lord_Howe", ["2023-04-02", "2023-10-01"]),
        ("Europe/Berlin", ["2000-03-26", "2037-10-25"]),
        ("Pacific/Apia", ["2011-12-29", "2011-12-31"]),
    ] {
        let quarters = |day: &str| -> Vec<String> {
            (0..96).map(|at| format!("\"{day} {:02}:{:02}:00\"", at / 4, at % 4 * 15)).collect()
        };
        let values: Vec<_> = days.iter().flat_map(|day| quarters(day)).collect();
        check(&lab, &format!("DateTime('{zone}')"), &values);
        check(&lab, &format!("DateTime64(3, '{zone}')"), &values);
    }
}

/// The server's own parser refuses such days with a time, and moves them to another month without one: a record
/// would arrive with a date that nobody wrote. The sink refuses both.
#[test]
fn days_that_a_month_does_not_have_are_refused_where_the_server_moves_or_refuses_them() {
    let lab = Lab::new();
    let mut days =
        vec!["2023-00-10".to_owned(), "2023-13-10".into(), "2023-05-00".into(), "2023-05-32".into()];
    for (year, month) in
        [2000, 2001, 2100].into_iter().flat_map(|year| (1..=12).map(move |month| (year, month)))
    {
        days.extend((days_of(year, month) + 1..=31).map(|day| format!("{year}-{month:02}-{day:02}")));
    }
    for (ty, times) in [
        ("Date", &[""][..]),
        ("Date32", &[""]),
        ("DateTime('Asia/Tokyo')", &["", " 01:02:03", "T01:02:03Z", "T01:02:03.5+08:30"]),
        ("DateTime64(6, 'America/New_York')", &["", " 01:02:03", "T01:02:03Z", "T01:02:03.5+08:30"]),
    ] {
        lab.run(&format!("CREATE OR REPLACE TABLE @.t (k UInt32, v {ty}) ENGINE = Memory"));
        let texts: Vec<_> =
            days.iter().flat_map(|day| times.iter().map(move |time| format!("{day}{time}"))).collect();
        let records: Vec<_> = texts.iter().map(|text| format!("{{\"k\":1,\"v\":\"{text}\"}}")).collect();
        let outcome = write(&mut lab.delivery(&[]), "t", &records).unwrap();
        assert_eq!((outcome.rejected.len(), outcome.rows), (texts.len(), 0), "{ty}");
        // What the server makes of them shows that the sink loses nothing that could be kept.
        for (text, record) in texts.iter().zip(&records) {
            let sql = format!(
                "SELECT toString(v) FROM format(JSONEachRow, 'v {}', '{record}')",
                ty.replace('\'', "\\'")
            );
            if let Ok(rows) = lab.server.query(&sql, &[]) {
                assert_ne!(rows[0][0][..10], text[..10], "{ty}");
            }
        }
    }
}

const RANDOM: &[&str] = &[
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "Int128",
    "Int256",
    "UInt8",
    "UInt16",
    "UInt32",
    "UInt64",
    "UInt128",
    "UInt256",
    "Float32",
    "Float64",
    "Bool",
    "String",
    "FixedString(7)",
    "Date",
    "Date32",
    "DateTime",
    "DateTime('Asia/Kathmandu')",
    "DateTime64(3)",
    "DateTime64(6, 'America/New_York')",
    "DateTime64(0, 'Australia/Lord_Howe')",
    "UUID",
    "IPv4",
    "IPv6",
    "Decimal(18, 4)",
    "Decimal(38, 10)",
    "Decimal(76, 20)",
    "Enum8('a' = -3, 'it''s' = 4)",
    "Enum16('x' = 300, 'y' = -300)",
    "LowCardinality(String)",
    "LowCardinality(Nullable(String))",
    "Nullable(Int32)",
    "Nullable(DateTime64(3))",
    "Array(Nullable(String))",
    "Array(Array(UInt16))",
    "Map(String, Array(UInt8))",
    "Map(LowCardinality(String), String)",
    "Tuple(a UInt8, `b c` Array(String))",
    "Tuple(UInt8, Tuple(x Nullable(Int64), y String))",
    "Array(Tuple(a LowCardinality(String), b Map(String, Decimal(18, 2))))",
    "JSON",
];

const CHOSEN: &[(&str, &[&str])] = &[
    ("UInt8", &["0", "255", "true", "\"7\"", "null"]),
    ("Int64", &["-9223372036854775808", "9223372036854775807", "false"]),
    ("UInt64", &["18446744073709551615", "\"0\""]),
    ("Int256", &["-57896044618658097711785492504343953926634992332820282019728792003956564819968"]),
    (
        "Float64",
        &[
            "1.5",
            "-0.0",
            "1e-400",
            "1.7976931348623157e308",
            "\"nan\"",
            "\"-inf\"",
            "12345678901234567890",
            "true",
        ],
    ),
    ("Float32", &["0.1", "3.4028235e38", "null"]),
    ("Bool", &["true", "false", "1", "0", "null"]),
    ("String", &["\"é\\u00e9\\ud83d\\ude00\"", "1.10", "true", "{\"a\": 1}", "[1, 2]", "null", "1e3", "-0"]),
    ("FixedString(3)", &["\"ab\"", "\"\\u00e9\"", "null"]),
    ("Date", &["\"2023-01-02\"", "\"2023-1-2\"", "\"20230102\"", "19000", "\"2149-06-06\"", "null"]),
    ("Date32", &["\"1925-01-01\"", "\"2299-12-31\"", "19000", "-1", "null"]),
    (
        "DateTime",
        &[
            "\"2023-01-01 00:00:00\"",
            "\"2023-01-01T00:00:00Z\"",
            "1700000000",
            "1700000000.5",
            "\"1700000000\"",
            "\"2023-01-01\"",
            "null",
        ],
    ),
    (
        "DateTime('Europe/Berlin')",
        &[
            "\"2023-10-29 02:30:00\"",
            "\"2023-03-26 02:30:00\"",
            "\"2023-10-29T02:30:00Z\"",
            "\"2038-07-01 12:00:00\"",
        ],
    ),
    (
        "DateTime64(3)",
        &[
            "1700000000",
            "1700000000.5",
            "-1",
            "\"1700000000.123\"",
            "\"1700000000123\"",
            "\"2023-01-01T00:00:00.1239+02:00\"",
            "\"1960-05-06 07:08:09.5\"",
            "\"2250-01-01 00:00:00\"",
        ],
    ),
    ("DateTime64(9, 'UTC')", &["\"2023-01-01 00:00:00.123456789\"", "1700000000"]),
    ("DateTime64(3, 'Africa/Monrovia')", &["\"1960-01-01 12:00:00\"", "\"1980-01-01 12:00:00\""]),
    ("Decimal(10, 2)", &["1.239", "-1.239", "\"1.5\"", "1e3", "\"1e-1\"", "99999999.999", "0", "null"]),
    ("Decimal(76, 0)", &["-9999999999999999999999999999999999999999999999999999999999999999999999999999"]),
    ("Enum8('a' = 1, 'b' = 2)", &["\"a\"", "2", "\"2\""]),
    ("UUID", &["\"00112233-4455-6677-8899-AABBCCDDEEFF\"", "\"00112233445566778899aabbccddeeff\"", "null"]),
    ("IPv4", &["\"127.0.0.1\"", "null"]),
    ("IPv6", &["\"::1\"", "\"1.2.3.4\"", "\"2001:db8::ff00:42:8329\""]),
    ("Array(UInt8)", &["[1,null,\"3\"]", "[]", "null"]),
    ("Map(UInt8, String)", &["{\"1\":\"x\"}", "{\"1\":null,\"1\":\"y\"}", "{}", "null"]),
    ("Map(Date, Nullable(Int8))", &["{\"2023-01-01\":null}"]),
    ("Tuple(a UInt8, b String)", &["{\"a\":1}", "{\"b\":\"x\",\"zz\":{\"q\":[]},\"a\":2}", "{}"]),
    ("Tuple(UInt8, String)", &["[1,\"x\"]"]),
    ("JSON", &["{\"a\":{\"b\":[1,2]},\"c\":\"é\"}", "{}"]),
    ("Array(JSON)", &["[{\"a\":1},{}]"]),
    ("SimpleAggregateFunction(max, UInt64)", &["5"]),
    ("Nested(a UInt8, b Nested(c String))", &["[{\"a\":1,\"b\":[{\"c\":\"x\"},{}]},{}]", "[]", "null"]),
    ("Nullable(Tuple(a UInt8, b String))", &["{\"a\":1}", "null"]),
    (
        "JSON(a.b UInt32, max_dynamic_paths=1, SKIP x, SKIP REGEXP 'q.*')",
        &["{\"a\":{\"b\":\"7\"},\"x\":1,\"qq\":2,\"c\":3,\"d\":[1]}"],
    ),
    ("Nullable(JSON)", &["{\"a\":1}", "null"]),
    ("Variant(Float64, String, UInt64)", SCALARS),
    (
        "Variant(Array(UInt8), Bool, DateTime64(3), Int8, IPv4, UUID)",
        &[
            "1",
            "true",
            "[1,2]",
            "\"1.2.3.4\"",
            "\"00112233-4455-6677-8899-aabbccddeeff\"",
            "\"2020-01-01\"",
            "\"2020-01-01T10:00:00.5+01:00\"",
            "1700000000",
            "null",
            "1.5",
            "\"12\"",
        ],
    ),
    (
        "Variant(Decimal(10, 2), Enum8('1' = 2, 'a' = 1), String)",
        &["1.5", "\"a\"", "1", "\"1\"", "\"1.5\"", "3", "123456789012", "\"b\""],
    ),
    (
        "Variant(Date, DateTime, FixedString(3), String)",
        &["\"2020-01-01\"", "\"2020-01-01 10:00:00\"", "\"ab\"", "\"abcd\"", "5", "70000", "[1]"],
    ),
    (
        "Variant(Array(Nullable(UInt8)), Array(String), JSON, Map(String, UInt8), Tuple(a UInt8, b String))",
        &[
            "[1]",
            "[\"a\"]",
            "[1,null]",
            "[256]",
            "[]",
            "{\"a\":1,\"b\":\"x\"}",
            "{\"c\":1}",
            "{\"b\":\"y\",\"z\":[]}",
            "{\"b\":[1]}",
        ],
    ),
    (
        "Variant(JSON(a UInt8), LowCardinality(String), Map(LowCardinality(String), Array(LowCardinality(Nullable(String)))))",
        &["{\"a\":1}", "{\"k\":[\"x\",null,\"y\",\"x\"]}", "\"s\"", "\"\"", "\"s\"", "null"],
    ),
    ("Array(Variant(Float64, String, UInt64))", &["[1,\"a\",1.5,null,\"2\"]", "[]", "[true,[1]]"]),
    ("Geometry", &["[1,2]", "[[1,2],[3,4]]", "[[[1,2]]]", "[[[[1,2]]]]", "[]", "[[]]", "null"]),
    ("Dynamic", DYNAMIC),
    ("Array(Dynamic)", &["[1,\"a\",[1,\"x\"],null,{\"a\":1.5}]", "[]"]),
    ("Dynamic(max_types=2)", &["1", "\"a\"", "1.5", "[1]", "true"]),
    ("Map(String, Dynamic)", &["{\"a\":1,\"b\":\"x\",\"c\":null}"]),
];

const SCALARS: &[&str] = &[
    "1",
    "-1",
    "1.0",
    "1.5",
    "1e3",
    "18446744073709551616",
    "0.0",
    "\"1\"",
    "\"1.0\"",
    "\"1e3\"",
    "\" 1\"",
    "\"nan\"",
    "true",
    "false",
    "\"a\"",
    "\"2020-01-01\"",
    "[1, 2]",
    "{\"a\" : 1}",
    "null",
    "\"\\u00e9\"",
];

/// With types that follow from a value, from elements that agree and from some that do not.
const DYNAMIC: &[&str] = &[
    "1",
    "-1",
    "9223372036854775808",
    "18446744073709551616",
    "-9223372036854775809",
    "1.5",
    "1e3",
    "-0.0",
    "true",
    "null",
    "\"abc\"",
    "\"\"",
    "\"123\"",
    "\"2020-01-01\"",
    "\"2020-1-1\"",
    "\"2020/01/01\"",
    "\"20200101\"",
    "\"2149-06-07\"",
    "\"1969-12-31\"",
    "\"1600-01-01\"",
    "\"2020-01-01 10:00:00\"",
    "\"2020-01-01T10:00:00+01:00\"",
    "\"2020-01-01 10:00:00.123\"",
    "\"2106-02-07 06:28:16\"",
    "\"10:00:00\"",
    "\"\\u00e9\"",
    "[1,2]",
    "[1,2.5,null]",
    "[1,\"a\"]",
    "[1,\"a\",true]",
    "[true,\"a\"]",
    "[true,1]",
    "[]",
    "[[]]",
    "[null]",
    "[[1],[null]]",
    "[[],1]",
    "[\"2020-01-01\",\"2020-01-01 10:00:00\"]",
    "[\"2020-01-01\",\"2020-01-01 10:00:00.5\"]",
    "[\"2020-01-01\",1]",
    "[18446744073709551615,1]",
    "[18446744073709551615,-1]",
    "[[1,\"a\"],null]",
    "[[1,\"a\"],[2]]",
    "{}",
    "[{}]",
    "[{},null]",
    "{\"b\":1,\"a\":{\"x y\":[1,\"x\"]}}",
    "{\"a\":null}",
    "{\"a\":{}}",
    "[{\"a\":1},{\"b\":2}]",
    "[{\"a\":1},null]",
    "[{\"a\":null},{\"a\":[1]}]",
    "[{\"a\":1},1]",
    "[{\"a\":[1,\"x\"]},{\"a\":[2]}]",
    "{\"a.b\":1,\"a`b\":2,\"a\\\\b\":3,\"é\":4}",
];
