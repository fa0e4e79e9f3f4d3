//! One compacted log of keys and values, kept in a Kafka topic or in the file of a standalone worker.
use super::local::LocalLog;
use super::rounds::Rounds;
use std::sync::Arc;

/// A record of a log; no value erases the key.
#[derive(Debug, Clone)]
pub struct Entry {
    pub key: Vec<u8>,
    pub value: Option<Vec<u8>>,
}

/// A record that was read, and where from: partition and offset, in Kafka.
#[derive(Debug, Clone)]
pub struct Read {
    pub entry: Entry,
    pub place: Option<(i32, i64)>,
}

/// Where records that were read go, in order. Called from the log's own thread; may wait.
pub type Reader = Box<dyn FnMut(Read) + Send>;

/// The same promise for both kinds: an appended record is durable, and is read back by whoever reads the log.
pub enum Log {
    Kafka(Box<KafkaLog>),
    Local(Arc<LocalLog>),
}

/// A topic, and the questions about it that many ask at once.
pub struct KafkaLog {
    log: kafka::CompactedLog,
    ends: Rounds,
    lasts: Rounds,
}

/// The right to write to a log as its leader: once another worker has it, nothing of this one is taken any more.
pub struct Leading(kafka::Leading);

/// Why the leader's records were not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeadError {
    /// Leading has to be taken anew, if at all.
    Deposed(String),
    Failed(String),
}

/// The three logs of a worker.
pub struct Logs {
    pub configs: Arc<Log>,
    pub offsets: Arc<Log>,
    pub statuses: Arc<Log>,
}

impl Log {
    pub fn kafka(log: kafka::CompactedLog) -> Self {
        Self::Kafka(Box::new(KafkaLog { log, ends: Rounds::default(), lasts: Rounds::default() }))
    }

    /// The topic, of a log that is one.
    pub fn topic(&self) -> Option<&str> {
        match self {
            Self::Kafka(kafka) => Some(kafka.log.topic()),
            Self::Local(_) => None,
        }
    }

    /// Writes records in order; all of them are durable when this returns.
    pub async fn append(&self, entries: Vec<Entry>) -> Result<(), String> {
        match self {
            Self::Kafka(kafka) => {
                let batch: Vec<_> =
                    entries.iter().map(|entry| (entry.key.as_slice(), entry.value.as_deref())).collect();
                kafka.log.append_all(&batch).await.map(drop).map_err(|error| error.to_string())
            }
            Self::Local(log) => {
                let log = Arc::clone(log);
                blocking(move || log.append(entries)).await
            }
        }
    }

    /// Shuts out whoever led before and returns once all that they wrote was handed to the reader.
    pub async fn lead(&self, id: &str) -> Result<Leading, String> {
        match self {
            Self::Kafka(kafka) => kafka.log.lead(id).await.map(Leading).map_err(|error| error.to_string()),
            Self::Local(_) => Err("a standalone store has no other writers".into()),
        }
    }

    /// As `read_to_end`, and waits for the transactions that are open at the time of the call. It fails when none of
    /// them ends for a while.
    pub async fn read_to_last(&self) -> Result<(), String> {
        match self {
            Self::Kafka(kafka) => {
                let question = || async { kafka.log.read_to_last().await.map_err(|error| error.to_string()) };
                kafka.lasts.ask(question).await
            }
            Self::Local(_) => self.read_to_end().await,
        }
    }

    /// Returns when everything that was written before the call has been handed to the reader. What stands in an open
    /// transaction, or behind one, counts as not written.
    pub async fn read_to_end(&self) -> Result<(), String> {
        match self {
            Self::Kafka(kafka) => {
                let question = || async { kafka.log.read_to_end().await.map_err(|error| error.to_string()) };
                kafka.ends.ask(question).await
            }
            Self::Local(log) => {
                let log = Arc::clone(log);
                blocking(move || log.read_to_end()).await
            }
        }
    }
}

impl Leading {
    /// Writes the records, all or none; they are durable when this returns.
    pub async fn append(&self, entries: &[Entry]) -> Result<(), LeadError> {
        let batch: Vec<_> =
            entries.iter().map(|entry| (entry.key.as_slice(), entry.value.as_deref())).collect();
        self.0.append_all(&batch).await.map_err(|error| match error.kind {
            kafka::Kind::Fenced | kafka::Kind::Fatal => LeadError::Deposed(error.to_string()),
            _ => LeadError::Failed(error.to_string()),
        })
    }
}

/// The file is written and the reader may wait: neither belongs on a thread that serves requests.
async fn blocking(work: impl FnOnce() -> Result<(), String> + Send + 'static) -> Result<(), String> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err("the standalone store broke off".into()))
}
