//! A schema in the JSON of Connect's `JsonConverter`, compiled for reading payloads.

use std::collections::HashMap;

use serde::de::DeserializeSeed as _;
use serde_json::Value;

use super::typed::{Out, Typed};

/// The schema of one value. Logical types (Decimal, Date, Time, Timestamp) are read as what they are made of.
#[derive(Debug)]
pub struct Schema {
    pub shape: Shape,
    pub optional: bool,
    /// In the flat encoding.
    pub default: Option<Vec<u8>>,
}

#[derive(Debug)]
pub enum Shape {
    Boolean,
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Text,
    Bytes,
    Array(Box<Schema>),
    Map(Box<Schema>, Box<Schema>),
    Struct(Fields),
}

/// The fields of a struct, in order and by name.
#[derive(Debug)]
pub struct Fields {
    pub list: Vec<(String, Schema)>,
    pub places: HashMap<String, usize>,
}

/// Name of the logical type whose JSON form depends on `decimal.format`.
pub const DECIMAL: &str = "org.apache.kafka.connect.data.Decimal";

impl Schema {
    /// Compiles a schema; the error is a sentence.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(format!("{} bytes, at most {TEXT_BYTES_MAX}", text.len()));
        }
        // The parser's own limit of 128 levels bounds what follows.
        let json: Value = serde_json::from_slice(text).map_err(|e| e.to_string())?;
        Self::compile(&json)
    }

    fn compile(json: &Value) -> Result<Self, String> {
        let kind = json.get("type").and_then(Value::as_str).ok_or("expected an object with a \"type\"")?;
        let inner = |key: &str| match json.get(key) {
            Some(inner) => Self::compile(inner).map(Box::new).map_err(|e| format!("{key}: {e}")),
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
        let optional = json.get("optional").and_then(Value::as_bool).unwrap_or(false);
        let mut schema = Self { shape, optional, default: None };
        schema.default = match json.get("default") {
            None | Some(Value::Null) => None,
            Some(default) => Some(schema.flat(default).map_err(|e| format!("default: {e}"))?),
        };
        Ok(schema)
    }

    fn flat(&self, value: &Value) -> Result<Vec<u8>, String> {
        let (mut arena, mut spans) = (Vec::new(), Vec::new());
        let mut out =
            Out { arena: &mut arena, spans: &mut spans, null_takes_default: true, limit: DEFAULT_BYTES_MAX };
        Typed { schema: self, out: &mut out }.deserialize(value).map_err(|e| e.to_string())?;
        Ok(arena)
    }

    /// The type's name in messages.
    pub fn name(&self) -> &'static str {
        match self.shape {
            Shape::Boolean => "boolean",
            Shape::Int8 => "int8",
            Shape::Int16 => "int16",
            Shape::Int32 => "int32",
            Shape::Int64 => "int64",
            Shape::Float32 => "float",
            Shape::Float64 => "double",
            Shape::Text => "string",
            Shape::Bytes => "bytes (Base64)",
            Shape::Array(_) => "array",
            Shape::Map(..) => "map",
            Shape::Struct(_) => "struct",
        }
    }
}

fn fields(json: &Value) -> Result<Fields, String> {
    let items = json.get("fields").and_then(Value::as_array).ok_or("a struct needs \"fields\"")?;
    let mut fields = Fields { list: Vec::with_capacity(items.len()), places: HashMap::new() };
    for item in items {
        let name = item.get("field").and_then(Value::as_str).ok_or("a field needs its name in \"field\"")?;
        let schema = Schema::compile(item).map_err(|e| format!("field {name}: {e}"))?;
        if fields.places.insert(name.to_owned(), fields.list.len()).is_some() {
            return Err(format!("field {name}: there twice"));
        }
        fields.list.push((name.to_owned(), schema));
    }
    Ok(fields)
}

/// Far above what people write, and a bound for what a record can make us keep.
const TEXT_BYTES_MAX: usize = 4 << 20;
/// Defaults of inner fields repeat in the defaults of outer ones.
const DEFAULT_BYTES_MAX: usize = 4 << 20;
