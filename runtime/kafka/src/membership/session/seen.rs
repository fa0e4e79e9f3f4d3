//! What the group's client tells by callbacks: ownership of the partition, and its loss.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rdkafka::types::RDKafkaErrorCode as Code;

use crate::TopicPartition;
use crate::membership::lease::Standing;
use crate::raw::{Callbacks, Change, Ops};

pub(crate) struct Seen {
    standing: Arc<Standing>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    owns_partition: bool,
    /// In which the ownership was settled; none before the first time.
    generation: Option<i32>,
    has_moved: bool,
}

impl Seen {
    pub(in crate::membership) fn new(standing: Arc<Standing>) -> Self {
        Self { standing, state: Mutex::default() }
    }

    /// Whether this member leads, and the generation in which that was settled.
    pub(super) fn place(&self) -> (bool, i32) {
        let state = self.lock();
        (state.owns_partition, state.generation.unwrap_or(-1))
    }

    /// Whether anything changed since the last look.
    pub(super) fn take_moved(&self) -> bool {
        std::mem::take(&mut self.lock().has_moved)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Callbacks for Seen {
    fn rebalanced(&self, ops: Ops<'_>, change: Change, partitions: &[TopicPartition]) {
        if change == Change::Lost {
            self.standing.lose("the group took this worker's place away");
        }
        let generation = ops.identity().map(|identity| identity.generation);
        let names_partition = partitions.iter().any(|tp| tp.partition == 0);
        let mut state = self.lock();
        state.has_moved = true;
        match change {
            Change::Assigned => {
                state.owns_partition |= names_partition;
                state.generation = generation;
            }
            Change::Revoked => state.owns_partition &= !names_partition,
            Change::Lost => *state = State { has_moved: true, ..State::default() },
        }
        drop(state);
        // Records are none of the group's business.
        if change == Change::Assigned
            && !partitions.is_empty()
            && let Err(error) = ops.pause(partitions, true)
        {
            tracing::debug!(%error, "in the workers' group");
        }
    }

    fn failed(&self, code: Code, reason: &str) {
        tracing::debug!(%code, reason, "in the workers' group");
    }
}
