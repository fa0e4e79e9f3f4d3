//! Reads given ranges of offsets, whoever owns the partitions in a group.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::types::RDKafkaErrorCode as Code;

use crate::raw::{Callbacks, Change, Handle, Ops};
use crate::{ClientSettings, Error, Messages, TopicPartition, fetch};

/// Offsets of a partition from `start` up to, and without, `end`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OffsetRange {
    pub at: TopicPartition,
    pub start: i64,
    pub end: i64,
}

/// Records that are taken at once.
const FETCH_MAX: usize = 8192;
/// How long a fetch waits before the caller is asked whether to go on.
const TURN: Duration = Duration::from_millis(200);

/// All records of these ranges that still exist, in the order of their offsets within a partition. No group is
/// joined. `None` when `go_on` said no; an error of kind `Retry` when nothing came for `patience`.
pub fn read_ranges(
    client: &ClientSettings,
    ranges: &[OffsetRange],
    patience: Duration,
    go_on: &dyn Fn() -> bool,
) -> Result<Option<Vec<Messages>>, Error> {
    let handle = Arc::new(Handle::open(&settings(client).to_consumer(), Arc::new(Quiet))?);
    let mut reading = Reading { handle, patience, go_on, parts: Vec::new() };
    let mut by_topic: BTreeMap<&str, BTreeMap<i32, (i64, i64)>> = BTreeMap::new();
    for range in ranges.iter().filter(|range| range.start < range.end) {
        by_topic.entry(&range.at.topic).or_default().insert(range.at.partition, (range.start, range.end));
    }
    let mut outcome = Ok(Some(()));
    for (topic, wanted) in by_topic {
        outcome = reading.read(topic, wanted);
        if !matches!(outcome, Ok(Some(()))) {
            break;
        }
    }
    // No group was joined, so there is nobody to wait for.
    reading.handle.close(Duration::from_secs(1));
    outcome.map(|done| done.map(|()| reading.parts))
}

struct Reading<'a> {
    handle: Arc<Handle>,
    patience: Duration,
    go_on: &'a dyn Fn() -> bool,
    parts: Vec<Messages>,
}

impl Reading<'_> {
    /// One topic after the other: librdkafka tells an end of a partition without its topic.
    fn read(&mut self, topic: &str, mut wanted: BTreeMap<i32, (i64, i64)>) -> Result<Option<()>, Error> {
        let rows: Vec<_> = wanted.iter().map(|(partition, range)| (topic, *partition, range.0)).collect();
        self.handle.ops().assign(&rows)?;
        let bounds = wanted.clone();
        let mut moved_at = Instant::now();
        let mut latest = None;
        while !wanted.is_empty() {
            if !(self.go_on)() {
                return Ok(None);
            }
            let fetch::Turn { mut messages, errors, ends, .. } = fetch::fetch(&self.handle, FETCH_MAX, TURN);
            let mut reached: BTreeMap<i32, i64> = ends.into_iter().collect();
            for message in messages.iter() {
                let next = message.offset() + 1;
                reached.entry(message.partition()).and_modify(|at| *at = next.max(*at)).or_insert(next);
            }
            wanted.retain(|partition, (_, end)| reached.get(partition).is_none_or(|at| at < end));
            messages.retain(|message| {
                let range = bounds.get(&message.partition());
                range.is_some_and(|(start, end)| (*start..*end).contains(&message.offset()))
            });
            latest = errors.into_iter().next().map(|(_, error)| error).or(latest);
            if !reached.is_empty() {
                moved_at = Instant::now();
            } else if moved_at.elapsed() >= self.patience {
                let reason = latest.map_or_else(|| "nothing came".to_owned(), |error| error.message);
                return Err(Error::retry(format!(
                    "reading {topic} again: {reason} (given up after {:?})",
                    self.patience
                )));
            }
            if !messages.is_empty() {
                self.parts.push(messages);
            }
        }
        Ok(Some(()))
    }
}

struct Quiet;

impl Callbacks for Quiet {
    fn rebalanced(&self, _: Ops<'_>, _: Change, _: &[TopicPartition]) {}

    fn failed(&self, code: Code, reason: &str) {
        tracing::debug!(%code, reason, "reading ranges again");
    }
}

fn settings(client: &ClientSettings) -> ClientSettings {
    let mut client = client.clone();
    client.set_default("isolation.level", "read_uncommitted");
    // librdkafka assigns partitions by hand only to a client with a group; it neither joins nor commits.
    let group = client.get("client.id").unwrap_or("penstock").to_owned();
    client.set("group.id", group);
    client.set("auto.offset.reset", "earliest");
    client.set("enable.auto.commit", "false");
    client.set("enable.auto.offset.store", "false");
    client.set("enable.partition.eof", "true");
    client.set("queued.max.messages.kbytes", "8192");
    client.set("fetch.queue.backoff.ms", "20");
    client.set("statistics.interval.ms", "0");
    client
}
