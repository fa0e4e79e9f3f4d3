//! Threads that requests are made on, and how long clients and answers are waited for.
use std::time::Duration;

use penstock_sdk::{Error, Kind, Problem, Result};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::settings::problem;

/// One thread is enough: requests, of hundreds of shards too, are waiting for the most part.
pub fn runtime(name: &str) -> Result<Runtime> {
    let runtime = Builder::new_multi_thread().worker_threads(1).thread_name(name).enable_all().build();
    runtime.map_err(|error| Error::retry(format!("starting a thread: {error}")))
}

/// A client, which asks for nothing but the region: who is asked for that may be away.
pub async fn opened<T>(opening: impl Future<Output = Result<T>>) -> Result<T> {
    let silence = |_| Err(Error::retry("aws.region: no answer to what the region is"));
    timeout(OPEN_PATIENCE, opening).await.unwrap_or_else(silence)
}

/// The answer to a question that a person waits for; none if it takes longer than a person waits.
pub fn ask<T>(name: &str, question: impl Future<Output = Result<T>>) -> Result<Option<T>> {
    let answer = async { timeout(PERSON_PATIENCE, question).await };
    runtime(name)?.block_on(answer).map_or(Ok(None), |answer| answer.map(Some))
}

/// What is wrong with settings: what was `found` in them, unless the service that they lead to knows better.
pub fn validated<T>(
    found: Vec<Problem>,
    asked: Result<T>,
    (own, otherwise): (&[&str], &str),
) -> Vec<Problem> {
    match asked {
        Err(error) if *error.kind() == Kind::Config => vec![problem(&error, own, otherwise)],
        _ => found,
    }
}

const OPEN_PATIENCE: Duration = Duration::from_secs(10);
/// Of the three seconds that the SDK grants.
const PERSON_PATIENCE: Duration = Duration::from_millis(2_800);
