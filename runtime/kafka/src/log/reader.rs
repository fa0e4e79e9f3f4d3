//! The thread that reads a log from its start and never stops at a record.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::types::RDKafkaErrorCode as Code;
use tokio::sync::watch;

use super::lead::Written;
use super::{LogRecord, LogSettings};
use crate::raw::{Callbacks, Change, Entry, Handle, Ops};
use crate::rights::{self, Resource};
use crate::{Admin, ClientSettings, Error, Message, TopicPartition, fetch};

/// The offset that comes next, by partition.
type Progress = BTreeMap<i32, i64>;
type OnRecord = Box<dyn FnMut(LogRecord) + Send>;

/// Records that are taken at once: few enough to stop soon.
const BATCH_MAX: usize = 1_000;
/// How often somebody who waits for the end makes the reader look where it stands.
const NUDGE: Duration = Duration::from_millis(10);

pub(super) struct Reader {
    handle: Arc<Handle>,
    /// Asks for the ends: the reading client would answer only after its waiting fetch.
    admin: Admin,
    topic: String,
    partitions: Vec<i32>,
    /// Whether records of open and undone transactions stay out.
    committed: bool,
    progress: watch::Receiver<Progress>,
    is_refused: Arc<AtomicBool>,
    client: ClientSettings,
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
        let committed = settings.transactional;
        let config = reader_settings(client, committed).to_consumer();
        let handle = Arc::new(Handle::open(&config, Arc::new(Quiet { topic: topic.clone() }))?);
        // Not "the beginning": librdkafka would look up where that is, and when it does not know the leader yet, as
        // at this moment, it does so half a second later. A log that begins further on is read from there.
        let rows: Vec<_> = partitions.iter().map(|partition| (topic.as_str(), *partition, 0)).collect();
        handle.ops().assign(&rows)?;
        let (sender, progress) = watch::channel(Progress::new());
        let is_stopping = Arc::new(AtomicBool::new(false));
        let is_refused = Arc::new(AtomicBool::new(false));
        let work = Work {
            handle: handle.clone(),
            topic: topic.clone(),
            partitions: partitions.clone(),
            on_record,
            progress: sender,
            is_refused: is_refused.clone(),
            is_stopping: is_stopping.clone(),
        };
        let thread = std::thread::Builder::new()
            .name(format!("log {topic}"))
            .spawn(move || work.run())
            .map_err(|error| Error::retry(format!("starting a thread to read {topic}: {error}")))?;
        let thread = Some(thread);
        let client = client.clone();
        Ok(Self {
            handle,
            admin,
            topic,
            partitions,
            committed,
            progress,
            is_refused,
            client,
            is_stopping,
            thread,
        })
    }

    pub(super) fn partitions(&self) -> &[i32] {
        &self.partitions
    }

    pub(super) async fn read_to_end(&self, written: &Written, timeout: Duration) -> Result<(), Error> {
        let ends = if self.committed {
            self.admin.committed_ends(&self.topic, &self.partitions).await?
        } else {
            self.admin.ends(&self.topic, &self.partitions).await?
        };
        self.read_to(ends, written, timeout).await
    }

    /// Also what stands behind transactions that are open now.
    pub(super) async fn read_to_last(&self, written: &Written, timeout: Duration) -> Result<(), Error> {
        let ends = self.admin.ends(&self.topic, &self.partitions).await?;
        self.read_to(ends, written, timeout).await
    }

    async fn read_to(&self, mut ends: Progress, written: &Written, timeout: Duration) -> Result<(), Error> {
        written.reach_for(&mut ends);
        let mut progress = self.progress.clone();
        let mut moved_at = Instant::now();
        loop {
            let behind = {
                let now = progress.borrow_and_update();
                ends.iter()
                    .find(|(partition, end)| now.get(partition).copied().unwrap_or(0) < **end)
                    .map(|(partition, end)| (*partition, *end, now.get(partition).copied().unwrap_or(0)))
            };
            let Some((partition, end, at)) = behind else { return Ok(()) };
            match tokio::time::timeout(NUDGE, progress.changed()).await {
                Ok(Ok(())) => moved_at = Instant::now(),
                Ok(Err(_)) => return Err(Error::fatal(format!("reading {}: the reader ended", self.topic))),
                Err(_) if self.is_refused.load(Ordering::Relaxed) => {
                    let doing = format!("reading {}", self.topic);
                    return Err(rights::missing(
                        &self.client,
                        Resource::Topic(&self.topic),
                        &["Read"],
                        &doing,
                    ));
                }
                Err(_) if moved_at.elapsed() >= timeout => {
                    return Err(Error::retry(format!(
                        "reading {}-{partition}: stands at {at} of {end} for {timeout:?}",
                        self.topic
                    )));
                }
                // The markers of transactions end no fetch, so the reader is made to look where it stands.
                Err(_) => self.handle.wake(),
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
    topic: String,
    partitions: Vec<i32>,
    on_record: OnRecord,
    progress: watch::Sender<Progress>,
    /// Whether Kafka does not allow this client to read.
    is_refused: Arc<AtomicBool>,
    is_stopping: Arc<AtomicBool>,
}

impl Work {
    fn run(mut self) {
        let places: Vec<TopicPartition> =
            self.partitions.iter().map(|partition| TopicPartition::new(&self.topic, *partition)).collect();
        let mut told_at = Progress::new();
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
            if !turn.messages.is_empty() {
                self.is_refused.store(false, Ordering::Relaxed);
            }
            // An end may lie beyond the last record, after compaction.
            moved.extend(turn.ends);
            advance(&mut told_at, turn.told_at.into_iter().collect());
            for (code, error) in turn.errors {
                tracing::debug!(%error, "reading on");
                self.is_refused.fetch_or(rights::is_missing(code), Ordering::Relaxed);
            }
            // So may the place behind a transaction's marker, which librdkafka keeps to itself. But it takes an error, or
            // an end, for a record and counts one too far.
            let positions = self.handle.ops().positions(&places).unwrap_or_default();
            let is_place =
                |row: &Entry| row.offset > 0 && told_at.get(&row.partition) != Some(&(row.offset - 1));
            moved.extend(positions.into_iter().filter(is_place).map(|row| (row.partition, row.offset)));
            self.progress.send_if_modified(|progress| advance(progress, moved));
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

/// True when anything moved on; a place never goes back.
pub(super) fn advance(progress: &mut Progress, moved: Progress) -> bool {
    let mut has_moved = false;
    for (partition, offset) in moved {
        let at = progress.entry(partition).or_insert(0);
        if *at < offset {
            *at = offset;
            has_moved = true;
        }
    }
    has_moved
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

fn reader_settings(client: &ClientSettings, committed: bool) -> ClientSettings {
    let mut client = client.clone();
    // librdkafka assigns partitions by hand only to a client with a group; it neither joins nor commits.
    let group = client.get("client.id").unwrap_or("penstock").to_owned();
    client.set("group.id", group);
    client.set("isolation.level", if committed { "read_committed" } else { "read_uncommitted" });
    client.set("auto.offset.reset", "earliest");
    client.set("enable.auto.commit", "false");
    client.set("enable.auto.offset.store", "false");
    client.set("enable.partition.eof", "true");
    client.set("queued.max.messages.kbytes", "8192");
    client.set("fetch.queue.backoff.ms", "20");
    client.set("statistics.interval.ms", "0");
    client
}
