//! Brings what runs here in line with what the config log says, one event at a time.
mod connectors;
mod fencing;
mod leader;
mod seat;
mod tasks;

use crate::slot::Slot;
use crate::{Action, Cause, ConfigRecord, Configs, Event, RunState, TaskId};
use connectors::Plan;
use fencing::Fence;
pub use fencing::Fences;
use seat::Seat;
use std::collections::BTreeMap;

/// Waits, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Before the first restart of a failed task; doubles with every failure in a row.
    pub backoff: u64,
    pub backoff_max: u64,
    /// A worker that has not given a task up by then is not waited for: starting it elsewhere shuts its former self
    /// out of the task's group.
    pub release: u64,
    /// How long a leaving worker waits for its tasks to be placed elsewhere, once they have ended.
    pub handover: u64,
    /// Workers that are unevenly loaded for this long, as after a deletion, are levelled.
    pub level_after: u64,
    /// Before another attempt at what the leader could not write.
    pub lead_retry: u64,
}

/// The state of one worker. Feed it events with [`Herder::step`].
#[derive(Debug)]
pub struct Herder {
    timing: Timing,
    now: u64,
    is_caught_up: bool,
    is_shutting_down: bool,
    /// `None`: there is no cluster, and everything runs here.
    seat: Option<Seat>,
    configs: Configs,
    plans: BTreeMap<String, Plan>,
    shown: BTreeMap<String, RunState>,
    slots: BTreeMap<TaskId, Slot>,
    attempts: u64,
    actions: Vec<Action>,
    /// `None`: no task writes under an identity of its own.
    fences: Option<Fences>,
    fencing: BTreeMap<String, Fence>,
}

impl Herder {
    /// A worker without others, as in standalone mode.
    pub fn alone(timing: Timing) -> Self {
        Self {
            timing,
            now: 0,
            is_caught_up: false,
            is_shutting_down: false,
            seat: None,
            configs: Configs::default(),
            plans: BTreeMap::new(),
            shown: BTreeMap::new(),
            slots: BTreeMap::new(),
            attempts: 0,
            actions: Vec::new(),
            fences: None,
            fencing: BTreeMap::new(),
        }
    }

    /// A worker of a cluster, which knows it as `me`. It runs nothing before it has joined.
    pub fn member(timing: Timing, me: impl Into<String>) -> Self {
        Self { seat: Some(Seat::new(me.into())), ..Self::alone(timing) }
    }

    /// Tasks of these connectors start only once the producers of former tasks are shut out.
    #[must_use]
    pub fn with_fences(self, fences: Fences) -> Self {
        Self { fences: Some(fences), ..self }
    }

    pub fn configs(&self) -> &Configs {
        &self.configs
    }

    /// True when this worker may write to the config log.
    pub fn leads(&self) -> bool {
        self.seat.as_ref().is_none_or(Seat::leads)
    }

    /// The worker that leads, if it is known and a member. `None` in standalone mode.
    pub fn leader(&self) -> Option<&str> {
        self.seat.as_ref()?.leader(self.configs.placements())
    }

    /// True while this worker is one of the cluster, or alone.
    pub fn is_in(&self) -> bool {
        self.seat.as_ref().is_none_or(Seat::is_in)
    }

    /// True when no task is left, running or stopping.
    pub fn is_idle(&self) -> bool {
        !self.slots.values().any(Slot::is_alive)
    }

    /// True when a shutdown is over: nothing runs here, and others have what ran here.
    pub fn is_done(&self) -> bool {
        let is_free =
            |seat: &Seat| seat.is_handed_over(self.configs.placements(), self.now, self.timing.handover);
        self.is_shutting_down && self.is_idle() && self.seat.as_ref().is_none_or(is_free)
    }

    /// When [`Event::Ticked`] has something to do, in milliseconds.
    pub fn next_tick(&self) -> Option<u64> {
        let retries = self.slots.values().filter_map(|slot| match slot {
            Slot::Failed { retry_at, .. } => *retry_at,
            Slot::Active { .. } | Slot::Draining { .. } => None,
        });
        let plans = self.plans.values().filter_map(Plan::retry_at);
        let seat = self.seat.as_ref().and_then(|seat| seat.next_tick(&self.timing));
        let fencing = self.fencing.values().filter_map(Fence::retry_at);
        retries.chain(plans).chain(seat).chain(fencing).min()
    }

    /// Takes one event at time `now` (milliseconds, never going back) and answers what is to be done.
    pub fn step(&mut self, now: u64, event: Event) -> Vec<Action> {
        self.now = self.now.max(now);
        // A task that does what it was told changes nothing of what shall be.
        let is_news = !matches!(event, Event::TaskStarted { .. } | Event::TaskPaused { .. });
        match event {
            Event::CaughtUp => self.is_caught_up = true,
            Event::ConfigRead(record) => self.config_read(record),
            Event::Joined { .. } | Event::Lost | Event::Leading | Event::Deposed | Event::Reported { .. } => {
                self.cluster_event(event);
            }
            Event::Planned { name, revision, outcome } => self.planned(name, revision, outcome),
            Event::NotWritten { name } => self.not_written(&name),
            Event::Fenced { name, generation, outcome } => self.fenced(&name, generation, outcome),
            Event::TaskStarted { id, attempt } => self.task_is(id, attempt, RunState::Running),
            Event::TaskPaused { id, attempt } => self.task_is(id, attempt, RunState::Paused),
            Event::TaskEnded { id, attempt, failure } => self.task_ended(id, attempt, failure),
            Event::RestartAsked { name, restart } => self.restart(&name, restart),
            Event::RestartTaskAsked { id } => self.restart_task(&id),
            Event::Ticked => {}
            Event::ShutdownAsked => self.is_shutting_down = true,
        }
        if self.is_caught_up && is_news {
            self.reconcile();
        }
        std::mem::take(&mut self.actions)
    }

    fn config_read(&mut self, record: ConfigRecord) {
        match &record {
            ConfigRecord::Connector { name, config: None } => {
                self.erase_tasks(name, 0);
                self.actions.push(Action::EraseConnector { name: name.clone() });
                self.plans.remove(name);
                self.shown.remove(name);
            }
            ConfigRecord::Commit { name, tasks } => {
                self.erase_tasks(name, *tasks);
            }
            ConfigRecord::Leader { epoch, worker } => self.leader_read(*epoch, worker),
            ConfigRecord::Connector { .. }
            | ConfigRecord::Target { .. }
            | ConfigRecord::Task { .. }
            | ConfigRecord::Placement { .. }
            | ConfigRecord::Fenced { .. } => {}
        }
        let committed = match &record {
            ConfigRecord::Commit { name, .. } => Some(name.clone()),
            _ => None,
        };
        self.configs.apply(record);
        if let Some(name) = committed {
            self.plan_was_written(&name);
        }
        self.note_turn();
    }

    fn erase_tasks(&mut self, name: &str, from: u32) {
        let before = self.configs.get(name).map_or(0, |connector| connector.tasks.len());
        for task in from..before as u32 {
            self.actions.push(Action::EraseTask { id: TaskId::new(name, task) });
        }
    }

    /// Compares what shall be with what is. Everything above only changes what is known.
    fn reconcile(&mut self) {
        self.reconcile_seat();
        self.reconcile_fencing();
        self.reconcile_connectors();
        self.reconcile_tasks();
        self.report();
        self.place();
        self.note_idle();
    }

    fn drain(&mut self, id: TaskId, attempt: u64, cause: Cause) {
        self.actions.push(Action::StopTask { id: id.clone(), cause });
        self.slots.insert(id, Slot::Draining { attempt });
    }
}

#[cfg(test)]
mod cluster_tests;
#[cfg(test)]
mod tests;
