//! One task on this worker: what it is doing, what it shall do next.
use crate::Properties;

/// What a task shall do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    Run,
    Pause,
}

/// Why a task ended by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Connect's trace: first line `kind: sentence`.
    pub trace: String,
    /// False when trying again is useless until the settings change.
    pub is_restartable: bool,
    /// Another instance of the task took its place in its group. In a cluster that was one that did not know yet that
    /// its worker is out, as long as the leader has not placed the task elsewhere.
    pub is_fenced: bool,
}

/// The states of a task. `attempt` tells a late event of a former instance from one of this instance.
#[derive(Debug, Clone)]
pub(crate) enum Slot {
    /// It was told to start; whether it runs or is still opening makes no difference here.
    Active { config: Properties, wanted: Wanted, attempt: u64, failures: u32, is_running: bool },
    /// It was told to stop and has not ended yet.
    Draining { attempt: u64 },
    /// It failed. `retry_at` is when it starts again by itself.
    Failed { config: Properties, retry_at: Option<u64>, failures: u32 },
}

impl Slot {
    /// Whether anything of it is there to write: a task that failed is not.
    pub(crate) fn is_alive(&self) -> bool {
        !matches!(self, Self::Failed { .. })
    }
}
