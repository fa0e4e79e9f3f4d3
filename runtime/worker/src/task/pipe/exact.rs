//! A pipe's task that delivers exactly once: each batch is planned in the offset store before it is written.
use super::book::{Book, Trouble};
use super::exchange::{Exchange, Load, Stage, Taken};
use super::plan::{Busy, Ledger};
use super::recover::Recovery;
use super::write::{deliver, start};
use super::{Runner, open_exchange};
use crate::delivery::Backoff;
use crate::task::config::{Planning, TaskSpec, Upstream};
use crate::task::failure::{failure, of_kafka};
use crate::task::sink::{Delivery, Planned, new_id, now_ms, open_delivery};
use crate::task::source;
use cluster::{Failure, Wanted};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Sessions in a row that end without having stored anything, and without a reason of their own.
const UNKNOWN_MAX: u32 = 5;
/// How long it takes at most to see a stop before records may come.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A session ends when nobody knows what became of what was stored: the next one reads the store and believes it.
pub fn run(spec: &Arc<TaskSpec>, upstream: &Upstream, report: &dyn Fn(Wanted)) -> Result<(), Failure> {
    let outcome = sessions(spec, upstream, report);
    // A writing thread that was left behind must not write or store beside the task that comes after this one.
    spec.control.withdraw();
    outcome
}

fn sessions(spec: &Arc<TaskSpec>, upstream: &Upstream, report: &dyn Fn(Wanted)) -> Result<(), Failure> {
    let (mut backoff, mut unknown) = (Backoff::default(), 0);
    loop {
        let exchange = open_exchange(spec)?;
        let writer = start(spec, &exchange, write_all)?;
        let outcome = session(spec, upstream, &exchange, report);
        exchange.close();
        writer.leave(spec.control.stop_by());
        let Some((error, pages)) = exchange.unknown() else { return outcome };
        unknown = if pages > 0 { 1 } else { unknown + 1 };
        if unknown > UNKNOWN_MAX {
            return Err(of_kafka("storing a plan", &error));
        }
        spec.metrics.commit_failures.inc();
        tracing::warn!(reason = error.message, "it is not known whether a plan was stored, looking");
        if pages > 0 {
            backoff.reset();
        }
        if spec.control.wait(backoff.wait(None)) {
            return Ok(());
        }
    }
}

/// The polling thread's part.
fn session(
    spec: &Arc<TaskSpec>,
    upstream: &Upstream,
    exchange: &Exchange,
    report: &dyn Fn(Wanted),
) -> Result<(), Failure> {
    let mut told = None;
    while !exchange.wait_for(Stage::Ready, LOOK_EVERY)? {
        if spec.control.is_stopping() {
            return Ok(());
        }
        if exchange.wait_for(Stage::Recovering, Duration::ZERO)? {
            spec.control.next(&mut told, report);
        }
    }
    let mut runner = Runner::open(spec, upstream, exchange, (source::offsets(spec)?, None))?;
    runner.turns(&mut told, report)
}

/// The writing thread's part.
fn write_all(spec: &Arc<TaskSpec>, exchange: &Exchange) {
    let Some(upstream) = &spec.upstream else { return };
    let Some(planning) = &upstream.planning else { return };
    let mut pages = 0;
    let outcome = write(spec, (upstream, planning), exchange, &mut pages);
    match outcome {
        Ok(()) => {}
        Err(Trouble::Failed(failure)) => exchange.fail(failure),
        Err(Trouble::Unknown(error)) => exchange.end_unknown(error, pages),
    }
}

fn write(
    spec: &Arc<TaskSpec>,
    (upstream, planning): (&Upstream, &Planning),
    exchange: &Exchange,
    pages: &mut u64,
) -> Result<(), Trouble> {
    let mut delivery = open_delivery(spec)?;
    exchange.reach(Stage::Recovering);
    // Whoever pauses a connector wants nothing written.
    let mut told = None;
    while spec.control.next(&mut told, &|_| {}) == Some(Wanted::Pause) {
        spec.control.wait_for_turn(Wanted::Pause, LOOK_EVERY);
    }
    let offsets = source::offsets(spec)?;
    let Some(mut book) = Book::open(spec, planning, offsets)? else { return Ok(()) };
    let recovery = Recovery { spec, upstream, planning, delivery: &mut delivery, book: &mut book };
    let Some(ledger) = recovery.run()? else { return Ok(()) };
    exchange.reach(Stage::Ready);
    let flush_every = spec.settings.delivery.offset_flush_interval.min(FLUSH_EVERY);
    let mut writing = Writing { spec, exchange, book, ledger, delivery, flush_every };
    let outcome = writing.turns();
    *pages = writing.book.pages();
    writing.book.copy();
    outcome
}

struct Writing<'a> {
    spec: &'a Arc<TaskSpec>,
    exchange: &'a Exchange,
    book: Book<'a>,
    ledger: Ledger,
    delivery: Delivery,
    flush_every: Duration,
}

/// Positions that no next plan carries are stored by themselves after this time.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

impl Writing<'_> {
    fn turns(&mut self) -> Result<(), Trouble> {
        let mut flush_at = Instant::now() + self.flush_every;
        loop {
            match self.exchange.take_within(flush_at.saturating_duration_since(Instant::now())) {
                Taken::Load(load) => {
                    if !self.write(load)? {
                        return Ok(());
                    }
                }
                Taken::Nothing => {
                    self.flush()?;
                    flush_at = Instant::now() + self.flush_every;
                }
                Taken::Closed => return self.flush(),
            }
        }
    }

    fn flush(&mut self) -> Result<(), Trouble> {
        if self.ledger.is_behind() { self.store() } else { Ok(()) }
    }

    fn store(&mut self) -> Result<(), Trouble> {
        let (positions, mark) = self.ledger.page();
        self.book.store(positions, &[(self.spec.id.task, Some(&mark))])?;
        self.exchange.written(self.ledger.stored());
        Ok(())
    }

    /// False when the task is to stop.
    fn write(&mut self, load: Load) -> Result<bool, Trouble> {
        if !self.spec.control.wait_for_lease() {
            return Ok(false);
        }
        let Load { drafted, reservation } = load;
        let (moved, book) = (drafted.moved.clone(), &self.book);
        let stored = |partition: &penstock_sdk::Fields| book.position(partition);
        let plan = match self.ledger.plan((new_id()?, now_ms()), moved, stored) {
            Ok(Some(plan)) => plan,
            Ok(None) => return Ok(true),
            Err(Busy) => {
                return Err(failure(
                    "ConnectException",
                    "a plan was made before the one before was settled",
                    true,
                )
                .into());
            }
        };
        // Nothing is written that the store does not know of.
        self.store()?;
        let token = plan.token();
        let planned = Planned { token: &token, age_ms: plan.age_ms(now_ms()), is_found: false };
        let messages = drafted.arranged(&plan, self.spec.id.task);
        deliver(self.spec, &mut self.delivery, (messages, reservation), Some(planned))?;
        self.ledger.settle();
        Ok(true)
    }
}
