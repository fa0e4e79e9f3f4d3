//! Where rows go: the worker's poll, or a test.
use penstock_sdk::{Fields, Poll};

use super::layout::{Layout, Parts};
use super::value::Fault;

/// Takes rows in their order, and where to go on after them.
pub trait Outlet {
    fn row(&mut self, topic: &str, layout: &Layout, parts: &Parts<'_>) -> Result<(), Fault>;
    fn position(&mut self, partition: Fields, offset: Fields);
    /// Rows so far.
    fn rows(&self) -> usize;
    /// Bytes so far.
    fn bytes(&self) -> usize;
}

impl Outlet for Poll {
    fn row(&mut self, topic: &str, layout: &Layout, parts: &Parts<'_>) -> Result<(), Fault> {
        layout.write(parts, &mut self.record(topic))
    }

    fn position(&mut self, partition: Fields, offset: Fields) {
        Poll::position(self, partition, offset);
    }

    fn rows(&self) -> usize {
        self.len()
    }

    fn bytes(&self) -> usize {
        Poll::bytes(self)
    }
}
