//! Keeps the offsets that may be stored, and stores them at most once a second.
use super::progress::{Positions, copy, entries};
use crate::metrics::TaskMetrics;
use crate::store::{Entry, Kept, SourceOffsets};
use crate::task::config::TaskSpec;
use std::time::{Duration, Instant};

/// Offsets of records that are durable.
pub struct Keeper {
    /// Not stored yet; one offset per partition.
    durable: Positions,
    offsets: SourceOffsets,
    metrics: TaskMetrics,
    flush_at: Instant,
    interval: Duration,
}

impl Keeper {
    pub fn new(spec: &TaskSpec, offsets: SourceOffsets) -> Self {
        // At most every second: a crash repeats what was not stored.
        let interval = spec.settings.delivery.offset_flush_interval.min(Duration::from_secs(1));
        let (metrics, flush_at) = (spec.metrics.clone(), Instant::now() + interval);
        Self { durable: Vec::new(), offsets, metrics, flush_at, interval }
    }

    /// The newest offset of each partition counts.
    pub fn add(&mut self, positions: Positions) {
        merge(&mut self.durable, positions);
    }

    pub fn is_flush_due(&self) -> bool {
        Instant::now() >= self.flush_at
    }

    /// Stores what is durable. What cannot be stored now is kept for the next time.
    pub fn flush(&mut self, spec: &TaskSpec) -> Positions {
        self.flush_at = Instant::now() + self.interval;
        if self.durable.is_empty() {
            return Vec::new();
        }
        match append(spec, self.offsets.first(), &self.durable) {
            Ok(()) => {
                self.metrics.commits.inc();
                copy(spec, &self.offsets, &self.durable);
                std::mem::take(&mut self.durable)
            }
            Err(reason) => {
                self.metrics.commit_failures.inc();
                tracing::warn!(reason, "source offsets were not stored, trying again");
                Vec::new()
            }
        }
    }
}

/// The newest offset of each partition.
pub fn merge(all: &mut Positions, newer: Positions) {
    for (partition, offset) in newer {
        match all.iter_mut().find(|(known, _)| *known == partition) {
            Some(entry) => entry.1 = offset,
            None => all.push((partition, offset)),
        }
    }
}

pub fn append(spec: &TaskSpec, kept: &Kept, positions: &Positions) -> Result<(), String> {
    append_entries(spec, kept, entries(spec, kept, positions))
}

pub fn append_entries(spec: &TaskSpec, kept: &Kept, entries: Vec<Entry>) -> Result<(), String> {
    let timeout = spec.settings.delivery.offset_flush_timeout;
    let append = async { tokio::time::timeout(timeout, kept.log.append(entries)).await };
    let stored = spec.runtime.block_on(append);
    stored.unwrap_or_else(|_| Err("the offset store did not answer in time".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use penstock_sdk::Fields;

    #[test]
    fn the_newest_position_of_each_partition_counts() {
        let at = |partition: &str, offset: i64| {
            (Fields::new().with("f", partition), Fields::new().with("at", offset))
        };
        let mut all = vec![at("x", 1), at("y", 2)];
        merge(&mut all, vec![at("y", 3), at("z", 4)]);
        assert_eq!(all, [at("x", 1), at("y", 3), at("z", 4)]);
    }
}
