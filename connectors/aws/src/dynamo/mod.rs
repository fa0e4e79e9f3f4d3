//! The DynamoDB source: an export of a table, then its changes from a Kinesis stream, in one connector.
mod conductor;
mod control;
mod declare;
mod file;
mod json;
mod load;
mod manifest;
mod outlet;
mod progress;
mod question;
mod settings;
mod setup;
mod state;
mod version;

use std::time::{Duration, Instant};

use penstock_sdk::{About, Config, Error, Fields, Kind, Level, Poll, Problem, Result, Source, Task};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{Receiver, channel};

use crate::access;
use crate::kinesis::{Flow, Start, is_full};

use conductor::{Conductor, News};
#[cfg(not(fuzzing))]
use json::Reader;
#[cfg(fuzzing)]
pub use json::{Reader, Shape};
use outlet::{Changes, Held, Outlet, Tally};
use settings::Settings;
use state::State;

/// One task: every so-manieth file of the export, and its share of the stream's shards.
pub struct DynamoDb {
    task: Task,
    settings: Settings,
    /// Ends with the task; until then it is there.
    runtime: Option<Runtime>,
    news: Option<Receiver<News>>,
    /// As soon as the table's key is known.
    outlet: Option<Outlet>,
    held: Option<Held>,
    /// When rows of the snapshot came last.
    rows_at: Option<Instant>,
    flow: Option<Flow>,
    /// To be told with the next poll: this one gives something.
    later: Option<Error>,
    failed: Option<Error>,
}

impl Source for DynamoDb {
    fn about() -> About {
        About::new(
            "DynamoDb",
            "Reads a DynamoDB table: a snapshot from an export in S3, then every change from its Kinesis stream.",
        )
        .alias("DynamoDbSource")
        .alias("DynamoDbSourceConnector")
        .version(env!("CARGO_PKG_VERSION"))
        .exactly_once()
        .settings(declare::declare())
    }

    fn validate(config: &Config) -> Vec<Problem> {
        let found = settings::problems(config);
        let Ok(settings) = Settings::parse(config) else { return found };
        access::validated(found, question::check(&settings), (&["kinesis.", "dynamodb."], "dynamodb.table"))
    }

    fn ask(question: &str, config: &Config, _input: &str) -> Result<Option<String>> {
        question::ask(question, config)
    }

    fn plan(config: &Config, tasks_max: usize) -> Result<Vec<Config>> {
        Settings::parse(config)?;
        Ok(settings::plan(config, tasks_max))
    }

    fn open(task: &Task) -> Result<Self> {
        let settings = Settings::parse(task.config())?;
        if task.is_preview() {
            let instead = "ask the question setup, which tells what is turned on and the columns";
            return Err(Error::config(format!(
                "DynamoDb has no preview, as it sets up streams and exports: {instead}"
            )));
        }
        // Offsets that a person has altered are refused before anything is read.
        if let Some(fields) = task.resume(&State::partition(&settings.table.name)) {
            State::read(&fields)?;
        }
        Ok(Self {
            task: task.clone(),
            settings,
            runtime: Some(access::runtime("dynamodb")?),
            news: None,
            outlet: None,
            held: None,
            rows_at: None,
            flow: None,
            later: None,
            failed: None,
        })
    }

    fn poll(&mut self, poll: &mut Poll) -> Result<()> {
        if let Some(error) = self.later.take().or_else(|| self.failed.clone()) {
            return Err(error);
        }
        self.begin();
        let waits = if self.flow.is_none() { PATIENCE } else { Duration::ZERO };
        let is_given = self.snapshot(poll, waits)?;
        let is_loading = self.rows_at.is_some_and(|at| at.elapsed() < LOADING);
        let patience = match (is_given, is_loading) {
            (true, _) => Duration::ZERO,
            (false, true) => SHORT_PATIENCE,
            (false, false) => PATIENCE,
        };
        let followed = match (&mut self.flow, &mut self.outlet) {
            (Some(flow), Some(outlet)) => flow.poll(&mut Changes { outlet, poll }, patience),
            _ => Ok(()),
        };
        self.tell();
        match followed {
            Err(error) if is_given => {
                self.later = Some(error);
                Ok(())
            }
            followed => followed,
        }
    }

    fn committed(&mut self, positions: &[(Fields, Fields)]) {
        if let Some(flow) = &mut self.flow {
            flow.committed(positions);
        }
    }
}

impl DynamoDb {
    /// Nothing is asked or turned on before the first poll: a task may be opened only to see whether it can be.
    fn begin(&mut self) {
        let (None, Some(runtime)) = (&self.news, &self.runtime) else { return };
        let (sender, news) = channel(CHUNKS);
        runtime.spawn(Conductor::new(&self.task, &self.settings, sender).run());
        self.news = Some(news);
    }

    /// Gives what has come of the snapshot; true if that is anything. An error comes alone.
    fn snapshot(&mut self, poll: &mut Poll, patience: Duration) -> Result<bool> {
        let mut is_given = false;
        while !is_full(poll) && poll.bytes() < SNAPSHOT_BYTES {
            if let (Some(held), Some(outlet)) = (&mut self.held, &mut self.outlet) {
                match outlet.rows(held, poll) {
                    Ok(true) => self.held = None,
                    Ok(false) => return Ok(true),
                    Err(error) if is_given => {
                        // It is met again, and then alone.
                        drop(error);
                        return Ok(true);
                    }
                    Err(error) => return Err(error),
                }
                is_given = true;
                continue;
            }
            match self.next(if is_given { Duration::ZERO } else { patience }) {
                None => break,
                Some(News::Table(keys)) => self.meet(&keys),
                Some(News::State(state)) => {
                    poll.position(State::partition(&self.settings.table.name), state.write());
                    is_given = true;
                }
                Some(News::Follow(since_ms)) => self.follow(since_ms)?,
                Some(News::Rows(rows)) => {
                    self.held = Some(Held::new(rows));
                    self.rows_at = Some(Instant::now());
                }
                Some(News::Failed(error)) => {
                    if !matches!(error.kind(), Kind::Retry { .. }) {
                        self.failed = Some(error.clone());
                    }
                    if is_given {
                        self.later = Some(error);
                        return Ok(true);
                    }
                    return Err(error);
                }
            }
        }
        Ok(is_given)
    }

    fn next(&mut self, patience: Duration) -> Option<News> {
        let (runtime, news) = (self.runtime.as_ref()?, self.news.as_mut()?);
        if patience.is_zero() {
            return news.try_recv().ok();
        }
        if news.is_closed() && news.is_empty() {
            // The snapshot is done with, and nothing follows.
            let _ = self.task.wait(patience);
            return None;
        }
        runtime.block_on(async { tokio::time::timeout(patience, news.recv()).await.ok().flatten() })
    }

    fn meet(&mut self, keys: &[String]) {
        let table = &self.settings.table.name;
        let reader = Reader::new(self.settings.shape.clone(), table, keys);
        self.outlet = Some(Outlet::new(table, &self.settings.topic, reader, self.settings.tolerates));
    }

    fn follow(&mut self, since_ms: Option<i64>) -> Result<()> {
        let Some(mut settings) = self.settings.stream.clone() else { return Ok(()) };
        if let Some(since_ms) = since_ms {
            // All that happened from then on came then or later, by clocks that are about the same.
            settings.start = Start::Since(since_ms.saturating_sub(CLOCKS_APART_MS).max(0));
            if let Some(outlet) = &mut self.outlet {
                outlet.since_us = u64::try_from(since_ms).unwrap_or_default().saturating_mul(1000);
            }
        }
        self.flow = Some(Flow::new(&self.task, settings)?);
        Ok(())
    }

    /// Nothing is left out in silence.
    fn tell(&mut self) {
        let Some(outlet) = &mut self.outlet else { return };
        let Tally { before_snapshot, of_other_tables, malformed } = std::mem::take(&mut outlet.tally);
        for (name, count) in [
            ("changes_before_snapshot", before_snapshot),
            ("changes_of_other_tables", of_other_tables),
            ("records_malformed", malformed.len() as u64),
        ] {
            if count > 0 {
                self.task.count(name, count);
            }
        }
        for message in malformed.iter().take(TOLD_MAX) {
            self.task.log(Level::Error, &format!("left out, as errors.tolerance=all says: {message}"));
        }
        if malformed.len() > TOLD_MAX {
            let more = malformed.len() - TOLD_MAX;
            self.task
                .log(Level::Error, &format!("left out, as errors.tolerance=all says: {more} records more"));
        }
    }
}

impl Drop for DynamoDb {
    fn drop(&mut self) {
        self.flow.take();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(CLOSE_PATIENCE);
        }
        progress::forget(&self.task, &self.settings);
    }
}

/// A stop is noticed by the worker between two polls.
const PATIENCE: Duration = Duration::from_millis(200);
/// While the snapshot is loaded a quiet stream must not hold it up.
const SHORT_PATIENCE: Duration = Duration::from_millis(10);
const LOADING: Duration = Duration::from_secs(2);
const CLOSE_PATIENCE: Duration = Duration::from_millis(500);
/// Pieces of files that may wait, of a quarter of a megabyte or one item each.
const CHUNKS: usize = 4;
/// Of a poll: changes have their share of it too.
const SNAPSHOT_BYTES: usize = 2 << 20;
/// Beside the margin before the export.
const CLOCKS_APART_MS: i64 = 60_000;
/// Lines of log for one poll.
const TOLD_MAX: usize = 10;
