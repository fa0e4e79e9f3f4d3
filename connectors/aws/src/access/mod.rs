//! How AWS is reached and with whose rights: one set of settings for all connectors of this library.
mod client;
mod declare;
mod failure;
mod identity;
mod policy;
#[cfg(test)]
pub mod server;
mod settings;
#[cfg(test)]
mod tests;
mod verdict;
mod waiting;

pub use client::{connector, http, load};
pub use declare::declare;
pub use failure::{Cause, Failure};
pub use identity::Identity;
pub use policy::{arn, partition};
pub use settings::{Access, is_url, problems};
pub use waiting::{ask, opened, runtime, validated};
