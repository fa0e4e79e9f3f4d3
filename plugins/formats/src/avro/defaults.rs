//! Defaults of fields, from Avro's JSON to Connect's.

use super::program::member;
use super::schema::{Schema, Type};
use crate::base64;
use serde_json::{Map, Value};

/// The default as Connect's `JsonConverter` writes values; `None` when it does not fit its type.
pub fn to_connect(schema: &Schema, place: usize, json: &Value) -> Option<Value> {
    let node = schema.node(place);
    Some(match (&node.kind, json) {
        (Type::Bytes | Type::Fixed(_), Value::String(text)) => {
            // Each character stands for the byte of that number.
            let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
            Value::String(base64::text(&bytes?))
        }
        (Type::Null, Value::Null)
        | (Type::Boolean, Value::Bool(_))
        | (Type::String | Type::Enum(_), Value::String(_))
        | (Type::Float | Type::Double, Value::Number(_)) => json.clone(),
        (Type::Int | Type::Long, Value::Number(number)) if number.is_i64() => json.clone(),
        (Type::Array(items), Value::Array(list)) => {
            list.iter().map(|item| to_connect(schema, *items, item)).collect::<Option<Vec<_>>>()?.into()
        }
        (Type::Map(values), Value::Object(entries)) => {
            let entry =
                |(key, value): (&String, &Value)| Some((key.clone(), to_connect(schema, *values, value)?));
            Value::Object(entries.iter().map(entry).collect::<Option<Map<_, _>>>()?)
        }
        (Type::Record(fields), Value::Object(entries)) => {
            let field = |field: &super::Field| {
                let given = entries.get(&field.name).or(field.default.as_ref())?;
                Some((field.name.clone(), to_connect(schema, field.node, given)?))
            };
            Value::Object(fields.iter().map(field).collect::<Option<Map<_, _>>>()?)
        }
        (Type::Union(branches), json) => return of_union(schema, branches, json),
        _ => return None,
    })
}

/// The default is of the first type that takes it: Avro says the first at all, and not everybody keeps to that.
fn of_union(schema: &Schema, branches: &[usize], json: &Value) -> Option<Value> {
    let is_null = |place: &usize| schema.node(*place).kind == Type::Null;
    let (place, value) =
        branches.iter().find_map(|place| Some((*place, to_connect(schema, *place, json)?)))?;
    let is_optional = branches.len() == 2 && branches.iter().any(is_null);
    if is_optional || value.is_null() {
        return Some(value);
    }
    let fields = branches.iter().filter(|place| !is_null(place)).map(|branch| {
        let value = if *branch == place { value.clone() } else { Value::Null };
        (member(schema.node(*branch), false).to_owned(), value)
    });
    Some(Value::Object(fields.collect()))
}
