//! Fills a schema registry.

use crate::Rest;
use serde_json::{Value, json};

/// Registers a schema of a kind (`AVRO`, `PROTOBUF`, `JSON`) and answers its id.
pub fn register(registry: &str, subject: &str, kind: &str, schema: &str, references: &Value) -> u32 {
    let body = json!({ "schema": schema, "schemaType": kind, "references": references });
    let answer = Rest::new(registry).post(&format!("/subjects/{subject}/versions"), &body).expect(200);
    answer["id"].as_u64().unwrap().try_into().unwrap()
}
