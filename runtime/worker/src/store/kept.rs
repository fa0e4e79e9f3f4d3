//! A source's offsets: in the worker's log and, where the connector names one, in a topic of its own before it.
use super::offsets::{Offsets, canonical};
use super::{Entry, Log};
use crate::api::Object;
use kafka::{ClientSettings, CompactedLog, LogRecord, LogSettings};
use penstock_sdk::Fields;
use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use tokio::sync::Mutex;

/// A log of offsets, and what was read of it.
pub struct Kept {
    pub offsets: Arc<Offsets>,
    pub log: Arc<Log>,
}

/// Where one connector's offsets are. What its own topic says counts; where that says nothing, the worker's log does.
#[derive(Clone)]
pub struct SourceOffsets {
    own: Option<Arc<Kept>>,
    worker: Arc<Kept>,
}

/// The connectors' own topics that are open: one reader for all that share a topic and a login.
#[derive(Default)]
pub struct OwnLogs(Mutex<Vec<(String, ClientSettings, Weak<Kept>)>>);

impl SourceOffsets {
    pub fn new(own: Option<Arc<Kept>>, worker: Arc<Kept>) -> Self {
        Self { own, worker }
    }

    pub fn get(&self, connector: &str, partition: &Fields) -> Option<Fields> {
        self.all().find_map(|kept| kept.offsets.get(connector, partition))
    }

    /// Where offsets are written.
    pub fn first(&self) -> &Kept {
        self.own.as_ref().unwrap_or(&self.worker)
    }

    /// Where they are written once they count: a worker that knows nothing of the own topic goes on from there.
    pub fn second(&self) -> Option<&Kept> {
        self.own.as_ref().map(|_| &*self.worker)
    }

    /// The own topic's first.
    pub fn all(&self) -> impl Iterator<Item = &Kept> {
        self.own.iter().chain([&self.worker]).map(|kept| &**kept)
    }

    /// Partitions and their offsets.
    pub fn list(&self, connector: &str) -> Vec<(Object, Object)> {
        let mut listed = self.first().offsets.all(connector);
        if let Some(second) = self.second() {
            let known: BTreeSet<_> = listed.iter().map(|(partition, _)| canonical(partition)).collect();
            let rest = second.offsets.all(connector).into_iter();
            listed.extend(rest.filter(|(partition, _)| !known.contains(&canonical(partition))));
        }
        listed
    }

    pub async fn read_to_end(&self) -> Result<(), String> {
        for kept in self.all() {
            kept.log.read_to_end().await?;
        }
        Ok(())
    }

    /// Waits for open transactions too.
    pub async fn read_to_last(&self) -> Result<(), String> {
        for kept in self.all() {
            kept.log.read_to_last().await?;
        }
        Ok(())
    }
}

impl OwnLogs {
    /// Opens the topic, and makes it when it does not exist.
    pub async fn open(&self, settings: LogSettings) -> Result<Arc<Kept>, String> {
        let (topic, client) = (settings.topic.name.clone(), settings.client.clone());
        // Whoever asks for the same topic meanwhile waits, and shares it.
        let mut open = self.0.lock().await;
        open.retain(|(_, _, kept)| kept.strong_count() > 0);
        let known = open.iter().find(|(name, login, _)| *name == topic && *login == client);
        if let Some(kept) = known.and_then(|(_, _, kept)| kept.upgrade()) {
            return Ok(kept);
        }
        let offsets = Arc::new(Offsets::default());
        let reader = Arc::clone(&offsets);
        let name = topic.clone();
        let take = move |record: LogRecord| {
            let entry = Entry { key: record.key, value: record.value };
            if let Err(reason) = reader.read(entry) {
                let (partition, offset) = (record.partition, record.offset);
                tracing::warn!(topic = name, partition, offset, reason, "skipping an unreadable record");
            }
        };
        let log = CompactedLog::open(settings, take).await.map_err(|error| error.to_string())?;
        let kept = Arc::new(Kept { offsets, log: Arc::new(Log::kafka(log)) });
        open.push((topic, client, Arc::downgrade(&kept)));
        Ok(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::local;

    fn kept(folder: &std::path::Path, name: &str, stored: &[(&str, i64)]) -> Arc<Kept> {
        let offsets = Arc::new(Offsets::default());
        let reader = Arc::clone(&offsets);
        let database = local::open(&folder.join(name)).unwrap();
        let take = Box::new(move |read: crate::store::Read| reader.read(read.entry).unwrap());
        let log = Arc::new(local::LocalLog::open(database, "offsets", take).unwrap());
        let entry = |(partition, at): &(&str, i64)| {
            offsets.entry("c", &Fields::new().with("f", *partition), &Fields::new().with("at", *at))
        };
        log.append(stored.iter().map(entry).collect()).unwrap();
        Arc::new(Kept { offsets, log: Arc::new(Log::Local(log)) })
    }

    #[test]
    fn what_a_connectors_own_topic_says_counts_before_the_workers_log() {
        let folder = tempfile::tempdir().unwrap();
        let worker = kept(folder.path(), "worker", &[("x", 1), ("y", 2)]);
        let own = kept(folder.path(), "own", &[("y", 7)]);
        let at = |offsets: &SourceOffsets, partition: &str| {
            offsets.get("c", &Fields::new().with("f", partition)).and_then(|offset| offset.integer("at"))
        };
        let both = SourceOffsets::new(Some(own), Arc::clone(&worker));
        assert_eq!((at(&both, "x"), at(&both, "y"), at(&both, "z")), (Some(1), Some(7), None));
        assert_eq!(
            serde_json::json!(both.list("c")).to_string(),
            r#"[[{"f":"y"},{"at":7}],[{"f":"x"},{"at":1}]]"#
        );
        let alone = SourceOffsets::new(None, worker);
        assert_eq!((at(&alone, "y"), alone.second().is_none()), (Some(2), true));
    }
}
