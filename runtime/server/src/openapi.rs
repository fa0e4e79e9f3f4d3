//! The OpenAPI 3.1 document of the REST interface, made from the route table.
//!
//! Each endpoint is described in matches that name them all: one without a description does not compile.
mod answers;
mod requests;
mod schemas;

use crate::routes::{Endpoint, TABLE};
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// The document as JSON text; it is the same for as long as the worker runs.
pub(crate) fn document() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| build().to_string());
    &TEXT
}

fn build() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Penstock",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Runs connectors between Kafka and other systems.",
            "description": ABOUT,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": tags(),
        "paths": paths(),
        "components": {
            "schemas": schemas::all(),
            "responses": answers::refusals(),
            "securitySchemes": { "basic": { "type": "http", "scheme": "basic" } },
        },
        // Whether users have to say who they are is a setting of the worker.
        "security": [{}, { "basic": [] }],
    })
}

const ABOUT: &str = "The REST interface of Kafka Connect, as its clients know it. A path may end in one slash, HEAD \
    works wherever GET does, and OPTIONS lists the methods of a path. Query parameters that nobody knows are \
    ignored. Every refusal has the same shape: its status and one sentence.";

fn tags() -> Value {
    json!([
        { "name": "worker", "description": "The worker that answers." },
        { "name": "connectors", "description": "What runs: connectors, their settings, states, tasks and topics." },
        { "name": "connector-plugins", "description": "What could run: the plugins this worker has found." },
        { "name": "loggers", "description": "What the worker writes into its log." },
    ])
}

fn paths() -> Value {
    let mut paths = Map::new();
    for (method, pattern, endpoint) in TABLE {
        let Some(title) = requests::title(*endpoint) else { continue };
        let mut operation = json!({ "operationId": title.0, "summary": title.1, "tags": [tag(pattern)] });
        let parameters = parameters(pattern, *endpoint);
        if !parameters.is_empty() {
            operation["parameters"] = parameters.into();
        }
        if let Some(body) = requests::body(*endpoint) {
            operation["requestBody"] = body;
        }
        operation["responses"] = answers::all(method, pattern, *endpoint);
        let path = paths.entry(template(pattern)).or_insert_with(|| json!({}));
        path[method.as_str().to_ascii_lowercase()] = operation;
    }
    paths.into()
}

fn parameters(pattern: &str, endpoint: Endpoint) -> Vec<Value> {
    names(pattern).map(requests::in_path).chain(requests::query(endpoint)).collect()
}

/// `connectors/*/status` as `/connectors/{connector}/status`.
fn template(pattern: &str) -> String {
    let mut names = names(pattern);
    let segments = pattern.split('/').map(|segment| match segment {
        "*" => format!("/{{{}}}", names.next().unwrap_or_default()),
        literal => format!("/{literal}"),
    });
    segments.collect()
}

/// What the stars of a pattern stand for: each is named after the segment before it, `connectors` or `tasks`.
fn names(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.split('/').zip(pattern.split('/').skip(1)).filter(|(_, segment)| *segment == "*").map(
        |(of, _)| {
            let plural = of.rsplit('-').next().unwrap_or(of);
            plural.strip_suffix('s').unwrap_or(plural)
        },
    )
}

fn tag(pattern: &str) -> &str {
    match pattern.split('/').next() {
        Some(first @ ("connectors" | "connector-plugins")) => first,
        Some("admin") => "loggers",
        Some("penstock") => "connector-plugins",
        _ => "worker",
    }
}

#[cfg(test)]
mod tests;
