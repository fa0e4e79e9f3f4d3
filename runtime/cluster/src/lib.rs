//! Decides what runs: pure state machines over connectors, tasks, workers and what the internal topics say.
//!
//! Nothing here waits, does I/O or reads a clock: time is a value in milliseconds, and whatever has to be done is
//! an [`Action`] that the worker's shell performs.

mod action;
mod assign;
mod configs;
mod event;
mod herder;
mod ids;
mod placement;
mod properties;
mod slot;
mod status;

pub use action::{Action, Cause};
pub use assign::{Spread, assign};
pub use configs::{ConfigRecord, Configs, Connector, Fencing};
pub use event::{Event, Restart};
pub use herder::{Fences, Herder, Timing};
pub use ids::TaskId;
pub use placement::{Place, Placement, Placements, Report};
pub use properties::Properties;
pub use slot::{Failure, Wanted};
pub use status::{RunState, TargetState};
