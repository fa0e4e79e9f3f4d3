//! Levels of loggers under the names that Connect's clients know, and what they mean for our own log targets.
mod names;

use super::{Herder, Reply};
use crate::api::{Logger, Refusal};
use crate::store::configs;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// How much is said. The order is that of verbosity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Off,
    Fatal,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
    All,
}

/// What the process's log is asked to let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verbosity {
    /// For everything of ours, in place of `penstock.log.level`; `None` leaves that as it was set.
    pub root: Option<&'static str>,
    /// Beginnings of log targets and their levels.
    pub targets: Vec<(String, &'static str)>,
}

/// Makes the process's log say what is asked; an error is a sentence.
pub type Apply = Arc<dyn Fn(&Verbosity) -> Result<(), String> + Send + Sync>;

/// All loggers of this worker. A lock is held for the time of a look or a change only.
pub struct Loggers(Mutex<Table>);

struct Table {
    loggers: BTreeMap<String, State>,
    is_root_set: bool,
    apply: Option<Apply>,
}

#[derive(Clone, Copy)]
struct State {
    level: Level,
    modified_ms: Option<u64>,
}

const ROOT: &str = "root";

impl Herder {
    /// This worker's own loggers follow when the record is read, as everybody else's do.
    pub(super) fn set_logger(&mut self, name: &str, level: Level, reply: Reply<Result<(), Refusal>>) {
        let logger = name.to_owned();
        let then = move |_: &mut Self, outcome: Result<(), Refusal>| {
            let named = |refusal| match refusal {
                Refusal::Internal(_) => {
                    Refusal::Internal(format!("Failed to write the level of logger {logger}, try again"))
                }
                other => other,
            };
            drop(reply.send(outcome.map_err(named)));
        };
        self.write(&busy_name(name), vec![configs::logger(name, level.name())], Box::new(then));
    }
}

/// Under what a write of a logger waits for another; no connector can have this name.
pub fn busy_name(logger: &str) -> String {
    format!("\0logger-{logger}")
}

impl Loggers {
    /// `start` is `penstock.log.level`: a level, or a list such as `info,penstock_worker=debug`.
    pub fn new(start: &str) -> Self {
        let state = |level| State { level, modified_ms: None };
        let root = (ROOT.to_owned(), state(level_of(start, "")));
        let known = names::KNOWN.iter().map(|(name, targets)| {
            let level = targets.first().map_or(Level::Off, |target| level_of(start, target));
            ((*name).to_owned(), state(level))
        });
        let loggers = std::iter::once(root).chain(known).collect();
        Self(Mutex::new(Table { loggers, is_root_set: false, apply: None }))
    }

    /// Whoever holds the process's log says how its levels are set.
    pub fn connect(&self, apply: Apply) {
        self.table(|table| table.apply = Some(apply));
    }

    pub fn all(&self) -> Vec<(String, Logger)> {
        self.table(|table| table.loggers.iter().map(|(name, state)| (name.clone(), shown(*state))).collect())
    }

    pub fn get(&self, name: &str) -> Result<Logger, Refusal> {
        let missing = || Refusal::NotFound(format!("Logger {name} not found."));
        self.table(|table| table.loggers.get(name).map(|state| shown(*state))).ok_or_else(missing)
    }

    /// Sets a logger and all below it; answers the names of those that changed.
    pub fn set(&self, name: &str, level: Level) -> Result<Vec<String>, Refusal> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        self.table(|table| {
            if !table.loggers.contains_key(name) && table.loggers.len() >= LOGGERS_MAX {
                return Err(Refusal::Invalid(format!(
                    "Logger {name} is one too many: this worker keeps {LOGGERS_MAX} of them"
                )));
            }
            let changed = table.set(name, level, now);
            if !changed.is_empty()
                && let Some(apply) = &table.apply
            {
                apply(&table.verbosity()).map_err(Refusal::Internal)?;
            }
            Ok(changed)
        })
    }

    /// Takes a level that was given to the loggers of every worker.
    pub fn read(&self, name: &str, level: &str) {
        let outcome = Level::parse(level).and_then(|level| self.set(name, level));
        if let Err(reason) = outcome {
            tracing::warn!(logger = name, %reason, "skipping a level in the config log");
        }
    }

    fn table<T>(&self, work: impl FnOnce(&mut Table) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Table {
    fn set(&mut self, name: &str, level: Level, now: u64) -> Vec<String> {
        let inherited = State { level: self.effective(name), modified_ms: None };
        self.loggers.entry(name.to_owned()).or_insert(inherited);
        self.is_root_set |= name == ROOT;
        let mut changed = Vec::new();
        for (each, state) in &mut self.loggers {
            if is_below(each, name) && state.level != level {
                *state = State { level, modified_ms: Some(now) };
                changed.push(each.clone());
            }
        }
        changed
    }

    /// The level of the nearest logger above.
    fn effective(&self, name: &str) -> Level {
        let mut above = name;
        while let Some((parent, _)) = above.rsplit_once(['.', ':']) {
            above = parent.trim_end_matches(':');
            if let Some(state) = self.loggers.get(above) {
                return state.level;
            }
        }
        self.loggers.get(ROOT).map_or(Level::Info, |state| state.level)
    }

    /// The targets of every logger that was set, and those further down that keep a level of their own. Of two
    /// loggers with one target the more verbose counts: whoever asked for more lines would miss them.
    fn verbosity(&self) -> Verbosity {
        let mut set = BTreeMap::<String, Level>::new();
        let mut kept = BTreeMap::<String, Level>::new();
        for (name, state) in &self.loggers {
            let found = if state.modified_ms.is_some() { &mut set } else { &mut kept };
            for target in targets_of(name) {
                let level = found.entry(target).or_insert(state.level);
                *level = (*level).max(state.level);
            }
        }
        kept.retain(|target, _| {
            set.keys().any(|above| target != above && target.starts_with(above.as_str()))
        });
        kept.extend(set);
        let root = self.loggers.get(ROOT).filter(|_| self.is_root_set);
        Verbosity {
            root: root.map(|state| state.level.word()),
            targets: kept.into_iter().map(|(target, level)| (target, level.word())).collect(),
        }
    }
}

impl Level {
    /// Takes a name in any case.
    pub fn parse(name: &str) -> Result<Self, Refusal> {
        let known = LEVELS.iter().find(|(_, known)| known.eq_ignore_ascii_case(name));
        known
            .map(|(level, _)| *level)
            .ok_or_else(|| Refusal::NotFound(format!("invalid log level '{name}'.")))
    }

    pub fn name(self) -> &'static str {
        LEVELS.iter().find(|(level, _)| *level == self).map_or("INFO", |(_, name)| name)
    }

    /// The level of our own log that comes nearest.
    fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Fatal | Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace | Self::All => "trace",
        }
    }
}

fn shown(state: State) -> Logger {
    Logger { level: state.level.name(), last_modified_ms: state.modified_ms }
}

/// `a.b` is below `a` and below itself, and everything is below the root.
fn is_below(name: &str, above: &str) -> bool {
    above == ROOT
        || name.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ':']))
}

fn targets_of(name: &str) -> Vec<String> {
    if let Some((_, targets)) = names::KNOWN.iter().find(|(known, _)| *known == name) {
        return targets.iter().map(|target| (*target).to_owned()).collect();
    }
    let is_target =
        name.starts_with("penstock") && name.chars().all(|c| c.is_ascii_alphanumeric() || "_:".contains(c));
    if is_target { vec![name.to_owned()] } else { Vec::new() }
}

/// What the start setting says of a target: the longest beginning that it names, else its bare level.
fn level_of(start: &str, target: &str) -> Level {
    let mut best = (0, Level::Info);
    for part in start.split(',') {
        let (place, level) = part.trim().split_once('=').unwrap_or(("", part.trim()));
        let Ok(level) = Level::parse(level) else { continue };
        if target.starts_with(place) && place.len() >= best.0 {
            best = (place.len(), level);
        }
    }
    best.1
}

const LEVELS: [(Level, &str); 8] = [
    (Level::Off, "OFF"),
    (Level::Fatal, "FATAL"),
    (Level::Error, "ERROR"),
    (Level::Warn, "WARN"),
    (Level::Info, "INFO"),
    (Level::Debug, "DEBUG"),
    (Level::Trace, "TRACE"),
    (Level::All, "ALL"),
];

/// Names come from clients: without a bound they would grow without one.
const LOGGERS_MAX: usize = 1_000;

#[cfg(test)]
mod tests;
