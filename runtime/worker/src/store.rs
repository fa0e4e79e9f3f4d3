//! What outlives a worker: connector settings, source offsets and statuses, in Kafka's internal topics or a file.
pub mod configs;
pub mod local;
mod log;
pub mod offsets;
pub mod statuses;

pub use log::{Entry, Log, Logs};
