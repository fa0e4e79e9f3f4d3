//! The shell around `cluster::Herder`: takes one input at a time, lets it decide, performs what it decided.
mod cluster_actions;
mod fencing;
pub mod loggers;
pub mod offsets;
mod perform;
mod pipes;
mod requests;
mod scribe;
mod status_writer;

use crate::api::{ConnectorInfo, ConnectorStatus, Refusal, Status};
use crate::settings::{Mode, Settings};
pub use crate::shared::Shared;
use crate::store::{LeadError, Leading, Read, cluster as ours, configs, statuses::Statuses};
use crate::task::{RunningTask, TaskEvent, TaskSpec};
use cluster::{Cause, Event, Failure, Properties, Restart, RunState, TargetState, TaskId};
pub use perform::planned;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, mpsc, oneshot};

type Reply<T> = oneshot::Sender<T>;

/// What a handle asks.
pub enum Request {
    List(Reply<Vec<String>>),
    /// One question for all of them: with a thousand connectors, two thousand would take their turns among others.
    All(Reply<Vec<(ConnectorInfo, ConnectorStatus)>>),
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
        reply: Reply<Result<Vec<String>, Refusal>>,
    },
    /// What a task with these settings would be made from. It is not started, and nobody else knows of it.
    Draft {
        id: TaskId,
        config: Properties,
        reply: Reply<Result<TaskSpec, Failure>>,
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
    ChangeOffsets {
        name: String,
        change: offsets::Change,
        reply: Reply<Result<(), Refusal>>,
    },
    /// Gives a logger of every worker a level.
    SetLogger {
        name: String,
        level: loggers::Level,
        reply: Reply<Result<(), Refusal>>,
    },
}

/// Everything that can happen to the herder, in one queue: a reply to a write comes after what was written.
pub enum Input {
    Config(Read),
    Status(Read),
    /// What the cluster says of this worker.
    Cluster(Event),
    /// An answer to the call with this number: former leaders are shut out.
    Led(u64, Result<Leading, String>),
    /// How what was sent to the config log went.
    Wrote(Vec<(Result<(), LeadError>, scribe::Subject)>),
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
    /// What was done for this connector elsewhere than in the config log is over.
    Written {
        name: String,
        outcome: Result<(), LeadError>,
        then: Then,
    },
    /// How the shutting out of former tasks' producers went.
    ShutOut {
        name: String,
        generation: u64,
        tasks: Option<u32>,
        outcome: Result<(), Failure>,
    },
    /// Answered when its turn comes.
    Echo(Reply<()>),
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
    /// Requests that only a leader can answer, while nobody is known to lead.
    leaderless: VecDeque<Request>,
    leading: cluster_actions::Lead,
    scribe: scribe::Scribe,
    /// When the newest session key was made, in milliseconds of Unix time.
    key_made: i64,
    /// What this worker said last of the tasks that run here.
    said: HashMap<TaskId, (RunState, Option<String>)>,
    /// What it said last of connectors, while it led.
    told: HashMap<String, (RunState, Option<String>)>,
    producer: Arc<perform::ProducerCell>,
    plans: Arc<Semaphore>,
    is_caught_up: bool,
    /// The metrics know how many connectors and tasks there are.
    is_counted: bool,
    started: Instant,
    worker_id: String,
    /// What the cluster knows this worker by; empty in standalone mode.
    url: String,
    shutdown: Option<Reply<()>>,
}

/// How often the watchdog looks, and due restarts are started.
const TICK: Duration = Duration::from_millis(250);

impl Herder {
    pub fn new(shared: Arc<Shared>, inputs: mpsc::Sender<Input>, address: Address) -> Self {
        let timing = timing(&shared.settings);
        let decide = match shared.settings.mode {
            Mode::Standalone { .. } => cluster::Herder::alone(timing),
            Mode::Distributed(_) => cluster::Herder::member(timing, address.url.clone()),
        };
        let decide = match fencing::fences(&shared) {
            Some(fences) => decide.with_fences(fences),
            None => decide,
        };
        Self {
            status_writer: status_writer::StatusWriter::start(Arc::clone(&shared.logs.statuses)),
            producer: Arc::default(),
            plans: Arc::new(Semaphore::new(perform::PLANS_MAX)),
            decide,
            leaderless: VecDeque::new(),
            leading: cluster_actions::Lead::default(),
            scribe: scribe::Scribe::default(),
            key_made: 0,
            said: HashMap::new(),
            told: HashMap::new(),
            statuses: Statuses::default(),
            running: BTreeMap::new(),
            give_up: HashMap::new(),
            busy: HashMap::new(),
            is_caught_up: false,
            is_counted: false,
            started: Instant::now(),
            shutdown: None,
            shared,
            inputs,
            worker_id: address.authority,
            url: address.url,
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
            if self.shutdown.is_some() && self.decide.is_done() {
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
            Input::Config(read) => self.config_read(&read),
            Input::Status(read) => self.status_read(&read),
            Input::Cluster(event) => self.heard_of_cluster(event),
            Input::Led(attempt, outcome) => self.led(attempt, outcome),
            Input::Wrote(outcomes) => self.wrote(outcomes),
            Input::CaughtUp => self.caught_up(),
            Input::Task { id, attempt, event } => self.task_event(id, attempt, event),
            Input::TopicSeen { id, topic } => self.topic_seen(&id, &topic),
            Input::Planned { name, revision, outcome } => {
                self.step(Event::Planned { name, revision, outcome });
            }
            Input::Written { name, outcome, then } => self.written(&name, outcome, then),
            Input::ShutOut { name, generation, tasks, outcome } => {
                self.shut_out(name, generation, tasks, outcome);
            }
            Input::Echo(reply) => drop(reply.send(())),
            Input::Shutdown(reply) => {
                self.shutdown = Some(reply);
                self.step(Event::ShutdownAsked);
            }
        }
    }

    fn config_read(&mut self, read: &Read) {
        match configs::parse(&read.entry) {
            Ok(configs::ConfigEntry::Record(record)) => self.step(Event::ConfigRead(record)),
            // Requests from before this worker's start were carried out or missed by whoever ran then.
            Ok(configs::ConfigEntry::Restart { name, restart }) if self.is_caught_up => {
                self.step(Event::RestartAsked { name, restart });
            }
            Ok(configs::ConfigEntry::SessionKey { key, created_ms }) => self.key_read(key, created_ms),
            Ok(configs::ConfigEntry::Logger { name, level }) if self.is_caught_up => {
                self.shared.loggers.read(&name, &level);
            }
            Ok(
                configs::ConfigEntry::Restart { .. }
                | configs::ConfigEntry::Logger { .. }
                | configs::ConfigEntry::Other,
            ) => {}
            Err(reason) => skipped("config", &reason, read),
        }
    }

    fn status_read(&mut self, read: &Read) {
        let key = std::str::from_utf8(&read.entry.key).unwrap_or_default();
        if let Some(worker) = ours::reporting_worker(key) {
            return self.report_read(worker, read);
        }
        match self.statuses.read(&read.entry) {
            Ok(()) => self.repair_status(key),
            Err(reason) => skipped("status", &reason, read),
        }
    }

    fn caught_up(&mut self) {
        self.is_caught_up = true;
        if self.decide.leads() {
            self.forget_orphans();
        }
        self.step(Event::CaughtUp);
        if self.decide.is_in() {
            self.shared.is_ready.store(true, Ordering::Release);
        }
    }

    /// Lets the state machine take the event, and performs what it answers.
    fn step(&mut self, event: Event) {
        let now = self.started.elapsed().as_millis() as u64;
        let led = self.decide.leads();
        for action in self.decide.step(now, event) {
            self.perform(action);
        }
        self.is_counted = false;
        let leads = self.decide.leads();
        self.shared.metrics.is_leader.set(i64::from(leads));
        if leads && !led {
            self.began_to_lead();
        }
        if !self.leaderless.is_empty() {
            self.ask_the_leader();
        }
    }

    fn task_event(&mut self, id: TaskId, attempt: u64, event: TaskEvent) {
        match event {
            TaskEvent::Running => self.step(Event::TaskStarted { id, attempt }),
            TaskEvent::Paused => self.step(Event::TaskPaused { id, attempt }),
            TaskEvent::Ended(failure) => {
                let mut was_stopping = false;
                if self.running.get(&id).is_some_and(|task| task.attempt == attempt) {
                    self.running.remove(&id);
                    self.said.remove(&id);
                    was_stopping = self.give_up.remove(&id).is_some();
                }
                if let Some(failure) = &failure {
                    self.tell_failure(&id, failure, was_stopping);
                }
                self.step(Event::TaskEnded { id, attempt, failure });
            }
        }
    }

    fn tell_failure(&self, id: &TaskId, failure: &Failure, was_stopping: bool) {
        let (connector, task) = (&id.connector, id.task);
        let reason = failure.trace.lines().next().unwrap_or_default();
        if was_stopping {
            tracing::warn!(connector, task, reason, "the task did not end well");
        } else if self.decide.is_pushed_aside(failure) {
            self.shared.metrics.interrupted(Cause::Fenced);
            tracing::warn!(
                connector,
                task,
                reason,
                "a worker that is out took the task's place, which is taken back"
            );
        } else {
            self.shared.metrics.task_failures.inc();
            tracing::error!(connector, task, reason, "the task failed");
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
        self.renew_key();
        if !std::mem::replace(&mut self.is_counted, true) {
            self.count();
        }
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

/// How this worker is called, by people and by other workers.
#[derive(Debug, Clone)]
pub struct Address {
    /// `host:port`, as statuses name it.
    pub authority: String,
    /// Where other workers find it.
    pub url: String,
}

fn timing(settings: &Settings) -> cluster::Timing {
    let ms = |time: Duration| time.as_millis() as u64;
    cluster::Timing {
        backoff: ms(settings.restart.backoff),
        backoff_max: ms(settings.restart.backoff_max),
        // A task that hangs is abandoned a second after its graceful time; the rest is for messages.
        release: ms(settings.delivery.shutdown_timeout) + 3000,
        handover: 3000,
        level_after: 300_000,
        lead_retry: 500,
    }
}

fn skipped(log: &str, reason: &str, read: &Read) {
    let (partition, offset) = read.place.unzip();
    tracing::warn!(log, partition, offset, %reason, "skipping an unreadable record");
}
