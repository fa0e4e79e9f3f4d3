//! Reads JSON text once, front to back, without building values.
mod cursor;
mod quote;
mod skip;
mod string;
#[cfg(test)]
mod tests;

pub use cursor::{Cursor, Expected};
pub use quote::quote;

/// Why a value could not be read. It is small because it is made on the hot path; the sentence for a person is
/// made from it once, by the decoder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// The text is not JSON: what was expected at which byte.
    Syntax { at: usize, expected: &'static str },
    /// The value that begins at this byte does not fit its column.
    Misfit { at: usize },
    /// Arrays and objects are nested too deeply.
    TooDeep,
    /// The value that begins at this byte has a type beyond those that a batch may have in one column.
    TooManyTypes { at: usize },
}

/// Nesting beyond this is refused; it is also the number of bits of the stack in `skip`.
pub const DEPTH_MAX: u32 = 128;
