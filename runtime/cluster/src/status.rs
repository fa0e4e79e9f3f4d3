//! What a connector shall be and what it is, in Connect's words.

/// What the user asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TargetState {
    #[default]
    Started,
    /// Tasks stay where they are and do nothing.
    Paused,
    /// No task exists.
    Stopped,
}

/// What a connector or task is, as `/status` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    Running,
    Paused,
    Stopped,
    Failed,
    Unassigned,
    Restarting,
}

impl RunState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Paused => "PAUSED",
            Self::Stopped => "STOPPED",
            Self::Failed => "FAILED",
            Self::Unassigned => "UNASSIGNED",
            Self::Restarting => "RESTARTING",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Running, Self::Paused, Self::Stopped, Self::Failed, Self::Unassigned, Self::Restarting]
            .into_iter()
            .find(|state| state.name() == name)
    }
}
