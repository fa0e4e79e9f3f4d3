//! A value of a record, looked at in the same way whether a converter read it or it is JSON's text.
use penstock_sdk::flat;
use serde_json::Value as Json;

/// One value, borrowed.
#[derive(Clone, Copy, Debug)]
pub enum Cell<'a> {
    Flat(flat::Value<'a>),
    Json(&'a Json),
}

/// What a value is.
#[derive(Debug)]
pub enum Look<'a> {
    Null,
    Boolean(bool),
    Integer(i64),
    Float32(f32),
    Float64(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    List(Vec<Cell<'a>>),
    /// Keys of any kind.
    Map(Vec<(Cell<'a>, Cell<'a>)>),
    Struct(Vec<(&'a str, Cell<'a>)>),
}

impl<'a> Cell<'a> {
    /// Of an object whose names come twice the last one counts, as everywhere in JSON.
    pub fn look(self) -> Look<'a> {
        match self {
            Self::Flat(value) => of_flat(value),
            Self::Json(Json::Null) => Look::Null,
            Self::Json(Json::Bool(value)) => Look::Boolean(*value),
            Self::Json(Json::Number(number)) => match number.as_i64() {
                Some(number) => Look::Integer(number),
                None => Look::Float64(number.as_f64().unwrap_or(f64::NAN)),
            },
            Self::Json(Json::String(text)) => Look::Text(text),
            Self::Json(Json::Array(items)) => Look::List(items.iter().map(Cell::Json).collect()),
            Self::Json(Json::Object(fields)) => {
                Look::Struct(fields.iter().map(|(name, value)| (name.as_str(), Cell::Json(value))).collect())
            }
        }
    }

    /// The member with this name, of what has members.
    pub fn get(self, name: &str) -> Option<Cell<'a>> {
        match self {
            Self::Flat(flat::Value::Struct(fields)) => fields.get(name).map(Cell::Flat),
            Self::Flat(flat::Value::Map(pairs)) => pairs
                .iter()
                .map_while(Result::ok)
                .find(|(key, _)| *key == flat::Value::Text(name))
                .map(|(_, value)| Cell::Flat(value)),
            Self::Json(Json::Object(fields)) => fields.get(name).map(Cell::Json),
            _ => None,
        }
    }
}

fn of_flat(value: flat::Value<'_>) -> Look<'_> {
    match value {
        flat::Value::Null => Look::Null,
        flat::Value::Boolean(value) => Look::Boolean(value),
        flat::Value::Int8(value) => Look::Integer(value.into()),
        flat::Value::Int16(value) => Look::Integer(value.into()),
        flat::Value::Int32(value) => Look::Integer(value.into()),
        flat::Value::Int64(value) => Look::Integer(value),
        flat::Value::Float32(value) => Look::Float32(value),
        flat::Value::Float64(value) => Look::Float64(value),
        flat::Value::Text(text) => Look::Text(text),
        flat::Value::Bytes(bytes) => Look::Bytes(bytes),
        flat::Value::Array(items) => Look::List(items.iter().map_while(Result::ok).map(Cell::Flat).collect()),
        flat::Value::Map(pairs) => {
            let pair = |(key, value)| (Cell::Flat(key), Cell::Flat(value));
            Look::Map(pairs.iter().map_while(Result::ok).map(pair).collect())
        }
        flat::Value::Struct(fields) => {
            let field = |(name, value)| (name, Cell::Flat(value));
            Look::Struct(fields.iter().map_while(Result::ok).map(field).collect())
        }
    }
}

impl Look<'_> {
    /// For a person.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) | Self::Float32(_) | Self::Float64(_) => "a number",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "a list",
            Self::Map(_) | Self::Struct(_) => "an object",
        }
    }
}
