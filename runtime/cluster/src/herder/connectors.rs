//! Plans of connectors: asked of plugins, written as task settings, and shown as the connector's state.
use super::Herder;
use crate::slot::Slot;
use crate::{Action, Cause, Failure, Properties, Restart, RunState, TargetState, TaskId};

/// What is known of a connector's plan. `revision` and `epoch` name the settings that it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Plan {
    Asked {
        revision: u64,
        epoch: u64,
    },
    /// These tasks were written and not read back yet.
    Writing {
        revision: u64,
        epoch: u64,
        tasks: Vec<Properties>,
    },
    Done {
        revision: u64,
        epoch: u64,
    },
    Failed {
        revision: u64,
        epoch: u64,
    },
    /// Its tasks could not be written.
    Unwritten {
        retry_at: u64,
    },
}

impl Plan {
    pub(super) fn retry_at(&self) -> Option<u64> {
        match self {
            Self::Unwritten { retry_at } => Some(*retry_at),
            Self::Asked { .. } | Self::Writing { .. } | Self::Done { .. } | Self::Failed { .. } => None,
        }
    }

    /// True when there is nothing to ask at this time.
    fn is_for(&self, revision: u64, epoch: u64, now: u64) -> bool {
        match self {
            Self::Asked { revision: r, epoch: e }
            | Self::Writing { revision: r, epoch: e, .. }
            | Self::Done { revision: r, epoch: e }
            | Self::Failed { revision: r, epoch: e } => *r == revision && *e == epoch,
            Self::Unwritten { retry_at } => *retry_at > now,
        }
    }
}

fn are_same(some: &[Properties], others: &[Properties]) -> bool {
    some.len() == others.len() && some.iter().zip(others).all(|(one, other)| one.same_as(other))
}

impl Herder {
    pub(super) fn planned(&mut self, name: String, revision: u64, outcome: Result<Vec<Properties>, Failure>) {
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
                if are_same(&tasks, &connector.tasks) {
                    self.plans.insert(name, Plan::Done { revision, epoch });
                } else {
                    self.actions.push(Action::WriteTasks { name: name.clone(), tasks: tasks.clone() });
                    self.plans.insert(name, Plan::Writing { revision, epoch, tasks });
                }
            }
            Err(failure) => {
                self.plans.insert(name.clone(), Plan::Failed { revision, epoch });
                self.shown.insert(name.clone(), RunState::Failed);
                let trace = Some(failure.trace);
                self.actions.push(Action::SetConnector { name, state: RunState::Failed, trace });
            }
        }
    }

    pub(super) fn not_written(&mut self, name: &str) {
        if let Some(plan @ Plan::Writing { .. }) = self.plans.get_mut(name) {
            *plan = Plan::Unwritten { retry_at: self.now + self.timing.lead_retry };
        }
    }

    /// Tasks were committed: of this plan, or of an earlier one whose write came late.
    pub(super) fn plan_was_written(&mut self, name: &str) {
        let Some(connector) = self.configs.get(name) else { return };
        if let Some(plan) = self.plans.get_mut(name)
            && let Plan::Writing { revision, epoch, tasks } = plan
            && are_same(tasks, &connector.tasks)
        {
            *plan = Plan::Done { revision: *revision, epoch: *epoch };
        }
    }

    /// Whether the connector's committed tasks are those of its settings.
    pub(super) fn is_planned(&self, name: &str) -> bool {
        matches!(self.plans.get(name), Some(Plan::Done { .. }))
    }

    pub(super) fn restart(&mut self, name: &str, restart: Restart) {
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

    pub(super) fn restart_task(&mut self, id: &TaskId) {
        match self.slots.get(id) {
            Some(Slot::Failed { .. }) => {
                self.slots.remove(id);
            }
            Some(Slot::Active { attempt, .. }) => {
                let attempt = *attempt;
                self.drain(id.clone(), attempt, Cause::Restart);
            }
            Some(Slot::Draining { .. }) | None => {}
        }
    }

    pub(super) fn reconcile_connectors(&mut self) {
        if !self.leads() || (self.is_shutting_down && self.seat.is_none()) {
            return;
        }
        let mut plans = Vec::new();
        for (name, connector) in self.configs.iter() {
            let (revision, epoch) = (connector.revision, connector.epoch);
            let is_current = self.plans.get(name).is_some_and(|plan| plan.is_for(revision, epoch, self.now));
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
            let plan = self.plans.get(name);
            let is_failed = matches!(plan, Some(Plan::Failed { .. })) || self.has_not_fenced(name);
            let is_ready = matches!(plan, Some(Plan::Done { .. } | Plan::Writing { .. }));
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
}
