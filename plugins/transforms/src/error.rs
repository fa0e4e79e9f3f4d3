//! Why a transform cannot be opened or cannot take a record: one sentence.
use penstock_sdk::flat::Malformed;
use std::fmt;

/// What a transform answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A sentence: lower case, no full stop, names the setting, the field or the type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(String);

impl Error {
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl From<Malformed> for Error {
    fn from(malformed: Malformed) -> Self {
        Self::new(malformed.to_string())
    }
}
