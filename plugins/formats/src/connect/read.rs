//! Reads schemas from the JSON of Connect's `JsonConverter`.

use super::{Schema, Shape};
use serde_json::Value;

/// Far above what people write.
const TEXT_BYTES_MAX: usize = 4 << 20;

pub fn parse(text: &str) -> Result<Schema, String> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("{} bytes, at most {TEXT_BYTES_MAX}", text.len()));
    }
    // The parser's own limit of 128 levels bounds what follows.
    let json: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    schema(&json)
}

fn schema(json: &Value) -> Result<Schema, String> {
    let kind = json.get("type").and_then(Value::as_str).ok_or("expected an object with a \"type\"")?;
    let inner = |key: &str| match json.get(key) {
        Some(inner) => schema(inner).map(Box::new).map_err(|why| format!("{key}: {why}")),
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
    let parameters = json.get("parameters").and_then(Value::as_object).into_iter().flatten();
    Ok(Schema {
        shape,
        optional: json.get("optional").and_then(Value::as_bool).unwrap_or(false),
        name: text("name"),
        version: json.get("version").and_then(Value::as_i64),
        doc: text("doc"),
        parameters: parameters.filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect(),
        default: json.get("default").filter(|default| !default.is_null()).cloned(),
    })
}

fn fields(json: &Value) -> Result<Vec<(String, Schema)>, String> {
    let items = json.get("fields").and_then(Value::as_array).ok_or("a struct needs \"fields\"")?;
    let field = |item: &Value| {
        let name = item.get("field").and_then(Value::as_str).ok_or("a field needs its name in \"field\"")?;
        let schema = schema(item).map_err(|why| format!("field {name}: {why}"))?;
        Ok((name.to_owned(), schema))
    };
    items.iter().map(field).collect()
}
