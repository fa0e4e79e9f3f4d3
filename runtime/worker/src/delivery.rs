//! What delivery of records rests on: bounded memory, waits that grow, and records that nobody could use.
mod backoff;
mod budget;
pub mod dead_letters;
mod patience;
pub mod producers;

pub use backoff::Backoff;
pub use budget::{Budget, Reservation};
pub use patience::Patience;
