//! Which shards a task reads now, and from where: children wait for their parents, whoever reads those.
use std::collections::{HashMap, HashSet};

use super::position::{Start, Stored};

/// A shard as the stream lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    pub id: String,
    /// At most two; they may be gone already.
    pub parents: Vec<String>,
    /// Hash keys that belong to it, both ends included.
    pub hash_keys: (u128, u128),
    /// Records can still be added.
    pub is_open: bool,
}

/// What is to be done with a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    Read(Start),
    /// Parents of it are not read to their end.
    Wait,
    /// It was read to its end.
    Done,
    /// It was closed before the connector began, which asked for later records only.
    Skip,
    /// It was read to its end and takes records: another stream has come in place of the first.
    Recreated,
}

/// Everything a decision depends on.
pub struct Lineage<'a, F> {
    pub listed: &'a HashMap<String, Shard>,
    /// What is stored of a shard, by any task, also of one that is no longer listed.
    pub stored: F,
    /// Where to begin when nothing is stored.
    pub start: Start,
}

impl<F: Fn(&str) -> Option<Stored>> Lineage<'_, F> {
    pub fn decide(&self, shard: &Shard) -> Decision {
        match (self.stored)(&shard.id) {
            Some(Stored::End) if shard.is_open => Decision::Recreated,
            Some(Stored::End) => Decision::Done,
            // It began once; only a parent that was set back goes before it.
            Some(Stored::From(start)) => {
                if self
                    .parents(shard)
                    .any(|parent| matches!((self.stored)(&parent.id), Some(Stored::From(_))))
                {
                    Decision::Wait
                } else {
                    Decision::Read(start)
                }
            }
            None if self.parents(shard).any(|parent| !self.is_finished(parent)) => Decision::Wait,
            None => self.begin(shard),
        }
    }

    fn begin(&self, shard: &Shard) -> Decision {
        match &self.start {
            // Nothing is left out between a parent that was read and its child.
            Start::Latest if self.is_followed(shard) => Decision::Read(Start::TrimHorizon),
            Start::Latest if !shard.is_open => Decision::Skip,
            start => Decision::Read(start.clone()),
        }
    }

    fn parents(&self, shard: &Shard) -> impl Iterator<Item = &Shard> {
        shard.parents.iter().filter_map(|id| self.listed.get(id))
    }

    /// There is nothing to wait for: it was read to its end, or nobody is going to read it.
    fn is_finished(&self, parent: &Shard) -> bool {
        match (self.stored)(&parent.id) {
            Some(Stored::End) => true,
            Some(Stored::From(_)) => false,
            None => self.start == Start::Latest && !parent.is_open && !self.is_followed(parent),
        }
    }

    /// One of its ancestors was read.
    fn is_followed(&self, shard: &Shard) -> bool {
        let (mut open, mut seen) = (vec![shard], HashSet::new());
        while let Some(at) = open.pop() {
            for id in &at.parents {
                if !seen.insert(id.as_str()) {
                    continue;
                }
                if (self.stored)(id).is_some() {
                    return true;
                }
                open.extend(self.listed.get(id));
            }
        }
        false
    }
}

/// The task that reads a shard. Digits at the end of an id count upwards in a stream, so that tasks get equal shares.
pub fn task_of(shard: &str, tasks: u64) -> u64 {
    let digits = shard.len() - shard.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let number = shard[shard.len() - digits..].parse::<u64>();
    number.unwrap_or_else(|_| shard.bytes().fold(0xcbf2_9ce4_8422_2325, fnv)) % tasks.max(1)
}

fn fnv(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Offsets = HashMap<&'static str, Stored>;

    fn shard(id: &str, parents: &[&str], is_open: bool) -> Shard {
        let parents = parents.iter().map(|id| (*id).to_owned()).collect();
        Shard { id: id.into(), parents, hash_keys: (0, u128::MAX), is_open }
    }

    fn decide(shards: &[Shard], offsets: &Offsets, start: &Start, id: &str) -> Decision {
        let listed: HashMap<_, _> = shards.iter().map(|shard| (shard.id.clone(), shard.clone())).collect();
        let stored = |id: &str| offsets.get(id).cloned();
        let lineage = Lineage { listed: &listed, stored, start: start.clone() };
        lineage.decide(&listed[id])
    }

    fn at(sequence: &str) -> Stored {
        Stored::From(Start::Behind { sequence: sequence.into(), part: None })
    }

    /// 0 was split into 1 and 2; 2 was split into 3 and 4; 1 and 3 were merged into 5.
    fn family() -> Vec<Shard> {
        vec![
            shard("0", &[], false),
            shard("1", &["0"], false),
            shard("2", &["0"], false),
            shard("3", &["2"], false),
            shard("4", &["2"], true),
            shard("5", &["1", "3"], true),
        ]
    }

    #[test]
    fn the_oldest_first_and_children_after_all_of_their_parents() {
        let family = family();
        let mut offsets = Offsets::new();
        let check = |offsets: &Offsets, expected: [&Decision; 6]| {
            for (id, expected) in ["0", "1", "2", "3", "4", "5"].into_iter().zip(expected) {
                assert_eq!(decide(&family, offsets, &Start::TrimHorizon, id), *expected, "shard {id}");
            }
        };
        let (read, wait, done) = (Decision::Read(Start::TrimHorizon), Decision::Wait, Decision::Done);
        check(&offsets, [&read, &wait, &wait, &wait, &wait, &wait]);
        offsets.insert("0", at("7"));
        let go_on = Decision::Read(Start::Behind { sequence: "7".into(), part: None });
        check(&offsets, [&go_on, &wait, &wait, &wait, &wait, &wait]);
        offsets.insert("0", Stored::End);
        check(&offsets, [&done, &read, &read, &wait, &wait, &wait]);
        offsets.insert("2", Stored::End);
        check(&offsets, [&done, &read, &done, &read, &read, &wait]);
        offsets.insert("3", Stored::End);
        check(&offsets, [&done, &read, &done, &done, &read, &wait]);
        offsets.insert("1", Stored::End);
        check(&offsets, [&done, &done, &done, &done, &read, &read]);
    }

    #[test]
    fn parents_that_are_gone_are_not_waited_for() {
        let shards = [shard("5", &["1", "3"], true)];
        let read = Decision::Read(Start::TrimHorizon);
        assert_eq!(decide(&shards, &Offsets::new(), &Start::TrimHorizon, "5"), read);
        let half = [shard("5", &["1", "3"], true), shard("3", &[], false)];
        assert_eq!(decide(&half, &Offsets::new(), &Start::TrimHorizon, "5"), Decision::Wait);
    }

    #[test]
    fn the_latest_records_are_those_of_open_shards() {
        let family = family();
        let none = Offsets::new();
        for (id, expected) in [
            ("0", Decision::Skip),
            ("3", Decision::Skip),
            ("4", Decision::Read(Start::Latest)),
            ("5", Decision::Read(Start::Latest)),
        ] {
            assert_eq!(decide(&family, &none, &Start::Latest, id), expected, "shard {id}");
        }
    }

    #[test]
    fn nothing_is_left_out_across_a_reshard_with_latest() {
        let family = family();
        let offsets = Offsets::from([("2", at("7"))]);
        let check = |offsets: &Offsets, id, expected| {
            assert_eq!(decide(&family, offsets, &Start::Latest, id), expected, "shard {id}");
        };
        check(&offsets, "1", Decision::Skip);
        check(&offsets, "3", Decision::Wait);
        check(&offsets, "5", Decision::Wait);
        let offsets = Offsets::from([("2", Stored::End)]);
        check(&offsets, "3", Decision::Read(Start::TrimHorizon));
        check(&offsets, "4", Decision::Read(Start::TrimHorizon));
        // 3 is going to be read, so 5 waits for it.
        check(&offsets, "5", Decision::Wait);
        let offsets = Offsets::from([("2", Stored::End), ("3", Stored::End)]);
        check(&offsets, "5", Decision::Read(Start::TrimHorizon));
        // The parent was read, and is no longer listed.
        let child = [shard("9", &["8"], true)];
        let read = Decision::Read(Start::TrimHorizon);
        assert_eq!(decide(&child, &Offsets::from([("8", at("1"))]), &Start::Latest, "9"), read);
    }

    #[test]
    fn a_time_holds_for_children_too() {
        let family = family();
        let since = Start::Since(99);
        assert_eq!(decide(&family, &Offsets::new(), &since, "0"), Decision::Read(since.clone()));
        assert_eq!(decide(&family, &Offsets::new(), &since, "1"), Decision::Wait);
        let offsets = Offsets::from([("0", Stored::End)]);
        assert_eq!(decide(&family, &offsets, &since, "1"), Decision::Read(since.clone()));
    }

    #[test]
    fn a_child_goes_on_after_a_parent_that_was_set_back() {
        let family = family();
        let offsets = Offsets::from([("0", Stored::End), ("2", at("3")), ("4", at("9"))]);
        assert_eq!(decide(&family, &offsets, &Start::TrimHorizon, "4"), Decision::Wait);
        let offsets = Offsets::from([("4", at("9"))]);
        let go_on = Decision::Read(Start::Behind { sequence: "9".into(), part: None });
        assert_eq!(decide(&family, &offsets, &Start::TrimHorizon, "4"), go_on);
    }

    #[test]
    fn a_stream_of_the_same_name_is_noticed() {
        let shards = [shard("0", &[], true)];
        let offsets = Offsets::from([("0", Stored::End)]);
        assert_eq!(decide(&shards, &offsets, &Start::TrimHorizon, "0"), Decision::Recreated);
    }

    #[test]
    fn long_lines_of_splits_and_merges_are_decided_at_once() {
        let mut shards = vec![shard("r", &[], false)];
        let mut top = "r".to_owned();
        for level in 0..200 {
            let (a, b, next) = (format!("a{level}"), format!("b{level}"), format!("m{level}"));
            shards.push(shard(&a, &[&top], false));
            shards.push(shard(&b, &[&top], false));
            shards.push(shard(&next, &[&a, &b], level == 199));
            top = next;
        }
        assert_eq!(decide(&shards, &Offsets::new(), &Start::Latest, &top), Decision::Read(Start::Latest));
    }

    #[test]
    fn shards_are_dealt_out_by_their_numbers() {
        let owners: Vec<u64> = (0..6).map(|at| task_of(&format!("shardId-{at:012}"), 3)).collect();
        assert_eq!(owners, [0, 1, 2, 0, 1, 2]);
        assert_eq!(task_of("shard-a", 4), task_of("shard-a", 4));
        assert!(task_of("shard-a", 4) < 4);
        assert_eq!(task_of("", 0), 0);
        assert!(task_of("99999999999999999999999", 7) < 7);
    }
}
