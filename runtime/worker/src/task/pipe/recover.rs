//! Settles what plans of before have left, before a task that plans its writes may read.
use super::book::{Book, Trouble};
use super::plan::{Ledger, Mark, Plan, Step, next};
use super::replay::{Again, replay};
use crate::task::config::{Planning, TaskSpec, Upstream};
use crate::task::failure::failure;
use crate::task::sink::Delivery;
use cluster::Failure;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What it takes to write plans again.
pub struct Recovery<'a, 'b> {
    pub spec: &'a Arc<TaskSpec>,
    pub upstream: &'a Upstream,
    pub planning: &'a Planning,
    pub delivery: &'b mut Delivery,
    pub book: &'b mut Book<'a>,
}

/// Other tasks start about the same time, and may have a large batch to read and to write again.
const OTHERS_WAIT: Duration = Duration::from_secs(300);
const LOOK_EVERY: Duration = Duration::from_millis(200);
const TELL_EVERY: Duration = Duration::from_secs(10);

impl Recovery<'_, '_> {
    /// `None` when the task is to stop.
    pub fn run(mut self) -> Result<Option<Ledger>, Trouble> {
        let own = self.spec.id.task;
        let settings = self.planning.own(own).to_owned();
        let mut wait = Wait::default();
        while !self.spec.control.is_stopping() {
            let marks = self.book.marks()?;
            let clock_ms = marks.get(&own).map_or(0, |mark| mark.clock_ms);
            let signed = Mark { settings: settings.clone(), clock_ms, open: None };
            match next(own, &self.planning.settings, &marks) {
                Step::Settle(plan) => {
                    if !self.write(own, &plan)? {
                        return Ok(None);
                    }
                    self.book.store(&plan.ends(), &[(own, Some(&signed))])?;
                }
                Step::Sign => self.book.store(&Vec::new(), &[(own, Some(&signed))])?,
                Step::Inherit(task) => {
                    if !self.inherit(task)? {
                        return Ok(None);
                    }
                }
                Step::Wait(tasks) => wait.once_more(self.spec, &tasks)?,
                Step::Ready => return Ok(Some(Ledger::new(&settings, clock_ms))),
            }
            if !self.book.read()? {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// False when the task is to stop.
    fn inherit(&mut self, task: u32) -> Result<bool, Trouble> {
        self.book.shut_out(task)?;
        if !self.book.read()? {
            return Ok(false);
        }
        let open = self.book.marks()?.remove(&task).and_then(|mark| mark.open);
        let ends = open.as_ref().map(Plan::ends).unwrap_or_default();
        if let Some(plan) = open
            && !self.write(task, &plan)?
        {
            return Ok(false);
        }
        self.book.store(&ends, &[(task, None)])?;
        Ok(true)
    }

    fn write(&mut self, task: u32, plan: &Plan) -> Result<bool, Failure> {
        let token = plan.token();
        tracing::info!(token, task, partitions = plan.ranges.len(), "writing an open plan again");
        replay(&Again { spec: self.spec, upstream: self.upstream, task, plan }, self.delivery)
    }
}

/// How long others have been waited for.
#[derive(Default)]
struct Wait {
    began: Option<Instant>,
    told: Option<Instant>,
}

impl Wait {
    fn once_more(&mut self, spec: &TaskSpec, tasks: &[u32]) -> Result<(), Failure> {
        let now = Instant::now();
        let began = *self.began.get_or_insert(now);
        let names = tasks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        if now.duration_since(began) >= OTHERS_WAIT {
            let sentence = format!(
                "plans of former settings are not settled within {OTHERS_WAIT:?} by task {names}: see what keeps it, \
                 then restart this task"
            );
            return Err(failure("RetriableException", &sentence, true));
        }
        if self.told.is_none_or(|told| now.duration_since(told) >= TELL_EVERY) {
            self.told = Some(now);
            tracing::info!(tasks = names, "waiting until plans of former settings are settled");
        }
        let _ = spec.control.wait(LOOK_EVERY);
        Ok(())
    }
}
