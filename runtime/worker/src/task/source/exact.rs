//! A source's task that delivers exactly once: records and their offsets are one transaction.
use super::Boundary;
use super::session::{End, Session};
use crate::delivery::Backoff;
use crate::task::config::TaskSpec;
use crate::task::failure::of_kafka;
use cluster::{Failure, Wanted};
use kafka::ClientSettings;
use std::sync::Arc;
use std::time::Duration;

/// What a task needs to write in transactions.
pub struct Exact {
    /// With the task's transactional id.
    pub client: ClientSettings,
    pub boundary: Boundary,
    /// What Kafka gives a transaction.
    pub timeout: Duration,
    /// Returns when the worker has acted on all that was written of its connectors before the call: a task that shall
    /// not run here, or not with these settings, is told to stop by then. An error is a sentence.
    pub catch_up: CatchUp,
}

pub type CatchUp = Box<dyn Fn() -> Result<(), String> + Send + Sync>;

/// Sessions in a row that end without knowing what became of their first transaction.
const UNKNOWN_MAX: u32 = 5;
const BACKOFF_FIRST: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// A session ends with its producer: whatever it left open is over once the next one has taken its id, and the source is
/// opened at the offsets that were committed.
pub fn run(spec: &Arc<TaskSpec>, exact: &Exact, report: &dyn Fn(Wanted)) -> Result<(), Failure> {
    let mut backoff = Backoff::new(BACKOFF_FIRST, BACKOFF_MAX);
    let mut unknown = 0;
    loop {
        let Some(mut session) = Session::open(spec, exact)? else { return Ok(()) };
        let end = session.turns(report);
        let commits = session.commits();
        // The client goes before the wait.
        drop(session);
        match end {
            End::Stopped => return Ok(()),
            End::Failed(failure) => return Err(failure),
            End::Broken => {
                tracing::info!("a connection broke while a transaction ended: the producer is replaced");
            }
            End::Unknown(error) => {
                unknown = if commits > 0 { 1 } else { unknown + 1 };
                if error.kind == kafka::Kind::Fenced || unknown > UNKNOWN_MAX {
                    return Err(of_kafka("committing", &error));
                }
                spec.metrics.commit_failures.inc();
                tracing::warn!(
                    reason = error.message,
                    "it is not known what became of a transaction, looking"
                );
            }
        }
        if commits > 0 {
            backoff.reset();
        }
        if spec.control.wait(backoff.wait(None)) {
            return Ok(());
        }
    }
}
