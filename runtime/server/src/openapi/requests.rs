//! What each endpoint is called and what it takes: path, query and body.
use crate::routes::Endpoint;
use serde_json::{Value, json};

/// Besides the names in the path.
pub(super) enum Takes {
    Nothing,
    Query(Vec<Value>),
    Body(Value),
}

/// The operation's id and what it does.
pub(super) fn title(endpoint: Endpoint) -> (&'static str, &'static str) {
    match endpoint {
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
    }
}

pub(super) fn takes(endpoint: Endpoint) -> Takes {
    match endpoint {
        Endpoint::Connectors => Takes::Query(vec![expand()]),
        Endpoint::Restart => Takes::Query(vec![
            flag("includeTasks", false, "Whether the tasks are restarted too."),
            flag("onlyFailed", false, "Whether only what has FAILED is restarted."),
        ]),
        Endpoint::Plugins => {
            Takes::Query(vec![flag("connectorsOnly", true, "Whether converters and the like are left out.")])
        }
        Endpoint::Create => Takes::Body(body("NewConnector", "Its name and its settings.")),
        Endpoint::PutConfig => Takes::Body(body("NewConfig", "All settings that the connector shall have.")),
        Endpoint::PatchConfig => {
            Takes::Body(body("ConfigPatch", "Settings to set, and with null to remove."))
        }
        Endpoint::Validate => Takes::Body(body("ConfigPatch", "Settings as they would be written.")),
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
        | Endpoint::PluginSettings => Takes::Nothing,
    }
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

fn body(schema: &str, description: &str) -> Value {
    let schema = json!({ "$ref": format!("#/components/schemas/{schema}") });
    json!({
        "required": true,
        "description": description,
        "content": { "application/json": { "schema": schema } },
    })
}
