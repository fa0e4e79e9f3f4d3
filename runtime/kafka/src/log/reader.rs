//! The thread that reads a log from its start and never stops at a record.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::types::RDKafkaErrorCode as Code;
use tokio::sync::watch;

use super::{LogRecord, LogSettings};
use crate::raw::{Callbacks, Change, Handle, Ops};
use crate::{Admin, ClientSettings, Error, Message, TopicPartition, fetch};

/// The offset that comes next, by partition.
type Progress = BTreeMap<i32, i64>;
type OnRecord = Box<dyn FnMut(LogRecord) + Send>;

/// Records that are taken at once: few enough to stop soon.
const BATCH_MAX: usize = 1_000;

pub(super) struct Reader {
    handle: Arc<Handle>,
    /// Asks for the ends: the reading client would answer only after its waiting fetch.
    admin: Admin,
    topic: String,
    partitions: Vec<i32>,
    progress: watch::Receiver<Progress>,
    is_stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Reader {
    pub(super) fn start(
        admin: Admin,
        client: &ClientSettings,
        settings: &LogSettings,
        partitions: Vec<i32>,
        on_record: OnRecord,
    ) -> Result<Self, Error> {
        let topic = settings.topic.name.clone();
        let config = reader_settings(client).to_consumer();
        let handle = Arc::new(Handle::open(&config, Arc::new(Quiet { topic: topic.clone() }))?);
        let start = i64::from(rdkafka::bindings::RD_KAFKA_OFFSET_BEGINNING);
        let rows: Vec<_> = partitions.iter().map(|partition| (topic.as_str(), *partition, start)).collect();
        handle.ops().assign(&rows)?;
        let (sender, progress) = watch::channel(Progress::new());
        let is_stopping = Arc::new(AtomicBool::new(false));
        let work =
            Work { handle: handle.clone(), on_record, progress: sender, is_stopping: is_stopping.clone() };
        let thread = std::thread::Builder::new()
            .name(format!("log {topic}"))
            .spawn(move || work.run())
            .map_err(|error| Error::retry(format!("starting a thread to read {topic}: {error}")))?;
        Ok(Self { handle, admin, topic, partitions, progress, is_stopping, thread: Some(thread) })
    }

    pub(super) fn partitions(&self) -> &[i32] {
        &self.partitions
    }

    pub(super) async fn read_to_end(&self, timeout: Duration) -> Result<(), Error> {
        let ends = self.admin.ends(&self.topic, &self.partitions).await?;
        let mut progress = self.progress.clone();
        loop {
            let behind = {
                let now = progress.borrow_and_update();
                ends.iter()
                    .find(|(partition, end)| now.get(partition).copied().unwrap_or(0) < **end)
                    .map(|(partition, end)| (*partition, *end, now.get(partition).copied().unwrap_or(0)))
            };
            let Some((partition, end, at)) = behind else { return Ok(()) };
            match tokio::time::timeout(timeout, progress.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(Error::fatal(format!("reading {}: the reader ended", self.topic))),
                Err(_) => {
                    return Err(Error::retry(format!(
                        "reading {}-{partition}: stands at {at} of {end} for {timeout:?}",
                        self.topic
                    )));
                }
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.is_stopping.store(true, Ordering::Relaxed);
        self.handle.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        // No group was joined, so there is nobody to wait for.
        self.handle.close(Duration::from_secs(1));
    }
}

struct Work {
    handle: Arc<Handle>,
    on_record: OnRecord,
    progress: watch::Sender<Progress>,
    is_stopping: Arc<AtomicBool>,
}

impl Work {
    fn run(mut self) {
        while !self.is_stopping.load(Ordering::Relaxed) {
            let turn = fetch::fetch(&self.handle, BATCH_MAX, Duration::from_millis(500));
            let mut moved = Progress::new();
            for message in turn.messages.iter() {
                if self.is_stopping.load(Ordering::Relaxed) {
                    return;
                }
                self.hand_over(message);
                moved.insert(message.partition(), message.offset() + 1);
            }
            // An end may lie beyond the last record, after compaction or a transaction's marker.
            moved.extend(turn.ends);
            for error in turn.errors {
                tracing::debug!(%error, "reading on");
            }
            if !moved.is_empty() {
                self.progress.send_modify(|progress| progress.extend(moved));
            }
        }
    }

    fn hand_over(&mut self, message: Message<'_>) {
        let record = LogRecord {
            partition: message.partition(),
            offset: message.offset(),
            key: message.key().unwrap_or_default().to_vec(),
            value: message.value().map(<[u8]>::to_vec),
            timestamp_ms: message.timestamp_ms(),
        };
        let on_record = AssertUnwindSafe(|| (self.on_record)(record));
        if catch_unwind(on_record).is_err() {
            let (topic, partition, offset) = (message.topic(), message.partition(), message.offset());
            tracing::error!(topic, partition, offset, "a record of an internal topic could not be taken in");
        }
    }
}

/// Whatever goes wrong, the reader goes on: librdkafka connects again by itself.
struct Quiet {
    topic: String,
}

impl Callbacks for Quiet {
    fn rebalanced(&self, _: Ops<'_>, _: Change, _: &[TopicPartition]) {}

    fn failed(&self, code: Code, reason: &str) {
        tracing::debug!(topic = self.topic, %code, reason, "reading on");
    }
}

fn reader_settings(client: &ClientSettings) -> ClientSettings {
    let mut client = client.clone();
    // librdkafka assigns partitions by hand only to a client with a group; it neither joins nor commits.
    let group = client.get("client.id").unwrap_or("penstock").to_owned();
    client.set("group.id", group);
    client.set_default("isolation.level", "read_uncommitted");
    client.set("auto.offset.reset", "earliest");
    client.set("enable.auto.commit", "false");
    client.set("enable.auto.offset.store", "false");
    client.set("enable.partition.eof", "true");
    client.set("queued.max.messages.kbytes", "8192");
    client.set("fetch.queue.backoff.ms", "20");
    client.set("statistics.interval.ms", "0");
    client
}
