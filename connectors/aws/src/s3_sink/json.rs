//! Writes values as JSON, in the way of Connect's JSON converter without schemas.
use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::cell::{Cell, Look};

/// Appends a value. What is nested deeper than converters allow is left out.
pub fn write(cell: Cell<'_>, out: &mut Vec<u8>) {
    nested(cell, DEPTH_MAX, out);
}

pub fn text(cell: Cell<'_>) -> String {
    let mut out = Vec::new();
    write(cell, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

pub fn string(text: &str, out: &mut Vec<u8>) {
    // Writing to memory does not fail.
    let _ = serde_json::to_writer(out, text);
}

fn nested(cell: Cell<'_>, depth: usize, out: &mut Vec<u8>) {
    let Some(depth) = depth.checked_sub(1) else { return out.extend_from_slice(b"null") };
    if let Cell::Json(value) = cell {
        let _ = serde_json::to_writer(out, value);
        return;
    }
    match cell.look() {
        Look::Boolean(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        Look::Integer(number) => drop(write!(out, "{number}")),
        Look::Float32(number) if number.is_finite() => drop(write!(out, "{number:?}")),
        Look::Float64(number) if number.is_finite() => drop(write!(out, "{number:?}")),
        // JSON knows no others.
        Look::Null | Look::Float32(_) | Look::Float64(_) => out.extend_from_slice(b"null"),
        Look::Text(text) => string(text, out),
        Look::Bytes(bytes) => string(&STANDARD.encode(bytes), out),
        Look::List(items) => joined((b'[', b']'), items, out, |item, out| nested(item, depth, out)),
        Look::Struct(fields) => joined((b'{', b'}'), fields, out, |(name, value), out| {
            string(name, out);
            out.push(b':');
            nested(value, depth, out);
        }),
        Look::Map(pairs) => map(pairs, depth, out),
    }
}

/// A map whose keys are no texts is a list of pairs.
fn map(pairs: Vec<(Cell<'_>, Cell<'_>)>, depth: usize, out: &mut Vec<u8>) {
    if pairs.iter().all(|(key, _)| matches!(key.look(), Look::Text(_))) {
        return joined((b'{', b'}'), pairs, out, |(key, value), out| {
            nested(key, depth, out);
            out.push(b':');
            nested(value, depth, out);
        });
    }
    joined((b'[', b']'), pairs, out, |(key, value), out| {
        joined((b'[', b']'), vec![key, value], out, |item, out| nested(item, depth, out));
    });
}

fn joined<T>(
    (open, close): (u8, u8),
    items: Vec<T>,
    out: &mut Vec<u8>,
    mut write: impl FnMut(T, &mut Vec<u8>),
) {
    out.push(open);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(close);
}

const DEPTH_MAX: usize = penstock_sdk::flat::DEPTH_MAX;

#[cfg(test)]
mod tests {
    use super::*;
    use penstock_sdk::flat::{Value, Writer};

    fn check(write: impl FnOnce(&mut Writer<'_>), expected: &str) {
        let mut bytes = Vec::new();
        write(&mut Writer::new(&mut bytes));
        let value = Value::parse(&bytes).unwrap();
        assert_eq!(text(Cell::Flat(value)), expected);
        let _: serde_json::Value = serde_json::from_str(expected).unwrap();
    }

    #[test]
    fn values_are_written_as_connects_converter_writes_them() {
        check(|w| w.float64(1.0), "1.0");
        check(|w| w.float64(1e300), "1e300");
        check(|w| w.float32(0.1), "0.1");
        check(|w| w.float64(f64::INFINITY), "null");
        check(|w| w.int64(i64::MIN), "-9223372036854775808");
        check(|w| w.bytes(&[1, 2, 255]), "\"AQL/\"");
        check(|w| w.text("a\"\n\u{1}ü"), "\"a\\\"\\n\\u0001ü\"");
        check(
            |w| {
                w.structure(|w| {
                    w.name("a");
                    w.array(|w| {
                        w.null();
                        w.boolean(true);
                        2
                    });
                    w.name("b");
                    w.map(|w| {
                        w.text("k");
                        w.int32(1);
                        1
                    });
                    w.name("c");
                    w.map(|w| {
                        w.int32(1);
                        w.text("v");
                        1
                    });
                    3
                });
            },
            r#"{"a":[null,true],"b":{"k":1},"c":[[1,"v"]]}"#,
        );
    }
}
