//! The records of the leader's writes, made from what the leader knows when it sends them.
use crate::log::{Draft, Record};
use crate::options::Mutant;
use crate::process::{Departure, Intent};
use crate::world::World;
use penstock_cluster::{ConfigRecord, Properties, TargetState};

impl World {
    /// Nothing is written of a connector that has been deleted meanwhile.
    pub fn drafts(&self, p: usize, intent: Intent) -> (Vec<Draft>, Vec<Departure>) {
        let process = &self.processes[p];
        let exists = |name: &str| process.herder.configs().get(name).is_some();
        let drafts = match intent {
            Intent::Announce { epoch } => {
                vec![Draft::new(ConfigRecord::Leader { epoch, worker: process.address.clone() })]
            }
            Intent::Place { changed, departures } => {
                let changed = changed.into_iter().filter(|(name, _)| exists(name));
                let record = |(name, placement)| ConfigRecord::Placement { name, placement: Some(placement) };
                return (changed.map(record).map(Draft::new).collect(), departures);
            }
            Intent::Create { name, config, target } => {
                let target = target.map(|target| Draft::target(&name, Some(target)));
                target.into_iter().chain([Draft::connector(&name, Some(&config))]).collect()
            }
            Intent::Restart { name, restart } => {
                vec![Draft { record: Record::Restart { name, restart }, is_tombstone: false }]
            }
            Intent::Tasks { name, .. }
            | Intent::Configure { name, .. }
            | Intent::Target { name, .. }
            | Intent::Delete { name }
                if !exists(&name) =>
            {
                Vec::new()
            }
            Intent::Tasks { name, tasks } => self.tasks_drafts(p, &name, &tasks),
            Intent::Configure { name, config } => vec![Draft::connector(&name, Some(&config))],
            Intent::Target { name, target } => {
                let mut drafts = Vec::new();
                if target == TargetState::Stopped {
                    drafts = self.tasks_drafts(p, &name, &[]);
                }
                drafts.push(Draft::target(&name, Some(target)));
                drafts
            }
            Intent::Delete { name } => self.deletion(p, &name),
            Intent::Fence { name, generation, tasks } => {
                let fencing = process.herder.configs().due_fencing(&name);
                let is_same = fencing.is_some_and(|it| it.generation == generation);
                let record = is_same.then(|| Draft::new(ConfigRecord::Fenced { name, tasks }));
                record.into_iter().collect()
            }
        };
        (drafts, Vec::new())
    }

    fn known_tasks(&self, p: usize, name: &str) -> usize {
        self.processes[p].herder.configs().get(name).map_or(0, |connector| connector.tasks.len())
    }

    /// Task records, the commit that makes them count, and the end of those that are too many.
    fn tasks_drafts(&self, p: usize, name: &str, tasks: &[Properties]) -> Vec<Draft> {
        let numbered = tasks.iter().enumerate();
        let mut drafts: Vec<_> =
            numbered.map(|(number, task)| Draft::task(name, number, Some(task))).collect();
        drafts.push(Draft::commit(name, tasks.len()));
        drafts.extend((tasks.len()..self.known_tasks(p, name)).map(|number| Draft::task(name, number, None)));
        drafts
    }

    fn deletion(&self, p: usize, name: &str) -> Vec<Draft> {
        let mut drafts = vec![Draft::connector(name, None), Draft::target(name, None)];
        if !self.options.has(Mutant::DeletionLeavesTasks) {
            drafts.extend([Draft::no_commit(name), Draft::no_placement(name)]);
            drafts.extend((0..self.known_tasks(p, name)).map(|task| Draft::task(name, task, None)));
        }
        drafts
    }
}
