//! Why a record's bytes were not taken.
use crate::columns::Given;
use crate::excerpt::{VALUE_MAX, excerpt};

/// Boxed, because it is rare and what returns it is not.
#[derive(Debug)]
pub struct Fault(Box<Wrong>);

#[derive(Debug)]
pub enum Wrong {
    /// A value, as a message shows it, that its column cannot hold.
    Misfit(String),
    /// The bytes are not of their schema, or want more than there may be.
    Broken(String),
}

pub type Taken<T> = Result<T, Fault>;

impl Fault {
    #[cold]
    pub fn broken(what: impl Into<String>) -> Self {
        Fault(Box::new(Wrong::Broken(what.into())))
    }

    #[cold]
    pub fn misfit(value: String) -> Self {
        Fault(Box::new(Wrong::Misfit(value)))
    }

    pub fn wrong(&self) -> &Wrong {
        &self.0
    }
}

/// A value that its column does not take, with what its format calls it.
#[cold]
pub fn misfit(name: &str, given: Given<'_>) -> Fault {
    let value = match given {
        Given::Text(text) => format!("{name} {}", excerpt(&format!("\"{text}\""), VALUE_MAX)),
        other => format!("{name} {}", excerpt(&other.to_string(), VALUE_MAX)),
    };
    Fault::misfit(value)
}

#[cold]
pub fn wrong_length(what: &str, length: usize) -> Fault {
    Fault::misfit(format!("{what} of another length than {length}"))
}

/// Steps are made for the very columns that they are run with.
#[cold]
pub fn other_column() -> Fault {
    Fault::broken("the column is another one than the program was made for")
}
