//! Lays out a batch for the plugin: bytes borrowed from Kafka's buffers, or values that a converter made of them.
use super::batch::{Batch, Ends};
use super::rejects::{Reject, Stage};
use crate::converter::{self, Converted, Converter};
use crate::task::config::TaskSpec;
use crate::transform::{Converters, Memory, Recent, Refused, Rewriting, Shaped, Shaper, Shapes, leaving};
use cluster::Failure;
use formats::Kind;
use host::{Assembly, Item, Value};
use kafka::{Message, TopicPartition};

/// Memory that is reused from batch to batch.
pub struct Assembler {
    assembly: Assembly,
    key: Converter,
    value: Converter,
    is_encoded: bool,
    /// For a sink that decodes by itself, of formats that it cannot decode.
    rewriting: Option<Rewriting>,
    arena: Vec<u8>,
    /// Key and value of each record; none for a record that could not be converted.
    converted: Vec<Option<(Side, Side)>>,
    /// What the converters say of values that the sink is given.
    schemas: Recent<String>,
    /// `None` when no transform is configured.
    shaping: Option<Shaping>,
}

/// What a converter made of a key or value.
struct Side {
    converted: Converted,
    schema: Option<usize>,
}

/// The transforms, and what became of each record; none for a record that is left out.
struct Shaping {
    shaper: Shaper,
    shapes: Shapes,
    shaped: Vec<Option<Shaped>>,
}

/// Where each record of an assembled batch came from.
#[derive(Default)]
pub struct Origin {
    /// Partition by partition: topic, number, the offset that comes next.
    ends: Vec<(usize, String, i32, i64)>,
    /// Part and index of each record, kept only when some records of the batch are left out.
    places: Option<Vec<Place>>,
    /// Rows of each part, to find a record when none is left out.
    rows: Vec<usize>,
    newest_ms: Option<i64>,
}

/// A record of a batch: which part, which message in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub part: usize,
    pub index: usize,
}

impl Assembler {
    pub fn new(
        spec: &TaskSpec,
        key: Converter,
        value: Converter,
        shaper: Option<Shaper>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            assembly: Assembly::new(),
            rewriting: Rewriting::open(&spec.plugin, &key, &value)?,
            key,
            value,
            is_encoded: spec.plugin.is_encoded(),
            arena: Vec::new(),
            converted: Vec::new(),
            schemas: Recent::default(),
            shaping: shaper.map(|shaper| Shaping { shaper, shapes: Shapes::default(), shaped: Vec::new() }),
        })
    }

    /// Converts keys and values, unless the sink decodes by itself. Answers what could not be read; an error is one
    /// that no record is to blame for, after which the batch has to be converted again.
    pub fn convert(&mut self, batch: &Batch) -> Result<Vec<Reject>, converter::Error> {
        self.arena.clear();
        self.converted.clear();
        self.schemas.clear();
        let mut rejects = Vec::new();
        if self.shaping.is_some() {
            return self.shape(batch);
        }
        if self.is_encoded && self.rewriting.is_none() {
            return Ok(rejects);
        }
        for (part, messages) in batch.parts.iter().enumerate() {
            for (index, message) in messages.iter().enumerate() {
                match self.convert_one(message) {
                    Ok(pair) => self.converted.push(Some(pair)),
                    Err((stage, error)) if error.kind() == Kind::Record => {
                        self.converted.push(None);
                        let reason = error.to_string();
                        rejects.push(Reject { at: Place { part, index }, stage, class: None, reason });
                    }
                    Err((_, error)) => return Err(error),
                }
            }
        }
        Ok(rejects)
    }

    /// Converts and transforms. Answers what could not be.
    fn shape(&mut self, batch: &Batch) -> Result<Vec<Reject>, converter::Error> {
        let Self { key, value, arena, shaping, .. } = self;
        let Some(Shaping { shaper, shapes, shaped }) = shaping else { return Ok(Vec::new()) };
        shapes.clear();
        shaped.clear();
        let mut rejects = Vec::new();
        let mut converters = Converters { key, value };
        let mut memory = Memory { arena, shapes };
        for (part, messages) in batch.parts.iter().enumerate() {
            for (index, message) in messages.iter().enumerate() {
                let outcome = shaper.shape(message, &mut converters, &mut memory);
                shaped.push(match outcome {
                    Ok(outcome) => outcome,
                    Err(refused) => {
                        rejects.push(rejected(Place { part, index }, refused)?);
                        None
                    }
                });
            }
        }
        Ok(rejects)
    }

    fn convert_one(&mut self, message: Message<'_>) -> Result<(Side, Side), (Stage, converter::Error)> {
        let Self { key, value, arena, rewriting, schemas, .. } = self;
        let start = arena.len();
        let mut convert = |converter: &mut Converter, bytes| {
            if let Some(rewriting) = rewriting {
                let converted = rewriting.rewrite(converter, bytes, arena)?;
                return Ok(Side { converted, schema: None });
            }
            let converted = converter.to_value(bytes, arena)?;
            Ok(Side { converted, schema: converter.schema_text(bytes).map(|text| schemas.of_text(text)) })
        };
        let converted = match convert(key, message.key()) {
            Ok(key) => match convert(value, message.value()) {
                Ok(value) => return Ok((key, value)),
                Err(error) => (Stage::ValueConverter, error),
            },
            Err(error) => (Stage::KeyConverter, error),
        };
        arena.truncate(start);
        Err(converted)
    }

    /// The batch as the plugin gets it. Borrows the messages and the values that [`Self::convert`] made.
    pub fn assemble<'a>(&'a mut self, batch: &'a Batch) -> (host::Batch<'a>, Origin) {
        if self.shaping.is_some() {
            return self.assemble_shaped(batch);
        }
        let Self { assembly, is_encoded, rewriting, arena, converted, schemas, .. } = self;
        let has_gaps = converted.iter().any(Option::is_none);
        let mut origin = Origin { places: has_gaps.then(Vec::new), ..Origin::default() };
        let mut builder = assembly.begin();
        let mut values = converted.iter();
        let mut topic = (0, "");
        for (part, messages) in batch.parts.iter().enumerate() {
            origin.rows.push(messages.len());
            for (index, message) in messages.iter().enumerate() {
                if message.topic_key() != topic.0 {
                    topic = (message.topic_key(), message.topic());
                }
                origin.note(topic, message);
                let mut item = Item {
                    topic: topic.1,
                    partition: message.partition(),
                    offset: message.offset(),
                    timestamp_ms: message.timestamp_ms(),
                    key: Value::Null,
                    value: Value::Null,
                    key_schema: None,
                    value_schema: None,
                };
                if *is_encoded && rewriting.is_none() {
                    item.key = message.key().map_or(Value::Null, Value::Bytes);
                    item.value = message.value().map_or(Value::Null, Value::Bytes);
                } else {
                    // `convert` left one entry per record.
                    let Some(Some((k, v))) = values.next() else { continue };
                    item.key = leaving(k.converted.value(message.key().unwrap_or_default(), arena));
                    item.value = leaving(v.converted.value(message.value().unwrap_or_default(), arena));
                    let schema = |side: &Side| schemas.get(side.schema).map(String::as_str);
                    (item.key_schema, item.value_schema) = (schema(k), schema(v));
                    if *is_encoded {
                        (item.key, item.value) = (encoded(item.key), encoded(item.value));
                    }
                }
                if let Some(places) = &mut origin.places {
                    places.push(Place { part, index });
                }
                builder.push(&item);
                for (name, value) in own_headers(message) {
                    builder.header(name, value);
                }
            }
        }
        (builder.finish(), origin)
    }

    /// As [`Self::assemble`], of what the transforms left of the batch.
    fn assemble_shaped<'a>(&'a mut self, batch: &'a Batch) -> (host::Batch<'a>, Origin) {
        let Self { assembly, arena, shaping, .. } = self;
        let mut builder = assembly.begin();
        let Some(Shaping { shapes, shaped, .. }) = shaping else {
            return (builder.finish(), Origin::default());
        };
        let has_gaps = shaped.iter().any(Option::is_none);
        let mut origin = Origin { places: has_gaps.then(Vec::new), ..Origin::default() };
        let mut records = shaped.iter();
        let mut topic = (0, "");
        for (part, messages) in batch.parts.iter().enumerate() {
            origin.rows.push(messages.len());
            for (index, message) in messages.iter().enumerate() {
                if message.topic_key() != topic.0 {
                    topic = (message.topic_key(), message.topic());
                }
                // Offsets of records that are left out are done with as well.
                origin.note(topic, message);
                // `shape` left one entry per record.
                let Some(Some(shaped)) = records.next() else { continue };
                if let Some(places) = &mut origin.places {
                    places.push(Place { part, index });
                }
                builder.push(&shapes.item(shaped, message, topic.1, arena));
                match shapes.new_headers(shaped, message, arena) {
                    Some(headers) => add(&mut builder, headers),
                    None => add(&mut builder, own_headers(message)),
                }
            }
        }
        (builder.finish(), origin)
    }
}

fn add<'a>(builder: &mut host::Builder<'_, 'a>, headers: impl Iterator<Item = (&'a str, Option<&'a [u8]>)>) {
    for (name, value) in headers {
        builder.header(name, value);
    }
}

/// A name that is not UTF-8 cannot cross as text; Kafka's own clients write UTF-8 only.
fn own_headers(message: Message<'_>) -> impl Iterator<Item = (&str, Option<&[u8]>)> {
    message.headers().filter_map(|header| Some((std::str::from_utf8(header.name).ok()?, header.value)))
}

fn rejected(at: Place, refused: Refused) -> Result<Reject, converter::Error> {
    let (stage, class, reason) = match refused {
        Refused::Key(reason) => (Stage::KeyConverter, None, reason),
        Refused::Value(reason) => (Stage::ValueConverter, None, reason),
        Refused::Header(reason) => (Stage::HeaderConverter, None, reason),
        Refused::Transform(class, reason) => (Stage::Transformation, Some(class), reason),
        Refused::Nobody(error) => return Err(error),
    };
    Ok(Reject { at, stage, class, reason })
}

/// What was written for a sink that decodes by itself crosses as bytes.
fn encoded(value: Value<'_>) -> Value<'_> {
    match value {
        Value::Flat(bytes) => Value::Bytes(bytes),
        other => other,
    }
}

impl Origin {
    fn note(&mut self, topic: (usize, &str), message: Message<'_>) {
        let (partition, next) = (message.partition(), message.offset() + 1);
        self.newest_ms = self.newest_ms.max(message.timestamp_ms());
        // Records come in runs of one partition, so the last entry is nearly always the right one.
        let known =
            self.ends.iter_mut().rev().find(|(key, _, number, _)| *key == topic.0 && *number == partition);
        match known {
            Some(entry) => entry.3 = next,
            None => self.ends.push((topic.0, topic.1.to_owned(), partition, next)),
        }
    }

    pub fn newest_ms(&self) -> Option<i64> {
        self.newest_ms
    }

    pub fn ends(&self) -> Ends {
        let end = |(_, topic, partition, next): &(usize, String, i32, i64)| {
            (TopicPartition::new(topic.clone(), *partition), *next)
        };
        self.ends.iter().map(end).collect()
    }

    /// Where the record with this index in the assembled batch came from.
    pub fn place(&self, index: usize) -> Place {
        if let Some(places) = &self.places {
            return places.get(index).copied().unwrap_or(Place { part: 0, index: 0 });
        }
        let mut left = index;
        for (part, rows) in self.rows.iter().enumerate() {
            if left < *rows {
                return Place { part, index: left };
            }
            left -= rows;
        }
        Place { part: 0, index: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_found_again_across_parts_and_gaps() {
        let whole = Origin { rows: vec![2, 0, 3], ..Origin::default() };
        assert_eq!(whole.place(1), Place { part: 0, index: 1 });
        assert_eq!(whole.place(2), Place { part: 2, index: 0 });
        let places = Some(vec![Place { part: 0, index: 0 }, Place { part: 2, index: 1 }]);
        let gaps = Origin { rows: vec![2, 0, 3], places, ..Origin::default() };
        assert_eq!(gaps.place(1), Place { part: 2, index: 1 });
    }
}
