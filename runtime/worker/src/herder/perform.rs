//! Performs what the state machine decided: starts and stops tasks, asks plugins for plans, writes statuses.
use super::{Herder, Input};
use crate::api::Status;
use crate::definition::ConnectorConfig;
use crate::delivery::{Budget, producers};
use crate::pipe::{self, Chosen};
use crate::providers::{self, Resolved};
use crate::store::{configs, statuses};
use crate::task::{self, Control, TaskSpec, failure, failure_of, wrong};
use cluster::{Action, Cause, Event, Failure, Properties, RunState, TargetState, TaskId, Wanted};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The producer that all source tasks and dead letters share, opened by the first that needs it.
#[derive(Default)]
pub struct ProducerCell {
    shared: Mutex<Option<Arc<producers::Shared>>>,
    budget: OnceLock<Budget>,
}

/// Plans that plugins make at the same time: a thousand connectors shall not start a thousand threads, and a few
/// that hang shall not hold up the others.
pub const PLANS_MAX: usize = 64;
/// A task that does not end within the graceful time gets this much more before it is given up.
const GIVE_UP_AFTER: Duration = Duration::from_secs(1);

impl Herder {
    pub(super) fn perform(&mut self, action: Action) {
        match action {
            Action::Lead => self.lead(),
            Action::Announce { epoch } => self.announce(epoch),
            Action::Place(placements) => self.write_placements(placements),
            Action::Resign => self.resign(),
            Action::Report(report) => self.report(&report),
            Action::Plan { name, revision, config } => self.plan(name, revision, config),
            Action::WriteTasks { name, tasks } => self.write_tasks(&name, tasks),
            Action::Fence { name, generation, former, tasks } => self.fence(name, generation, former, tasks),
            Action::StartTask { id, attempt, config, wanted } => {
                self.start_task(&id, attempt, &config, wanted);
            }
            Action::Turn { id, wanted } => {
                if let Some(task) = self.running.get(&id) {
                    task.control.turn(wanted);
                }
            }
            Action::StopTask { id, cause } => self.stop_task(&id, cause),
            Action::SetConnector { name, state, trace } => self.set_connector(&name, state, trace),
            Action::SetTask { id, state, trace } => self.set_task(&id, state, trace),
            Action::EraseConnector { name } => self.erase_connector(&name),
            Action::EraseTask { id } => self.erase_task(&id),
        }
    }

    fn plan(&mut self, name: String, revision: u64, config: Properties) {
        let (shared, inputs) = (Arc::clone(&self.shared), self.inputs.clone());
        let limit = shared.settings.plugins.call_timeout;
        let permits = Arc::clone(&self.plans);
        tokio::spawn(async move {
            // Closed never: the herder has it.
            let _permit = permits.acquire_owned().await;
            let work = tokio::task::spawn_blocking(move || planned(&shared, &config));
            let outcome = match tokio::time::timeout(limit, work).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => Err(failure("PanicException", "planning the tasks broke off", true)),
                Err(_) => Err(failure(
                    "ConnectException",
                    &format!("the plugin's plan did not end within {limit:?}"),
                    true,
                )),
            };
            let _ = inputs.send(Input::Planned { name, revision, outcome }).await;
        });
    }

    fn write_tasks(&mut self, name: &str, tasks: Vec<Properties>) {
        let of = name.to_owned();
        let make = move |herder: &Self| {
            // A connector that was deleted or stopped meanwhile has no tasks.
            let connector = herder.decide.configs().get(&of);
            let Some(connector) = connector.filter(|connector| connector.target != TargetState::Stopped)
            else {
                return Vec::new();
            };
            let mut entries = configs::tasks(&of, &tasks);
            entries.extend(configs::surplus(&of, tasks.len(), connector.tasks.len()));
            entries
        };
        let connector = name.to_owned();
        let then = move |herder: &mut Self, outcome: Result<(), crate::api::Refusal>| {
            if let Err(reason) = outcome {
                tracing::warn!(connector, %reason, "task settings were not written, planning again");
                herder.step(Event::NotWritten { name: connector });
            }
        };
        self.write_later(name, Box::new(make), Box::new(then));
    }

    fn start_task(&mut self, id: &TaskId, attempt: u64, config: &Properties, wanted: Wanted) {
        self.shared.metrics.task_starts.inc();
        match self.spec(id, config, wanted) {
            Ok(spec) => {
                let inputs = self.inputs.clone();
                let report: task::Report = Box::new(move |id, attempt, event| {
                    // The herder takes inputs as long as it lives; after that nobody needs to know.
                    let _ = inputs.blocking_send(Input::Task { id: id.clone(), attempt, event });
                });
                self.running.insert(id.clone(), task::spawn(spec, attempt, report));
            }
            Err(failure) => {
                let (inputs, id) = (self.inputs.clone(), id.clone());
                tokio::spawn(async move {
                    let event = task::TaskEvent::Ended(Some(failure));
                    let _ = inputs.send(Input::Task { id, attempt, event }).await;
                });
            }
        }
    }

    pub(super) fn spec(&self, id: &TaskId, config: &Properties, wanted: Wanted) -> Result<TaskSpec, Failure> {
        let resolved = self.shared.settings.config_providers.resolve(config).complete()?;
        self.resolved_spec(id, (config, &resolved), wanted)
            .map_err(|failure| resolved.scrubber.failure(failure))
    }

    fn resolved_spec(
        &self,
        id: &TaskId,
        (written, resolved): (&Properties, &Resolved),
        wanted: Wanted,
    ) -> Result<TaskSpec, Failure> {
        let config = &resolved.config;
        let chosen = self.shared.choose(config).map_err(|refusal| wrong(&refusal.to_string()))?;
        let framework = chosen.framework(&self.shared.framework);
        let connector = task::parse(chosen.kind(), config, &framework)?;
        let (plugin, own, upstream) = match chosen {
            Chosen::Plugin(plugin) => (plugin, config.clone(), None),
            Chosen::Pipe(pipe) => {
                let upstream = self.upstream(id, &pipe, (written, config), &connector)?;
                let (_, sink) = pipe.ends().map_err(|sentence| wrong(&sentence))?;
                (sink.clone(), pipe::part(config, pipe::SINK), Some(upstream))
            }
        };
        let settings = Arc::clone(&self.shared.settings);
        let client = task::client(&settings, &settings.kafka.producer, &connector.producer)?;
        let has_own_producer = !connector.producer.is_empty();
        let (cell, inputs, seen_by) = (Arc::clone(&self.producer), self.inputs.clone(), id.clone());
        let tracks = settings.topics.track;
        let exact = match plugin.kind() {
            host::ConnectorKind::Source => self.exact(id, &connector)?,
            host::ConnectorKind::Sink => None,
        };
        Ok(TaskSpec {
            id: id.clone(),
            config: task::for_task(&own, &plugin, &connector),
            scrubber: Arc::clone(&resolved.scrubber),
            plugin,
            control: Arc::new(Control::new(wanted, self.shared.lease.get().cloned())),
            watch: host::CallWatch::new(),
            metrics: self.shared.metrics.task(id),
            budget: self.budget(),
            exact,
            upstream,
            offsets: self.offsets(&connector),
            producer: Arc::new(move || {
                if has_own_producer { producers::Shared::open(client.clone()) } else { cell.get(&client) }
            }),
            topic_seen: Box::new(move |topic| {
                if tracks {
                    let _ = inputs
                        .blocking_send(Input::TopicSeen { id: seen_by.clone(), topic: topic.to_owned() });
                }
            }),
            runtime: tokio::runtime::Handle::current(),
            connector,
            settings,
        })
    }

    /// Opened by the task, as it may be a topic that does not answer.
    fn offsets(&self, connector: &ConnectorConfig) -> task::OpenOffsets {
        let (shared, connector) = (Arc::clone(&self.shared), connector.clone());
        let runtime = tokio::runtime::Handle::current();
        Box::new(move || runtime.block_on(task::source_offsets(&shared, &connector)))
    }

    fn budget(&self) -> Budget {
        let limit = self.shared.settings.delivery.memory_budget_bytes;
        self.producer.budget.get_or_init(|| Budget::new(usize::try_from(limit).unwrap_or(usize::MAX))).clone()
    }

    fn stop_task(&mut self, id: &TaskId, cause: Cause) {
        self.shared.metrics.interrupted(cause);
        let graceful = self.shared.settings.delivery.shutdown_timeout;
        let Some(task) = self.running.get(id) else { return };
        let deadline = Instant::now() + graceful;
        task.control.stop(deadline);
        self.give_up.insert(id.clone(), (task.attempt, deadline + GIVE_UP_AFTER));
        // A worker that is out says nothing of tasks that may run elsewhere by now.
        if matches!(cause, Cause::Shutdown | Cause::Moved) {
            self.set_task(id, RunState::Unassigned, None);
        }
    }

    pub(super) fn set_connector(&mut self, name: &str, state: RunState, trace: Option<String>) {
        let version = self.decide.configs().get(name).and_then(|c| self.shared.version_of(&c.config));
        let status = Status { state, worker_id: self.worker_id.clone(), version, trace };
        tracing::info!(connector = name, state = state.name(), "connector");
        self.status_writer.put(statuses::connector_entry(name, Some(&status), self.generation()));
        self.told.insert(name.to_owned(), (status.state, status.trace.clone()));
        self.statuses.set_connector(name, Some(status));
    }

    pub(super) fn set_task(&mut self, id: &TaskId, state: RunState, trace: Option<String>) {
        let version =
            self.decide.configs().get(&id.connector).and_then(|c| self.shared.version_of(&c.config));
        let status = Status { state, worker_id: self.worker_id.clone(), version, trace };
        tracing::info!(connector = id.connector, task = id.task, state = state.name(), "task");
        self.status_writer.put(statuses::task_entry(id, Some(&status), self.generation()));
        self.said.insert(id.clone(), (status.state, status.trace.clone()));
        self.statuses.set_task(id, Some(status));
    }

    pub(super) fn erase_connector(&mut self, name: &str) {
        self.told.remove(name);
        self.statuses.set_connector(name, None);
        if self.writes_for_all() {
            self.status_writer.put(statuses::connector_entry(name, None, self.generation()));
            self.forget_topics(name);
        }
    }

    pub(super) fn erase_task(&mut self, id: &TaskId) {
        self.statuses.set_task(id, None);
        if self.writes_for_all() {
            self.status_writer.put(statuses::task_entry(id, None, self.generation()));
        }
        self.shared.metrics.forget(id);
    }

    /// Whether this worker speaks for connectors and tasks that nobody runs any more.
    fn writes_for_all(&self) -> bool {
        self.is_caught_up && self.decide.leads()
    }

    /// What statuses are stamped with: it rises with every leader.
    fn generation(&self) -> i64 {
        i64::try_from(self.decide.configs().placements().epoch()).unwrap_or(i64::MAX).max(1)
    }

    /// Statuses of connectors and tasks that the config log does not know: their owner died in the middle.
    pub(super) fn forget_orphans(&mut self) {
        let orphans: Vec<_> =
            self.statuses.tasks().map(|(id, _)| id.clone()).filter(|id| !self.exists(id)).collect();
        for id in orphans {
            self.erase_task(&id);
        }
    }

    pub(super) fn exists(&self, id: &TaskId) -> bool {
        let connector = self.decide.configs().get(&id.connector);
        connector.is_some_and(|connector| (id.task as usize) < connector.tasks.len())
    }

    pub(super) fn topic_seen(&mut self, id: &TaskId, topic: &str) {
        let is_known = self.statuses.topics(&id.connector).iter().any(|known| known == topic);
        if is_known || self.decide.configs().get(&id.connector).is_none() {
            return;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        let entry = statuses::topic_entry(id, topic, Some(now));
        // Seen at once here; the log's own copy says the same later.
        let _ = self.statuses.read(&entry);
        self.status_writer.put(entry);
    }

    /// Names calls into plugins that take too long, and takes it back once they have ended after all.
    pub(super) fn watch(&mut self) {
        let limit = self.shared.settings.plugins.call_timeout;
        let mut changes = Vec::new();
        for (id, task) in &self.running {
            let hung = task.running_calls().find(|(_, since)| since.elapsed() > limit);
            let status = self.statuses.task(id).filter(|status| status.state == RunState::Running);
            let Some(status) = status else { continue };
            match (hung, &status.trace) {
                (Some((call, since)), None) => changes.push((id.clone(), Some((call, since.elapsed())))),
                (None, Some(trace)) if trace.starts_with(HUNG) => changes.push((id.clone(), None)),
                _ => {}
            }
        }
        for (id, hung) in changes {
            if let Some((call, time)) = &hung {
                tracing::warn!(connector = id.connector, task = id.task, %call, ?time, "a call into the plugin hangs");
            }
            let trace = hung
                .map(|(call, time)| format!("{HUNG}: the plugin's {call} has been running for {time:.0?}"));
            self.set_task(&id, RunState::Running, trace);
        }
    }
}

/// How the trace of a task begins whose plugin does not come back.
const HUNG: &str = "penstock.HungCallException";

/// The settings of a connector's tasks.
pub fn planned(shared: &super::Shared, config: &Properties) -> Result<Vec<Properties>, Failure> {
    providers::planned(&shared.settings.config_providers, config, |config| planned_resolved(shared, config))
}

fn planned_resolved(shared: &super::Shared, config: &Properties) -> Result<Vec<Properties>, Failure> {
    let chosen = shared.choose(config).map_err(|refusal| wrong(&refusal.to_string()))?;
    let parsed = task::parse(chosen.kind(), config, &chosen.framework(&shared.framework))?;
    let tasks =
        chosen.plan(config, parsed.tasks_max).map_err(|error| failure_of("planning the tasks", &error))?;
    // Java names the task's class after the connector's, and a Java worker that takes over needs it.
    let class = chosen.class();
    let task_class =
        class.strip_suffix("Connector").map_or_else(|| class.to_owned(), |stem| format!("{stem}Task"));
    let properties = |task: &penstock_sdk::Config| {
        let mut properties: Properties = task.iter().collect();
        properties.set("task.class", task_class.clone());
        properties
    };
    Ok(tasks.iter().map(properties).collect())
}

impl ProducerCell {
    fn get(&self, client: &kafka::ClientSettings) -> Result<Arc<producers::Shared>, kafka::Error> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        // A producer that broke stays with the tasks that have it; the ones that start from now on get a new one.
        if let Some(producer) = shared.as_ref().filter(|producer| !producer.is_broken()) {
            return Ok(Arc::clone(producer));
        }
        let opened = producers::Shared::open(client.clone())?;
        *shared = Some(Arc::clone(&opened));
        Ok(opened)
    }
}
