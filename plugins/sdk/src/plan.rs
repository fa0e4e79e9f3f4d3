//! What the worker stored about a batch before it brings it, so that it can be written exactly once.
use crate::Fields;
use std::time::Duration;

/// The plan that a batch belongs to, for [`crate::Sink::write_planned`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan<'a> {
    /// The same for the same records, whoever brings them, and for no others.
    pub token: &'a str,
    /// How long ago the plan was made. What the destination remembers of tokens may have an end: a plan older than
    /// that has to be compared with what is stored.
    pub age: Duration,
    /// The same plan may have been written before, by this task or by one that is gone.
    pub is_repeated: bool,
}

/// Records of a source partition that belong to a plan, for [`crate::Task::bounds`].
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    pub partition: Fields,
    /// The stored offset to go on from, as [`crate::Task::resume`] answers it too.
    pub from: Option<Fields>,
    /// The position that the source gave behind the last of the records.
    pub until: Fields,
}
