//! Finds a task's shards, starts a reader for each as soon as its turn has come, and sees what becomes of them.
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use penstock_sdk::{Error, Level, Result};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::access::{Cause, Failure};

use super::feed::News;
use super::lineage::{Decision, Lineage, Shard, task_of};
use super::pace::Backoff;
use super::position::{self, Start, Stored};
use super::reader::{Reader, Surroundings};
use super::settings::Mode;
use super::stream::SUBSCRIBE;
use super::{consumer, fanout, polling};

/// Shards that this task has read to their end, as far as the worker has stored it.
pub type Ended = Arc<Mutex<HashSet<String>>>;

/// One task's shards.
pub struct Supervisor {
    around: Arc<Surroundings>,
    ended: Ended,
    listed: HashMap<String, Shard>,
    /// Shards that need no decision any more in this run of the task.
    settled: HashSet<String>,
    running: HashSet<String>,
    readers: JoinSet<(Reader, Result<(), Failure>)>,
    way: Way,
    list_at: Instant,
    listed_at: Option<Instant>,
    backoff: Backoff,
    /// Shards whose lag is told by a metric of their own.
    told: HashSet<String>,
}

/// How records come.
#[derive(Clone, Debug, PartialEq)]
enum Way {
    Polling,
    /// The consumer has to be found first.
    Unregistered,
    Fanout(Arc<str>),
}

impl Supervisor {
    pub fn new(around: Arc<Surroundings>, ended: Ended) -> Self {
        let way = if around.settings.mode == Mode::Polling { Way::Polling } else { Way::Unregistered };
        Self {
            around,
            ended,
            listed: HashMap::new(),
            settled: HashSet::new(),
            running: HashSet::new(),
            readers: JoinSet::new(),
            way,
            list_at: Instant::now(),
            listed_at: None,
            backoff: Backoff::default(),
            told: HashSet::new(),
        }
    }

    /// Runs until something happens that the task does not get over.
    pub async fn run(mut self) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut tell_at = Instant::now();
        loop {
            let turned = tokio::select! {
                Some(joined) = self.readers.join_next() => match joined {
                    Ok((reader, outcome)) => self.returned(reader, outcome).await,
                    Err(panic) => Err(Error::fatal(format!("a reader of a shard has ended: {panic}"))),
                },
                _ = tick.tick() => self.turn().await,
            };
            if let Err(error) = turned {
                self.around.feed.send(News::Failed(error));
                return;
            }
            if Instant::now() >= tell_at {
                tell_at = Instant::now() + TELL_EVERY;
                self.tell();
            }
        }
    }

    async fn turn(&mut self) -> Result<()> {
        if Instant::now() >= self.list_at {
            self.list().await?;
        }
        if self.way == Way::Unregistered && self.listed_at.is_some() {
            self.register().await?;
        }
        if self.way == Way::Unregistered { Ok(()) } else { self.start() }
    }

    async fn list(&mut self) -> Result<()> {
        match self.around.stream.shards().await {
            Ok(shards) => {
                self.around.health.listed();
                self.backoff.succeeded();
                self.listed = shards.into_iter().map(|shard| (shard.id.clone(), shard)).collect();
                self.settled.retain(|id| self.listed.contains_key(id) || self.running.contains(id));
                self.listed_at = Some(Instant::now());
                self.list_at = Instant::now() + self.around.settings.list_interval;
                Ok(())
            }
            Err(failure) => self.put_off(&failure),
        }
    }

    /// Comes again later, where that may help.
    fn put_off(&mut self, failure: &Failure) -> Result<()> {
        let stream = &self.around.stream;
        if !stream.is_passing(failure) {
            return Err(stream.error(failure));
        }
        if failure.cause == Cause::Throttled {
            self.around.task.count("throttles", 1);
        }
        self.around.health.not_listed(stream.error(failure).message());
        self.list_at = Instant::now() + self.backoff.failed(fastrand::f64());
        Ok(())
    }

    async fn register(&mut self) -> Result<()> {
        let name = self.around.settings.consumer_of(self.around.task.connector());
        match consumer::ensure(&self.around.stream, &name).await {
            Ok(arn) => {
                self.around.consumer.lock().unwrap_or_else(PoisonError::into_inner).replace(arn.clone());
                self.way = Way::Fanout(arn.into());
                Ok(())
            }
            Err(failure) if self.falls_back(&failure) => Ok(()),
            Err(failure) => self.put_off(&failure),
        }
    }

    /// Without fan-out where it is not to be had and need not be.
    fn falls_back(&mut self, failure: &Failure) -> bool {
        let is_closed = matches!(failure.cause, Cause::Denied | Cause::Limit | Cause::Invalid);
        let falls_back = self.around.settings.mode == Mode::Auto && is_closed;
        if falls_back && self.way != Way::Polling {
            let Failure { action, reason, .. } = failure;
            let message = format!("polling in place of enhanced fan-out: {action}: {reason}");
            self.around.task.log(Level::Info, &message);
            self.way = Way::Polling;
        }
        falls_back
    }

    /// Starts readers for the shards whose turn has come.
    fn start(&mut self) -> Result<()> {
        let tasks = (self.around.settings.task, self.around.settings.tasks);
        let is_ours = |id: &str| task_of(id, tasks.1) == tasks.0;
        let open: Vec<_> = self
            .listed
            .values()
            .filter(|shard| is_ours(&shard.id) && !self.settled.contains(&shard.id))
            .map(|shard| (shard.clone(), self.decide(shard)))
            .collect();
        for (shard, decision) in open {
            match decision? {
                Decision::Wait => continue,
                Decision::Done | Decision::Skip => {}
                Decision::Recreated => return Err(self.recreated(&shard)),
                Decision::Read(start) => self.read(&shard, start),
            }
            self.settled.insert(shard.id);
        }
        Ok(())
    }

    fn decide(&self, shard: &Shard) -> Result<Decision> {
        let (around, stream) = (&self.around, &self.around.stream.name.name);
        let stored = |id: &str| {
            let is_ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).contains(id);
            let found = || around.task.resume(&position::partition(stream, id));
            if is_ended { Some(Ok(Stored::End)) } else { found().map(|fields| position::read(&fields)) }
        };
        if let Some(Err(error)) = stored(&shard.id) {
            return Err(error.within(&shard.id));
        }
        // What is wrong with another one's is told by the task that reads it.
        let stored = |id: &str| stored(id).and_then(Result::ok);
        Ok(Lineage { listed: &self.listed, stored, start: around.settings.start.clone() }.decide(shard))
    }

    fn recreated(&self, shard: &Shard) -> Error {
        Error::config(format!(
            "stream {}: shard {} was read to its end and is open: the stream was made anew; stop the connector and \
             reset its offsets (DELETE /connectors/NAME/offsets) to read it",
            self.around.stream.name.name, shard.id
        ))
    }

    fn read(&mut self, shard: &Shard, start: Start) {
        self.spawn(Reader::new(Arc::clone(&self.around), Arc::new(shard.clone()), start), Duration::ZERO);
    }

    fn spawn(&mut self, mut reader: Reader, wait: Duration) {
        let way = self.way.clone();
        self.running.insert(reader.shard.id.clone());
        self.readers.spawn(async move {
            tokio::time::sleep(wait).await;
            let outcome = match &way {
                Way::Fanout(consumer) => fanout::follow(&mut reader, consumer).await,
                Way::Polling | Way::Unregistered => polling::follow(&mut reader).await,
            };
            (reader, outcome)
        });
    }

    async fn returned(&mut self, mut reader: Reader, outcome: Result<(), Failure>) -> Result<()> {
        self.running.remove(&reader.shard.id);
        let Err(failure) = outcome else {
            // Its children are there already.
            self.list_at = self.listed_at.map_or(self.list_at, |at| self.list_at.min(at + LIST_EVERY));
            return Ok(());
        };
        if failure.action == SUBSCRIBE && self.falls_back(&failure) {
            self.spawn(reader, Duration::ZERO);
            return Ok(());
        }
        if failure.cause != Cause::Missing {
            return Err(self.around.stream.error(&failure).within(&reader.shard.id));
        }
        // The stream, the shard or the consumer.
        let shards = match self.around.stream.shards().await {
            Ok(shards) => shards,
            Err(failure) if failure.cause == Cause::Missing => {
                return Err(self.around.stream.error(&failure));
            }
            Err(_) => Vec::from([Shard::clone(&reader.shard)]),
        };
        if !shards.iter().any(|shard| shard.id == reader.shard.id) {
            self.expired(&reader);
            return Ok(());
        }
        if let Way::Fanout(_) = self.way {
            self.register().await?;
        }
        let wait = reader.suffer(Failure::transient(failure.action, failure.reason));
        self.spawn(reader, wait.unwrap_or(TELL_EVERY));
        Ok(())
    }

    /// It is no longer kept: whatever had not been read of it is lost.
    fn expired(&self, reader: &Reader) {
        self.around.task.count("shards_expired", 1);
        let message = format!(
            "stream {}: shard {} is no longer kept: records that were not read before the stream's retention period \
             ended are lost; it was to go on at {:?}",
            self.around.stream.name.name, reader.shard.id, reader.at
        );
        self.around.task.log(Level::Error, &message);
        reader.end();
    }

    fn tell(&mut self) {
        let task = &self.around.task;
        let lags = self.around.health.lags();
        task.gauge("lag_ms", lags.iter().map(|(_, lag)| *lag).max().unwrap_or(0) as f64);
        task.gauge("shards_open", self.readers.len() as f64);
        let here: HashSet<&String> = lags.iter().map(|(id, _)| id).collect();
        for gone in self.told.iter().filter(|id| !here.contains(id)) {
            task.gauge(&format!("lag_ms {gone}"), 0.0);
        }
        self.told.retain(|id| here.contains(id));
        for (id, lag) in &lags {
            if self.told.len() < TOLD_MAX || self.told.contains(id) {
                task.gauge(&format!("lag_ms {id}"), *lag as f64);
                self.told.insert(id.clone());
            }
        }
    }
}

/// A parent's end is noticed that much later, beside the time that the worker takes to store it.
const TICK: Duration = Duration::from_millis(200);
const TELL_EVERY: Duration = Duration::from_secs(1);
/// Many shards end at the same time.
const LIST_EVERY: Duration = Duration::from_secs(1);
/// A metric that was told once stays for the worker's life.
const TOLD_MAX: usize = 1000;
