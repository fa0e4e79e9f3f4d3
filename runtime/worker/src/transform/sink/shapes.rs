//! What became of the records of a batch: references into memory that lives as long as the batch.
use crate::converter::{self, Converted, Converter};
use crate::transform::headers::HeaderWriter;
use crate::transform::recent::Recent;
use crate::transform::sink::decode::Side;
use host::{Item, Value};
use kafka::Message;
use penstock_sdk::flat;
use std::ops::Range;
use std::sync::Arc;
use transforms::{Header, Record, Schema, Slot};

/// What the shaped records refer to; the memory is used again for the next batch.
#[derive(Default)]
pub struct Shapes {
    topics: Recent<String>,
    schemas: Recent<Arc<Schema>>,
    headers: Vec<(Header, Option<Range<usize>>)>,
}

/// One record of the batch after the transforms.
#[derive(Debug)]
pub struct Shaped {
    /// `None` if it is as it was.
    pub topic: Option<usize>,
    pub key: Shape,
    pub value: Shape,
    pub headers: Option<Range<usize>>,
}

/// A key or value.
#[derive(Debug)]
pub struct Shape {
    content: Content,
    schema: Option<usize>,
}

#[derive(Debug)]
enum Content {
    /// The record's own bytes.
    Raw,
    Converted(Converted),
    /// A flat value in the arena.
    Flat(Range<usize>),
    /// Encoded in the arena, or nothing.
    Bytes(Option<Range<usize>>),
}

impl Shapes {
    pub fn clear(&mut self) {
        self.topics.clear();
        self.schemas.clear();
        self.headers.clear();
    }

    pub fn topic(&mut self, topic: &str) -> usize {
        self.topics.of_text(topic)
    }

    fn schema(&mut self, schema: &Arc<Schema>) -> usize {
        self.schemas.place(|known| Arc::ptr_eq(known, schema), || Arc::clone(schema))
    }

    /// A side for a sink that takes values.
    pub fn decoded(&mut self, slot: &Slot, side: Side, arena: &mut Vec<u8>) -> Shape {
        if slot.is_changed() {
            let start = arena.len();
            arena.extend_from_slice(slot.value());
            let schema = slot.schema.as_ref().map(|schema| self.schema(schema));
            return Shape { content: Content::Flat(start..arena.len()), schema };
        }
        let schema = side.schema.as_ref().map(|schema| self.schema(schema));
        Shape { content: Content::Converted(side.converted), schema }
    }

    /// The headers of a record whose headers a transform touched.
    pub fn headers(
        &mut self,
        record: &Record,
        writer: &mut HeaderWriter,
        arena: &mut Vec<u8>,
    ) -> Result<Option<Range<usize>>, String> {
        if !record.has_new_headers {
            return Ok(None);
        }
        let start = self.headers.len();
        for header in &record.headers {
            let value = match header {
                Header::Given(_) => None,
                Header::Made { value, .. } => writer.write(record, value, arena)?,
            };
            self.headers.push((header.clone(), value));
        }
        Ok(Some(start..self.headers.len()))
    }

    /// The record as it crosses to the plugin, without its headers.
    pub fn item<'a>(
        &'a self,
        shaped: &Shaped,
        message: Message<'a>,
        topic: &'a str,
        arena: &'a [u8],
    ) -> Item<'a> {
        let topic = self.topics.get(shaped.topic).map_or(topic, String::as_str);
        let schema = |shape: &Shape| self.schemas.get(shape.schema).map(|schema| schema.text());
        Item {
            topic,
            partition: message.partition(),
            offset: message.offset(),
            timestamp_ms: message.timestamp_ms(),
            key: shaped.key.crossing(message.key(), arena),
            value: shaped.value.crossing(message.value(), arena),
            key_schema: schema(&shaped.key),
            value_schema: schema(&shaped.value),
        }
    }

    /// Headers that take the place of the record's own; `None` if these stay.
    pub fn new_headers<'a>(
        &'a self,
        shaped: &Shaped,
        message: Message<'a>,
        arena: &'a [u8],
    ) -> Option<impl Iterator<Item = (&'a str, Option<&'a [u8]>)>> {
        let headers = self.headers.get(shaped.headers.clone()?)?;
        let given: Vec<_> = message.headers().collect();
        Some(headers.iter().filter_map(move |(header, value)| match header {
            Header::Given(at) => {
                let header = given.get(*at)?;
                Some((std::str::from_utf8(header.name).ok()?, header.value))
            }
            Header::Made { name, .. } => Some((&**name, value.clone().and_then(|range| arena.get(range)))),
        }))
    }
}

/// A side for a sink that decodes by itself: its own bytes unless transforms make this side.
pub fn encoded(
    slot: &Slot,
    is_made: bool,
    json: &mut Converter,
    arena: &mut Vec<u8>,
) -> Result<Shape, String> {
    if !is_made {
        return Ok(Shape { content: Content::Raw, schema: None });
    }
    let written = json
        .to_bytes(converter::Value::Flat(slot.value()), None, arena)
        .map_err(|error| error.to_string())?;
    Ok(Shape { content: Content::Bytes(written), schema: None })
}

/// A side that no transform touched, as JSON.
pub fn rewritten(
    side: &Side,
    bytes: Option<&[u8]>,
    values: &[u8],
    json: &mut Converter,
    arena: &mut Vec<u8>,
) -> Result<Shape, String> {
    let value = side.converted.value(bytes.unwrap_or_default(), values);
    let written = json.to_bytes(value, None, arena).map_err(|error| error.to_string())?;
    Ok(Shape { content: Content::Bytes(written), schema: None })
}

impl Shape {
    fn crossing<'a>(&self, bytes: Option<&'a [u8]>, arena: &'a [u8]) -> Value<'a> {
        match &self.content {
            Content::Raw => bytes.map_or(Value::Null, Value::Bytes),
            Content::Converted(converted) => leaving(converted.value(bytes.unwrap_or_default(), arena)),
            Content::Flat(range) => {
                let flat = arena.get(range.clone()).unwrap_or_default();
                match flat::Value::parse(flat) {
                    Ok(flat::Value::Null) => Value::Null,
                    Ok(flat::Value::Text(text)) => Value::Text(text),
                    Ok(flat::Value::Bytes(bytes)) => Value::Bytes(bytes),
                    _ => Value::Flat(flat),
                }
            }
            Content::Bytes(range) => {
                range.clone().and_then(|range| arena.get(range)).map_or(Value::Null, Value::Bytes)
            }
        }
    }
}

/// A converted value in the form in which it crosses to the plugin.
pub fn leaving(value: converter::Value<'_>) -> Value<'_> {
    match value {
        converter::Value::Null => Value::Null,
        converter::Value::Bytes(bytes) => Value::Bytes(bytes),
        converter::Value::Text(text) => Value::Text(text),
        converter::Value::Flat(bytes) => Value::Flat(bytes),
    }
}
