//! Flat values as JSON, byte for byte as Java's converter writes them.

use penstock_sdk::flat::{self, DEPTH_MAX};

use super::super::text::{integer, too_deep};
use super::super::{Error, base64, number};

/// Appends a value.
pub fn value(value: flat::Value<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
    nested(value, out, DEPTH_MAX)
}

fn nested(value: flat::Value<'_>, out: &mut Vec<u8>, depth: usize) -> Result<(), Error> {
    let depth = depth.checked_sub(1).ok_or_else(|| Error::new(too_deep()))?;
    match value {
        flat::Value::Null => out.extend_from_slice(b"null"),
        flat::Value::Boolean(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        flat::Value::Int8(value) => integer(i64::from(value), out),
        flat::Value::Int16(value) => integer(i64::from(value), out),
        flat::Value::Int32(value) => integer(i64::from(value), out),
        flat::Value::Int64(value) => integer(value, out),
        flat::Value::Float32(value) => {
            quoted_unless(value.is_finite(), out, |out| number::write_float(out, value));
        }
        flat::Value::Float64(value) => {
            quoted_unless(value.is_finite(), out, |out| number::write_double(out, value));
        }
        flat::Value::Text(value) => text(value, out),
        flat::Value::Bytes(bytes) => quoted_unless(false, out, |out| base64::encode(bytes, out)),
        flat::Value::Array(items) => {
            out.push(b'[');
            for (place, item) in items.iter().enumerate() {
                separate(place, out);
                nested(item?, out, depth)?;
            }
            out.push(b']');
        }
        flat::Value::Map(entries) => map(entries, out, depth)?,
        flat::Value::Struct(fields) => {
            out.push(b'{');
            for (place, field) in fields.iter().enumerate() {
                let (name, value) = field?;
                separate(place, out);
                text(name, out);
                out.push(b':');
                nested(value, out, depth)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

/// An object if all keys are text, and an array of pairs otherwise.
fn map(entries: flat::Map<'_>, out: &mut Vec<u8>, depth: usize) -> Result<(), Error> {
    let is_object = entries.iter().all(|entry| matches!(entry, Ok((flat::Value::Text(_), _))));
    out.push(if is_object { b'{' } else { b'[' });
    for (place, entry) in entries.iter().enumerate() {
        let (key, value) = entry?;
        separate(place, out);
        if !is_object {
            out.push(b'[');
        }
        nested(key, out, depth)?;
        out.push(if is_object { b':' } else { b',' });
        nested(value, out, depth)?;
        if !is_object {
            out.push(b']');
        }
    }
    out.push(if is_object { b'}' } else { b']' });
    Ok(())
}

fn separate(place: usize, out: &mut Vec<u8>) {
    if place > 0 {
        out.push(b',');
    }
}

fn quoted_unless(bare: bool, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    if bare {
        return write(out);
    }
    out.push(b'"');
    write(out);
    out.push(b'"');
}

/// Only what JSON demands is escaped, in runs: most text has nothing to escape.
fn text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|&b| b < b' ' || b == b'"' || b == b'\\') {
        let (run, tail) = rest.split_at(at);
        out.extend_from_slice(run);
        if let Some((&byte, tail)) = tail.split_first() {
            escape(byte, out);
            rest = tail;
        }
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

fn escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        _ => {
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";
