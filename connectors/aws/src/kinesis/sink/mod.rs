//! The Kinesis sink: records of topics into a data stream, in order per key, with nothing left behind.
mod declare;
mod key;
mod pack;
mod queue;
mod sending;
mod settings;

use std::borrow::Cow;

use penstock_sdk::{About, Batch, Config, Error, Problem, Record, Result, Sink, Task, Value};

use super::stream::Stream;
use crate::access::{self, Cause};
use crate::sink::{Client, fingerprint};
use queue::{Item, Queue};
use sending::Sending;
use settings::{HASH_KEY_HEADER, STREAM, Settings, Tombstones};

/// One task, which sends a batch at a time.
pub struct KinesisSink {
    task: Task,
    settings: Settings,
    client: Client<Stream>,
    progress: Option<Progress>,
}

/// What the stream has of a batch that comes again.
struct Progress {
    fingerprint: u64,
    accepted: Vec<bool>,
}

/// A batch sorted into what is to be sent and what cannot be.
struct Sorted<'a> {
    items: Vec<Item<'a>>,
    rejected: Vec<(usize, String)>,
    skipped: u64,
}

impl Sink for KinesisSink {
    fn about() -> About {
        About::new(
            "KinesisSink",
            "Writes records to Kinesis data streams, in order per key, packed on request.",
        )
        .alias("KinesisSinkConnector")
        .alias("io.penstock.KinesisSink")
        .version(env!("CARGO_PKG_VERSION"))
        .encoded()
        .settings(declare::declare())
    }

    fn validate(config: &Config) -> Vec<Problem> {
        let found = settings::problems(config);
        let Ok(settings) = Settings::parse(config) else { return found };
        access::validated(found, check(&settings), (&["kinesis."], STREAM))
    }

    fn open(task: &Task) -> Result<Self> {
        let settings = Settings::parse(task.config())?;
        let client = Client::open("kinesis", Stream::open(&settings.stream, &settings.access))?;
        Ok(Self { task: task.clone(), settings, client, progress: None })
    }

    fn write(&mut self, batch: &Batch<'_>) -> Result<()> {
        let stream = self.client.get(Stream::open(&self.settings.stream, &self.settings.access))?;
        let fingerprint = fingerprint(batch, None);
        let former = self.progress.take().filter(|former| former.fingerprint == fingerprint);
        let mut accepted = former.map_or_else(|| vec![false; batch.len()], |former| former.accepted);
        let sorted = self.sort(batch, &accepted);
        let queue = Queue::new(sorted.items, self.settings.rules);
        let (task, requests_max) = (&self.task, self.settings.requests_max);
        let sending = Sending { task, stream: &stream, requests_max, accepted: &mut accepted };
        if let Err(error) = self.client.runtime.block_on(sending.run(queue)) {
            self.progress = Some(Progress { fingerprint, accepted });
            return Err(error);
        }
        if sorted.skipped > 0 {
            self.task.count("tombstones_skipped", sorted.skipped);
        }
        if sorted.rejected.is_empty() { Ok(()) } else { Err(Error::records(sorted.rejected)) }
    }
}

impl KinesisSink {
    fn sort<'a>(&self, batch: &Batch<'a>, accepted: &[bool]) -> Sorted<'a> {
        let mut sorted = Sorted { items: Vec::with_capacity(batch.len()), rejected: Vec::new(), skipped: 0 };
        for (index, record) in batch.records().enumerate() {
            if accepted[index] {
                continue;
            }
            match self.item(index, &record) {
                Ok(Some(item)) => sorted.items.push(item),
                Ok(None) => sorted.skipped += 1,
                Err(reason) => sorted.rejected.push((index, reason)),
            }
        }
        sorted
    }

    fn item<'a>(&self, index: usize, record: &Record<'a>) -> Result<Option<Item<'a>>, String> {
        let data = match record.value() {
            Value::Bytes(bytes) => Cow::Borrowed(bytes),
            Value::Text(text) => Cow::Borrowed(text.as_bytes()),
            Value::Flat(value) => Cow::Owned(value.to_string().into_bytes()),
            Value::Null => match self.settings.tombstones {
                Tombstones::Skip => return Ok(None),
                Tombstones::Empty => Cow::Borrowed(&b""[..]),
                Tombstones::Fail => return Err(TOMBSTONE.into()),
            },
        };
        let key = key::partition_key(record.key(), self.task.key_format());
        let (size, most) = (data.len() + key.as_deref().map_or(0, str::len), self.settings.record_bytes_max);
        if size > most {
            return Err(format!(
                "a record of {size} bytes, with its key, is larger than the {most} of kinesis.record.bytes.max"
            ));
        }
        Ok(Some(Item { index, key, hash_key: self.hash_key(record)?, data }))
    }

    fn hash_key<'a>(&self, record: &Record<'a>) -> Result<Option<&'a str>, String> {
        let Some(name) = &self.settings.hash_key_header else { return Ok(None) };
        let Some((_, value)) = record.headers().filter(|(header, _)| header == name).last() else {
            return Ok(None);
        };
        let text = value.and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
        if key::is_hash_key(text) {
            return Ok(Some(text));
        }
        Err(format!(
            "{HASH_KEY_HEADER}: expected a decimal number below 2^128 in header {name}, got {text:?}"
        ))
    }
}

/// Whether there is such a stream for whoever asks. Silence is no answer, and a sink need not be allowed to ask.
fn check(settings: &Settings) -> Result<Option<()>> {
    access::ask("kinesis", async {
        let stream = Stream::open(&settings.stream, &settings.access).await?;
        match stream.shards().await {
            Err(failure) if failure.cause != Cause::Denied => Err(stream.error(&failure)),
            _ => Ok(()),
        }
    })
}

const TOMBSTONE: &str =
    "the record has no value, which Kinesis does not know: set kinesis.tombstones to skip or empty";
