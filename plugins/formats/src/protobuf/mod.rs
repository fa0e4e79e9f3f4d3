//! Protobuf: schemas, and values from bytes to the flat encoding and back.

mod builtin;
mod calendar;
mod decimal;
mod decode;
mod encode;
mod from_connect;
mod outline;
mod program;
mod schema;
mod to_connect;
mod wire;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

pub use decode::Decoder;
pub use encode::Encoder;
pub use from_connect::{Written, from_connect};
pub use outline::{Absent, Field, Known, Label, Outline, Outlined, Symbols, Type};
pub use schema::{Message, Schema};

/// What the settings say about how schemas and values map.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct Options {
    /// `enhanced.protobuf.schema.support`: names keep their package.
    pub is_enhanced: bool,
    /// `wrapper.for.nullables`: Google's wrapper messages are optional plain values, and only they are optional.
    pub wraps_nullables: bool,
    /// `optional.for.nullables`: the word `optional` says what is optional.
    pub marks_nullables: bool,
    /// `generate.index.for.unions`: the name of a `oneof` ends in its place.
    pub numbers_unions: bool,
    /// `wrapper.for.raw.primitives`: a wrapper message on its own is a plain value.
    pub unwraps_root: bool,
    /// `int.for.enums`: enums are numbers instead of symbols.
    pub counts_enums: bool,
    /// `scrub.invalid.names`: names that Protobuf does not allow are made to fit.
    pub scrubs_names: bool,
    /// `connect.meta.data`: what Protobuf has no word for is kept in options of fields.
    pub keeps_metadata: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            is_enhanced: false,
            wraps_nullables: false,
            marks_nullables: false,
            numbers_unions: true,
            unwraps_root: true,
            counts_enums: false,
            scrubs_names: false,
            keeps_metadata: true,
        }
    }
}

const ENUM: &str = "io.confluent.connect.protobuf.Enum";
const UNION: &str = "io.confluent.connect.protobuf.Union.";
const TAG: &str = "io.confluent.connect.protobuf.Tag";
/// Structs without a name get this one and a number.
const UNNAMED: &str = "ConnectDefault";
const PRECISION: &str = "connect.decimal.precision";
const CONNECT_TYPE: &str = "connect.type";
const META: &str = "confluent.field_meta";
