//! Brings what runs here in line with what the config log says, one event at a time.
use crate::slot::Slot;
use crate::{ConfigRecord, Configs, Failure, Properties, RunState, TargetState, TaskId, Wanted};
use std::collections::{BTreeMap, BTreeSet};

/// Waits between restarts of a failed task, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    pub backoff: u64,
    pub backoff_max: u64,
}

/// What this worker may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The leader plans connectors: it asks their plugins for task settings and writes them.
    pub is_leader: bool,
    /// `None`: every task, because there is no other worker.
    pub tasks: Option<BTreeSet<TaskId>>,
}

/// Which parts of a connector to restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Restart {
    pub include_tasks: bool,
    pub only_failed: bool,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// The log was read to its end for the first time: before that nothing is started.
    CaughtUp,
    ConfigRead(ConfigRecord),
    Assigned(Assignment),
    /// The plugin answered [`Action::Plan`].
    Planned {
        name: String,
        revision: u64,
        outcome: Result<Vec<Properties>, Failure>,
    },
    TaskStarted {
        id: TaskId,
        attempt: u64,
    },
    TaskPaused {
        id: TaskId,
        attempt: u64,
    },
    /// It ended, on request or by itself.
    TaskEnded {
        id: TaskId,
        attempt: u64,
        failure: Option<Failure>,
    },
    RestartAsked {
        name: String,
        restart: Restart,
    },
    RestartTaskAsked {
        id: TaskId,
    },
    /// Time passed; nothing else tells the herder.
    Ticked,
    ShutdownAsked,
}

/// What to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Ask the connector's plugin for its tasks' settings; answer with [`Event::Planned`].
    Plan {
        name: String,
        revision: u64,
        config: Properties,
    },
    /// Write these task settings and their commit to the config log.
    WriteTasks {
        name: String,
        tasks: Vec<Properties>,
    },
    StartTask {
        id: TaskId,
        attempt: u64,
        config: Properties,
        wanted: Wanted,
    },
    /// Pause or go on.
    Turn {
        id: TaskId,
        wanted: Wanted,
    },
    StopTask {
        id: TaskId,
    },
    SetConnector {
        name: String,
        state: RunState,
        trace: Option<String>,
    },
    SetTask {
        id: TaskId,
        state: RunState,
        trace: Option<String>,
    },
    /// The connector or task is gone: its status is to be erased.
    EraseConnector {
        name: String,
    },
    EraseTask {
        id: TaskId,
    },
}

/// What is known of a connector's plan.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Plan {
    Asked { revision: u64, epoch: u64 },
    Done { revision: u64, epoch: u64 },
    Failed { revision: u64, epoch: u64 },
}

/// The state of one worker. Feed it events with [`Herder::step`].
#[derive(Debug)]
pub struct Herder {
    timing: Timing,
    now: u64,
    is_caught_up: bool,
    is_shutting_down: bool,
    assignment: Assignment,
    configs: Configs,
    plans: BTreeMap<String, Plan>,
    shown: BTreeMap<String, RunState>,
    slots: BTreeMap<TaskId, Slot>,
    attempts: u64,
    actions: Vec<Action>,
}

impl Herder {
    pub fn new(timing: Timing, assignment: Assignment) -> Self {
        Self {
            timing,
            now: 0,
            is_caught_up: false,
            is_shutting_down: false,
            assignment,
            configs: Configs::default(),
            plans: BTreeMap::new(),
            shown: BTreeMap::new(),
            slots: BTreeMap::new(),
            attempts: 0,
            actions: Vec::new(),
        }
    }

    pub fn configs(&self) -> &Configs {
        &self.configs
    }

    /// True when no task is left, running or stopping.
    pub fn is_idle(&self) -> bool {
        self.slots.values().all(|slot| matches!(slot, Slot::Failed { .. }))
    }

    /// When [`Event::Ticked`] has something to do, in milliseconds.
    pub fn next_tick(&self) -> Option<u64> {
        self.slots
            .values()
            .filter_map(|slot| match slot {
                Slot::Failed { retry_at, .. } => *retry_at,
                Slot::Active { .. } | Slot::Draining { .. } => None,
            })
            .min()
    }

    /// Takes one event at time `now` (milliseconds, never going back) and answers what is to be done.
    pub fn step(&mut self, now: u64, event: Event) -> Vec<Action> {
        self.now = self.now.max(now);
        match event {
            Event::CaughtUp => self.is_caught_up = true,
            Event::ConfigRead(record) => self.config_read(record),
            Event::Assigned(assignment) => self.assignment = assignment,
            Event::Planned { name, revision, outcome } => self.planned(name, revision, outcome),
            Event::TaskStarted { id, attempt } => self.task_is(id, attempt, RunState::Running),
            Event::TaskPaused { id, attempt } => self.task_is(id, attempt, RunState::Paused),
            Event::TaskEnded { id, attempt, failure } => self.task_ended(id, attempt, failure),
            Event::RestartAsked { name, restart } => self.restart(&name, restart),
            Event::RestartTaskAsked { id } => self.restart_task(&id),
            Event::Ticked => {}
            Event::ShutdownAsked => self.is_shutting_down = true,
        }
        if self.is_caught_up {
            self.reconcile();
        }
        std::mem::take(&mut self.actions)
    }

    fn config_read(&mut self, record: ConfigRecord) {
        if let ConfigRecord::Connector { name, config: None } = &record {
            let tasks = self.configs.get(name).map_or(0, |connector| connector.tasks.len());
            for task in 0..tasks as u32 {
                self.actions.push(Action::EraseTask { id: TaskId::new(name.clone(), task) });
            }
            self.actions.push(Action::EraseConnector { name: name.clone() });
            self.plans.remove(name);
            self.shown.remove(name);
        }
        if let ConfigRecord::Commit { name, tasks } = &record {
            let before = self.configs.get(name).map_or(0, |connector| connector.tasks.len());
            for task in *tasks..before as u32 {
                self.actions.push(Action::EraseTask { id: TaskId::new(name.clone(), task) });
            }
        }
        self.configs.apply(record);
    }

    fn planned(&mut self, name: String, revision: u64, outcome: Result<Vec<Properties>, Failure>) {
        let Some(connector) = self.configs.get(&name) else { return };
        let Some(Plan::Asked { revision: asked, epoch }) = self.plans.get(&name) else { return };
        // The settings changed while the plugin was thinking: the newer question is already on its way.
        if *asked != revision {
            return;
        }
        let epoch = *epoch;
        // Tasks written now would undo the stop that came meanwhile; whoever starts the connector again plans anew.
        if connector.target != TargetState::Started {
            self.plans.remove(&name);
            return;
        }
        match outcome {
            Ok(tasks) => {
                let is_same = tasks.len() == connector.tasks.len()
                    && tasks.iter().zip(&connector.tasks).all(|(new, old)| new.same_as(old));
                if !is_same {
                    self.actions.push(Action::WriteTasks { name: name.clone(), tasks });
                }
                self.plans.insert(name, Plan::Done { revision, epoch });
            }
            Err(failure) => {
                self.plans.insert(name.clone(), Plan::Failed { revision, epoch });
                self.shown.insert(name.clone(), RunState::Failed);
                let trace = Some(failure.trace);
                self.actions.push(Action::SetConnector { name, state: RunState::Failed, trace });
            }
        }
    }

    fn task_is(&mut self, id: TaskId, attempt: u64, state: RunState) {
        if let Some(Slot::Active { attempt: current, is_running, .. }) = self.slots.get_mut(&id)
            && *current == attempt
        {
            *is_running = true;
            self.actions.push(Action::SetTask { id, state, trace: None });
        }
    }

    fn task_ended(&mut self, id: TaskId, attempt: u64, failure: Option<Failure>) {
        match self.slots.get(&id) {
            Some(Slot::Draining { attempt: current }) if *current == attempt => {
                self.slots.remove(&id);
            }
            Some(Slot::Active { attempt: current, config, failures, is_running, .. })
                if *current == attempt =>
            {
                // A task that had run before it failed starts its back-off anew.
                let failures = if *is_running { 1 } else { failures + 1 };
                let failure = failure.unwrap_or_else(|| Failure {
                    trace: "the task ended although nobody asked it to".into(),
                    is_restartable: true,
                });
                let retry_at = failure.is_restartable.then(|| self.now + self.backoff(failures));
                let config = config.clone();
                self.slots.insert(id.clone(), Slot::Failed { config, retry_at, failures });
                self.actions.push(Action::SetTask {
                    id,
                    state: RunState::Failed,
                    trace: Some(failure.trace),
                });
            }
            _ => {}
        }
    }

    /// Doubles with every failure in a row.
    fn backoff(&self, failures: u32) -> u64 {
        let doubled = self.timing.backoff.saturating_mul(1 << failures.saturating_sub(1).min(20));
        doubled.min(self.timing.backoff_max)
    }

    fn restart(&mut self, name: &str, restart: Restart) {
        let is_failed = matches!(self.plans.get(name), Some(Plan::Failed { .. }));
        if is_failed || !restart.only_failed {
            self.plans.remove(name);
            self.shown.remove(name);
        }
        if !restart.include_tasks {
            return;
        }
        let of_connector = |id: &&TaskId| id.connector == name;
        let ids: Vec<_> = self.slots.keys().filter(of_connector).cloned().collect();
        for id in ids {
            if !restart.only_failed || matches!(self.slots.get(&id), Some(Slot::Failed { .. })) {
                self.restart_task(&id);
            }
        }
    }

    fn restart_task(&mut self, id: &TaskId) {
        match self.slots.get(id) {
            Some(Slot::Failed { .. }) => {
                self.slots.remove(id);
            }
            Some(Slot::Active { attempt, .. }) => {
                let attempt = *attempt;
                self.drain(id.clone(), attempt);
            }
            Some(Slot::Draining { .. }) | None => {}
        }
    }

    fn drain(&mut self, id: TaskId, attempt: u64) {
        self.actions.push(Action::StopTask { id: id.clone() });
        self.slots.insert(id, Slot::Draining { attempt });
    }

    /// Compares what shall be with what is. Everything above only changes what is known.
    fn reconcile(&mut self) {
        self.reconcile_connectors();
        let desired = self.desired();
        self.stop_unwanted(&desired);
        for (id, (config, wanted)) in desired {
            self.reconcile_task(id, &config, wanted);
        }
    }

    fn reconcile_connectors(&mut self) {
        if !self.assignment.is_leader || self.is_shutting_down {
            return;
        }
        let mut plans = Vec::new();
        for (name, connector) in self.configs.iter() {
            let (revision, epoch) = (connector.revision, connector.epoch);
            let is_current = match self.plans.get(name) {
                Some(
                    Plan::Asked { revision: r, epoch: e }
                    | Plan::Done { revision: r, epoch: e }
                    | Plan::Failed { revision: r, epoch: e },
                ) => *r == revision && *e == epoch,
                None => false,
            };
            if !is_current && connector.target == TargetState::Started {
                plans.push((name.to_owned(), connector.config.clone(), revision, epoch));
            }
        }
        for (name, config, revision, epoch) in plans {
            self.plans.insert(name.clone(), Plan::Asked { revision, epoch });
            self.actions.push(Action::Plan { name, revision, config });
        }
        self.show_connectors();
    }

    fn show_connectors(&mut self) {
        let mut changed = Vec::new();
        for (name, connector) in self.configs.iter() {
            let is_failed = matches!(self.plans.get(name), Some(Plan::Failed { .. }));
            let is_ready = matches!(self.plans.get(name), Some(Plan::Done { .. }));
            let state = match connector.target {
                TargetState::Stopped => RunState::Stopped,
                TargetState::Paused => RunState::Paused,
                TargetState::Started if is_failed => RunState::Failed,
                TargetState::Started if is_ready => RunState::Running,
                TargetState::Started => continue,
            };
            if self.shown.get(name) != Some(&state) {
                changed.push((name.to_owned(), state));
            }
        }
        for (name, state) in changed {
            self.shown.insert(name.clone(), state);
            self.actions.push(Action::SetConnector { name, state, trace: None });
        }
    }

    fn desired(&self) -> BTreeMap<TaskId, (Properties, Wanted)> {
        let mut desired = BTreeMap::new();
        if self.is_shutting_down {
            return desired;
        }
        for (name, connector) in self.configs.iter() {
            let wanted = match connector.target {
                TargetState::Started => Wanted::Run,
                TargetState::Paused => Wanted::Pause,
                TargetState::Stopped => continue,
            };
            for (number, config) in connector.tasks.iter().enumerate() {
                let id = TaskId::new(name, number as u32);
                if self.assignment.tasks.as_ref().is_none_or(|tasks| tasks.contains(&id)) {
                    desired.insert(id, (config.clone(), wanted));
                }
            }
        }
        desired
    }

    fn stop_unwanted(&mut self, desired: &BTreeMap<TaskId, (Properties, Wanted)>) {
        let unwanted: Vec<_> = self.slots.keys().filter(|id| !desired.contains_key(id)).cloned().collect();
        for id in unwanted {
            match self.slots.get(&id) {
                Some(Slot::Active { attempt, .. }) => {
                    let attempt = *attempt;
                    self.drain(id, attempt);
                }
                Some(Slot::Failed { .. }) => {
                    self.slots.remove(&id);
                }
                Some(Slot::Draining { .. }) | None => {}
            }
        }
    }

    fn reconcile_task(&mut self, id: TaskId, config: &Properties, wanted: Wanted) {
        match self.slots.get_mut(&id) {
            None => self.start(id, config.clone(), wanted, 0),
            Some(Slot::Draining { .. }) => {}
            Some(Slot::Active { config: running, attempt, .. }) if !running.same_as(config) => {
                let attempt = *attempt;
                self.drain(id, attempt);
            }
            Some(Slot::Active { wanted: current, .. }) => {
                if *current != wanted {
                    *current = wanted;
                    self.actions.push(Action::Turn { id, wanted });
                }
            }
            Some(Slot::Failed { config: failed, retry_at, failures }) => {
                let is_due = retry_at.is_some_and(|at| at <= self.now) && wanted == Wanted::Run;
                let failures = *failures;
                if !failed.same_as(config) {
                    self.start(id, config.clone(), wanted, 0);
                } else if is_due {
                    self.start(id, config.clone(), wanted, failures);
                }
            }
        }
    }

    fn start(&mut self, id: TaskId, config: Properties, wanted: Wanted, failures: u32) {
        self.attempts += 1;
        let attempt = self.attempts;
        let slot = Slot::Active { config: config.clone(), wanted, attempt, failures, is_running: false };
        self.slots.insert(id.clone(), slot);
        self.actions.push(Action::StartTask { id, attempt, config, wanted });
    }
}

#[cfg(test)]
mod tests;
