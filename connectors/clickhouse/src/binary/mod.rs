//! What binary formats share on their way into columns: the registry that has their schemas, what is best among the
//! members of a `Variant`, JSON text, and why bytes are not taken.
mod fault;
mod ids;
pub mod prefer;
mod schemas;
pub mod text;
mod unfit;

pub use fault::{Fault, Taken, Wrong, misfit, other_column, wrong_length};
pub use ids::Ids;
pub use schemas::{Missing, Schemas, Written};
pub use unfit::Unfit;

#[cfg(test)]
pub mod fake;
