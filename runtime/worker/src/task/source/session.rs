//! One producer's time in a source's task: takes the id over, finds the offsets, polls and commits.
use super::exact::Exact;
use super::keeper::merge;
use super::progress::{Positions, copy};
use super::sender::Sender;
use super::transaction::{Outcome, Transaction, failure_of};
use super::{OUTSTANDING_MAX, offsets, open, retry, unread};
use crate::delivery::Backoff;
use crate::delivery::producers::{self, Outbox};
use crate::store::SourceOffsets;
use crate::task::config::TaskSpec;
use crate::task::failure::{failure, of_kafka};
use cluster::{Failure, Wanted};
use host::SourceInstance;
use penstock_sdk::{Batch, Fields};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub struct Session<'a> {
    spec: &'a Arc<TaskSpec>,
    exact: &'a Exact,
    source: SourceInstance,
    sender: Sender<'a>,
    offsets: SourceOffsets,
    transaction: Transaction,
    backoff: Backoff,
    commits: u64,
    delivered: u64,
    copies: Copies,
}

/// How a session ended.
pub enum End {
    Stopped,
    Failed(Failure),
    /// All is committed, and the producer must not go on.
    Broken,
    /// What became of the last transaction is not known.
    Unknown(kafka::Error),
}

/// Positions that count, on their way to the worker's own log.
struct Copies {
    positions: Positions,
    due: Instant,
}

const COPY_EVERY: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_millis(200);
/// Beyond what Kafka gives a transaction: as long as one of another task may hold readers back.
const HANGING_MAX: Duration = Duration::from_secs(30);

impl<'a> Session<'a> {
    /// `None` when the task is to stop. The order of the steps is what makes it safe: whoever was before can commit
    /// nothing any more, then it is certain that this task is still wanted here, then the offsets are read.
    pub fn open(spec: &'a Arc<TaskSpec>, exact: &'a Exact) -> Result<Option<Self>, Failure> {
        if !spec.control.wait_for_lease() {
            return Ok(None);
        }
        let shared = producers::Shared::open(exact.client.clone());
        let shared = shared.map_err(|error| of_kafka("opening the producer", &error))?;
        let sender = Sender::open(spec, shared.outbox())?;
        if !take_over(spec, exact, &sender.outbox)? || !catch_up(spec, exact)? {
            return Ok(None);
        }
        let offsets = offsets(spec)?;
        if !await_last(spec, exact, &offsets)? {
            return Ok(None);
        }
        let source = open(spec, &sender.opening(), &spec.plugin, offsets.clone())?;
        Ok(Some(Self {
            spec,
            exact,
            source,
            sender,
            offsets,
            transaction: Transaction::Closed,
            backoff: Backoff::default(),
            commits: 0,
            delivered: 0,
            copies: Copies { positions: Positions::new(), due: Instant::now() + COPY_EVERY },
        }))
    }

    /// Transactions that were committed.
    pub fn commits(&self) -> u64 {
        self.commits
    }

    pub fn turns(&mut self, report: &dyn Fn(Wanted)) -> End {
        let end = self.turn_by_turn(report).unwrap_or_else(|end| end);
        if !matches!(end, End::Unknown(_)) {
            self.transaction.undo(self.spec, &self.sender.outbox);
        }
        self.copy();
        end
    }

    fn turn_by_turn(&mut self, report: &dyn Fn(Wanted)) -> Result<End, End> {
        let mut told = None;
        while let Some(wanted) = self.spec.control.next(&mut told, report) {
            match wanted {
                Wanted::Run => self.turn()?,
                Wanted::Pause => {
                    self.commit()?;
                    self.spec.control.wait_for_turn(Wanted::Pause, PAUSE_MAX);
                }
            }
            if let Some(failure) = failure_of(&self.sender.outbox) {
                return Err(End::Failed(failure));
            }
            if self.transaction.age().is_some_and(|age| self.exact.boundary.is_due(age)) {
                self.commit()?;
            }
            if Instant::now() >= self.copies.due {
                self.copy();
            }
        }
        self.commit()?;
        Ok(End::Stopped)
    }

    fn turn(&mut self) -> Result<(), End> {
        if self.sender.outbox.outstanding() >= OUTSTANDING_MAX {
            self.sender.outbox.wait(PAUSE_MAX);
            return Ok(());
        }
        if !self.spec.control.wait_for_lease() {
            return Ok(());
        }
        let polled = match self.source.poll() {
            Ok(polled) => polled,
            Err(error) => {
                let error = self.spec.scrubber.error(error);
                if matches!(error.kind, host::Kind::Retry { .. }) {
                    // The wait may be long, and what was polled before is complete.
                    self.commit()?;
                }
                return retry(self.spec, &mut self.backoff, &error).map_err(End::Failed);
            }
        };
        self.backoff.reset();
        let (batch, positions) = (polled.batch(), polled.positions());
        if !batch.is_empty() || !positions.is_empty() {
            take(self.spec, &mut self.sender, &mut self.transaction, (&batch, positions))?;
        }
        Ok(())
    }

    /// The plugin hears of it only once it is committed.
    fn commit(&mut self) -> Result<(), End> {
        let Self { spec, exact, sender, offsets, transaction, .. } = self;
        let outcome = transaction.commit(spec, exact, &sender.outbox, offsets).map_err(End::Failed)?;
        let (positions, end) = match outcome {
            None => return Ok(()),
            Some(Outcome::Committed(positions)) => (positions, None),
            Some(Outcome::CommittedLast(positions)) => (positions, Some(End::Broken)),
            Some(Outcome::Unknown(error)) => return Err(End::Unknown(error)),
        };
        self.commits += 1;
        self.spec.metrics.commits.inc();
        let delivered = self.sender.outbox.delivered();
        let records = (delivered - self.delivered).saturating_sub(positions.len() as u64);
        self.spec.metrics.records_out.inc_by(records);
        self.delivered = delivered;
        if !positions.is_empty() {
            self.source.committed(&positions);
        }
        merge(&mut self.copies.positions, positions);
        end.map_or(Ok(()), Err)
    }

    fn copy(&mut self) {
        self.copies.due = Instant::now() + COPY_EVERY;
        let positions = std::mem::take(&mut self.copies.positions);
        if !positions.is_empty() {
            copy(self.spec, &self.offsets, &positions);
        }
    }
}

/// A whole poll belongs to one transaction.
fn take(
    spec: &TaskSpec,
    sender: &mut Sender<'_>,
    transaction: &mut Transaction,
    (batch, positions): (&Batch<'_>, Vec<(Fields, Fields)>),
) -> Result<(), End> {
    transaction.begin(&sender.outbox).map_err(End::Unknown)?;
    for record in batch.records() {
        let sent = sender.send(0, record);
        // What made the whole transaction fail says more than that this record is not taken any more.
        sent.map_err(|failure| End::Failed(failure_of(&sender.outbox).unwrap_or(failure)))?;
    }
    spec.metrics.batches.inc();
    transaction.moved(positions);
    Ok(())
}

/// Ends whatever the former producer of this task left open, and shuts it out. False when the task is to stop.
pub fn take_over(spec: &TaskSpec, exact: &Exact, outbox: &Outbox) -> Result<bool, Failure> {
    let until = Instant::now() + exact.timeout;
    let go_on = || !spec.control.is_stopping() && Instant::now() < until;
    let taken = outbox.producer().take_over(&go_on);
    if spec.control.is_stopping() {
        return Ok(false);
    }
    taken.map_err(|error| of_kafka("opening the producer", &error))?;
    Ok(true)
}

/// Makes certain that the task is still wanted here. False when it is to stop.
pub fn catch_up(spec: &TaskSpec, exact: &Exact) -> Result<bool, Failure> {
    let unread =
        |reason: String| failure("ConnectException", &format!("reading the config log: {reason}"), true);
    (exact.catch_up)().map_err(unread)?;
    Ok(spec.control.wait_for_lease())
}

/// Offsets of this task's last producer may stand behind a transaction of another task, which has to end first.
/// False when the task is to stop.
pub fn await_last(spec: &TaskSpec, exact: &Exact, offsets: &SourceOffsets) -> Result<bool, Failure> {
    let until = Instant::now() + exact.timeout + HANGING_MAX;
    loop {
        let read = async { tokio::time::timeout(READ_SLICE, offsets.read_to_last()).await };
        let read = spec.runtime.block_on(read).unwrap_or_else(|_| Err("a transaction stays open".into()));
        match read {
            Ok(()) => return Ok(!spec.control.is_stopping()),
            Err(_) if spec.control.is_stopping() => return Ok(false),
            Err(reason) if Instant::now() >= until => return Err(unread(&reason)),
            Err(reason) => tracing::debug!(reason, "the stored offsets cannot be read to their end yet"),
        }
        if spec.control.wait(PAUSE_MAX) {
            return Ok(false);
        }
    }
}

const READ_SLICE: Duration = Duration::from_secs(5);
