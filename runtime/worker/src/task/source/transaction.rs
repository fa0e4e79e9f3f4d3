//! A source's transaction: begun with its first record, ended with the offsets that belong to its records.
use super::exact::Exact;
use super::keeper::merge;
use super::progress::{Positions, entries};
use super::sender::produce;
use crate::delivery::producers::Outbox;
use crate::store::{Entry, Kept, SourceOffsets};
use crate::task::config::TaskSpec;
use crate::task::failure::{failure, of_kafka};
use cluster::Failure;
use kafka::{Confirmed, Outgoing};
use std::time::{Duration, Instant};

/// Nothing of it, or all of it, will be seen.
pub enum Transaction {
    Closed,
    Open { since: Instant, positions: Positions },
}

/// What a commit came to.
pub enum Outcome {
    /// These positions count.
    Committed(Positions),
    /// They count, and this producer must not go on.
    CommittedLast(Positions),
    /// Nobody knows. The next producer of this id puts an end to it, and the stored offsets tell.
    Unknown(kafka::Error),
}

/// What the time that is left of a stop is for, at most.
const ABORT_WAIT: Duration = Duration::from_secs(5);
const SLICE: Duration = Duration::from_millis(200);

impl Transaction {
    /// Opens it if it is not. False when that is not known to have worked: the session is over.
    pub fn begin(&mut self, outbox: &Outbox) -> Result<(), kafka::Error> {
        if matches!(self, Self::Closed) {
            outbox.producer().begin_transaction()?;
            *self = Self::Open { since: Instant::now(), positions: Positions::new() };
        }
        Ok(())
    }

    pub fn moved(&mut self, newer: Positions) {
        if let Self::Open { positions, .. } = self {
            merge(positions, newer);
        }
    }

    /// Since when it is open.
    pub fn age(&self) -> Option<Duration> {
        match self {
            Self::Closed => None,
            Self::Open { since, .. } => Some(since.elapsed()),
        }
    }

    /// Writes the offsets behind the records and commits both. `None` without an open transaction. An error is a record
    /// that could not be written: nothing of the transaction will be seen.
    pub fn commit(
        &mut self,
        spec: &TaskSpec,
        exact: &Exact,
        outbox: &Outbox,
        offsets: &SourceOffsets,
    ) -> Result<Option<Outcome>, Failure> {
        let Self::Open { positions, .. } = std::mem::replace(self, Self::Closed) else { return Ok(None) };
        let until = Instant::now() + exact.timeout;
        let go_on = || is_time(spec, until);
        let written = write_offsets(spec, outbox, offsets, &positions);
        if let Err(failure) = written.and_then(|()| await_all(outbox, &go_on)) {
            abort(spec, outbox);
            return Err(failure);
        }
        Ok(Some(match outbox.producer().commit_transaction(&go_on) {
            Ok(Confirmed::Clean) => Outcome::Committed(positions),
            Ok(Confirmed::Last) => Outcome::CommittedLast(positions),
            Err(error) => Outcome::Unknown(error),
        }))
    }

    /// Nothing of it will be seen.
    pub fn undo(&mut self, spec: &TaskSpec, outbox: &Outbox) {
        if let Self::Open { .. } = std::mem::replace(self, Self::Closed) {
            abort(spec, outbox);
        }
    }
}

fn write_offsets(
    spec: &TaskSpec,
    outbox: &Outbox,
    offsets: &SourceOffsets,
    positions: &Positions,
) -> Result<(), Failure> {
    let kept = offsets.first();
    write_entries(spec, outbox, kept, &entries(spec, kept, positions))
}

/// Stores these records alone, all or none. `Ok(Err)`: nobody knows.
pub fn store(
    spec: &TaskSpec,
    exact: &Exact,
    outbox: &Outbox,
    kept: &Kept,
    entries: &[Entry],
) -> Result<Result<Confirmed, kafka::Error>, Failure> {
    if let Err(error) = outbox.producer().begin_transaction() {
        return Ok(Err(error));
    }
    let until = Instant::now() + exact.timeout;
    let go_on = || is_time(spec, until);
    let written = write_entries(spec, outbox, kept, entries);
    if let Err(failure) = written.and_then(|()| await_all(outbox, &go_on)) {
        abort(spec, outbox);
        return Err(failure);
    }
    Ok(outbox.producer().commit_transaction(&go_on))
}

fn write_entries(spec: &TaskSpec, outbox: &Outbox, kept: &Kept, entries: &[Entry]) -> Result<(), Failure> {
    let Some(topic) = kept.log.topic() else {
        return Err(failure("ConnectException", "offsets in a transaction need a topic", false));
    };
    for entry in entries {
        let (key, value) = (Some(entry.key.as_slice()), entry.value.as_deref());
        produce(spec, outbox, 0, &Outgoing { topic, key, value, ..Outgoing::default() })?;
    }
    Ok(())
}

/// Until every record has its outcome.
fn await_all(outbox: &Outbox, go_on: &dyn Fn() -> bool) -> Result<(), Failure> {
    while outbox.outstanding() > 0 && outbox.failure().is_none() {
        if !go_on() {
            return Err(failure("ConnectException", "records got no answer in time", true));
        }
        outbox.wait_for_all(SLICE);
    }
    failure_of(outbox).map_or(Ok(()), Err)
}

/// Why records of this outbox did not arrive. What made the producer useless says more than what became of them.
pub fn failure_of(outbox: &Outbox) -> Option<Failure> {
    let error = outbox.failure()?;
    Some(of_kafka("producing", &outbox.producer().fatal().unwrap_or(error)))
}

/// What cannot be undone in time is undone by the next producer of this id, or by Kafka.
fn abort(spec: &TaskSpec, outbox: &Outbox) {
    let until = Instant::now() + ABORT_WAIT;
    if let Err(error) = outbox.producer().abort_transaction(&|| is_time(spec, until)) {
        tracing::debug!(%error, "a transaction was left to its end");
    }
}

/// A stop leaves as much time as it says.
fn is_time(spec: &TaskSpec, until: Instant) -> bool {
    let until = spec.control.stop_by().map_or(until, |by| by.min(until));
    Instant::now() < until
}
