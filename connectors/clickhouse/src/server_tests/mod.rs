//! The sink against a real server, whose own JSON parser says what is right.
mod advice;
mod avro_tables;
mod batching;
mod connection;
mod defaults;
mod errors;
mod evolution;
mod exact;
mod given;
mod handover;
mod lines;
mod matrix;
mod nested;
mod oracle;
mod protobuf;
mod registered;
mod rows;
mod samples;
mod schema;
mod source;
mod statements;
mod tables;
mod trouble;
mod upserts;
mod ways;
mod widening;

use std::sync::atomic::{AtomicU32, Ordering};

use penstock_sdk::{Config, Result};
use proptest::test_runner::{Config as Cases, RngAlgorithm, TestRng, TestRunner};

use crate::delivery::Delivery;
use crate::incoming::Incoming;
use crate::server::Server;
use crate::settings::Settings;
use crate::target::{Outcome, Wait};

/// A database of its own on the server, dropped at the end.
struct Lab {
    server: Server,
    database: String,
}

impl Lab {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let database = format!("penstock_sink_{}_{number}", std::process::id());
        let settings = config(&[("clickhouseSettings", LENIENT)]);
        let server = Server::new(&Settings::parse(&settings).unwrap()).unwrap();
        server.query(&format!("CREATE DATABASE {database}"), &[]).unwrap();
        Lab { server, database }
    }

    /// Runs a statement in which `@` stands for the database.
    fn run(&self, sql: &str) -> Vec<Vec<String>> {
        self.server.query(&sql.replace('@', &self.database), &[]).unwrap()
    }

    fn delivery(&self, settings: &[(&str, &str)]) -> Delivery {
        let config = config(settings).with("database", &self.database);
        Delivery::new(Settings::parse(&config).unwrap(), false, patient()).unwrap()
    }

    /// All rows of a table as the server prints them.
    fn rows(&self, table: &str) -> Vec<String> {
        let rows = self.run(&format!("SELECT formatRow('JSONEachRow', *) FROM @.{table} ORDER BY k"));
        rows.into_iter().flatten().collect()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.server.query(&format!("DROP DATABASE IF EXISTS {}", self.database), &[]);
    }
}

/// Runs the same cases each time, so that a failure is no matter of chance. `PENSTOCK_TEST_SEED` chooses others.
fn seeded(cases: u32) -> TestRunner {
    let seed: u64 = std::env::var("PENSTOCK_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Cases { cases, failure_persistence: None, ..Cases::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// How tasks wait that nobody ends.
fn patient() -> Wait {
    Box::new(|time| {
        std::thread::sleep(time);
        false
    })
}

fn config(settings: &[(&str, &str)]) -> Config {
    let url = std::env::var("PENSTOCK_TEST_CLICKHOUSE")
        .expect("PENSTOCK_TEST_CLICKHOUSE names no ClickHouse server: run ./test, which starts one");
    let config: Config = settings.iter().copied().collect();
    if config.get("url").is_some() { config } else { config.with("url", url) }
}

/// Delivers records of one topic; offsets count from 0.
fn write(delivery: &mut Delivery, topic: &str, values: &[impl AsRef<[u8]>]) -> Result<Outcome> {
    let mut records = Vec::new();
    for (offset, value) in values.iter().enumerate() {
        let value = Some(value.as_ref());
        records.push(Incoming { topic, partition: 0, offset: offset as i64, value, ..Incoming::default() });
    }
    delivery.write(&records, None)
}

fn accept(delivery: &mut Delivery, topic: &str, values: &[impl AsRef<[u8]>]) {
    let outcome = write(delivery, topic, values).unwrap();
    assert_eq!(outcome.rejected, []);
    assert_eq!(outcome.rows, values.len() as u64);
}

/// Tables may have types that the server thinks nobody wants, and keep `Nested` as it is.
const LENIENT: &str =
    "allow_suspicious_low_cardinality_types=1,allow_suspicious_variant_types=1,flatten_nested=0";
