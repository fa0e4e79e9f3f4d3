//! Writes flat values as Avro: the schema says what is expected, the value what is there.

use super::program::{Branch, Program, Step, compile};
use super::schema::{Schema, Type};
use crate::connect::kind;
use crate::decimal::shortened;
use crate::{Error, Result, varint};
use penstock_sdk::flat::{DEPTH_MAX, Struct, Value};
use serde_json::Value as Json;

/// Writes the values of one schema.
#[derive(Debug)]
pub struct Encoder {
    program: Program,
    /// Encoded defaults of fields, by the place of the record and of the field.
    defaults: std::collections::HashMap<(usize, usize), Vec<u8>>,
}

impl Encoder {
    pub fn new(schema: &Schema, is_enhanced: bool) -> Self {
        let mut encoder =
            Self { program: compile(schema, is_enhanced), defaults: std::collections::HashMap::new() };
        for (place, node) in schema.nodes.iter().enumerate() {
            let Type::Record(fields) = &node.kind else { continue };
            for (index, field) in fields.iter().enumerate() {
                let Some(default) = &field.default else { continue };
                let mut bytes = Vec::new();
                if encoder.json(field.node, default, &mut bytes).is_some() {
                    encoder.defaults.insert((place, index), bytes);
                }
            }
        }
        encoder
    }

    /// Appends a value.
    pub fn write(&self, value: Value<'_>, out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        self.value(self.program.root, value, out, DEPTH_MAX).inspect_err(|_| out.truncate(start))
    }

    fn value(&self, place: usize, value: Value<'_>, out: &mut Vec<u8>, depth: usize) -> Result<()> {
        let depth = depth
            .checked_sub(1)
            .ok_or_else(|| Error::record(format!("value nests deeper than {DEPTH_MAX}")))?;
        let step = self.program.steps.get(place).unwrap_or(&Step::Null);
        match (step, value) {
            (Step::Null, Value::Null) => {}
            (Step::Boolean, Value::Boolean(value)) => out.push(u8::from(value)),
            (Step::Int8 | Step::Int16 | Step::Int32 | Step::Int64, value) => {
                let long =
                    integer(value).filter(|long| fits(step, *long)).ok_or_else(|| mismatch(step, &value))?;
                varint::put_signed(long, out);
            }
            (Step::Float32, Value::Float32(value)) => out.extend_from_slice(&value.to_le_bytes()),
            (Step::Float64, Value::Float64(value)) => out.extend_from_slice(&value.to_le_bytes()),
            (Step::Float64, Value::Float32(value)) => out.extend_from_slice(&f64::from(value).to_le_bytes()),
            (Step::Text, Value::Text(text)) => sized(text.as_bytes(), out),
            (Step::Bytes | Step::Decimal(None), Value::Bytes(bytes)) => sized(bytes, out),
            (Step::Decimal(Some(size)), Value::Bytes(bytes)) => fixed_decimal(*size, bytes, out)?,
            (Step::Fixed(size), Value::Bytes(bytes)) if bytes.len() == *size => out.extend_from_slice(bytes),
            (Step::Enum(symbols), Value::Text(text)) => {
                let index = symbols.iter().position(|symbol| **symbol == *text);
                let index =
                    index.ok_or_else(|| Error::record(format!("{text:?} is no symbol of the enum")))?;
                varint::put_signed(index as i64, out);
            }
            (Step::Array(items), Value::Array(array)) => {
                begin(array.len(), out);
                for item in array.iter() {
                    self.value(*items, item?, out, depth)?;
                }
                out.push(0);
            }
            (Step::Map(_) | Step::Entries(..), Value::Map(map)) => {
                begin(map.len(), out);
                for entry in map.iter() {
                    self.entry(step, entry?, out, depth)?;
                }
                out.push(0);
            }
            (Step::Struct(_), Value::Struct(value)) => self.structure(place, value, out, depth)?,
            (Step::Optional { null, .. }, Value::Null) => varint::put_signed(i64::from(*null), out),
            (Step::Optional { null, inner }, value) => {
                varint::put_signed(i64::from(1 - *null), out);
                self.value(*inner, value, out, depth)?;
            }
            (Step::Union(branches), value) => self.union(branches, value, out, depth)?,
            (step, value) => return Err(mismatch(step, &value)),
        }
        Ok(())
    }

    fn entry(
        &self,
        step: &Step,
        (key, value): (Value<'_>, Value<'_>),
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<()> {
        match (step, key) {
            (Step::Map(values), Value::Text(key)) => {
                sized(key.as_bytes(), out);
                self.value(*values, value, out, depth)
            }
            (Step::Entries(keys, values), key) => {
                self.value(*keys, key, out, depth)?;
                self.value(*values, value, out, depth)
            }
            _ => Err(mismatch(&Step::Text, &key)),
        }
    }

    fn structure(&self, place: usize, value: Struct<'_>, out: &mut Vec<u8>, depth: usize) -> Result<()> {
        let Some(Step::Struct(fields)) = self.program.steps.get(place) else { return Ok(()) };
        // Most values have the fields of the schema, in its order.
        let mut next = value.iter();
        for (index, (name, step)) in fields.iter().enumerate() {
            let found = match next.next().transpose()? {
                Some((known, field)) if known == &**name => Some(field),
                _ => value.get(name),
            };
            let written = match (found, self.defaults.get(&(place, index))) {
                (None, Some(default)) => {
                    out.extend_from_slice(default);
                    Ok(())
                }
                (found, _) => self.value(*step, found.unwrap_or(Value::Null), out, depth),
            };
            written.map_err(|error| error.during(format_args!("field {name}")))?;
        }
        Ok(())
    }

    /// A struct with one field per type, or a value of the only type that takes it.
    fn union(&self, branches: &[Branch], value: Value<'_>, out: &mut Vec<u8>, depth: usize) -> Result<()> {
        let start = out.len();
        for (index, branch) in branches.iter().enumerate() {
            let inner = match (&branch.field, value) {
                (None, Value::Null) => Value::Null,
                (Some(field), Value::Struct(fields)) => match fields.get(field) {
                    Some(inner) if inner != Value::Null => inner,
                    _ => continue,
                },
                _ => continue,
            };
            varint::put_signed(index as i64, out);
            return self.value(branch.step, inner, out, depth);
        }
        for (index, branch) in branches.iter().enumerate() {
            varint::put_signed(index as i64, out);
            if self.value(branch.step, value, out, depth).is_ok() {
                return Ok(());
            }
            out.truncate(start);
        }
        Err(Error::record(format!("no type of the union takes a value of type {}", kind(&value))))
    }

    /// A default of the schema; `None` when it does not fit.
    fn json(&self, place: usize, json: &Json, out: &mut Vec<u8>) -> Option<()> {
        match (self.program.steps.get(place)?, json) {
            (Step::Null, Json::Null) => {}
            (Step::Optional { null, .. }, Json::Null) => varint::put_signed(i64::from(*null), out),
            (Step::Optional { null, inner }, json) => {
                varint::put_signed(i64::from(1 - *null), out);
                self.json(*inner, json, out)?;
            }
            (Step::Union(branches), json) => {
                let start = out.len();
                let takes = |(index, branch): (usize, &Branch)| {
                    out.truncate(start);
                    varint::put_signed(index as i64, out);
                    self.json(branch.step, json, out)
                };
                branches.iter().enumerate().find_map(takes)?;
            }
            (Step::Boolean, Json::Bool(value)) => out.push(u8::from(*value)),
            (step @ (Step::Int8 | Step::Int16 | Step::Int32 | Step::Int64), json) => {
                varint::put_signed(json.as_i64().filter(|long| fits(step, *long))?, out);
            }
            (Step::Float32, json) => out.extend_from_slice(&(json.as_f64()? as f32).to_le_bytes()),
            (Step::Float64, json) => out.extend_from_slice(&json.as_f64()?.to_le_bytes()),
            (Step::Text, Json::String(text)) => sized(text.as_bytes(), out),
            (Step::Enum(symbols), Json::String(text)) => {
                varint::put_signed(symbols.iter().position(|symbol| **symbol == **text)? as i64, out);
            }
            (Step::Bytes | Step::Decimal(None), Json::String(text)) => sized(&latin(text)?, out),
            (Step::Fixed(size) | Step::Decimal(Some(size)), Json::String(text)) => {
                out.extend_from_slice(&latin(text).filter(|bytes| bytes.len() == *size)?);
            }
            (Step::Array(items), Json::Array(list)) => {
                begin(list.len(), out);
                list.iter().try_for_each(|item| self.json(*items, item, out))?;
                out.push(0);
            }
            (Step::Map(values), Json::Object(entries)) => {
                begin(entries.len(), out);
                for (key, value) in entries {
                    sized(key.as_bytes(), out);
                    self.json(*values, value, out)?;
                }
                out.push(0);
            }
            (Step::Struct(fields), Json::Object(entries)) => {
                fields.iter().try_for_each(|(name, step)| self.json(*step, entries.get(&**name)?, out))?;
            }
            _ => return None,
        }
        Some(())
    }
}

fn latin(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}

fn begin(count: usize, out: &mut Vec<u8>) {
    if count > 0 {
        varint::put_signed(count as i64, out);
    }
}

fn sized(bytes: &[u8], out: &mut Vec<u8>) {
    varint::put_signed(bytes.len() as i64, out);
    out.extend_from_slice(bytes);
}

fn integer(value: Value<'_>) -> Option<i64> {
    Some(match value {
        Value::Int8(value) => i64::from(value),
        Value::Int16(value) => i64::from(value),
        Value::Int32(value) => i64::from(value),
        Value::Int64(value) => value,
        _ => return None,
    })
}

fn fits(step: &Step, long: i64) -> bool {
    match step {
        Step::Int8 => i8::try_from(long).is_ok(),
        Step::Int16 => i16::try_from(long).is_ok(),
        Step::Int32 => i32::try_from(long).is_ok(),
        _ => true,
    }
}

/// A number at the size of its type, its sign repeated in front.
fn fixed_decimal(size: usize, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let bytes = shortened(bytes);
    let Some(missing) = size.checked_sub(bytes.len()) else {
        return Err(Error::record(format!("a decimal of {} bytes does not fit into {size}", bytes.len())));
    };
    let sign = if bytes.first().is_some_and(|first| *first >= 0x80) { 0xff } else { 0 };
    out.resize(out.len() + missing, sign);
    out.extend_from_slice(bytes);
    Ok(())
}

fn mismatch(step: &Step, value: &Value<'_>) -> Error {
    let expected = match step {
        Step::Null => "null",
        Step::Boolean => "boolean",
        Step::Int8 => "int8",
        Step::Int16 => "int16",
        Step::Int32 => "int",
        Step::Int64 => "long",
        Step::Float32 => "float",
        Step::Float64 => "double",
        Step::Text => "string",
        Step::Bytes => "bytes",
        Step::Decimal(_) => "decimal",
        Step::Fixed(_) => "fixed",
        Step::Enum(_) => "enum",
        Step::Array(_) => "array",
        Step::Map(_) | Step::Entries(..) => "map",
        Step::Struct(_) => "record",
        Step::Optional { .. } | Step::Union(_) => "union",
    };
    Error::record(format!("expected {expected}, got a value of type {}", kind(value)))
}
