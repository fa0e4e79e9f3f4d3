//! One value cast to another type, narrowing and reading numbers as Java does.
use super::cast::Target;
use crate::date::{MS_PER_DAY, write_iso};
use crate::entries::kind;
use crate::number::{write_double, write_float};
use crate::schema::{Logical, base64};
use crate::{Error, Result, decimal};
use penstock_sdk::flat::{self, Writer};
use std::io::Write as _;

/// What a value is before it is cast.
enum From<'a> {
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Text(&'a str),
}

/// Appends the value as the target type; a null stays a null.
pub fn cast(value: &[u8], logical: Option<Logical>, target: Target, out: &mut Vec<u8>) -> Result<()> {
    let parsed = flat::Value::parse(value)?;
    if parsed == flat::Value::Null {
        Writer::new(out).null();
        return Ok(());
    }
    if target == Target::Text {
        return write_text(parsed, logical, out).ok_or_else(|| refuse(value, target));
    }
    let from = match (parsed, logical) {
        (flat::Value::Int8(value), _) => From::Integer(value.into()),
        (flat::Value::Int16(value), _) => From::Integer(value.into()),
        (flat::Value::Int32(value), _) => From::Integer(value.into()),
        (flat::Value::Int64(value), _) => From::Integer(value),
        (flat::Value::Float32(value), _) => From::Float(value.into()),
        (flat::Value::Float64(value), _) => From::Float(value),
        (flat::Value::Boolean(value), _) => From::Boolean(value),
        (flat::Value::Text(text), _) => From::Text(text),
        (flat::Value::Bytes(bytes), Some(Logical::Decimal(scale))) => match target {
            Target::Float32 | Target::Float64 => From::Float(decimal::float(bytes, scale)),
            _ => From::Integer(decimal::integer(bytes, scale).ok_or_else(|| refuse(value, target))?),
        },
        _ => return Err(refuse(value, target)),
    };
    write(&from, target, out).ok_or_else(|| match from {
        From::Text(_) => Error::new(format!("the text is no number that a {target:?} can be")),
        _ => refuse(value, target),
    })
}

fn refuse(value: &[u8], target: Target) -> Error {
    Error::new(format!("{} cannot be cast to {target:?}", kind(value)))
}

fn write(from: &From<'_>, target: Target, out: &mut Vec<u8>) -> Option<()> {
    let mut writer = Writer::new(out);
    match target {
        // Rust reads signs as Java does, and neither takes blanks.
        Target::Int8 => writer.int8(match from {
            From::Text(text) => text.parse().ok()?,
            _ => narrow(from) as i8,
        }),
        Target::Int16 => writer.int16(match from {
            From::Text(text) => text.parse().ok()?,
            _ => narrow(from) as i16,
        }),
        Target::Int32 => writer.int32(match from {
            From::Text(text) => text.parse().ok()?,
            _ => narrow(from) as i32,
        }),
        Target::Int64 => writer.int64(match from {
            From::Text(text) => text.parse().ok()?,
            From::Float(value) => *value as i64,
            _ => narrow(from),
        }),
        Target::Float32 => writer.float32(match from {
            From::Text(text) => java_float(text)? as f32,
            From::Integer(value) => *value as f32,
            From::Float(value) => *value as f32,
            From::Boolean(value) => f32::from(u8::from(*value)),
        }),
        Target::Float64 => writer.float64(match from {
            From::Text(text) => java_float(text)?,
            From::Integer(value) => *value as f64,
            From::Float(value) => *value,
            From::Boolean(value) => f64::from(u8::from(*value)),
        }),
        Target::Boolean => writer.boolean(match from {
            From::Boolean(value) => *value,
            From::Text(text) => text.eq_ignore_ascii_case("true"),
            From::Integer(value) => *value != 0,
            From::Float(value) => *value as i64 != 0,
        }),
        Target::Text => return None,
    }
    Some(())
}

/// Java narrows a floating point number to 32 bits first, and keeps the lowest bits of what is left.
fn narrow(from: &From<'_>) -> i64 {
    match from {
        From::Integer(value) => *value,
        From::Float(value) => i64::from(*value as i32),
        From::Boolean(value) => i64::from(*value),
        From::Text(_) => 0,
    }
}

/// Java reads blanks around a number, a type's letter behind it, and other words for what is no number.
fn java_float(text: &str) -> Option<f64> {
    let text = text.trim();
    let unsigned = text.trim_start_matches(['+', '-']);
    match unsigned {
        "NaN" => return Some(f64::NAN),
        "Infinity" => return Some(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY }),
        _ if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') => return None,
        _ => {}
    }
    text.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(text).parse().ok()
}

/// Appends a value as a string, where it has a text.
fn write_text(value: flat::Value<'_>, logical: Option<Logical>, out: &mut Vec<u8>) -> Option<()> {
    out.push(flat::TEXT);
    out.extend_from_slice(&[0; 4]);
    let start = out.len();
    match (value, logical) {
        (flat::Value::Int32(days), Some(Logical::Date)) => date(i64::from(days) * MS_PER_DAY, out),
        (flat::Value::Int32(ms), Some(Logical::Time)) => date(i64::from(ms), out),
        (flat::Value::Int64(ms), Some(Logical::Timestamp)) => date(ms, out),
        (flat::Value::Bytes(bytes), Some(Logical::Decimal(scale))) => show(decimal::text(bytes, scale), out),
        (flat::Value::Text(text), _) => out.extend_from_slice(text.as_bytes()),
        (flat::Value::Boolean(value), _) => show(value, out),
        (flat::Value::Int8(value), _) => show(value, out),
        (flat::Value::Int16(value), _) => show(value, out),
        (flat::Value::Int32(value), _) => show(value, out),
        (flat::Value::Int64(value), _) => show(value, out),
        (flat::Value::Float32(value), _) => write_float(out, value),
        (flat::Value::Float64(value), _) => write_double(out, value),
        (flat::Value::Bytes(bytes), _) => show(base64(bytes), out),
        (flat::Value::Null | flat::Value::Array(_) | flat::Value::Map(_) | flat::Value::Struct(_), _) => {
            return None;
        }
    }
    let length = (out.len() - start) as u32;
    out[start - 4..start].copy_from_slice(&length.to_le_bytes());
    Some(())
}

fn date(ms: i64, out: &mut Vec<u8>) {
    let mut text = String::new();
    write_iso(ms, &mut text);
    out.extend_from_slice(text.as_bytes());
}

fn show(value: impl std::fmt::Display, out: &mut Vec<u8>) {
    // A vector takes every write.
    let _ = write!(out, "{value}");
}
