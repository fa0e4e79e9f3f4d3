//! Floating point numbers as Java writes them: transforms need them as converters do.

pub(crate) use transforms::number::{double_text, write_double, write_float};
