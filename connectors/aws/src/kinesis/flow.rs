//! The shards of a stream as one flow of records into a task: read beside its thread, given out in its polls.
use std::collections::HashSet;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use penstock_sdk::{Error, Fields, Kind, Level, Result, Task};
use tokio::runtime::Runtime;

use crate::access::{self, Failure};

use super::feed::{self, Feed, News};
use super::health::Health;
use super::lineage::{Shard, task_of};
use super::outlet::{Basket, Outlet, Pending, Tally};
use super::pace::Backoff;
use super::position::{self, Stored};
use super::reader::Surroundings;
use super::replay;
use super::settings::Settings;
use super::stream::Stream;
use super::supervisor::{Ended, Supervisor};

/// A task's share of a stream. Nothing is read before the first poll: a task may be opened only to see whether it can be.
pub struct Flow {
    task: Task,
    settings: Settings,
    outlet: Outlet,
    /// Ends with the task; until then it is there.
    runtime: Option<Runtime>,
    readers: Option<Readers>,
    pending: Option<Pending>,
    failed: Option<Error>,
    ended: Ended,
}

/// What runs beside the task's thread.
struct Readers {
    /// As soon as it is known how the stream is reached.
    around: Arc<OnceLock<Arc<Surroundings>>>,
    news: Receiver<News>,
}

impl Flow {
    pub fn new(task: &Task, settings: Settings) -> Result<Self> {
        Ok(Self {
            task: task.clone(),
            outlet: Outlet::new(&settings),
            settings,
            runtime: Some(access::runtime("kinesis")?),
            readers: None,
            pending: None,
            failed: None,
            ended: Arc::default(),
        })
    }

    /// Offsets that a person has altered are refused before anything is read. A service that is away now is asked again with
    /// the first poll.
    pub fn refuse_offsets(&self) -> Result<()> {
        let Some(runtime) = &self.runtime else { return Ok(()) };
        let listing = async {
            let stream = Stream::open(&self.settings.stream, &self.settings.access).await?;
            stream.shards().await.map_err(|failure| stream.error(&failure))
        };
        match runtime.block_on(access::opened(listing)) {
            Ok(shards) => refuse_offsets(&self.task, &self.settings, &shards),
            Err(error) if *error.kind() == Kind::Config => Err(error),
            Err(_) => Ok(()),
        }
    }

    /// Gives what has come, and waits at most `patience` for the first of it.
    pub fn poll(&mut self, basket: &mut impl Basket, mut patience: Duration) -> Result<()> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.begin();
        let mut is_given = false;
        while !basket.is_full() {
            let Some(pending) = &mut self.pending else {
                match self.news(patience) {
                    Some(News::Chunk(chunk)) => self.pending = Some(Pending::new(chunk)),
                    Some(News::Failed(error)) => {
                        let is_passing = matches!(error.kind(), Kind::Retry { .. });
                        self.failed = (!is_passing).then(|| error.clone());
                        return if is_given { Ok(()) } else { Err(error) };
                    }
                    None => break,
                }
                // What is there is taken along; the rest is not waited for.
                patience = Duration::ZERO;
                continue;
            };
            is_given = true;
            let is_beginning = pending.is_beginning();
            let outcome = self.outlet.give(pending, basket);
            self.tell();
            if !outcome? {
                return Ok(());
            }
            self.pending = None;
            // Where a shard begins is known before any of its records.
            if is_beginning {
                return Ok(());
            }
        }
        match self.around().and_then(|around| around.health.reason()) {
            Some(reason) if !is_given => Err(Error::retry(reason)),
            _ => Ok(()),
        }
    }

    pub fn committed(&mut self, positions: &[(Fields, Fields)]) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        for (partition, offset) in positions {
            if let (Some(shard), Ok(Stored::End)) = (partition.text("shard"), position::read(offset)) {
                ended.insert(shard.to_owned());
            }
        }
    }

    fn begin(&mut self) {
        let (None, Some(runtime)) = (&self.readers, &self.runtime) else { return };
        let (feed, news) = Feed::new(self.settings.buffer_bytes);
        let around = Arc::new(OnceLock::new());
        let start = Beginning {
            settings: self.settings.clone(),
            task: self.task.clone(),
            feed,
            around: Arc::clone(&around),
        };
        runtime.spawn(start.run(Arc::clone(&self.ended)));
        self.readers = Some(Readers { around, news });
    }

    fn around(&self) -> Option<&Arc<Surroundings>> {
        self.readers.as_ref().and_then(|readers| readers.around.get())
    }

    /// Nothing is left out in silence.
    fn tell(&mut self) {
        let Tally { astray, large } = std::mem::take(&mut self.outlet.tally);
        if astray > 0 {
            self.task.count("records_of_other_shards", astray);
        }
        if !large.is_empty() {
            self.task.count("messages_too_large", large.len() as u64);
        }
        for message in large {
            self.task.log(Level::Error, &format!("left out, as errors.tolerance=all says: {message}"));
        }
    }

    fn news(&self, patience: Duration) -> Option<News> {
        self.readers.as_ref().and_then(|readers| feed::next(&readers.news, patience))
    }

    /// The consumer costs money while it is registered.
    fn remove_consumer(&self, runtime: &Runtime) {
        let Some(around) = self.around() else { return };
        let found = around.consumer.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (Some(arn), true, 0) = (found, self.settings.deletes_consumer, self.settings.task) else {
            return;
        };
        let removal = async { tokio::time::timeout(REMOVAL_PATIENCE, around.stream.deregister(&arn)).await };
        let reason = match runtime.block_on(removal) {
            Ok(Ok(())) => return,
            Ok(Err(Failure { reason, .. })) => reason,
            Err(_) => "no answer in time".into(),
        };
        let message = format!("the consumer {arn} stays registered, and costs: {reason}");
        self.task.log(Level::Warn, &message);
    }
}

/// The first steps of a task, away from its thread, which has to notice a stop.
struct Beginning {
    settings: Settings,
    task: Task,
    feed: Feed,
    around: Arc<OnceLock<Arc<Surroundings>>>,
}

impl Beginning {
    async fn run(self, ended: Ended) {
        let Self { settings, task, feed, around } = self;
        let mut backoff = Backoff::default();
        let stream = loop {
            match access::opened(Box::pin(Stream::open(&settings.stream, &settings.access))).await {
                Ok(stream) => break stream,
                Err(error) if matches!(error.kind(), Kind::Retry { .. }) => {
                    feed.send(News::Failed(error));
                    tokio::time::sleep(backoff.failed(fastrand::f64())).await;
                }
                Err(error) => return feed.send(News::Failed(error)),
            }
        };
        let (health, consumer) = (Health::default(), Mutex::default());
        let found = Arc::new(Surroundings { stream, settings, feed, health, consumer, task });
        let found = Arc::clone(around.get_or_init(|| found));
        match found.task.bounds() {
            bounds if bounds.is_empty() => Supervisor::new(found, ended).run().await,
            bounds => replay::run(found, bounds).await,
        }
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            self.remove_consumer(&runtime);
            runtime.shutdown_timeout(CLOSE_PATIENCE);
        }
    }
}

fn refuse_offsets(task: &Task, settings: &Settings, shards: &[Shard]) -> Result<()> {
    let ours = shards.iter().filter(|shard| task_of(&shard.id, settings.tasks) == settings.task);
    let seen: HashSet<&str> = ours.map(|shard| shard.id.as_str()).collect();
    for shard in seen {
        if let Some(offset) = task.resume(&position::partition(&settings.stream.name, shard)) {
            position::read(&offset)?;
        }
    }
    Ok(())
}

const CLOSE_PATIENCE: Duration = Duration::from_millis(500);
/// A consumer that stays costs money every hour; the worker waits 5 s for a task to end.
const REMOVAL_PATIENCE: Duration = Duration::from_secs(2);
/// A stop is noticed by the worker between two polls.
pub const PATIENCE: Duration = Duration::from_millis(200);
