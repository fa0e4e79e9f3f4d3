//! Waiting for a schema registry that gives no answer: nothing is lost, and nothing goes on without it.
use super::Backoff;
use crate::converter;
use crate::task::{TaskSpec, failure};
use cluster::Failure;
use formats::Kind;
use std::time::{Duration, Instant};

/// The waits of one batch or record.
pub struct Patience {
    backoff: Backoff,
    started: Instant,
}

const FIRST: Duration = Duration::from_millis(200);
const MAX: Duration = Duration::from_secs(10);

impl Patience {
    pub fn new() -> Self {
        Self { backoff: Backoff::new(FIRST, MAX), started: Instant::now() }
    }

    /// Returns when it is time to try again. An error of the settings ends the task, and so does a stop.
    pub fn wait(&mut self, spec: &TaskSpec, error: &converter::Error) -> Result<(), Failure> {
        if error.kind() == Kind::Config {
            return Err(failure("ConfigException", &error.to_string(), true));
        }
        spec.metrics.retries.inc();
        let wait = self.backoff.wait(None);
        tracing::warn!(reason = %error, retry_in = ?wait, waiting_for = ?self.started.elapsed(), "the schema registry is away");
        if spec.control.wait(wait) {
            let sentence = format!("stopped while waiting for the schema registry: {error}");
            return Err(failure("RetriableException", &sentence, true));
        }
        Ok(())
    }
}
