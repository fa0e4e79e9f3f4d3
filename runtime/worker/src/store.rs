//! What outlives a worker: connector settings, source offsets and statuses, in Kafka's internal topics or a file.
pub mod cluster;
pub mod configs;
mod kept;
pub mod local;
mod log;
pub mod offsets;
mod rounds;
pub mod statuses;

pub use kept::{Kept, OwnLogs, SourceOffsets};
pub use log::{Entry, LeadError, Leading, Log, Logs, Read};
