//! Connect's converters: bytes as they are in Kafka to values for plugins, and back.

mod class;
mod json;
pub(crate) mod number;
mod registered;
mod scalar;
mod text;

#[cfg(test)]
mod loopback;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::ops::Range;

use penstock_sdk::flat;

use crate::definition::{self, ConverterConfig};
pub use class::Class;
pub use formats::base64;
use json::Json;
use registered::{Avro, Converting, JsonSchema, Protobuf};
use text::Charset;

/// A value as it crosses to or from a plugin, borrowed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    Null,
    Bytes(&'a [u8]),
    Text(&'a str),
    /// A structured value in the flat encoding.
    Flat(&'a [u8]),
}

/// What [`Converter::to_value`] made of a record's bytes, and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Converted {
    Null,
    /// The record's bytes themselves.
    Bytes,
    Text(Place),
    /// Always in the arena.
    Flat(Range<usize>),
}

/// Where a converted text lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Input,
    Arena(Range<usize>),
}

impl Converted {
    /// The value, out of the bytes and the arena that it was made with; null if those are others.
    pub fn value<'a>(&self, input: &'a [u8], arena: &'a [u8]) -> Value<'a> {
        match self {
            Self::Null => Value::Null,
            Self::Bytes => Value::Bytes(input),
            Self::Text(place) => {
                let bytes = match place {
                    Place::Input => Some(input),
                    Place::Arena(range) => arena.get(range.clone()),
                };
                bytes.and_then(|b| std::str::from_utf8(b).ok()).map_or(Value::Null, Value::Text)
            }
            Self::Flat(range) => arena.get(range.clone()).map_or(Value::Null, Value::Flat),
        }
    }
}

/// What is wrong, nearly always with one record's bytes or value: a sentence, without the data itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: formats::Kind,
    sentence: String,
}

impl Error {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self { kind: formats::Kind::Record, sentence: sentence.into() }
    }

    /// Whether it is the record's fault; if not, another record would meet the same.
    pub fn kind(&self) -> formats::Kind {
        self.kind
    }

    /// The same kind with what was being done in front of the sentence.
    fn during(self, context: impl std::fmt::Display) -> Self {
        Self { sentence: format!("{context}: {}", self.sentence), ..self }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Error {}

impl From<flat::Malformed> for Error {
    fn from(malformed: flat::Malformed) -> Self {
        Self::new(malformed.to_string())
    }
}

impl From<formats::Error> for Error {
    fn from(error: formats::Error) -> Self {
        Self { kind: error.kind(), sentence: error.message().to_owned() }
    }
}

/// A converter with its settings. It keeps schemas ready between records, hence `&mut`.
#[derive(Debug)]
pub struct Converter {
    class: Class,
    codec: Codec,
}

#[derive(Debug)]
enum Codec {
    Bytes,
    Text(Charset),
    Scalar,
    Json(Box<Json>),
    Avro(Box<Converting<Avro>>),
    Protobuf(Box<Converting<Protobuf>>),
    JsonSchema(Box<Converting<JsonSchema>>),
}

impl Converter {
    /// Opens a converter by any of its names; an error names the class or the setting that is wrong.
    pub fn open(config: &ConverterConfig) -> Result<Self, definition::Error> {
        Self::open_for("value", config)
    }

    /// As [`Self::open`], for `key` or `value`: converters with a registry have settings for each.
    pub fn open_for(part: &'static str, config: &ConverterConfig) -> Result<Self, definition::Error> {
        let class = Class::find(&config.class).ok_or_else(|| {
            let name = &config.class;
            let advice = Class::advice(name).map(|advice| format!(": {advice}")).unwrap_or_default();
            definition::Error::new(format!("converter {name}: this worker has no such converter{advice}"))
        })?;
        let codec = match class {
            Class::ByteArray => Codec::Bytes,
            Class::String | Class::SimpleHeader => Codec::Text(Charset::open(&config.settings)?),
            Class::Json => Codec::Json(Box::new(Json::open(&config.settings)?)),
            Class::Avro => Codec::Avro(Box::new(Converting::open(&config.settings, part)?)),
            Class::Protobuf => Codec::Protobuf(Box::new(Converting::open(&config.settings, part)?)),
            Class::JsonSchema => Codec::JsonSchema(Box::new(Converting::open(&config.settings, part)?)),
            Class::Boolean | Class::Double | Class::Float | Class::Integer | Class::Long | Class::Short => {
                Codec::Scalar
            }
        };
        Ok(Self { class, codec })
    }

    pub fn class(&self) -> Class {
        self.class
    }

    /// The name of the bytes' format, for a sink that decodes by itself.
    pub fn format_name(&self) -> &'static str {
        match &self.codec {
            Codec::Json(json) if json.has_envelope() => "json-envelope",
            _ => self.class.format_name(),
        }
    }

    /// Whether schemas come from a registry: not every sink that decodes by itself can ask one.
    pub fn needs_registry(&self) -> bool {
        self.class.needs_registry()
    }

    /// The topic of the values that are written next; only converters with a registry want to know it.
    pub fn set_topic(&mut self, topic: &str) {
        match &mut self.codec {
            Codec::Avro(avro) => avro.set_topic(topic),
            Codec::Protobuf(protobuf) => protobuf.set_topic(topic),
            Codec::JsonSchema(json) => json.set_topic(topic),
            Codec::Bytes | Codec::Text(_) | Codec::Scalar | Codec::Json(_) => {}
        }
    }

    /// Reads a record's key or value; what does not lie in `bytes` already is appended to `arena`.
    pub fn to_value(&mut self, bytes: Option<&[u8]>, arena: &mut Vec<u8>) -> Result<Converted, Error> {
        let Some(bytes) = bytes else { return Ok(Converted::Null) };
        let start = arena.len();
        let flat = |arena: &Vec<u8>| Converted::Flat(start..arena.len());
        let converted = match &mut self.codec {
            Codec::Bytes => Ok(Converted::Bytes),
            Codec::Text(charset) => Ok(Converted::Text(charset.decode(bytes, arena))),
            Codec::Scalar => scalar::read(self.class, bytes, arena).map(|()| flat(arena)),
            Codec::Json(json) => json.read(bytes, arena).map(|()| flat(arena)),
            Codec::Avro(avro) => avro.read(bytes, arena).map(|()| flat(arena)),
            Codec::Protobuf(protobuf) => protobuf.read(bytes, arena).map(|()| flat(arena)),
            Codec::JsonSchema(json) => json.read(bytes, arena).map(|()| flat(arena)),
        };
        if converted.is_err() {
            arena.truncate(start);
        }
        converted
    }

    /// The schema of the value that was read last from `bytes`, as the JSON of Connect's `JsonConverter`: what Java's
    /// converter would hand on beside the value.
    pub fn schema_text<'a>(&'a self, bytes: Option<&'a [u8]>) -> Option<&'a str> {
        match (&self.codec, self.class) {
            // A tombstone has no schema, where the other converters have the one that they always have.
            (Codec::Json(json), _) => json.schema_text(bytes?),
            (Codec::Bytes, _) => Some("{\"type\":\"bytes\",\"optional\":true}"),
            (Codec::Text(_), _) => Some("{\"type\":\"string\",\"optional\":true}"),
            (Codec::Scalar, class) => scalar::schema_text(class),
            (Codec::Avro(avro), _) => avro.schema_text().filter(|_| bytes.is_some()),
            (Codec::Protobuf(protobuf), _) => protobuf.schema_text().filter(|_| bytes.is_some()),
            (Codec::JsonSchema(json), _) => json.schema_text().filter(|_| bytes.is_some()),
        }
    }

    /// Whether a value can be null though its bytes are there.
    pub fn has_nulls(&self) -> bool {
        matches!(self.codec, Codec::Json(_) | Codec::JsonSchema(_))
    }

    /// Appends a value as it is written to Kafka; `None` is a record without that part, a tombstone.
    ///
    /// `schema` is the value's schema in the JSON of Connect's `JsonConverter`; the others do not look at it.
    pub fn to_bytes(
        &mut self,
        value: Value<'_>,
        schema: Option<&str>,
        out: &mut Vec<u8>,
    ) -> Result<Option<Range<usize>>, Error> {
        let start = out.len();
        let written = match (&mut self.codec, value) {
            (Codec::Json(json), value) => json.write(value, schema, out),
            (Codec::Avro(avro), value) => avro.write(value, schema, out),
            (Codec::Protobuf(protobuf), value) => protobuf.write(value, schema, out),
            (Codec::JsonSchema(json), value) => json.write(value, schema, out),
            (_, Value::Null) => Ok(false),
            (Codec::Bytes, value) => scalar::write_bytes(value, out),
            (Codec::Text(charset), value) => charset.encode(value, out),
            (Codec::Scalar, value) => scalar::write(self.class, value, out),
        };
        match written {
            Ok(true) => Ok(Some(start..out.len())),
            Ok(false) => {
                out.truncate(start);
                Ok(None)
            }
            Err(error) => {
                out.truncate(start);
                Err(error)
            }
        }
    }
}
