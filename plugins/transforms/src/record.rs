//! A record on its way through a chain, in buffers that the next record uses again.
use crate::catalog::Side;
use crate::entries::{Entries, Maker, is_null, kind};
use crate::{Error, Result, Schema};
use penstock_sdk::flat;
use std::ops::Range;
use std::sync::Arc;

/// A key or value as it enters, borrowed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    Null,
    Bytes(&'a [u8]),
    Text(&'a str),
    /// A value in the flat encoding.
    Flat(&'a [u8]),
}

/// A key or value and its schema.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    pub value: Value<'a>,
    pub schema: Option<&'a Arc<Schema>>,
}

/// A record as it enters the chain.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    pub topic: &'a str,
    pub partition: Option<i32>,
    /// Known of a record that came from Kafka.
    pub offset: Option<i64>,
    pub timestamp_ms: Option<i64>,
    pub key: Part<'a>,
    pub value: Part<'a>,
    /// Names of its headers, in their order.
    pub headers: &'a [&'a str],
}

/// The record as the transforms so far have left it.
#[derive(Debug, Default)]
pub struct Record {
    pub topic: String,
    pub partition: Option<i32>,
    pub offset: Option<i64>,
    pub timestamp_ms: Option<i64>,
    pub has_new_topic: bool,
    pub key: Slot,
    pub value: Slot,
    /// Where each header comes from, when [`Self::has_new_headers`].
    pub headers: Vec<Header>,
    pub has_new_headers: bool,
    /// Values of headers that were made of this record.
    header_bytes: Vec<u8>,
}

/// A header of the record that leaves the chain.
#[derive(Debug, Clone)]
pub enum Header {
    /// The header at this place of the record that entered.
    Given(usize),
    Made {
        name: Arc<str>,
        value: HeaderValue,
    },
}

/// The value of a header that a transform made.
#[derive(Debug, Clone)]
pub struct HeaderValue {
    pub schema: Option<Arc<Schema>>,
    pub(crate) bytes: HeaderBytes,
}

/// Where a header's value is, in the flat encoding.
#[derive(Debug, Clone)]
pub(crate) enum HeaderBytes {
    /// The same for every record.
    Fixed(Arc<[u8]>),
    /// In the record's own memory.
    Made(Range<usize>),
}

/// A key or value in the flat encoding, and room for the next one.
#[derive(Debug, Default)]
pub struct Slot {
    value: Vec<u8>,
    next: Vec<u8>,
    pub schema: Option<Arc<Schema>>,
    is_changed: bool,
}

impl Record {
    pub(crate) fn begin(&mut self, given: &Given<'_>) {
        self.topic.clear();
        self.topic.push_str(given.topic);
        self.has_new_topic = false;
        (self.partition, self.offset, self.timestamp_ms) =
            (given.partition, given.offset, given.timestamp_ms);
        self.has_new_headers = false;
        self.header_bytes.clear();
        self.headers.clear();
        self.headers.extend((0..given.headers.len()).map(Header::Given));
    }

    pub(crate) fn side(&mut self, side: Side) -> &mut Slot {
        match side {
            Side::Key => &mut self.key,
            Side::Value => &mut self.value,
        }
    }

    /// Another name for the topic.
    pub(crate) fn rename(&mut self, topic: &str) {
        self.topic.clear();
        self.topic.push_str(topic);
        self.has_new_topic = true;
    }

    /// A header that every record gets.
    pub(crate) fn add_header(&mut self, name: &Arc<str>, value: HeaderValue) {
        self.headers.push(Header::Made { name: Arc::clone(name), value });
        self.has_new_headers = true;
    }

    /// A header for each field that `each` asks of a side; a field that is not there is null.
    pub(crate) fn copy_to_headers<'n>(
        &mut self,
        side: Side,
        purpose: &str,
        each: impl Iterator<Item = FieldHeader<'n>>,
    ) -> Result<()> {
        let Self { key, value, headers, header_bytes, .. } = self;
        let slot = if side == Side::Key { key } else { value };
        let entries = slot.entries(purpose)?;
        for header in each {
            let found = entries.get(header.field)?.filter(|found| !is_null(found)).or(header.default);
            let start = header_bytes.len();
            header_bytes.extend_from_slice(found.unwrap_or(&[flat::NULL]));
            let bytes = HeaderBytes::Made(start..header_bytes.len());
            let value = HeaderValue { schema: header.schema.cloned(), bytes };
            headers.push(Header::Made { name: Arc::clone(header.name), value });
        }
        self.has_new_headers = true;
        Ok(())
    }

    /// The value of a header that a transform made, in the flat encoding.
    pub fn header_value<'a>(&'a self, header: &'a HeaderValue) -> &'a [u8] {
        match &header.bytes {
            HeaderBytes::Fixed(bytes) => bytes,
            HeaderBytes::Made(range) => self.header_bytes.get(range.clone()).unwrap_or(&[flat::NULL]),
        }
    }
}

/// A field that becomes a header.
pub(crate) struct FieldHeader<'n> {
    pub field: &'n str,
    /// What stands for a null.
    pub default: Option<&'n [u8]>,
    pub name: &'n Arc<str>,
    pub schema: Option<&'n Arc<Schema>>,
}

impl Header {
    pub fn name<'a>(&'a self, given: &[&'a str]) -> &'a str {
        match self {
            Self::Given(place) => given.get(*place).copied().unwrap_or_default(),
            Self::Made { name, .. } => name,
        }
    }
}

impl Slot {
    pub(crate) fn load(&mut self, part: &Part<'_>) {
        self.value.clear();
        let mut writer = flat::Writer::new(&mut self.value);
        match part.value {
            Value::Null => writer.null(),
            Value::Bytes(bytes) => writer.bytes(bytes),
            Value::Text(text) => writer.text(text),
            Value::Flat(bytes) => self.value.extend_from_slice(bytes),
        }
        self.schema = part.schema.cloned();
        self.is_changed = false;
    }

    /// Takes in whether there is a value, and nothing of it.
    pub(crate) fn load_presence(&mut self, part: &Part<'_>) {
        self.value.clear();
        if matches!(part.value, Value::Null | Value::Flat([flat::NULL])) {
            self.value.push(flat::NULL);
        }
        self.is_changed = false;
    }

    pub(crate) fn forget(&mut self) {
        self.is_changed = false;
    }

    /// The value in the flat encoding.
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// Whether a transform made the value or its schema.
    pub fn is_changed(&self) -> bool {
        self.is_changed
    }

    pub(crate) fn is_null(&self) -> bool {
        is_null(&self.value)
    }

    /// Takes the place of the value: `make` reads the old one and appends the new one.
    pub(crate) fn replace(&mut self, make: impl FnOnce(&[u8], &mut Vec<u8>) -> Result<()>) -> Result<()> {
        self.next.clear();
        make(&self.value, &mut self.next)?;
        std::mem::swap(&mut self.value, &mut self.next);
        self.is_changed = true;
        Ok(())
    }

    /// As [`Self::replace`], for a struct or map that becomes another one.
    pub(crate) fn rebuild(
        &mut self,
        purpose: &str,
        make: impl FnOnce(Entries<'_>, &mut Maker<'_>) -> Result<()>,
    ) -> Result<()> {
        let has_schema = self.schema.is_some();
        self.replace(|value, out| {
            let entries = entries(value, has_schema, purpose)?;
            let mut maker = Maker::new(out, has_schema);
            make(entries, &mut maker)?;
            maker.finish()
        })
    }

    pub(crate) fn set_schema(&mut self, schema: Arc<Schema>) {
        self.schema = Some(schema);
        self.is_changed = true;
    }

    /// The fields of a struct or map.
    pub(crate) fn entries(&self, purpose: &str) -> Result<Entries<'_>> {
        entries(&self.value, self.schema.is_some(), purpose)
    }
}

fn entries<'a>(value: &'a [u8], has_schema: bool, purpose: &str) -> Result<Entries<'a>> {
    let is_typed_map = has_schema && value.first() == Some(&flat::MAP);
    let found = if is_typed_map { None } else { Entries::of(value)? };
    found.ok_or_else(|| {
        let expected = if has_schema { "a struct" } else { "a map" };
        Error::new(format!("{purpose}: expected {expected}, got {}", kind(value)))
    })
}
