//! An error is a kind the worker acts on and a sentence a person acts on.
use std::fmt;
use std::time::Duration;

/// What a call answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the worker does about an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A setting is wrong: the task fails and is not restarted by itself until its settings change.
    Config,
    /// The other side is not ready: the same call comes again, not before `after` when it is given.
    Retry { after: Option<Duration> },
    /// The records with these indices were not written, and why; every other record of the batch is durable.
    Records(Vec<(usize, String)>),
    /// The task fails, and is restarted by the worker's back-off.
    Fatal,
}

/// A kind and a sentence: lower case, no full stop, names the setting or the value and what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Error {
    kind: Kind,
    message: String,
}

impl Error {
    pub fn config(message: impl Into<String>) -> Self {
        Self { kind: Kind::Config, message: message.into() }
    }

    pub fn retry(message: impl Into<String>) -> Self {
        Self { kind: Kind::Retry { after: None }, message: message.into() }
    }

    pub fn retry_after(after: Duration, message: impl Into<String>) -> Self {
        Self { kind: Kind::Retry { after: Some(after) }, message: message.into() }
    }

    /// `rejected` holds the index of each record that was not written, and why.
    pub fn records(rejected: Vec<(usize, String)>) -> Self {
        let message = match rejected.as_slice() {
            [] => String::new(),
            [(_, reason)] => reason.clone(),
            [(_, reason), rest @ ..] => format!("{reason} (and {} more records)", rest.len()),
        };
        Self { kind: Kind::Records(rejected), message }
    }

    pub fn fatal(message: impl Into<String>) -> Self {
        Self { kind: Kind::Fatal, message: message.into() }
    }

    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    /// The same kind with `context: ` before the sentence.
    pub fn within(mut self, context: impl fmt::Display) -> Self {
        self.message = format!("{context}: {}", self.message);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
