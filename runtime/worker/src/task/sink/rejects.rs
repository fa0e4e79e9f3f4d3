//! What happens to records that nobody could read or write: the task fails, or they are counted, logged and kept.
use super::assemble::Place;
use super::batch::Batch;
use crate::definition::Tolerance;
use crate::delivery::dead_letters::{DeadLetter, DeadLetters};
use crate::task::config::TaskSpec;
use crate::task::failure::failure;
use cluster::Failure;
use kafka::Message;

/// A record that was not delivered, and why.
#[derive(Debug)]
pub struct Reject {
    pub at: Place,
    pub stage: Stage,
    /// Who refused it, where that is not the connector itself.
    pub class: Option<&'static str>,
    pub reason: String,
}

/// Where it went wrong, in the words of Connect's dead letter headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    KeyConverter,
    ValueConverter,
    HeaderConverter,
    Transformation,
    Put,
}

impl Stage {
    pub fn name(self) -> &'static str {
        match self {
            Self::KeyConverter => "KEY_CONVERTER",
            Self::ValueConverter => "VALUE_CONVERTER",
            Self::HeaderConverter => "HEADER_CONVERTER",
            Self::Transformation => "TRANSFORMATION",
            Self::Put => "TASK_PUT",
        }
    }
}

/// The connector's way with bad records.
pub struct Rejects {
    dead_letters: Option<DeadLetters>,
}

impl Rejects {
    pub fn open(spec: &TaskSpec) -> Result<Self, Failure> {
        Ok(Self { dead_letters: DeadLetters::open(spec)? })
    }

    /// Deals with them, or fails the task. Returns only when the dead letters are durable.
    pub fn take(&mut self, spec: &TaskSpec, batch: &Batch, rejects: &[Reject]) -> Result<(), Failure> {
        let Some(first) = rejects.first() else { return Ok(()) };
        spec.metrics.rejected.inc_by(rejects.len() as u64);
        if spec.connector.errors.tolerance == Tolerance::None {
            return Err(intolerable(batch, first, rejects.len()));
        }
        for reject in rejects {
            let Some(message) = message(batch, reject.at) else { continue };
            if spec.connector.errors.log {
                log(spec, message, reject);
            }
            if let Some(letters) = &mut self.dead_letters {
                let class = reject.class.unwrap_or(&spec.connector.class);
                let letter =
                    DeadLetter { message, stage: reject.stage.name(), class, reason: &reject.reason };
                letters.send(spec, &letter)?;
            }
        }
        match &mut self.dead_letters {
            Some(letters) => letters.wait(spec),
            None => Ok(()),
        }
    }
}

fn intolerable(batch: &Batch, first: &Reject, count: usize) -> Failure {
    let place = message(batch, first.at)
        .map_or(String::new(), |m| format!("{}-{}@{}: ", m.topic(), m.partition(), m.offset()));
    // The plugin may have named the place itself already.
    let place = if first.reason.starts_with(&place) { "" } else { &place };
    let others = if count > 1 { format!(" (and {} more records)", count - 1) } else { String::new() };
    let sentence =
        format!("{place}{}{others}: set errors.tolerance=all to go on without such records", first.reason);
    failure("DataException", &sentence, true)
}

fn message(batch: &Batch, at: Place) -> Option<Message<'_>> {
    batch.parts.get(at.part)?.get(at.index)
}

fn log(spec: &TaskSpec, message: Message<'_>, reject: &Reject) {
    let (topic, partition, offset) = (message.topic(), message.partition(), message.offset());
    let (stage, reason) = (reject.stage.name(), &reject.reason);
    if spec.connector.errors.log_messages {
        let value = String::from_utf8_lossy(message.value().unwrap_or_default());
        let value: String = value.chars().take(LOGGED_MAX).collect();
        tracing::error!(topic, partition, offset, stage, %reason, value, "rejected a record");
    } else {
        tracing::error!(topic, partition, offset, stage, %reason, "rejected a record");
    }
}

/// Characters of a rejected value that a log line shows.
const LOGGED_MAX: usize = 1024;
