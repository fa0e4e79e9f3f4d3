//! How far loading is: gauges of the task, and what the question `progress` is answered with.
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use penstock_sdk::Task;
use serde_json::{Value, json};

use super::manifest::File;
use super::settings::Settings;
use super::state::State;

/// One task's share.
pub struct Progress {
    task: Task,
    key: (String, String, u64),
    counts: Counts,
    begun: Option<Instant>,
    /// Rows that this run has loaded.
    loaded: u64,
    told: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counts {
    phase: &'static str,
    files: u64,
    files_total: u64,
    rows: u64,
    rows_total: u64,
    bytes: u64,
    eta_s: Option<f64>,
}

impl Progress {
    pub fn new(task: &Task, settings: &Settings) -> Self {
        let key = (task.connector().to_owned(), settings.table.name.clone(), settings.task);
        let counts = Counts { phase: "preparing", ..Counts::default() };
        let progress = Self { task: task.clone(), key, counts, begun: None, loaded: 0, told: None };
        all().insert(progress.key.clone(), counts);
        progress
    }

    pub fn phase_of(&mut self, state: &State) {
        self.phase(match state {
            State::Preparing { .. } => "preparing",
            State::Exporting { .. } => "exporting",
            State::Loading { .. } => "loading",
            State::Loaded { .. } => "loaded",
        });
    }

    pub fn phase(&mut self, phase: &'static str) {
        if self.counts.phase != phase {
            self.counts.phase = phase;
            self.tell();
        }
    }

    pub fn plan(&mut self, files: &[&File]) {
        self.counts = Counts {
            phase: "loading",
            files_total: files.len() as u64,
            rows_total: files.iter().map(|file| file.items).sum(),
            ..Counts::default()
        };
        self.begun = Some(Instant::now());
        self.loaded = 0;
        self.tell();
    }

    /// A file that was loaded before.
    pub fn done(&mut self, rows: u64) {
        self.skip(rows);
        self.file();
    }

    /// Rows that were.
    pub fn skip(&mut self, rows: u64) {
        self.counts.rows += rows;
    }

    pub fn rows(&mut self, rows: u64) {
        self.counts.rows += rows;
        self.loaded += rows;
        let left = self.counts.rows_total.saturating_sub(self.counts.rows) as f64;
        let elapsed = self.begun.map_or(0.0, |begun| begun.elapsed().as_secs_f64());
        self.counts.eta_s = (self.loaded > 0).then(|| left * elapsed / self.loaded as f64);
        if self.told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            self.tell();
        }
    }

    pub fn bytes(&mut self, bytes: usize) {
        self.counts.bytes += bytes as u64;
    }

    pub fn file(&mut self) {
        self.counts.files += 1;
        self.tell();
    }

    fn tell(&mut self) {
        self.told = Some(Instant::now());
        let Counts { phase, files, files_total, rows, rows_total, bytes, eta_s } = self.counts;
        let phase = PHASES.iter().position(|known| *known == phase).unwrap_or_default();
        for (name, value) in [
            ("snapshot_phase", phase as f64),
            ("snapshot_files", files as f64),
            ("snapshot_files_total", files_total as f64),
            ("snapshot_rows", rows as f64),
            ("snapshot_rows_total", rows_total as f64),
            ("snapshot_bytes", bytes as f64),
            ("snapshot_eta_s", eta_s.unwrap_or_default()),
        ] {
            self.task.gauge(name, value);
        }
        all().insert(self.key.clone(), self.counts);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        // A task that has loaded all goes on following.
        if self.counts.phase != "loaded" {
            all().remove(&self.key);
        }
    }
}

/// A task that ended is not spoken of.
pub fn forget(task: &Task, settings: &Settings) {
    all().remove(&(task.connector().to_owned(), settings.table.name.clone(), settings.task));
}

/// How far the tasks of this worker are that load or follow the table.
pub fn answer(table: &str) -> Value {
    let tasks: Vec<Value> = all()
        .iter()
        .filter(|((_, known, _), _)| known == table)
        .map(|((connector, _, task), counts)| {
            json!({
                "connector": connector, "task": task, "phase": counts.phase, "files": counts.files,
                "files_total": counts.files_total, "rows": counts.rows, "rows_total": counts.rows_total,
                "bytes": counts.bytes, "eta_s": counts.eta_s.map(f64::ceil),
            })
        })
        .collect();
    json!({ "table": table, "tasks": tasks })
}

fn all() -> MutexGuard<'static, BTreeMap<(String, String, u64), Counts>> {
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Questions have no task: they are answered from here.
static ALL: Mutex<BTreeMap<(String, String, u64), Counts>> = Mutex::new(BTreeMap::new());
const PHASES: [&str; 4] = ["preparing", "exporting", "loading", "loaded"];
const TELL_EVERY: Duration = Duration::from_secs(1);
