//! How far an import is: for metrics, and for whoever asks.
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::Instant;

use penstock_sdk::Task;

/// What one task has done, and what there is.
pub struct Progress {
    pub files_total: AtomicU64,
    pub bytes_total: AtomicU64,
    pub files_done: AtomicU64,
    pub bytes_done: AtomicU64,
    /// Of the file that is being read.
    pub bytes_now: AtomicU64,
    pub rows: AtomicU64,
    /// All files were counted, so that the totals are those of the whole import.
    pub is_counted: AtomicBool,
    pub is_complete: AtomicBool,
    since: Instant,
}

impl Progress {
    /// Known to [`answer`] as long as the task lives.
    pub fn of(task: &Task) -> Arc<Self> {
        let progress = Arc::new(Self {
            files_total: AtomicU64::new(0),
            bytes_total: AtomicU64::new(0),
            files_done: AtomicU64::new(0),
            bytes_done: AtomicU64::new(0),
            bytes_now: AtomicU64::new(0),
            rows: AtomicU64::new(0),
            is_counted: AtomicBool::new(false),
            is_complete: AtomicBool::new(false),
            since: Instant::now(),
        });
        let mut known = TASKS.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, progress| progress.strong_count() > 0);
        known.insert((task.connector().to_owned(), task.number()), Arc::downgrade(&progress));
        drop(known);
        progress
    }

    fn bytes(&self) -> u64 {
        self.bytes_done.load(Relaxed) + self.bytes_now.load(Relaxed)
    }

    /// Seconds until all is read, as far as one can tell.
    fn eta(&self, done: u64) -> Option<f64> {
        let seconds = self.since.elapsed().as_secs_f64();
        let left = self.bytes_total.load(Relaxed).saturating_sub(done);
        let is_known = self.is_counted.load(Relaxed) && done > 0 && seconds > 1.0;
        is_known.then(|| left as f64 * seconds / done as f64)
    }

    pub fn tell(&self, task: &Task) {
        let bytes = self.bytes();
        task.gauge("files_total", self.files_total.load(Relaxed) as f64);
        task.gauge("files_done", self.files_done.load(Relaxed) as f64);
        task.gauge("bytes_total", self.bytes_total.load(Relaxed) as f64);
        task.gauge("bytes_done", bytes as f64);
        task.gauge("rows_done", self.rows.load(Relaxed) as f64);
        task.gauge("complete", f64::from(u8::from(self.is_complete.load(Relaxed))));
        task.gauge("eta_seconds", self.eta(bytes).unwrap_or(0.0));
    }
}

/// The tasks of a connector that run in this process, summed up, as JSON.
pub fn answer(connector: &str) -> Option<String> {
    let known = TASKS.lock().unwrap_or_else(PoisonError::into_inner);
    let mine = known.iter().filter(|((name, _), _)| name == connector);
    let tasks: Vec<Arc<Progress>> = mine.filter_map(|(_, progress)| progress.upgrade()).collect();
    drop(known);
    if tasks.is_empty() {
        return None;
    }
    let sum = |of: fn(&Progress) -> u64| tasks.iter().map(|task| of(task)).sum::<u64>();
    let all = |of: fn(&Progress) -> bool| tasks.iter().all(|task| of(task));
    let eta = tasks.iter().map(|task| task.eta(task.bytes())).collect::<Option<Vec<f64>>>();
    let eta = eta.map(|all| all.into_iter().fold(0.0, f64::max).ceil().to_string());
    Some(format!(
        "{{\"tasks\":{},\"complete\":{},\"counted\":{},\"files\":{{\"done\":{},\"total\":{}}},\"bytes\":{{\"done\":{},\
         \"total\":{}}},\"rows\":{{\"done\":{}}},\"etaSeconds\":{}}}",
        tasks.len(),
        all(|task| task.is_complete.load(Relaxed)),
        all(|task| task.is_counted.load(Relaxed)),
        sum(|task| task.files_done.load(Relaxed)),
        sum(|task| task.files_total.load(Relaxed)),
        sum(Progress::bytes),
        sum(|task| task.bytes_total.load(Relaxed)),
        sum(|task| task.rows.load(Relaxed)),
        eta.unwrap_or_else(|| "null".into()),
    ))
}

type Known = BTreeMap<(String, u32), Weak<Progress>>;
/// A question comes to the library, not to a task.
static TASKS: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);
