//! Says when records are due. Time comes in as a value, so tests need no clock.
use std::time::{Duration, Instant};

/// A schedule: so many records per second since an instant.
#[derive(Debug)]
pub struct Pace {
    per_second: u64,
    since: Instant,
    sent: u64,
}

impl Pace {
    /// `per_second` 0 sets no limit.
    pub fn new(per_second: u64, now: Instant) -> Self {
        Self { per_second, since: now, sent: 0 }
    }

    /// Records that may go out now.
    pub fn due(&mut self, now: Instant) -> u64 {
        if self.per_second == 0 {
            return u64::MAX;
        }
        let due = self.scheduled(now).saturating_sub(self.sent);
        if due > self.per_second {
            // More than a second behind: whoever held us up must not be hit by all of it at once.
            (self.since, self.sent) = (now, 0);
            return 0;
        }
        due
    }

    pub fn sent(&mut self, records: u64) {
        self.sent = self.sent.saturating_add(records);
    }

    /// How long to wait when nothing is due: until the next record, but not so short that a fast task would be
    /// woken for every single one.
    pub fn pause(&self, now: Instant) -> Duration {
        let next = u128::from(self.sent) + 1;
        let due_at = (next * NANOS).div_ceil(u128::from(self.per_second.max(1)));
        let left = due_at.saturating_sub(self.elapsed(now));
        Duration::from_nanos(left.min(NANOS) as u64).max(PAUSE_MIN)
    }

    fn scheduled(&self, now: Instant) -> u64 {
        (self.elapsed(now).saturating_mul(u128::from(self.per_second)) / NANOS).min(u128::from(u64::MAX))
            as u64
    }

    fn elapsed(&self, now: Instant) -> u128 {
        now.saturating_duration_since(self.since).as_nanos()
    }
}

const NANOS: u128 = 1_000_000_000;
const PAUSE_MIN: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    /// Drives a task of virtual time: it makes at most `batch` records at once and waits when told to.
    fn sent_after(pace: &mut Pace, (from, time): (Instant, Duration), batch: u64) -> u64 {
        let (mut now, mut sent) = (from, 0);
        while now < from + time {
            match pace.due(now).min(batch) {
                0 => now += pace.pause(now),
                due => {
                    pace.sent(due);
                    sent += due;
                }
            }
        }
        sent
    }

    #[test]
    fn each_rate_is_kept_over_ten_seconds() {
        for rate in [1, 7, 100, 999, 1000, 100_000, 3_000_000] {
            let start = Instant::now();
            let sent = sent_after(&mut Pace::new(rate, start), (start, Duration::from_secs(10)), 1000);
            // A pause may reach over the end; it is ten milliseconds, or one record.
            let slack = rate.div_ceil(100);
            assert!(sent <= 10 * rate && sent + slack >= 10 * rate, "rate {rate}: sent {sent}");
        }
    }

    #[test]
    fn a_short_stall_is_made_up_for() {
        let start = Instant::now();
        let mut pace = Pace::new(100, start);
        assert_eq!(pace.due(start + Duration::from_millis(900)), 90);
    }

    #[test]
    fn a_stall_beyond_a_second_makes_no_burst() {
        let start = Instant::now();
        let mut pace = Pace::new(100, start);
        let later = start + Duration::from_secs(60);
        assert_eq!(pace.due(later), 0);
        assert_eq!(sent_after(&mut pace, (later, Duration::from_secs(1)), 1000), 99);
    }

    #[test]
    fn no_rate_is_no_limit() {
        let now = Instant::now();
        assert_eq!(Pace::new(0, now).due(now), u64::MAX);
    }

    #[test]
    fn a_pause_is_never_longer_than_a_stop_may_take() {
        let now = Instant::now();
        let mut pace = Pace::new(1, now);
        pace.sent(5);
        assert_eq!(pace.pause(now), Duration::from_secs(1));
        assert_eq!(Pace::new(u64::MAX, now).pause(now), PAUSE_MIN);
    }
}
