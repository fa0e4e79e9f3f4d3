//! Protobuf straight into columns: a program for each message of the writer, compiled for the columns of one table.
//!
//! It is Avro's way (see `avro`) with one more thought: the fields of a message come in any order and more than once, so
//! what a message has is noted before its columns are filled ([`Notes`]). Which field goes where is
//! `decoder::protobuf`'s to say.
mod compile;
mod describe;
mod keys;
mod natural;
mod notes;
mod run;
mod scalar;
mod step;
mod text;
pub mod wire;

pub use compile::{Compiler, entry_wanted, needed};
pub use keys::Replaced;
pub use natural::{moment as moment_type, scalar as scalar_type};
pub use notes::{Chain, Notes, Wanted};
pub use run::{Run, entry_name};
pub use scalar::{Moment, entry};
pub use step::{Part, Step};
pub use text::{Texts, Value as TextOf};
