//! Records on their way from the consumer to the writer.
use super::plan::Plan;
use crate::delivery::{Budget, Reservation};
use crate::task::config::BatchLimits;
use kafka::{Message, Messages, OffsetRange, TopicPartition};
use std::collections::BTreeMap;
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

/// What the writer is asked to write.
pub enum Work {
    Batch(Batch),
    /// A batch whose plan is committed.
    Planned(Plan, Batch),
    /// A plan that was found open, to be read again. The ends are those of the task's own partitions.
    Found(Plan, Ends),
}

/// What the writer says of a batch.
pub enum Outcome {
    /// Every record is durable or was dealt with.
    Receipt(Ends),
    /// The same of a plan.
    Settled([u8; 16], Ends),
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

    /// Of each partition the first offset and the one after the last.
    pub fn ranges(&self) -> Vec<OffsetRange> {
        let mut ranges: BTreeMap<(&str, i32), (i64, i64)> = BTreeMap::new();
        // Records come in runs of one partition, each of which is looked up once.
        for part in &self.parts {
            let mut left = part.iter().peekable();
            while let Some(first) = left.next() {
                let mut next = first.offset() + 1;
                let place = (first.topic_key(), first.partition());
                while let Some(more) = left.next_if(|more| (more.topic_key(), more.partition()) == place) {
                    next = more.offset() + 1;
                }
                let span = (first.offset(), next);
                let range = ranges.entry((first.topic(), first.partition())).or_insert(span);
                *range = (range.0.min(span.0), range.1.max(span.1));
            }
        }
        let range = |((topic, partition), (start, end))| OffsetRange {
            at: TopicPartition::new(topic, partition),
            start,
            end,
        };
        ranges.into_iter().map(range).collect()
    }

    /// Forgets the records that are not wanted.
    pub fn retain(&mut self, is_wanted: impl Fn(Message<'_>) -> bool) {
        for part in &mut self.parts {
            part.retain(&is_wanted);
        }
        self.parts.retain(|part| !part.is_empty());
        self.rows = self.parts.iter().map(Messages::len).sum();
        self.bytes = self.parts.iter().map(Messages::bytes).sum();
    }

    /// Leaves the first half of the records here and gives the rest back.
    pub fn halve(&mut self, budget: &Budget) -> Self {
        let mut left = self.rows.div_ceil(2);
        let mut rest = Self::new(self.opened);
        let mut first = Self::new(self.opened);
        for mut part in std::mem::take(&mut self.parts) {
            let more = part.split_off(left);
            left -= part.len();
            for (half, part) in [(&mut first, part), (&mut rest, more)] {
                if !part.is_empty() {
                    half.add(part, budget, self.opened);
                }
            }
        }
        *self = first;
        rest
    }

    /// Appends the records of another batch.
    pub fn append(&mut self, other: Self, budget: &Budget) {
        for part in other.parts {
            self.add(part, budget, other.opened);
        }
    }

    pub fn is_full(&self, limits: &BatchLimits) -> bool {
        self.rows >= limits.rows || self.bytes >= limits.bytes
    }

    /// How long until the batch is to be written whatever its size.
    pub fn age_left(&self, limits: &BatchLimits, now: Instant) -> Duration {
        limits.age.saturating_sub(now.saturating_duration_since(self.opened))
    }
}
