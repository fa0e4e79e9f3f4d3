//! What is wrong with a value's bytes, and in which fields.

use std::fmt;

/// Fields are kept innermost first.
#[derive(Debug)]
pub struct Fault {
    what: String,
    fields: Vec<String>,
}

pub type Read = Result<(), Fault>;

impl Fault {
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), fields: Vec::new() }
    }

    pub fn within(mut self, field: &str) -> Self {
        // A path that is longer than this helps nobody.
        if self.fields.len() < 16 {
            self.fields.push(field.to_owned());
        }
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for field in self.fields.iter().rev() {
            write!(f, "field {field}: ")?;
        }
        f.write_str(&self.what)
    }
}
