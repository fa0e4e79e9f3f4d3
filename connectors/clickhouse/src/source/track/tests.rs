//! Every row exactly once, in the order of the cursor, whatever comes when and wherever reading starts anew.
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// A table in memory: values and fingerprints, of which the same may come twice.
#[derive(Debug, Default)]
struct Table(Vec<(i128, u64)>);

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    /// Rows whose values are so much greater than the greatest there is; with 0 they share it, however late.
    Insert(Vec<(u8, u64)>),
    /// A page of so many rows, beyond those that come again.
    Page(usize),
    /// As `Page`, but the answer breaks off after so many rows.
    Broken(usize, usize),
    /// The task starts anew from the position that was last stored.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => prop::collection::vec((0..3_u8, 0..6_u64), 1..12).prop_map(Step::Insert),
        4 => (1..6_usize).prop_map(Step::Page),
        1 => (1..6_usize, 0..6_usize).prop_map(|(limit, after)| Step::Broken(limit, after)),
        2 => Just(Step::Restart),
    ]
}

/// A task that delivers what it reads and stores its position each time, as the worker does.
struct Run {
    table: Table,
    track: Track,
    stored: Position,
    ties_max: usize,
    delivered: Vec<(i128, u64)>,
    turned: usize,
}

impl Run {
    fn new(ties_max: usize) -> Self {
        let (table, track) = (Table::default(), Track::default());
        Run { table, track, stored: Position::default(), ties_max, delivered: Vec::new(), turned: 0 }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Insert(rows) => {
                let greatest = self.table.0.iter().map(|(value, _)| *value).max().unwrap_or(0);
                self.table.0.extend(rows.iter().map(|(more, row)| (greatest + i128::from(*more), *row)));
            }
            Step::Page(limit) => drop(self.page(*limit, usize::MAX)),
            Step::Broken(limit, after) => drop(self.page(*limit, *after)),
            Step::Restart => self.track = Track::new(self.stored.clone()),
        }
    }

    /// Answers the number of new rows. Rows that share a value come in another order each time.
    fn page(&mut self, limit: usize, breaks_after: usize) -> usize {
        let from = self.track.at().cloned();
        let mut rows: Vec<_> = self
            .table
            .0
            .iter()
            .filter(|(value, _)| from.as_ref().is_none_or(|from| Value::Number(*value) >= *from))
            .copied()
            .collect();
        self.turned += 1;
        let half = rows.len() * (self.turned % 3) / 3;
        rows.rotate_left(half);
        rows.sort_by_key(|(value, _)| *value);
        self.track.begin_page();
        rows.truncate(self.track.known_rows() + limit);
        rows.truncate(breaks_after);
        let mut new = 0;
        for (value, row) in rows {
            match self.track.admit(&Value::Number(value), row) {
                Verdict::New => {
                    self.delivered.push((value, row));
                    new += 1;
                }
                Verdict::Known => {}
                other => panic!("{other:?} at {value}"),
            }
        }
        self.stored = self.track.position(self.ties_max);
        new
    }

    fn finish(&mut self) {
        while self.page(3, usize::MAX) > 0 {}
    }
}

fn counted(rows: &[(i128, u64)]) -> BTreeMap<(i128, u64), usize> {
    let mut counts = BTreeMap::new();
    for row in rows {
        *counts.entry(*row).or_default() += 1;
    }
    counts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_row_comes_once_in_order(steps in prop::collection::vec(step(), 1..40)) {
        let mut run = Run::new(usize::MAX);
        for step in &steps {
            run.take(step);
        }
        run.finish();
        prop_assert_eq!(counted(&run.delivered), counted(&run.table.0));
        prop_assert!(run.delivered.is_sorted_by_key(|(value, _)| *value), "{:?}", run.delivered);
    }

    #[test]
    fn where_offsets_remember_too_little_rows_come_twice_and_none_is_skipped(
        steps in prop::collection::vec(step(), 1..40),
        ties_max in 0..4_usize,
    ) {
        let mut run = Run::new(ties_max);
        for step in &steps {
            run.take(step);
        }
        run.finish();
        let (delivered, there) = (counted(&run.delivered), counted(&run.table.0));
        for (row, count) in &there {
            prop_assert!(delivered.get(row) >= Some(count), "{row:?} came {:?} times", delivered.get(row));
        }
        prop_assert!(delivered.keys().eq(there.keys()));
    }
}

#[test]
fn rows_that_went_are_no_trouble() {
    let mut run = Run::new(usize::MAX);
    run.take(&Step::Insert(vec![(1, 1), (0, 2), (0, 3)]));
    run.finish();
    run.table.0.retain(|(_, row)| *row != 2);
    run.table.0.push((1, 4));
    run.finish();
    assert_eq!(run.delivered.iter().map(|(_, row)| *row).filter(|row| *row == 4).count(), 1);
    assert_eq!(run.delivered.len(), 4);
}

#[test]
fn a_large_group_leaves_no_room_behind() {
    let mut track = Track::default();
    for row in 0..100_000 {
        track.admit(&Value::Number(1), row);
    }
    track.admit(&Value::Number(2), 7);
    assert!(track.sent.capacity() < 100, "{}", track.sent.capacity());
    assert_eq!(track.position(10), Position { at: Some(Value::Number(2)), ties: vec![7] });
}

#[test]
fn an_offset_remembers_the_least_fingerprints_in_order() {
    let mut track = Track::default();
    for row in [5, 3, 9, 3, 1, 7] {
        track.admit(&Value::Number(1), row);
    }
    for (ties_max, expected) in
        [(0, &[][..]), (3, &[1, 3, 3]), (6, &[1, 3, 3, 5, 7, 9]), (9, &[1, 3, 3, 5, 7, 9])]
    {
        assert_eq!(track.position(ties_max).ties, expected);
    }
}

#[test]
fn an_answer_that_goes_back_is_noticed() {
    let mut track = Track::new(Position { at: Some(Value::Number(5)), ties: vec![1] });
    track.begin_page();
    assert_eq!(track.admit(&Value::Number(4), 9), Verdict::OutOfOrder);
}
