//! Connect's own single message transforms and predicates: their settings, and what they do to a record.
//!
//! A [`Chain`] is opened once per task from configured [`Step`]s and applied to one record after another. Its
//! buffers and its plans per schema are reused, so a record costs no allocation once a schema was seen.

mod catalog;
mod chain;
mod date;
mod decimal;
mod declare;
mod entries;
mod error;
mod field_path;
mod header_text;
mod literal;
mod memo;
pub mod number;
mod ops;
mod pattern;
mod predicate;
mod record;
mod rule;
mod schema;
mod settings;
#[cfg(test)]
mod tests;

pub use catalog::{Class, Kind, Side, find, similar};
pub use chain::{Chain, Condition, Failed, Step, Touch, Touches, Verdict};
pub use declare::{Setting, settings};
pub use error::{Error, Result};
pub use header_text::write as write_header;
pub use pattern::Pattern;
pub use record::{Given, Header, HeaderValue, Part, Record, Slot, Value};
pub use rule::{Rule, Typed};
pub use schema::{Schema, Shape};
