//! Which offsets a source may store: those of batches whose every record the broker has, in order.
use crate::delivery::producers::{BATCHES_MAX, Outbox};
use crate::store::{Entry, Kept, SourceOffsets};
use crate::task::config::TaskSpec;
use penstock_sdk::Fields;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

pub type Positions = Vec<(Fields, Fields)>;

/// Batches on their way, oldest first.
pub struct Progress {
    open: VecDeque<(u32, Positions)>,
    next: u32,
    /// Durable, and not stored yet; one offset per partition.
    durable: Positions,
    delivered: u64,
    offsets: SourceOffsets,
    metrics: crate::metrics::TaskMetrics,
    flush_at: Instant,
    interval: Duration,
}

impl Progress {
    pub fn new(spec: &TaskSpec, offsets: SourceOffsets) -> Self {
        // At most every second: a crash repeats what was not stored.
        let interval = spec.settings.delivery.offset_flush_interval.min(Duration::from_secs(1));
        Self {
            open: VecDeque::new(),
            next: 0,
            durable: Vec::new(),
            delivered: 0,
            offsets,
            metrics: spec.metrics.clone(),
            flush_at: Instant::now() + interval,
            interval,
        }
    }

    /// False while as many batches are on their way as can be told apart.
    pub fn has_room(&self) -> bool {
        self.open.len() < BATCHES_MAX - 1
    }

    /// The number of the batch that is sent next.
    pub fn next(&self) -> u32 {
        self.next
    }

    /// The batch was handed to the producer as a whole.
    pub fn polled(&mut self, positions: Positions) {
        self.open.push_back((self.next, positions));
        self.next = self.next.wrapping_add(1);
    }

    /// Takes the batches that have arrived, up to the first that has not.
    pub fn settle(&mut self, outbox: &Outbox) {
        let delivered = outbox.delivered();
        self.metrics.records_out.inc_by(delivered - self.delivered);
        self.delivered = delivered;
        while self.open.front().is_some_and(|(batch, _)| outbox.is_settled(*batch)) {
            let Some((_, positions)) = self.open.pop_front() else { return };
            merge(&mut self.durable, positions);
        }
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
            Err(reason) => self.kept(&reason),
        }
    }

    fn kept(&self, reason: &str) -> Positions {
        self.metrics.commit_failures.inc();
        tracing::warn!(reason, "source offsets were not stored, trying again");
        Vec::new()
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

/// The records that store these positions.
pub fn entries(spec: &TaskSpec, kept: &Kept, positions: &Positions) -> Vec<Entry> {
    let connector = &spec.id.connector;
    let entry = |(partition, offset): &(Fields, Fields)| kept.offsets.entry(connector, partition, offset);
    positions.iter().map(entry).collect()
}

/// What counts in a connector's own topic, for a worker that does not know of it. It may fail: nothing rests on it.
pub fn copy(spec: &TaskSpec, offsets: &SourceOffsets, positions: &Positions) {
    let Some(second) = offsets.second() else { return };
    if let Err(reason) = append(spec, second, positions) {
        tracing::warn!(reason, "offsets were stored in the connector's own topic and not in the worker's");
    }
}

fn append(spec: &TaskSpec, kept: &Kept, positions: &Positions) -> Result<(), String> {
    let entries = entries(spec, kept, positions);
    let timeout = spec.settings.delivery.offset_flush_timeout;
    let append = async { tokio::time::timeout(timeout, kept.log.append(entries)).await };
    let stored = spec.runtime.block_on(append);
    stored.unwrap_or_else(|_| Err("the offset store did not answer in time".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

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
