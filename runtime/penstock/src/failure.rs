//! Ends a command with one sentence and the exit code that scripts act on.

use std::fmt;

#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// What was asked or set is wrong and has to be changed: exit code 2.
    Usage(String),
    /// It was right and did not work: exit code 1.
    Failed(String),
}

impl Failure {
    pub fn code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
        }
    }

    /// The same without any value that a config provider handed out.
    pub fn scrubbed(mut self, scrubber: &worker::providers::Scrubber) -> Self {
        let (Self::Usage(sentence) | Self::Failed(sentence)) = &mut self;
        scrubber.clean(sentence);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(sentence) | Self::Failed(sentence) => f.write_str(sentence),
        }
    }
}
