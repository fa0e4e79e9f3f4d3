//! Everything the author of a Penstock connector needs: two traits, a batch, settings, errors.
//!
//! A connector is a struct that implements [`Source`] or [`Sink`] in a `cdylib` crate, and one [`export!`] line.
//! The worker batches, retries, commits and restarts; the author reads or writes records.
//!
//! ```
//! use penstock_sdk::{About, Batch, Result, Sink, Task};
//!
//! struct Stdout;
//!
//! impl Sink for Stdout {
//!     fn about() -> About {
//!         About::new("StdoutSink", "prints each record")
//!     }
//!     fn open(_task: &Task) -> Result<Self> {
//!         Ok(Stdout)
//!     }
//!     fn write(&mut self, batch: &Batch) -> Result<()> {
//!         for record in batch.records() {
//!             println!("{}", record.value().display());
//!         }
//!         Ok(())
//!     }
//! }
//!
//! penstock_sdk::export!(sinks: [Stdout]);
//! # fn main() {}
//! ```

mod about;
mod batch;
mod config;
mod error;
#[doc(hidden)]
pub mod export;
pub mod fields;
pub mod flat;
pub mod framework;
mod json;
mod plan;
mod poll;
mod secret;
mod setting;
mod task;

pub use abi;
pub use about::About;
pub use batch::{Batch, Headers, Record, Value};
pub use config::Config;
pub use error::{Error, Kind, Result};
pub use fields::{Fields, Scalar};
pub use plan::{Bound, Plan};
pub use poll::{NewRecord, Poll};
pub use secret::Secret;
pub use setting::{Importance, Setting, Type, Validator, Width};
pub use task::{Level, Task};

/// A wrong or unknown setting that [`Source::validate`] or [`Sink::validate`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The setting's name.
    pub setting: String,
    /// What is wrong with it and what was expected.
    pub message: String,
}

/// Brings records in.
///
/// The worker makes one instance per task and calls it from one thread at a time, in this order: `open`, then
/// `poll` and `committed` in turns, then drop. A stop never interrupts a call: it makes [`Task::wait`] return
/// early and is expected to see the end of `poll` within a second.
pub trait Source: Sized + Send + 'static {
    /// Name, settings and documentation. Called once, when the library is loaded; no I/O.
    fn about() -> About;

    /// Checks what a single setting's declaration cannot: settings that depend on each other, and what the other side
    /// can keep. A person waits: ask the outside for at most three seconds altogether, and take silence for no problem.
    fn validate(config: &Config) -> Vec<Problem> {
        let _ = config;
        Vec::new()
    }

    /// Answers a question of the REST interface that needs no task: `question` is its name, `input` the JSON that came
    /// with it. `None` for a question that this connector does not know. As with [`Self::validate`], a person waits.
    fn ask(question: &str, config: &Config, input: &str) -> Result<Option<String>> {
        let _ = (question, config, input);
        Ok(None)
    }

    /// Splits the connector into at most `tasks_max` tasks; each entry is the settings of one task. One by default.
    fn plan(config: &Config, tasks_max: usize) -> Result<Vec<Config>> {
        let _ = tasks_max;
        Ok(vec![config.clone()])
    }

    /// Starts a task. [`Task::resume`] tells where it stood.
    fn open(task: &Task) -> Result<Self>;

    /// Adds the next records to `poll`, and with [`Poll::position`] where to go on after them.
    ///
    /// Returns without records when there are none now; it should first wait up to a second by [`Task::wait`].
    /// [`Kind::Retry`] makes the worker call again after its back-off; records added before the error are lost,
    /// so add them only when they are complete.
    fn poll(&mut self, poll: &mut Poll) -> Result<()>;

    /// The broker has these records and the worker stored their positions: whatever kept them may be released.
    fn committed(&mut self, positions: &[(Fields, Fields)]) {
        let _ = positions;
    }
}

/// Takes records out.
///
/// The worker makes one instance per task and calls it from one thread at a time: `open`, then `write` again and
/// again, then drop. The consumer goes on polling in another thread, so a slow `write` loses no membership.
pub trait Sink: Sized + Send + 'static {
    /// Name, settings and documentation. Called once, when the library is loaded; no I/O.
    fn about() -> About;

    /// Checks what a single setting's declaration cannot: settings that depend on each other, and what the other side
    /// can keep. A person waits: ask the outside for at most three seconds altogether, and take silence for no problem.
    fn validate(config: &Config) -> Vec<Problem> {
        let _ = config;
        Vec::new()
    }

    /// Answers a question of the REST interface that needs no task: `question` is its name, `input` the JSON that came
    /// with it. `None` for a question that this connector does not know. As with [`Self::validate`], a person waits.
    fn ask(question: &str, config: &Config, input: &str) -> Result<Option<String>> {
        let _ = (question, config, input);
        Ok(None)
    }

    /// Settings of each task; by default `tasks_max` times the connector's own.
    fn plan(config: &Config, tasks_max: usize) -> Result<Vec<Config>> {
        Ok(vec![config.clone(); tasks_max])
    }

    /// Starts a task.
    fn open(task: &Task) -> Result<Self>;

    /// Writes the batch. `Ok(())` is a receipt: every record is durable, and its offset may be committed.
    ///
    /// [`Error::records`] is a receipt for all records but the ones it names. [`Kind::Retry`] brings the same
    /// batch again, so whatever was written before the error must not be doubled where the destination can help it.
    fn write(&mut self, batch: &Batch<'_>) -> Result<()>;

    /// As [`Self::write`], with the plan that the worker stored before: writing under a token that had its effect
    /// already has no other effect. Called instead of `write` for a sink that is [`About::exactly_once`] when its
    /// setting `exactlyOnce` is true.
    ///
    /// Records of one partition come in the order of their offsets; the order of partitions may differ when a plan
    /// comes again.
    fn write_planned(&mut self, batch: &Batch<'_>, plan: &Plan<'_>) -> Result<()> {
        let _ = plan;
        self.write(batch)
    }
}
