//! What each endpoint is called and what it takes: path, query and body.
use crate::routes::Endpoint;
use serde_json::{Value, json};

/// The operation's id and what it does; nothing for what only workers ask of each other.
pub(super) fn title(endpoint: Endpoint) -> Option<(&'static str, &'static str)> {
    Some(match endpoint {
        Endpoint::PutTasks | Endpoint::Fence => return None,
        Endpoint::Root => ("getWorker", "The worker's version and its Kafka cluster"),
        Endpoint::Health => ("getHealth", "Whether the worker is ready for requests"),
        Endpoint::Metrics => ("getMetrics", "The worker's metrics, as Prometheus reads them"),
        Endpoint::OpenApi => ("getOpenApi", "This document"),
        Endpoint::Connectors => ("listConnectors", "Names of all connectors, or what is known of each"),
        Endpoint::Create => ("createConnector", "Create a connector and start it"),
        Endpoint::Info => ("getConnector", "A connector with its settings and the ids of its tasks"),
        Endpoint::Delete => ("deleteConnector", "Delete a connector, end its tasks, forget its settings"),
        Endpoint::Config => ("getConnectorConfig", "A connector's settings exactly as they were written"),
        Endpoint::PutConfig => {
            ("putConnectorConfig", "Replace a connector's settings, or create it with them")
        }
        Endpoint::PatchConfig => ("patchConnectorConfig", "Change some of a connector's settings"),
        Endpoint::Status => ("getConnectorStatus", "The state of a connector and of each of its tasks"),
        Endpoint::Tasks => ("listTasks", "A connector's tasks with their settings"),
        Endpoint::TaskStatus => ("getTaskStatus", "The state of one task"),
        Endpoint::RestartTask => ("restartTask", "Restart one task"),
        Endpoint::Restart => ("restartConnector", "Restart a connector, and its tasks when asked to"),
        Endpoint::Pause => ("pauseConnector", "Pause a connector: its tasks stay where they are and wait"),
        Endpoint::Resume => ("resumeConnector", "Let a paused or stopped connector go on"),
        Endpoint::Stop => ("stopConnector", "Stop a connector: its tasks end, its settings stay"),
        Endpoint::Topics => ("getConnectorTopics", "Topics that a connector has used since the last reset"),
        Endpoint::ResetTopics => ("resetConnectorTopics", "Forget which topics a connector has used"),
        Endpoint::Plugins => ("listPlugins", "Connectors that this worker could run, and other plugins"),
        Endpoint::PluginSettings => ("listPluginSettings", "The settings that a plugin takes"),
        Endpoint::Validate => ("validateConfig", "Check settings without creating anything"),
        Endpoint::Ask => ("askPlugin", "Ask a plugin what only it can tell, such as a table for a sample"),
        Endpoint::Preview => ("previewConnector", "Show what a connector would bring, without creating it"),
        Endpoint::Offsets => ("getConnectorOffsets", "Where a connector goes on, in each of its partitions"),
        Endpoint::AlterOffsets => ("alterConnectorOffsets", "Let a stopped connector go on elsewhere"),
        Endpoint::ResetOffsets => ("resetConnectorOffsets", "Let a stopped connector begin anew"),
        Endpoint::Loggers => ("listLoggers", "All loggers with their levels"),
        Endpoint::Logger => ("getLogger", "The level of a logger"),
        Endpoint::SetLogger => ("setLogger", "Change the level of a logger and of those below it"),
    })
}

/// The parameters after the path.
pub(super) fn query(endpoint: Endpoint) -> Vec<Value> {
    match endpoint {
        Endpoint::Connectors => vec![expand()],
        Endpoint::Restart => vec![
            flag("includeTasks", false, "Whether the tasks are restarted too."),
            flag("onlyFailed", false, "Whether only what has FAILED is restarted."),
        ],
        Endpoint::Plugins => {
            vec![flag("connectorsOnly", true, "Whether converters and the like are left out.")]
        }
        Endpoint::PluginSettings => vec![version()],
        Endpoint::SetLogger => vec![scope()],
        Endpoint::Root
        | Endpoint::Health
        | Endpoint::Metrics
        | Endpoint::OpenApi
        | Endpoint::Info
        | Endpoint::Delete
        | Endpoint::Config
        | Endpoint::Status
        | Endpoint::Tasks
        | Endpoint::TaskStatus
        | Endpoint::RestartTask
        | Endpoint::Pause
        | Endpoint::Resume
        | Endpoint::Stop
        | Endpoint::Topics
        | Endpoint::ResetTopics
        | Endpoint::Offsets
        | Endpoint::ResetOffsets
        | Endpoint::Loggers
        | Endpoint::Logger
        | Endpoint::PutTasks
        | Endpoint::Fence
        | Endpoint::Create
        | Endpoint::PutConfig
        | Endpoint::PatchConfig
        | Endpoint::AlterOffsets
        | Endpoint::Validate
        | Endpoint::Ask
        | Endpoint::Preview => Vec::new(),
    }
}

pub(super) fn body(endpoint: Endpoint) -> Option<Value> {
    let (schema, description) = match endpoint {
        Endpoint::Create => ("NewConnector", "Its name and its settings."),
        Endpoint::PutConfig => ("NewConfig", "All settings that the connector shall have."),
        Endpoint::PatchConfig => ("ConfigPatch", "Settings to set, and with null to remove."),
        Endpoint::Validate => ("ConfigPatch", "Settings as they would be written."),
        Endpoint::Ask => {
            ("Question", "Settings, which need not be complete, and what the question is about.")
        }
        Endpoint::Preview => {
            ("NewPreview", "Settings as they would be written, and how many records to show.")
        }
        Endpoint::AlterOffsets => ("OffsetChanges", "Where to go on; with null as offset, from the start."),
        Endpoint::SetLogger => ("NewLevel", "The level that it shall have."),
        Endpoint::Root
        | Endpoint::Health
        | Endpoint::Metrics
        | Endpoint::OpenApi
        | Endpoint::Info
        | Endpoint::Delete
        | Endpoint::Config
        | Endpoint::Status
        | Endpoint::Tasks
        | Endpoint::TaskStatus
        | Endpoint::RestartTask
        | Endpoint::Pause
        | Endpoint::Resume
        | Endpoint::Stop
        | Endpoint::Topics
        | Endpoint::ResetTopics
        | Endpoint::Offsets
        | Endpoint::ResetOffsets
        | Endpoint::Loggers
        | Endpoint::Logger
        | Endpoint::PutTasks
        | Endpoint::Fence
        | Endpoint::Connectors
        | Endpoint::Restart
        | Endpoint::Plugins
        | Endpoint::PluginSettings => return None,
    };
    let schema = json!({ "$ref": format!("#/components/schemas/{schema}") });
    Some(json!({
        "required": true,
        "description": description,
        "content": { "application/json": { "schema": schema } },
    }))
}

/// The parameter that a name in a path is.
pub(super) fn in_path(name: &str) -> Value {
    let (schema, description) = match name {
        "task" => (
            json!({ "type": "integer", "format": "int32", "minimum": 0 }),
            "A task's number, from 0.".to_owned(),
        ),
        "plugin" => {
            let description = "A plugin by its class, in full or only its last part, with or without the \
                               `Connector` at its end.";
            (text(), description.to_owned())
        }
        "question" => {
            (text(), "The question's name; which there are is told on the plugin's own page.".to_owned())
        }
        other => (text(), format!("The {other}'s name; every letter but control characters may be in it.")),
    };
    json!({ "name": name, "in": "path", "required": true, "description": description, "schema": schema })
}

fn text() -> Value {
    json!({ "type": "string", "minLength": 1, "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]+$" })
}

fn expand() -> Value {
    json!({
        "name": "expand",
        "in": "query",
        "description": "With it the answer is an object with these parts of every connector; may be repeated.",
        "explode": true,
        "schema": { "type": "array", "items": { "type": "string", "enum": ["info", "status"] } },
    })
}

fn flag(name: &str, default: bool, description: &str) -> Value {
    let description = format!("{description} `true` in any case; any other word is false.");
    let schema = json!({ "type": "boolean", "default": default });
    json!({ "name": name, "in": "query", "description": description, "schema": schema })
}

fn version() -> Value {
    let description = "The version of the plugin, when several are here.";
    json!({ "name": "version", "in": "query", "description": description, "schema": { "type": "string" } })
}

fn scope() -> Value {
    let description = "`cluster`, in any case, means every worker; any other word means this one.";
    let schema = json!({ "type": "string", "enum": ["worker", "cluster"], "default": "worker" });
    json!({ "name": "scope", "in": "query", "description": description, "schema": schema })
}
