//! A Kinesis endpoint on loopback: the emulator `ferrokinesis`, and three things that tests need beside it.
//!
//! 1. Subscriptions that begin at a sequence number or a time: ferrokinesis 0.7.0 drops every member of
//!    `StartingPosition` but `Type` in its check of requests, so that a resumed subscription would begin at the oldest
//!    record. JSON requests of that kind go straight to the library's own action.
//! 2. Faults: `KINESIS_FAULTS=ACTION/N=ERROR[:STATUS],…` answers each Nth call of ACTION with ERROR, and
//!    `KINESIS_GETS_PER_SECOND=N` refuses GetRecords beyond N in any second, as AWS does for each shard.
//! 3. `KINESIS_REFUSED_ENTRIES=N` refuses every Nth entry of PutRecords and takes the others (`entries.rs`).
//!
//! Signatures are not checked and nothing is kept after the process ends.
mod entries;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use ferrokinesis::{actions::subscribe_to_shard, create_app, store::Store, store::StoreOptions};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

#[derive(Clone)]
struct Surroundings {
    store: Store,
    faults: Arc<Vec<Fault>>,
    refusal: Arc<entries::Refusal>,
    gets_per_second: usize,
    /// When the last of them came.
    gets: Arc<Mutex<VecDeque<Instant>>>,
}

impl Surroundings {
    fn is_throttled(&self) -> bool {
        let mut gets = self.gets.lock().unwrap();
        let now = Instant::now();
        while gets.front().is_some_and(|at| now.duration_since(*at).as_secs() >= 1) {
            gets.pop_front();
        }
        gets.push_back(now);
        self.gets_per_second > 0 && gets.len() > self.gets_per_second
    }
}

struct Fault {
    action: String,
    every: u64,
    error: String,
    status: u16,
    calls: AtomicU64,
}

impl Fault {
    fn parse(text: &str) -> Option<Self> {
        let (at, error) = text.split_once('=')?;
        let (action, every) = at.split_once('/')?;
        let (error, status) = error.split_once(':').unwrap_or((error, "400"));
        Some(Self {
            action: action.trim().to_owned(),
            every: every.parse().ok().filter(|every| *every > 0)?,
            error: error.to_owned(),
            status: status.parse().ok()?,
            calls: AtomicU64::new(0),
        })
    }

    fn hits(&self, action: &str) -> bool {
        self.action == action && (self.calls.fetch_add(1, Ordering::Relaxed) + 1) % self.every == 0
    }
}

fn env<T: std::str::FromStr>(name: &str, default: T) -> T {
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => value.parse().unwrap_or_else(|_| refuse(name, &value)),
        _ => default,
    }
}

fn refuse(name: &str, value: &str) -> ! {
    eprintln!("kinesis-server: bad value in {name}: {value:?}");
    std::process::exit(2)
}

fn error(status: u16, kind: &str, message: &str) -> Response {
    let body = serde_json::json!({ "__type": kind, "message": message }).to_string();
    Response::builder()
        .status(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST))
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amzn-ErrorType", kind)
        .body(Body::from(body))
        .unwrap()
}

fn header(request: &Request, name: &str) -> String {
    let value = request.headers().get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or("").to_owned()
}

async fn shim(State(around): State<Surroundings>, request: Request, next: Next) -> Response {
    let target = header(&request, "x-amz-target");
    let kind = header(&request, "content-type");
    let action = target.rsplit('.').next().unwrap_or_default();
    // Each of them counts for itself.
    let hit = around.faults.iter().filter(|fault| fault.hits(action)).last();
    if let Some(fault) = hit {
        return error(fault.status, &fault.error, "a fault that was asked for");
    }
    if action == "GetRecords" && around.is_throttled() {
        return error(400, "ProvisionedThroughputExceededException", "more requests than there may be");
    }
    if action == "PutRecords" && around.refusal.is_on() {
        return around.refusal.put_records(request, next).await;
    }
    if action != "SubscribeToShard" || kind != "application/x-amz-json-1.1" {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, 64 * 1024).await else {
        return error(400, "SerializationException", "the request is too large");
    };
    let data: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let position = &data["StartingPosition"];
    if position["SequenceNumber"].is_null() && position["Timestamp"].is_null() {
        return next.run(Request::from_parts(parts, Body::from(bytes))).await;
    }
    match subscribe_to_shard::execute_streaming(&around.store, data, &kind).await {
        Ok(body) => Response::builder()
            .header("content-type", "application/vnd.amazon.eventstream")
            .body(body)
            .unwrap(),
        Err(failure) => {
            error(400, &failure.body.error_type, failure.body.message.as_deref().unwrap_or(""))
        }
    }
}

fn options() -> StoreOptions {
    let own = StoreOptions::default();
    StoreOptions {
        create_stream_ms: env("KINESIS_CREATE_MS", 100),
        delete_stream_ms: env("KINESIS_DELETE_MS", 100),
        update_stream_ms: env("KINESIS_UPDATE_MS", 100),
        shard_limit: env("KINESIS_SHARD_LIMIT", 500),
        iterator_ttl_seconds: env("KINESIS_ITERATOR_TTL_S", own.iterator_ttl_seconds),
        subscribe_to_shard_session_ms: env("KINESIS_EFO_SESSION_MS", own.subscribe_to_shard_session_ms),
        ..own
    }
}

#[tokio::main]
async fn main() {
    let faults = std::env::var("KINESIS_FAULTS").unwrap_or_default();
    let faults = faults.split(',').filter(|text| !text.trim().is_empty());
    let faults = faults.map(|text| Fault::parse(text).unwrap_or_else(|| refuse("KINESIS_FAULTS", text)));
    let faults = Arc::new(faults.collect());
    let (app, store) = create_app(options());
    let gets_per_second = env("KINESIS_GETS_PER_SECOND", 0);
    let refusal = Arc::new(entries::Refusal::every(env("KINESIS_REFUSED_ENTRIES", 0)));
    let around = Surroundings { store, faults, refusal, gets_per_second, gets: Arc::default() };
    let app = app.layer(from_fn_with_state(around, shim));
    let address = format!("127.0.0.1:{}", env("KINESIS_PORT", 4567_u16));
    let listener = tokio::net::TcpListener::bind(&address).await.unwrap_or_else(|error| {
        eprintln!("kinesis-server: cannot listen on {address}: {error}");
        std::process::exit(1)
    });
    let stop = async {
        let mut asked = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).unwrap();
        asked.recv().await;
        // Subscriptions last minutes: nobody waits for them.
        std::process::exit(0)
    };
    tokio::select! { served = axum::serve(listener, app) => served.unwrap(), _ = stop => {} }
}
