//! Where the two threads of a pipe meet: one batch grows while another is written.
use super::draft::{Draft, Drafted};
use crate::delivery::{Budget, Reservation};
use crate::task::config::BatchLimits;
use crate::task::failure::failure;
use crate::task::source::Positions;
use cluster::Failure;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Shared by both threads.
pub struct Exchange {
    limits: BatchLimits,
    budget: Budget,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    growing: Growing,
    /// Positions of what the sink has, and nobody took yet.
    durable: Positions,
    stage: Stage,
    /// The writing thread takes no more.
    has_ended: bool,
    /// No more comes in.
    is_closed: bool,
    failure: Option<Failure>,
    /// Nobody knows what became of what was stored last, and how often something was stored before.
    unknown: Option<(kafka::Error, u64)>,
}

/// How far the writing thread is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub enum Stage {
    #[default]
    Opening,
    /// The sink is open, and plans of before are settled.
    Recovering,
    /// Records may come.
    Ready,
}

/// The batch that grows.
#[derive(Default)]
struct Growing {
    draft: Draft,
    /// When the first of it came.
    opened: Option<Instant>,
    reservation: Option<Reservation>,
}

/// A batch to be written.
pub struct Load {
    pub drafted: Drafted,
    pub reservation: Option<Reservation>,
}

/// What [`Exchange::take_within`] found.
pub enum Taken {
    Load(Load),
    /// No batch is due yet.
    Nothing,
    /// Nor will there be one.
    Closed,
}

impl Exchange {
    pub fn new(limits: BatchLimits, budget: Budget) -> Self {
        Self { limits, budget, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Waits until the writing thread is as far, or has failed. False after `time`.
    pub fn wait_for(&self, stage: Stage, time: Duration) -> Result<bool, Failure> {
        let is_waiting = |state: &mut State| state.stage < stage && !state.has_ended;
        let waited = self.changed.wait_timeout_while(self.lock(), time, is_waiting);
        let is_there = waited.unwrap_or_else(PoisonError::into_inner).0.stage >= stage;
        self.failure().map(|()| is_there)
    }

    pub fn reach(&self, stage: Stage) {
        self.change(|state| state.stage = stage);
    }

    /// Whether the batch that grows may grow on, and the worker has memory for it; waits a little if not.
    pub fn wait_for_room(&self, time: Duration) -> bool {
        let is_full = |state: &mut State| self.is_full(state) && !state.has_ended;
        let (mut state, _) = self
            .changed
            .wait_timeout_while(self.lock(), time, is_full)
            .unwrap_or_else(PoisonError::into_inner);
        if self.is_full(&mut state) {
            return false;
        }
        drop(state);
        if self.budget.has_room() {
            return true;
        }
        // Others have the memory; nobody tells when they give it back.
        std::thread::park_timeout(time);
        self.budget.has_room()
    }

    /// Adds what one poll brought. Its positions count once all of it is durable.
    pub fn fill(&self, add: impl FnOnce(&mut Draft) -> Result<(), Failure>) -> Result<(), Failure> {
        let mut state = self.lock();
        let growing = &mut state.growing;
        let before = growing.draft.bytes();
        add(&mut growing.draft)?;
        let more = growing.draft.bytes() - before;
        match &mut growing.reservation {
            Some(reservation) => reservation.grow(more),
            None => growing.reservation = Some(self.budget.reserve(more)),
        }
        growing.opened.get_or_insert_with(Instant::now);
        drop(state);
        self.changed.notify_all();
        Ok(())
    }

    /// Waits for a batch that is full or old enough; `None` once nothing more comes.
    pub fn take(&self) -> Option<Load> {
        loop {
            match self.take_within(IDLE_WAIT) {
                Taken::Load(load) => return Some(load),
                Taken::Nothing => {}
                Taken::Closed => return None,
            }
        }
    }

    /// As [`Self::take`], no longer than `time`.
    pub fn take_within(&self, time: Duration) -> Taken {
        let mut state = self.lock();
        let until = Instant::now() + time;
        loop {
            let age = state.growing.opened.map(|opened| opened.elapsed());
            let is_due = age.is_some_and(|age| age >= self.limits.age) || self.is_full(&mut state);
            if age.is_some() && (is_due || state.is_closed) {
                let Growing { draft, opened, reservation } = &mut state.growing;
                *opened = None;
                let load = Load { drafted: draft.finish(), reservation: reservation.take() };
                drop(state);
                self.changed.notify_all();
                return Taken::Load(load);
            }
            if state.is_closed {
                return Taken::Closed;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Taken::Nothing;
            }
            let time = age.map_or(left, |age| self.limits.age.saturating_sub(age).min(left));
            let waited = self.changed.wait_timeout(state, time);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub fn written(&self, positions: Positions) {
        self.change(|state| crate::task::source::merge(&mut state.durable, positions));
    }

    /// Positions that may be stored, each told once.
    pub fn durable(&self) -> Positions {
        std::mem::take(&mut self.lock().durable)
    }

    /// What is there is written yet, and nothing more comes.
    pub fn close(&self) {
        self.change(|state| state.is_closed = true);
    }

    pub fn fail(&self, failure: Failure) {
        self.change(|state| state.failure = Some(failure));
    }

    /// The writing thread ends, and another has to look what it left.
    pub fn end_unknown(&self, error: kafka::Error, pages: u64) {
        self.change(|state| state.unknown = Some((error, pages)));
    }

    pub fn unknown(&self) -> Option<(kafka::Error, u64)> {
        self.lock().unknown.take()
    }

    /// The failure of the writing thread.
    pub fn failure(&self) -> Result<(), Failure> {
        let mut state = self.lock();
        match state.failure.take() {
            Some(failure) => Err(failure),
            None if state.has_ended && !state.is_closed => {
                Err(failure("ConnectException", "the writing thread ended", true))
            }
            None => Ok(()),
        }
    }

    /// Tells the other thread, however the one that holds this ends.
    pub fn ended_on_drop(&self) -> Ended<'_> {
        Ended(self)
    }

    fn is_full(&self, state: &mut State) -> bool {
        let draft = &state.growing.draft;
        draft.rows() >= self.limits.rows || draft.bytes() >= self.limits.bytes || draft.has_large_plan()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An idle thread looks around this often; changes wake it earlier.
const IDLE_WAIT: Duration = Duration::from_secs(60);

/// The mark of [`Exchange::ended_on_drop`].
pub struct Ended<'a>(&'a Exchange);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.change(|state| state.has_ended = true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka::OwnRecord;
    use penstock_sdk::Fields;
    use std::sync::Arc;

    const HOUR: Duration = Duration::from_secs(3600);

    fn exchange(rows: usize, age: Duration) -> Exchange {
        Exchange::new(BatchLimits { rows, bytes: 1 << 20, age }, Budget::new(1 << 20))
    }

    fn at(offset: i64) -> Positions {
        vec![(Fields::new().with("p", "x"), Fields::new().with("at", offset))]
    }

    fn fill(exchange: &Exchange, records: usize, offset: i64) {
        let record =
            OwnRecord { topic: "t", partition: 0, offset, timestamp_ms: None, key: None, value: Some(b"v") };
        let add = |draft: &mut Draft| {
            (0..records).for_each(|_| draft.composer().push(&record, std::iter::empty()));
            draft.reach(at(offset), None);
            Ok(())
        };
        exchange.fill(add).unwrap();
    }

    #[test]
    fn a_batch_is_taken_when_it_is_full_and_has_its_newest_positions() {
        let exchange = exchange(3, HOUR);
        fill(&exchange, 2, 2);
        assert!(exchange.wait_for_room(Duration::ZERO));
        fill(&exchange, 2, 4);
        assert!(!exchange.wait_for_room(Duration::ZERO));
        let load = exchange.take().unwrap();
        assert_eq!((load.drafted.messages.len(), load.drafted.positions()), (4, at(4)));
        assert!(exchange.wait_for_room(Duration::ZERO));
        assert!(exchange.durable().is_empty());
        exchange.written(load.drafted.positions());
        assert_eq!(exchange.durable(), at(4));
        assert!(exchange.durable().is_empty());
    }

    #[test]
    fn what_is_there_is_taken_at_its_age_and_at_the_end() {
        let aged = exchange(1_000, Duration::from_millis(1));
        fill(&aged, 1, 1);
        assert_eq!(aged.take().unwrap().drafted.messages.len(), 1);
        let closed = exchange(1_000, HOUR);
        fill(&closed, 1, 1);
        // A source may have gone on without bringing anything.
        fill(&closed, 0, 7);
        closed.close();
        assert_eq!(closed.take().unwrap().drafted.positions(), at(7));
        assert!(closed.take().is_none());
    }

    #[test]
    fn memory_that_others_have_stops_the_source() {
        let exchange = exchange(1_000, HOUR);
        let others = exchange.budget.reserve(1 << 20);
        assert!(!exchange.wait_for_room(Duration::ZERO));
        drop(others);
        assert!(exchange.wait_for_room(Duration::ZERO));
        fill(&exchange, 10, 1);
        exchange.close();
        let held = exchange.take().unwrap();
        let rest = exchange.budget.reserve((1 << 20) - 10);
        assert!(!exchange.wait_for_room(Duration::ZERO), "the batch in hand counts");
        drop(held);
        assert!(exchange.wait_for_room(Duration::ZERO));
        drop(rest);
    }

    #[test]
    fn whoever_has_something_else_to_do_waits_no_longer_than_it_wants() {
        let exchange = exchange(2, HOUR);
        fill(&exchange, 1, 1);
        assert!(matches!(exchange.take_within(Duration::from_millis(1)), Taken::Nothing));
        assert!(!exchange.wait_for(Stage::Ready, Duration::ZERO).unwrap());
        exchange.reach(Stage::Recovering);
        assert!(exchange.wait_for(Stage::Recovering, HOUR).unwrap());
        assert!(!exchange.wait_for(Stage::Ready, Duration::ZERO).unwrap());
        fill(&exchange, 1, 2);
        assert!(matches!(exchange.take_within(HOUR), Taken::Load(_)));
        exchange.close();
        assert!(matches!(exchange.take_within(HOUR), Taken::Closed));
    }

    #[test]
    fn the_other_thread_hears_of_a_failure_and_of_an_end() {
        let shared = Arc::new(exchange(1, HOUR));
        let writing = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let _ended = writing.ended_on_drop();
            writing.fail(failure("DataException", "no", true));
        });
        let heard =
            shared.wait_for(Stage::Ready, HOUR).err().map(|failure| failure.trace).unwrap_or_default();
        thread.join().unwrap();
        assert!(heard.contains("no"), "{heard}");
        let ended = shared.failure().unwrap_err();
        assert!(ended.trace.contains("the writing thread ended"), "{}", ended.trace);
        shared.close();
        assert!(shared.failure().is_ok());
    }
}
