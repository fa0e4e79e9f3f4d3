//! What must never be, looked at with every step.
use crate::options::TIMING;
use crate::world::World;
use penstock_cluster::{Cause, Place, Placement, Properties, TargetState, TaskId};

impl World {
    /// A task is started: only here, only what was committed, and only by who is in.
    pub fn check_start(&mut self, p: usize, id: &TaskId, config: &Properties) {
        if let Some(what) = self.wrong_start(p, id, config).or_else(|| self.stale_start(p, id)) {
            let what = format!("{}#{p} starts {id}: {what}", self.processes[p].address);
            return self.fail(what);
        }
        for other in 0..self.processes.len() {
            if other != p
                && let Some(what) = self.overlap(p, other, id)
            {
                self.fail(what);
            }
        }
    }

    fn wrong_start(&self, p: usize, id: &TaskId, config: &Properties) -> Option<String> {
        let process = &self.processes[p];
        if !process.is_in() || process.membership.lease <= self.now {
            return Some("it is out of the cluster".into());
        }
        if !self.log.reference.was_committed(id, config, process.pos) {
            return Some(format!("settings {} were never committed", show(config)));
        }
        self.wrong_task(p, id, config)
    }

    /// Why the task must not be alive here, given what this process has read.
    fn wrong_task(&self, p: usize, id: &TaskId, config: &Properties) -> Option<String> {
        let process = &self.processes[p];
        let reference = &self.log.reference;
        let Some(state) = reference.state(&id.connector, process.pos) else {
            return Some("its connector does not exist".into());
        };
        if state.target == TargetState::Stopped {
            return Some("its connector is stopped".into());
        }
        match reference.place(id, process.pos) {
            Some(Place::On(worker)) if *worker == process.address => {}
            other => return Some(format!("its place is {other:?}")),
        }
        if !reference.was_committed(id, config, process.pos) {
            return Some(format!("it has settings {} of an earlier connector", show(config)));
        }
        None
    }

    /// Whoever came back has read what was decided while it was away.
    fn stale_start(&self, p: usize, id: &TaskId) -> Option<String> {
        let process = &self.processes[p];
        let missed = self.log.reference.placed_since(&id.connector, process.pos);
        let is_missed = missed.iter().any(|placed| placed.offset < process.membership.since);
        is_missed.then(|| "it has not read placements from before it joined".into())
    }

    fn overlap(&self, p: usize, other: usize, id: &TaskId) -> Option<String> {
        let (here, there) = (&self.processes[p], &self.processes[other]);
        let lives = there.is_up && there.instances.contains_key(id);
        if !lives || !there.is_in() || there.membership.lease <= self.now {
            return None;
        }
        let departures = self.departures.get(id).map_or(&[][..], Vec::as_slice);
        // One of the two is not waited for: it was out of the cluster or overdue when the task was taken from it.
        let owner = self.log.reference.place(id, u64::MAX);
        let was_forced = |address: &String| {
            let is_owner = matches!(owner, Some(Place::On(worker) | Place::Moving { from: worker, .. }) if worker == address);
            let last = departures.iter().rev().find(|departure| departure.from == *address);
            !is_owner && last.is_some_and(|departure| departure.is_forced)
        };
        if was_forced(&here.address) || was_forced(&there.address) {
            return None;
        }
        Some(format!("{}#{p} starts {id} while it is alive on {}#{other}", here.address, there.address))
    }

    /// After a step: what is alive and not told to stop is what shall be.
    pub fn check_tasks(&mut self, p: usize) {
        let process = &self.processes[p];
        let alive = process.instances.iter().filter(|(_, instance)| !instance.is_stopping);
        let wrong = alive.filter_map(|(id, instance)| {
            let is_out = (!process.is_in()).then(|| "the worker is out of the cluster".to_owned());
            let what = is_out.or_else(|| self.wrong_task(p, id, &instance.config))?;
            Some(format!("{}#{p} goes on with {id}: {what}", process.address))
        });
        let wrong = wrong.into_iter().next();
        if let Some(what) = wrong {
            self.fail(what);
        }
    }

    /// A task is only interrupted for a reason of its own.
    pub fn check_stop(&mut self, p: usize, id: &TaskId, cause: Cause, is_restart: bool) {
        self.interrupted += 1;
        let process = &self.processes[p];
        let Some(instance) = process.instances.get(id) else {
            let what = format!("{} stops {id}, which is not there", process.address);
            return self.fail(what);
        };
        let state = self.log.reference.state(&id.connector, process.pos);
        let task = process.herder.configs().get(&id.connector).map(|it| it.tasks.get(id.task as usize));
        let place = self.log.reference.place(id, process.pos);
        let is_right = match cause {
            Cause::Lost => !process.is_in(),
            Cause::Shutdown => process.is_leaving,
            Cause::Restart => is_restart,
            Cause::Deleted => state.is_none(),
            Cause::Stopped => state.is_some_and(|it| it.target == TargetState::Stopped) || task == Some(None),
            Cause::Config if process.herder.awaits_fencing(&id.connector) => true,
            Cause::Config => task.is_some_and(|task| task.is_none_or(|task| !task.same_as(&instance.config))),
            // A task that was pushed aside has ended by itself: nobody stops it.
            Cause::Fenced => false,
            Cause::Moved => !matches!(place, Some(Place::On(worker)) if *worker == process.address),
        };
        if !is_right {
            let what = format!("{}#{p} stops {id} because of {cause:?}, which is not so", process.address);
            self.fail(what);
        }
    }

    /// The leader moves a task of a living worker only because of its own connector, new workers, or to level.
    pub fn check_moves(&mut self, p: usize, changed: &[(String, Placement)]) {
        let process = &self.processes[p];
        let moves = &process.moves;
        let available = &moves.available;
        let is_levelling = moves.has_changed || self.now >= moves.at + TIMING.level_after;
        let configs = process.herder.configs();
        let mut wrong = None;
        for (name, placement) in changed {
            let old = configs.placements().get(name).map_or(&[][..], |old| &old.tasks);
            if is_levelling || old.len() != placement.tasks.len() {
                continue;
            }
            for (task, (old, new)) in old.iter().zip(&placement.tasks).enumerate() {
                if let (Place::On(on), Place::Moving { to, .. }) = (old, new)
                    && available.contains(on)
                {
                    wrong = Some(format!("{name}-{task} moves from {on} to {to} for no reason of its own"));
                }
            }
        }
        let moves = &mut self.processes[p].moves;
        moves.has_changed = false;
        moves.at = self.now;
        if let Some(what) = wrong {
            self.fail(what);
        }
    }
}

/// Settings here hold no secrets.
pub fn show(config: &Properties) -> String {
    config.iter().flat_map(|(key, value)| [key, "=", value.unwrap_or("null"), " "]).collect()
}
