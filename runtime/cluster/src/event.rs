//! What can happen to a worker's herder.
use crate::{ConfigRecord, Failure, Properties, Report, TaskId};
use std::collections::BTreeSet;

/// Which parts of a connector to restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Restart {
    pub include_tasks: bool,
    pub only_failed: bool,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// The log was read to its end for the first time: before that nothing is started.
    CaughtUp,
    ConfigRead(ConfigRecord),
    /// This worker is one of `members`, itself included. The log was read to its end after that became true.
    Joined {
        /// The cluster wants this worker to lead.
        is_first: bool,
        members: BTreeSet<String>,
    },
    /// This worker is out of the cluster: what it ran may be somebody else's from now on.
    Lost,
    /// Answers [`Action::Lead`]: whoever led before can write nothing any more, and all it wrote was read.
    Leading,
    /// A write of the leader failed, or leading could not begin: somebody else leads, or nobody knows who does.
    Deposed,
    /// What a worker says of itself, in the order in which it said it.
    Reported {
        worker: String,
        report: Report,
    },
    /// The plugin answered [`Action::Plan`](crate::Action::Plan).
    Planned {
        name: String,
        revision: u64,
        outcome: Result<Vec<Properties>, Failure>,
    },
    /// The task settings of [`Action::WriteTasks`](crate::Action::WriteTasks) could not be written.
    NotWritten {
        name: String,
    },
    /// Answers [`Action::Fence`](crate::Action::Fence), once what it wrote was read.
    Fenced {
        name: String,
        generation: u64,
        outcome: Result<(), Failure>,
    },
    TaskStarted {
        id: TaskId,
        attempt: u64,
    },
    TaskPaused {
        id: TaskId,
        attempt: u64,
    },
    /// It ended, on request or by itself.
    TaskEnded {
        id: TaskId,
        attempt: u64,
        failure: Option<Failure>,
    },
    RestartAsked {
        name: String,
        restart: Restart,
    },
    RestartTaskAsked {
        id: TaskId,
    },
    /// Time passed; nothing else tells the herder.
    Ticked,
    ShutdownAsked,
}
