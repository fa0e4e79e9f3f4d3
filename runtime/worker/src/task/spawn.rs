//! Starts a task's thread and tells the herder how it goes.
use super::{Control, TaskSpec, failure, pipe, sink, source};
use cluster::{Failure, TaskId, Wanted};
use host::ConnectorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

/// What a task's thread reports.
#[derive(Debug)]
pub enum TaskEvent {
    Running,
    Paused,
    Ended(Option<Failure>),
}

/// Whom a task reports to.
pub type Report = Box<dyn Fn(&TaskId, u64, TaskEvent) + Send + Sync>;

/// A task that was started. Its thread may outlive this: one that hangs in its plugin cannot be ended.
pub struct RunningTask {
    pub attempt: u64,
    pub control: Arc<Control>,
    watches: Vec<host::CallWatch>,
}

impl RunningTask {
    /// The calls into plugins that go on now, and when they started.
    pub fn running_calls(&self) -> impl Iterator<Item = (host::Call, Instant)> {
        self.watches.iter().filter_map(host::CallWatch::running)
    }
}

/// Starts the thread. Its last report is always [`TaskEvent::Ended`].
pub fn spawn(spec: TaskSpec, attempt: u64, report: Report) -> RunningTask {
    let upstream = spec.upstream.iter().map(|upstream| &upstream.watch);
    let watches = std::iter::once(&spec.watch).chain(upstream).cloned().collect();
    let running = RunningTask { attempt, control: Arc::clone(&spec.control), watches };
    let id = spec.id.clone();
    let report = Arc::new(report);
    let inner = Arc::clone(&report);
    let name = id.to_string();
    let started = std::thread::Builder::new().name(name).spawn(move || run(spec, attempt, &inner));
    if let Err(error) = started {
        let failure = failure("ConnectException", &format!("starting a thread: {error}"), true);
        report(&id, attempt, TaskEvent::Ended(Some(failure)));
    }
    running
}

fn run(spec: TaskSpec, attempt: u64, report: &Report) {
    let id = spec.id.clone();
    let span = tracing::info_span!("task", connector = id.connector, task = id.task);
    let _entered = span.enter();
    let kind = spec.plugin.kind();
    let (control, scrubber) = (Arc::clone(&spec.control), Arc::clone(&spec.scrubber));
    let spec = Arc::new(spec);
    let turned = |wanted: Wanted| {
        let event = if wanted == Wanted::Run { TaskEvent::Running } else { TaskEvent::Paused };
        report(&id, attempt, event);
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| match kind {
        ConnectorKind::Sink => match &spec.upstream {
            Some(upstream) => pipe::run(&spec, upstream, &turned),
            None => sink::run(&spec, &turned),
        },
        ConnectorKind::Source => source::run(&spec, &turned),
    }));
    drop(spec);
    let outcome = outcome.unwrap_or_else(|_| {
        Err(failure(
            "PanicException",
            "the worker's own code panicked: please report this, with the log",
            true,
        ))
    });
    // A task that was told to stop has not failed, whatever its last call answered.
    let failure = outcome.err().filter(|_| !control.is_stopping());
    let failure = failure.map(|failure| scrubber.failure(failure));
    report(&id, attempt, TaskEvent::Ended(failure));
}
