//! Which offsets a source may store: those of batches whose every record the broker has, in order.
use super::keeper::{Keeper, append};
use crate::delivery::producers::{BATCHES_MAX, Outbox};
use crate::store::{Entry, Kept, SourceOffsets};
use crate::task::config::TaskSpec;
use penstock_sdk::Fields;
use std::collections::VecDeque;

pub type Positions = Vec<(Fields, Fields)>;

/// Batches on their way, oldest first.
pub struct Progress {
    open: VecDeque<(u32, Positions)>,
    next: u32,
    delivered: u64,
    metrics: crate::metrics::TaskMetrics,
}

impl Progress {
    pub fn new(spec: &TaskSpec) -> Self {
        Self { open: VecDeque::new(), next: 0, delivered: 0, metrics: spec.metrics.clone() }
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
    pub fn settle(&mut self, outbox: &Outbox, keeper: &mut Keeper) {
        let delivered = outbox.delivered();
        self.metrics.records_out.inc_by(delivered - self.delivered);
        self.delivered = delivered;
        while self.open.front().is_some_and(|(batch, _)| outbox.is_settled(*batch)) {
            let Some((_, positions)) = self.open.pop_front() else { return };
            keeper.add(positions);
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
