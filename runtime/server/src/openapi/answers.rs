//! What each endpoint answers: when all goes well, and every status with which it may refuse.
use super::{names, requests};
use crate::routes::{Endpoint, TABLE};
use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};

/// Everything that an operation can answer, by status.
pub(super) fn all(method: &Method, pattern: &str, endpoint: Endpoint) -> Value {
    let refusals = statuses(method, pattern, endpoint).into_iter().map(|status| {
        (status.to_string(), json!({ "$ref": format!("#/components/responses/{}", component(status)) }))
    });
    let mut all: Map<String, Value> = refusals.collect();
    for (status, answer) in successes(endpoint) {
        all.insert(status.to_string(), answer);
    }
    all.sort_keys();
    all.into()
}

/// The refusals that operations share.
pub(super) fn refusals() -> Value {
    let one = |&(status, description): &(u16, &str)| {
        let mut answer = json!({ "description": description });
        if !FRAMEWORK.contains(&status) {
            answer["content"] = content("Refusal");
        }
        if status == 409 {
            answer["headers"] = json!({ "Retry-After": {
                "description": "Seconds after which it is worth trying again; absent when trying again is no use.",
                "schema": { "type": "integer", "minimum": 0 },
            } });
        }
        (component(status), answer)
    };
    REFUSALS.iter().map(one).collect::<Map<_, _>>().into()
}

const REFUSALS: [(u16, &str); 11] = [
    (
        400,
        "The request cannot be right, whenever it is sent: the message says what is wrong and what is expected.",
    ),
    (401, "The worker lets in only users that it knows, if it is set up so. The body is a sentence."),
    (404, "There is no such connector, task, plugin, logger or level."),
    (406, "The `Accept` header leaves no room for JSON. The body is a refusal's, without a content type."),
    (408, "The body did not arrive in time."),
    (409, "Not now, or not any more: the name is taken, or tasks are being moved, and clients try again."),
    (413, "The body is larger than a config can be."),
    (414, "The path and query are too long."),
    (
        415,
        "The body has a type other than JSON. The body of the answer is a refusal's, without a content type.",
    ),
    (431, "The headers are too long."),
    (500, "Something behind the worker failed."),
];

/// Answered as Connect's HTTP framework does: in a refusal's shape, but without a content type.
const FRAMEWORK: [u16; 3] = [401, 406, 415];

/// What a request can be refused with.
fn statuses(method: &Method, pattern: &str, endpoint: Endpoint) -> Vec<u16> {
    let mut statuses = vec![400, 401, 414, 431];
    if names(pattern).next().is_some() {
        statuses.push(404);
    }
    if endpoint.answers_json() {
        statuses.push(406);
    }
    if method != Method::GET {
        statuses.push(415);
    }
    if endpoint.reads_body() {
        statuses.extend([408, 413]);
    }
    if method != Method::GET || pattern.starts_with("connector") {
        statuses.extend([409, 500]);
    }
    statuses
}

fn component(status: u16) -> String {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    reason.unwrap_or("Refused").split([' ', '-']).collect()
}

fn successes(endpoint: Endpoint) -> Vec<(u16, Value)> {
    match endpoint {
        Endpoint::Root => vec![(200, json("Worker", "Who answers."))],
        Endpoint::Health => vec![
            (200, json("Health", "The worker is ready.")),
            (500, json("Health", "The worker runs but cannot work: the message says why.")),
            (503, json("Health", "The worker is starting.")),
        ],
        Endpoint::Metrics => vec![(200, metrics())],
        Endpoint::OpenApi => vec![(200, json("Document", "The document."))],
        Endpoint::Connectors => vec![(200, json("Connectors", "Names, or with `expand` an object by name."))],
        Endpoint::Create => vec![(201, created())],
        Endpoint::PutConfig => vec![(200, json("Connector", "It has its new settings.")), (201, created())],
        Endpoint::PatchConfig => vec![(200, json("Connector", "It has its new settings."))],
        Endpoint::Info => vec![(200, json("Connector", "The connector."))],
        Endpoint::Config => vec![(200, json("Config", "Its settings."))],
        Endpoint::Status => vec![(200, json("ConnectorStatus", "Its state and those of its tasks."))],
        Endpoint::Tasks => vec![(200, json("Tasks", "Its tasks."))],
        Endpoint::TaskStatus => vec![(200, json("TaskStatus", "The task's state."))],
        Endpoint::Topics => vec![(200, json("Topics", "Its topics."))],
        Endpoint::Restart => vec![
            (202, json("ConnectorStatus", "With a flag that is true: what is being restarted.")),
            (204, json!({ "description": "Without flags: the connector is being restarted." })),
        ],
        Endpoint::Delete => vec![(204, json!({ "description": "It is deleted." }))],
        Endpoint::RestartTask => vec![(204, json!({ "description": "It is being restarted." }))],
        Endpoint::Stop => vec![(204, json!({ "description": "It is being stopped, or was." }))],
        Endpoint::Pause => vec![(202, json!({ "description": "It is being paused, or was." }))],
        Endpoint::Resume => vec![(202, json!({ "description": "It is being resumed, or was." }))],
        Endpoint::ResetTopics => vec![(202, json!({ "description": "They are forgotten." }))],
        Endpoint::Plugins => vec![(200, json("Plugins", "What this worker has found."))],
        Endpoint::PluginSettings => vec![(200, json("Settings", "Its settings."))],
        Endpoint::Offsets => vec![(200, json("Offsets", "Its offsets."))],
        Endpoint::AlterOffsets => vec![(200, json("Message", "They are altered."))],
        Endpoint::ResetOffsets => vec![(200, json("Message", "They are forgotten."))],
        Endpoint::Loggers => vec![(200, json("Loggers", "The loggers."))],
        Endpoint::Logger => vec![(200, json("Level", "Its level."))],
        Endpoint::SetLogger => vec![
            (200, json("LoggerNames", "The loggers of this worker that have a new level.")),
            (204, json!({ "description": "With the scope of the cluster: every worker will hear of it." })),
        ],
        Endpoint::PutTasks | Endpoint::Fence => Vec::new(),
        Endpoint::Ask => vec![(200, json("Answer", "What the plugin answers."))],
        Endpoint::Preview => vec![(200, json("Preview", "Records, and what becomes of each."))],
        Endpoint::Validate => {
            vec![(200, json("Validation", "What is wrong with each, which may be nothing."))]
        }
    }
}

fn json(schema: &str, description: &str) -> Value {
    json!({ "description": description, "content": content(schema) })
}

fn content(schema: &str) -> Value {
    json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{schema}") } } })
}

fn created() -> Value {
    let mut answer = json("Connector", "It is created.");
    answer["headers"] = json!({ "Location": {
        "description": "Where the connector is found.",
        "required": true,
        "schema": { "type": "string", "format": "uri" },
    } });
    answer["links"] = links();
    answer
}

/// To everything that can be asked of a connector by its name alone.
fn links() -> Value {
    let of_a_connector = TABLE
        .iter()
        .filter(|(_, pattern, _)| pattern.starts_with("connectors/*") && names(pattern).count() == 1);
    let link = |(_, _, endpoint): &(Method, &str, Endpoint)| {
        let (id, _) = requests::title(*endpoint)?;
        let link = json!({ "operationId": id, "parameters": { "connector": "$response.body#/name" } });
        Some((id.to_owned(), link))
    };
    of_a_connector.filter_map(link).collect::<Map<_, _>>().into()
}

fn metrics() -> Value {
    let text = json!({ "schema": { "type": "string" } });
    json!({
        "description": "In the format that the client names in `Accept`, else in the older one.",
        "content": { "text/plain": text, "application/openmetrics-text": text },
    })
}
