//! How AWS is reached and with whose rights: one set of settings for all connectors of this library.
mod client;
mod declare;
mod failure;
mod settings;
#[cfg(test)]
mod tests;

pub use client::{http, load};
pub use declare::declare;
pub use failure::{Cause, Failure};
pub use settings::{Access, problems};
