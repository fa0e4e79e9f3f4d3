//! Connect's schemas, as the formats are mapped to them and from them.

mod read;
mod write;

use crate::{Error, Result};
use penstock_sdk::flat;
use serde_json::Value;

/// The schema of one value.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    pub shape: Shape,
    pub optional: bool,
    pub name: Option<String>,
    pub version: Option<i64>,
    pub doc: Option<String>,
    /// In their order.
    pub parameters: Vec<(String, String)>,
    /// As Connect's `JsonConverter` writes values: bytes in Base64.
    pub default: Option<Value>,
}

/// What a value is made of.
#[derive(Debug, Clone, PartialEq)]
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
    Struct(Vec<(String, Schema)>),
}

/// Names that say what plain values mean.
pub const DATE: &str = "org.apache.kafka.connect.data.Date";
pub const TIME: &str = "org.apache.kafka.connect.data.Time";
pub const TIMESTAMP: &str = "org.apache.kafka.connect.data.Timestamp";
pub const DECIMAL: &str = "org.apache.kafka.connect.data.Decimal";
/// The parameter of a decimal.
pub const SCALE: &str = "scale";

impl Schema {
    pub fn new(shape: Shape) -> Self {
        Self {
            shape,
            optional: false,
            name: None,
            version: None,
            doc: None,
            parameters: Vec::new(),
            default: None,
        }
    }

    #[must_use]
    pub fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    #[must_use]
    pub fn parameter(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((key.into(), value.into()));
        self
    }

    /// One of Connect's logical types, all of which have version 1.
    pub fn logical(shape: Shape, name: &str) -> Self {
        Self { version: Some(1), ..Self::new(shape).named(name) }
    }

    pub fn decimal(scale: i64) -> Self {
        Self::logical(Shape::Bytes, DECIMAL).parameter(SCALE, scale.to_string())
    }

    /// Reads the JSON of Connect's `JsonConverter`.
    pub fn parse(text: &str) -> Result<Self> {
        read::parse(text).map_err(|why| Error::record(format!("schema: {why}")))
    }

    /// As the JSON of Connect's `JsonConverter`.
    pub fn text(&self) -> String {
        write::json(self).to_string()
    }

    pub fn given(&self, parameter: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == parameter).map(|(_, value)| value.as_str())
    }

    /// The scale of a decimal.
    pub fn scale(&self) -> Option<i64> {
        let is_decimal = self.shape == Shape::Bytes && self.name.as_deref() == Some(DECIMAL);
        is_decimal.then(|| self.given(SCALE).and_then(|scale| scale.parse().ok()).unwrap_or(0))
    }
}

impl Shape {
    /// In Connect's words.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Float32 => "float",
            Self::Float64 => "double",
            Self::Text => "string",
            Self::Bytes => "bytes",
            Self::Array(_) => "array",
            Self::Map(..) => "map",
            Self::Struct(_) => "struct",
        }
    }
}

/// A value's type in Connect's words.
pub(crate) fn kind(value: &flat::Value<'_>) -> &'static str {
    match value {
        flat::Value::Null => "null",
        flat::Value::Boolean(_) => "boolean",
        flat::Value::Int8(_) => "int8",
        flat::Value::Int16(_) => "int16",
        flat::Value::Int32(_) => "int32",
        flat::Value::Int64(_) => "int64",
        flat::Value::Float32(_) => "float",
        flat::Value::Float64(_) => "double",
        flat::Value::Text(_) => "string",
        flat::Value::Bytes(_) => "bytes",
        flat::Value::Array(_) => "array",
        flat::Value::Map(_) => "map",
        flat::Value::Struct(_) => "struct",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_written_as_it_was_read() {
        let text = concat!(
            r#"{"type":"struct","fields":[{"type":"string","optional":true,"default":"a\"b","field":"s"},"#,
            r#"{"type":"map","keys":{"type":"string","optional":false},"values":{"type":"float","optional":true},"#,
            r#""optional":false,"field":"m"},"#,
            r#"{"type":"bytes","optional":false,"name":"org.apache.kafka.connect.data.Decimal","version":1,"#,
            r#""parameters":{"scale":"2"},"default":"AQ==","field":"d"}],"#,
            r#""optional":false,"name":"order","version":3,"doc":"about"}"#
        );
        let schema = Schema::parse(text).unwrap();
        assert_eq!(schema.text(), text);
        let Shape::Struct(fields) = &schema.shape else { panic!("a struct") };
        assert_eq!(fields[2].1.scale(), Some(2));
    }

    #[test]
    fn what_is_no_schema_is_refused() {
        for text in ["", "1", "{}", r#"{"type":"x"}"#, r#"{"type":"struct"}"#, r#"{"type":"array"}"#] {
            assert!(Schema::parse(text).is_err(), "{text}");
        }
    }
}
