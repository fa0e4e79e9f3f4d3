//! A member of a consumer group: fetches in batches, commits when told to.

mod observer;

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::raw::{Handle, Ops};
use crate::{ClientSettings, Error, Messages, fetch, pattern};
use observer::Observer;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    pub topic: String,
    pub partition: i32,
}

impl TopicPartition {
    pub fn new(topic: impl Into<String>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

/// The offset that comes next, with a note for whoever reads it from the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    /// At most 4,096 bytes by the broker's default.
    pub metadata: String,
}

/// What a group has committed for a partition; `offset` is none when nothing was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    pub topic: String,
    pub partition: i32,
    pub offset: Option<i64>,
    pub metadata: String,
}

/// How far a partition is behind, as far as this client knows without asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionLag {
    pub topic: String,
    pub partition: i32,
    /// The offset after the last record that was fetched.
    pub position: Option<i64>,
    pub end: Option<i64>,
}

impl PartitionLag {
    pub fn records(&self) -> Option<i64> {
        Some((self.end? - self.position?).max(0))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topics {
    Names(Vec<String>),
    /// A regular expression that has to match the whole name, as Java's `topics.regex`.
    Pattern(String),
}

/// Told of every change of the assignment, by the thread that calls `fetch` or `close`, from inside it.
///
/// A `fetch` returns soon after one of these, without waiting for records.
pub trait RebalanceListener: Send {
    /// The partitions are ours; fetching starts at their committed offsets.
    fn assigned(&mut self, partitions: &[TopicPartition]);
    /// The partitions go when this returns. It is the last chance to commit for them.
    fn revoked(&mut self, partitions: &[TopicPartition], committer: &mut Committer<'_>);
    /// The partitions are gone already, and commits for them would be refused.
    fn lost(&mut self, partitions: &[TopicPartition]);
}

/// Commits from inside a rebalance.
pub struct Committer<'a> {
    ops: Ops<'a>,
    timeout: Duration,
}

impl Committer<'_> {
    pub fn commit(&mut self, commits: &[Commit]) -> Result<(), Error> {
        self.ops.commit(commits, self.timeout)
    }
}

pub struct ConsumerSettings {
    pub client: ClientSettings,
    pub group: String,
    /// A static member's name: who joins with it takes over from whoever holds it.
    pub instance: Option<String>,
    pub topics: Topics,
    pub listener: Box<dyn RebalanceListener>,
    /// Bytes that are fetched ahead, for all partitions together.
    pub queue_bytes_max: usize,
    /// How long a commit or a look at committed offsets may wait.
    pub request_timeout: Duration,
}

impl ConsumerSettings {
    pub fn new(
        client: ClientSettings,
        group: &str,
        topics: Topics,
        listener: Box<dyn RebalanceListener>,
    ) -> Self {
        Self {
            client,
            group: group.to_owned(),
            instance: None,
            topics,
            listener,
            queue_bytes_max: 16 << 20,
            request_timeout: Duration::from_secs(30),
        }
    }
}

/// Interrupts a `fetch` that waits, from another thread.
#[derive(Clone)]
pub struct Waker(Weak<Handle>);

impl Waker {
    pub fn wake(&self) {
        if let Some(handle) = self.0.upgrade() {
            handle.wake();
        }
    }
}

/// One member of a group. `fetch` has to be called regularly, also while paused, or the member is thrown out
/// after `max.poll.interval.ms`.
pub struct Consumer {
    handle: Arc<Handle>,
    observer: Arc<Observer>,
    request_timeout: Duration,
    is_closed: bool,
}

impl Consumer {
    pub fn open(settings: ConsumerSettings) -> Result<Self, Error> {
        let topics = match &settings.topics {
            Topics::Names(names) if names.is_empty() => return Err(Error::config("topics: expected a name")),
            Topics::Names(names) => names.clone(),
            Topics::Pattern(pattern) => vec![pattern::to_posix(pattern)?],
        };
        let config = client_settings(&settings).to_consumer();
        let observer = Arc::new(Observer::new(settings.listener, settings.request_timeout));
        let handle = Arc::new(Handle::open(&config, observer.clone())?);
        handle.ops().subscribe(&topics)?;
        Ok(Self { handle, observer, request_timeout: settings.request_timeout, is_closed: false })
    }

    /// Waits up to `timeout` for a record, then gives all that are there, at most `max`.
    ///
    /// An error of kind `Retry` leaves the consumer as it is: call again.
    pub fn fetch(&mut self, max: usize, timeout: Duration) -> Result<Messages, Error> {
        if let Some(error) = self.handle.ops().fatal().or_else(|| self.observer.take_error()) {
            return Err(error);
        }
        let fetch::Turn { mut messages, errors, .. } = fetch::fetch(&self.handle, max, timeout);
        for (_, error) in errors {
            self.observer.keep_error(error);
        }
        let gone = self.observer.take_revoked();
        if !gone.is_empty() {
            messages.drop_partitions(&gone);
        }
        if messages.is_empty()
            && let Some(error) = self.handle.ops().fatal().or_else(|| self.observer.take_error())
        {
            return Err(error);
        }
        Ok(messages)
    }

    pub fn assignment(&self) -> Vec<TopicPartition> {
        self.observer.assignment()
    }

    /// Stops fetching and keeps the assignment, also for partitions that come later.
    pub fn pause_all(&mut self) -> Result<(), Error> {
        self.observer.set_paused(true);
        self.handle.ops().pause(&self.assignment(), true)
    }

    pub fn resume_all(&mut self) -> Result<(), Error> {
        self.observer.set_paused(false);
        self.handle.ops().pause(&self.assignment(), false)
    }

    /// Commits and waits for the answer. `Fenced`: another member took over. `Lost`: the generation moved on.
    pub fn commit(&self, commits: &[Commit]) -> Result<(), Error> {
        self.handle.ops().commit(commits, self.request_timeout)
    }

    pub fn committed(&self, partitions: &[TopicPartition]) -> Result<Vec<Committed>, Error> {
        let rows = self.handle.ops().committed(partitions, self.request_timeout)?;
        Ok(rows.into_iter().map(Committed::from).collect())
    }

    /// Asks nobody: what the last fetches told.
    pub fn lag(&self) -> Vec<PartitionLag> {
        let ops = self.handle.ops();
        let assignment = self.assignment();
        let positions: BTreeMap<TopicPartition, i64> = ops
            .positions(&assignment)
            .unwrap_or_default()
            .into_iter()
            .filter(|row| row.offset >= 0)
            .map(|row| (TopicPartition::new(row.topic, row.partition), row.offset))
            .collect();
        let lag = |tp: TopicPartition| {
            let (position, end) = (positions.get(&tp).copied(), ops.known_end(&tp));
            PartitionLag { topic: tp.topic, partition: tp.partition, position, end }
        };
        assignment.into_iter().map(lag).collect()
    }

    pub fn waker(&self) -> Waker {
        Waker(Arc::downgrade(&self.handle))
    }

    /// Gives partitions back, with the listener's `revoked`, and leaves the group. A static member does not
    /// leave: its partitions wait for it until the session times out or it comes back.
    pub fn close(mut self) {
        self.shut();
    }

    fn shut(&mut self) {
        if !std::mem::replace(&mut self.is_closed, true) {
            if !self.handle.close(self.request_timeout) {
                tracing::warn!("the consumer group did not answer in time, closing without it");
            }
            self.observer.lose_rest();
        }
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.shut();
    }
}

impl From<crate::raw::Entry> for Committed {
    fn from(row: crate::raw::Entry) -> Self {
        Self {
            topic: row.topic,
            partition: row.partition,
            offset: (row.offset >= 0).then_some(row.offset),
            metadata: String::from_utf8_lossy(&row.metadata).into_owned(),
        }
    }
}

/// Defaults under what was given, and what a worker never leaves to anybody on top.
fn client_settings(settings: &ConsumerSettings) -> ClientSettings {
    let mut client = settings.client.clone();
    client.set_default("auto.offset.reset", "earliest");
    // Java's default; librdkafka's own would hide records of open transactions.
    client.set_default("isolation.level", "read_uncommitted");
    // In the new protocol the broker decides these, and librdkafka refuses them.
    if client.get("group.protocol") != Some("consumer") {
        set_session(&mut client);
    }
    // A full queue is looked at again soon: a second, the default, would be a pause in every stream.
    client.set_default("fetch.queue.backoff.ms", "20");
    client.set_default(
        "queued.max.messages.kbytes",
        (settings.queue_bytes_max / 1024).clamp(1, 2_097_151).to_string(),
    );
    // Small records take four times their size while they wait, so their number is bounded as well.
    client.set_default("queued.min.messages", "20000");
    make_room_for_fetches(&mut client);
    client.set("group.id", &settings.group);
    if let Some(instance) = &settings.instance {
        client.set("group.instance.id", instance);
    }
    client.set("enable.auto.commit", "false");
    client.set("enable.auto.offset.store", "false");
    client.set("enable.partition.eof", "false");
    client.set("statistics.interval.ms", "0");
    client
}

fn set_session(client: &mut ClientSettings) {
    client.set_default("partition.assignment.strategy", "range,roundrobin");
    client.set_default("session.timeout.ms", "6000");
    let session_ms: u64 = client.get("session.timeout.ms").and_then(|ms| ms.parse().ok()).unwrap_or(6000);
    client.set_default("heartbeat.interval.ms", (session_ms / 4).clamp(1, 3000).to_string());
}

/// librdkafka refuses to start when an answer could be larger than it receives.
fn make_room_for_fetches(client: &mut ClientSettings) {
    let fetch_max: Option<u64> = client.get("fetch.max.bytes").and_then(|bytes| bytes.parse().ok());
    if let Some(bytes) = fetch_max.filter(|bytes| *bytes > 99_999_000) {
        client.set_default("receive.message.max.bytes", (bytes + 1_000).to_string());
    }
}
