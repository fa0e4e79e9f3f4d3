//! Transforms the records of a sink's batch: decoded where a transform or the sink needs values, and encoded again
//! as JSON for a sink that decodes by itself.
mod decode;
mod shapes;

pub use decode::Converters;
pub use shapes::{Shaped, Shapes, leaving};

use super::Pipeline;
use super::rewriting::{is_needed, plain_json};
use crate::converter::{self, Converter};
use crate::task::TaskSpec;
use cluster::Failure;
use decode::{Decoded, Decoder, Side};
use kafka::Message;
use transforms::{Given, Slot, Verdict};

/// The transforms of one sink task.
pub struct Shaper {
    pipeline: Pipeline,
    /// Writes what a sink that decodes by itself gets in the place of transformed keys and values.
    json: Option<Converter>,
    /// The sides that such a sink cannot read as they are: key, value.
    is_foreign: [bool; 2],
    /// Values of the record at hand, for such a sink.
    scratch: Vec<u8>,
}

/// Why a record cannot go on.
#[derive(Debug)]
pub enum Refused {
    Key(String),
    Value(String),
    Header(String),
    Transform(&'static str, String),
    /// It is not the record's fault.
    Nobody(converter::Error),
}

/// The memory of a batch, to which values and references are added.
pub struct Memory<'a> {
    pub arena: &'a mut Vec<u8>,
    pub shapes: &'a mut Shapes,
}

impl Shaper {
    /// `None` when no transform is configured.
    pub fn open(spec: &TaskSpec, key: &Converter, value: &Converter) -> Result<Option<Self>, Failure> {
        let Some(pipeline) = Pipeline::open(spec)? else { return Ok(None) };
        let json = if spec.plugin.is_encoded() { Some(plain_json()?) } else { None };
        let is_foreign = [is_needed(&spec.plugin, key), is_needed(&spec.plugin, value)];
        Ok(Some(Self { pipeline, json, is_foreign, scratch: Vec::new() }))
    }

    /// What a sink that decodes by itself gets: JSON where transforms make the key or the value.
    pub fn announce(&self, task: &mut host::OpenTask<'_>) {
        let touches = self.pipeline.chain.touches();
        if self.json.is_some() && touches.key.writes {
            task.key_format = "json";
        }
        if self.json.is_some() && touches.value.writes {
            task.value_format = "json";
        }
    }

    /// Passes one record through the transforms; `None` when they leave it out.
    pub fn shape(
        &mut self,
        message: Message<'_>,
        converters: &mut Converters<'_>,
        memory: &mut Memory<'_>,
    ) -> Result<Option<Shaped>, Refused> {
        let start = memory.arena.len();
        let shaped = self.try_shape(message, converters, memory);
        if !matches!(shaped, Ok(Some(_))) {
            memory.arena.truncate(start);
        }
        shaped
    }

    fn try_shape(
        &mut self,
        message: Message<'_>,
        converters: &mut Converters<'_>,
        memory: &mut Memory<'_>,
    ) -> Result<Option<Shaped>, Refused> {
        let Self { pipeline: Pipeline { chain, schemas, headers }, json, is_foreign, scratch } = self;
        scratch.clear();
        let touches = chain.touches();
        let values = if json.is_some() { &mut *scratch } else { &mut *memory.arena };
        let decoder =
            Decoder { converters, touches, is_encoded: json.is_some(), is_foreign: *is_foreign, schemas };
        let sides = decoder.decode(message, values)?;
        let names = if touches.headers { names(message) } else { Vec::new() };
        let given = Given {
            topic: message.topic(),
            partition: Some(message.partition()),
            offset: Some(message.offset()),
            timestamp_ms: message.timestamp_ms(),
            key: sides.key.part(message.key(), values),
            value: sides.value.part(message.value(), values),
            headers: &names,
        };
        let record = match chain.apply(&given) {
            Ok(Verdict::Kept(record)) => record,
            Ok(Verdict::Dropped) => return Ok(None),
            Err(failed) => return Err(Refused::Transform(failed.class, failed.reason)),
        };
        let Memory { arena, shapes } = memory;
        let Decoded { key, value } = sides;
        let (key, value) = match json {
            None => (shapes.decoded(&record.key, key, arena), shapes.decoded(&record.value, value, arena)),
            Some(json) => {
                let mut shape =
                    |slot: &Slot, side: &Side, bytes: Option<&[u8]>, is_foreign: bool, writes: bool| {
                        // What no transform made is still where the converter left it.
                        if is_foreign && !slot.is_changed() {
                            return shapes::rewritten(side, bytes, scratch, json, arena);
                        }
                        shapes::encoded(slot, is_foreign || writes, json, arena)
                    };
                let made = shape(&record.key, &key, message.key(), is_foreign[0], touches.key.writes);
                let key = made.map_err(Refused::Key)?;
                let made = shape(&record.value, &value, message.value(), is_foreign[1], touches.value.writes);
                (key, made.map_err(Refused::Value)?)
            }
        };
        let topic = record.has_new_topic.then(|| shapes.topic(&record.topic));
        let headers = shapes.headers(record, headers, arena).map_err(Refused::Header)?;
        Ok(Some(Shaped { topic, key, value, headers }))
    }
}

/// Names of a record's headers; what is not UTF-8 has none, as no transform could name it.
fn names(message: Message<'_>) -> Vec<&str> {
    message.headers().map(|header| std::str::from_utf8(header.name).unwrap_or_default()).collect()
}
