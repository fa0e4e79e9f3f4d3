//! A source's task: polls the plugin, converts, produces, and stores offsets once the broker has everything.
mod boundary;
mod exact;
mod keeper;
mod progress;
mod sender;
mod session;
mod topics;
mod transaction;

use super::config::TaskSpec;
use super::failure::{failure, failure_of, of_kafka};
use crate::delivery::Backoff;
use crate::store::SourceOffsets;
pub use boundary::Boundary;
use cluster::{Failure, Wanted};
pub use exact::Exact;
use host::{Connector, Kind, OpenTask, SourceInstance};
pub use keeper::{Keeper, append_entries, merge};
use progress::Progress;
pub use progress::{Positions, copy, entries};
use sender::Sender;
pub use sender::encoded;
pub use session::{await_last, catch_up, take_over};
use std::sync::Arc;
use std::time::{Duration, Instant};
pub use transaction::store;

/// Runs the task until it is told to stop or fails. `report` hears of every change between running and paused.
pub fn run(spec: &Arc<TaskSpec>, report: &dyn Fn(Wanted)) -> Result<(), Failure> {
    if let Some(exact) = &spec.exact {
        return exact::run(spec, exact, report);
    }
    let producer = (spec.producer)().map_err(|error| of_kafka("opening the producer", &error))?;
    let sender = Sender::open(spec, producer.outbox())?;
    let offsets = offsets(spec)?;
    await_offsets(spec, &offsets)?;
    let source = open(spec, &sender.opening(), &spec.plugin, offsets.clone())?;
    let mut runner = Runner {
        spec,
        source,
        sender,
        progress: Progress::new(spec),
        keeper: Keeper::new(spec, offsets),
        backoff: Backoff::default(),
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
    keeper: Keeper,
    backoff: Backoff,
}

/// Records of one task on their way to the broker; more would only wait in memory.
const OUTSTANDING_MAX: usize = 50_000;

/// How long the offset store may take to tell where the source goes on.
const OFFSETS_WAIT: Duration = Duration::from_secs(30);

pub fn offsets(spec: &TaskSpec) -> Result<SourceOffsets, Failure> {
    (spec.offsets)().map_err(|reason| unread(&reason))
}

/// The task may have run on another worker a moment ago: what that stored last has to be known here. Where somebody's
/// transaction stays open, what can be read has to do: records are delivered at least once.
pub fn await_offsets(spec: &TaskSpec, offsets: &SourceOffsets) -> Result<(), Failure> {
    let last = async { tokio::time::timeout(OFFSETS_WAIT, offsets.read_to_last()).await };
    if let Ok(Ok(())) = spec.runtime.block_on(last) {
        return Ok(());
    }
    let read = async { tokio::time::timeout(OFFSETS_WAIT, offsets.read_to_end()).await };
    let read = spec.runtime.block_on(read).unwrap_or_else(|_| Err("no answer in time".into()));
    read.map_err(|reason| unread(&reason))
}

fn unread(reason: &str) -> Failure {
    failure("ConnectException", &format!("reading the stored offsets: {reason}"), true)
}

/// Opens the source where these offsets say.
pub fn open(
    spec: &TaskSpec,
    task: &OpenTask<'_>,
    plugin: &Connector,
    offsets: SourceOffsets,
) -> Result<SourceInstance, Failure> {
    let opened = plugin.open_source(task, spec.services(Some(offsets)));
    opened.map_err(|error| failure_of("opening the source", &error))
}

impl Runner<'_> {
    fn turns(&mut self, report: &dyn Fn(Wanted)) -> Result<(), Failure> {
        let mut told = None;
        while let Some(wanted) = self.spec.control.next(&mut told, report) {
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
        self.progress.settle(&self.sender.outbox, &mut self.keeper);
        if self.keeper.is_flush_due() {
            self.flush();
        }
        Ok(())
    }

    fn flush(&mut self) {
        let stored = self.keeper.flush(self.spec);
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
            self.progress.settle(&self.sender.outbox, &mut self.keeper);
        }
        self.flush();
    }
}

pub fn retry(spec: &TaskSpec, backoff: &mut Backoff, error: &host::Error) -> Result<(), Failure> {
    let Kind::Retry { after } = error.kind else { return Err(failure_of("polling the source", error)) };
    spec.metrics.retries.inc();
    let wait = backoff.wait(after);
    tracing::warn!(reason = error.message, retry_in = ?wait, "the source is not ready");
    let _ = spec.control.wait(wait);
    Ok(())
}
