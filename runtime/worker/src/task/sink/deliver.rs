//! Writes one batch: converts it where the sink wants values, retries, sorts out bad records, answers a receipt.
use super::assemble::{Assembler, Origin};
use super::batch::{Batch, Ends};
use super::rejects::{Reject, Rejects, Stage};
use crate::delivery::{Backoff, Patience};
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

impl Delivery {
    pub fn open(spec: Arc<TaskSpec>, sink: SinkInstance, assembler: Assembler) -> Result<Self, Failure> {
        let rejects = Rejects::open(&spec)?;
        Ok(Self { spec, sink, assembler, rejects, newest_ms: None })
    }

    /// Where each partition goes on, once every record is durable or was dealt with.
    pub fn deliver(&mut self, batch: &Batch, plan: Option<Planned<'_>>) -> Result<Ends, Failure> {
        let Self { spec, sink, assembler, rejects, newest_ms } = self;
        let unreadable = convert(spec, assembler, batch)?;
        rejects.take(spec, batch, &unreadable)?;
        let (assembled, origin) = assembler.assemble(batch);
        *newest_ms = origin.newest_ms();
        let refused = if assembled.is_empty() {
            Vec::new()
        } else {
            let call = Call { plan, batch: &assembled, origin: &origin };
            call.write(spec, sink)?
        };
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
        let now = now_ms();
        if let Some(newest) = self.newest_ms {
            self.spec.metrics.latency_seconds.observe((now - newest).max(0) as f64 / 1000.0);
        }
    }
}

/// Converts a batch, however long the registry with its schemas gives no answer.
fn convert(spec: &TaskSpec, assembler: &mut Assembler, batch: &Batch) -> Result<Vec<Reject>, Failure> {
    let mut patience = Patience::new();
    loop {
        match assembler.convert(batch) {
            Ok(rejects) => return Ok(rejects),
            Err(error) => patience.wait(spec, &error)?,
        }
    }
}

/// The plan under which a batch is written.
#[derive(Clone, Copy)]
pub struct Planned<'a> {
    pub token: &'a str,
    /// Milliseconds since it was made.
    pub age_ms: u64,
    /// Found where plans are kept: who made it may have written it.
    pub is_found: bool,
}

/// What the plugin is called with.
struct Call<'a> {
    plan: Option<Planned<'a>>,
    batch: &'a host::Batch<'a>,
    origin: &'a Origin,
}

impl Call<'_> {
    /// Calls the plugin until it has an answer other than "later". Answers the records that it refused.
    fn write(&self, spec: &TaskSpec, sink: &mut SinkInstance) -> Result<Vec<Reject>, Failure> {
        let mut is_first = true;
        let mut backoff = Backoff::default();
        let started = Instant::now();
        loop {
            let answer = match self.plan {
                None => sink.write(self.batch),
                Some(planned) => self.write_planned(planned, spec, sink, (is_first, started.elapsed()))?,
            };
            is_first = false;
            let error = match answer {
                Ok(()) => return Ok(Vec::new()),
                Err(error) => spec.scrubber.error(error),
            };
            match error.kind {
                Kind::Records(records) => {
                    let reject = |(index, reason)| Reject {
                        at: self.origin.place(index),
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
                        let sentence =
                            format!("stopped while waiting for the destination: {}", error.message);
                        return Err(failure("RetriableException", &sentence, true));
                    }
                }
                Kind::Config | Kind::Fatal | Kind::Panic => {
                    return Err(failure_of("writing a batch", &error));
                }
            }
        }
    }

    fn write_planned(
        &self,
        planned: Planned<'_>,
        spec: &TaskSpec,
        sink: &mut SinkInstance,
        (is_first, waited): (bool, Duration),
    ) -> Result<Result<(), host::Error>, Failure> {
        if !spec.control.is_granted() || !spec.control.wait_for_lease() {
            return Err(failure(
                "RetriableException",
                "the partitions of a planned write went elsewhere",
                true,
            ));
        }
        let waited = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
        let plan = penstock_sdk::Plan {
            token: planned.token,
            age: Duration::from_millis(planned.age_ms.saturating_add(waited)),
            is_repeated: planned.is_found || !is_first,
        };
        Ok(sink.write_planned(self.batch, &plan))
    }
}

/// Wall clock, in milliseconds since 1970.
pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64
}
