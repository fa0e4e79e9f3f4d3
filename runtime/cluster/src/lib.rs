//! Decides what runs: pure state machines over connectors, tasks and what the internal topics say.
//!
//! Nothing here waits, does I/O or reads a clock: time is a value in milliseconds, and whatever has to be done is
//! an [`Action`] that the worker's shell performs.

mod assign;
mod configs;
mod herder;
mod ids;
mod properties;
mod slot;
mod status;

pub use assign::assign;
pub use configs::{ConfigRecord, Configs, Connector};
pub use herder::{Action, Assignment, Event, Herder, Restart, Timing};
pub use ids::TaskId;
pub use properties::Properties;
pub use slot::{Failure, Wanted};
pub use status::{RunState, TargetState};
