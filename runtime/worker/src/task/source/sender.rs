//! Turns records of a source's plugin into records of Kafka: transforms, topics, converters.
use super::topics::KnownTopics;
use crate::converter::{Converter, Value};
use crate::delivery::Patience;
use crate::delivery::producers::Outbox;
use crate::task::config::TaskSpec;
use crate::task::failure::{failure, of_kafka};
use crate::transform::{Raw, Reshaped, Reshaper, refuse};
use cluster::Failure;
use kafka::{Outgoing, SendError};
use penstock_sdk::Record;
use penstock_sdk::abi::{KIND_FLAT, KIND_NULL, KIND_TEXT};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Everything that turns a record of the plugin into one of Kafka.
pub struct Sender<'a> {
    spec: &'a Arc<TaskSpec>,
    /// `None` when no transform is configured.
    reshaper: Option<Reshaper>,
    pub key: Converter,
    pub value: Converter,
    pub outbox: Outbox,
    topics: KnownTopics,
    key_bytes: Vec<u8>,
    value_bytes: Vec<u8>,
}

impl<'a> Sender<'a> {
    pub fn open(spec: &'a Arc<TaskSpec>, outbox: Outbox) -> Result<Self, Failure> {
        Ok(Self {
            spec,
            reshaper: Reshaper::open(spec)?,
            key: spec.key_converter()?,
            value: spec.value_converter()?,
            outbox,
            topics: KnownTopics::new(spec)?,
            key_bytes: Vec::new(),
            value_bytes: Vec::new(),
        })
    }
}

impl Sender<'_> {
    /// What the source is opened with.
    pub fn opening(&self) -> host::OpenTask<'_> {
        self.spec.open_task(&self.key, &self.value)
    }

    pub fn send(&mut self, batch: u32, record: Record<'_>) -> Result<(), Failure> {
        let Self { spec, reshaper, key, value, outbox, topics, key_bytes, value_bytes } = self;
        let reshaped = match reshaper {
            None => Ok(Some(Reshaped::plain(record))),
            Some(reshaper) => reshaper.reshape(record),
        };
        spec.metrics.records_in.inc();
        let reshaped = match reshaped {
            Ok(Some(reshaped)) => reshaped,
            Ok(None) => return Ok(()),
            Err(reason) => return refuse(spec, record.topic(), &reason),
        };
        let topic = reshaped.topic;
        topics.prepare(spec, topic)?;
        key.set_topic(topic);
        value.set_topic(topic);
        let key = match encoded(spec, key, reshaped.key, key_bytes)? {
            Ok(key) => key,
            Err(reason) => return refuse(spec, topic, &format!("key: {reason}")),
        };
        let value = match encoded(spec, value, reshaped.value, value_bytes)? {
            Ok(value) => value,
            Err(reason) => return refuse(spec, topic, &format!("value: {reason}")),
        };
        let outgoing = Outgoing {
            topic,
            partition: (record.partition() >= 0).then(|| record.partition()),
            key,
            value,
            headers: &reshaped.headers,
            timestamp_ms: record.timestamp_ms(),
            token: 0,
        };
        spec.metrics.bytes_in.inc_by((key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len)) as u64);
        produce(spec, outbox, batch, &outgoing)
    }
}

pub fn produce(spec: &TaskSpec, outbox: &Outbox, batch: u32, record: &Outgoing<'_>) -> Result<(), Failure> {
    loop {
        match outbox.send(batch, record) {
            Ok(()) => return Ok(()),
            Err(SendError::QueueFull) => {
                if spec.control.stop_by().is_some_and(|by| Instant::now() >= by) {
                    return Err(failure(
                        "ConnectException",
                        "stopped while the producer's buffer was full",
                        true,
                    ));
                }
                outbox.wait(Duration::from_millis(20));
            }
            Err(SendError::Rejected(error)) => {
                return Err(of_kafka(&format!("producing to {}", record.topic), &error));
            }
        }
    }
}

/// The bytes that go to Kafka: of a source's own when the converter leaves them alone, else in `buffer`. A record that
/// cannot be written is a sentence; it waits where it is not to blame.
pub fn encoded<'a>(
    spec: &TaskSpec,
    converter: &mut Converter,
    raw: Raw<'_>,
    buffer: &'a mut Vec<u8>,
) -> Result<Result<Option<&'a [u8]>, String>, Failure> {
    let value = match (raw.kind, raw.bytes) {
        (KIND_NULL, _) | (_, None) => Value::Null,
        (KIND_TEXT, Some(bytes)) => {
            let Ok(text) = std::str::from_utf8(bytes) else { return Ok(Err("not UTF-8".to_owned())) };
            Value::Text(text)
        }
        (KIND_FLAT, Some(bytes)) => Value::Flat(bytes),
        (_, Some(bytes)) => Value::Bytes(bytes),
    };
    buffer.clear();
    let mut patience = Patience::new();
    let written = loop {
        match converter.to_bytes(value, raw.schema, buffer) {
            Ok(written) => break written,
            Err(error) if error.kind() == formats::Kind::Record => return Ok(Err(error.to_string())),
            Err(error) => patience.wait(spec, &error)?,
        }
    };
    Ok(Ok(written.map(|range| &buffer[range])))
}
