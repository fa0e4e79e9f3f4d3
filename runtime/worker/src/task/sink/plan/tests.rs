//! Plans survive their text, and any order of crashes, moves and repetitions writes every record once.
use super::codec::{BYTES_MAX, Decoded, decode, encode};
use super::*;
use kafka::{Committed, TopicPartition};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn range(topic: &str, partition: i32, start: i64, end: i64) -> OffsetRange {
    OffsetRange { at: TopicPartition::new(topic, partition), start, end }
}

fn plans() -> impl Strategy<Value = Plan> {
    let place = ("[a-z._-]{1,20}", 0..5_000_i32);
    let span = (0..i64::MAX / 4, 1..1_000_000_i64);
    let ranges = prop::collection::btree_map(place, span, 1..60);
    (any::<[u8; 16]>(), 0..i64::MAX, ranges).prop_map(|(id, made_ms, ranges)| {
        let ranges =
            ranges.into_iter().map(|((topic, p), (start, len))| range(&topic, p, start, start + len));
        let mut ranges: Vec<_> = ranges.collect();
        ranges.sort();
        Plan { id, made_ms, ranges }
    })
}

proptest! {
    #[test]
    fn a_plan_comes_back_from_its_text(plan in plans()) {
        if let Ok(text) = encode(&plan) {
            prop_assert!(text.len() <= BYTES_MAX);
            prop_assert_eq!(decode(&text), Decoded::Plan(plan));
        }
    }

    #[test]
    fn a_changed_or_cut_text_is_never_another_plan(plan in plans(), at in any::<prop::sample::Index>(), with in 33..127_u8) {
        let Ok(text) = encode(&plan) else { return Ok(()) };
        let mut bytes = text.clone().into_bytes();
        let at = at.index(bytes.len());
        let cut = std::str::from_utf8(&bytes[..at]).unwrap().to_owned();
        // Without its last padding sign the text still says the same.
        if let Decoded::Plan(read) = decode(&cut) {
            prop_assert_eq!(&read, &plan, "cut at {}", at);
        }
        bytes[at] = with;
        if let Decoded::Plan(read) = decode(std::str::from_utf8(&bytes).unwrap()) {
            prop_assert_eq!(read, plan);
        }
    }

    #[test]
    fn any_text_is_read_without_panic(text in "(penstock-plan/1:)?\\PC{0,200}") {
        drop(decode(&text));
    }
}

#[test]
fn other_notes_are_left_alone_and_later_versions_refused_by_name() {
    assert_eq!(decode(""), Decoded::Foreign);
    assert_eq!(decode("written by somebody"), Decoded::Foreign);
    let later = "it has version 2, and this worker knows version 1".to_owned();
    assert_eq!(decode("penstock-plan/2:AAAA"), Decoded::Unreadable(later));
    assert_eq!(decode("penstock-plan/1:AAAA"), Decoded::Unreadable("it is damaged".to_owned()));
}

#[test]
fn three_hundred_partitions_fit_and_a_thousand_do_not() {
    let plan = |partitions| Plan {
        id: [7; 16],
        made_ms: 1_790_000_000_000,
        ranges: (0..partitions).map(|p| range("orders", p, 40_000_000_000, 40_000_050_000)).collect(),
    };
    assert!(encode(&plan(300)).is_ok());
    assert_eq!(encode(&plan(1000)), Err(TooLarge));
    assert_eq!(
        Ledger::default().plan([0; 16], 0, &[range("t", 0, 0, 1)]),
        Err(Refusal::OutOfPlace(TopicPartition::new("t", 0), 0))
    );
}

#[test]
fn an_altered_offset_calls_the_plan_off() {
    let plan = Plan { id: [1; 16], made_ms: 5, ranges: vec![range("t", 0, 10, 20)] };
    let metadata = encode(&plan).unwrap();
    let row = |offset| Committed { topic: "t".into(), partition: 0, offset, metadata: metadata.clone() };
    let mut ledger = Ledger::default();
    ledger.assign(&[row(Some(10))]).unwrap();
    assert_eq!(ledger.next_found().map(|open| &open.plan), Some(&plan));
    assert_eq!(ledger.plan([2; 16], 6, &[range("t", 0, 20, 30)]), Err(Refusal::Busy));
    ledger.assign(&[row(Some(3))]).unwrap();
    assert_eq!(ledger.next_found(), None);
    assert_eq!(ledger.plan([2; 16], 6, &[range("t", 0, 5, 30)]).unwrap().ranges, [range("t", 0, 3, 30)]);
}

#[test]
fn a_clock_that_was_put_back_makes_a_plan_old() {
    let plan = Plan { id: [1; 16], made_ms: 1000, ranges: vec![range("t", 0, 0, 1)] };
    assert_eq!((plan.age_ms(1500), plan.age_ms(999)), (500, u64::MAX));
}

/// What Kafka and a destination that knows tokens hold, and tasks that come and go between them.
#[derive(Default)]
struct World {
    group: BTreeMap<TopicPartition, (i64, String)>,
    tokens: BTreeSet<String>,
    /// How often each record was stored.
    stored: BTreeMap<(i32, i64), u32>,
    ids: u8,
}

#[derive(Debug, Clone)]
enum Step {
    /// A task with these partitions starts, whatever its predecessors were doing.
    Assign(BTreeSet<i32>),
    /// It plans so many records of each of its partitions.
    Plan(i64),
    /// The write arrives; its receipt may get lost.
    Write { receipt: bool },
    /// What was settled is committed without a next plan.
    Commit,
}

const PARTITIONS: i32 = 4;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let owned = prop::collection::btree_set(0..PARTITIONS, 1..=PARTITIONS as usize);
    let step = prop_oneof![
        2 => owned.prop_map(Step::Assign),
        4 => (1..5_i64).prop_map(Step::Plan),
        4 => any::<bool>().prop_map(|receipt| Step::Write { receipt }),
        2 => Just(Step::Commit),
    ];
    prop::collection::vec(step, 1..60)
}

impl World {
    fn committed(&self, owned: &BTreeSet<i32>) -> Vec<Committed> {
        let row = |p: &i32| {
            let at = TopicPartition::new("t", *p);
            let (offset, metadata) =
                self.group.get(&at).cloned().map_or((None, String::new()), |(o, m)| (Some(o), m));
            Committed { topic: at.topic, partition: *p, offset, metadata }
        };
        owned.iter().map(row).collect()
    }

    fn commit(&mut self, commits: Vec<Commit>) {
        for commit in commits {
            self.group.insert(
                TopicPartition::new(commit.topic, commit.partition),
                (commit.offset, commit.metadata),
            );
        }
    }

    fn write(&mut self, plan: &Plan) {
        if self.tokens.insert(plan.token()) {
            for range in &plan.ranges {
                for offset in range.start..range.end {
                    *self.stored.entry((range.at.partition, offset)).or_insert(0) += 1;
                }
            }
        }
    }
}

/// One owner, as the polling thread acts.
#[derive(Default)]
struct Owner {
    ledger: Ledger,
    owned: BTreeSet<i32>,
    settled: Vec<(TopicPartition, i64)>,
    open: Option<Plan>,
}

impl Owner {
    fn start(world: &World, owned: BTreeSet<i32>) -> Self {
        let mut new = Self { owned, ..Self::default() };
        new.ledger.assign(&world.committed(&new.owned)).unwrap();
        new
    }

    fn moved(&mut self) -> Vec<Commit> {
        let commit = |(at, offset): (TopicPartition, i64)| Commit {
            topic: at.topic,
            partition: at.partition,
            offset,
            metadata: String::new(),
        };
        std::mem::take(&mut self.settled).into_iter().map(commit).collect()
    }

    fn plan(&mut self, world: &mut World, rows: i64) {
        let places: BTreeMap<_, _> = self.ledger.places().into_iter().collect();
        let fetched: Vec<_> = self
            .owned
            .iter()
            .map(|p| {
                let start = places.get(&TopicPartition::new("t", *p)).copied().unwrap_or(0);
                range("t", *p, start, start + rows)
            })
            .collect();
        world.ids += 1;
        if let Ok(plan) = self.ledger.plan([world.ids; 16], 0, &fetched) {
            let mut commits = self.moved();
            let planned = plan.commits().unwrap();
            commits.retain(|c| planned.iter().all(|p| p.partition != c.partition));
            world.commit([commits, planned].concat());
            self.open = Some(plan);
        }
    }

    fn write(&mut self, world: &mut World, receipt: bool) {
        let plan = self.ledger.next_found().map(|open| open.plan.clone()).or_else(|| self.open.clone());
        let Some(plan) = plan else { return };
        world.write(&plan);
        if receipt {
            self.open.take_if(|open| open.id == plan.id);
            self.settled.extend(self.ledger.settle(plan.id));
        }
    }
}

proptest! {
    /// A destination that remembers tokens gets every record once, whoever crashes when and wherever partitions go.
    #[test]
    fn every_record_is_stored_once(steps in steps()) {
        let mut world = World::default();
        let mut owner = Owner::start(&world, (0..PARTITIONS).collect());
        for step in steps {
            match step {
                Step::Assign(owned) => owner = Owner::start(&world, owned),
                Step::Plan(rows) => owner.plan(&mut world, rows),
                Step::Write { receipt } => owner.write(&mut world, receipt),
                Step::Commit => {
                    let moved = owner.moved();
                    world.commit(moved);
                }
            }
            prop_assert!(world.stored.values().all(|count| *count == 1));
        }
        // In the end somebody owns everything and finishes what is open.
        let mut owner = Owner::start(&world, (0..PARTITIONS).collect());
        while owner.ledger.next_found().is_some() {
            owner.write(&mut world, true);
        }
        let moved = owner.moved();
        world.commit(moved);
        prop_assert!(world.stored.values().all(|count| *count == 1));
        for (at, (offset, _)) in &world.group {
            for before in 0..*offset {
                prop_assert!(world.stored.contains_key(&(at.partition, before)), "{}@{} is missing", at.partition, before);
            }
        }
    }
}
