//! How long a worker may take itself for a member without hearing from Kafka, and what it told about it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::Event;
use crate::Error;

/// Whether a worker's place in the cluster is its own at this moment. Cheap to clone and to ask.
///
/// It ends by itself, whatever Kafka or this process's other threads do; the clock goes on while the process is
/// frozen.
#[derive(Clone, Debug)]
pub struct Lease {
    /// Nanoseconds after `start`; none for a worker that needs nobody.
    ends: Option<Arc<AtomicU64>>,
    start: Instant,
}

impl Lease {
    pub(super) fn unlimited() -> Self {
        Self { ends: None, start: Instant::now() }
    }

    fn new() -> Self {
        Self { ends: Some(Arc::new(AtomicU64::new(0))), start: Instant::now() }
    }

    pub fn is_valid(&self) -> bool {
        match &self.ends {
            Some(ends) => nanos(self.start.elapsed()) < ends.load(Ordering::Acquire),
            None => true,
        }
    }

    fn set(&self, until: Option<Instant>) {
        if let Some(ends) = &self.ends {
            let end = until.map_or(0, |until| nanos(until.saturating_duration_since(self.start)));
            ends.store(end, Ordering::Release);
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A worker's place as it was told to the worker. Shared by the thread that keeps it and the one that watches it
/// run out.
pub(super) struct Standing {
    lease: Lease,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    until: Option<Instant>,
    /// The last `Joined` since the last `Lost`.
    told: Option<Event>,
    /// Not taken by the channel yet, in this order.
    lost_waits: bool,
    joined_waits: Option<Event>,
    /// None when it is over for good.
    events: Option<mpsc::Sender<Event>>,
    failure: Option<Error>,
}

impl Standing {
    pub(super) fn new(events: mpsc::Sender<Event>) -> Self {
        let state = State {
            until: None,
            told: None,
            lost_waits: false,
            joined_waits: None,
            events: Some(events),
            failure: None,
        };
        Self { lease: Lease::new(), state: Mutex::new(state), changed: Condvar::new() }
    }

    pub(super) fn lease(&self) -> Lease {
        self.lease.clone()
    }

    pub(super) fn failure(&self) -> Option<Error> {
        self.lock().failure.clone()
    }

    /// Kafka answered: the place is this worker's until then, unless that is over already.
    pub(super) fn renew(&self, until: Instant, now: Instant) {
        let mut state = self.lock();
        self.expire(&mut state, now);
        if state.events.is_some() && until > now && state.until.is_none_or(|old| old < until) {
            state.until = Some(until);
            self.lease.set(Some(until));
            self.changed.notify_all();
        }
    }

    /// As `renew`, but only while the place is held: this is not enough to come back by.
    pub(super) fn extend(&self, until: Instant, now: Instant) {
        let is_held = {
            let mut state = self.lock();
            self.expire(&mut state, now);
            state.until.is_some()
        };
        if is_held {
            self.renew(until, now);
        }
    }

    pub(super) fn is_held(&self, now: Instant) -> bool {
        self.lock().until.is_some_and(|until| now < until)
    }

    /// Tells the worker where it stands, when that is news and the place is held.
    pub(super) fn tell(&self, joined: &Event, now: Instant) {
        let mut state = self.lock();
        self.expire(&mut state, now);
        if state.until.is_some() && state.told.as_ref() != Some(joined) {
            state.told = Some(joined.clone());
            state.joined_waits = Some(joined.clone());
        }
        state.flush();
    }

    /// The place is gone.
    pub(super) fn lose(&self, reason: &str) {
        self.lose_locked(&mut self.lock(), reason);
    }

    /// It is over, by the worker's will or for a reason that a person has to know.
    pub(super) fn end(&self, failure: Option<Error>) {
        let mut state = self.lock();
        let reason = failure.as_ref().map_or("the worker leaves", |error| error.message.as_str());
        if failure.is_none() {
            // Nobody needs to be told of what was asked for.
            state.told = None;
        }
        self.lose_locked(&mut state, reason);
        state.failure = state.failure.take().or(failure);
        state.events = None;
        self.changed.notify_all();
    }

    /// Returns when it is over for good; until then, whatever else hangs, says so when the lease runs out.
    pub(super) fn watch(&self) {
        let mut state = self.lock();
        while state.events.is_some() {
            let now = Instant::now();
            self.expire(&mut state, now);
            state.flush();
            state = match state.wait_for(now) {
                Some(wait) => {
                    self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn expire(&self, state: &mut State, now: Instant) {
        if state.until.is_some_and(|until| now >= until) {
            self.lose_locked(state, "Kafka did not answer in time");
        }
    }

    fn lose_locked(&self, state: &mut State, reason: &str) {
        self.lease.set(None);
        state.until = None;
        state.joined_waits = None;
        if state.told.take().is_some() {
            tracing::warn!(reason, "out of the cluster");
            state.lost_waits = true;
        }
        state.flush();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each lock guards one change, so a thread that panicked leaves a consistent state behind.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A worker that does not take its events finds the newest ones later.
    fn flush(&mut self) {
        let Some(events) = &self.events else { return };
        if self.lost_waits && events.try_send(Event::Lost).is_ok() {
            self.lost_waits = false;
        }
        if !self.lost_waits
            && let Some(joined) = self.joined_waits.take()
            && let Err(mpsc::error::TrySendError::Full(joined)) = events.try_send(joined)
        {
            self.joined_waits = Some(joined);
        }
    }

    /// Until something has to be done; none: until something changes.
    fn wait_for(&self, now: Instant) -> Option<Duration> {
        if self.lost_waits || self.joined_waits.is_some() {
            return Some(Duration::from_millis(50));
        }
        self.until.map(|until| until.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Member;

    fn joined(generation: i32) -> Event {
        Event::Joined { generation, leader: true, members: vec![Member { id: "a".into() }] }
    }

    fn standing(room: usize) -> (Standing, mpsc::Receiver<Event>) {
        let (sender, events) = mpsc::channel(room);
        (Standing::new(sender), events)
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_lease_ends_by_itself_and_says_so_first() {
        let ((standing, mut events), now) = (standing(8), Instant::now());
        standing.renew(now + SECOND, now);
        standing.tell(&joined(1), now);
        // The next answer comes too late: the worker was out in between.
        let late = now + SECOND;
        standing.renew(late + SECOND, late);
        standing.tell(&joined(1), late);
        let told: Vec<Event> = std::iter::from_fn(|| events.try_recv().ok()).collect();
        assert_eq!(told, [joined(1), Event::Lost, joined(1)]);
    }

    #[test]
    fn nothing_is_told_without_a_lease_nor_twice() {
        let ((standing, mut events), now) = (standing(8), Instant::now());
        standing.tell(&joined(1), now);
        standing.extend(now + SECOND, now);
        standing.tell(&joined(1), now);
        assert!(events.try_recv().is_err() && !standing.lease().is_valid());
        standing.renew(now + 60 * SECOND, now);
        standing.tell(&joined(1), now);
        standing.tell(&joined(1), now);
        assert_eq!(events.try_recv(), Ok(joined(1)));
        assert!(events.try_recv().is_err() && standing.lease().is_valid());
        standing.lose("test");
        standing.lose("test");
        assert_eq!(events.try_recv(), Ok(Event::Lost));
        assert!(events.try_recv().is_err() && !standing.lease().is_valid());
    }

    #[test]
    fn an_answer_to_an_older_question_does_not_shorten_a_lease() {
        let ((standing, _events), now) = (standing(8), Instant::now());
        standing.renew(now + 60 * SECOND, now);
        standing.renew(now + SECOND, now);
        assert!(standing.is_held(now + 59 * SECOND));
        // Nor does an answer from before a freeze make a new one.
        standing.lose("test");
        standing.renew(now, now + SECOND);
        assert!(!standing.is_held(now));
    }

    #[test]
    fn a_worker_that_does_not_listen_hears_the_newest_in_order() {
        let ((standing, mut events), now) = (standing(1), Instant::now());
        standing.renew(now + 60 * SECOND, now);
        standing.tell(&joined(1), now);
        standing.tell(&joined(2), now);
        standing.lose("test");
        standing.renew(now + 60 * SECOND, now);
        standing.tell(&joined(3), now);
        let mut told = Vec::new();
        while let Ok(event) = events.try_recv() {
            told.push(event);
            standing.tell(&joined(3), now);
        }
        assert_eq!(told, [joined(1), Event::Lost, joined(3)]);
    }

    #[test]
    fn the_watch_tells_while_every_other_thread_hangs() {
        let (standing, mut events) = standing(8);
        let (standing, now) = (Arc::new(standing), Instant::now());
        let watching = Arc::clone(&standing);
        let watch = std::thread::spawn(move || watching.watch());
        standing.renew(now + Duration::from_millis(50), now);
        standing.tell(&joined(1), now);
        assert_eq!(events.blocking_recv(), Some(joined(1)));
        assert_eq!(events.blocking_recv(), Some(Event::Lost));
        assert!(!standing.lease().is_valid());
        standing.end(Some(Error::config("a reason")));
        assert_eq!(events.blocking_recv(), None);
        assert_eq!(standing.failure().unwrap().message, "a reason");
        watch.join().unwrap();
    }
}
