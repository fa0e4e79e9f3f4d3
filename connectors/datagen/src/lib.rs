//! Makes records from a seed: the connector an author reads first.
//!
//! Record number `n` is the same whenever and wherever it is made, except for fields of kind `now`. So the only
//! state of a task is the number of its next record, and a task that resumes goes on exactly where it stood.

mod fields;
mod json;
mod pace;
mod settings;
mod spec;
#[cfg(test)]
mod tests;

use fields::Generator;
use pace::Pace;
use penstock_sdk::{About, Bound, Config, Error, Fields, Poll, Problem, Result, Source, Task};
use settings::{Format, Settings};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// One task: it makes the records whose number divided by `step` leaves the task's number.
pub struct DatagenSource {
    task: Task,
    settings: Settings,
    generator: Generator,
    pace: Pace,
    /// Number of the next record.
    next: u64,
    /// The number of tasks, as tasks take turns: their numbers never meet, also when `total` is endless.
    step: u64,
    key: String,
    value: String,
    /// What is to be made again, the last first, and nothing else.
    bounds: Option<Vec<Bound>>,
}

impl Source for DatagenSource {
    fn about() -> About {
        About::new("DatagenSource", "makes records from a seed, at a given rate, for tests and demos")
            .alias("io.penstock.DatagenSource")
            .alias("Datagen")
            .version(env!("CARGO_PKG_VERSION"))
            .replays()
            .settings(settings::declare())
    }

    fn validate(config: &Config) -> Vec<Problem> {
        settings::problems(config)
    }

    fn plan(config: &Config, tasks_max: usize) -> Result<Vec<Config>> {
        let total = Settings::parse(config)?.total;
        // A task without a single record to make would only be one more thing to look at.
        let tasks = if total == 0 { tasks_max as u64 } else { total.min(tasks_max as u64) };
        Ok((0..tasks).map(|_| config.clone().with(TASK_COUNT, tasks.to_string())).collect())
    }

    fn open(task: &Task) -> Result<Self> {
        let settings = Settings::parse(task.config())?;
        let step = task.config().parsed::<u64>(TASK_COUNT)?.unwrap_or(1).max(1);
        let number = u64::from(task.number());
        let next = first_number(task.resume(&partition(number)).as_ref(), number, step)?;
        let bounds = Some(task.bounds()).filter(|bounds| !bounds.is_empty());
        Ok(Self {
            task: task.clone(),
            generator: Generator::new(settings.fields.clone(), settings.seed),
            // Paced from here on: whatever was not made while the task was down is not made up for.
            pace: Pace::new(settings.rate, Instant::now()),
            settings,
            next,
            step,
            key: String::new(),
            value: String::new(),
            bounds,
        })
    }

    fn poll(&mut self, poll: &mut Poll) -> Result<()> {
        if self.bounds.is_some() {
            return self.repeat(poll);
        }
        let now = Instant::now();
        let due = if self.is_done() { 0 } else { self.pace.due(now) };
        if due == 0 {
            // An empty poll is fine, a sleep that a stop cannot end is not: so it is the worker's wait.
            let _is_ending = self.task.wait(if self.is_done() { IDLE } else { self.pace.pause(now) });
            return Ok(());
        }
        let (mut made, now_ms) = (0, epoch_ms());
        while made < due.min(self.settings.batch_records_max) && !self.is_done() && poll.bytes() < BYTES_MAX {
            self.make(poll, now_ms);
            self.next = self.next.saturating_add(self.step);
            made += 1;
        }
        self.pace.sent(made);
        // One position a poll: the worker stores it when every record of the poll was acknowledged.
        poll.position(partition(u64::from(self.task.number())), offset(self.next, self.step));
        Ok(())
    }
}

impl DatagenSource {
    fn is_done(&self) -> bool {
        // Offsets are signed, so an endless connector ends in some hundred thousand years.
        let end = if self.settings.total == 0 { i64::MAX as u64 } else { self.settings.total };
        self.next >= end
    }

    /// Makes records again, of whatever tasks: what they were follows from their numbers.
    fn repeat(&mut self, poll: &mut Poll) -> Result<()> {
        let Some(bound) = self.bounds.as_mut().and_then(Vec::pop) else {
            let _is_ending = self.task.wait(IDLE);
            return Ok(());
        };
        let number = |name: &str| bound.until.integer(name).and_then(|number| u64::try_from(number).ok());
        let (Some(task), Some(end)) = (bound.partition.integer(TASK), number(SEQUENCE)) else {
            return Err(Error::config(format!("no numbers can be made up to {:?}", bound.until)));
        };
        let (task, step) = (task.unsigned_abs(), number(STEP).unwrap_or(1).max(1));
        let now_ms = epoch_ms();
        self.next = first_number(bound.from.as_ref(), task, step)?;
        while self.next < end && poll.bytes() < BYTES_MAX {
            self.make(poll, now_ms);
            self.next = self.next.saturating_add(step);
        }
        if self.next < end {
            let at = offset(self.next, step);
            poll.position(bound.partition.clone(), at.clone());
            let rest = Bound { from: Some(at), ..bound };
            self.bounds.get_or_insert_default().push(rest);
        } else {
            poll.position(bound.partition, bound.until);
        }
        Ok(())
    }

    /// Adds one record. Everything it writes to is reused: no allocation per record.
    fn make(&mut self, poll: &mut Poll, now_ms: i64) {
        let Self { generator, settings, key, value, next, .. } = self;
        let key_index = settings.key_field;
        key.clear();
        let mut keep_key = |index: usize, drawn: &fields::Drawn<'_>| {
            if key_index == Some(index) {
                json::plain(key, drawn);
            }
        };
        let mut record = poll.record(&settings.topic);
        match &settings.format {
            Format::Json => {
                json::object(value, generator, (*next, now_ms), &mut keep_key);
                record.value_text(value).value_schema(TEXT_SCHEMA);
            }
            Format::Struct { schema } => {
                record.value_flat(|writer| {
                    writer.structure(|writer| {
                        generator.record(*next, now_ms, |index, field, drawn| {
                            keep_key(index, &drawn);
                            writer.name(&field.name);
                            drawn.write_flat(writer);
                        })
                    });
                });
                record.value_schema(schema);
            }
        }
        if key_index.is_some() {
            record.key_text(key).key_schema(TEXT_SCHEMA);
        }
    }
}

/// Where a task stands, as the worker stores it: partition `{"task":0}`, offset `{"sequence":17,"step":2}`.
fn partition(task: u64) -> Fields {
    Fields::new().with(TASK, task as i64)
}

/// A task that is alone has no turns to take.
fn offset(next: u64, step: u64) -> Fields {
    let offset = Fields::new().with(SEQUENCE, next as i64);
    if step == 1 { offset } else { offset.with(STEP, step as i64) }
}

/// The first number at or after the stored one that belongs to this task. They differ only when `tasks.max` was
/// changed: then some numbers are repeated or left out, which made-up data can bear.
fn first_number(stored: Option<&Fields>, task: u64, step: u64) -> Result<u64> {
    let at = match stored {
        None => 0,
        Some(offset) => offset.integer(SEQUENCE).and_then(|at| u64::try_from(at).ok()).ok_or_else(|| {
            Error::config(format!("stored offset: {SEQUENCE}: expected a number from 0, got {offset:?}"))
        })?,
    };
    let turn = task % step;
    Ok(at.saturating_add((turn + step - at % step) % step))
}

fn epoch_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as i64)
}

/// Given by `plan` to each task, and by nobody else.
const TASK_COUNT: &str = "task.count";
const TASK: &str = "task";
const SEQUENCE: &str = "sequence";
/// How many tasks took turns when the number was stored: what comes before it can be made again by that.
const STEP: &str = "step";
const TEXT_SCHEMA: &str = r#"{"type":"string","optional":false}"#;
/// A finished task stays, as every task of Connect does.
const IDLE: Duration = Duration::from_secs(1);
/// One poll stays small beside the worker's memory, however long the fields are.
const BYTES_MAX: usize = 4 << 20;

penstock_sdk::export!(sources: [DatagenSource]);
