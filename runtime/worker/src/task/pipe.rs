//! A pipe's task: one thread polls the source, another writes to the sink.
//!
//! What the source brings is laid out as if it came from a topic, and goes the way of every sink's records from there:
//! converters, transforms, bad records. Offsets are stored once the sink has answered with a receipt.
mod book;
mod draft;
mod exact;
mod exchange;
mod intake;
mod plan;
mod recover;
mod replay;
mod write;

use super::config::{BatchLimits, TaskSpec, Upstream};
use super::source::{self, Keeper};
use crate::delivery::Backoff;
use crate::store::SourceOffsets;
pub use book::marks_of;
use cluster::{Failure, Wanted};
use exchange::{Exchange, Stage};
use host::SourceInstance;
pub use intake::Intake;
use std::sync::Arc;
use std::time::Duration;

/// Runs the task until it is told to stop or fails. `report` hears of every change between running and paused.
pub fn run(spec: &Arc<TaskSpec>, upstream: &Upstream, report: &dyn Fn(Wanted)) -> Result<(), Failure> {
    if upstream.planning.is_some() {
        return exact::run(spec, upstream, report);
    }
    let offsets = source::offsets(spec)?;
    source::await_offsets(spec, &offsets)?;
    book::call_off(spec, upstream.tasks, &offsets)?;
    let exchange = open_exchange(spec)?;
    let writer = write::start(spec, &exchange, write::write_all)?;
    let outcome = wait_for_sink(&exchange).and_then(|()| {
        let keeper = Keeper::new(spec, offsets.clone());
        let mut runner = Runner::open(spec, upstream, &exchange, (offsets, Some(keeper)))?;
        let outcome = runner.turns(&mut None, report);
        exchange.close();
        writer.wait(spec.control.stop_by());
        runner.take_durable();
        runner.flush();
        outcome
    });
    exchange.close();
    writer.leave(spec.control.stop_by());
    outcome
}

fn open_exchange(spec: &TaskSpec) -> Result<Arc<Exchange>, Failure> {
    let limits = BatchLimits::parse(&spec.config, &spec.plugin, spec.settings.delivery.memory_budget_bytes)?;
    Ok(Arc::new(Exchange::new(limits, spec.budget.clone())))
}

/// Nothing is taken from the source before the sink is known to work.
fn wait_for_sink(exchange: &Exchange) -> Result<(), Failure> {
    while !exchange.wait_for(Stage::Ready, OPEN_WAIT)? {}
    Ok(())
}

/// The polling thread, once records may come.
struct Runner<'a> {
    spec: &'a Arc<TaskSpec>,
    source: SourceInstance,
    intake: Intake,
    /// None where the writing thread stores positions, with its plans.
    keeper: Option<Keeper>,
    backoff: Backoff,
    exchange: &'a Exchange,
}

/// Looks around this often; changes wake it earlier.
const OPEN_WAIT: Duration = Duration::from_secs(60);
/// How long it takes at most to see a stop, and to store offsets, while the sink is busy.
const ROOM_WAIT: Duration = Duration::from_millis(100);
const PAUSE_WAIT: Duration = Duration::from_millis(200);

impl<'a> Runner<'a> {
    fn open(
        spec: &'a Arc<TaskSpec>,
        upstream: &Upstream,
        exchange: &'a Exchange,
        (offsets, keeper): (SourceOffsets, Option<Keeper>),
    ) -> Result<Self, Failure> {
        let intake = Intake::open(spec)?;
        let source = source::open(spec, &upstream.opening(spec), &upstream.plugin, offsets)?;
        Ok(Self { spec, source, intake, keeper, backoff: Backoff::default(), exchange })
    }

    fn turns(&mut self, told: &mut Option<Wanted>, report: &dyn Fn(Wanted)) -> Result<(), Failure> {
        while let Some(wanted) = self.spec.control.next(told, report) {
            match wanted {
                Wanted::Run => self.turn()?,
                Wanted::Pause => self.spec.control.wait_for_turn(Wanted::Pause, PAUSE_WAIT),
            }
            self.take_durable();
            if self.keeper.as_ref().is_some_and(Keeper::is_flush_due) {
                self.flush();
            }
            self.exchange.failure()?;
        }
        Ok(())
    }

    fn turn(&mut self) -> Result<(), Failure> {
        if !self.exchange.wait_for_room(ROOM_WAIT) || !self.spec.control.wait_for_lease() {
            return Ok(());
        }
        let Self { spec, source, intake, exchange, .. } = self;
        let polled = match source.poll() {
            Ok(polled) => polled,
            Err(error) => {
                return source::retry(spec, &mut self.backoff, &spec.scrubber.error(error));
            }
        };
        self.backoff.reset();
        if polled.batch().is_empty() && polled.positions().is_empty() {
            return Ok(());
        }
        let is_planned = self.keeper.is_none();
        exchange.fill(|draft| draft.take(spec, intake, &polled, is_planned))
    }

    fn take_durable(&mut self) {
        let durable = self.exchange.durable();
        match &mut self.keeper {
            Some(keeper) => keeper.add(durable),
            None if durable.is_empty() => {}
            None => self.source.committed(&durable),
        }
    }

    fn flush(&mut self) {
        let stored = self.keeper.as_mut().map(|keeper| keeper.flush(self.spec)).unwrap_or_default();
        if !stored.is_empty() {
            self.source.committed(&stored);
        }
    }
}
