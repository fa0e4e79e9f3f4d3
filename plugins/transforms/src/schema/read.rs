//! Reads schemas and their defaults from the JSON of Connect's JSON converter.
use super::write::base64_decoded;
use super::{Fields, Schema, Shape};
use penstock_sdk::flat::{self, Writer};
use serde_json::Value;
use std::sync::Arc;

/// Far above what people write, and a bound for what a record can make us keep.
const TEXT_BYTES_MAX: usize = 4 << 20;

/// Reads one schema; the error is a sentence.
pub fn parse(text: &str) -> Result<Schema, String> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("{} bytes, at most {TEXT_BYTES_MAX}", text.len()));
    }
    // The parser's own limit of 128 levels bounds what follows.
    let json: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    compile(&json)
}

fn compile(json: &Value) -> Result<Schema, String> {
    let kind = json.get("type").and_then(Value::as_str).ok_or("expected an object with a \"type\"")?;
    let inner = |key: &str| match json.get(key) {
        Some(inner) => compile(inner).map(Arc::new).map_err(|why| format!("{key}: {why}")),
        None => Err(format!("a schema of type {kind} needs \"{key}\"")),
    };
    let shape = match kind {
        "boolean" => Shape::Boolean,
        "int8" => Shape::Int8,
        "int16" => Shape::Int16,
        "int32" => Shape::Int32,
        "int64" => Shape::Int64,
        "float" | "float32" => Shape::Float32,
        "double" | "float64" => Shape::Float64,
        "string" => Shape::Text,
        "bytes" => Shape::Bytes,
        "array" => Shape::Array(inner("items")?),
        "map" => Shape::Map(inner("keys")?, inner("values")?),
        "struct" => Shape::Struct(fields(json)?),
        other => return Err(format!("unknown type {other:?}")),
    };
    let text = |key: &str| json.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut schema = Schema::new(shape);
    schema.optional = json.get("optional").and_then(Value::as_bool).unwrap_or(false);
    schema.name = text("name");
    schema.version = json.get("version").and_then(Value::as_i64);
    schema.doc = text("doc");
    schema.parameters = json.get("parameters").and_then(Value::as_object).map(|entries| {
        entries.iter().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
    });
    if let Some(default) = json.get("default").filter(|default| !default.is_null()) {
        let mut encoded = Vec::new();
        encode(&schema, default, &mut encoded).map_err(|why| format!("default: {why}"))?;
        schema.default = Some(encoded);
    }
    Ok(schema)
}

fn fields(json: &Value) -> Result<Fields, String> {
    let items = json.get("fields").and_then(Value::as_array).ok_or("a struct needs \"fields\"")?;
    let mut fields = Fields::default();
    for item in items {
        let name = item.get("field").and_then(Value::as_str).ok_or("a field needs its name in \"field\"")?;
        let schema = compile(item).map_err(|why| format!("field {name}: {why}"))?;
        fields.add(name, Arc::new(schema)).map_err(|error| error.to_string())?;
    }
    Ok(fields)
}

/// Appends a JSON value of a schema in the flat encoding.
fn encode(schema: &Schema, json: &Value, out: &mut Vec<u8>) -> Result<(), String> {
    let wrong = || format!("expected {}, got {json}", schema.shape.name());
    let integer = || json.as_i64().ok_or_else(wrong);
    let float = || float(json).ok_or_else(wrong);
    let mut writer = Writer::new(out);
    match &schema.shape {
        _ if json.is_null() && schema.optional => writer.null(),
        Shape::Boolean => writer.boolean(json.as_bool().ok_or_else(wrong)?),
        Shape::Int8 => writer.int8(i8::try_from(integer()?).map_err(|_| wrong())?),
        Shape::Int16 => writer.int16(i16::try_from(integer()?).map_err(|_| wrong())?),
        Shape::Int32 => writer.int32(i32::try_from(integer()?).map_err(|_| wrong())?),
        Shape::Int64 => writer.int64(integer()?),
        Shape::Float32 => writer.float32(float()? as f32),
        Shape::Float64 => writer.float64(float()?),
        Shape::Text => writer.text(json.as_str().ok_or_else(wrong)?),
        Shape::Bytes => {
            writer.bytes(&base64_decoded(json.as_str().ok_or_else(wrong)?).ok_or_else(wrong)?);
        }
        Shape::Array(items) => {
            let open = writer.begin(flat::ARRAY);
            let list = json.as_array().ok_or_else(wrong)?;
            list.iter().try_for_each(|item| encode(items, item, out))?;
            Writer::new(out).end(&open, list.len() as u32);
        }
        Shape::Map(keys, values) => {
            let open = writer.begin(flat::MAP);
            let count = encode_map(keys, values, json, out).ok_or_else(wrong)?;
            Writer::new(out).end(&open, count);
        }
        Shape::Struct(fields) => {
            let open = writer.begin(flat::STRUCT);
            let mut count = 0;
            for (name, field) in fields.iter() {
                Writer::new(out).name(name);
                let value = json.get(name).unwrap_or(&Value::Null);
                match &field.default {
                    Some(default) if value.is_null() => out.extend_from_slice(default),
                    _ => encode(field, value, out).map_err(|why| format!("field {name}: {why}"))?,
                }
                count += 1;
            }
            Writer::new(out).end(&open, count);
        }
    }
    Ok(())
}

/// A number, or the text by which JSON tells what is none.
fn float(json: &Value) -> Option<f64> {
    match json.as_str() {
        Some("NaN") => Some(f64::NAN),
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        _ => json.as_f64(),
    }
}

/// An object, or pairs where keys are no text.
fn encode_map(keys: &Schema, values: &Schema, json: &Value, out: &mut Vec<u8>) -> Option<u32> {
    let mut pair = |key: &Value, value: &Value| {
        encode(keys, key, out).ok()?;
        encode(values, value, out).ok()
    };
    match json {
        Value::Object(entries) => {
            for (key, value) in entries {
                pair(&Value::String(key.clone()), value)?;
            }
            Some(entries.len() as u32)
        }
        Value::Array(pairs) => {
            for item in pairs {
                let [key, value] = item.as_array()?.as_slice() else { return None };
                pair(key, value)?;
            }
            Some(pairs.len() as u32)
        }
        _ => None,
    }
}
