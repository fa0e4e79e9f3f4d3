//! Where tasks run: what the leader wrote for each connector, and what workers report of themselves.
use crate::TaskId;
use std::collections::{BTreeMap, BTreeSet};

/// Where one task runs. Workers are named by the URL they advertise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    On(String),
    /// `from` has to end it before `to` may start it: until then nobody runs it.
    Moving {
        from: String,
        to: String,
    },
}

/// The places of a connector's tasks, by task number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placement {
    /// Of the leader that wrote it.
    pub epoch: u64,
    /// Rises with every placement that is written, whatever its connector and epoch. An epoch's turns are greater than
    /// all of earlier epochs even where compaction has taken those away, so no old [`Report`] is of a later turn.
    pub turn: u64,
    pub tasks: Vec<Place>,
}

/// What a worker says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The newest turn that it has carried out.
    pub turn: u64,
    /// It is about to stop and takes no task any more.
    pub is_leaving: bool,
    /// Tasks that were alive on it, running or still stopping.
    pub holding: BTreeSet<TaskId>,
}

/// How many turns an epoch has room for. Turns stay below 2^53 for 500 million leaders.
pub(crate) const TURNS: u64 = 1 << 24;

/// Of how many tasks without a place it is known where they were.
const LEFT_MAX: usize = 4096;

/// All placements, and who leads, as the config log has them.
#[derive(Debug, Clone, Default)]
pub struct Placements {
    of: BTreeMap<String, Placement>,
    /// Who had the tasks that have no place any more, with the turn of their last one: they may still be ending there.
    left: BTreeMap<TaskId, (u64, String)>,
    turn: u64,
    epoch: u64,
    leader: Option<String>,
}

impl Placements {
    pub fn get(&self, connector: &str) -> Option<&Placement> {
        self.of.get(connector)
    }

    pub fn place(&self, id: &TaskId) -> Option<&Place> {
        self.of.get(&id.connector)?.tasks.get(id.task as usize)
    }

    /// Where a task that has no place was last: it may still be ending there.
    pub(crate) fn left(&self, id: &TaskId) -> Option<&str> {
        self.left.get(id).map(|(_, worker)| worker.as_str())
    }

    /// The newest turn that was read.
    pub fn turn(&self) -> u64 {
        self.turn
    }

    /// The newest epoch that was read.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Who announced the newest epoch.
    pub fn leader(&self) -> Option<&str> {
        self.leader.as_deref()
    }

    /// Placements under which this worker has to give a task up, with their turns.
    pub(crate) fn leaving<'a>(&'a self, worker: &'a str) -> impl Iterator<Item = (TaskId, u64)> + 'a {
        self.of.iter().flat_map(move |(name, placement)| {
            let is_leaving =
                move |place: &Place| matches!(place, Place::Moving { from, .. } if from == worker);
            let numbered = placement.tasks.iter().enumerate().filter(move |(_, place)| is_leaving(place));
            numbered.map(move |(number, _)| (TaskId::new(name, number as u32), placement.turn))
        })
    }

    /// Whether any task is, or is about to be no more, with this worker.
    pub(crate) fn names(&self, worker: &str) -> bool {
        self.of.values().flat_map(|placement| &placement.tasks).any(|place| match place {
            Place::On(on) => on == worker,
            Place::Moving { from, .. } => from == worker,
        })
    }

    pub(crate) fn announce(&mut self, epoch: u64, leader: String) {
        if epoch >= self.epoch {
            self.epoch = epoch;
            self.turn = self.turn.max(epoch.saturating_mul(TURNS));
            self.leader = Some(leader);
        }
    }

    /// Takes a placement; one of an earlier leader than the newest is from a leader that did not know it was over.
    pub(crate) fn put(&mut self, connector: &str, placement: Option<Placement>) {
        match placement {
            Some(placement) if placement.epoch < self.epoch => {}
            Some(placement) => {
                self.turn = self.turn.max(placement.turn);
                let placed = placement.tasks.len() as u32;
                (0..placed).for_each(|task| drop(self.left.remove(&TaskId::new(connector, task))));
                let old = self.of.insert(connector.to_owned(), placement);
                self.leave(connector, old, placed);
            }
            None => {
                let old = self.of.remove(connector);
                self.leave(connector, old, 0);
            }
        }
    }

    /// Remembers where the tasks from this number on were.
    fn leave(&mut self, connector: &str, old: Option<Placement>, from: u32) {
        let Some(Placement { turn, tasks, .. }) = old else { return };
        for (number, place) in tasks.into_iter().enumerate().skip(from as usize) {
            let (Place::On(worker) | Place::Moving { from: worker, .. }) = place;
            self.left.insert(TaskId::new(connector, number as u32), (turn, worker));
        }
        while self.left.len() > LEFT_MAX {
            let oldest = self.left.iter().min_by_key(|(_, (turn, _))| *turn).map(|(id, _)| id.clone());
            oldest.and_then(|id| self.left.remove(&id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placement(epoch: u64, turn: u64, on: &str) -> Placement {
        Placement { epoch, turn, tasks: vec![Place::On(on.into())] }
    }

    #[test]
    fn a_placement_of_an_earlier_leader_is_not_taken() {
        let mut placements = Placements::default();
        placements.announce(2, "b".into());
        placements.put("c", Some(placement(2, 7, "b")));
        placements.put("c", Some(placement(1, 8, "a")));
        assert_eq!(placements.place(&TaskId::new("c", 0)), Some(&Place::On("b".into())));
        assert_eq!((placements.epoch(), placements.leader()), (2, Some("b")));
    }

    #[test]
    fn it_is_known_for_a_while_where_tasks_were() {
        let mut placements = Placements::default();
        let id = TaskId::new("c", 0);
        placements.put("c", Some(placement(1, 1, "a")));
        assert_eq!(placements.left(&id), None);
        placements.put("c", Some(Placement { epoch: 1, turn: 2, tasks: vec![] }));
        assert_eq!(placements.left(&id), Some("a"));
        for other in 0..LEFT_MAX as u64 {
            placements.put(&other.to_string(), Some(placement(1, 3 + other, "a")));
            placements.put(&other.to_string(), None);
        }
        assert_eq!((placements.left(&id), placements.left.len()), (None, LEFT_MAX));
    }

    #[test]
    fn turns_rise_over_epochs_even_when_the_newest_placement_was_deleted_and_compacted_away() {
        let mut placements = Placements::default();
        placements.announce(2, "a".into());
        placements.put("c", Some(placement(2, 2 * TURNS + 1, "a")));
        let before = placements.turn();
        let mut compacted = Placements::default();
        compacted.announce(2, "a".into());
        compacted.announce(3, "b".into());
        assert!(compacted.turn() >= before, "{} < {before}", compacted.turn());
    }

    #[test]
    fn a_worker_is_told_which_tasks_it_has_to_give_up() {
        let mut placements = Placements::default();
        let tasks = vec![Place::On("a".into()), Place::Moving { from: "a".into(), to: "b".into() }];
        placements.put("c", Some(Placement { epoch: 1, turn: 3, tasks }));
        assert_eq!(placements.leaving("a").collect::<Vec<_>>(), [(TaskId::new("c", 1), 3)]);
        assert!(placements.names("a") && !placements.names("b"));
    }
}
