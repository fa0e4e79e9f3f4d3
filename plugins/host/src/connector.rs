//! One connector of a loaded library: what it says of itself, and its calls that need no task.
use crate::boundary::instance::{self, SinkInstance, SourceInstance};
use crate::boundary::services::Services;
use crate::boundary::table::{Offered, Table};
use crate::{CallWatch, Error};
use penstock_sdk::Config;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Which way records go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectorKind {
    Source,
    Sink,
}

/// A connector that can be called. Clones are cheap; the library stays loaded as long as the process.
#[derive(Clone)]
pub struct Connector(Arc<Inner>);

struct Inner {
    offered: Offered,
    table: Table,
    path: PathBuf,
}

/// What a connector says of itself, for lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectorInfo {
    pub kind: ConnectorKind,
    pub class: String,
    pub aliases: Vec<String>,
    pub version: String,
    pub documentation: String,
    pub is_encoded: bool,
}

/// Something that [`Connector::validate`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub severity: Severity,
    pub setting: String,
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The value cannot be used.
    Error,
    /// The setting has no meaning for this connector.
    Unknown,
}

/// What a task is opened with.
#[derive(Debug, Clone)]
pub struct OpenTask<'a> {
    pub connector: &'a str,
    pub task: u32,
    /// Every setting of the task, references already resolved.
    pub config: &'a Config,
    /// What encoded keys are in Kafka: `json`, `text`, …
    pub key_format: &'a str,
    pub value_format: &'a str,
    /// Tells a watchdog about every call of this task, from this one on.
    pub watch: CallWatch,
}

impl Connector {
    pub(crate) fn new(offered: Offered, table: Table, path: &Path) -> Self {
        Self(Arc::new(Inner { offered, table, path: path.to_owned() }))
    }

    pub fn kind(&self) -> ConnectorKind {
        self.0.offered.kind
    }

    /// The value of `connector.class` that new users write.
    pub fn class(&self) -> &str {
        &self.0.offered.class
    }

    /// Other values of `connector.class` that mean this connector.
    pub fn aliases(&self) -> &[String] {
        &self.0.offered.aliases
    }

    pub fn version(&self) -> &str {
        &self.0.offered.version
    }

    pub fn documentation(&self) -> &str {
        &self.0.offered.documentation
    }

    /// The declared settings: a JSON array of objects, known to parse.
    pub fn settings_json(&self) -> &str {
        &self.0.offered.settings_json
    }

    /// A sink that wants keys and values as they are in Kafka.
    pub fn is_encoded(&self) -> bool {
        self.0.offered.is_encoded
    }

    /// A sink that keeps exactly-once delivery when its setting `exactlyOnce` is true.
    pub fn writes_plans(&self) -> bool {
        self.0.offered.writes_plans
    }

    /// A source that goes on right behind any offset that it gave.
    pub fn has_exact_offsets(&self) -> bool {
        self.0.offered.has_exact_offsets
    }

    /// A source that gives records again, between any two positions of a partition.
    pub fn replays(&self) -> bool {
        self.0.offered.replays
    }

    /// The field of its offsets whose values it gives again one by one; none where it gives all that lies between two.
    pub fn replays_within(&self) -> Option<&str> {
        Some(self.0.offered.replays_within.as_str()).filter(|field| !field.is_empty())
    }

    /// A sink that decodes what was written with a schema of a registry.
    pub fn asks_registries(&self) -> bool {
        self.0.offered.asks_registries
    }

    /// A sink that asks registries and reads Protobuf as well.
    pub fn reads_protobuf(&self) -> bool {
        self.0.offered.reads_protobuf
    }

    /// The library's file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    pub fn info(&self) -> ConnectorInfo {
        let Offered { kind, class, aliases, version, documentation, is_encoded, .. } = &self.0.offered;
        ConnectorInfo {
            kind: *kind,
            class: class.clone(),
            aliases: aliases.clone(),
            version: version.clone(),
            documentation: documentation.clone(),
            is_encoded: *is_encoded,
        }
    }

    /// The connector's own checks beyond its declared settings.
    pub fn validate(&self, config: &Config) -> Result<Vec<Found>, Error> {
        self.0.table.validate(self.class(), config)
    }

    /// The connector's answer, as text that claims to be JSON, to a question that needs no task. None if it does not know
    /// the question.
    pub fn ask(&self, question: &str, config: &Config, input: &str) -> Result<Option<String>, Error> {
        self.0.table.ask(self.class(), question, config, input)
    }

    /// The settings of each task, at most `tasks_max`.
    pub fn plan(&self, config: &Config, tasks_max: usize) -> Result<Vec<Config>, Error> {
        self.0.table.plan(self.class(), config, tasks_max)
    }

    /// Starts a task of a source. The services are called from any thread of the plugin until the instance is gone.
    pub fn open_source(
        &self,
        task: &OpenTask<'_>,
        services: Arc<dyn Services>,
    ) -> Result<SourceInstance, Error> {
        match self.kind() {
            ConnectorKind::Source => instance::open(self, task, services).map(SourceInstance::new),
            ConnectorKind::Sink => Err(Error::fatal(format!("{} is a sink, not a source", self.class()))),
        }
    }

    /// Starts a task of a sink. The services are called from any thread of the plugin until the instance is gone.
    pub fn open_sink(&self, task: &OpenTask<'_>, services: Arc<dyn Services>) -> Result<SinkInstance, Error> {
        match self.kind() {
            ConnectorKind::Sink => instance::open(self, task, services).map(SinkInstance::new),
            ConnectorKind::Source => Err(Error::fatal(format!("{} is a source, not a sink", self.class()))),
        }
    }

    pub(crate) fn table(&self) -> &Table {
        &self.0.table
    }
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} ({})", self.class(), self.version(), self.path().display())
    }
}
