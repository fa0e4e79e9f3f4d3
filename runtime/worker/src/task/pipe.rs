//! A pipe's task: one thread polls the source and stores its offsets, another writes to the sink.
//!
//! What the source brings is laid out as if it came from a topic, and goes the way of every sink's records from there:
//! converters, transforms, bad records. Offsets are stored once the sink has answered with a receipt.
mod exchange;
mod intake;
mod write;

use super::config::{BatchLimits, TaskSpec, Upstream};
use super::source::{self, Keeper};
use crate::delivery::Backoff;
use cluster::{Failure, Wanted};
use exchange::Exchange;
use host::SourceInstance;
use intake::Intake;
use std::sync::Arc;
use std::time::Duration;

/// Runs the task until it is told to stop or fails. `report` hears of every change between running and paused.
pub fn run(spec: &Arc<TaskSpec>, upstream: &Upstream, report: &dyn Fn(Wanted)) -> Result<(), Failure> {
    let limits = BatchLimits::parse(&spec.config, &spec.plugin, spec.settings.delivery.memory_budget_bytes)?;
    let offsets = source::offsets(spec)?;
    source::await_offsets(spec, &offsets)?;
    let intake = Intake::open(spec)?;
    let exchange = Arc::new(Exchange::new(limits, spec.budget.clone()));
    let writer = write::start(spec, &exchange)?;
    // Nothing is taken from the source before the sink is known to work.
    let outcome = exchange.wait_for_sink().and_then(|()| {
        let source = source::open(spec, &upstream.opening(spec), &upstream.plugin, offsets.clone())?;
        let backoff = Backoff::default();
        let keeper = Keeper::new(spec, offsets);
        let mut runner = Runner { spec, source, intake, keeper, backoff, exchange: Arc::clone(&exchange) };
        let outcome = runner.turns(report);
        exchange.close();
        writer.wait(spec.control.stop_by());
        runner.keeper.add(exchange.durable());
        runner.flush();
        outcome
    });
    exchange.close();
    writer.leave(spec.control.stop_by());
    outcome
}

struct Runner<'a> {
    spec: &'a Arc<TaskSpec>,
    source: SourceInstance,
    intake: Intake,
    keeper: Keeper,
    backoff: Backoff,
    exchange: Arc<Exchange>,
}

/// How long it takes at most to see a stop, and to store offsets, while the sink is busy.
const ROOM_WAIT: Duration = Duration::from_millis(100);
const PAUSE_WAIT: Duration = Duration::from_millis(200);

impl Runner<'_> {
    fn turns(&mut self, report: &dyn Fn(Wanted)) -> Result<(), Failure> {
        let mut told = None;
        while let Some(wanted) = self.spec.control.next(&mut told, report) {
            match wanted {
                Wanted::Run => self.turn()?,
                Wanted::Pause => self.spec.control.wait_for_turn(Wanted::Pause, PAUSE_WAIT),
            }
            self.keeper.add(self.exchange.durable());
            if self.keeper.is_flush_due() {
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
        let positions = polled.positions();
        if polled.batch().is_empty() && positions.is_empty() {
            return Ok(());
        }
        exchange.fill(positions, |composer| {
            for record in polled.batch().records() {
                intake.take(spec, record, composer)?;
            }
            Ok(())
        })
    }

    fn flush(&mut self) {
        let stored = self.keeper.flush(self.spec);
        if !stored.is_empty() {
            self.source.committed(&stored);
        }
    }
}
