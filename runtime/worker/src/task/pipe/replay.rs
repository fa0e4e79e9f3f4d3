//! Has the source give the records of a plan again, and writes them as they were written or were to be.
use super::draft::Draft;
use super::intake::Intake;
use super::plan::{Moved, Plan, is_same, rank};
use super::write::deliver;
use crate::delivery::Backoff;
use crate::task::config::{TaskSpec, Upstream};
use crate::task::failure::{failure, failure_of};
use crate::task::services::TaskServices;
use crate::task::sink::{Delivery, Planned, now_ms};
use crate::task::source;
use cluster::Failure;
use host::{Kind, Services};
use penstock_sdk::{Bound, Fields, Level};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A plan that was found, of the task with this number.
pub struct Again<'a> {
    pub spec: &'a Arc<TaskSpec>,
    pub upstream: &'a Upstream,
    pub task: u32,
    pub plan: &'a Plan,
}

/// How long the source may bring nothing.
const PATIENCE: Duration = Duration::from_secs(300);
/// As many partitions as a sentence bears.
const NAMES_MAX: usize = 3;

/// False when the task is to stop.
pub fn replay(again: &Again<'_>, delivery: &mut Delivery) -> Result<bool, Failure> {
    let Again { spec, plan, task, .. } = *again;
    let Some(draft) = again.read()? else { return Ok(false) };
    let mut draft = draft;
    let drafted = draft.finish();
    again.check(&drafted.moved)?;
    let token = plan.token();
    let planned = Planned { token: &token, age_ms: plan.age_ms(now_ms()), is_found: true };
    let messages = drafted.arranged(plan, task);
    let reservation = spec.budget.reserve(messages.bytes());
    deliver(spec, delivery, (messages, Some(reservation)), Some(planned))?;
    Ok(true)
}

impl Again<'_> {
    fn read(&self) -> Result<Option<Draft>, Failure> {
        let Self { spec, upstream, plan, .. } = self;
        let services = Arc::new(Rereading { inner: spec.services(None), bounds: plan.bounds() });
        let opened = upstream.plugin.open_source(&upstream.opening(spec), services);
        let mut source = opened.map_err(|error| failure_of("opening the source for a plan", &error))?;
        let (mut draft, mut intake, mut backoff) =
            (Draft::default(), Intake::open(spec)?, Backoff::default());
        let mut since = Instant::now();
        while !self.is_whole(draft.moved()) {
            if spec.control.is_stopping() || !spec.control.wait_for_lease() {
                return Ok(None);
            }
            if since.elapsed() >= PATIENCE {
                let names = self.lacking(draft.moved());
                let names = names[..names.len().min(NAMES_MAX)].join(", ");
                let reason = format!("the source brings nothing more: records of {names} are missing");
                return Err(self.off(&reason));
            }
            match source.poll() {
                Ok(polled) => {
                    if !polled.positions().is_empty() {
                        since = Instant::now();
                        backoff.reset();
                    }
                    draft.take(spec, &mut intake, &polled, true)?;
                }
                Err(error) => {
                    let error = spec.scrubber.error(error);
                    if error.kind == Kind::Config || error.kind == Kind::Fatal {
                        return Err(self.off(&error.message));
                    }
                    source::retry(spec, &mut backoff, &error)?;
                }
            }
        }
        Ok(Some(draft))
    }

    fn is_whole(&self, moved: &[Moved]) -> bool {
        self.lacking(moved).is_empty()
    }

    /// Partitions that have not come to their ends.
    fn lacking(&self, moved: &[Moved]) -> Vec<String> {
        // Of several in a partition the last one counts.
        let reached: HashMap<_, _> =
            moved.iter().map(|moved| (rank(&moved.partition), &moved.until)).collect();
        let ends = self.plan.ends().into_iter().map(|(partition, until)| (rank(&partition), until));
        let is_open = |(partition, until): &(String, Fields)| {
            !reached.get(partition).is_some_and(|reached| is_same(reached, until))
        };
        ends.filter(is_open).map(|(partition, _)| partition).collect()
    }

    /// The same token for other records would lose some of them, or keep what nobody knows of.
    fn check(&self, moved: &[Moved]) -> Result<(), Failure> {
        let place = |partition: &Fields, until: &Fields| (rank(partition), rank(until));
        let mut found: HashMap<_, _> = moved
            .iter()
            .filter(|moved| moved.records > 0)
            .map(|moved| (place(&moved.partition, &moved.until), moved.records))
            .collect();
        for range in &self.plan.ranges {
            let (partition, until) = place(&range.partition, &range.until);
            let found = found.remove(&(partition.clone(), until.clone())).unwrap_or(0);
            if found != range.records {
                let expected = range.records;
                let reason = format!(
                    "the source has {found} of its {expected} records in {partition} up to {until} now"
                );
                return Err(self.off(&reason));
            }
        }
        match found.into_keys().next() {
            None => Ok(()),
            Some((partition, until)) => {
                Err(self.off(&format!("the source gave others as well, in {partition} up to {until}")))
            }
        }
    }

    /// Nobody but a person can decide what is to become of the plan.
    fn off(&self, reason: &str) -> Failure {
        let sentence = format!(
            "the batch that was planned as {} cannot be read again, and may have been written or not: {reason}; put the \
             source back as it was and restart the task, or stop the connector and set or reset its offsets, which calls \
             the plan off",
            self.plan.token()
        );
        failure("ConfigException", &sentence, false)
    }
}

/// What the worker does for a source that gives records again.
struct Rereading {
    inner: Arc<TaskServices>,
    bounds: Vec<Bound>,
}

impl Services for Rereading {
    fn log(&self, level: Level, message: &str) {
        self.inner.log(level, message);
    }

    fn count(&self, name: &str, add: u64) {
        self.inner.count(name, add);
    }

    fn gauge(&self, name: &str, value: f64) {
        self.inner.gauge(name, value);
    }

    fn wait(&self, time: Duration) -> bool {
        self.inner.wait(time)
    }

    fn may_write(&self) -> bool {
        self.inner.may_write()
    }

    fn resume(&self, partition: &Fields) -> Option<Fields> {
        self.bounds
            .iter()
            .find(|bound| is_same(&bound.partition, partition))
            .and_then(|bound| bound.from.clone())
    }

    fn bounds(&self) -> Vec<Bound> {
        self.bounds.clone()
    }
}
