//! One compacted log of keys and values, kept in a Kafka topic or in the file of a standalone worker.
use super::local::LocalLog;
use std::sync::Arc;

/// A record of a log; no value erases the key.
#[derive(Debug, Clone)]
pub struct Entry {
    pub key: Vec<u8>,
    pub value: Option<Vec<u8>>,
}

/// Where records that were read go, in order. Called from the log's own thread; may wait.
pub type Reader = Box<dyn FnMut(Entry) + Send>;

/// The same promise for both kinds: an appended record is durable, and is read back by whoever reads the log.
pub enum Log {
    Kafka(Box<kafka::CompactedLog>),
    Local(Arc<LocalLog>),
}

/// The three logs of a worker.
pub struct Logs {
    pub configs: Arc<Log>,
    pub offsets: Arc<Log>,
    pub statuses: Arc<Log>,
}

impl Log {
    /// Writes records in order; all of them are durable when this returns.
    pub async fn append(&self, entries: Vec<Entry>) -> Result<(), String> {
        match self {
            Self::Kafka(log) => {
                let batch: Vec<_> =
                    entries.iter().map(|entry| (entry.key.as_slice(), entry.value.as_deref())).collect();
                log.append_all(&batch).await.map(drop).map_err(|error| error.to_string())
            }
            Self::Local(log) => {
                let log = Arc::clone(log);
                blocking(move || log.append(entries)).await
            }
        }
    }

    /// Returns when everything that was written before the call has been handed to the reader.
    pub async fn read_to_end(&self) -> Result<(), String> {
        match self {
            Self::Kafka(log) => log.read_to_end().await.map_err(|error| error.to_string()),
            Self::Local(log) => {
                let log = Arc::clone(log);
                blocking(move || log.read_to_end()).await
            }
        }
    }
}

/// The file is written and the reader may wait: neither belongs on a thread that serves requests.
async fn blocking(work: impl FnOnce() -> Result<(), String> + Send + 'static) -> Result<(), String> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err("the standalone store broke off".into()))
}
