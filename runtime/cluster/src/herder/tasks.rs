//! The tasks of this worker: started, turned, stopped and restarted until they are what they shall be.
use super::Herder;
use crate::slot::Slot;
use crate::{Action, Cause, Configs, Failure, Properties, RunState, TargetState, TaskId, Wanted};
use std::collections::BTreeMap;

impl Herder {
    pub(super) fn task_is(&mut self, id: TaskId, attempt: u64, state: RunState) {
        if let Some(Slot::Active { attempt: current, is_running, .. }) = self.slots.get_mut(&id)
            && *current == attempt
        {
            *is_running = true;
            self.actions.push(Action::SetTask { id, state, trace: None });
        }
    }

    pub(super) fn task_ended(&mut self, id: TaskId, attempt: u64, failure: Option<Failure>) {
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
                    is_fenced: false,
                });
                let (config, is_pushed) = (config.clone(), self.is_pushed_aside(&failure));
                let again = failure.is_restartable || is_pushed;
                let retry_at = again.then(|| self.now + self.backoff(failures));
                self.slots.insert(id.clone(), Slot::Failed { config, retry_at, failures });
                let (state, trace) = if is_pushed {
                    (RunState::Restarting, None)
                } else {
                    (RunState::Failed, Some(failure.trace))
                };
                self.actions.push(Action::SetTask { id, state, trace });
            }
            _ => {}
        }
    }

    /// True when a task of this worker was shut out of its group although nobody gave it to another worker: a worker
    /// that thaws joins the group again before it notices that it is out.
    pub fn is_pushed_aside(&self, failure: &Failure) -> bool {
        failure.is_fenced && self.seat.is_some()
    }

    /// Doubles with every failure in a row.
    pub(super) fn backoff(&self, failures: u32) -> u64 {
        let doubled = self.timing.backoff.saturating_mul(1 << failures.saturating_sub(1).min(20));
        doubled.min(self.timing.backoff_max)
    }

    pub(super) fn reconcile_tasks(&mut self) {
        // Taken out for a while, so that what is desired can be borrowed from it.
        let configs = std::mem::take(&mut self.configs);
        let desired = self.desired(&configs);
        self.stop_unwanted(&configs, &desired);
        for (id, (config, wanted)) in desired {
            self.reconcile_task(id, config, wanted);
        }
        self.configs = configs;
    }

    /// What this worker shall run: everything of everybody, without a cluster; nothing, outside of it.
    fn desired<'a>(&self, configs: &'a Configs) -> BTreeMap<TaskId, (&'a Properties, Wanted)> {
        let mut desired = BTreeMap::new();
        if self.is_shutting_down || !self.is_in() {
            return desired;
        }
        for (name, connector) in configs.iter() {
            let wanted = match connector.target {
                TargetState::Started => Wanted::Run,
                TargetState::Paused => Wanted::Pause,
                TargetState::Stopped => continue,
            };
            if self.waits_for_fencing(configs, name) {
                continue;
            }
            for (number, config) in connector.tasks.iter().enumerate() {
                let id = TaskId::new(name, number as u32);
                let place = configs.placements().place(&id);
                if self.seat.as_ref().is_none_or(|seat| seat.has(place)) {
                    desired.insert(id, (config, wanted));
                }
            }
        }
        desired
    }

    fn stop_unwanted(&mut self, configs: &Configs, desired: &BTreeMap<TaskId, (&Properties, Wanted)>) {
        let unwanted: Vec<_> = self.slots.keys().filter(|id| !desired.contains_key(id)).cloned().collect();
        for id in unwanted {
            match self.slots.get(&id) {
                Some(Slot::Active { attempt, .. }) => {
                    let (attempt, cause) = (*attempt, self.cause(configs, &id));
                    self.drain(id, attempt, cause);
                }
                Some(Slot::Failed { .. }) => {
                    self.slots.remove(&id);
                }
                Some(Slot::Draining { .. }) | None => {}
            }
        }
    }

    /// Why a task that is alive shall not be.
    fn cause(&self, configs: &Configs, id: &TaskId) -> Cause {
        match configs.get(&id.connector) {
            _ if self.is_shutting_down => Cause::Shutdown,
            _ if !self.is_in() => Cause::Lost,
            None => Cause::Deleted,
            Some(connector) if connector.target == TargetState::Stopped => Cause::Stopped,
            // A stop writes that there are no tasks before it writes that the connector is stopped.
            Some(connector) if connector.tasks.is_empty() => Cause::Stopped,
            Some(connector) if id.task as usize >= connector.tasks.len() => Cause::Config,
            Some(_) if self.waits_for_fencing(configs, &id.connector) => Cause::Config,
            Some(_) => Cause::Moved,
        }
    }

    fn reconcile_task(&mut self, id: TaskId, config: &Properties, wanted: Wanted) {
        match self.slots.get_mut(&id) {
            None => self.start(id, config.clone(), wanted, 0),
            Some(Slot::Draining { .. }) => {}
            Some(Slot::Active { config: running, attempt, .. }) if !running.same_as(config) => {
                let attempt = *attempt;
                self.drain(id, attempt, Cause::Config);
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
