//! Avro straight into columns: a program for each schema of the writer, compiled for the columns of one table.
//!
//! A schema's type and a column's type together make a [`Step`]; running it reads bytes and calls the setters of
//! `columns`, which know nothing of Avro. Which field goes where is `decoder::avro`'s to say. Another binary format
//! brings its own reader of bytes and its own steps, and shares the setters, the rule which kinds of values fit which
//! types (`columns::Kind`), and what is in `binary`.
mod compile;
mod describe;
mod natural;
mod run;
mod scalar;
mod skip;
mod step;
mod text;
pub mod wire;

pub use compile::Compiler;
pub use natural::{is_instant, scalar as scalar_type};
pub use run::Run;
pub use skip::Skips;
pub use step::Step;
pub use text::Texts;
