//! Shuts former tasks' producers out before tasks of new settings start: they may go on where nobody knows that yet.
use super::Herder;
use crate::{Action, Configs, Failure, Fencing, Properties, RunState};
use std::fmt;

/// Which connectors' tasks write under an identity of their own, as sources do that deliver exactly once.
pub struct Fences {
    pub is_fenced: Box<dyn Fn(&Properties) -> bool + Send + Sync>,
    /// Whether tasks here wait for it. Where they do not, this worker does it for others while it leads.
    pub waits: bool,
}

impl fmt::Debug for Fences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fences").field("waits", &self.waits).finish_non_exhaustive()
    }
}

/// How far the leader is with a connector. `generation` names the commit that it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fence {
    /// One that failed before stays a failure until it is done.
    Asked {
        generation: u64,
        failures: u32,
    },
    Failed {
        retry_at: u64,
        failures: u32,
    },
}

impl Fence {
    pub(super) fn retry_at(&self) -> Option<u64> {
        match self {
            Self::Asked { .. } => None,
            Self::Failed { retry_at, .. } => Some(*retry_at),
        }
    }
}

impl Herder {
    /// True while tasks of other settings than the newest may be writing.
    pub(super) fn waits_for_fencing(&self, configs: &Configs, name: &str) -> bool {
        let Some(fences) = self.fences.as_ref().filter(|fences| fences.waits) else { return false };
        let is_due = configs.fencing(name).is_some_and(|fencing| fencing.is_due);
        is_due && configs.get(name).is_some_and(|connector| (fences.is_fenced)(&connector.config))
    }

    /// True while producers of the connector's former tasks may still be writing.
    pub fn awaits_fencing(&self, name: &str) -> bool {
        self.waits_for_fencing(&self.configs, name)
    }

    pub(super) fn has_not_fenced(&self, name: &str) -> bool {
        self.fencing_failures(name) > 0
    }

    fn fencing_failures(&self, name: &str) -> u32 {
        match self.fencing.get(name) {
            Some(Fence::Asked { failures, .. } | Fence::Failed { failures, .. }) => *failures,
            None => 0,
        }
    }

    pub(super) fn reconcile_fencing(&mut self) {
        let Some(fences) = self.fences.as_ref().filter(|_| self.leads()) else { return };
        let mut asked = Vec::new();
        let is_due = |(name, _): &(&str, &Fencing)| self.configs.due_fencing(name).is_some();
        for (name, fencing) in self.configs.fencings().filter(is_due) {
            let tasks = match self.configs.get(name) {
                Some(connector) if (fences.is_fenced)(&connector.config) => {
                    Some(connector.tasks.len() as u32)
                }
                // Its record has to go, even where it counts nobody.
                None if fencing.tasks.is_some() => None,
                Some(_) | None => continue,
            };
            let is_waiting = match self.fencing.get(name) {
                Some(Fence::Asked { generation, .. }) => *generation == fencing.generation,
                Some(Fence::Failed { retry_at, .. }) => *retry_at > self.now,
                None => false,
            };
            if !is_waiting {
                asked.push((name.to_owned(), fencing.generation, fencing.tasks.unwrap_or(0), tasks));
            }
        }
        for (name, generation, former, tasks) in asked {
            let failures = self.fencing_failures(&name);
            self.fencing.insert(name.clone(), Fence::Asked { generation, failures });
            self.actions.push(Action::Fence { name, generation, former, tasks });
        }
    }

    /// What was committed meanwhile makes it due again.
    pub(super) fn fenced(&mut self, name: &str, generation: u64, outcome: Result<(), Failure>) {
        if !matches!(self.fencing.get(name), Some(Fence::Asked { generation: asked, .. }) if *asked == generation)
        {
            return;
        }
        let Err(failure) = outcome else {
            self.fencing.remove(name);
            return;
        };
        let failures = self.fencing_failures(name) + 1;
        let retry_at = self.now + self.backoff(failures);
        self.fencing.insert(name.to_owned(), Fence::Failed { retry_at, failures });
        if self.configs.get(name).is_some() && self.shown.get(name) != Some(&RunState::Failed) {
            self.shown.insert(name.to_owned(), RunState::Failed);
            let trace = Some(failure.trace);
            self.actions.push(Action::SetConnector { name: name.to_owned(), state: RunState::Failed, trace });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::TIMING;
    use super::*;
    use crate::{ConfigRecord, Event, Place, Placement, TaskId};
    use std::collections::BTreeSet;

    fn config(kind: &str, version: &str) -> Properties {
        [("kind", kind), ("v", version)].into_iter().collect()
    }

    fn member() -> Herder {
        let is_fenced = Box::new(|config: &Properties| config.get("kind") == Some("source"));
        Herder::member(TIMING, "a").with_fences(Fences { is_fenced, waits: true })
    }

    fn read(herder: &mut Herder, records: Vec<ConfigRecord>) -> Vec<Action> {
        records.into_iter().flat_map(|record| herder.step(0, Event::ConfigRead(record))).collect()
    }

    fn committed(kind: &str, version: &str, tasks: u32) -> Vec<ConfigRecord> {
        let config = config(kind, version);
        let mut records = vec![ConfigRecord::Connector { name: "c".into(), config: Some(config.clone()) }];
        records.extend(
            (0..tasks)
                .map(|task| ConfigRecord::Task { id: TaskId::new("c", task), config: Some(config.clone()) }),
        );
        records.push(ConfigRecord::Commit { name: "c".into(), tasks });
        records
    }

    fn placed(tasks: u32, turn: u64) -> ConfigRecord {
        let tasks = (0..tasks).map(|_| Place::On("a".into())).collect();
        ConfigRecord::Placement { name: "c".into(), placement: Some(Placement { epoch: 1, turn, tasks }) }
    }

    fn done(tasks: Option<u32>) -> ConfigRecord {
        ConfigRecord::Fenced { name: "c".into(), tasks }
    }

    /// A worker that leads, with what it did while it read these records.
    fn leader(records: Vec<ConfigRecord>) -> (Herder, Vec<Action>) {
        let mut herder = member();
        read(&mut herder, records);
        herder.step(0, Event::CaughtUp);
        herder.step(0, Event::Joined { is_first: true, members: BTreeSet::from(["a".to_owned()]) });
        herder.step(0, Event::Leading);
        let actions = read(&mut herder, vec![ConfigRecord::Leader { epoch: 1, worker: "a".into() }]);
        (herder, actions)
    }

    fn fences(actions: &[Action]) -> Vec<(u32, Option<u32>)> {
        let fence = |action: &Action| match action {
            Action::Fence { former, tasks, .. } => Some((*former, *tasks)),
            _ => None,
        };
        actions.iter().filter_map(fence).collect()
    }

    fn generation(actions: &[Action]) -> u64 {
        let fence = |action: &Action| match action {
            Action::Fence { generation, .. } => Some(*generation),
            _ => None,
        };
        actions.iter().find_map(fence).expect("a fence")
    }

    fn starts(actions: &[Action]) -> usize {
        actions.iter().filter(|action| matches!(action, Action::StartTask { .. })).count()
    }

    fn stops(actions: &[Action]) -> usize {
        actions.iter().filter(|action| matches!(action, Action::StopTask { .. })).count()
    }

    #[test]
    fn tasks_start_only_once_former_producers_are_shut_out() {
        let (mut herder, actions) = leader(committed("source", "1", 2));
        assert_eq!(fences(&actions), [(0, Some(2))]);
        assert_eq!(starts(&read(&mut herder, vec![placed(2, 1 << 25)])), 0);
        assert_eq!(starts(&read(&mut herder, vec![done(Some(2))])), 2);
    }

    #[test]
    fn new_settings_stop_tasks_and_start_them_behind_another_fence() {
        let mut records = committed("source", "1", 3);
        records.extend([done(Some(3)), placed(3, 1)]);
        let (mut herder, actions) = leader(records);
        assert_eq!((starts(&actions), fences(&actions).len()), (0, 0), "they run already");
        let actions = read(&mut herder, committed("source", "2", 1));
        assert_eq!((stops(&actions), starts(&actions)), (3, 0));
        assert_eq!(fences(&actions), [(3, Some(1))]);
        for task in 0..3 {
            let ended =
                Event::TaskEnded { id: TaskId::new("c", task), attempt: u64::from(task) + 1, failure: None };
            assert_eq!(starts(&herder.step(0, ended)), 0);
        }
        let generation = generation(&actions);
        let mut actions = read(&mut herder, vec![placed(1, 1 << 25), done(Some(1))]);
        actions.extend(herder.step(0, Event::Fenced { name: "c".into(), generation, outcome: Ok(()) }));
        assert_eq!((starts(&actions), fences(&actions).len()), (1, 0));
    }

    #[test]
    fn a_sink_waits_for_nothing() {
        let (mut herder, actions) = leader(committed("sink", "1", 2));
        assert_eq!(fences(&actions), []);
        assert_eq!(starts(&read(&mut herder, vec![placed(2, 1 << 25)])), 2);
    }

    #[test]
    fn a_commit_while_fencing_is_on_its_way_makes_another_fence() {
        let (mut herder, actions) = leader(committed("source", "1", 2));
        let first = generation(&actions);
        let actions = read(&mut herder, committed("source", "2", 1));
        assert_eq!(fences(&actions), [(0, Some(1))]);
        let late = Event::Fenced { name: "c".into(), generation: first, outcome: Ok(()) };
        assert_eq!(fences(&herder.step(0, late)), []);
        let outcome = Ok(());
        let skipped = Event::Fenced { name: "c".into(), generation: generation(&actions), outcome };
        assert_eq!(
            fences(&herder.step(0, skipped)),
            [(0, Some(1))],
            "it is due as long as no record says else"
        );
    }

    #[test]
    fn producers_of_a_deleted_connector_are_shut_out_and_its_record_erased() {
        let mut records = committed("source", "1", 2);
        records.extend([done(Some(2)), ConfigRecord::Connector { name: "c".into(), config: None }]);
        let (mut herder, actions) = leader(records);
        assert_eq!(fences(&actions), [(2, None)]);
        read(&mut herder, vec![done(None)]);
        assert_eq!(herder.configs().fencing("c"), None);
    }

    #[test]
    fn fencing_that_fails_is_shown_and_tried_again() {
        let (mut herder, actions) = leader(committed("source", "1", 2));
        let failure = Failure { trace: "no right".into(), is_restartable: true, is_fenced: false };
        let failed =
            Event::Fenced { name: "c".into(), generation: generation(&actions), outcome: Err(failure) };
        let actions = herder.step(0, failed);
        let shown = Action::SetConnector {
            name: "c".into(),
            state: RunState::Failed,
            trace: Some("no right".into()),
        };
        assert!(actions.contains(&shown), "{actions:?}");
        let due = herder.next_tick().expect("another try");
        assert_eq!(fences(&herder.step(due, Event::Ticked)), [(0, Some(2))]);
    }

    #[test]
    fn a_worker_that_only_prepares_fences_for_others_and_waits_for_nobody() {
        let (mut herder, _) = leader(Vec::new());
        if let Some(fences) = &mut herder.fences {
            fences.waits = false;
        }
        let mut records = committed("source", "1", 1);
        records.push(placed(1, 1 << 25));
        let actions = read(&mut herder, records);
        assert_eq!((starts(&actions), fences(&actions)), (1, vec![(0, Some(1))]));
    }
}
