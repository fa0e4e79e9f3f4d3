//! A sink's task: one thread polls its consumer and commits, another writes to the plugin.
//!
//! Polling never waits for a write: a slow destination first stops the fetching, then pauses the partitions, and
//! keeps its place in the group. Offsets come from receipts of the writer only.
mod assemble;
mod batch;
mod deliver;
mod exact;
mod partitions;
mod plan;
mod poll;
mod rejects;
mod write;

pub use assemble::{Assembler, Place};
pub use batch::Batch;
pub use deliver::{Delivery, Planned, now_ms};
pub use exact::new_id;
#[cfg(fuzzing)]
pub use plan::fuzz as fuzz_plan;
pub use poll::run;
pub use rejects::{Reject, Stage};
pub use write::{Writer, open as open_delivery};
