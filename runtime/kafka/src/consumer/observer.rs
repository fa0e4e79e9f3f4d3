//! What a consumer knows of its assignment and its errors, kept up by callbacks.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::types::RDKafkaErrorCode as Code;

use super::{Committer, RebalanceListener};
use crate::raw::{Callbacks, Change, Ops};
use crate::{Error, TopicPartition};

/// Errors wait for the next fetch; more than this many say nothing new.
const ERRORS_MAX: usize = 16;

#[derive(Default)]
struct State {
    assignment: Vec<TopicPartition>,
    /// Taken away since the last look: records of these must not be handed out.
    revoked: Vec<TopicPartition>,
    is_paused: bool,
    errors: VecDeque<Error>,
}

pub(super) struct Observer {
    listener: Mutex<Box<dyn RebalanceListener>>,
    state: Mutex<State>,
    commit_timeout: Duration,
}

impl Observer {
    pub(super) fn new(listener: Box<dyn RebalanceListener>, commit_timeout: Duration) -> Self {
        Self { listener: Mutex::new(listener), state: Mutex::default(), commit_timeout }
    }

    pub(super) fn assignment(&self) -> Vec<TopicPartition> {
        lock(&self.state).assignment.clone()
    }

    pub(super) fn set_paused(&self, is_paused: bool) {
        lock(&self.state).is_paused = is_paused;
    }

    pub(super) fn take_revoked(&self) -> Vec<TopicPartition> {
        std::mem::take(&mut lock(&self.state).revoked)
    }

    pub(super) fn take_error(&self) -> Option<Error> {
        lock(&self.state).errors.pop_front()
    }

    pub(super) fn keep_error(&self, error: Error) {
        let mut state = lock(&self.state);
        if state.errors.len() < ERRORS_MAX && !state.errors.contains(&error) {
            state.errors.push_back(error);
        }
    }

    /// After a close that could not ask the listener: a fenced member has nothing to revoke.
    pub(super) fn lose_rest(&self) {
        let rest = std::mem::take(&mut lock(&self.state).assignment);
        if !rest.is_empty() {
            lock(&self.listener).lost(&rest);
        }
    }

    fn assigned(&self, ops: Ops<'_>, partitions: &[TopicPartition]) {
        let is_paused = {
            let mut state = lock(&self.state);
            state.assignment.retain(|tp| !partitions.contains(tp));
            state.assignment.extend_from_slice(partitions);
            state.revoked.retain(|tp| !partitions.contains(tp));
            state.is_paused
        };
        if is_paused && let Err(error) = ops.pause(partitions, true) {
            self.keep_error(error);
        }
        lock(&self.listener).assigned(partitions);
    }

    fn gone(&self, partitions: &[TopicPartition]) {
        let mut state = lock(&self.state);
        state.assignment.retain(|tp| !partitions.contains(tp));
        state.revoked.extend_from_slice(partitions);
    }
}

impl Callbacks for Observer {
    fn rebalanced(&self, ops: Ops<'_>, change: Change, partitions: &[TopicPartition]) {
        match change {
            Change::Assigned => self.assigned(ops, partitions),
            Change::Revoked => {
                self.gone(partitions);
                let mut committer = Committer { ops, timeout: self.commit_timeout };
                lock(&self.listener).revoked(partitions, &mut committer);
            }
            Change::Lost => {
                self.gone(partitions);
                lock(&self.listener).lost(partitions);
            }
        }
    }

    fn failed(&self, code: Code, reason: &str) {
        match code {
            // The client keeps fatal errors itself, with their true code. One broker of several that is away
            // stands in the log, and nothing is lost by waiting for it.
            Code::Fatal | Code::BrokerTransportFailure | Code::Resolve => {}
            Code::Application => self.keep_error(Error::fatal(reason)),
            code => {
                self.keep_error(Error::new(crate::error::kind_of(code), format!("Kafka client: {reason}")));
            }
        }
    }
}

/// A listener that panicked leaves consistent state behind: each lock guards one change.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
