//! What is wrong with a file, and how much of it.
use std::fmt;

use crate::access::Failure;

#[derive(Debug)]
pub enum Fault {
    /// One record; the file goes on behind it.
    Record(String),
    /// The rest of the file.
    File(String),
    /// Nothing: its bytes did not come.
    Fetch(Failure),
}

impl Fault {
    /// Of a reader of bytes. That they did not come is told by a [`Failure`] within.
    pub fn of(error: &std::io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Missing>());
        match inner {
            Some(Missing(failure)) => Self::Fetch(failure.clone()),
            None => Self::File(error.to_string()),
        }
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::of(&error)
    }
}

/// Bytes that did not come, on their way through readers that know nothing of S3.
#[derive(Debug)]
pub struct Missing(pub Failure);

impl fmt::Display for Missing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.reason)
    }
}

impl std::error::Error for Missing {}
