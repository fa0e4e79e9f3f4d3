//! Transforms the records of a sink's batch: decoded where a transform or the sink needs values, and encoded again
//! as JSON for a sink that decodes by itself.
mod decode;
mod shapes;

pub use decode::Converters;
pub use shapes::{Shaped, Shapes};

use super::Pipeline;
use crate::converter::Converter;
use crate::definition::ConverterConfig;
use crate::task::{TaskSpec, wrong};
use cluster::Failure;
use decode::{Decoded, Decoder};
use kafka::Message;
use transforms::{Given, Verdict};

/// The transforms of one sink task.
pub struct Shaper {
    pipeline: Pipeline,
    /// Writes what a sink that decodes by itself gets in the place of transformed keys and values.
    json: Option<Converter>,
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
}

/// The memory of a batch, to which values and references are added.
pub struct Memory<'a> {
    pub arena: &'a mut Vec<u8>,
    pub shapes: &'a mut Shapes,
}

impl Shaper {
    /// `None` when no transform is configured.
    pub fn open(spec: &TaskSpec) -> Result<Option<Self>, Failure> {
        let Some(pipeline) = Pipeline::open(spec)? else { return Ok(None) };
        let json = if spec.plugin.is_encoded() { Some(plain_json()?) } else { None };
        Ok(Some(Self { pipeline, json, scratch: Vec::new() }))
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
        let Self { pipeline: Pipeline { chain, schemas, headers }, json, scratch } = self;
        scratch.clear();
        let touches = chain.touches();
        let values = if json.is_some() { scratch } else { &mut *memory.arena };
        let decoder = Decoder { converters, touches, is_encoded: json.is_some(), schemas };
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
            Some(json) => (
                shapes::encoded(&record.key, touches.key.writes, json, arena).map_err(Refused::Key)?,
                shapes::encoded(&record.value, touches.value.writes, json, arena).map_err(Refused::Value)?,
            ),
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

fn plain_json() -> Result<Converter, Failure> {
    let settings = [("schemas.enable".to_owned(), "false".to_owned())].into_iter().collect();
    let config = ConverterConfig { class: "JsonConverter".to_owned(), settings };
    Converter::open(&config).map_err(|error| wrong(&error.to_string()))
}
