//! Turns the text of single values into `ClickHouse`'s binary forms.
pub mod calendar;
pub mod clock;
pub mod decimal;
pub mod instant;
pub mod integer;
pub mod network;
#[cfg(test)]
mod tests;
pub mod uuid;
pub mod wide;
mod zone;

pub use zone::{Change, Loss, Zone, Zones};
