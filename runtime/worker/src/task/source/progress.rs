//! Which offsets a source may store: those of batches whose every record the broker has, in order.
use crate::delivery::producers::{BATCHES_MAX, Outbox};
use crate::task::config::TaskSpec;
use penstock_sdk::Fields;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

type Positions = Vec<(Fields, Fields)>;

/// Batches on their way, oldest first.
pub struct Progress {
    open: VecDeque<(u32, Positions)>,
    next: u32,
    /// Durable, and not stored yet; one offset per partition.
    durable: Positions,
    delivered: u64,
    metrics: crate::metrics::TaskMetrics,
    flush_at: Instant,
    interval: Duration,
}

impl Progress {
    pub fn new(spec: &TaskSpec) -> Self {
        // At most every second: a crash repeats what was not stored.
        let interval = spec.settings.delivery.offset_flush_interval.min(Duration::from_secs(1));
        Self {
            open: VecDeque::new(),
            next: 0,
            durable: Vec::new(),
            delivered: 0,
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
            for (partition, offset) in positions {
                match self.durable.iter_mut().find(|(known, _)| *known == partition) {
                    Some(entry) => entry.1 = offset,
                    None => self.durable.push((partition, offset)),
                }
            }
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
        let connector = &spec.id.connector;
        let entry = |(partition, offset): &(Fields, Fields)| spec.offsets.entry(connector, partition, offset);
        let entries: Vec<_> = self.durable.iter().map(entry).collect();
        let timeout = spec.settings.delivery.offset_flush_timeout;
        let append = async { tokio::time::timeout(timeout, spec.offset_log.append(entries)).await };
        match spec.runtime.block_on(append) {
            Ok(Ok(())) => {
                self.metrics.commits.inc();
                std::mem::take(&mut self.durable)
            }
            Ok(Err(reason)) => self.kept(&reason),
            Err(_) => self.kept("the offset store did not answer in time"),
        }
    }

    fn kept(&self, reason: &str) -> Positions {
        self.metrics.commit_failures.inc();
        tracing::warn!(reason, "source offsets were not stored, trying again");
        Vec::new()
    }
}
