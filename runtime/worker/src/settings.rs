//! What a worker was told at its start: parsed, defaulted, cross-checked and from then on unchanged.

mod rest;

use crate::providers::Providers;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

pub use rest::{Admin, Advertised, CrossOrigin, HeaderRule, HeaderText, Listener, Rest, Signatures, Tls};

#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub mode: Mode,
    pub rest: Rest,
    pub plugins: Plugins,
    pub converters: Converters,
    pub kafka: Kafka,
    pub delivery: Delivery,
    pub restart: Restart,
    pub topics: Topics,
    /// By alias, as `config.providers` lists them.
    pub config_providers: Providers,
    /// Labels that every metric carries, from `metrics.context.*`.
    pub metrics_context: BTreeMap<String, String>,
    /// Where the worker keeps what must outlive it.
    pub data_dir: PathBuf,
    /// Receives the REST address once the worker answers, for whoever started it with port 0.
    pub address_file: Option<PathBuf>,
    pub log: Log,
}

/// One worker with its own store, or one of a group that shares Kafka's internal topics.
#[derive(Debug, Clone, PartialEq)]
pub enum Mode {
    Standalone {
        /// The database file of configs, offsets and statuses.
        store: PathBuf,
    },
    Distributed(Box<Group>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    pub id: String,
    pub client_id: Option<String>,
    pub session_timeout: Duration,
    pub heartbeat_interval: Duration,
    pub rebalance_timeout: Duration,
    pub config_topic: InternalTopic,
    pub offset_topic: InternalTopic,
    pub status_topic: InternalTopic,
    pub exactly_once_source: ExactlyOnceSource,
    /// How long the workers sign with one key.
    pub key_ttl: Duration,
    pub key_algorithm: String,
}

/// How an internal topic is made when it does not exist.
#[derive(Debug, Clone, PartialEq)]
pub struct InternalTopic {
    pub name: String,
    /// `None` leaves the number to the broker.
    pub partitions: Option<i32>,
    /// `None` leaves the number to the broker.
    pub replication: Option<i16>,
    /// Topic settings such as `min.insync.replicas`, from `config.storage.*` and its siblings.
    pub settings: Properties,
}

/// Whether sources write in transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExactlyOnceSource {
    Disabled,
    /// They do not yet, but this worker does what it takes of a leader for others whose sources do.
    Preparing,
    Enabled,
}

impl Settings {
    /// Disabled in standalone mode.
    pub fn exactly_once_source(&self) -> ExactlyOnceSource {
        match &self.mode {
            Mode::Standalone { .. } => ExactlyOnceSource::Disabled,
            Mode::Distributed(group) => group.exactly_once_source,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Plugins {
    pub path: Vec<PathBuf>,
    /// Where the verdict on each library file is remembered.
    pub cache_dir: PathBuf,
    /// A call into a plugin that takes longer is reported as hung.
    pub call_timeout: Duration,
}

/// What a connector gets that names no converter itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Converters {
    pub key: Converter,
    pub value: Converter,
    pub header: Converter,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Converter {
    /// As written: Java's class name or an alias of it.
    pub class: String,
    /// A version range, from `*.converter.plugin.version`.
    pub version: Option<String>,
    /// The converter's own settings, without the prefix.
    pub settings: Properties,
}

/// Settings of Kafka clients under Java's names; only what was set, so that the client's defaults rule.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Kafka {
    /// For the worker's own clients: `bootstrap.servers`, `security.protocol`, `sasl.*`, `ssl.*` and the like.
    pub common: Properties,
    /// From `producer.*`, `consumer.*` and `admin.*`, for the clients of connectors. As in Java these get
    /// nothing from `common` but `bootstrap.servers`: a cluster's own principal is not a connector's.
    pub producer: Properties,
    pub consumer: Properties,
    pub admin: Properties,
    pub override_policy: OverridePolicy,
}

/// Which client settings a connector may override by `producer.override.*` and its siblings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum OverridePolicy {
    /// What tunes a client, and whom it logs in as.
    #[default]
    Safe,
    All,
    None,
    /// `security.protocol`, `sasl.jaas.config` and `sasl.mechanism`.
    Principal,
    Allowlist(Vec<String>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub offset_flush_interval: Duration,
    pub offset_flush_timeout: Duration,
    /// How long all tasks together may take to stop before they are abandoned.
    pub shutdown_timeout: Duration,
    /// Bytes of records that all tasks together may hold.
    pub memory_budget_bytes: u64,
}

/// Back-off between a task's failure and its restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restart {
    pub backoff: Duration,
    pub backoff_max: Duration,
}

/// What the worker may do with the topics that connectors write to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    pub create: bool,
    pub track: bool,
    pub track_reset: bool,
}

/// What `config.providers.*` says of one alias.
#[derive(Debug, Clone, PartialEq)]
pub struct Provider {
    pub class: String,
    pub params: Properties,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    pub format: LogFormat,
    /// A level, or directives such as `info,penstock_worker=debug`.
    pub level: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// Settings that somebody else understands: a Kafka client, a converter, a topic.
///
/// Any of them may be a secret, so `Debug` shows their names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Properties(BTreeMap<String, String>);

impl Properties {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), value.into());
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn as_map(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl FromIterator<(String, String)> for Properties {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::Properties;

    #[test]
    fn debug_output_names_settings_and_hides_their_values() {
        let mut given = Properties::default();
        given.set("sasl.jaas.config", "canary");
        let shown = format!("{given:?}");
        assert!(shown.contains("sasl.jaas.config") && !shown.contains("canary"), "{shown}");
    }
}
