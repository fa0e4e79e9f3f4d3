//! Records on their way from the consumer to the writer.
use crate::delivery::{Budget, Reservation};
use crate::task::config::BatchLimits;
use kafka::{Messages, TopicPartition};
use std::time::{Duration, Instant};

/// A batch while it grows, and after that until it is written.
pub struct Batch {
    pub parts: Vec<Messages>,
    pub rows: usize,
    pub bytes: usize,
    opened: Instant,
    /// Held for its end: dropping the batch gives the bytes back.
    reservation: Option<Reservation>,
}

/// Where each partition goes on once a batch is durable.
pub type Ends = Vec<(TopicPartition, i64)>;

/// What the writer says of a batch.
pub enum Outcome {
    /// Every record is durable or was dealt with.
    Receipt(Ends),
    Failed(cluster::Failure),
}

impl Batch {
    pub fn new(now: Instant) -> Self {
        Self { parts: Vec::new(), rows: 0, bytes: 0, opened: now, reservation: None }
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Adds what one fetch brought.
    pub fn add(&mut self, messages: Messages, budget: &Budget, now: Instant) {
        if self.is_empty() {
            self.opened = now;
        }
        self.rows += messages.len();
        self.bytes += messages.bytes();
        match &mut self.reservation {
            Some(reservation) => reservation.grow(messages.bytes()),
            None => self.reservation = Some(budget.reserve(messages.bytes())),
        }
        self.parts.push(messages);
    }

    pub fn is_full(&self, limits: &BatchLimits) -> bool {
        self.rows >= limits.rows || self.bytes >= limits.bytes
    }

    /// How long until the batch is to be written whatever its size.
    pub fn age_left(&self, limits: &BatchLimits, now: Instant) -> Duration {
        limits.age.saturating_sub(now.saturating_duration_since(self.opened))
    }
}
