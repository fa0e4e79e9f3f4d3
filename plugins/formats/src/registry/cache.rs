//! Answers of the registry: asked for once, by whoever comes first, and kept.

use super::flight::Flight;
use super::is_away;
use crate::{Error, Kind, Result};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Answers by their question.
#[derive(Debug)]
pub struct Cache<K, T> {
    entries: Mutex<HashMap<K, Entry<T>>>,
    /// Older answers are asked for again, but are used when there is no new one.
    age_max: Option<Duration>,
}

#[derive(Debug)]
struct Entry<T> {
    known: Option<Known<T>>,
    flight: Option<Arc<Flight<T>>>,
}

#[derive(Debug, Clone)]
struct Known<T> {
    answer: Result<Arc<T>>,
    since: Instant,
}

impl<K: Clone + Eq + Hash, T> Cache<K, T> {
    pub fn new(age_max: Option<Duration>) -> Self {
        Self { entries: Mutex::new(HashMap::new()), age_max }
    }

    /// The answer, which `ask` gets if it is not known. Others who want the same meanwhile wait for it.
    pub fn get(&self, key: &K, ask: impl FnOnce() -> Result<T>) -> Result<Arc<T>> {
        let flight = {
            let mut entries = self.lock();
            if let Some(entry) = entries.get(key) {
                if let Some(known) = entry.known.as_ref().filter(|known| self.is_fresh(known)) {
                    return known.answer.clone();
                }
                if let Some(flight) = &entry.flight {
                    let flight = Arc::clone(flight);
                    drop(entries);
                    return flight.wait();
                }
            }
            make_room(&mut entries);
            let flight = Arc::new(Flight::new());
            let entry = entries.entry(key.clone()).or_insert(Entry { known: None, flight: None });
            entry.flight = Some(Arc::clone(&flight));
            flight
        };
        // A panic in between would let the others wait for ever.
        let landing = Landing { cache: self, key, flight: &flight, is_done: false };
        landing.finish(ask().map(Arc::new))
    }

    fn is_fresh(&self, known: &Known<T>) -> bool {
        let age_max = if known.answer.is_err() { Some(REFUSAL_AGE) } else { self.age_max };
        age_max.is_none_or(|max| known.since.elapsed() < max)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Entry<T>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Brings an answer, or at least the news that there is none.
struct Landing<'a, K: Clone + Eq + Hash, T> {
    cache: &'a Cache<K, T>,
    key: &'a K,
    flight: &'a Arc<Flight<T>>,
    is_done: bool,
}

impl<K: Clone + Eq + Hash, T> Landing<'_, K, T> {
    fn finish(mut self, answer: Result<Arc<T>>) -> Result<Arc<T>> {
        self.is_done = true;
        let mut entries = self.cache.lock();
        let mut answer = answer;
        if let Some(entry) = entries.get_mut(self.key) {
            entry.flight = None;
            let is_kept = answer.as_ref().map_or_else(|error| error.kind() == Kind::Record, |_| true);
            match &entry.known {
                // An old answer is better than none; it is asked for again after a while.
                Some(Known { answer: Ok(stale), .. }) if answer.as_ref().is_err_and(is_away) => {
                    let stale = Arc::clone(stale);
                    answer = Ok(Arc::clone(&stale));
                    entry.known = Some(Known { answer: Ok(stale), since: Instant::now() });
                }
                _ if is_kept => entry.known = Some(Known { answer: answer.clone(), since: Instant::now() }),
                _ => drop(entries.remove(self.key)),
            }
        }
        drop(entries);
        self.flight.land(answer.clone());
        answer
    }
}

impl<K: Clone + Eq + Hash, T> Drop for Landing<'_, K, T> {
    fn drop(&mut self) {
        if !self.is_done {
            self.cache.lock().remove(self.key);
            self.flight.land(Err(Error::away("the question to the registry broke off")));
        }
    }
}

/// When it is full it starts anew: a topic has few schemas, or its records are wrong.
fn make_room<K: Clone + Eq + Hash, T>(entries: &mut HashMap<K, Entry<T>>) {
    if entries.len() >= ENTRIES_MAX {
        entries.retain(|_, entry| entry.flight.is_some());
    }
}

/// Records with a wrong id come in masses: each asking anew would be an attack on the registry.
const REFUSAL_AGE: Duration = Duration::from_secs(10);
const ENTRIES_MAX: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn many_who_ask_at_once_ask_once() {
        let (cache, asked) = (Cache::<u32, u32>::new(None), AtomicUsize::new(0));
        let barrier = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    let answer = cache.get(&1, || {
                        asked.fetch_add(1, Ordering::Relaxed);
                        Ok(7)
                    });
                    assert_eq!(*answer.unwrap(), 7);
                });
            }
        });
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_registry_that_is_away_is_asked_again_and_a_refusal_is_remembered() {
        let cache = Cache::<u32, u32>::new(None);
        assert!(is_away(&cache.get(&1, || Err(Error::away("down"))).unwrap_err()));
        assert_eq!(*cache.get(&1, || Ok(1)).unwrap(), 1);
        assert!(cache.get(&2, || Err(Error::record("404"))).is_err());
        assert!(cache.get(&2, || panic!("it is remembered")).is_err());
    }

    #[test]
    fn an_old_answer_is_better_than_none() {
        let cache = Cache::<u32, u32>::new(Some(Duration::ZERO));
        assert_eq!(*cache.get(&1, || Ok(1)).unwrap(), 1);
        assert_eq!(*cache.get(&1, || Err(Error::away("down"))).unwrap(), 1);
        assert_eq!(*cache.get(&1, || Ok(2)).unwrap(), 2);
    }

    #[test]
    fn the_cache_stays_within_its_bound() {
        let cache = Cache::<usize, usize>::new(None);
        for key in 0..2 * ENTRIES_MAX + 5 {
            cache.get(&key, || Ok(key)).unwrap();
        }
        assert!(cache.lock().len() <= ENTRIES_MAX);
    }
}
