//! How each shard does: its lag for metrics, and why nothing comes when all of them fail.
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[derive(Default)]
pub struct Health(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    shards: HashMap<String, State>,
    /// Shards cannot be listed.
    listing: Option<Trouble>,
}

struct State {
    lag_ms: i64,
    seen: Instant,
    trouble: Option<Trouble>,
}

struct Trouble {
    since: Instant,
    reason: String,
    told: Option<Instant>,
}

impl Health {
    /// The shard has answered.
    pub fn fine(&self, shard: &str, lag_ms: i64) {
        let state = State { lag_ms, seen: Instant::now(), trouble: None };
        self.inner().shards.insert(shard.to_owned(), state);
    }

    /// The shard has failed. True when that has to be told: after a while, and then now and then.
    pub fn failed(&self, shard: &str, reason: &str) -> bool {
        let mut inner = self.inner();
        let fresh = || State { lag_ms: 0, seen: Instant::now(), trouble: None };
        let state = inner.shards.entry(shard.to_owned()).or_insert_with(fresh);
        Trouble::goes_on(&mut state.trouble, reason, Instant::now())
    }

    pub fn ended(&self, shard: &str) {
        self.inner().shards.remove(shard);
    }

    pub fn listed(&self) {
        self.inner().listing = None;
    }

    pub fn not_listed(&self, reason: &str) {
        Trouble::goes_on(&mut self.inner().listing, reason, Instant::now());
    }

    /// Why nothing at all comes, when that has been so for a while.
    pub fn reason(&self) -> Option<String> {
        self.inner().reason(Instant::now())
    }

    /// The lag of each shard in milliseconds. One that was not heard of meanwhile has fallen back by that time.
    pub fn lags(&self) -> Vec<(String, i64)> {
        let lag = |state: &State| {
            let silence = state.seen.elapsed();
            let silent_ms = if silence > SILENT_AFTER { silence.as_millis() as i64 } else { 0 };
            state.lag_ms.saturating_add(silent_ms)
        };
        self.inner().shards.iter().map(|(id, state)| (id.clone(), lag(state))).collect()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn reason(&self, now: Instant) -> Option<String> {
        let mut oldest = self.listing.as_ref();
        if self.shards.is_empty() && oldest.is_none() {
            return None;
        }
        for state in self.shards.values() {
            let trouble = state.trouble.as_ref()?;
            oldest = Some(oldest.filter(|oldest| oldest.since <= trouble.since).unwrap_or(trouble));
        }
        oldest.filter(|trouble| now.duration_since(trouble.since) > FAILED_AFTER).map(|it| it.reason.clone())
    }
}

impl Trouble {
    fn goes_on(trouble: &mut Option<Self>, reason: &str, now: Instant) -> bool {
        let trouble = trouble.get_or_insert_with(|| Self { since: now, reason: String::new(), told: None });
        reason.clone_into(&mut trouble.reason);
        let is_due = now.duration_since(trouble.told.unwrap_or(trouble.since)) >= TOLD_EVERY;
        if is_due {
            trouble.told = Some(now);
        }
        is_due
    }
}

const TOLD_EVERY: Duration = Duration::from_secs(30);
const FAILED_AFTER: Duration = Duration::from_secs(10);
const SILENT_AFTER: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_in_trouble_when_all_of_its_shards_are_for_a_while() {
        let health = Health::default();
        let later = Instant::now() + FAILED_AFTER * 2;
        assert_eq!(health.inner().reason(later), None);
        health.failed("a", "x");
        assert_eq!(health.reason(), None);
        assert_eq!(health.inner().reason(later).as_deref(), Some("x"));
        health.fine("b", 5);
        assert_eq!(health.inner().reason(later), None);
        health.ended("b");
        health.fine("a", 7);
        health.not_listed("y");
        assert_eq!(health.inner().reason(later), None);
        assert_eq!(health.lags(), [("a".to_owned(), 7)]);
        health.ended("a");
        assert_eq!(health.inner().reason(later).as_deref(), Some("y"));
        health.listed();
        assert_eq!(health.inner().reason(later), None);
    }

    #[test]
    fn trouble_is_told_after_a_while_and_now_and_then() {
        let (mut trouble, now) = (None, Instant::now());
        assert!(!Trouble::goes_on(&mut trouble, "x", now));
        assert!(Trouble::goes_on(&mut trouble, "x", now + TOLD_EVERY));
        assert!(!Trouble::goes_on(&mut trouble, "x", now + TOLD_EVERY));
        assert!(Trouble::goes_on(&mut trouble, "x", now + TOLD_EVERY * 2));
    }
}
