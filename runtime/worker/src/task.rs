//! Runs tasks: each on threads of its own, told what to do through a [`Control`], telling the herder what happens.
mod config;
mod control;
mod failure;
mod offsets;
mod pipe;
mod preview;
mod services;
mod sink;
mod source;
mod spawn;

pub use config::{
    OpenOffsets, Planning, TaskSpec, Upstream, client, for_plugin, for_task, group_of, parse, wrong,
};
pub use control::Control;
pub use failure::{failure, failure_of, of_kafka, sentence};
pub use offsets::source_offsets;
pub use pipe::marks_of;
pub use preview::{SETTING as PREVIEW, preview};
#[cfg(fuzzing)]
pub use sink::fuzz_plan;
pub use source::{Boundary, Exact};
pub use spawn::{Report, RunningTask, TaskEvent, spawn};
