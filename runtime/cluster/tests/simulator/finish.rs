//! What must be so once nothing breaks any more: everything runs, once, evenly, and nobody writes.
use crate::checks::show;
use crate::clients::{GONE, Request, version};
use crate::options::QUIET;
use crate::process::StatusKey;
use crate::shell::planned;
use crate::world::{Happening, World};
use penstock_cluster::{Place, RunState, TargetState, TaskId, Wanted};
use std::collections::{BTreeMap, BTreeSet};

impl World {
    /// The time to settle is over.
    pub fn settled(&mut self) {
        self.note(|| "SETTLED".into());
        self.check_state();
        self.written_when_settled = Some(self.log.end());
        self.interrupted = 0;
        self.after(QUIET, Happening::Quiet);
    }

    pub fn quiet(&mut self) {
        self.check_state();
        if self.written_when_settled != Some(self.log.end()) {
            self.fail("the config log goes on growing although nobody asks for anything".into());
        }
        if self.interrupted > 0 {
            self.fail("tasks are interrupted although nobody asks for anything".into());
        }
        self.written_when_settled = Some(u64::MAX);
    }

    fn check_state(&mut self) {
        let checks = [
            Self::unlike_reference,
            Self::lost_answer,
            Self::unlike_plan,
            Self::uneven,
            Self::left_over,
            Self::wrong_status,
        ];
        for check in checks {
            if let Some(what) = check(self) {
                return self.fail(format!("at the end {what}"));
            }
        }
    }

    /// Workers that everything has to reach.
    fn reachable(&self) -> Vec<usize> {
        let is_reachable = |p: &usize| {
            self.processes[*p].is_up && !self.links.is_lasting(*p) && !self.processes[*p].is_leaving
        };
        (0..self.processes.len()).filter(is_reachable).collect()
    }

    fn unlike_reference(&self) -> Option<String> {
        let newest: BTreeMap<_, _> = self.log.reference.newest().collect();
        for p in self.reachable() {
            let process = &self.processes[p];
            if !process.is_in() {
                return Some(format!("{}#{p} has not joined", process.address));
            }
            let configs = process.herder.configs();
            let names: BTreeSet<&str> = configs.iter().map(|(name, _)| name).collect();
            if names != newest.keys().copied().collect() {
                return Some(format!("{}#{p} knows the connectors {names:?}", process.address));
            }
            for (name, connector) in configs.iter() {
                let state = newest.get(name)?;
                let is_same = connector.config.same_as(&state.config)
                    && connector.target == state.target
                    && connector.tasks.len() == state.tasks.len()
                    && connector.tasks.iter().zip(state.tasks.iter()).all(|(one, other)| one.same_as(other));
                if !is_same {
                    return Some(format!(
                        "{}#{p} has another {name}: {} {:?} {} tasks; the log has {} {:?} {} tasks",
                        process.address,
                        show(&connector.config),
                        connector.target,
                        connector.tasks.len(),
                        show(&state.config),
                        state.target,
                        state.tasks.len(),
                    ));
                }
            }
        }
        None
    }

    /// What a client was told is so, unless a later request changed it.
    fn lost_answer(&self) -> Option<String> {
        let newest: BTreeMap<_, _> = self.log.reference.newest().collect();
        for name in (0..self.options.connectors).map(|number| format!("c{number}")) {
            let state = newest.get(name.as_str());
            let has = state.and_then(|state| version(&state.config)).unwrap_or(GONE);
            let touches = |request: &Request| request.version.is_some();
            let is_from_somebody = if has == GONE && !self.ledger.was_answered(&name, touches) {
                true
            } else {
                self.ledger.may_be_last(&name, touches, |request| request.version == Some(has))
            };
            if !is_from_somebody {
                return Some(format!("{name} has version {has}, which an answered request replaced"));
            }
            let Some(state) = state else { continue };
            let touches = |request: &Request| request.target.is_some();
            if !self.ledger.may_be_last(&name, touches, |request| request.target == Some(state.target)) {
                return Some(format!("{name} is {:?}, which an answered request replaced", state.target));
            }
        }
        None
    }

    /// Where each task is alive.
    fn homes(&self) -> BTreeMap<TaskId, Vec<(usize, Wanted)>> {
        let mut homes: BTreeMap<TaskId, Vec<(usize, Wanted)>> = BTreeMap::new();
        for (p, process) in self.processes.iter().enumerate().filter(|(_, process)| process.is_up) {
            for (id, instance) in &process.instances {
                let shows = instance.shows.filter(|_| !instance.is_stopping);
                homes.entry(id.clone()).or_default().extend(shows.map(|shows| (p, shows)));
            }
        }
        homes
    }

    fn unlike_plan(&self) -> Option<String> {
        let homes = self.homes();
        let mut wanted = BTreeSet::new();
        for (name, state) in self.log.reference.newest() {
            if state.target == TargetState::Stopped {
                continue;
            }
            let plan = planned(&state.config, 3);
            let counts = self.plans.get(&show(&state.config));
            let is_planned = counts.is_some_and(|counts| counts.contains(&state.tasks.len()))
                && plan.iter().zip(state.tasks.iter()).all(|(one, other)| one.same_as(other));
            if state.target == TargetState::Started && !is_planned {
                return Some(format!("{name} does not have the tasks of its plan {}", show(&state.config)));
            }
            let shows = if state.target == TargetState::Started { Wanted::Run } else { Wanted::Pause };
            for task in 0..state.tasks.len() as u32 {
                let id = TaskId::new(name, task);
                // A connector that was paused before it was ever started has no places yet.
                if state.target == TargetState::Paused && self.log.reference.place(&id, u64::MAX).is_none() {
                    continue;
                }
                match homes.get(&id).map_or(&[][..], Vec::as_slice) {
                    [(p, is)] if *is == shows && !self.links.is_lasting(*p) => {}
                    other => return Some(format!("{id} shall be {shows:?} once, and is {other:?}")),
                }
                wanted.insert(id);
            }
        }
        let surplus = homes.keys().find(|id| !wanted.contains(id))?;
        Some(format!("{surplus} is alive and shall not be"))
    }

    fn uneven(&self) -> Option<String> {
        let workers = self.reachable();
        let mut total: BTreeMap<&str, usize> =
            workers.iter().map(|p| (self.processes[*p].address.as_str(), 0)).collect();
        let empty = total.clone();
        for (name, state) in self.log.reference.newest() {
            let mut own = empty.clone();
            for task in 0..state.tasks.len() as u32 {
                if let Some(Place::On(worker)) = self.log.reference.place(&TaskId::new(name, task), u64::MAX)
                {
                    *own.entry(worker).or_default() += 1;
                    *total.entry(worker).or_default() += 1;
                }
            }
            if spread(&own) > 1 {
                return Some(format!("{name} is spread unevenly: {own:?}"));
            }
        }
        (spread(&total) > 1).then(|| format!("tasks are spread unevenly: {total:?}"))
    }

    /// What the status log says last is so.
    fn wrong_status(&self) -> Option<String> {
        for (name, state) in
            self.log.reference.newest().filter(|(_, state)| state.target == TargetState::Started)
        {
            let tasks = (0..state.tasks.len() as u32).map(|task| StatusKey::Task(TaskId::new(name, task)));
            for key in tasks.chain([StatusKey::Connector(name.to_owned())]) {
                let status = self.states.get(&key).copied().flatten();
                if status.is_none_or(|(state, _)| state != RunState::Running) {
                    return Some(format!("the status log says {status:?} of {key:?}"));
                }
            }
        }
        let exists = |key: &&StatusKey| match key {
            StatusKey::Report => true,
            StatusKey::Connector(name) => self.log.reference.state(name, u64::MAX).is_some(),
            StatusKey::Task(id) => {
                let state = self.log.reference.state(&id.connector, u64::MAX);
                state.is_some_and(|state| (id.task as usize) < state.tasks.len())
            }
        };
        let mut left = self.states.iter().filter(|(_, state)| state.is_some()).map(|(key, _)| key);
        left.find(|key| !exists(key)).map(|key| format!("the status log keeps {key:?}"))
    }

    fn left_over(&self) -> Option<String> {
        let garbage = self.log.garbage();
        (!garbage.is_empty()).then(|| format!("the log keeps {garbage:?} of connectors that are gone"))
    }
}

fn spread(load: &BTreeMap<&str, usize>) -> usize {
    let most = load.values().max().copied().unwrap_or(0);
    most - load.values().min().copied().unwrap_or(0)
}
