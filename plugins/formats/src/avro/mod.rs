//! Avro: schemas, and values from bytes to the flat encoding and back.

mod canonical;
mod decode;
mod defaults;
mod encode;
mod from_connect;
mod parse;
mod program;
mod schema;
mod to_connect;

#[cfg(test)]
mod oracle;

pub use decode::Decoder;
pub use encode::Encoder;
pub use from_connect::{Options, from_connect};
pub use schema::{Field, Logical, Node, Schema, Type};

/// Where a union of several types keeps the one it has: a struct of this name with a field for each.
pub const UNION: &str = "io.confluent.connect.avro.Union";
const ENUM: &str = "io.confluent.connect.avro.Enum";
const FIXED_SIZE: &str = "connect.fixed.size";
const PRECISION: &str = "connect.decimal.precision";
const PRECISION_DEFAULT: u64 = 64;
/// Maps whose keys are no strings are arrays of records of this name.
const MAP_ENTRY: &str = "MapEntry";
const NAMESPACE: &str = "io.confluent.connect.avro";
