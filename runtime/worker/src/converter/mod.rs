//! Connect's converters: bytes as they are in Kafka to values for plugins, and back.

mod class;
pub(crate) mod number;

pub use class::Class;
