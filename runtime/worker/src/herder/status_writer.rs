//! Writes statuses behind the herder's back: the newest of each key, as fast as the store takes them.
use crate::store::{Entry, Log};
use indexmap::IndexMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Bounded by the number of connectors and tasks: a newer status replaces one that was not written yet.
pub struct StatusWriter {
    pending: Arc<Pending>,
    writer: JoinHandle<()>,
}

#[derive(Default)]
struct Pending {
    entries: Mutex<IndexMap<Vec<u8>, Option<Vec<u8>>>>,
    is_closed: std::sync::atomic::AtomicBool,
    changed: Notify,
}

const RETRY: Duration = Duration::from_millis(500);
const LAST_WRITE_MAX: Duration = Duration::from_secs(2);

impl StatusWriter {
    pub fn start(log: Arc<Log>) -> Self {
        let pending = Arc::new(Pending::default());
        let writer = tokio::spawn(write_all(Arc::clone(&pending), log));
        Self { pending, writer }
    }

    pub fn put(&self, entry: Entry) {
        let mut entries = self.pending.entries.lock().unwrap_or_else(PoisonError::into_inner);
        // The newest comes last, so that the order of different keys is kept too.
        entries.shift_remove(&entry.key);
        entries.insert(entry.key, entry.value);
        drop(entries);
        self.pending.changed.notify_one();
    }

    /// Writes what is left, for as long as it is worth waiting at a shutdown.
    pub async fn finish(self) {
        self.pending.is_closed.store(true, std::sync::atomic::Ordering::Release);
        self.pending.changed.notify_one();
        if tokio::time::timeout(LAST_WRITE_MAX, self.writer).await.is_err() {
            tracing::warn!("the last statuses could not be written in time");
        }
    }
}

async fn write_all(pending: Arc<Pending>, log: Arc<Log>) {
    loop {
        let entries = std::mem::take(&mut *pending.entries.lock().unwrap_or_else(PoisonError::into_inner));
        if entries.is_empty() {
            if pending.is_closed.load(std::sync::atomic::Ordering::Acquire) {
                return;
            }
            pending.changed.notified().await;
            continue;
        }
        let batch =
            entries.iter().map(|(key, value)| Entry { key: key.clone(), value: value.clone() }).collect();
        if let Err(reason) = log.append(batch).await {
            tracing::warn!(reason, "statuses were not written, trying again");
            put_back(&pending, entries);
            tokio::time::sleep(RETRY).await;
        }
    }
}

/// Whatever is newer by now stays.
fn put_back(pending: &Pending, failed: IndexMap<Vec<u8>, Option<Vec<u8>>>) {
    let mut entries = pending.entries.lock().unwrap_or_else(PoisonError::into_inner);
    for (key, value) in failed {
        entries.entry(key).or_insert(value);
    }
}
