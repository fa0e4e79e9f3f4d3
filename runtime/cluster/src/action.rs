//! What a herder wants done.
use crate::{Placement, Properties, Report, RunState, TaskId, Wanted};

/// Why a task that was alive is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// Its settings changed, or its connector has fewer tasks now.
    Config,
    /// Its connector was deleted.
    Deleted,
    /// Its connector was stopped.
    Stopped,
    /// Somebody asked for a restart.
    Restart,
    /// The leader gave it to another worker.
    Moved,
    /// This worker is out of the cluster.
    Lost,
    /// This worker ends.
    Shutdown,
    /// A worker that is out pushed it aside; it starts again.
    Fenced,
}

impl Cause {
    pub const ALL: [Self; 8] = [
        Self::Config,
        Self::Deleted,
        Self::Stopped,
        Self::Restart,
        Self::Moved,
        Self::Lost,
        Self::Shutdown,
        Self::Fenced,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Deleted => "deleted",
            Self::Stopped => "stopped",
            Self::Restart => "restart",
            Self::Moved => "moved",
            Self::Lost => "lost",
            Self::Shutdown => "shutdown",
            Self::Fenced => "fenced",
        }
    }
}

/// What to do about an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Shut former leaders out, read all that they wrote, and answer with [`Event::Leading`](crate::Event::Leading)
    /// or [`Event::Deposed`](crate::Event::Deposed).
    Lead,
    /// Write, as the leader, that this worker leads. A failure is [`Event::Deposed`](crate::Event::Deposed).
    Announce {
        epoch: u64,
    },
    /// Write these placements at once, all or none, but for connectors that have been deleted by then. A failure is
    /// [`Event::Deposed`](crate::Event::Deposed).
    Place(Vec<(String, Placement)>),
    /// Give up the right to write as the leader.
    Resign,
    /// Tell all workers; a newer report replaces one that was not written yet.
    Report(Report),
    /// Ask the connector's plugin for its tasks' settings; answer with [`Event::Planned`](crate::Event::Planned).
    Plan {
        name: String,
        revision: u64,
        config: Properties,
    },
    /// Write these task settings and their commit to the config log, unless the connector has been deleted by then.
    /// All that a leader writes is written in order, each write only once the one before was read back: a write that
    /// overtakes a deletion would leave records behind that the next connector of the name takes for its own.
    WriteTasks {
        name: String,
        tasks: Vec<Properties>,
    },
    /// Shut out the producers of the connector's first `former` tasks, then write that `tasks` tasks may have producers
    /// from here on, or with `None`, as the connector is gone, erase that record; but only if nothing was committed
    /// since `generation`. Answer with [`Event::Fenced`](crate::Event::Fenced).
    Fence {
        name: String,
        generation: u64,
        former: u32,
        tasks: Option<u32>,
    },
    StartTask {
        id: TaskId,
        attempt: u64,
        config: Properties,
        wanted: Wanted,
    },
    /// Pause or go on.
    Turn {
        id: TaskId,
        wanted: Wanted,
    },
    StopTask {
        id: TaskId,
        cause: Cause,
    },
    SetConnector {
        name: String,
        state: RunState,
        trace: Option<String>,
    },
    SetTask {
        id: TaskId,
        state: RunState,
        trace: Option<String>,
    },
    /// The connector or task is gone. Every worker forgets it; only one that leads, and has read the log to its end,
    /// erases its status from the status log: a worker that lags behind would erase that of a later one of its name.
    EraseConnector {
        name: String,
    },
    EraseTask {
        id: TaskId,
    },
}
