//! Writes one batch: converts it where the sink wants values, retries, sorts out bad records, answers a receipt.
use super::assemble::{Assembler, Origin};
use super::batch::{Batch, Ends};
use super::rejects::{Reject, Rejects, Stage};
use crate::delivery::Backoff;
use crate::task::config::TaskSpec;
use crate::task::failure::{failure, failure_of};
use cluster::Failure;
use host::{Kind, SinkInstance};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The plugin's open task and what it takes to feed it.
pub struct Delivery {
    spec: Arc<TaskSpec>,
    sink: SinkInstance,
    assembler: Assembler,
    rejects: Rejects,
    /// Timestamp of the newest record of the batch, for the latency metric.
    newest_ms: Option<i64>,
}

const BACKOFF_FIRST: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(10);

impl Delivery {
    pub fn open(spec: Arc<TaskSpec>, sink: SinkInstance, assembler: Assembler) -> Result<Self, Failure> {
        let rejects = Rejects::open(&spec)?;
        Ok(Self { spec, sink, assembler, rejects, newest_ms: None })
    }

    /// Where each partition goes on, once every record is durable or was dealt with.
    pub fn deliver(&mut self, batch: &Batch) -> Result<Ends, Failure> {
        let Self { spec, sink, assembler, rejects, newest_ms } = self;
        let unreadable = assembler.convert(batch);
        rejects.take(spec, batch, &unreadable)?;
        let (assembled, origin) = assembler.assemble(batch);
        *newest_ms = origin.newest_ms();
        let refused = if assembled.is_empty() { Vec::new() } else { write(spec, sink, &assembled, &origin)? };
        let count = assembled.len() - refused.len();
        let ends = origin.ends();
        rejects.take(spec, batch, &refused)?;
        spec.metrics.records_out.inc_by(count as u64);
        Ok(ends)
    }

    /// Counts a batch that was delivered.
    pub fn observe(&self, elapsed: Duration) {
        self.spec.metrics.batches.inc();
        self.spec.metrics.write_seconds.observe(elapsed.as_secs_f64());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64;
        if let Some(newest) = self.newest_ms {
            self.spec.metrics.latency_seconds.observe((now - newest).max(0) as f64 / 1000.0);
        }
    }
}

/// Calls the plugin until it has an answer other than "later". Answers the records that it refused.
fn write(
    spec: &TaskSpec,
    sink: &mut SinkInstance,
    batch: &host::Batch<'_>,
    origin: &Origin,
) -> Result<Vec<Reject>, Failure> {
    let mut backoff = Backoff::new(BACKOFF_FIRST, BACKOFF_MAX);
    let started = Instant::now();
    loop {
        let error = match sink.write(batch) {
            Ok(()) => return Ok(Vec::new()),
            Err(error) => spec.scrubber.error(error),
        };
        match error.kind {
            Kind::Records(records) => {
                let reject = |(index, reason)| Reject {
                    at: origin.place(index),
                    stage: Stage::Put,
                    class: None,
                    reason,
                };
                return Ok(records.into_iter().map(reject).collect());
            }
            Kind::Retry { after } => {
                spec.metrics.retries.inc();
                let wait = backoff.wait(after);
                tracing::warn!(reason = error.message, retry_in = ?wait, failing_for = ?started.elapsed(), "the destination is not ready");
                if spec.control.wait(wait) {
                    let sentence = format!("stopped while waiting for the destination: {}", error.message);
                    return Err(failure("RetriableException", &sentence, true));
                }
            }
            Kind::Config | Kind::Fatal | Kind::Panic => return Err(failure_of("writing a batch", &error)),
        }
    }
}
