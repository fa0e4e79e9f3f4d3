//! Turns records of a source into what a topic would hold of them.
use crate::converter::Converter;
use crate::task::config::TaskSpec;
use crate::task::source::encoded;
use crate::transform::{Raw, refuse};
use cluster::Failure;
use kafka::{Composer, OwnRecord};
use penstock_sdk::Record;
use penstock_sdk::abi::{KIND_FLAT, KIND_NULL};

/// The converters of the way in, and their memory.
pub struct Intake {
    key: Converter,
    value: Converter,
    key_bytes: Vec<u8>,
    value_bytes: Vec<u8>,
}

impl Intake {
    pub fn open(spec: &TaskSpec) -> Result<Self, Failure> {
        let (key, value) = (spec.key_converter()?, spec.value_converter()?);
        Ok(Self { key, value, key_bytes: Vec::new(), value_bytes: Vec::new() })
    }

    /// Adds the record to the batch. One that cannot be converted fails the task, or is counted and left out.
    pub fn take(&mut self, spec: &TaskSpec, record: Record<'_>, batch: &mut Composer) -> Result<(), Failure> {
        let Self { key, value, key_bytes, value_bytes } = self;
        spec.metrics.records_in.inc();
        let topic = record.topic();
        let raw = |(kind, bytes), schema| Raw { kind, bytes, schema };
        let given = raw(record.raw_key(), record.key_schema());
        let key = match passed(spec, (key, topic), given, key_bytes)? {
            Ok(key) => key,
            Err(reason) => return refuse(spec, topic, &format!("key: {reason}")),
        };
        let given = raw(record.raw_value(), record.value_schema());
        let value = match passed(spec, (value, topic), given, value_bytes)? {
            Ok(value) => value,
            Err(reason) => return refuse(spec, topic, &format!("value: {reason}")),
        };
        spec.metrics.bytes_in.inc_by((key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len)) as u64);
        let own = OwnRecord {
            topic,
            partition: record.partition().max(0),
            offset: record.offset(),
            timestamp_ms: record.timestamp_ms(),
            key,
            value,
        };
        batch.push(&own, record.headers());
        Ok(())
    }
}

/// Text and bytes are what the outside gave, and stay as they are; what has a structure is written by the converter.
fn passed<'a>(
    spec: &TaskSpec,
    (converter, topic): (&mut Converter, &str),
    raw: Raw<'a>,
    buffer: &'a mut Vec<u8>,
) -> Result<Result<Option<&'a [u8]>, String>, Failure> {
    match raw.kind {
        KIND_NULL => Ok(Ok(None)),
        KIND_FLAT => {
            converter.set_topic(topic);
            encoded(spec, converter, raw, buffer)
        }
        _ => Ok(Ok(raw.bytes)),
    }
}
