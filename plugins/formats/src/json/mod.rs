//! JSON whose schema a registry has: JSON Schema in Connect's terms, and values from text to the flat encoding and back.

mod compile;
mod decimal;
mod decode;
mod documents;
mod encode;
mod from_connect;
mod merge;
mod schema;
mod to_connect;
mod validate;

#[cfg(test)]
mod tests;

pub use decode::Decoder;
pub use encode::Encoder;
pub use from_connect::from_connect;
pub use schema::Schema;
pub use validate::Validator;

/// What the settings say about how schemas and values map.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// `use.optional.for.nonrequired`: properties that are not required may be missing.
    pub needs_only_required: bool,
    /// `decimal.format=NUMERIC`: decimals are written as numbers, otherwise as Base64 of their digits.
    pub writes_numbers: bool,
    /// `object.additional.properties=false`: written schemas allow no other properties than their own.
    pub closes_objects: bool,
}

const ENUM: &str = "io.confluent.connect.json.Enum";
const ONE_OF: &str = "io.confluent.connect.json.OneOf";
/// What is Confluent's own among parameters is said in other words.
const NAMESPACE: &str = "io.confluent.connect.json";
const TYPE: &str = "connect.type";
const INDEX: &str = "connect.index";
const VERSION: &str = "connect.version";
const PARAMETERS: &str = "connect.parameters";

/// The field of a union's struct that has the member at a place.
fn member(place: usize) -> String {
    format!("{ONE_OF}.field.{place}")
}
