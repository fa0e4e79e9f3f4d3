//! What readers of shards have in common: their surroundings, and what becomes of a failure.
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_kinesis::types::Record;
use penstock_sdk::{Level, Task};
use tokio::sync::OwnedSemaphorePermit;

use crate::access::{Cause, Failure};

use super::feed::{Chunk, Feed, News, bytes_of};
use super::health::Health;
use super::lineage::Shard;
use super::pace::Backoff;
use super::position::Start;
use super::replay::Until;
use super::settings::{Settings, now_ms};
use super::stream::Stream;

/// What all readers of a task share.
pub struct Surroundings {
    pub stream: Stream,
    pub settings: Settings,
    pub feed: Feed,
    pub health: Health,
    /// The consumer that is in use.
    pub consumer: Mutex<Option<String>>,
    pub task: Task,
}

/// One shard on its way.
pub struct Reader {
    pub around: Arc<Surroundings>,
    pub shard: Arc<Shard>,
    /// Where the next records are asked for.
    pub at: Start,
    /// Where to end, if not at the shard's.
    pub until: Option<Until>,
    /// What a chunk has to say beside its records, until the first one has said it.
    begun: Option<Start>,
    since_ms: Option<i64>,
    given: Option<(String, u64)>,
    backoff: Backoff,
}

impl Reader {
    pub fn new(around: Arc<Surroundings>, shard: Arc<Shard>, at: Start) -> Self {
        let given = match &at {
            Start::Behind { sequence, part: Some(part) } => Some((sequence.clone(), *part)),
            _ => None,
        };
        // What comes from now on has to be known as such later on, too, also when nothing comes for a long time.
        let begun = (at == Start::Latest).then(|| Start::Since(now_ms() - CLOCKS_APART_MS));
        let since_ms = if let Start::Since(ms) = at { Some(ms) } else { None };
        Self { around, shard, at, until: None, begun, since_ms, given, backoff: Backoff::default() }
    }

    /// The place where the shard began, as far as the outside is concerned.
    pub fn announce(&mut self) {
        if let Some(begun) = &self.begun {
            let chunk = Chunk { begun: Some(begun.clone()), ..Chunk::of(&self.shard) };
            self.around.feed.send(News::Chunk(chunk));
        }
    }

    /// Nothing has come from here so far: an iterator that is made anew must not leave out what came meanwhile.
    pub fn hold_place(&mut self) {
        if self.at == Start::Latest
            && let Some(begun) = self.begun.take()
        {
            if let Start::Since(ms) = begun {
                self.since_ms = Some(ms);
            }
            self.at = begun;
        }
    }

    /// Hands on what came. The reader goes on behind it, unless this is true: all that is wanted has come.
    pub async fn bring(
        &mut self,
        mut records: Vec<Record>,
        room: OwnedSemaphorePermit,
    ) -> Result<bool, Failure> {
        self.backoff.succeeded();
        let until = self.until.clone();
        let is_done = until.as_ref().map_or(Ok(false), |until| until.cut(&mut records))?;
        self.fix_beginning(&records);
        let Some(last) = records.last() else { return Ok(false) };
        self.at = Start::Behind { sequence: last.sequence_number.clone(), part: None };
        let room = self.around.feed.fit(room, bytes_of(&records)).await;
        let chunk = Chunk {
            records,
            since_ms: self.since_ms,
            given: self.given.take(),
            until: until.filter(|_| is_done),
            _room: Some(room),
            ..Chunk::of(&self.shard)
        };
        self.around.feed.send(News::Chunk(chunk));
        Ok(is_done)
    }

    /// A shard that began with "now" began with this record, for whoever reads it again.
    fn fix_beginning(&mut self, records: &[Record]) {
        if let Some(first) = records.first()
            && self.begun.take().is_some()
        {
            let begun = Some(Start::At(first.sequence_number.clone()));
            self.around.feed.send(News::Chunk(Chunk { begun, ..Chunk::of(&self.shard) }));
        }
    }

    pub fn end(&self) {
        self.around.health.ended(&self.shard.id);
        let chunk = Chunk { is_end: true, ..Chunk::of(&self.shard) };
        self.around.feed.send(News::Chunk(chunk));
    }

    /// Counts a failure and tells how long to wait; one that waiting does not mend is given back.
    pub fn suffer(&mut self, failure: Failure) -> Result<Duration, Failure> {
        let around = &self.around;
        match failure.cause {
            Cause::Throttled => around.task.count("throttles", 1),
            Cause::Expired => {
                around.task.count("iterator_renewals", 1);
                return Ok(Duration::ZERO);
            }
            _ if around.stream.is_passing(&failure) => around.task.count("shard_retries", 1),
            _ => return Err(failure),
        }
        let reason = format!("stream {}: {}: {}", around.stream.name.name, failure.action, failure.reason);
        if around.health.failed(&self.shard.id, &reason) {
            around.task.log(Level::Warn, &format!("shard {}: trying again: {reason}", self.shard.id));
        }
        Ok(self.backoff.failed(fastrand::f64()))
    }
}

/// What the worker's clock may be ahead of Kinesis. A place in time is only needed where no record marks it.
const CLOCKS_APART_MS: i64 = 1000;
