//! Columns that are filled from what Kafka knows of a record, not from its value.
use std::borrow::Cow;
use std::io::Write;

use crate::columns::{Buffer, push_varint};
use crate::incoming::Incoming;
use crate::types::Type;

/// What fills a virtual column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source {
    Key,
    Timestamp,
    Partition,
    Offset,
    Topic,
    HeaderKeys,
    HeaderValues,
    RawMessage,
    /// Of records that came from Kinesis, by their headers.
    Stream,
    Shard,
    SequenceNumber,
    /// Whether the row deletes its key.
    Deleted,
}

/// One virtual column. Every row has a value, written after all else of the record was found to be right, so
/// nothing is ever taken back.
pub struct Virtual {
    pub name: String,
    /// The type's name in a block's header.
    pub wire: String,
    source: Source,
    form: Form,
    /// One byte a row, if the column can be NULL.
    nulls: Option<Buffer>,
    /// Where each row's elements end, for arrays.
    ends: Buffer,
    /// Elements since the block began.
    elements: u64,
    /// One byte an element, if elements can be NULL.
    element_nulls: Option<Buffer>,
    values: Buffer,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Text,
    Texts,
    /// A whole number of this many bytes, and whether it has a sign.
    Number {
        width: usize,
        signed: bool,
    },
    /// Seconds since 1970 in four bytes.
    Seconds,
    /// A point in time in this many digits of a second.
    Ticks(u32),
}

impl Source {
    /// By the name of the virtual column.
    pub fn named(name: &str) -> Option<Self> {
        let found = NAMES.iter().find(|(known, _)| *known == name)?;
        Some(found.1)
    }

    /// The name of the virtual column.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, source)| *source == self).map_or("", |(name, _)| name)
    }

    /// The type that a new column for it has.
    pub fn column_type(self) -> &'static str {
        match self {
            Source::Key => "Nullable(String)",
            Source::Timestamp => "DateTime64(3)",
            Source::Partition => "Int32",
            Source::Offset => "Int64",
            Source::Topic | Source::Stream | Source::Shard => "LowCardinality(String)",
            Source::HeaderKeys => "Array(String)",
            Source::HeaderValues => "Array(Nullable(String))",
            Source::RawMessage | Source::SequenceNumber => "String",
            Source::Deleted => "UInt8",
        }
    }

    pub fn what(self) -> &'static str {
        match self {
            Source::Key => "the record's key",
            Source::Timestamp => "the record's timestamp",
            Source::Partition => "the record's partition",
            Source::Offset => "the record's offset",
            Source::Topic => "the record's topic",
            Source::HeaderKeys => "the names of the record's headers",
            Source::HeaderValues => "the values of the record's headers",
            Source::RawMessage => "the record's value as it is",
            Source::Stream => "the name of the record's stream",
            Source::Shard => "the id of the record's shard",
            Source::SequenceNumber => "the record's sequence number",
            Source::Deleted => "whether a row is deleted",
        }
    }

    /// What a column has to be to take it.
    pub fn expected(self) -> &'static str {
        match self {
            Source::Key
            | Source::Topic
            | Source::RawMessage
            | Source::Stream
            | Source::Shard
            | Source::SequenceNumber => "String or Nullable(String)",
            Source::Timestamp => "DateTime64, DateTime, Int64 or UInt64 (milliseconds), or Nullable of these",
            Source::Partition => "an integer of 32 bits or more, or String",
            Source::Offset => "an integer of 64 bits or more, or String",
            Source::HeaderKeys => "Array(String)",
            Source::HeaderValues => "Array(String) or Array(Nullable(String))",
            Source::Deleted => "UInt8",
        }
    }

    fn form(self, ty: &Type) -> Option<Form> {
        let number = |width_min: usize| match *ty {
            Type::Int(width) if width >= width_min => Some(Form::Number { width, signed: true }),
            Type::UInt(width) if width >= width_min => Some(Form::Number { width, signed: false }),
            Type::String => Some(Form::Text),
            _ => None,
        };
        match self {
            Source::Key
            | Source::Topic
            | Source::RawMessage
            | Source::Stream
            | Source::Shard
            | Source::SequenceNumber => (*ty == Type::String).then_some(Form::Text),
            Source::Partition => number(4),
            Source::Offset => number(8),
            Source::Timestamp => match ty {
                Type::DateTime64(scale, _) => Some(Form::Ticks(*scale)),
                Type::DateTime(_) => Some(Form::Seconds),
                Type::String => None,
                _ => number(8),
            },
            Source::Deleted => (*ty == Type::UInt(1)).then_some(Form::Number { width: 1, signed: false }),
            Source::HeaderKeys | Source::HeaderValues => None,
        }
    }
}

impl Virtual {
    /// `None` if the type cannot hold what the source gives.
    pub fn new(name: &str, source: Source, ty: &Type) -> Option<Self> {
        let (nulls, inner) = match ty {
            Type::Nullable(inner) => (Some(Buffer::default()), &**inner),
            plain => (None, plain),
        };
        let (form, element_nulls) = match (source, inner) {
            (Source::HeaderKeys | Source::HeaderValues, Type::Array(element)) => match &**element {
                Type::String => (Form::Texts, None),
                Type::Nullable(inner) if **inner == Type::String => (Form::Texts, Some(Buffer::default())),
                _ => return None,
            },
            _ => (source.form(inner)?, None),
        };
        let (ends, values) = (Buffer::default(), Buffer::default());
        let (name, wire) = (name.to_owned(), ty.to_string());
        Some(Virtual { name, wire, source, form, nulls, ends, elements: 0, element_nulls, values })
    }

    /// Appends the row of this record.
    #[inline]
    pub fn push(&mut self, record: &Incoming<'_>, deleted: bool) {
        match self.source {
            Source::Key => self.text(record.key),
            Source::RawMessage => self.text(record.value),
            Source::Topic => self.text(Some(record.topic.as_bytes())),
            Source::Timestamp => self.number(record.timestamp_ms),
            Source::Partition => self.number(Some(i64::from(record.partition))),
            Source::Offset => self.number(Some(record.offset)),
            Source::Deleted => self.number(Some(i64::from(deleted))),
            Source::Stream => self.text(header(record, "kinesis.stream")),
            Source::Shard => self.text(header(record, "kinesis.shard.id")),
            Source::SequenceNumber => self.text(header(record, "kinesis.sequence.number")),
            Source::HeaderKeys => self.texts(record, |name, _| Some(name.as_bytes())),
            Source::HeaderValues => self.texts(record, |_, value| value),
        }
    }

    /// A block ends before the next row.
    pub fn cut(&mut self) {
        self.elements = 0;
        self.ends.cut(false);
        self.values.cut(false);
        for buffer in self.nulls.iter_mut().chain(&mut self.element_nulls) {
            buffer.cut(false);
        }
    }

    pub fn clear(&mut self) {
        self.elements = 0;
        self.ends.clear();
        self.values.clear();
        for buffer in self.nulls.iter_mut().chain(&mut self.element_nulls) {
            buffer.clear();
        }
    }

    /// The bytes of a block, in the order in which Native has them.
    pub fn pieces<'a>(&'a self, block: usize, out: &mut Vec<Cow<'a, [u8]>>) {
        let mut piece = |buffer: &'a Buffer| out.push(Cow::Borrowed(buffer.block(block)));
        if let Some(nulls) = &self.nulls {
            piece(nulls);
        }
        if self.form == Form::Texts {
            piece(&self.ends);
        }
        if let Some(nulls) = &self.element_nulls {
            piece(nulls);
        }
        piece(&self.values);
    }

    /// Bytes of the shortest value.
    pub fn size_min(&self) -> usize {
        match self.form {
            Form::Text => 1,
            Form::Texts => size_of::<u64>(),
            Form::Number { width, .. } => width,
            Form::Seconds => 4,
            Form::Ticks(_) => 8,
        }
    }

    fn text(&mut self, bytes: Option<&[u8]>) {
        self.null(bytes.is_none());
        let bytes = bytes.unwrap_or_default();
        push_varint(&mut self.values.bytes, bytes.len());
        self.values.push(bytes);
    }

    fn texts<'a>(
        &mut self,
        record: &Incoming<'a>,
        pick: impl Fn(&'a str, Option<&'a [u8]>) -> Option<&'a [u8]>,
    ) {
        let Virtual { values, element_nulls, elements, .. } = self;
        record.headers.each(|name, value| {
            let picked = pick(name, value);
            if let Some(nulls) = element_nulls {
                nulls.push(&[u8::from(picked.is_none())]);
            }
            let bytes = picked.unwrap_or_default();
            push_varint(&mut values.bytes, bytes.len());
            values.push(bytes);
            *elements += 1;
        });
        self.ends.push(&elements.to_le_bytes());
    }

    fn number(&mut self, number: Option<i64>) {
        self.null(number.is_none());
        let number = number.unwrap_or(0);
        let values = &mut self.values;
        match self.form {
            Form::Number { width, signed } => {
                // Only a timestamp can be below zero, which an unsigned column does not hold.
                let number = if signed { number } else { number.max(0) };
                let sign = if number < 0 { 0xFF } else { 0 };
                let bytes = number.to_le_bytes();
                values.push(&bytes[..width.min(8)]);
                values.fill(sign, width.saturating_sub(8));
            }
            Form::Seconds => {
                let seconds = number.div_euclid(1000).clamp(0, i64::from(u32::MAX)) as u32;
                values.push(&seconds.to_le_bytes());
            }
            Form::Ticks(scale) => values.push(&ticks(number, scale).to_le_bytes()),
            Form::Text | Form::Texts => {
                let at = values.bytes.len();
                values.push(&[0]);
                // Writing into memory cannot fail, and no number has more than 20 characters.
                let _ = write!(values.bytes, "{number}");
                values.bytes[at] = (values.bytes.len() - at - 1) as u8;
            }
        }
    }

    fn null(&mut self, is_null: bool) {
        if let Some(nulls) = &mut self.nulls {
            nulls.push(&[u8::from(is_null)]);
        }
    }
}

/// Producers may claim any time; one that the column cannot hold becomes the nearest that it can.
fn ticks(millis: i64, scale: u32) -> i64 {
    let millis = millis.clamp(YEAR_1900_MS, YEAR_2299_MS);
    match scale.checked_sub(3) {
        Some(more) => millis.saturating_mul(10_i64.pow(more)),
        None => millis.div_euclid(10_i64.pow(3 - scale)),
    }
}

const YEAR_1900_MS: i64 = -2_208_988_800_000;
const YEAR_2299_MS: i64 = 10_413_791_999_999;

const NAMES: &[(&str, Source)] = &[
    ("_key", Source::Key),
    ("_timestamp", Source::Timestamp),
    ("_partition", Source::Partition),
    ("_offset", Source::Offset),
    ("_topic", Source::Topic),
    ("_header_keys", Source::HeaderKeys),
    ("_header_values", Source::HeaderValues),
    ("_raw_message", Source::RawMessage),
    ("_stream", Source::Stream),
    ("_shard", Source::Shard),
    ("_sequence_number", Source::SequenceNumber),
];

/// The last header of this name counts.
fn header<'a>(record: &Incoming<'a>, wanted: &str) -> Option<&'a [u8]> {
    let mut found = None;
    record.headers.each(|name, value| {
        if name == wanted {
            found = value;
        }
    });
    found
}
