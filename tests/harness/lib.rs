//! What black-box tests stand on: the real binary, real Kafka, real ClickHouse, and waiting without sleeping.
//!
//! Nothing here links any crate of the project: tests see what a user sees, over HTTP, Kafka and ClickHouse.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "all of this crate is test code")]

pub mod clickhouse;
pub mod command;
pub mod faults;
pub mod files;
pub mod http;
pub mod java;
pub mod kafka;
pub mod kinesis;
pub mod log;
pub mod million;
pub mod objects;
pub mod poll;
pub mod proxy;
pub mod registry;
pub mod rest;
pub mod rights;
pub mod services;
mod stored;
pub mod worker;

pub use clickhouse::ClickHouse;
pub use java::JavaWorker;
pub use kafka::Kafka;
pub use kinesis::Kinesis;
pub use objects::Bucket;
pub use poll::{until, until_some};
pub use proxy::{Cut, Proxy};
pub use rest::{Answer, Rest};
pub use worker::{Builder, Worker};

use serde_json::Value;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long a test waits for what takes a moment on a quiet machine; far above it, because machines are not quiet.
pub const SOON: Duration = Duration::from_secs(60);

/// A connector's settings with more of them, or with other values.
#[must_use]
pub fn with(mut config: Value, more: &[(&str, &str)]) -> Value {
    for (name, value) in more {
        config[*name] = Value::from(*value);
    }
    config
}

/// The same with an object of settings.
#[must_use]
pub fn merged(mut config: Value, more: Value) -> Value {
    let (Value::Object(settings), Value::Object(more)) = (&mut config, more) else {
        panic!("expected two objects");
    };
    settings.extend(more);
    config
}

/// A name no other test uses, on this broker or any other run's: `orders` becomes `orders-5f3a1c-2`.
pub fn unique(name: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let run = (since.as_secs() << 20 | u64::from(std::process::id())) & 0xff_ffff_ffff;
    format!("{name}-{run:x}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
