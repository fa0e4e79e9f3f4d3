//! Every type, against the same JSON read by the server itself.
use proptest::prelude::*;

use super::*;
use crate::types::{Type, parse};

/// Inserts the same values by the sink and by the server's own parser and compares what is read back.
fn check(lab: &Lab, ty: &str, values: &[String]) {
    for table in ["ours", "theirs"] {
        lab.run(&format!("CREATE OR REPLACE TABLE @.{table} (k UInt32, v {ty}) ENGINE = Memory"));
    }
    let records: Vec<_> =
        values.iter().enumerate().map(|(k, value)| format!(r#"{{"k":{k},"v":{value}}}"#)).collect();
    accept(&mut lab.delivery(&[("precisionLoss", "allow")]), "ours", &records);
    // Not by `run`: values may hold the sign that stands for the database.
    let theirs = format!("INSERT INTO {}.theirs FORMAT JSONEachRow\n{}", lab.database, records.join("\n"));
    lab.server.query(&theirs, &[]).unwrap();
    assert_eq!(lab.rows("ours"), lab.rows("theirs"), "{ty} {values:?}");
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

/// JSON that the server accepts for a type, and that no rule of the sink refuses on purpose: every day exists
/// and every decimal has room for its digits.
fn json(ty: &Type) -> BoxedStrategy<String> {
    match ty {
        Type::Int(_) | Type::UInt(_) | Type::Float32 | Type::Float64 | Type::Bool | Type::Decimal { .. } => {
            number(ty)
        }
        Type::Date | Type::Date32 | Type::DateTime(_) | Type::DateTime64(..) => time(ty),
        Type::Nullable(_) | Type::Array(_) | Type::Map(..) | Type::Tuple(_) => nested(ty),
        _ => text(ty),
    }
}

fn number(ty: &Type) -> BoxedStrategy<String> {
    match ty {
        Type::Int(1) => printed(any::<i8>()),
        Type::Int(2) => printed(any::<i16>()),
        Type::Int(4) => printed(any::<i32>()),
        Type::Int(8) => printed(any::<i64>()),
        Type::Int(_) => printed(any::<i128>()),
        Type::UInt(1) => printed(any::<u8>()),
        Type::UInt(2) => printed(any::<u16>()),
        Type::UInt(4) => any::<u32>().prop_map(|value| format!("\"{value}\"")).boxed(),
        Type::UInt(8) => printed(any::<u64>()),
        Type::UInt(_) => printed(any::<u128>()),
        Type::Float32 => {
            printed(any::<f32>().prop_filter("JSON has no such number", |value| value.is_finite()))
        }
        Type::Float64 => {
            printed(any::<f64>().prop_filter("JSON has no such number", |value| value.is_finite()))
        }
        Type::Bool => printed(any::<bool>()),
        Type::Decimal { scale, .. } => {
            let fraction = prop::collection::vec(0..10_u8, 1..=*scale);
            (any::<i32>(), fraction)
                .prop_map(|(whole, digits)| {
                    let digits: String = digits.iter().map(ToString::to_string).collect();
                    format!("{whole}.{digits}")
                })
                .boxed()
        }
        _ => unreachable!("json calls this for numbers only"),
    }
}

fn printed<T: std::fmt::Display + std::fmt::Debug>(
    values: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<String> {
    values.prop_map(|value| value.to_string()).boxed()
}

fn time(ty: &Type) -> BoxedStrategy<String> {
    let day = (2000..2040, 1..=12, 1..=31)
        .prop_filter("the month has no such day", |(year, month, day)| *day <= days_of(*year, *month));
    let day = day.prop_map(|(year, month, day)| format!("{year}-{month:02}-{day:02}"));
    let time = match ty {
        Type::Date => return printed(0..60_000_i32),
        Type::Date32 => "",
        Type::DateTime(_) => " [01][0-9]:[0-5][0-9]:[0-5][0-9]",
        _ => "T[01][0-9]:[0-5][0-9]:[0-5][0-9]\\.[0-9]{1,6}(Z|\\+0[0-9]:30|)",
    };
    (day, time).prop_map(|(day, time)| format!("\"{day}{time}\"")).boxed()
}

fn days_of(year: i32, month: i32) -> i32 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn text(ty: &Type) -> BoxedStrategy<String> {
    let quoted = |text: String| serde_json::to_string(&text).unwrap();
    match ty {
        Type::FixedString(length) => prop::collection::vec("[a-z]", 0..=*length)
            .prop_map(move |letters| quoted(letters.concat()))
            .boxed(),
        Type::Uuid => any::<u128>()
            .prop_map(|value| {
                let hex = format!("{value:032x}");
                format!("\"{}-{}-{}-{}-{}\"", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
            })
            .boxed(),
        Type::Ipv4 => {
            any::<u32>().prop_map(|value| format!("\"{}\"", std::net::Ipv4Addr::from(value))).boxed()
        }
        Type::Ipv6 => {
            any::<u128>().prop_map(|value| format!("\"{}\"", std::net::Ipv6Addr::from(value))).boxed()
        }
        Type::Enum(names) => {
            let names: Vec<_> = names.entries.iter().map(|(name, _)| quoted(name.clone())).collect();
            prop::sample::select(names).boxed()
        }
        Type::Json(_) => "[a-z]{1,5}".prop_map(|name| format!("{{\"{name}\":{{\"x\":[1,\"y\"]}}}}")).boxed(),
        _ => prop_oneof![".{0,12}".prop_map(quoted), printed(any::<i32>()), Just("{\"a\": [1, 2]}".into())]
            .boxed(),
    }
}

fn nested(ty: &Type) -> BoxedStrategy<String> {
    match ty {
        Type::Nullable(inner) => prop_oneof![Just("null".to_owned()), json(inner)].boxed(),
        Type::Array(inner) => prop::collection::vec(json(inner), 0..4)
            .prop_map(|items| format!("[{}]", items.join(",")))
            .boxed(),
        Type::Map(_, value) => prop::collection::btree_map("[a-z]{1,3}", json(value), 0..4)
            .prop_map(|map| {
                let fields: Vec<_> = map.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", fields.join(","))
            })
            .boxed(),
        Type::Tuple(elements) => {
            let values: Vec<_> = elements.iter().map(|element| json(&element.ty)).collect();
            let names: Option<Vec<_>> = elements.iter().map(|element| element.name.clone()).collect();
            values.prop_map(move |values| tuple(names.as_deref(), &values)).boxed()
        }
        _ => unreachable!("json calls this for nested types only"),
    }
}

fn tuple(names: Option<&[String]>, values: &[String]) -> String {
    match names {
        None => format!("[{}]", values.join(",")),
        Some(names) => {
            let field = |(name, value): (&String, &String)| {
                format!("{}:{value}", serde_json::to_string(name).unwrap())
            };
            let fields: Vec<_> = names.iter().zip(values).map(field).collect();
            format!("{{{}}}", fields.join(","))
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
];
