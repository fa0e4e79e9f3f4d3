//! The writing thread of a sink: every call to the plugin is made here, one at a time.
use super::assemble::Assembler;
use super::batch::{Batch, Ends, Outcome, Work};
use super::deliver::{Delivery, Planned, now_ms};
use super::exact;
use super::partitions::Partitions;
use super::plan::Plan;
use super::poll::Job;
use crate::task::config::TaskSpec;
use crate::task::failure::{failure, failure_of};
use crate::transform::{Shaper, is_needed};
use cluster::Failure;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The thread, while the task has it.
pub struct Writer(JoinHandle<()>);

/// What a thread has at least to come to its end.
const END_WAIT: Duration = Duration::from_millis(500);

/// Starts the thread. Its first outcome is a receipt for nothing: the plugin is open.
pub fn start(
    spec: Arc<TaskSpec>,
    partitions: Arc<Partitions>,
    queue: Receiver<Job>,
    outcomes: Sender<Outcome>,
) -> Result<Writer, Failure> {
    let name = format!("{}-write", spec.id);
    let span = tracing::Span::current();
    let work = move || span.in_scope(|| write_all(&spec, &partitions, &queue, &outcomes));
    let thread = std::thread::Builder::new().name(name).spawn(work);
    thread
        .map(Writer)
        .map_err(|error| failure("ConnectException", &format!("starting a thread: {error}"), true))
}

impl Writer {
    pub fn new(thread: JoinHandle<()>) -> Self {
        Self(thread)
    }

    /// Waits for the thread's end, no longer than until `stop_by`.
    pub fn wait(&self, stop_by: Option<Instant>) {
        let deadline = stop_by.unwrap_or_else(Instant::now).max(Instant::now() + END_WAIT);
        while !self.0.is_finished() && Instant::now() < deadline {
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }

    /// Waits for the thread's end. One that hangs in its plugin is left behind: nothing can end it from outside.
    pub fn leave(self, stop_by: Option<Instant>) {
        self.wait(stop_by);
        if self.0.is_finished() {
            drop(self.0.join());
        } else {
            tracing::warn!("a call into the plugin does not end: its thread is abandoned");
        }
    }
}

fn write_all(
    spec: &Arc<TaskSpec>,
    partitions: &Partitions,
    queue: &Receiver<Job>,
    outcomes: &Sender<Outcome>,
) {
    let mut delivery = match open(spec) {
        Ok(delivery) => delivery,
        Err(failure) => return drop(outcomes.send(Outcome::Failed(failure))),
    };
    let _ = outcomes.send(Outcome::Receipt(Vec::new()));
    while let Ok((generation, work)) = queue.recv() {
        let outcome = if spec.control.wait_for_lease() {
            perform(spec, &mut delivery, work)
        } else {
            Outcome::Receipt(Vec::new())
        };
        let has_failed = matches!(outcome, Outcome::Failed(_));
        let ends = match &outcome {
            Outcome::Receipt(ends) | Outcome::Settled(_, ends) => ends.clone(),
            Outcome::Failed(_) => Vec::new(),
        };
        partitions.written(generation, ends);
        let _ = outcomes.send(outcome);
        // The polling thread may be waiting for records: it has to see the outcome before any come.
        spec.control.wake();
        if has_failed {
            return;
        }
    }
}

/// Opens the plugin and what feeds it.
pub fn open(spec: &Arc<TaskSpec>) -> Result<Delivery, Failure> {
    let (key, value) = (spec.key_converter()?, spec.value_converter()?);
    let shaper = Shaper::open(spec, &key, &value)?;
    let mut task = spec.open_task(&key, &value);
    if is_needed(&spec.plugin, &key) {
        task.key_format = "json";
    }
    if is_needed(&spec.plugin, &value) {
        task.value_format = "json";
    }
    if let Some(shaper) = &shaper {
        shaper.announce(&mut task);
    }
    let sink = spec
        .plugin
        .open_sink(&task, spec.services(None))
        .map_err(|error| failure_of("opening the sink", &error))?;
    let assembler = Assembler::new(spec, key, value, shaper)?;
    Delivery::open(Arc::clone(spec), sink, assembler)
}

fn perform(spec: &TaskSpec, delivery: &mut Delivery, work: Work) -> Outcome {
    match work {
        Work::Batch(batch) => write(delivery, &batch),
        Work::Planned(plan, batch) => {
            let ends = plan.ranges.iter().map(|range| (range.at.clone(), range.end)).collect();
            settle(spec, delivery, &batch, (&plan, false, ends))
        }
        Work::Found(plan, ends) => match exact::read_again(spec, &plan) {
            Ok(Some(batch)) => settle(spec, delivery, &batch, (&plan, true, ends)),
            Ok(None) => Outcome::Receipt(Vec::new()),
            Err(failure) => given_up_or(spec, failure),
        },
    }
}

fn settle(
    spec: &TaskSpec,
    delivery: &mut Delivery,
    batch: &Batch,
    (plan, is_found, ends): (&Plan, bool, Ends),
) -> Outcome {
    let started = Instant::now();
    let token = plan.token();
    let planned = Planned { token: &token, age_ms: plan.age_ms(now_ms()), is_found };
    match delivery.deliver(batch, Some(planned)) {
        Ok(_) => {
            delivery.observe(started.elapsed());
            Outcome::Settled(plan.id, ends)
        }
        Err(failure) => given_up_or(spec, failure),
    }
}

/// What went wrong with partitions that are somebody else's by now is theirs to find out.
fn given_up_or(spec: &TaskSpec, failure: Failure) -> Outcome {
    if spec.control.is_granted() { Outcome::Failed(failure) } else { Outcome::Receipt(Vec::new()) }
}

fn write(delivery: &mut Delivery, batch: &Batch) -> Outcome {
    let started = Instant::now();
    match delivery.deliver(batch, None) {
        Ok(ends) => {
            delivery.observe(started.elapsed());
            Outcome::Receipt(ends)
        }
        Err(failure) => Outcome::Failed(failure),
    }
}
