//! `StringConverter`: text as it is, and other values as Java's `toString` shows them.

use std::io::Write as _;

use indexmap::IndexMap;
use penstock_sdk::flat::{self, DEPTH_MAX};

use super::scalar::parsed;
use super::{Error, Place, Value, number};
use crate::definition;

/// The encoding of text in Kafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    Utf8,
    Latin1,
    Ascii,
}

impl Charset {
    /// Reads `converter.encoding`.
    pub fn open(settings: &IndexMap<String, String>) -> Result<Self, definition::Error> {
        let name = settings.get("converter.encoding").map_or("UTF-8", String::as_str);
        match name.to_ascii_uppercase().as_str() {
            "UTF-8" | "UTF8" => Ok(Self::Utf8),
            "ISO-8859-1" | "ISO8859_1" | "LATIN1" => Ok(Self::Latin1),
            "US-ASCII" | "ASCII" => Ok(Self::Ascii),
            _ => Err(definition::Error::new(format!(
                "converter.encoding: expected UTF-8, ISO-8859-1 or US-ASCII, got {name}"
            ))),
        }
    }

    /// Text where it lies if it is sound; otherwise a copy in which `�` stands for what is not, as in Java.
    pub fn decode(self, bytes: &[u8], arena: &mut Vec<u8>) -> Place {
        if bytes.is_ascii() || (self == Self::Utf8 && std::str::from_utf8(bytes).is_ok()) {
            return Place::Input;
        }
        let start = arena.len();
        match self {
            Self::Utf8 => arena.extend_from_slice(String::from_utf8_lossy(bytes).as_bytes()),
            Self::Latin1 => {
                for &b in bytes {
                    push(arena, char::from(b));
                }
            }
            Self::Ascii => {
                let or_replaced =
                    |b: u8| if b.is_ascii() { char::from(b) } else { char::REPLACEMENT_CHARACTER };
                for &b in bytes {
                    push(arena, or_replaced(b));
                }
            }
        }
        Place::Arena(start..arena.len())
    }

    /// Appends a value's text; false when it is null.
    pub fn encode(self, value: Value<'_>, out: &mut Vec<u8>) -> Result<bool, Error> {
        let start = out.len();
        match parsed(value)? {
            flat::Value::Null => return Ok(false),
            flat::Value::Text(text) => out.extend_from_slice(text.as_bytes()),
            // Java would write the array's address; the bytes are what was meant.
            flat::Value::Bytes(bytes) => {
                out.extend_from_slice(bytes);
                return Ok(true);
            }
            other => show(other, out, DEPTH_MAX)?,
        }
        if self != Self::Utf8 && !out[start..].is_ascii() {
            self.narrow(start, out);
        }
        Ok(true)
    }

    fn narrow(self, start: usize, out: &mut Vec<u8>) {
        let last = if self == Self::Latin1 { '\u{ff}' } else { '\u{7f}' };
        let text = String::from_utf8_lossy(&out[start..]).into_owned();
        out.truncate(start);
        out.extend(text.chars().map(|c| if c <= last { c as u8 } else { b'?' }));
    }
}

/// Appends a value as Java's `toString` shows it.
fn show(value: flat::Value<'_>, out: &mut Vec<u8>, depth: usize) -> Result<(), Error> {
    let depth = depth.checked_sub(1).ok_or_else(|| Error::new(too_deep()))?;
    match value {
        flat::Value::Null => out.extend_from_slice(b"null"),
        flat::Value::Boolean(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        flat::Value::Int8(value) => integer(i64::from(value), out),
        flat::Value::Int16(value) => integer(i64::from(value), out),
        flat::Value::Int32(value) => integer(i64::from(value), out),
        flat::Value::Int64(value) => integer(value, out),
        flat::Value::Float32(value) => number::write_float(out, value),
        flat::Value::Float64(value) => number::write_double(out, value),
        flat::Value::Text(text) => out.extend_from_slice(text.as_bytes()),
        flat::Value::Bytes(bytes) => out.extend_from_slice(String::from_utf8_lossy(bytes).as_bytes()),
        flat::Value::Array(items) => {
            out.push(b'[');
            for (place, item) in items.iter().enumerate() {
                separate(place, b", ", out);
                show(item?, out, depth)?;
            }
            out.push(b']');
        }
        flat::Value::Map(map) => {
            out.push(b'{');
            for (place, entry) in map.iter().enumerate() {
                let (key, value) = entry?;
                separate(place, b", ", out);
                show(key, out, depth)?;
                out.push(b'=');
                show(value, out, depth)?;
            }
            out.push(b'}');
        }
        flat::Value::Struct(fields) => show_struct(fields, out, depth)?,
    }
    Ok(())
}

/// Java leaves out the fields that are null.
fn show_struct(fields: flat::Struct<'_>, out: &mut Vec<u8>, depth: usize) -> Result<(), Error> {
    out.extend_from_slice(b"Struct{");
    let mut place = 0;
    for field in fields.iter() {
        let (name, value) = field?;
        if value == flat::Value::Null {
            continue;
        }
        separate(place, b",", out);
        place += 1;
        out.extend_from_slice(name.as_bytes());
        out.push(b'=');
        show(value, out, depth)?;
    }
    out.push(b'}');
    Ok(())
}

/// Appends the digits of an integer.
pub fn integer(value: i64, out: &mut Vec<u8>) {
    // A vector takes every write.
    let _ = write!(out, "{value}");
}

/// What both directions say about a value that nests too deep.
pub fn too_deep() -> String {
    format!("value nests deeper than {DEPTH_MAX}")
}

fn separate(place: usize, by: &[u8], out: &mut Vec<u8>) {
    if place > 0 {
        out.extend_from_slice(by);
    }
}

fn push(out: &mut Vec<u8>, c: char) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}
