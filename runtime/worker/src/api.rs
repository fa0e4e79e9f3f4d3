//! What the worker tells the outside: the shapes of its answers and the reasons of its refusals.
use cluster::{Properties, RunState};
use std::fmt;

/// A connector as `GET /connectors/x` shows it.
#[derive(Debug, Clone)]
pub struct ConnectorInfo {
    pub name: String,
    pub config: Properties,
    /// Numbers of the committed tasks.
    pub tasks: Vec<u32>,
    /// `source`, `sink`, or `unknown` when the plugin is not here.
    pub kind: &'static str,
}

/// What runs, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    pub state: RunState,
    /// `host:port` of the worker that runs it.
    pub worker_id: String,
    /// Version of the plugin.
    pub version: Option<String>,
    /// Present when the state is FAILED: `kind: sentence` in its first line.
    pub trace: Option<String>,
}

#[derive(Debug, Clone)]
pub struct ConnectorStatus {
    pub name: String,
    pub connector: Status,
    /// Task numbers and their statuses.
    pub tasks: Vec<(u32, Status)>,
    pub kind: &'static str,
}

/// One entry of `/connector-plugins`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginInfo {
    pub class: String,
    /// `source`, `sink`, `converter`, …
    pub kind: &'static str,
    pub version: String,
}

/// What `GET /` answers.
#[derive(Debug, Clone)]
pub struct Root {
    pub version: String,
    pub commit: String,
    pub kafka_cluster_id: String,
}

/// A JSON object: a source's partition or offset, or a sink's in Connect's words.
pub type Object = serde_json::Map<String, serde_json::Value>;

/// How far a connector got in one of its partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectorOffset {
    pub partition: Object,
    pub offset: Object,
}

/// One element of `PATCH /connectors/x/offsets`, as it was sent: without an offset the stored one is erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffsetChange {
    pub partition: Option<Object>,
    pub offset: Option<Object>,
}

/// One logger of `/admin/loggers`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logger {
    pub level: &'static str,
    /// Milliseconds since 1970; `None` until the level is changed.
    pub last_modified_ms: Option<u64>,
}

/// Why a request was not carried out. The text goes to the client as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// 400: the request cannot be right, whenever it is sent.
    Invalid(String),
    /// 404.
    NotFound(String),
    /// 409: right, but not now; clients try again.
    Conflict(String),
    /// 409: trying again does not help.
    Exists(String),
    /// 500: something behind the worker failed.
    Internal(String),
    /// Another worker has to carry it out: the one at this URL. The server passes the request on; a request that
    /// must not be passed on is a conflict.
    Elsewhere { url: String },
}

impl Refusal {
    pub fn status(&self) -> u16 {
        match self {
            Self::Invalid(_) => 400,
            Self::NotFound(_) => 404,
            Self::Conflict(_) | Self::Exists(_) | Self::Elsewhere { .. } => 409,
            Self::Internal(_) => 500,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invalid(text)
            | Self::NotFound(text)
            | Self::Conflict(text)
            | Self::Exists(text)
            | Self::Internal(text) => text,
            Self::Elsewhere { .. } => {
                "Cannot complete request because of a conflicting operation (e.g. worker rebalance)"
            }
        })
    }
}

impl std::error::Error for Refusal {}
