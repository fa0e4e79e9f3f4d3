//! The shapes of all bodies. Those that the worker sends are closed: a field nobody described fails the tests.
use serde_json::{Map, Value, json};

pub(super) fn all() -> Value {
    let mut all = Map::new();
    for group in [worker(), requests(), previews(), connectors(), states(), plugins(), offsets(), loggers()] {
        if let Value::Object(group) = group {
            all.extend(group);
        }
    }
    all.into()
}

fn worker() -> Value {
    json!({
        "Worker": object(&json!({
            "version": { "type": "string", "description": "That of Kafka Connect's interface, then the worker's own." },
            "commit": { "type": "string" },
            "kafka_cluster_id": { "type": "string" },
        }), &[]),
        "Health": object(&json!({
            "status": { "type": "string", "enum": ["healthy", "starting", "unhealthy"] },
            "message": { "type": "string" },
        }), &[]),
        "Document": { "type": "object", "required": ["openapi", "info", "paths"] },
        "Refusal": object(&json!({
            "error_code": { "type": "integer", "description": "The status of the answer." },
            "message": { "type": "string", "description": "One sentence for a person." },
        }), &[]),
    })
}

fn previews() -> Value {
    let number = |what: &str| json!({ "type": ["integer", "null"], "description": what });
    let content = json!({ "description": "Text, JSON of a structured value, or an object with base64." });
    json!({
        "NewPreview": {
            "type": "object",
            "required": ["config"],
            "additionalProperties": false,
            "properties": {
                "config": { "type": "object", "additionalProperties": { "type": ["string", "number", "boolean"] } },
                "records": { "type": "integer", "minimum": 1, "maximum": 100, "default": 10 },
            },
            "examples": [{ "config": file_source(), "records": 3 }],
        },
        "Preview": object(&json!({
            "records": list(&reference("PreviewedRecord")),
        }), &[]),
        "PreviewedRecord": object(&json!({
            "before": reference("ShownRecord"),
            "after": {
                "description": "Null when nothing of it is delivered.",
                "anyOf": [reference("ShownRecord"), { "type": "null" }],
            },
            "error": object(&json!({
                "stage": { "type": "string", "description": "As in the headers of dead letters." },
                "message": { "type": "string" },
            }), &[]),
        }), &["error"]),
        "ShownRecord": object(&json!({
            "topic": { "type": "string" },
            "partition": number("Of a record that came from Kafka, or is about to be given to a sink."),
            "offset": number("Likewise."),
            "timestamp": number("Milliseconds since 1970 began."),
            "key": content,
            "value": content,
            "headers": list(&object(&json!({
                "name": { "type": "string" },
                "value": { "description": "Text, an object with base64, or null." },
            }), &[])),
        }), &[]),
    })
}

fn requests() -> Value {
    let scalar = json!({ "type": ["string", "number", "boolean"] });
    let setting = json!({ "type": ["string", "number", "boolean", "null"] });
    let known = |value: &Value| json!({ "connector.class": value, "tasks.max": value, "topics": value });
    let mut replaced = known(&scalar);
    replaced["name"] = setting.clone();
    json!({
        "NewConnector": {
            "type": "object",
            "required": ["name", "config"],
            "additionalProperties": false,
            "properties": {
                "name": scalar,
                "config": { "type": "object", "properties": known(&setting), "additionalProperties": setting },
                "initial_state": {
                    "description": "In any case; RUNNING when absent.",
                    "enum": ["RUNNING", "PAUSED", "STOPPED", null],
                },
            },
            "examples": [{ "name": "example", "config": file_source() }],
        },
        "Question": {
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "config": { "type": "object", "properties": known(&setting), "additionalProperties": setting },
                "input": { "description": "Whatever the question needs." },
            },
            "examples": [{ "config": {}, "input": {} }],
        },
        "Answer": { "description": "What the plugin's page says of the question." },
        "NewConfig": {
            "description": "Numbers and booleans are kept as text.",
            "type": "object",
            "properties": replaced,
            "additionalProperties": scalar,
            "examples": [file_source()],
        },
        "ConfigPatch": {
            "description": "Numbers and booleans are kept as text.",
            "type": "object",
            "properties": known(&setting),
            "additionalProperties": setting,
            "examples": [file_source()],
        },
    })
}

fn file_source() -> Value {
    json!({ "connector.class": "FileStreamSource", "tasks.max": "1", "file": "lines.txt", "topic": "lines" })
}

fn connectors() -> Value {
    let id = json!({ "connector": { "type": "string" }, "task": { "type": "integer", "minimum": 0 } });
    json!({
        "Connectors": { "oneOf": [
            { "type": "array", "items": { "type": "string" } },
            { "type": "object", "additionalProperties": {
                "type": "object",
                "properties": { "info": reference("Connector"), "status": reference("ConnectorStatus") },
                "additionalProperties": false,
            } },
        ] },
        "Connector": object(&json!({
            "name": { "type": "string" },
            "config": reference("Config"),
            "tasks": list(&reference("TaskId")),
            "type": reference("ConnectorType"),
        }), &[]),
        "ConnectorType": {
            "description": "`unknown` while the plugin is not here.",
            "enum": ["source", "sink", "unknown"],
        },
        "Config": { "type": "object", "additionalProperties": { "type": ["string", "null"] } },
        "TaskId": object(&id, &[]),
        "Tasks": list(&object(&json!({ "id": reference("TaskId"), "config": reference("Config") }), &[])),
        "Topics": {
            "description": "The connector's name is the only key.",
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": object(&json!({ "topics": list(&json!({ "type": "string" })) }), &[]),
        },
    })
}

fn states() -> Value {
    let state = |states: &[&str]| {
        json!({
            "state": { "type": "string", "enum": states },
            "worker_id": { "type": "string", "description": "`host:port` of the worker; empty when there is none." },
            "version": { "type": "string", "description": "The plugin's." },
            "trace": { "type": "string", "description": "Why it FAILED: kind and sentence in the first line." },
        })
    };
    let optional = &["version", "trace"];
    let mut task = state(&["RUNNING", "FAILED", "PAUSED", "UNASSIGNED", "RESTARTING"]);
    task["id"] = json!({ "type": "integer", "minimum": 0 });
    json!({
        "ConnectorStatus": object(&json!({
            "name": { "type": "string" },
            "connector": reference("ConnectorState"),
            "tasks": list(&reference("TaskStatus")),
            "type": reference("ConnectorType"),
        }), &[]),
        "ConnectorState":
            object(&state(&["RUNNING", "FAILED", "PAUSED", "STOPPED", "UNASSIGNED", "RESTARTING"]), optional),
        "TaskStatus": object(&task, optional),
    })
}

fn plugins() -> Value {
    let kinds = ["source", "sink", "transformation", "predicate", "converter", "header_converter"];
    let text = json!({ "type": "string" });
    let texts = list(&text);
    json!({
        "Plugins":
            list(&object(&json!({ "class": text, "type": { "enum": kinds }, "version": text }), &[])),
        "Setting": setting(),
        "Settings": list(&reference("Setting")),
        "Validation": object(&json!({
            "name": { "type": "string", "description": "The connector's class." },
            "error_count": { "type": "integer", "minimum": 0 },
            "groups": texts,
            "configs": list(&object(&json!({
                "definition": reference("Setting"),
                "value": object(&json!({
                    "name": text,
                    "value": { "type": ["string", "null"] },
                    "recommended_values": texts,
                    "errors": texts,
                    "visible": { "type": "boolean" },
                }), &[]),
            }), &[])),
            "advice": list(&object(&json!({ "setting": text, "message": text }), &[])),
        }), &["advice"]),
    })
}

fn offsets() -> Value {
    let place = json!({ "type": "object" });
    let change = json!({ "type": ["object", "null"] });
    let example = json!({ "partition": { "filename": "lines.txt" }, "offset": { "position": 0 } });
    json!({
        "Offsets": object(&json!({
            "offsets": list(&object(&json!({ "partition": place, "offset": place }), &[])),
        }), &[]),
        "OffsetChanges": {
            "type": "object",
            "required": ["offsets"],
            "additionalProperties": false,
            "properties": { "offsets": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "properties": { "partition": change, "offset": change },
                    "additionalProperties": false,
                },
            } },
            "examples": [{ "offsets": [example] }],
        },
        "Message": object(&json!({ "message": { "type": "string" } }), &[]),
    })
}

fn loggers() -> Value {
    json!({
        "Level": object(&json!({
            "level": { "type": "string" },
            "last_modified": { "type": ["integer", "null"], "description": "Milliseconds since 1970." },
        }), &[]),
        "Loggers": { "type": "object", "additionalProperties": reference("Level") },
        "LoggerNames": list(&json!({ "type": "string" })),
        "NewLevel": {
            "type": "object",
            "required": ["level"],
            "properties": { "level": { "type": "string", "minLength": 1 } },
            "additionalProperties": { "type": ["string", "number", "boolean", "null"] },
            "examples": [{ "level": "INFO" }],
        },
    })
}

fn setting() -> Value {
    let types = ["BOOLEAN", "CLASS", "DOUBLE", "INT", "LIST", "LONG", "PASSWORD", "SHORT", "STRING"];
    let text = json!({ "type": "string" });
    object(
        &json!({
            "name": text,
            "type": { "type": "string", "enum": types },
            "required": { "type": "boolean" },
            "default_value": { "type": ["string", "null"] },
            "importance": { "type": "string", "enum": ["HIGH", "MEDIUM", "LOW"] },
            "documentation": text,
            "group": { "type": ["string", "null"] },
            "order_in_group": { "type": "integer" },
            "width": { "type": "string", "enum": ["NONE", "SHORT", "MEDIUM", "LONG"] },
            "display_name": text,
            "dependents": list(&text),
        }),
        &[],
    )
}

/// With these fields and no other; all are always there but the `optional` ones.
fn object(properties: &Value, optional: &[&str]) -> Value {
    let fields = properties.as_object().into_iter().flat_map(Map::keys);
    let required: Vec<_> = fields.filter(|field| !optional.contains(&field.as_str())).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn list(items: &Value) -> Value {
    json!({ "type": "array", "items": items })
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}
