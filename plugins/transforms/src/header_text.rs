//! Values as `SimpleHeaderConverter` writes them: plain text outside, JSON-like inside.
use crate::date::{MS_PER_DAY, write_iso};
use crate::number::{write_double, write_float};
use crate::schema::{Logical, Schema, Shape, base64};
use crate::{Error, Result, decimal};
use penstock_sdk::flat::{self, DEPTH_MAX};
use std::io::Write as _;

/// Appends the text of a value in the flat encoding; false for null, which is a header without a value.
pub fn write(value: &[u8], schema: Option<&Schema>, out: &mut Vec<u8>) -> Result<bool> {
    let value = flat::Value::parse(value)?;
    if value == flat::Value::Null {
        return Ok(false);
    }
    append(value, schema, Place { is_inner: false, depth: DEPTH_MAX }, out)?;
    Ok(true)
}

/// Where values stand in other ones their text is quoted.
#[derive(Clone, Copy)]
struct Place {
    is_inner: bool,
    depth: usize,
}

fn append(value: flat::Value<'_>, schema: Option<&Schema>, place: Place, out: &mut Vec<u8>) -> Result<()> {
    if let Some(logical) = schema.and_then(Schema::logical) {
        return append_logical(value, logical, place.is_inner, out);
    }
    match value {
        flat::Value::Null => out.extend_from_slice(b"null"),
        flat::Value::Boolean(value) => show(out, value),
        flat::Value::Int8(value) => show(out, value),
        flat::Value::Int16(value) => show(out, value),
        flat::Value::Int32(value) => show(out, value),
        flat::Value::Int64(value) => show(out, value),
        flat::Value::Float32(value) => write_float(out, value),
        flat::Value::Float64(value) => write_double(out, value),
        flat::Value::Text(text) if place.is_inner => quoted(text, out),
        flat::Value::Text(text) => out.extend_from_slice(text.as_bytes()),
        flat::Value::Bytes(bytes) if place.is_inner => quoted(&base64(bytes), out),
        flat::Value::Bytes(bytes) => out.extend_from_slice(base64(bytes).as_bytes()),
        flat::Value::Array(_) | flat::Value::Map(_) | flat::Value::Struct(_) => {
            let depth = place.depth.checked_sub(1);
            let depth = depth.ok_or_else(|| Error::new("the header's value nests too deep"))?;
            append_items(value, schema, Place { is_inner: true, depth }, out)?;
        }
    }
    Ok(())
}

fn append_logical(value: flat::Value<'_>, logical: Logical, is_inner: bool, out: &mut Vec<u8>) -> Result<()> {
    let mut text = String::new();
    match (value, logical) {
        (flat::Value::Null, _) => text.push_str("null"),
        (flat::Value::Int32(days), Logical::Date) => write_iso(i64::from(days) * MS_PER_DAY, &mut text),
        (flat::Value::Int32(ms), Logical::Time) => write_iso(i64::from(ms), &mut text),
        (flat::Value::Int64(ms), Logical::Timestamp) => write_iso(ms, &mut text),
        (flat::Value::Bytes(bytes), Logical::Decimal(scale)) if is_inner => {
            text = decimal::text(bytes, scale);
        }
        (flat::Value::Bytes(bytes), Logical::Decimal(scale)) => text = decimal::plain_text(bytes, scale),
        _ => return Err(Error::new("the header's value is not what its schema says")),
    }
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

fn append_items(
    value: flat::Value<'_>,
    schema: Option<&Schema>,
    place: Place,
    out: &mut Vec<u8>,
) -> Result<()> {
    let shape = schema.map(|schema| &schema.shape);
    let is_array = matches!(value, flat::Value::Array(_));
    out.push(if is_array { b'[' } else { b'{' });
    match value {
        flat::Value::Array(items) => {
            let inner = if let Some(Shape::Array(inner)) = shape { Some(&**inner) } else { None };
            for (number, item) in items.iter().enumerate() {
                comma(number, out);
                append(item?, inner, place, out)?;
            }
        }
        flat::Value::Map(entries) => {
            let (keys, values) = match shape {
                Some(Shape::Map(keys, values)) => (Some(&**keys), Some(&**values)),
                _ => (None, None),
            };
            for (number, entry) in entries.iter().enumerate() {
                let (key, value) = entry?;
                comma(number, out);
                append(key, keys, place, out)?;
                out.push(b':');
                append(value, values, place, out)?;
            }
        }
        flat::Value::Struct(fields) => {
            for (number, field) in fields.iter().enumerate() {
                let (name, value) = field?;
                comma(number, out);
                quoted(name, out);
                out.push(b':');
                append(
                    value,
                    schema.and_then(|schema| schema.field(name)).map(|field| &**field),
                    place,
                    out,
                )?;
            }
        }
        _ => {}
    }
    out.push(if is_array { b']' } else { b'}' });
    Ok(())
}

fn comma(place: usize, out: &mut Vec<u8>) {
    if place > 0 {
        out.push(b',');
    }
}

fn show(out: &mut Vec<u8>, value: impl std::fmt::Display) {
    // A vector takes every write.
    let _ = write!(out, "{value}");
}

fn quoted(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(text.replace('\\', "\\\\").replace('"', "\\\"").as_bytes());
    out.push(b'"');
}
