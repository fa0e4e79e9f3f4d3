//! Decides which files of a listing are read, and where each begins. Without any I/O.
use std::collections::{BTreeMap, BTreeSet};

use super::position::{LANES, Position, Seen, lane};
use super::read::Place;
use crate::bucket::Object;

/// The lanes of one task, and what was read of each.
#[derive(Clone, Debug)]
pub struct Choice {
    lanes: BTreeMap<u32, Position>,
    /// Lanes whose last file was not read to its end, and did not come by in this listing yet.
    open: BTreeSet<u32>,
    /// What a file does that is another one than the one that was begun.
    restarts: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is another task's, or was read.
    Skip,
    Read {
        lane: u32,
        place: Place,
    },
    /// A file that was begun is another one now.
    Replaced,
    /// A file that was begun is no longer there. Asked again, this one is decided about.
    Gone(String),
}

impl Choice {
    /// `stored` answers what is known of a lane.
    pub fn new(task: u32, tasks: u32, restarts: bool, stored: impl Fn(u32) -> Position) -> Self {
        let own = (0..LANES).filter(|lane| lane % tasks.max(1) == task);
        let lanes: BTreeMap<u32, Position> = own.map(|lane| (lane, stored(lane))).collect();
        let mut new = Self { lanes, open: BTreeSet::new(), restarts };
        new.begin();
        new
    }

    #[cfg(test)]
    fn lanes(&self) -> impl Iterator<Item = (u32, &Position)> {
        self.lanes.iter().map(|(lane, position)| (*lane, position))
    }

    /// A listing begins.
    pub fn begin(&mut self) {
        let is_open = |position: &Position| matches!(&position.file, Some(Seen { place: Some(_), .. }));
        self.open =
            self.lanes.iter().filter(|(_, position)| is_open(position)).map(|(lane, _)| *lane).collect();
    }

    /// A key before everything that may have to be read. None for the beginning.
    pub fn floor(&self) -> Option<String> {
        let mut least: Option<&Seen> = None;
        for position in self.lanes.values() {
            let seen = position.file.as_ref()?;
            if least.is_none_or(|least| seen.key < least.key) {
                least = Some(seen);
            }
        }
        let mut key = least?.key.clone();
        // A file that goes on has to come by: what is shorter comes before it.
        if least?.place.is_some() {
            key.pop();
        }
        Some(key).filter(|key| !key.is_empty())
    }

    /// What becomes of the next file, in the order of the listing.
    pub fn decide(&mut self, object: &Object) -> Decision {
        let lane = lane(&object.key);
        let Some(position) = self.lanes.get(&lane) else { return Decision::Skip };
        let begun = Decision::Read { lane, place: Place::default() };
        let Some(seen) = &position.file else { return begun };
        match (object.key.as_str().cmp(&seen.key), &seen.place) {
            (std::cmp::Ordering::Less, _) | (std::cmp::Ordering::Equal, None) => Decision::Skip,
            (std::cmp::Ordering::Equal, Some(place)) => {
                let place = *place;
                let is_same = seen.is_of(&object.key, &object.etag);
                self.open.remove(&lane);
                match (is_same, self.restarts) {
                    (true, _) => Decision::Read { lane, place },
                    (false, true) => begun,
                    (false, false) => Decision::Replaced,
                }
            }
            (std::cmp::Ordering::Greater, _) if self.open.contains(&lane) => {
                let key = seen.key.clone();
                self.open.remove(&lane);
                Decision::Gone(key)
            }
            (std::cmp::Ordering::Greater, _) => begun,
        }
    }

    /// The listing is at its end: files that should have come by and did not.
    pub fn missing(&mut self) -> Vec<String> {
        let open = std::mem::take(&mut self.open);
        open.iter().filter_map(|lane| self.lanes[lane].file.as_ref()).map(|seen| seen.key.clone()).collect()
    }

    /// The file was handed on: in this run, nothing up to it is read again.
    pub fn handed(&mut self, lane: u32, object: &Object) {
        if let Some(position) = self.lanes.get_mut(&lane) {
            let (key, etag) = (object.key.clone(), object.etag.clone());
            position.file = Some(Seen { key, etag, modified_ms: object.modified_ms, place: None });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn object(key: &str, etag: &str) -> Object {
        Object { key: key.into(), size: 1, etag: etag.into(), modified_ms: None }
    }

    fn at(row: u64) -> Place {
        Place { at: 0, row, skip: 0 }
    }

    /// One task, of which every lane stands at the same file.
    fn stands(key: &str, etag: &str, place: Option<Place>, restarts: bool) -> Choice {
        let file = Some(Seen { key: key.into(), etag: etag.into(), modified_ms: None, place });
        let position = Position { file, is_complete: false };
        Choice::new(0, 1, restarts, |_| position.clone())
    }

    #[test]
    fn a_file_goes_on_where_it_was_left() {
        let mut choice = stands("b", "e", Some(at(7)), false);
        assert_eq!(choice.floor(), None, "the file itself has to come by");
        assert_eq!(choice.decide(&object("a", "e")), Decision::Skip);
        assert_eq!(choice.decide(&object("b", "e")), Decision::Read { lane: lane("b"), place: at(7) });
        let mut choice = stands("dir/b", "e", Some(at(7)), false);
        assert_eq!(choice.floor().as_deref(), Some("dir/"));
        assert_eq!(choice.decide(&object("dir/b", "f")), Decision::Replaced);
        let mut choice = stands("b", "e", Some(at(7)), true);
        assert_eq!(choice.decide(&object("b", "f")), Decision::Read { lane: lane("b"), place: at(0) });
    }

    #[test]
    fn what_was_read_is_not_read_again() {
        let mut choice = stands("b", "e", None, false);
        assert_eq!(choice.floor().as_deref(), Some("b"));
        assert_eq!(choice.decide(&object("b", "f")), Decision::Skip);
        assert_eq!(choice.decide(&object("c", "f")), Decision::Read { lane: lane("c"), place: at(0) });
        choice.handed(lane("c"), &object("c", "f"));
        assert_eq!(choice.decide(&object("c", "f")), Decision::Skip);
        assert_eq!(choice.missing(), [""; 0]);
    }

    #[test]
    fn a_file_that_was_begun_and_is_gone_is_noticed() {
        let mut choice = stands("b", "e", Some(at(7)), false);
        assert_eq!(choice.decide(&object("c", "e")), Decision::Gone("b".into()));
        assert_eq!(choice.decide(&object("c", "e")), Decision::Read { lane: lane("c"), place: at(0) });
        let all = choice.missing().len();
        assert_eq!(all, LANES as usize - 1, "the other lanes saw nothing go by");
    }

    proptest! {
        /// Whatever the number of tasks was and becomes, each file is read once.
        #[test]
        fn tasks_share_files_without_gap(
            keys in proptest::collection::btree_set("[a-c/]{1,4}", 0..40), cut in 0_usize..40, before in 1_u32..9, after in 1_u32..9,
        ) {
            let objects: Vec<Object> = keys.iter().map(|key| object(key, "e")).collect();
            let mut stored: BTreeMap<u32, Position> = BTreeMap::new();
            let mut read = Vec::new();
            for (tasks, limit) in [(before, cut), (after, usize::MAX)] {
                for task in 0..tasks {
                    let mut choice = Choice::new(task, tasks, false, |lane| stored.get(&lane).cloned().unwrap_or_default());
                    let floor = choice.floor();
                    let listed = objects.iter().filter(|object| floor.as_ref().is_none_or(|floor| object.key > *floor));
                    for object in listed.take(limit) {
                        if let Decision::Read { lane, .. } = choice.decide(object) {
                            read.push(object.key.clone());
                            choice.handed(lane, object);
                        }
                    }
                    prop_assert_eq!(choice.missing().len(), 0);
                    stored.extend(choice.lanes().map(|(lane, position)| (lane, position.clone())));
                }
            }
            read.sort();
            prop_assert_eq!(read, keys.into_iter().collect::<Vec<_>>());
        }
    }
}
