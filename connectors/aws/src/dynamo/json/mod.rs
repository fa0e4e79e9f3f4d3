//! From DynamoDB's typed JSON to plain JSON, written straight into a buffer: no tree is made of a record.
mod change;
mod number;
mod shape;
mod value;

#[cfg(test)]
pub use change::TIME_MAX;
pub use change::{Event, Reader};
pub use shape::Shape;
