//! What can go wrong with a schema or a record, in the kinds that callers treat differently.

use std::fmt;

/// A kind to act on, and a sentence for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A setting is wrong: nothing works until it is changed.
    Config,
    /// This record cannot be read or written, however often it is tried.
    Record,
    /// The registry gives no answer: the same call may succeed later.
    Away,
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn config(message: impl Into<String>) -> Self {
        Self { kind: Kind::Config, message: message.into() }
    }

    pub fn record(message: impl Into<String>) -> Self {
        Self { kind: Kind::Record, message: message.into() }
    }

    pub fn away(message: impl Into<String>) -> Self {
        Self { kind: Kind::Away, message: message.into() }
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    /// The same kind with what was being done in front of the sentence.
    #[must_use]
    pub fn during(self, context: impl fmt::Display) -> Self {
        Self { message: format!("{context}: {}", self.message), ..self }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<penstock_sdk::flat::Malformed> for Error {
    fn from(malformed: penstock_sdk::flat::Malformed) -> Self {
        Self::record(malformed.to_string())
    }
}
