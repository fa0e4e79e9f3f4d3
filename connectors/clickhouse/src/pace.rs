//! Slows a task down while the server's merges do not keep up: batches grow meanwhile, and parts get fewer.
use std::time::{Duration, Instant};

/// The time that a task leaves between its inserts.
#[derive(Debug, Default)]
pub struct Pace {
    gap: Duration,
    last: Option<Instant>,
}

impl Pace {
    /// The server refused an insert because the table has too many parts. Answers when to come again.
    pub fn refused(&mut self) -> Duration {
        self.gap = (self.gap * 2).clamp(GAP_REFUSED, GAP_MAX);
        self.gap
    }

    /// An insert was stored; `was_delayed` when the server held it back for its merges.
    pub fn stored(&mut self, now: Instant, was_delayed: bool) {
        self.last = Some(now);
        if was_delayed {
            self.gap = (self.gap * 2).clamp(GAP_DELAYED, GAP_MAX);
        } else {
            self.gap = self.gap * 3 / 4;
            if self.gap < GAP_MIN {
                self.gap = Duration::ZERO;
            }
        }
    }

    /// How long to wait before the next insert.
    pub fn left(&self, now: Instant) -> Duration {
        self.last.map_or(Duration::ZERO, |last| (last + self.gap).saturating_duration_since(now))
    }

    pub fn gap(&self) -> Duration {
        self.gap
    }
}

/// A server that throws needs more time than one that holds back.
const GAP_REFUSED: Duration = Duration::from_secs(2);
const GAP_DELAYED: Duration = Duration::from_millis(500);
/// Well below the time that the worker lets a call take.
const GAP_MAX: Duration = Duration::from_secs(30);
/// Less than this between inserts makes no difference to merges.
const GAP_MIN: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_widens_the_gap_and_calm_closes_it() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        pace.stored(now, false);
        assert_eq!(pace.left(now), Duration::ZERO, "without trouble nothing waits");
        assert_eq!(pace.refused(), Duration::from_secs(2));
        assert_eq!(pace.refused(), Duration::from_secs(4));
        pace.stored(now, false);
        assert_eq!(pace.left(now), Duration::from_secs(3));
        assert_eq!(pace.left(now + Duration::from_secs(2)), Duration::from_secs(1));
        for _ in 0..20 {
            pace.stored(now, false);
        }
        assert_eq!(pace.gap(), Duration::ZERO);
    }

    #[test]
    fn delays_count_less_than_refusals_and_both_have_a_bound() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        pace.stored(now, true);
        assert_eq!(pace.gap(), Duration::from_millis(500));
        for _ in 0..20 {
            pace.stored(now, true);
            pace.refused();
        }
        assert_eq!(pace.gap(), Duration::from_secs(30));
    }
}
