//! When to look at the group next.

use std::time::{Duration, Instant};

use crate::raw::Identity;

/// Between looks at a group that is complete: a change also shows by a new generation.
const REST: Duration = Duration::from_secs(3);
const BACKOFF_MIN: Duration = Duration::from_millis(25);
const BACKOFF_MAX: Duration = Duration::from_secs(1);
/// An answer that takes longer than this is asked for again.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub number: u64,
    /// Read before the question was handed over.
    pub at: Instant,
    pub by: Identity,
}

pub(super) struct Ask {
    next: Instant,
    backoff: Duration,
    last: Option<Instant>,
    waiting: Option<Asked>,
}

impl Ask {
    pub(super) fn new(now: Instant) -> Self {
        Self { next: now, backoff: BACKOFF_MIN, last: None, waiting: None }
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        now >= self.next()
    }

    pub(super) fn next(&self) -> Instant {
        match &self.waiting {
            Some(asked) => asked.at + PATIENCE,
            None => self.next,
        }
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    pub(super) fn asked(&mut self, asked: Asked) {
        self.last = Some(asked.at);
        self.waiting = Some(asked);
    }

    pub(super) fn answered(&mut self, number: u64) -> Option<Asked> {
        self.waiting.take_if(|asked| asked.number == number)
    }

    /// Something changed.
    pub(super) fn hurry(&mut self, now: Instant) {
        self.next = now;
        self.backoff = BACKOFF_MIN;
    }

    /// No later than this after the last look.
    pub(super) fn hurry_within(&mut self, interval: Duration) {
        if let Some(last) = self.last {
            self.next = self.next.min(last + interval);
        }
    }

    pub(super) fn rest(&mut self, now: Instant) {
        self.next = now + REST;
        self.backoff = BACKOFF_MIN;
    }

    pub(super) fn back_off(&mut self, now: Instant) {
        self.next = now + self.backoff;
        self.backoff = (self.backoff * 2).min(BACKOFF_MAX);
    }
}
