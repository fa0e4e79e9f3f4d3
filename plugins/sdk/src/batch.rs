//! The records that a sink is given: borrowed, read in place, never copied.
use crate::{export::view, flat};
use std::borrow::Cow;

/// Records in the order of their offsets per partition; valid during one `write`.
#[derive(Clone, Copy)]
pub struct Batch<'a> {
    pub(crate) records: &'a [abi::Record],
    pub(crate) topics: &'a [abi::Str],
    pub(crate) schemas: &'a [abi::Str],
}

/// One record of a [`Batch`].
#[derive(Clone, Copy)]
pub struct Record<'a> {
    raw: &'a abi::Record,
    batch: Batch<'a>,
}

/// A key or value as the sink asked for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Kafka's null: a tombstone, when it is the value.
    Null,
    /// Bytes as they are in Kafka for a sink that is [`crate::About::encoded`], else a value of type bytes.
    Bytes(&'a [u8]),
    Text(&'a str),
    /// Numbers, booleans, arrays, maps and structs.
    Flat(flat::Value<'a>),
}

impl<'a> Batch<'a> {
    pub fn len(&self) -> usize {
        self.records.len()
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub fn records(&self) -> impl ExactSizeIterator<Item = Record<'a>> + use<'a> {
        let batch = *self;
        self.records.iter().map(move |raw| Record { raw, batch })
    }

    /// The topics of the batch; [`Record::topic_index`] points into them.
    pub fn topics(&self) -> impl ExactSizeIterator<Item = &'a str> + use<'a> {
        self.topics.iter().map(|topic| view::text(*topic))
    }
}

impl<'a> Record<'a> {
    pub fn topic(&self) -> &'a str {
        self.batch.topics.get(self.topic_index()).map_or("", |topic| view::text(*topic))
    }

    /// Where the topic stands in [`Batch::topics`]: cheaper to compare than names.
    pub fn topic_index(&self) -> usize {
        self.raw.topic as usize
    }

    pub fn partition(&self) -> i32 {
        self.raw.partition
    }

    pub fn offset(&self) -> i64 {
        self.raw.offset
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub fn timestamp_ms(&self) -> Option<i64> {
        (self.raw.timestamp_ms >= 0).then_some(self.raw.timestamp_ms)
    }

    pub fn key(&self) -> Value<'a> {
        Value::read(self.raw.key_kind, self.raw.key)
    }

    pub fn value(&self) -> Value<'a> {
        Value::read(self.raw.value_kind, self.raw.value)
    }

    /// Kind (`KIND_*`) and bytes of the key as they crossed, for the worker's converters.
    #[doc(hidden)]
    pub fn raw_key(&self) -> (u8, Option<&'a [u8]>) {
        (self.raw.key_kind, view::bytes(self.raw.key))
    }

    /// As [`Self::raw_key`], for the value.
    #[doc(hidden)]
    pub fn raw_value(&self) -> (u8, Option<&'a [u8]>) {
        (self.raw.value_kind, view::bytes(self.raw.value))
    }

    /// The value's schema, as the JSON text of Connect's JSON converter.
    pub fn value_schema(&self) -> Option<&'a str> {
        self.batch.schemas.get(self.raw.value_schema as usize).map(|schema| view::text(*schema))
    }

    /// The key's schema, as the JSON text of Connect's JSON converter.
    pub fn key_schema(&self) -> Option<&'a str> {
        self.batch.schemas.get(self.raw.key_schema as usize).map(|schema| view::text(*schema))
    }

    pub fn headers(&self) -> Headers<'a> {
        Headers { rest: view::headers(self.raw) }
    }
}

/// Names and values of a record's headers, in order; names may repeat.
#[derive(Clone)]
pub struct Headers<'a> {
    rest: &'a [abi::Header],
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a str, Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some((view::text(first.name), view::bytes(first.value)))
    }
}

impl<'a> Value<'a> {
    fn read(kind: u8, raw: abi::Bytes) -> Self {
        let Some(bytes) = view::bytes(raw) else { return Self::Null };
        match kind {
            abi::KIND_TEXT => std::str::from_utf8(bytes).map_or(Self::Bytes(bytes), Self::Text),
            abi::KIND_FLAT => flat::Value::parse(bytes).map_or(Self::Bytes(bytes), Self::Flat),
            abi::KIND_NULL => Self::Null,
            _ => Self::Bytes(bytes),
        }
    }

    /// Something to print: text as it is, the rest in the way of Java's `toString`.
    pub fn display(&self) -> Cow<'a, str> {
        match self {
            Self::Null => Cow::Borrowed("null"),
            Self::Text(text) => Cow::Borrowed(text),
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes),
            Self::Flat(value) => Cow::Owned(value.to_string()),
        }
    }
}
