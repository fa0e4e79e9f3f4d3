//! Why a relation could not be read.
use penstock_sdk::Error;

use crate::failure::Failure;

use super::cursor::{Column, Value};
use super::value::Fault;

/// A failure of the server may be mended by asking again or otherwise; the rest is told as it is.
#[derive(Debug)]
pub enum Trouble {
    Told(Error),
    Server(Failure),
}

impl Trouble {
    pub fn unprepared() -> Self {
        Trouble::Told(Error::retry("the columns are not known yet"))
    }

    pub fn out_of_order(column: &Column, value: &Value) -> Self {
        let (name, value) = (&column.name, column.show(value));
        Trouble::Told(Error::fatal(format!("the server sent {name}={value} behind a greater value")))
    }

    /// Values that were read so far are not those of the new type; a task that begins anew reads its offset by it.
    pub fn retyped(column: &Column) -> Error {
        Error::fatal(format!(
            "cursorColumn: column {} has changed its type; the task has to begin anew",
            column.name
        ))
    }

    pub fn too_many(column: &Column, value: &Value) -> Self {
        let (name, value) = (&column.name, column.show(value));
        Trouble::Told(Error::config(format!(
            "cursorColumn: more than a million rows have {name}={value}; expected a column whose values fewer rows share"
        )))
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Trouble::Server(failure)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Trouble::Told(error)
    }
}

impl From<Fault> for Trouble {
    fn from(Fault(reason): Fault) -> Self {
        Trouble::Told(Error::config(reason))
    }
}
