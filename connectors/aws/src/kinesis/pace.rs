//! How long a reader of a shard waits: between two requests, and after a failure.
use std::time::Duration;

/// Between two requests for records. A shard answers five a second, to all of its readers together.
#[derive(Debug)]
pub struct Pace {
    interval: Duration,
    idle_max: Duration,
    pause: Duration,
}

impl Pace {
    /// The first request waits as well: the reader before this one may have asked a moment ago.
    pub fn new(interval: Duration, idle_max: Duration) -> Self {
        Self { interval, idle_max: idle_max.max(interval), pause: interval }
    }

    /// From the answer to one request to the next request.
    pub fn pause(&self) -> Duration {
        self.pause
    }

    /// A shard without records is asked less often, by and by.
    pub fn answered(&mut self, is_idle: bool) {
        self.pause = if is_idle { (self.pause * 5 / 4).min(self.idle_max) } else { self.interval };
    }
}

/// After failures in a row.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// `dice` is in 0..1: readers that failed together do not come back together.
    pub fn failed(&mut self, dice: f64) -> Duration {
        let whole = FIRST * 2_u32.pow(self.failures.min(DOUBLINGS));
        self.failures = self.failures.saturating_add(1);
        whole.min(MOST).mul_f64(0.5 + dice.clamp(0.0, 1.0) / 2.0)
    }

    pub fn succeeded(&mut self) {
        self.failures = 0;
    }
}

const FIRST: Duration = Duration::from_millis(400);
const MOST: Duration = Duration::from_secs(20);
const DOUBLINGS: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn an_idle_shard_is_asked_less_often_until_records_come() {
        let mut pace = Pace::new(200 * MS, 1000 * MS);
        assert_eq!(pace.pause(), 200 * MS);
        pace.answered(true);
        assert_eq!(pace.pause(), 250 * MS);
        for _ in 0..20 {
            pace.answered(true);
        }
        assert_eq!(pace.pause(), 1000 * MS);
        pace.answered(false);
        assert_eq!(pace.pause(), 200 * MS);
    }

    #[test]
    fn failures_make_growing_pauses_with_a_bound() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.failed(1.0), 400 * MS);
        assert_eq!(backoff.failed(0.0), 400 * MS);
        assert_eq!(backoff.failed(1.0), 1600 * MS);
        for _ in 0..100 {
            assert!(backoff.failed(1.0) <= MOST);
        }
        backoff.succeeded();
        assert_eq!(backoff.failed(0.0), 200 * MS);
    }
}
