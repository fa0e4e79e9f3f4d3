//! The consumer's partitions: what of them is durable, and what was committed.
use super::batch::Ends;
use crate::task::Control;
use kafka::{Commit, Committer, RebalanceListener, TopicPartition};
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Shared by the polling thread, the rebalance callback inside it, and the writer.
#[derive(Default)]
pub struct Partitions {
    state: Mutex<State>,
    idle: Condvar,
}

#[derive(Default)]
struct State {
    /// Durable but not committed yet: the offset that comes next.
    durable: BTreeMap<TopicPartition, i64>,
    /// Batches that the writer has.
    in_flight: usize,
    /// Raised when partitions go: what was fetched before and is not written yet is fetched again by their next
    /// owner, so it is dropped, and receipts for it are ignored.
    generation: u64,
}

impl Partitions {
    pub fn generation(&self) -> u64 {
        self.lock().generation
    }

    pub fn sent(&self) {
        self.lock().in_flight += 1;
    }

    pub fn in_flight(&self) -> usize {
        self.lock().in_flight
    }

    /// The writer is done with a batch of `generation`; `ends` is empty when it failed.
    pub fn written(&self, generation: u64, ends: Ends) {
        let mut state = self.lock();
        state.in_flight -= 1;
        if state.generation == generation {
            for (partition, next) in ends {
                let durable = state.durable.entry(partition).or_insert(next);
                *durable = next.max(*durable);
            }
        }
        self.idle.notify_all();
    }

    /// What may be committed, taken out.
    pub fn take_durable(&self) -> Vec<Commit> {
        commits(std::mem::take(&mut self.lock().durable))
    }

    /// Puts back what a commit did not store, unless something newer is durable by now.
    pub fn give_back(&self, commits: Vec<Commit>) {
        let mut state = self.lock();
        for commit in commits {
            state.durable.entry(TopicPartition::new(commit.topic, commit.partition)).or_insert(commit.offset);
        }
    }

    /// Waits until the writer has nothing left; false when that takes longer than `time`.
    pub fn wait_idle(&self, time: Duration) -> bool {
        let state = self.lock();
        let waited = self.idle.wait_timeout_while(state, time, |state| state.in_flight > 0);
        waited.unwrap_or_else(PoisonError::into_inner).0.in_flight == 0
    }

    /// Forgets everything that belongs to partitions that go.
    pub fn leave(&self) {
        let mut state = self.lock();
        state.generation += 1;
        state.durable.clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn commits(durable: BTreeMap<TopicPartition, i64>) -> Vec<Commit> {
    let commit = |(at, offset): (TopicPartition, i64)| Commit {
        topic: at.topic,
        partition: at.partition,
        offset,
        metadata: String::new(),
    };
    durable.into_iter().map(commit).collect()
}

/// Finishes what is in the writer's hands before partitions go.
pub struct Listener {
    /// Told when the writer may send nothing more of what it has: under plans alone, whose next owner writes it.
    pub control: Option<Arc<Control>>,
    pub partitions: Arc<Partitions>,
    /// Whoever waits for the next owner waits for this too.
    pub patience: Duration,
    pub topic_seen: Box<dyn Fn(&str) + Send>,
}

impl RebalanceListener for Listener {
    fn assigned(&mut self, partitions: &[TopicPartition]) {
        tracing::debug!(partitions = partitions.len(), "assigned");
        let mut topics: Vec<&str> = partitions.iter().map(|at| at.topic.as_str()).collect();
        topics.dedup();
        for topic in topics {
            (self.topic_seen)(topic);
        }
    }

    fn revoked(&mut self, partitions: &[TopicPartition], committer: &mut Committer<'_>) {
        let started = Instant::now();
        if !self.partitions.wait_idle(self.patience) {
            tracing::warn!(waited = ?started.elapsed(), "partitions go while a write is still running: its records come again");
        }
        self.withdraw();
        let commits = self.partitions.take_durable();
        if !commits.is_empty()
            && let Err(error) = committer.commit(&commits)
        {
            tracing::warn!(%error, partitions = partitions.len(), "the last commit of revoked partitions failed: records come again");
        }
        self.partitions.leave();
    }

    fn lost(&mut self, partitions: &[TopicPartition]) {
        self.withdraw();
        tracing::warn!(
            partitions = partitions.len(),
            "partitions were taken away: uncommitted records come again"
        );
        self.partitions.leave();
    }
}

impl Listener {
    fn withdraw(&self) {
        if let Some(control) = &self.control {
            control.withdraw();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(partition: i32) -> TopicPartition {
        TopicPartition::new("t", partition)
    }

    fn offsets(partitions: &Partitions) -> Vec<(i32, i64)> {
        partitions.take_durable().into_iter().map(|commit| (commit.partition, commit.offset)).collect()
    }

    #[test]
    fn only_receipts_make_offsets_and_the_newest_counts() {
        let partitions = Partitions::default();
        partitions.sent();
        partitions.sent();
        assert_eq!(offsets(&partitions), []);
        partitions.written(0, vec![(at(0), 10), (at(1), 5)]);
        partitions.written(0, vec![(at(0), 20)]);
        assert_eq!(offsets(&partitions), [(0, 20), (1, 5)]);
        assert_eq!(offsets(&partitions), []);
    }

    #[test]
    fn a_receipt_from_before_a_rebalance_moves_nothing() {
        let partitions = Partitions::default();
        partitions.sent();
        partitions.leave();
        partitions.written(0, vec![(at(0), 10)]);
        assert_eq!(offsets(&partitions), []);
        assert!(partitions.wait_idle(Duration::ZERO));
    }

    #[test]
    fn a_failed_commit_is_tried_again_but_never_goes_back() {
        let partitions = Partitions::default();
        partitions.sent();
        partitions.sent();
        partitions.written(0, vec![(at(0), 10)]);
        let failed = partitions.take_durable();
        partitions.written(0, vec![(at(0), 20)]);
        partitions.give_back(failed);
        assert_eq!(offsets(&partitions), [(0, 20)]);
    }
}
