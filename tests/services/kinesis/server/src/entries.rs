//! Refuses single entries of PutRecords, as AWS does when one shard has enough and the others have not.
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::Next;
use axum::response::Response;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};

/// Refuses every so many entries, over all requests; 0 for none.
pub struct Refusal {
    every: u64,
    seen: AtomicU64,
}

impl Refusal {
    pub fn every(every: u64) -> Self {
        Self { every, seen: AtomicU64::new(0) }
    }

    pub fn is_on(&self) -> bool {
        self.every > 0
    }

    fn hits(&self) -> bool {
        (self.seen.fetch_add(1, Ordering::Relaxed) + 1) % self.every == 0
    }

    /// The entries that are not refused go to the emulator, and its answers are put between the refusals.
    pub async fn put_records(&self, request: Request, next: Next) -> Response {
        let (mut parts, body) = request.into_parts();
        let bytes = to_bytes(body, REQUEST_MAX).await.unwrap_or_default();
        let mut data: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let Some(entries) = data["Records"].as_array_mut() else {
            return next.run(Request::from_parts(parts, Body::from(bytes))).await;
        };
        let refused: Vec<bool> = entries.iter().map(|_| self.hits()).collect();
        let mut at = refused.iter();
        entries.retain(|_| at.next() == Some(&false));
        let answered = if entries.is_empty() {
            Ok((None, Vec::new()))
        } else {
            parts.headers.remove(CONTENT_LENGTH);
            let answer = next.run(Request::from_parts(parts, Body::from(data.to_string()))).await;
            results(answer).await
        };
        match answered {
            Ok((head, results)) => merged(head, &refused, results),
            Err(answer) => answer,
        }
    }
}

type Head = axum::http::response::Parts;

async fn results(answer: Response) -> Result<(Option<Head>, Vec<Value>), Response> {
    if !answer.status().is_success() {
        return Err(answer);
    }
    let (head, body) = answer.into_parts();
    let bytes = to_bytes(body, REQUEST_MAX).await.unwrap_or_default();
    let answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    Ok((Some(head), answer["Records"].as_array().cloned().unwrap_or_default()))
}

fn merged(head: Option<Head>, refused: &[bool], results: Vec<Value>) -> Response {
    let mut results = results.into_iter();
    let refusal = json!({
        "ErrorCode": "ProvisionedThroughputExceededException",
        "ErrorMessage": "a refusal that was asked for",
    });
    let entry = |is_refused: &bool| if *is_refused { refusal.clone() } else { results.next().unwrap_or_default() };
    let records: Vec<Value> = refused.iter().map(entry).collect();
    let failed = records.iter().filter(|record| !record["ErrorCode"].is_null()).count();
    let body = json!({ "FailedRecordCount": failed, "Records": records }).to_string();
    let mut answer = Response::new(Body::from(body));
    if let Some(head) = head {
        *answer.headers_mut() = head.headers;
        answer.headers_mut().remove(CONTENT_LENGTH);
    }
    answer
}

const REQUEST_MAX: usize = 16 << 20;
