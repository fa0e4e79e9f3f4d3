//! The worker's services as a test needs them: everything is remembered, and a stop can be asked for.
use host::{Level, Services};
use penstock_sdk::{Bound, Fields};
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Give a clone of the `Arc` to `open`, and keep one to look at.
#[derive(Default)]
pub struct TestServices {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    logs: Vec<(Level, String)>,
    counters: BTreeMap<String, u64>,
    gauges: BTreeMap<String, f64>,
    offsets: Vec<(Fields, Fields)>,
    bounds: Vec<Bound>,
    waiting: usize,
    is_stopping: bool,
}

impl TestServices {
    pub fn new() -> Arc<Self> {
        Self::resuming(Vec::new())
    }

    /// With the offsets that an earlier task left.
    pub fn resuming(offsets: Vec<(Fields, Fields)>) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { offsets, ..State::default() }), changed: Condvar::new() })
    }

    /// For a task that gives records again.
    pub fn bound(bounds: Vec<Bound>) -> Arc<Self> {
        let from = |bound: &Bound| Some((bound.partition.clone(), bound.from.clone()?));
        let offsets = bounds.iter().filter_map(from).collect();
        let state = State { offsets, bounds, ..State::default() };
        Arc::new(Self { state: Mutex::new(state), changed: Condvar::new() })
    }

    /// From now on `wait` answers that the task is to end.
    pub fn stop(&self) {
        self.state().is_stopping = true;
        self.changed.notify_all();
    }

    /// True once the plugin is in `wait`; false when it was not within `limit`.
    pub fn is_waiting_within(&self, limit: Duration) -> bool {
        let is_idle = |state: &mut State| state.waiting == 0;
        let waited = self.changed.wait_timeout_while(self.state(), limit, is_idle);
        waited.unwrap_or_else(PoisonError::into_inner).0.waiting > 0
    }

    pub fn logs(&self) -> Vec<(Level, String)> {
        self.state().logs.clone()
    }

    pub fn counter(&self, name: &str) -> u64 {
        self.state().counters.get(name).copied().unwrap_or(0)
    }

    pub fn gauge_value(&self, name: &str) -> Option<f64> {
        self.state().gauges.get(name).copied()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Services for TestServices {
    fn log(&self, level: Level, message: &str) {
        self.state().logs.push((level, message.to_owned()));
    }

    fn count(&self, name: &str, add: u64) {
        *self.state().counters.entry(name.to_owned()).or_default() += add;
    }

    fn gauge(&self, name: &str, value: f64) {
        self.state().gauges.insert(name.to_owned(), value);
    }

    fn wait(&self, time: Duration) -> bool {
        let end = Instant::now() + time.min(Duration::from_secs(3600));
        let mut state = self.state();
        state.waiting += 1;
        self.changed.notify_all();
        while !state.is_stopping {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.waiting -= 1;
        state.is_stopping
    }

    fn bounds(&self) -> Vec<Bound> {
        self.state().bounds.clone()
    }

    fn resume(&self, partition: &Fields) -> Option<Fields> {
        let wanted = sorted(partition);
        let state = self.state();
        // Two partitions are the same when they hold the same pairs in any order; the latest offset counts.
        let mut stored = state.offsets.iter().rev();
        stored.find(|(partition, _)| sorted(partition) == wanted).map(|(_, offset)| offset.clone())
    }
}

fn sorted(fields: &Fields) -> Vec<String> {
    let mut pairs: Vec<String> = fields.iter().map(|pair| format!("{pair:?}")).collect();
    pairs.sort();
    pairs
}
