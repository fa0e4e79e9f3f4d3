//! Waits between tries: they double up to a bound, with jitter so that tasks do not come back together.
use std::time::Duration;

/// The waits of one row of failures.
#[derive(Debug, Clone)]
pub struct Backoff {
    next: Duration,
    first: Duration,
    max: Duration,
}

/// Between tries of a task.
impl Default for Backoff {
    fn default() -> Self {
        Self::new(Duration::from_millis(100), Duration::from_secs(10))
    }
}

impl Backoff {
    pub fn new(first: Duration, max: Duration) -> Self {
        Self { next: first, first, max }
    }

    /// The next wait: between half of the step and all of it, but at least `after`.
    pub fn wait(&mut self, after: Option<Duration>) -> Duration {
        let jitter = 0.5 + 0.5 * fastrand::f64();
        let wait = self.next.mul_f64(jitter);
        self.next = (self.next * 2).min(self.max);
        wait.max(after.unwrap_or_default().min(LONGEST))
    }

    /// After a success.
    pub fn reset(&mut self) {
        self.next = self.first;
    }
}

/// What a destination may ask for: more would look like a hang.
const LONGEST: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_bound_and_start_over() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(350));
        for step in [100, 200, 350, 350] {
            let wait = backoff.wait(None).as_millis();
            assert!((step / 2..=step).contains(&wait), "expected {}..={step} ms, got {wait}", step / 2);
        }
        backoff.reset();
        assert!(backoff.wait(None) <= Duration::from_millis(100));
        assert!(backoff.wait(Some(Duration::from_secs(2))) >= Duration::from_secs(2));
    }
}
