//! A source's task: polls the plugin, converts, produces, and stores offsets once the broker has everything.
mod progress;
mod topics;

use super::config::TaskSpec;
use super::failure::{failure, failure_of, of_kafka};
use crate::converter::{Converter, Value};
use crate::delivery::producers::Outbox;
use crate::delivery::{Backoff, Patience};
use crate::transform::{Raw, Reshaped, Reshaper, refuse};
use cluster::{Failure, Wanted};
use host::{Kind, SourceInstance};
use kafka::{Outgoing, SendError};
use penstock_sdk::Record;
use penstock_sdk::abi::{KIND_FLAT, KIND_NULL, KIND_TEXT};
use progress::Progress;
use std::sync::Arc;
use std::time::{Duration, Instant};
use topics::KnownTopics;

/// Runs the task until it is told to stop or fails. `report` hears of every change between running and paused.
pub fn run(spec: &Arc<TaskSpec>, report: &dyn Fn(Wanted)) -> Result<(), Failure> {
    let (key, value) = (spec.key_converter()?, spec.value_converter()?);
    let producer = (spec.producer)().map_err(|error| of_kafka("opening the producer", &error))?;
    let source = open(spec, &key, &value)?;
    let sender = Sender {
        spec,
        reshaper: Reshaper::open(spec)?,
        key,
        value,
        outbox: producer.outbox(),
        topics: KnownTopics::new(spec)?,
        key_bytes: Vec::new(),
        value_bytes: Vec::new(),
    };
    let mut runner = Runner {
        spec,
        source,
        sender,
        progress: Progress::new(spec),
        backoff: Backoff::new(BACKOFF_FIRST, BACKOFF_MAX),
    };
    let outcome = runner.turns(report);
    runner.finish(outcome.is_ok());
    outcome
}

struct Runner<'a> {
    spec: &'a Arc<TaskSpec>,
    source: SourceInstance,
    sender: Sender<'a>,
    progress: Progress,
    backoff: Backoff,
}

/// Everything that turns a record of the plugin into one of Kafka.
struct Sender<'a> {
    spec: &'a Arc<TaskSpec>,
    /// `None` when no transform is configured.
    reshaper: Option<Reshaper>,
    key: Converter,
    value: Converter,
    outbox: Outbox,
    topics: KnownTopics,
    key_bytes: Vec<u8>,
    value_bytes: Vec<u8>,
}

const BACKOFF_FIRST: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(10);
/// Records of one task on their way to the broker; more would only wait in memory.
const OUTSTANDING_MAX: usize = 50_000;

/// How long the offset store may take to tell where the source goes on.
const OFFSETS_WAIT: Duration = Duration::from_secs(30);

fn open(spec: &Arc<TaskSpec>, key: &Converter, value: &Converter) -> Result<SourceInstance, Failure> {
    // The task may have run on another worker a moment ago: what that stored last has to be known here.
    let read = async { tokio::time::timeout(OFFSETS_WAIT, spec.offset_log.read_to_end()).await };
    let read = spec.runtime.block_on(read).unwrap_or_else(|_| Err("no answer in time".into()));
    read.map_err(|reason| {
        failure("ConnectException", &format!("reading the stored offsets: {reason}"), true)
    })?;
    spec.plugin
        .open_source(&spec.open_task(key, value), spec.services())
        .map_err(|error| failure_of("opening the source", &error))
}

impl Runner<'_> {
    fn turns(&mut self, report: &dyn Fn(Wanted)) -> Result<(), Failure> {
        let mut reported = None;
        while !self.spec.control.is_stopping() {
            let wanted = self.spec.control.wanted();
            if reported != Some(wanted) {
                report(wanted);
                reported = Some(wanted);
            }
            match wanted {
                Wanted::Run => self.turn()?,
                Wanted::Pause => self.spec.control.wait_for_turn(Wanted::Pause, Duration::from_millis(200)),
            }
            self.settle()?;
        }
        Ok(())
    }

    fn turn(&mut self) -> Result<(), Failure> {
        if self.sender.outbox.outstanding() >= OUTSTANDING_MAX || !self.progress.has_room() {
            self.sender.outbox.wait(Duration::from_millis(100));
            return Ok(());
        }
        if !self.spec.control.wait_for_lease() {
            return Ok(());
        }
        let polled = match self.source.poll() {
            Ok(polled) => polled,
            Err(error) => return retry(self.spec, &mut self.backoff, &self.spec.scrubber.error(error)),
        };
        self.backoff.reset();
        let batch = self.progress.next();
        for record in polled.batch().records() {
            self.sender.send(batch, record)?;
        }
        let (is_empty, positions) = (polled.batch().is_empty(), polled.positions());
        if !is_empty || !positions.is_empty() {
            self.spec.metrics.batches.inc();
            self.progress.polled(positions);
        }
        Ok(())
    }

    /// Stores the offsets of what has arrived, and fails when something has not.
    fn settle(&mut self) -> Result<(), Failure> {
        if let Some(error) = self.sender.outbox.failure() {
            return Err(of_kafka("producing", &error));
        }
        self.progress.settle(&self.sender.outbox);
        if self.progress.is_flush_due() {
            self.flush();
        }
        Ok(())
    }

    fn flush(&mut self) {
        let stored = self.progress.flush(self.spec);
        if !stored.is_empty() {
            self.source.committed(&stored);
        }
    }

    /// Waits for what is on its way and stores where to go on.
    fn finish(&mut self, is_clean: bool) {
        let patience = if is_clean {
            self.spec.settings.delivery.offset_flush_timeout
        } else {
            Duration::from_millis(200)
        };
        let deadline = Instant::now() + patience;
        let by = self.spec.control.stop_by().map_or(deadline, |by| by.min(deadline));
        while self.sender.outbox.outstanding() > 0 && Instant::now() < by {
            self.sender.outbox.wait(Duration::from_millis(50));
        }
        if self.sender.outbox.failure().is_none() {
            self.progress.settle(&self.sender.outbox);
        }
        self.flush();
    }
}

fn retry(spec: &TaskSpec, backoff: &mut Backoff, error: &host::Error) -> Result<(), Failure> {
    let Kind::Retry { after } = error.kind else { return Err(failure_of("polling the source", error)) };
    spec.metrics.retries.inc();
    let wait = backoff.wait(after);
    tracing::warn!(reason = error.message, retry_in = ?wait, "the source is not ready");
    let _ = spec.control.wait(wait);
    Ok(())
}

impl Sender<'_> {
    fn send(&mut self, batch: u32, record: Record<'_>) -> Result<(), Failure> {
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

fn produce(spec: &TaskSpec, outbox: &Outbox, batch: u32, record: &Outgoing<'_>) -> Result<(), Failure> {
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
fn encoded<'a>(
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
