//! What the config log says, record by record: connectors, their target states and their committed tasks.
use crate::{Placement, Placements, Properties, TargetState, TaskId};
use std::collections::BTreeMap;

/// One record of the config log, already parsed by whoever owns the format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigRecord {
    /// `None` deletes the connector.
    Connector {
        name: String,
        config: Option<Properties>,
    },
    Target {
        name: String,
        target: Option<TargetState>,
    },
    /// Counts only once the commit of its connector has come.
    Task {
        id: TaskId,
        config: Option<Properties>,
    },
    Commit {
        name: String,
        tasks: u32,
    },
    /// A worker leads from here on; epochs rise.
    Leader {
        epoch: u64,
        worker: String,
    },
    /// Where the leader wants the connector's tasks to run.
    Placement {
        name: String,
        placement: Option<Placement>,
    },
    /// Producers of all former tasks are shut out, and this many tasks may have some from here on.
    Fenced {
        name: String,
        tasks: Option<u32>,
    },
}

/// Whose producers may be writing for a connector, or for one that is gone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fencing {
    /// How many tasks the newest record counts; `None` without one.
    pub tasks: Option<u32>,
    /// Tasks were committed, or the connector was deleted, since that record: tasks of before may go on somewhere.
    pub is_due: bool,
    /// No other commit, of this or another connector, has the same.
    pub generation: u64,
}

/// A connector as the log has it.
#[derive(Debug, Clone, Default)]
pub struct Connector {
    pub config: Properties,
    pub target: TargetState,
    /// Committed task settings; the index is the task's number.
    pub tasks: Vec<Properties>,
    /// Raised by each record of its config, also when nothing changed in it. No other connector, and no earlier one of
    /// its name, has the same: a plan that comes late is never taken for that of another.
    pub revision: u64,
    /// Raised when it leaves STOPPED, which forgets its tasks.
    pub epoch: u64,
}

/// All connectors.
#[derive(Debug, Clone, Default)]
pub struct Configs {
    connectors: BTreeMap<String, Connector>,
    /// A target state may be written before its connector: that is how a connector is created paused.
    early_targets: BTreeMap<String, TargetState>,
    /// Task records that wait for their commit. They outlive their connector in the log, so they are kept apart:
    /// an old one never revives a deleted connector or a task beyond the committed count.
    pending: BTreeMap<TaskId, Properties>,
    /// Commits that came before their connector: compaction leaves the newest record of each key, and a connector's
    /// settings may have been written again after its tasks.
    early_commits: BTreeMap<String, u32>,
    revisions: u64,
    placements: Placements,
    fencings: BTreeMap<String, Fencing>,
}

impl Configs {
    pub fn get(&self, name: &str) -> Option<&Connector> {
        self.connectors.get(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Connector)> {
        self.connectors.iter().map(|(name, connector)| (name.as_str(), connector))
    }

    /// Where tasks run, and who says so.
    pub fn placements(&self) -> &Placements {
        &self.placements
    }

    /// `None` for a connector that never had tasks, or is gone with all producers of its.
    pub fn fencing(&self, name: &str) -> Option<&Fencing> {
        self.fencings.get(name)
    }

    /// The same where producers are to be shut out. A record without a connector says so too: the deletion may have been
    /// compacted away before the record was.
    pub fn due_fencing(&self, name: &str) -> Option<&Fencing> {
        let is_left = || !self.connectors.contains_key(name);
        self.fencings.get(name).filter(|fencing| fencing.is_due || is_left())
    }

    pub(crate) fn fencings(&self) -> impl Iterator<Item = (&str, &Fencing)> {
        self.fencings.iter().map(|(name, fencing)| (name.as_str(), fencing))
    }

    pub fn apply(&mut self, record: ConfigRecord) {
        match record {
            ConfigRecord::Connector { name, config: Some(config) } => self.put(&name, config),
            ConfigRecord::Connector { name, config: None } => {
                self.connectors.remove(&name);
                self.early_targets.remove(&name);
                self.early_commits.remove(&name);
                self.pending.retain(|id, _| id.connector != name);
                self.placements.put(&name, None);
                match self.fencings.get(&name) {
                    Some(Fencing { tasks: Some(_), .. }) => self.due(&name),
                    Some(_) | None => drop(self.fencings.remove(&name)),
                }
            }
            ConfigRecord::Target { name, target } => self.target(name, target),
            ConfigRecord::Task { id, config: Some(config) } => {
                self.pending.insert(id, config);
            }
            ConfigRecord::Task { id, config: None } => {
                self.pending.remove(&id);
            }
            ConfigRecord::Commit { name, tasks } => {
                // That of a connector that is gone may be erased after it.
                let is_known = self.connectors.contains_key(&name) || self.fencings.contains_key(&name);
                if tasks > 0 || is_known {
                    self.due(&name);
                }
                self.commit(&name, tasks);
            }
            ConfigRecord::Leader { epoch, worker } => self.placements.announce(epoch, worker),
            ConfigRecord::Placement { name, placement } => self.placements.put(&name, placement),
            ConfigRecord::Fenced { name, tasks } => self.fenced(name, tasks),
        }
    }

    /// From here on, tasks of before may go on where this is not known yet.
    fn due(&mut self, name: &str) {
        self.revisions += 1;
        let fencing = self.fencings.entry(name.to_owned()).or_default();
        (fencing.is_due, fencing.generation) = (true, self.revisions);
    }

    fn fenced(&mut self, name: String, tasks: Option<u32>) {
        match tasks {
            Some(_) => {
                let fencing = self.fencings.entry(name).or_default();
                (fencing.tasks, fencing.is_due) = (tasks, false);
            }
            None if self.connectors.contains_key(&name) => {
                if let Some(fencing) = self.fencings.get_mut(&name) {
                    fencing.tasks = None;
                }
            }
            None => drop(self.fencings.remove(&name)),
        }
    }

    fn put(&mut self, name: &str, config: Properties) {
        let early = self.early_targets.remove(name);
        let connector = self.connectors.entry(name.to_owned()).or_default();
        connector.config = config;
        self.revisions += 1;
        connector.revision = self.revisions;
        if let Some(target) = early {
            connector.target = target;
        }
        if let Some(tasks) = self.early_commits.remove(name) {
            self.commit(name, tasks);
        }
    }

    fn target(&mut self, name: String, target: Option<TargetState>) {
        match (self.connectors.get_mut(&name), target) {
            (Some(connector), target) => {
                let target = target.unwrap_or_default();
                if connector.target == TargetState::Stopped && target != TargetState::Stopped {
                    connector.epoch += 1;
                }
                connector.target = target;
            }
            (None, Some(target)) => {
                self.early_targets.insert(name, target);
            }
            (None, None) => {
                self.early_targets.remove(&name);
            }
        }
    }

    /// Takes the commit only when every task it counts is there: compaction may have left fewer.
    fn commit(&mut self, name: &str, tasks: u32) {
        let Some(connector) = self.connectors.get_mut(name) else {
            self.early_commits.insert(name.to_owned(), tasks);
            return;
        };
        let known = |task: u32| {
            let id = TaskId::new(name, task);
            self.pending.get(&id).or_else(|| connector.tasks.get(task as usize)).cloned()
        };
        let complete: Option<Vec<_>> = (0..tasks).map(known).collect();
        // An incomplete set makes the leader plan again, which writes a complete one.
        connector.tasks = complete.unwrap_or_default();
        self.pending.retain(|id, _| id.connector != name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Properties {
        [("k", text)].into_iter().collect()
    }

    fn put(name: &str) -> ConfigRecord {
        ConfigRecord::Connector { name: name.into(), config: Some(config("c")) }
    }

    fn task(number: u32) -> ConfigRecord {
        ConfigRecord::Task { id: TaskId::new("a", number), config: Some(config("t")) }
    }

    fn commit(tasks: u32) -> ConfigRecord {
        ConfigRecord::Commit { name: "a".into(), tasks }
    }

    fn tasks_after(records: Vec<ConfigRecord>) -> Option<usize> {
        let mut configs = Configs::default();
        for record in records {
            configs.apply(record);
        }
        configs.get("a").map(|connector| connector.tasks.len())
    }

    #[test]
    fn tasks_count_only_once_they_are_committed() {
        assert_eq!(tasks_after(vec![put("a"), task(0)]), Some(0));
        assert_eq!(tasks_after(vec![put("a"), task(0), commit(1)]), Some(1));
        assert_eq!(tasks_after(vec![put("a"), task(0), task(1), commit(2), commit(1)]), Some(1));
    }

    #[test]
    fn a_commit_without_its_tasks_leaves_none() {
        assert_eq!(tasks_after(vec![put("a"), task(0), commit(2)]), Some(0));
    }

    #[test]
    fn old_task_records_do_not_revive_a_deleted_connector() {
        let gone = ConfigRecord::Connector { name: "a".into(), config: None };
        assert_eq!(tasks_after(vec![put("a"), task(0), commit(1), gone.clone()]), None);
        assert_eq!(tasks_after(vec![task(0), commit(1), gone, put("a")]), Some(0));
    }

    #[test]
    fn tasks_that_compaction_left_before_their_connector_count() {
        assert_eq!(tasks_after(vec![task(0), commit(1), put("a")]), Some(1));
    }

    fn fenced(tasks: Option<u32>) -> ConfigRecord {
        ConfigRecord::Fenced { name: "a".into(), tasks }
    }

    fn fencing_after(records: Vec<ConfigRecord>) -> Option<(Option<u32>, bool)> {
        let mut configs = Configs::default();
        for record in records {
            configs.apply(record);
        }
        configs.fencing("a").map(|fencing| (fencing.tasks, fencing.is_due))
    }

    #[test]
    fn a_commit_makes_fencing_due_until_a_record_says_that_it_is_done() {
        let gone = || ConfigRecord::Connector { name: "a".into(), config: None };
        let check = |records, expected| assert_eq!(fencing_after(records), expected);
        check(vec![put("a")], None);
        check(vec![put("a"), task(0), commit(1)], Some((None, true)));
        check(vec![put("a"), task(0), commit(1), fenced(Some(1))], Some((Some(1), false)));
        check(vec![fenced(Some(1)), task(0), commit(1), put("a")], Some((Some(1), true)));
        check(vec![task(0), commit(1), fenced(Some(1)), put("a")], Some((Some(1), false)));
        // Producers of a deleted connector are still to be shut out, also when there is another of its name.
        check(vec![put("a"), task(0), commit(1), fenced(Some(1)), gone()], Some((Some(1), true)));
        check(vec![put("a"), fenced(Some(1)), gone(), put("a")], Some((Some(1), true)));
        check(vec![put("a"), fenced(Some(1)), gone(), fenced(None)], None);
        check(vec![put("a"), fenced(Some(0)), gone(), commit(0)], Some((Some(0), true)));
        check(vec![put("a"), task(0), commit(1), gone(), commit(0)], None);
        check(vec![put("a"), task(0), commit(1), fenced(Some(1)), fenced(None)], Some((None, false)));
    }

    #[test]
    fn a_target_before_its_connector_creates_it_in_that_state() {
        let mut configs = Configs::default();
        configs.apply(ConfigRecord::Target { name: "a".into(), target: Some(TargetState::Paused) });
        configs.apply(put("a"));
        assert_eq!(configs.get("a").map(|connector| connector.target), Some(TargetState::Paused));
    }
}
