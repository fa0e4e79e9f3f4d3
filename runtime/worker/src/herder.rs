//! The shell around `cluster::Herder`: takes one input at a time, lets it decide, performs what it decided.
mod perform;
mod requests;
mod scribe;
mod status_writer;

use crate::api::{ConnectorInfo, ConnectorStatus, Refusal, Status};
pub use crate::shared::Shared;
use crate::store::{Entry, configs, statuses::Statuses};
use crate::task::{RunningTask, TaskEvent};
use cluster::{Event, Failure, Properties, Restart, TargetState, TaskId};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

type Reply<T> = oneshot::Sender<T>;

/// What a handle asks.
pub enum Request {
    List(Reply<Vec<String>>),
    Info {
        name: String,
        reply: Reply<Result<ConnectorInfo, Refusal>>,
    },
    Status {
        name: String,
        reply: Reply<Result<ConnectorStatus, Refusal>>,
    },
    Tasks {
        name: String,
        reply: Reply<Result<Vec<(u32, Properties)>, Refusal>>,
    },
    Topics {
        name: String,
        reply: Reply<Vec<String>>,
    },
    Create {
        name: String,
        config: Properties,
        target: TargetState,
        reply: Reply<Result<ConnectorInfo, Refusal>>,
    },
    PutConfig {
        name: String,
        config: Properties,
        reply: Reply<Result<(bool, ConnectorInfo), Refusal>>,
    },
    Delete {
        name: String,
        reply: Reply<Result<(), Refusal>>,
    },
    SetTarget {
        name: String,
        target: TargetState,
        reply: Reply<Result<(), Refusal>>,
    },
    Restart {
        name: String,
        restart: Restart,
        reply: Reply<Result<ConnectorStatus, Refusal>>,
    },
    RestartTask {
        name: String,
        task: u32,
        reply: Reply<Result<(), Refusal>>,
    },
    ResetTopics {
        name: String,
        reply: Reply<Result<(), Refusal>>,
    },
}

/// Everything that can happen to the herder, in one queue: a reply to a write comes after what was written.
pub enum Input {
    Config(Entry),
    Status(Entry),
    /// Both logs were read to their ends for the first time.
    CaughtUp,
    Task {
        id: TaskId,
        attempt: u64,
        event: TaskEvent,
    },
    TopicSeen {
        id: TaskId,
        topic: String,
    },
    Planned {
        name: String,
        revision: u64,
        outcome: Result<Vec<Properties>, Failure>,
    },
    /// A write of this connector's settings is done, and was read back if it succeeded.
    Written {
        name: String,
        outcome: Result<(), String>,
        then: Then,
    },
    Shutdown(Reply<()>),
}

/// What to do once a write was read back.
pub type Then = Box<dyn FnOnce(&mut Herder, Result<(), Refusal>) + Send>;

pub struct Herder {
    shared: Arc<Shared>,
    inputs: mpsc::Sender<Input>,
    decide: cluster::Herder,
    statuses: Statuses,
    status_writer: status_writer::StatusWriter,
    running: BTreeMap<TaskId, RunningTask>,
    /// When an ended-but-hanging task is given up.
    give_up: HashMap<TaskId, (u64, Instant)>,
    /// Connectors with a write on its way, and the requests that wait for it.
    busy: HashMap<String, VecDeque<Request>>,
    producer: Arc<perform::ProducerCell>,
    is_caught_up: bool,
    started: Instant,
    worker_id: String,
    shutdown: Option<Reply<()>>,
}

/// How often the watchdog looks, and due restarts are started.
const TICK: Duration = Duration::from_millis(250);

impl Herder {
    pub fn new(shared: Arc<Shared>, inputs: mpsc::Sender<Input>, worker_id: String) -> Self {
        let restart = &shared.settings.restart;
        let timing = cluster::Timing {
            backoff: restart.backoff.as_millis() as u64,
            backoff_max: restart.backoff_max.as_millis() as u64,
        };
        // One worker: it leads, and every task is its own. A cluster changes this by `Event::Assigned`.
        let all = cluster::Assignment { is_leader: true, tasks: None };
        Self {
            status_writer: status_writer::StatusWriter::start(Arc::clone(&shared.logs.statuses)),
            producer: Arc::default(),
            decide: cluster::Herder::new(timing, all),
            statuses: Statuses::default(),
            running: BTreeMap::new(),
            give_up: HashMap::new(),
            busy: HashMap::new(),
            is_caught_up: false,
            started: Instant::now(),
            shutdown: None,
            shared,
            inputs,
            worker_id,
        }
    }

    /// Runs until it was told to shut down and every task has ended or was given up.
    pub async fn run(mut self, mut requests: mpsc::Receiver<Request>, mut inputs: mpsc::Receiver<Input>) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                Some(input) = inputs.recv() => self.input(input),
                Some(request) = requests.recv(), if self.is_caught_up => self.request(request),
                _ = tick.tick() => self.tick(),
            }
            if self.shutdown.is_some() && self.decide.is_idle() {
                break;
            }
        }
        self.status_writer.finish().await;
        if let Some(reply) = self.shutdown.take() {
            let _ = reply.send(());
        }
    }

    fn input(&mut self, input: Input) {
        match input {
            Input::Config(entry) => self.config_read(&entry),
            Input::Status(entry) => {
                if let Err(reason) = self.statuses.read(&entry) {
                    tracing::warn!(%reason, "skipping an unreadable record of the status log");
                }
            }
            Input::CaughtUp => self.caught_up(),
            Input::Task { id, attempt, event } => self.task_event(id, attempt, event),
            Input::TopicSeen { id, topic } => self.topic_seen(&id, &topic),
            Input::Planned { name, revision, outcome } => {
                self.step(Event::Planned { name, revision, outcome });
            }
            Input::Written { name, outcome, then } => self.written(&name, outcome, then),
            Input::Shutdown(reply) => {
                self.shutdown = Some(reply);
                self.step(Event::ShutdownAsked);
            }
        }
    }

    fn config_read(&mut self, entry: &Entry) {
        match configs::parse(entry) {
            Ok(configs::ConfigEntry::Record(record)) => self.step(Event::ConfigRead(record)),
            // Requests from before this worker's start were carried out or missed by whoever ran then.
            Ok(configs::ConfigEntry::Restart { name, restart }) if self.is_caught_up => {
                self.step(Event::RestartAsked { name, restart });
            }
            Ok(configs::ConfigEntry::Restart { .. } | configs::ConfigEntry::Other) => {}
            Err(reason) => tracing::warn!(%reason, "skipping an unreadable record of the config log"),
        }
    }

    fn caught_up(&mut self) {
        self.is_caught_up = true;
        self.forget_orphans();
        self.step(Event::CaughtUp);
        self.shared.is_ready.store(true, std::sync::atomic::Ordering::Release);
    }

    /// Lets the state machine take the event, and performs what it answers.
    fn step(&mut self, event: Event) {
        let now = self.started.elapsed().as_millis() as u64;
        for action in self.decide.step(now, event) {
            self.perform(action);
        }
        self.count();
    }

    fn task_event(&mut self, id: TaskId, attempt: u64, event: TaskEvent) {
        match event {
            TaskEvent::Running => self.step(Event::TaskStarted { id, attempt }),
            TaskEvent::Paused => self.step(Event::TaskPaused { id, attempt }),
            TaskEvent::Ended(failure) => {
                if self.running.get(&id).is_some_and(|task| task.attempt == attempt) {
                    self.running.remove(&id);
                    self.give_up.remove(&id);
                }
                if let Some(failure) = &failure {
                    self.shared.metrics.task_failures.inc();
                    let reason = failure.trace.lines().next().unwrap_or_default();
                    tracing::error!(connector = id.connector, task = id.task, reason, "the task failed");
                }
                self.step(Event::TaskEnded { id, attempt, failure });
            }
        }
    }

    fn tick(&mut self) {
        let now = self.started.elapsed().as_millis() as u64;
        if self.decide.next_tick().is_some_and(|due| due <= now) {
            self.step(Event::Ticked);
        }
        let late: Vec<_> = self
            .give_up
            .iter()
            .filter(|(_, (_, deadline))| Instant::now() >= *deadline)
            .map(|(id, (attempt, _))| (id.clone(), *attempt))
            .collect();
        for (id, attempt) in late {
            tracing::error!(
                connector = id.connector,
                task = id.task,
                "the task did not end in time and is abandoned"
            );
            self.task_event(id, attempt, TaskEvent::Ended(None));
        }
        self.watch();
    }

    /// Tells connectors and tasks by state to the metrics.
    fn count(&mut self) {
        let mut tasks = BTreeMap::new();
        for (_, Status { state, .. }) in self.statuses.tasks() {
            *tasks.entry(state.name()).or_insert(0) += 1;
        }
        let connectors = self.decide.configs().iter().count();
        *self.shared.counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = (connectors, tasks);
    }
}
