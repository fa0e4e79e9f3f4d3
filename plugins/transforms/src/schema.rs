//! Schemas as Connect has them, shared and compared by identity.
mod read;
mod write;

pub(crate) use write::base64;

use crate::{Error, Result};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// The schema of one value.
#[derive(Debug)]
pub struct Schema {
    pub shape: Shape,
    pub optional: bool,
    pub name: Option<String>,
    pub version: Option<i64>,
    pub doc: Option<String>,
    pub parameters: Option<Vec<(String, String)>>,
    /// In the flat encoding.
    pub default: Option<Vec<u8>>,
    text: OnceLock<String>,
}

/// What a value is made of.
#[derive(Debug, Clone)]
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
    Array(Arc<Schema>),
    Map(Arc<Schema>, Arc<Schema>),
    Struct(Fields),
}

/// The fields of a struct, in order and by name.
#[derive(Debug, Clone, Default)]
pub struct Fields {
    list: Vec<(String, Arc<Schema>)>,
    places: HashMap<String, usize>,
}

/// A schema's name that says what its plain values mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logical {
    Date,
    Time,
    Timestamp,
    /// With its scale.
    Decimal(i32),
}

impl Schema {
    pub fn new(shape: Shape) -> Self {
        Self {
            shape,
            optional: false,
            name: None,
            version: None,
            doc: None,
            parameters: None,
            default: None,
            text: OnceLock::new(),
        }
    }

    /// A schema of a plain type.
    pub fn plain(shape: Shape, optional: bool) -> Arc<Self> {
        Arc::new(Self { optional, ..Self::new(shape) })
    }

    pub(crate) fn logical_type(logical: Logical, optional: bool) -> Arc<Self> {
        let (shape, name) = match logical {
            Logical::Date => (Shape::Int32, DATE),
            Logical::Time => (Shape::Int32, TIME),
            Logical::Timestamp => (Shape::Int64, TIMESTAMP),
            Logical::Decimal(_) => (Shape::Bytes, DECIMAL),
        };
        Arc::new(Self { optional, name: Some(name.to_owned()), version: Some(1), ..Self::new(shape) })
    }

    /// Reads the JSON of Connect's JSON converter.
    pub fn parse(text: &str) -> Result<Arc<Self>> {
        read::parse(text).map(Arc::new).map_err(|why| Error::new(format!("schema: {why}")))
    }

    /// As the JSON of Connect's JSON converter; made once.
    pub fn text(&self) -> &str {
        self.text.get_or_init(|| write::text(self))
    }

    /// Name, version, documentation and parameters with another shape: neither optional nor with a default.
    pub(crate) fn reshaped(&self, shape: Shape) -> Self {
        Self {
            name: self.name.clone(),
            version: self.version,
            doc: self.doc.clone(),
            parameters: self.parameters.clone(),
            ..Self::new(shape)
        }
    }

    /// All of it, to be changed.
    pub(crate) fn copied(&self) -> Self {
        let shape = self.shape.clone();
        Self { optional: self.optional, default: self.default.clone(), ..self.reshaped(shape) }
    }

    pub(crate) fn fields(&self, purpose: &str) -> Result<&Fields> {
        match &self.shape {
            Shape::Struct(fields) => Ok(fields),
            other => {
                Err(Error::new(format!("{purpose}: expected a struct, got a value of type {}", other.name())))
            }
        }
    }

    pub(crate) fn field(&self, name: &str) -> Option<&Arc<Self>> {
        match &self.shape {
            Shape::Struct(fields) => fields.get(name),
            _ => None,
        }
    }

    pub(crate) fn logical(&self) -> Option<Logical> {
        match (self.name.as_deref()?, &self.shape) {
            (DATE, Shape::Int32) => Some(Logical::Date),
            (TIME, Shape::Int32) => Some(Logical::Time),
            (TIMESTAMP, Shape::Int64) => Some(Logical::Timestamp),
            (DECIMAL, Shape::Bytes) => {
                let parameters = self.parameters.iter().flatten();
                let scale =
                    parameters.filter(|(key, _)| key == "scale").find_map(|(_, value)| value.parse().ok());
                Some(Logical::Decimal(scale.unwrap_or(0)))
            }
            _ => None,
        }
    }
}

impl Shape {
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

impl Fields {
    pub fn add(&mut self, name: &str, schema: Arc<Schema>) -> Result<()> {
        if self.places.insert(name.to_owned(), self.list.len()).is_some() {
            return Err(Error::new(format!("field {name}: there is one of that name already")));
        }
        self.list.push((name.to_owned(), schema));
        Ok(())
    }

    pub fn get(&self, name: &str) -> Option<&Arc<Schema>> {
        self.list.get(*self.places.get(name)?).map(|(_, schema)| schema)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Arc<Schema>)> {
        self.list.iter().map(|(name, schema)| (name.as_str(), schema))
    }

    /// Names and defaults of the fields that have one.
    pub fn defaults(&self) -> Vec<(String, Vec<u8>)> {
        let with = |(name, schema): &(String, Arc<Schema>)| Some((name.clone(), schema.default.clone()?));
        self.list.iter().filter_map(with).collect()
    }
}

const DATE: &str = "org.apache.kafka.connect.data.Date";
const TIME: &str = "org.apache.kafka.connect.data.Time";
const TIMESTAMP: &str = "org.apache.kafka.connect.data.Timestamp";
const DECIMAL: &str = "org.apache.kafka.connect.data.Decimal";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_written_as_it_was_read() {
        let text = concat!(
            r#"{"type":"struct","fields":[{"type":"string","optional":true,"default":"a\"b","field":"s"},"#,
            r#"{"type":"array","items":{"type":"float","optional":false},"optional":false,"field":"a"},"#,
            r#"{"type":"map","keys":{"type":"string","optional":false},"values":{"type":"int64","optional":true},"#,
            r#""optional":false,"field":"m"},"#,
            r#"{"type":"bytes","optional":false,"name":"org.apache.kafka.connect.data.Decimal","version":1,"#,
            r#""parameters":{"scale":"2"},"default":"AQ==","field":"d"}],"#,
            r#""optional":false,"name":"order","version":3,"doc":"about"}"#
        );
        let schema = Schema::parse(text).unwrap();
        assert_eq!(schema.text(), text);
        assert_eq!(schema.field("d").unwrap().logical(), Some(Logical::Decimal(2)));
    }

    #[test]
    fn a_schema_that_is_none_is_refused() {
        for text in
            ["", "1", "{}", r#"{"type":"x"}"#, r#"{"type":"struct"}"#, r#"{"type":"int8","default":"x"}"#]
        {
            assert!(Schema::parse(text).is_err(), "{text}");
        }
    }
}
