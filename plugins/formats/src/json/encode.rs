//! Writes flat values as JSON, as Connect's schema says.

use super::{ONE_OF, Options};
use crate::connect::{Schema, Shape, kind};
use crate::{Error, Result, base64};
use penstock_sdk::flat::{DEPTH_MAX, Map, Struct, Value};

/// Writes the values of one schema.
#[derive(Debug)]
pub struct Encoder {
    schema: Schema,
    options: Options,
}

impl Encoder {
    pub fn new(schema: &Schema, options: Options) -> Self {
        Self { schema: schema.clone(), options }
    }

    /// Appends a value.
    pub fn write(&self, value: Value<'_>, out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        self.value(&self.schema, value, out, DEPTH_MAX).inspect_err(|_| out.truncate(start))
    }

    fn value(&self, schema: &Schema, value: Value<'_>, out: &mut Vec<u8>, depth: usize) -> Result<()> {
        let depth = depth
            .checked_sub(1)
            .ok_or_else(|| Error::record(format!("value nests deeper than {DEPTH_MAX}")))?;
        match (&schema.shape, value) {
            (_, Value::Null) => return Self::null(schema, out),
            (Shape::Boolean, Value::Boolean(value)) => put(&value, out)?,
            (Shape::Int8, Value::Int8(value)) => put(&value, out)?,
            (Shape::Int16, Value::Int16(value)) => put(&value, out)?,
            (Shape::Int32, Value::Int32(value)) => put(&value, out)?,
            (Shape::Int64, Value::Int64(value)) => put(&value, out)?,
            (Shape::Float32, Value::Float32(value)) if value.is_finite() => put(&value, out)?,
            (Shape::Float64, Value::Float64(value)) if value.is_finite() => put(&value, out)?,
            (Shape::Float32 | Shape::Float64, Value::Float32(_) | Value::Float64(_)) => {
                return Err(Error::record("JSON has no infinite numbers, and none that are no number"));
            }
            (Shape::Text, Value::Text(text)) => put(&text, out)?,
            (Shape::Bytes, Value::Bytes(bytes)) => {
                match schema.scale().filter(|_| self.options.writes_numbers) {
                    Some(scale) => {
                        let number = super::decimal::text(bytes, scale);
                        let number = number.ok_or_else(|| {
                            Error::record("a decimal of too many digits for decimal.format=NUMERIC")
                        })?;
                        out.extend_from_slice(number.as_bytes());
                    }
                    None => put(&base64::text(bytes), out)?,
                }
            }
            (Shape::Array(items), Value::Array(list)) => {
                let mut list = list.iter();
                Self::joined(*b"[]", out, |out| match list.next() {
                    Some(item) => self.value(items, item?, out, depth).map(|()| true),
                    None => Ok(false),
                })?;
            }
            (Shape::Map(keys, values), Value::Map(map)) => self.map((keys, values), map, out, depth)?,
            (Shape::Struct(fields), Value::Struct(value)) if schema.name.as_deref() == Some(ONE_OF) => {
                let found = fields.iter().find_map(|(name, member)| {
                    value.get(name).filter(|value| *value != Value::Null).map(|value| (member, value))
                });
                return match found {
                    Some((member, value)) => self.value(member, value, out, depth),
                    None => Self::null(schema, out),
                };
            }
            (Shape::Struct(fields), Value::Struct(value)) => self.structure(fields, value, out, depth)?,
            (shape, value) => {
                return Err(Error::record(format!(
                    "expected {}, got a value of type {}",
                    shape.name(),
                    kind(&value)
                )));
            }
        }
        Ok(())
    }

    fn null(schema: &Schema, out: &mut Vec<u8>) -> Result<()> {
        match &schema.default {
            Some(default) => put(default, out),
            None if schema.optional => put(&(), out),
            None => Err(Error::record("null, where the schema has no null")),
        }
    }

    fn structure(
        &self,
        fields: &[(String, Schema)],
        value: Struct<'_>,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<()> {
        // Most values have the fields of the schema, in its order.
        let (mut next, mut fields) = (value.iter(), fields.iter());
        Self::joined(*b"{}", out, |out| {
            let Some((name, schema)) = fields.next() else { return Ok(false) };
            let found = match next.next().transpose()? {
                Some((known, found)) if known == name => Some(found),
                _ => value.get(name),
            };
            put(name, out)?;
            out.push(b':');
            let written = self.value(schema, found.unwrap_or(Value::Null), out, depth);
            written.map(|()| true).map_err(|error| error.during(format_args!("field {name}")))
        })
    }

    /// An object where keys are strings, otherwise an array of objects of key and value.
    fn map(
        &self,
        (keys, values): (&Schema, &Schema),
        map: Map<'_>,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<()> {
        let is_object = keys.shape == Shape::Text && !keys.optional;
        let mut entries = map.iter();
        Self::joined(if is_object { *b"{}" } else { *b"[]" }, out, |out| {
            let Some(entry) = entries.next() else { return Ok(false) };
            let (key, value) = entry?;
            if !is_object {
                out.extend_from_slice(b"{\"key\":");
            }
            self.value(keys, key, out, depth)?;
            out.extend_from_slice(if is_object { b":" } else { b",\"value\":" });
            self.value(values, value, out, depth)?;
            if !is_object {
                out.push(b'}');
            }
            Ok(true)
        })
    }

    /// Writes items with commas between brackets until there are no more.
    fn joined(
        brackets: [u8; 2],
        out: &mut Vec<u8>,
        mut next: impl FnMut(&mut Vec<u8>) -> Result<bool>,
    ) -> Result<()> {
        let [open, close] = brackets;
        out.push(open);
        let first = out.len();
        loop {
            let before = out.len();
            if before > first {
                out.push(b',');
            }
            if !next(out)? {
                out.truncate(before);
                break;
            }
        }
        out.push(close);
        Ok(())
    }
}

fn put(value: &impl serde::Serialize, out: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer(out, value).map_err(|error| Error::record(error.to_string()))
}
