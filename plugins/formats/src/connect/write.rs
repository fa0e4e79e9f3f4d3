//! Writes schemas as the JSON of Connect's `JsonConverter`.

use super::{Schema, Shape};
use serde_json::{Map, Value};

pub fn json(schema: &Schema) -> Value {
    Value::Object(object(schema))
}

fn object(schema: &Schema) -> Map<String, Value> {
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| drop(object.insert(key.to_owned(), value));
    put("type", schema.shape.name().into());
    match &schema.shape {
        Shape::Array(items) => put("items", json(items)),
        Shape::Map(keys, values) => {
            put("keys", json(keys));
            put("values", json(values));
        }
        Shape::Struct(fields) => {
            let field = |(name, schema): &(String, Schema)| {
                let mut object = self::object(schema);
                object.insert("field".to_owned(), name.as_str().into());
                Value::Object(object)
            };
            put("fields", fields.iter().map(field).collect());
        }
        _ => {}
    }
    put("optional", schema.optional.into());
    if let Some(name) = &schema.name {
        put("name", name.as_str().into());
    }
    if let Some(version) = schema.version {
        put("version", version.into());
    }
    if let Some(doc) = &schema.doc {
        put("doc", doc.as_str().into());
    }
    if !schema.parameters.is_empty() {
        let entry = |(key, value): &(String, String)| (key.clone(), Value::from(value.as_str()));
        put("parameters", Value::Object(schema.parameters.iter().map(entry).collect()));
    }
    if let Some(default) = &schema.default {
        put("default", default.clone());
    }
    object
}
