//! Connect's schemas as JSON Schema, as Confluent's converter writes them.

use super::{ENUM, INDEX, NAMESPACE, ONE_OF, Options, PARAMETERS, TYPE, VERSION};
use crate::connect::{Schema, Shape};
use serde_json::{Map, Value, json};

/// The JSON Schema for a schema of Connect.
pub fn from_connect(schema: &Schema, options: Options) -> Value {
    let mut written = used(schema, options, None);
    if let Value::Object(object) = &mut written {
        object.shift_insert(0, "$schema".to_owned(), "http://json-schema.org/draft-07/schema#".into());
    }
    written
}

fn used(schema: &Schema, options: Options, index: Option<usize>) -> Value {
    let mut written = match &schema.shape {
        Shape::Struct(fields) if schema.name.as_deref() == Some(ONE_OF) => {
            let mut members: Vec<Value> =
                if schema.optional { vec![json!({"type": "null"})] } else { Vec::new() };
            let required = |member: &Schema| Schema { optional: false, ..member.clone() };
            members.extend(
                fields
                    .iter()
                    .enumerate()
                    .map(|(place, (_, member))| used(&required(member), options, Some(place))),
            );
            json!({"oneOf": members})
        }
        _ if schema.optional => json!({"oneOf": [{"type": "null"}, required(schema, options)]}),
        _ => required(schema, options),
    };
    if let (Some(index), Value::Object(object)) = (index, &mut written) {
        object.insert(INDEX.to_owned(), index.into());
    }
    written
}

fn required(schema: &Schema, options: Options) -> Value {
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| drop(object.insert(key.to_owned(), value));
    match &schema.shape {
        Shape::Boolean => put("type", "boolean".into()),
        Shape::Int8 | Shape::Int16 | Shape::Int32 | Shape::Int64 => {
            put("type", "integer".into());
            put(TYPE, schema.shape.name().into());
        }
        Shape::Float32 | Shape::Float64 => {
            put("type", "number".into());
            put(TYPE, if schema.shape == Shape::Float32 { "float32" } else { "float64" }.into());
        }
        Shape::Text if schema.given(ENUM).is_some() => {
            let symbol = |(key, value): &(String, String)| {
                key.strip_prefix(ENUM)?.strip_prefix('.')?;
                Some(Value::from(value.as_str()))
            };
            put("type", "string".into());
            put("enum", schema.parameters.iter().filter_map(symbol).collect());
        }
        Shape::Text => put("type", "string".into()),
        Shape::Bytes => {
            put("type", if schema.scale().is_some() { "number" } else { "string" }.into());
            put(TYPE, "bytes".into());
        }
        Shape::Array(items) => {
            put("type", "array".into());
            put("items", used(items, options, None));
        }
        Shape::Map(keys, values) if keys.shape == Shape::Text && !keys.optional => {
            put("type", "object".into());
            put(TYPE, "map".into());
            put("additionalProperties", used(values, options, None));
        }
        Shape::Map(keys, values) => {
            put("type", "array".into());
            put(TYPE, "map".into());
            let entry = json!({"key": used(keys, options, Some(0)), "value": used(values, options, Some(1))});
            put("items", json!({"type": "object", "properties": entry}));
        }
        Shape::Struct(fields) => {
            let field = |(place, (name, field)): (usize, &(String, Schema))| {
                (name.clone(), used(field, options, Some(place)))
            };
            put("type", "object".into());
            put("properties", Value::Object(fields.iter().enumerate().map(field).collect()));
            if options.closes_objects {
                put("additionalProperties", false.into());
            }
        }
    }
    describe(schema, &mut object);
    Value::Object(object)
}

fn describe(schema: &Schema, object: &mut Map<String, Value>) {
    let mut put = |key: &str, value: Value| drop(object.insert(key.to_owned(), value));
    if let Some(name) = &schema.name {
        put("title", name.as_str().into());
    }
    if let Some(version) = schema.version {
        put(VERSION, version.into());
    }
    if let Some(doc) = &schema.doc {
        put("description", doc.as_str().into());
    }
    let parameters = schema.parameters.iter().filter(|(key, _)| !key.starts_with(NAMESPACE));
    let parameters: Map<String, Value> = parameters.map(|(k, v)| (k.clone(), v.as_str().into())).collect();
    if !parameters.is_empty() {
        put(PARAMETERS, Value::Object(parameters));
    }
    if let Some(default) = &schema.default {
        put("default", default.clone());
    }
}
