//! Does what `cluster` decides: runs tasks, keeps their offsets, statuses and settings, delivers records.

pub mod api;
pub mod converter;
mod crew;
pub mod definition;
mod delivery;
#[cfg(fuzzing)]
pub mod fuzzing;
mod handle;
mod herder;
mod metrics;
mod pipe;
pub mod providers;
mod session_key;
pub mod settings;
mod shared;
mod start;
mod store;
mod task;
mod transform;

pub use handle::Handle;
pub use herder::Address;
pub use herder::loggers::{Apply as ApplyLevels, Verbosity};
pub use session_key::SessionKey;
pub use settings::Settings;
pub use start::{Error, Worker};
