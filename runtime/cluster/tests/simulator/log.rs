//! A model of the config log: one order for all, writes of the newest producer only, compaction.
use crate::reference::Reference;
use penstock_cluster::{ConfigRecord, Properties, Restart, TargetState, TaskId};
use std::collections::BTreeMap;

/// What the log holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    Config(ConfigRecord),
    Restart { name: String, restart: Restart },
}

/// A record on its way into the log.
#[derive(Debug, Clone)]
pub struct Draft {
    pub record: Record,
    pub is_tombstone: bool,
}

/// What compaction keeps one record of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    Connector(String),
    Target(String),
    Task(TaskId),
    Commit(String),
    Leader,
    Placement(String),
    Fencing(String),
    Restart(String),
}

impl Key {
    /// The connector that the key belongs to.
    pub fn connector(&self) -> Option<&str> {
        match self {
            Self::Connector(name) | Self::Target(name) | Self::Commit(name) | Self::Placement(name) => {
                Some(name)
            }
            Self::Task(id) => Some(&id.connector),
            Self::Fencing(name) => Some(name),
            Self::Leader | Self::Restart(_) => None,
        }
    }
}

impl Draft {
    pub fn new(record: ConfigRecord) -> Self {
        let is_tombstone = match &record {
            ConfigRecord::Connector { config, .. } | ConfigRecord::Task { config, .. } => config.is_none(),
            ConfigRecord::Target { target, .. } => target.is_none(),
            ConfigRecord::Placement { placement, .. } => placement.is_none(),
            ConfigRecord::Fenced { tasks, .. } => tasks.is_none(),
            ConfigRecord::Commit { .. } | ConfigRecord::Leader { .. } => false,
        };
        Self { record: Record::Config(record), is_tombstone }
    }

    pub fn connector(name: &str, config: Option<&Properties>) -> Self {
        Self::new(ConfigRecord::Connector { name: name.into(), config: config.cloned() })
    }

    pub fn target(name: &str, target: Option<TargetState>) -> Self {
        Self::new(ConfigRecord::Target { name: name.into(), target })
    }

    pub fn task(name: &str, task: usize, config: Option<&Properties>) -> Self {
        Self::new(ConfigRecord::Task { id: TaskId::new(name, task as u32), config: config.cloned() })
    }

    pub fn commit(name: &str, tasks: usize) -> Self {
        Self::new(ConfigRecord::Commit { name: name.into(), tasks: tasks as u32 })
    }

    /// A reader takes an erased commit for one of no tasks.
    pub fn no_commit(name: &str) -> Self {
        Self { is_tombstone: true, ..Self::commit(name, 0) }
    }

    pub fn no_placement(name: &str) -> Self {
        Self::new(ConfigRecord::Placement { name: name.into(), placement: None })
    }

    fn key(&self) -> Key {
        match &self.record {
            Record::Restart { name, .. } => Key::Restart(name.clone()),
            Record::Config(record) => match record {
                ConfigRecord::Connector { name, .. } => Key::Connector(name.clone()),
                ConfigRecord::Target { name, .. } => Key::Target(name.clone()),
                ConfigRecord::Task { id, .. } => Key::Task(id.clone()),
                ConfigRecord::Commit { name, .. } => Key::Commit(name.clone()),
                ConfigRecord::Leader { .. } => Key::Leader,
                ConfigRecord::Placement { name, .. } => Key::Placement(name.clone()),
                ConfigRecord::Fenced { name, .. } => Key::Fencing(name.clone()),
            },
        }
    }
}

#[derive(Debug)]
struct Written {
    draft: Draft,
    key: Key,
    is_kept: bool,
}

/// The log, and what it says at each of its offsets.
#[derive(Debug, Default)]
pub struct Log {
    written: Vec<Written>,
    /// Of the newest producer.
    producer: u64,
    pub reference: Reference,
}

impl Log {
    pub fn end(&self) -> u64 {
        self.written.len() as u64
    }

    /// Shuts every earlier producer out.
    pub fn new_producer(&mut self) -> u64 {
        self.producer += 1;
        self.producer
    }

    pub fn is_newest(&self, producer: u64) -> bool {
        self.producer == producer
    }

    /// Appends a whole batch, and answers what is wrong with it.
    pub fn append(&mut self, now: u64, batch: Vec<Draft>) -> Result<(), String> {
        for draft in batch {
            let offset = self.end();
            let checked = match &draft.record {
                Record::Config(record) => self.reference.apply(offset, now, record),
                Record::Restart { .. } => Ok(()),
            };
            let key = draft.key();
            self.written.push(Written { draft, key, is_kept: true });
            checked?;
        }
        Ok(())
    }

    /// The next record from this offset on that compaction left, and the offset behind it.
    pub fn read(&self, from: u64) -> Option<(u64, Record)> {
        let (at, written) =
            self.written.iter().enumerate().skip(from as usize).find(|(_, written)| written.is_kept)?;
        Some((at as u64 + 1, written.draft.record.clone()))
    }

    /// Drops what a later record of the same key before `to` supersedes, and tombstones that all have read.
    pub fn compact(&mut self, to: u64, read_by_all: u64) {
        let mut newest: BTreeMap<Key, usize> = BTreeMap::new();
        for (at, written) in self.written.iter().enumerate().take(to as usize) {
            newest.insert(written.key.clone(), at);
        }
        for (at, written) in self.written.iter_mut().enumerate().take(to as usize) {
            let is_newest = newest.get(&written.key) == Some(&at);
            let is_forgotten = written.draft.is_tombstone && (at as u64) < read_by_all;
            written.is_kept &= is_newest && !is_forgotten;
        }
    }

    /// Keys of connectors that are still there although their connector is not.
    pub fn garbage(&self) -> Vec<Key> {
        let mut newest: BTreeMap<&Key, bool> = BTreeMap::new();
        for written in &self.written {
            newest.insert(&written.key, written.draft.is_tombstone);
        }
        let is_gone = |name: &str| newest.get(&Key::Connector(name.to_owned())).is_none_or(|gone| *gone);
        let left = newest.iter().filter(|(key, gone)| !**gone && key.connector().is_some_and(is_gone));
        left.map(|(key, _)| (*key).clone()).collect()
    }
}
