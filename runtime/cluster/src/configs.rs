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

    pub fn apply(&mut self, record: ConfigRecord) {
        match record {
            ConfigRecord::Connector { name, config: Some(config) } => self.put(&name, config),
            ConfigRecord::Connector { name, config: None } => {
                self.connectors.remove(&name);
                self.early_targets.remove(&name);
                self.early_commits.remove(&name);
                self.pending.retain(|id, _| id.connector != name);
                self.placements.put(&name, None);
            }
            ConfigRecord::Target { name, target } => self.target(name, target),
            ConfigRecord::Task { id, config: Some(config) } => {
                self.pending.insert(id, config);
            }
            ConfigRecord::Task { id, config: None } => {
                self.pending.remove(&id);
            }
            ConfigRecord::Commit { name, tasks } => self.commit(&name, tasks),
            ConfigRecord::Leader { epoch, worker } => self.placements.announce(epoch, worker),
            ConfigRecord::Placement { name, placement } => self.placements.put(&name, placement),
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

    #[test]
    fn a_target_before_its_connector_creates_it_in_that_state() {
        let mut configs = Configs::default();
        configs.apply(ConfigRecord::Target { name: "a".into(), target: Some(TargetState::Paused) });
        configs.apply(put("a"));
        assert_eq!(configs.get("a").map(|connector| connector.target), Some(TargetState::Paused));
    }
}
