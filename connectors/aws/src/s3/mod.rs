//! The S3 source: files of a bucket, in the order of their keys, each from where it was left.
mod choice;
mod declare;
mod feed;
#[cfg(fuzzing)]
mod fuzzing;
mod lister;
mod open;
mod outlet;
mod pipeline;
mod position;
mod progress;
mod question;
mod queue;
mod read;
mod reader;
mod remote;
mod replay;
mod settings;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use penstock_sdk::{About, Config, Error, Fields, Kind, Level, Poll, Problem, Result, Source, Task};

use crate::access;

use choice::Choice;
#[cfg(fuzzing)]
pub use fuzzing::{s3_avro, s3_cells};
use lister::{File, Origin};
use outlet::Outlet;
use pipeline::{Pipeline, Work};
use position::{KEY, Position, Seen, partition};
use progress::Progress;
use queue::Open;
use reader::{News, Part};
use replay::Again;
use settings::{Mode, Settings};

/// One task: it reads the files of its lanes.
pub struct S3Source {
    task: Task,
    settings: Arc<Settings>,
    progress: Arc<Progress>,
    /// Messages of a queue whose files are being read.
    open: Arc<Open>,
    /// Tells numbers of this task's life from those of before.
    run: i64,
    /// As far as records were handed on.
    lanes: BTreeMap<u32, Position>,
    /// What is to be read again, and nothing else then.
    again: Option<Again>,
    state: State,
    told_at: Option<Instant>,
}

enum State {
    /// Nothing is fetched before the first poll: a task may be opened only to see whether it can be.
    Resting,
    Reading {
        pipeline: Box<Pipeline>,
        pending: Option<Outlet>,
        failed: Option<Error>,
    },
    Failed(Error),
    Complete,
}

impl Source for S3Source {
    fn about() -> About {
        About::new(
            "S3Source",
            "Reads files of an S3 bucket: JSON lines, text, CSV, TSV, Avro and Parquet, compressed or not, once or as they come.",
        )
        .alias("S3SourceConnector")
        .alias("io.penstock.S3Source")
        .version(env!("CARGO_PKG_VERSION"))
        .replays_within(KEY)
        .settings(declare::declare())
    }

    fn validate(config: &Config) -> Vec<Problem> {
        let found = settings::problems(config);
        let Ok(settings) = Settings::parse(config) else { return found };
        access::validated(found, question::check(&settings), (&["s3."], "s3.bucket"))
    }

    fn ask(question: &str, config: &Config, input: &str) -> Result<Option<String>> {
        question::ask(question, config, input)
    }

    fn plan(config: &Config, tasks_max: usize) -> Result<Vec<Config>> {
        Settings::parse(config)?;
        Ok(settings::plan(config, tasks_max))
    }

    fn open(task: &Task) -> Result<Self> {
        let mut settings = Settings::parse(task.config())?;
        if task.is_preview() {
            // What is taken from a queue is gone for the connector; and who looks wants to see files that are there.
            settings.mode = Mode::Once;
        }
        let settings = Arc::new(settings);
        let mut lanes = BTreeMap::new();
        for lane in (0..position::LANES).filter(|lane| lane % settings.tasks == settings.task) {
            let stored = task.resume(&address(&settings, lane));
            lanes.insert(lane, stored.map_or(Ok(Position::default()), |fields| position::read(&fields))?);
        }
        match question::check(&settings) {
            Err(error) if *error.kind() == Kind::Config => return Err(error),
            // A service that is away now is asked again with the first poll.
            _ => {}
        }
        let progress = Progress::of(task);
        let bounds = task.bounds();
        let again = (!bounds.is_empty()).then(|| Again::new(&settings, &bounds)).transpose()?;
        let is_new = settings.mode == Mode::Once && again.is_none();
        let is_complete = is_new && lanes.values().all(|position| position.is_complete);
        if is_complete {
            task.log(
                Level::Info,
                "the import is complete; reset the connector's offsets to read the files again",
            );
            progress.is_complete.store(true, Relaxed);
        }
        let state = if is_complete { State::Complete } else { State::Resting };
        let (open, run) = (Arc::default(), now_ms());
        Ok(Self { task: task.clone(), settings, progress, open, run, lanes, again, state, told_at: None })
    }

    fn poll(&mut self, poll: &mut Poll) -> Result<()> {
        let outcome = self.step(poll);
        if self.told_at.is_none_or(|at| at.elapsed() > TELL_EVERY) {
            self.told_at = Some(Instant::now());
            self.progress.tell(&self.task);
        }
        outcome
    }

    fn committed(&mut self, positions: &[(Fields, Fields)]) {
        for (partition, offset) in positions {
            let run = offset.integer("run") == Some(self.run);
            if let (Some(_), true, Some(file)) = (partition.get("queue"), run, offset.integer("files")) {
                self.open.stored(file as u64);
            }
        }
    }
}

impl S3Source {
    fn step(&mut self, poll: &mut Poll) -> Result<()> {
        match &mut self.state {
            State::Failed(error) => Err(error.clone()),
            State::Complete => {
                // Whether it is the end that woke it up, the next poll finds out as well.
                let _ = self.task.wait(IDLE);
                Ok(())
            }
            State::Resting => {
                let around = (&self.task, &self.progress, &self.open);
                let pipeline = Pipeline::start(&self.settings, self.work(), around)?;
                self.state = State::Reading { pipeline: Box::new(pipeline), pending: None, failed: None };
                Ok(())
            }
            State::Reading { .. } => self.read(poll),
        }
    }

    fn work(&self) -> Work {
        let stored = |lane: u32| self.lanes.get(&lane).cloned().unwrap_or_default();
        let Settings { task, tasks, restarts, .. } = *self.settings;
        match &self.again {
            Some(again) => Work::Again(again.wanted()),
            None => Work::New(Choice::new(task, tasks, restarts, stored)),
        }
    }

    fn read(&mut self, poll: &mut Poll) -> Result<()> {
        let (mut patience, mut is_given) = (PATIENCE, false);
        let mut files: Vec<Arc<File>> = Vec::new();
        loop {
            let State::Reading { pipeline, pending, failed } = &mut self.state else { return Ok(()) };
            if let Some(outlet) = pending {
                if !shares(&mut files, &outlet.part().file) {
                    return Ok(());
                }
                is_given = true;
                let is_done = outlet.give(poll, &self.settings);
                if !is_done && outlet.given() == 0 {
                    return Ok(());
                }
                match outlet.part().file.origin {
                    Origin::Lane(lane) => record(&mut self.lanes, &self.settings, poll, (lane, outlet)),
                    Origin::Queue(file) if is_done && outlet.part().after.is_none() => {
                        poll.position(queue_address(&self.settings), queue_offset(self.run, file));
                    }
                    Origin::Queue(_) => {}
                    Origin::Again(number) => {
                        self.again.iter_mut().for_each(|again| again.record(poll, (number, outlet)));
                    }
                }
                self.progress.rows.fetch_add(outlet.given(), Relaxed);
                if !is_done {
                    return Ok(());
                }
                count(&self.progress, outlet.part());
                *pending = None;
                continue;
            }
            if let Some(error) = failed.take() {
                if is_given {
                    *failed = Some(error);
                    return Ok(());
                }
                return self.failed(error);
            }
            match pipeline.news(patience) {
                Some(News::Rows(part)) => *pending = Some(Outlet::new(part)),
                Some(News::Failed(error)) => *failed = Some(error),
                Some(News::Complete) => {
                    self.complete(poll);
                    return Ok(());
                }
                None => return Ok(()),
            }
            // What is there is taken along; the rest is not waited for.
            patience = Duration::ZERO;
        }
    }

    /// What passes is tried anew, from where records were handed on last.
    fn failed(&mut self, error: Error) -> Result<()> {
        let is_passing = matches!(error.kind(), Kind::Retry { .. });
        self.progress.bytes_now.store(0, Relaxed);
        self.state = if is_passing { State::Resting } else { State::Failed(error.clone()) };
        Err(error)
    }

    fn complete(&mut self, poll: &mut Poll) {
        self.state = State::Complete;
        if self.again.is_some() {
            return;
        }
        for (lane, position) in &mut self.lanes {
            position.is_complete = true;
            poll.position(address(&self.settings, *lane), position::write(position));
        }
        let (files, rows) = (self.progress.files_done.load(Relaxed), self.progress.rows.load(Relaxed));
        self.task.log(
            Level::Info,
            &format!("the import is complete: this run has read {files} files, {rows} rows"),
        );
        self.progress.is_complete.store(true, Relaxed);
        self.told_at = None;
    }
}

fn address(settings: &Settings, lane: u32) -> Fields {
    partition(&settings.bucket, (&settings.prefix, &settings.glob), lane)
}

fn queue_address(settings: &Settings) -> Fields {
    let url = match &settings.mode {
        Mode::Queue(queue) => queue.url.as_str(),
        Mode::Once | Mode::Listing { .. } => "",
    };
    Fields::new().with("bucket", &*settings.bucket).with("queue", url).with("task", i64::from(settings.task))
}

/// Says what is stored. Where to go on, the queue knows.
fn queue_offset(run: i64, file: u64) -> Fields {
    Fields::new().with("run", run).with("files", i64::try_from(file).unwrap_or(i64::MAX))
}

/// Where the lane stands behind what was given.
fn record(
    lanes: &mut BTreeMap<u32, Position>,
    settings: &Settings,
    poll: &mut Poll,
    (lane, outlet): (u32, &Outlet),
) {
    let object = &outlet.part().file.object;
    let (key, etag) = (object.key.clone(), object.etag.clone());
    let file = Seen { key, etag, modified_ms: object.modified_ms, place: outlet.after() };
    let position = Position { file: Some(file), is_complete: false };
    poll.position(address(settings, lane), position::write(&position));
    lanes.insert(lane, position);
}

/// Whether the file may be in one poll with those before: not with another one of its lane, as a poll has one position of
/// each lane, and a position names one file.
fn shares(files: &mut Vec<Arc<File>>, file: &Arc<File>) -> bool {
    let is_other = |known: &Arc<File>| known.lane() == file.lane() && !Arc::ptr_eq(known, file);
    if file.lane().is_some() && files.iter().any(is_other) {
        return false;
    }
    files.push(Arc::clone(file));
    true
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as i64)
}

fn count(progress: &Progress, part: &Part) {
    if part.after.is_none() {
        progress.files_done.fetch_add(1, Relaxed);
        progress.bytes_done.fetch_add(part.file.object.size, Relaxed);
        progress.bytes_now.store(0, Relaxed);
    } else {
        progress.bytes_now.store(part.read, Relaxed);
    }
}

const TELL_EVERY: Duration = Duration::from_secs(1);
/// A stop is noticed by the worker between two polls.
const PATIENCE: Duration = Duration::from_millis(200);
const IDLE: Duration = Duration::from_secs(1);
