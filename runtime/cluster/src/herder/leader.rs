//! What the leader decides: which worker runs which task, in two steps where one has to give it up first.
use super::seat::{Lead, Seat};
use super::{Herder, Timing};
use crate::assign::unevenness;
use crate::{Action, Configs, Place, Placement, Spread, TargetState, TaskId, assign};
use std::collections::{BTreeMap, BTreeSet};

/// The state of a worker that leads.
#[derive(Debug)]
pub(super) struct Leading {
    pub(super) epoch: u64,
    /// The turns of the placements that were written and not read back yet, by connector: one write at a time.
    writing: BTreeMap<String, u64>,
    /// The workers over which everything was spread evenly last.
    levelled: Option<BTreeSet<String>>,
    /// Since when the load is uneven.
    uneven_since: Option<u64>,
    /// Since when a task is waited for, as far as this leader knows: since it read that its worker has to give it up.
    moving: BTreeMap<TaskId, u64>,
}

impl Leading {
    pub(super) fn new(epoch: u64) -> Self {
        Self { epoch, writing: BTreeMap::new(), levelled: None, uneven_since: None, moving: BTreeMap::new() }
    }

    pub(super) fn is_writing(&self) -> bool {
        !self.writing.is_empty()
    }

    pub(super) fn next_tick(&self, timing: &Timing) -> Option<u64> {
        let moving = self.moving.values().map(|since| since + timing.release);
        moving.chain(self.uneven_since.map(|since| since + timing.level_after)).min()
    }
}

/// What the leader looks at while it places tasks.
struct View<'a> {
    seat: &'a Seat,
    members: &'a BTreeSet<String>,
    configs: &'a Configs,
    overdue: BTreeSet<&'a TaskId>,
}

impl Herder {
    /// Once all that was written has been read back, the next placements may be written. Those of a connector that
    /// was deleted meanwhile are not waited for: whoever writes leaves them out.
    pub(super) fn note_turn(&mut self) {
        let configs = &self.configs;
        let is_coming = |name: &String, turn: &mut u64| {
            let read = configs.placements().get(name);
            configs.get(name).is_some() && read.is_none_or(|placement| placement.turn < *turn)
        };
        if let Some(Seat { lead: Lead::Leads(leading), .. }) = &mut self.seat {
            leading.writing.retain(is_coming);
        }
    }

    /// Writes the placements that differ from what shall be.
    pub(super) fn place(&mut self) {
        let Some(Seat { lead: Lead::Leads(leading), members: Some(members), .. }) = &self.seat else {
            return;
        };
        if leading.is_writing() {
            return;
        }
        let Some(seat) = &self.seat else { return };
        let available: BTreeSet<String> = members
            .iter()
            .filter(|worker| !(seat.is_leaving(worker) || self.is_shutting_down && **worker == seat.me))
            .cloned()
            .collect();
        if available.is_empty() {
            return;
        }
        let due = |since: u64, wait: u64| self.now >= since + wait;
        let is_levelling = leading.levelled.as_ref() != Some(&available)
            || leading.uneven_since.is_some_and(|since| due(since, self.timing.level_after));
        let wanted = self.wanted(&available, is_levelling);
        let overdue = leading.moving.iter().filter(|(_, since)| due(**since, self.timing.release));
        let overdue = overdue.map(|(id, _)| id).collect();
        let view = View { seat, members, configs: &self.configs, overdue };
        let changed = view.changed(&wanted, leading.epoch);
        let is_uneven = unevenness(&wanted, &available) > 1;
        self.write_placements(changed, is_uneven, available);
    }

    /// Where every task shall be in the end. Unless all is levelled, only connectors whose number of tasks changed
    /// may move: the change of one connector interrupts no other.
    fn wanted(&self, available: &BTreeSet<String>, is_levelling: bool) -> BTreeMap<TaskId, String> {
        let placements = self.configs.placements();
        let mut tasks = BTreeSet::new();
        let mut movable = BTreeSet::new();
        for (name, connector) in self.configs.iter() {
            let placement = placements.get(name);
            // Tasks that were never placed may be left over from a connector of the same name: the plan tells. A paused
            // connector is not planned; it was taken over with its tasks, which do nothing while it is paused.
            let is_known =
                placement.is_some() || connector.target == TargetState::Paused || self.is_planned(name);
            if connector.target == TargetState::Stopped || !is_known {
                continue;
            }
            if placement.is_none_or(|placement| placement.tasks.len() != connector.tasks.len()) {
                movable.insert(name.to_owned());
            }
            tasks.extend((0..connector.tasks.len() as u32).map(|task| TaskId::new(name, task)));
        }
        let worker = |id: &TaskId| match placements.place(id) {
            Some(Place::On(worker) | Place::Moving { to: worker, .. }) => Some(worker.clone()),
            None => placements.left(id).map(str::to_owned),
        };
        let current = tasks.iter().filter_map(|id| worker(id).map(|worker| (id.clone(), worker))).collect();
        let movable = (!is_levelling).then_some(&movable);
        assign(&Spread { tasks: &tasks, workers: available, current: &current, movable })
    }

    fn write_placements(
        &mut self,
        changed: Vec<(String, Placement)>,
        is_uneven: bool,
        available: BTreeSet<String>,
    ) {
        let now = self.now;
        let Some(Seat { lead: Lead::Leads(leading), .. }) = &mut self.seat else { return };
        leading.levelled = Some(available);
        leading.uneven_since =
            is_uneven.then(|| leading.uneven_since.filter(|_| changed.is_empty()).unwrap_or(now));
        let moving = moving(&self.configs);
        leading.moving = moving
            .map(|id| {
                let since = leading.moving.get(&id).copied().unwrap_or(now);
                (id, since)
            })
            .collect();
        if changed.is_empty() {
            return;
        }
        leading.writing = changed.iter().map(|(name, placement)| (name.clone(), placement.turn)).collect();
        self.actions.push(Action::Place(changed));
    }
}

/// Tasks that somebody has to give up, and can know that.
fn moving(configs: &Configs) -> impl Iterator<Item = TaskId> {
    let placements = configs
        .iter()
        .filter_map(|(name, _)| configs.placements().get(name).map(|placement| (name, placement)));
    placements.flat_map(|(name, placement)| {
        let moving = placement.tasks.iter().enumerate();
        let moving = moving.filter(|(_, place)| matches!(place, Place::Moving { .. }));
        moving.map(move |(number, _)| TaskId::new(name, number as u32))
    })
}

impl View<'_> {
    fn changed(&self, wanted: &BTreeMap<TaskId, String>, epoch: u64) -> Vec<(String, Placement)> {
        let placements = self.configs.placements();
        let mut turn = placements.turn();
        let mut changed = Vec::new();
        for (name, connector) in self.configs.iter() {
            let old = placements.get(name);
            let is_wanted = |task: u32| wanted.get(&TaskId::new(name, task));
            let count = connector.tasks.len() as u32;
            let tasks: Option<Vec<Place>> = (0..count)
                .map(|task| is_wanted(task).map(|worker| self.next(&TaskId::new(name, task), worker)))
                .collect();
            // A stopped connector has no places; one that is not planned yet has none either.
            let tasks = tasks.unwrap_or_default();
            if tasks != old.map_or(&[][..], |placement| &placement.tasks) {
                turn += 1;
                changed.push((name.to_owned(), Placement { epoch, turn, tasks }));
            }
        }
        changed
    }

    /// The next step of a task on its way to `worker`.
    fn next(&self, id: &TaskId, worker: &str) -> Place {
        let placements = self.configs.placements();
        let (from, is_moving) = match placements.place(id) {
            Some(Place::On(from)) => (from.as_str(), false),
            Some(Place::Moving { from, .. }) => (from.as_str(), true),
            // It may still be ending where it was before its connector was stopped, made smaller or deleted.
            None => match placements.left(id) {
                Some(from) => (from, false),
                None => return Place::On(worker.to_owned()),
            },
        };
        let turn = placements.get(&id.connector).map_or(0, |placement| placement.turn);
        let is_free = !self.members.contains(from)
            || (is_moving && (self.has_given_up(from, id, turn) || self.overdue.contains(id)));
        if from == worker || is_free {
            return Place::On(worker.to_owned());
        }
        Place::Moving { from: from.to_owned(), to: worker.to_owned() }
    }

    fn has_given_up(&self, worker: &str, id: &TaskId, turn: u64) -> bool {
        let report = self.seat.reports.get(worker);
        report.is_some_and(|report| report.turn >= turn && !report.holding.contains(id))
    }
}
