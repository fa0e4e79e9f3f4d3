//! `JsonConverter`: JSON with and without Connect's envelope of schema and payload.

mod cache;
mod envelope;
mod fields;
mod plain;
mod schema;
mod typed;
mod write;

use std::ops::Range;

use indexmap::IndexMap;
use serde::de::DeserializeSeed as _;

use super::scalar::parsed;
use super::{Error, Value, definition};
use cache::Schemas;
use fields::Span;
use plain::Plain;
use schema::Schema;
use typed::{Out, Typed};

/// The converter with its settings.
#[derive(Debug)]
pub struct Json {
    mode: Mode,
    null_takes_default: bool,
    decimals_are_numbers: bool,
    /// Kept between records, so that no record allocates.
    spans: Vec<Span>,
    /// Where the record that was read last has its schema.
    schema_at: Option<Range<usize>>,
}

#[derive(Debug)]
enum Mode {
    /// `schemas.enable=false`: the payload alone.
    Plain,
    /// Each value carries its schema.
    Enveloped(Schemas),
    /// `schema.content`: one schema for payloads that stand alone.
    Fixed(Box<Schema>, String),
}

impl Json {
    /// Reads the converter's settings.
    pub fn open(settings: &IndexMap<String, String>) -> Result<Self, definition::Error> {
        let content = settings.get("schema.content").filter(|text| !text.trim().is_empty());
        let mode = match (flag(settings, "schemas.enable")?, content) {
            (false, _) => Mode::Plain,
            (true, None) => Mode::Enveloped(Schemas::new(cache_size(settings)?)),
            (true, Some(text)) => {
                let schema = Schema::parse(text.as_bytes())
                    .map_err(|e| definition::Error::new(format!("schema.content: {e}")))?;
                Mode::Fixed(Box::new(schema), text.clone())
            }
        };
        let decimals = settings.get("decimal.format").map_or("BASE64", String::as_str);
        let decimals_are_numbers = match decimals.to_ascii_uppercase().as_str() {
            "BASE64" => false,
            "NUMERIC" => true,
            _ => {
                let why = format!("decimal.format: expected BASE64 or NUMERIC, got {decimals}");
                return Err(definition::Error::new(why));
            }
        };
        let null_takes_default = flag(settings, "replace.null.with.default")?;
        Ok(Self { mode, null_takes_default, decimals_are_numbers, spans: Vec::new(), schema_at: None })
    }

    /// Whether values carry their schema.
    pub fn has_envelope(&self) -> bool {
        matches!(self.mode, Mode::Enveloped(_))
    }

    /// The schema of the record that was read last, out of its bytes.
    pub fn schema_text<'a>(&'a self, bytes: &'a [u8]) -> Option<&'a str> {
        match &self.mode {
            Mode::Plain => None,
            Mode::Fixed(_, text) => Some(text),
            Mode::Enveloped(_) => std::str::from_utf8(bytes.get(self.schema_at.clone()?)?).ok(),
        }
    }

    /// Reads JSON and appends it in the flat encoding.
    pub fn read(&mut self, bytes: &[u8], arena: &mut Vec<u8>) -> Result<(), Error> {
        if bytes.len() > JSON_BYTES_MAX {
            return Err(Error::new(format!("{} bytes of JSON, at most {JSON_BYTES_MAX}", bytes.len())));
        }
        let whole = Part { bytes, at: 0 };
        self.spans.clear();
        self.schema_at = None;
        let mut out = Out {
            limit: arena.len().saturating_add(FLAT_BYTES_MAX),
            arena,
            spans: &mut self.spans,
            null_takes_default: self.null_takes_default,
        };
        match &mut self.mode {
            Mode::Plain => whole.read_plain(out.arena),
            Mode::Fixed(schema, _) => whole.read_typed(schema, &mut out),
            Mode::Enveloped(schemas) => {
                let envelope = envelope::split(bytes)?;
                match schemas.get(envelope.schema)? {
                    Some(schema) => {
                        self.schema_at =
                            Some(envelope.schema.at..envelope.schema.at + envelope.schema.bytes.len());
                        envelope.payload.read_typed(&schema, &mut out)
                    }
                    None => envelope.payload.read_plain(out.arena),
                }
            }
        }
    }

    /// Appends a value as JSON; false when there is neither value nor schema, which is a tombstone.
    pub fn write(
        &mut self,
        value: Value<'_>,
        schema: Option<&str>,
        out: &mut Vec<u8>,
    ) -> Result<bool, Error> {
        let value = parsed(value)?;
        if schema.is_none() && value == penstock_sdk::flat::Value::Null {
            return Ok(false);
        }
        if self.decimals_are_numbers && schema.is_some_and(|text| text.contains(schema::DECIMAL)) {
            return Err(Error::new("decimal.format: decimals cannot be written as numbers, use BASE64"));
        }
        match (&mut self.mode, schema) {
            (Mode::Plain, _) => {
                write::value(value, out)?;
                return Ok(true);
            }
            // The text is a plugin's, and what it writes has to be readable by others.
            (Mode::Enveloped(schemas), Some(text)) => {
                schemas.get(Part { bytes: text.as_bytes(), at: 0 })?;
            }
            (Mode::Enveloped(_) | Mode::Fixed(..), _) => {}
        }
        out.extend_from_slice(b"{\"schema\":");
        out.extend_from_slice(schema.unwrap_or("null").as_bytes());
        out.extend_from_slice(b",\"payload\":");
        write::value(value, out)?;
        out.push(b'}');
        Ok(true)
    }
}

/// A piece of a record's JSON, and where in the record it begins.
#[derive(Debug, Clone, Copy)]
struct Part<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Part<'_> {
    fn read_plain(self, arena: &mut Vec<u8>) -> Result<(), Error> {
        let mut json = serde_json::Deserializer::from_slice(self.bytes);
        let read = Plain(arena).deserialize(&mut json).and_then(|()| json.end());
        read.map_err(|e| self.error(&e))
    }

    fn read_typed(self, schema: &Schema, out: &mut Out<'_>) -> Result<(), Error> {
        let mut json = serde_json::Deserializer::from_slice(self.bytes);
        let read = Typed { schema, out }.deserialize(&mut json);
        read.and_then(|()| json.end()).map_err(|e| self.error(&e))
    }

    /// Line and column of a piece mean nothing to somebody with the record: the byte in the record does.
    fn error(self, error: &serde_json::Error) -> Error {
        let lines = self.bytes.split(|&b| b == b'\n').take(error.line().saturating_sub(1));
        let before: usize = lines.map(|line| line.len() + 1).sum();
        let byte = self.at + before + error.column();
        let text = error.to_string();
        let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
        Error::new(format!("JSON at byte {byte}: {reason}"))
    }
}

fn flag(settings: &IndexMap<String, String>, key: &str) -> Result<bool, definition::Error> {
    match settings.get(key).map_or("true", String::as_str).trim() {
        text if text.eq_ignore_ascii_case("true") => Ok(true),
        text if text.eq_ignore_ascii_case("false") => Ok(false),
        other => Err(definition::Error::new(format!("{key}: expected true or false, got {other}"))),
    }
}

fn cache_size(settings: &IndexMap<String, String>) -> Result<usize, definition::Error> {
    let Some(text) = settings.get("schemas.cache.size") else { return Ok(1_000) };
    text.trim().parse::<u32>().map(|size| size as usize).map_err(|_| {
        definition::Error::new(format!("schemas.cache.size: expected a number from 0, got {text}"))
    })
}

/// Two bytes of JSON become at most nine flat ones, whose lengths are 32 bits wide.
const JSON_BYTES_MAX: usize = 256 << 20;
/// A schema's defaults can be much larger than the payload that leaves them out.
const FLAT_BYTES_MAX: usize = 1 << 30;
