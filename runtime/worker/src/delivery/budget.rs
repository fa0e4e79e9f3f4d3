//! One bound for the records that all tasks of a worker hold in memory.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of records in memory. Clones share it.
///
/// A reservation never fails, because its bytes are there already: whoever fetches looks first whether there is
/// room. So the bound may be passed by one fetch of each task, and no more.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limit: usize,
    used: AtomicUsize,
}

/// Bytes that are given back when this is dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: Budget,
    bytes: usize,
}

impl Budget {
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Inner { limit, used: AtomicUsize::new(0) }))
    }

    pub fn has_room(&self) -> bool {
        self.0.used.load(Ordering::Relaxed) < self.0.limit
    }

    pub fn reserve(&self, bytes: usize) -> Reservation {
        self.0.used.fetch_add(bytes, Ordering::Relaxed);
        Reservation { budget: self.clone(), bytes }
    }
}

impl Reservation {
    pub fn grow(&mut self, bytes: usize) {
        self.budget.0.used.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.0.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_comes_back_when_a_reservation_ends() {
        let budget = Budget::new(100);
        let mut held = budget.reserve(60);
        assert!(budget.has_room());
        held.grow(40);
        assert!(!budget.has_room());
        drop(held);
        assert!(budget.has_room());
    }
}
