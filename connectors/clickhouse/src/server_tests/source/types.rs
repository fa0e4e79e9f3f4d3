//! Each type's values as documented, told by the server itself in SQL.
use std::fmt::Write;

use super::super::matrix::CASES;
use super::*;
use crate::types::{Type, parse};

/// SQL that prints `value` as the source's value of this type prints.
fn told(ty: &Type, value: &str) -> String {
    match ty {
        Type::Bool => format!("if({value}, 'true', 'false')"),
        Type::Date | Type::Date32 => format!("toString(toInt32({value}))"),
        Type::DateTime(_) => format!("toString(toInt64(toUnixTimestamp({value})) * 1000)"),
        Type::DateTime64(scale, _) => {
            let unit = if *scale <= 3 {
                3
            } else if *scale <= 6 {
                6
            } else {
                9
            };
            format!("toString(reinterpret({value}, 'Int64') * {})", 10_i64.pow(unit - scale))
        }
        Type::Decimal { scale, .. } => format!("toDecimalString({value}, {scale})"),
        Type::FixedString(_) => format!("replaceAll(toString({value}), '\\0', '')"),
        Type::Nullable(inner) => {
            format!("ifNull({}, 'null')", told(inner, &format!("assumeNotNull({value})")))
                .replace("ifNull(", &format!("if(isNull({value}), 'null', "))
                .replacen(", 'null')", ")", 1)
        }
        Type::Array(inner) => array(inner, value),
        Type::Map(key, map) => format!(
            "concat('{{', arrayStringConcat(arrayMap((a, b) -> concat({}, '=', {}), mapKeys({value}), \
             mapValues({value})), ', '), '}}')",
            told(key, "a"),
            told(map, "b")
        ),
        Type::Tuple(elements) => {
            let part = |(at, element): (usize, &crate::types::Element)| {
                let name = element.name.clone().unwrap_or_else(|| format!("_{}", at + 1));
                format!("'{name}=', {}", told(&element.ty, &format!("tupleElement({value}, {})", at + 1)))
            };
            let parts: Vec<_> = elements.iter().enumerate().map(part).collect();
            format!("concat('Struct{{', {}, '}}')", parts.join(", ',', "))
        }
        Type::Geo("Point", _) => {
            format!(
                "concat('[', toString(tupleElement({value}, 1)), ', ', toString(tupleElement({value}, 2)), ']')"
            )
        }
        Type::Geo(_, inner) => shape(inner, value),
        Type::Json(_) => format!("toJSONString({value})"),
        Type::Variant(_) | Type::Dynamic(_) => {
            format!("if(isNull({value}), 'null', toJSONString({value}))")
        }
        _ => format!("toString({value})"),
    }
}

fn array(inner: &Type, value: &str) -> String {
    let name = format!("x{}", value.len());
    format!("concat('[', arrayStringConcat(arrayMap({name} -> {}, {value}), ', '), ']')", told(inner, &name))
}

fn shape(ty: &Type, value: &str) -> String {
    match ty {
        Type::Array(inner) => {
            let name = format!("x{}", value.len());
            let inner = shape(inner, &name);
            format!("concat('[', arrayStringConcat(arrayMap({name} -> {inner}, {value}), ', '), ']')")
        }
        Type::Geo(_, inner) => shape(inner, value),
        _ => told(&Type::Geo("Point", Box::new(Type::Float64)), value),
    }
}

/// Numbers with a fraction print in more than one way.
fn normal(text: &str) -> String {
    let mut out = String::new();
    let mut number = String::new();
    for char in text.chars().chain([' ']) {
        if char.is_ascii_alphanumeric() || matches!(char, '.' | '+' | '-') {
            number.push(char);
            continue;
        }
        match number.parse::<f64>() {
            Ok(value) => drop(write!(out, "{value:?}")),
            Err(_) => out.push_str(&number),
        }
        number.clear();
        out.push(char);
    }
    out
}

fn is_float(ty: &str) -> bool {
    ["Float", "BFloat", "Point", "Ring", "Line", "Multi", "Poly"].iter().any(|start| ty.starts_with(start))
}

fn check(lab: &Lab, ty: &str, wrapped: &str, values: &[String]) {
    lab.run(&format!("CREATE OR REPLACE TABLE @.t (id UInt32, v {wrapped}) ENGINE = MergeTree ORDER BY id"));
    let rows: Vec<_> =
        values.iter().enumerate().map(|(id, value)| format!("{{\"id\":{id},\"v\":{value}}}")).collect();
    lab.run(&format!("INSERT INTO @.t FORMAT JSONEachRow\n{}", rows.join("\n")));
    let parsed = parse(wrapped).unwrap();
    let settings = [
        ("table", "t"),
        ("cursorColumn", "id"),
        ("columns", "v"),
        ("decimals", "string"),
        ("wideIntegers", "string"),
    ];
    let mut run = Run::new(lab, &settings);
    run.drain();
    let sql = format!(
        "SELECT {} FROM @.t ORDER BY id SETTINGS output_format_json_quote_64bit_integers = 0",
        told(&parsed, "v")
    );
    let expected: Vec<_> = lab.run(&sql).concat();
    let read = run.take();
    assert_eq!(read.len(), values.len(), "{wrapped}");
    for (at, (read, expected)) in read.iter().zip(&expected).enumerate() {
        // A struct does not print fields without a value.
        let expected =
            if expected == "null" { "Struct{}".to_owned() } else { format!("Struct{{v={expected}}}") };
        let (read, expected) =
            if is_float(ty) { (normal(read), normal(&expected)) } else { (read.clone(), expected) };
        assert_eq!(read, expected, "{wrapped} {}", values[at]);
    }
}

#[test]
fn every_value_of_every_type_is_what_the_server_says() {
    let lab = Lab::new();
    for case in CASES {
        let ty = case.ty;
        let values: Vec<_> = [case.typical, case.limits].concat().iter().map(ToString::to_string).collect();
        check(&lab, ty, ty, &values);
        if parse(ty).unwrap().can_be_nullable() && !ty.starts_with("Enum") {
            let with_null = [&values[..], &["null".to_owned()]].concat();
            check(&lab, ty, &format!("Nullable({ty})"), &with_null);
            let items: Vec<_> = values.iter().map(|value| format!("[{value}, null]")).collect();
            check(&lab, ty, &format!("Array(Nullable({ty}))"), &items);
        }
        let free = ["Variant", "Dynamic", "JSON", "Geometry"].iter().any(|start| ty.starts_with(start));
        if !free {
            let items: Vec<_> = values.iter().map(|value| format!("{{\"x\":[{value}],\"y\":1}}")).collect();
            check(&lab, ty, &format!("Tuple(x Array({ty}), y UInt8)"), &items);
            let maps: Vec<_> = values.iter().map(|value| format!("{{\"k\":{value}}}")).collect();
            check(&lab, ty, &format!("Map(String, {ty})"), &maps);
        }
    }
}

#[test]
fn values_that_differ_in_type_come_as_json_at_any_depth() {
    let lab = Lab::new();
    lab.run(
        "CREATE TABLE @.t (id UInt32, a Array(Variant(String, UInt8)), m Map(String, Dynamic), \
         t Tuple(j JSON, n UInt64)) ENGINE = MergeTree ORDER BY id",
    );
    lab.run(
        "INSERT INTO @.t FORMAT JSONEachRow {\"id\":1,\"a\":[7,\"x\",null],\"m\":{\"k\":[1.5]},\"t\":{\"j\":{\"b\":1},\"n\":18446744073709551615}}",
    );
    let mut run = Run::new(&lab, &[("table", "t"), ("cursorColumn", "id")]);
    run.drain();
    assert_eq!(
        run.take(),
        [r#"Struct{id=1,a=[7,"x",null],m={"k":[1.5]},t={"j":{"b":1},"n":18446744073709551615}}"#]
    );
}

#[test]
fn intervals_binary_columns_and_other_forms() {
    let lab = Lab::new();
    let mut run = Run::new(
        &lab,
        &[
            (
                "query",
                "SELECT toUInt64(7) AS id, toIntervalDay(3) AS i, unhex('FF00') AS b, toFixedString(unhex('FE'), 2) AS f, toDecimal64(1.5, 2) AS d",
            ),
            ("cursorColumn", "id"),
            ("binaryColumns", "b,f"),
            ("decimals", "double"),
            ("wideIntegers", "long"),
        ],
    );
    run.poll().unwrap();
    while run.taken.values.is_empty() {
        run.poll().unwrap();
    }
    assert!(run.taken.values[0].starts_with("Struct{id=7,i=3,b="), "{:?}", run.taken.values);
    assert!(run.taken.values[0].ends_with(",d=1.5}"), "{:?}", run.taken.values);
}

#[test]
fn schemas_say_what_values_mean() {
    let lab = Lab::new();
    lab.run(
        "CREATE TABLE @.`my-t` (id UInt64, d Decimal(9, 2), at DateTime, us Nullable(DateTime64(6)), day Date, \
         m Map(UInt8, Array(Int8))) ENGINE = MergeTree ORDER BY id",
    );
    lab.run("INSERT INTO @.`my-t` (id) VALUES (1)");
    let mut run = Run::new(&lab, &[("table", "my-t"), ("cursorColumn", "id")]);
    while run.taken.values.is_empty() {
        run.poll().unwrap();
    }
    let logical = "org.apache.kafka.connect.data";
    let expected = [
        r#"{"type":"string","optional":false,"field":"id"}"#.to_owned(),
        format!(
            r#"{{"type":"bytes","optional":false,"name":"{logical}.Decimal","version":1,"parameters":{{"scale":"2","connect.decimal.precision":"9"}},"field":"d"}}"#
        ),
        format!(r#"{{"type":"int64","optional":false,"name":"{logical}.Timestamp","version":1,"field":"at"}}"#),
        r#"{"type":"int64","optional":true,"name":"io.debezium.time.MicroTimestamp","version":1,"field":"us"}"#
            .to_owned(),
        format!(r#"{{"type":"int32","optional":false,"name":"{logical}.Date","version":1,"field":"day"}}"#),
        r#"{"type":"map","keys":{"type":"string","optional":false},"values":{"type":"array","items":{"type":"int8","optional":false},"optional":false},"optional":false,"field":"m"}"#.to_owned(),
    ];
    let expected =
        format!(r#"{{"type":"struct","fields":[{}],"optional":false,"name":"my_t"}}"#, expected.join(","));
    assert_eq!(run.taken.schema, expected);
}
