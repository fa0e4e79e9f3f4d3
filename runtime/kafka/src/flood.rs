//! Keeps the log readable while Kafka is away: every client of a worker says so, again and again.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lines about lost connections come at most this often; the others are counted.
const EVERY: Duration = Duration::from_secs(10);

/// What was written last, and what was kept back since.
#[derive(Debug, Default)]
pub(crate) struct Flood(Mutex<(Option<Instant>, u64)>);

impl Flood {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new((None, 0)))
    }

    /// How many lines were kept back before this one; `None` keeps this one back too.
    pub(crate) fn pass(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, kept) = &mut *state;
        if last.is_some_and(|last| now.saturating_duration_since(last) < EVERY) {
            *kept += 1;
            return None;
        }
        *last = Some(now);
        Some(std::mem::take(kept))
    }
}

#[cfg(test)]
mod tests {
    use super::{EVERY, Flood};
    use std::time::Instant;

    #[test]
    fn one_line_passes_at_a_time_and_says_how_many_did_not() {
        let (flood, start) = (Flood::new(), Instant::now());
        assert_eq!(flood.pass(start), Some(0));
        for _ in 0..3 {
            assert_eq!(flood.pass(start + EVERY / 2), None);
        }
        assert_eq!(flood.pass(start + EVERY), Some(3));
        assert_eq!(flood.pass(start + EVERY), None);
        assert_eq!(flood.pass(start + EVERY * 2), Some(1));
    }
}
