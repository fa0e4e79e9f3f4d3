//! What a call to a plugin, or an attempt to load one, failed with.
use std::fmt;
use std::time::Duration;

/// A kind the worker acts on and a sentence a person acts on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Error {
    pub kind: Kind,
    pub message: String,
}

/// What the worker does about an [`Error`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A setting is wrong: trying again is useless until it is changed.
    Config,
    /// The same call may be made again, not before `after` when it is given.
    Retry { after: Option<Duration> },
    /// The records with these indices, in rising order, were not written; every other one of the batch is durable.
    Records(Vec<(usize, String)>),
    /// The task cannot go on.
    Fatal,
    /// The author's code panicked; the message says what and where.
    Panic,
}

impl Error {
    pub(crate) fn fatal(message: impl Into<String>) -> Self {
        Self { kind: Kind::Fatal, message: message.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// Why a file offers no connectors, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Reason {}
