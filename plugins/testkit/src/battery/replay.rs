//! What a source promises that gives records again: the same ones, between any two of its positions, and no others.
use super::PATIENCE;
use super::source::SourceBattery;
use crate::TestServices;
use host::{Connector, Kind, SourceInstance};
use penstock_sdk::{Bound, Fields, Scalar};
use std::sync::Arc;
use std::time::Instant;

/// What one partition gave, in order; of a source that keeps values of a field apart, what it gave of one value.
struct Seen {
    partition: Fields,
    value: Option<Scalar>,
    identities: Vec<String>,
    /// Positions, and how many records came before each.
    steps: Vec<(Fields, usize)>,
}

impl SourceBattery {
    /// Every range of what one task gave comes again from another.
    pub(super) fn check_replay(&self, connector: &Connector) {
        if !connector.replays() {
            return;
        }
        let seen = self.watch(connector);
        let ranges = |part: &Seen| {
            let last = part.steps.len() - 1;
            // A position before the first record says where the partition begins; without one nothing need be said.
            let begins_unsaid = part.steps[0].1 > 0;
            let mut ranges = vec![(0, last / 2), (last / 2, last), (0, last)];
            ranges.retain(|(from, until)| part.steps[*from].1 < part.steps[*until].1);
            let mut ranges: Vec<_> = ranges.into_iter().map(|(from, until)| (Some(from), until)).collect();
            ranges.extend(begins_unsaid.then_some((None, last)));
            ranges
        };
        let mut tried = 0;
        for part in &seen {
            for range in ranges(part) {
                self.check_ranges(connector, &[(part, range)]);
                tried += 1;
            }
        }
        assert!(
            tried > 0,
            "the source gave too few records to ask for some again: {} partitions",
            seen.len()
        );
        let whole: Vec<_> = seen.iter().filter_map(|part| Some((part, ranges(part).pop()?))).collect();
        self.check_ranges(connector, &whole);
    }

    fn watch(&self, connector: &Connector) -> Vec<Seen> {
        let services = TestServices::new();
        let mut source = self.open(connector, &services);
        let mut seen = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        while seen.iter().map(|part: &Seen| part.identities.len()).sum::<usize>() < self.records * 2 {
            assert!(Instant::now() < deadline, "the source gave too few records in {PATIENCE:?}");
            self.poll((connector, &mut source), &mut seen);
        }
        services.stop();
        seen
    }

    /// Adds what one poll brings.
    fn poll(&self, (connector, source): (&Connector, &mut SourceInstance), seen: &mut Vec<Seen>) {
        let polled = match source.poll() {
            Ok(polled) => polled,
            Err(error) if matches!(error.kind, Kind::Retry { .. }) => return,
            Err(error) => panic!("polling failed: {error}"),
        };
        let positions = polled.positions();
        let place = |seen: &mut Vec<Seen>, (partition, offset): &(Fields, Fields)| {
            let value = connector.replays_within().and_then(|field| offset.get(field)).cloned();
            let known = seen.iter().rposition(|part| part.partition == *partition);
            if let Some(known) = known.filter(|known| seen[*known].value == value) {
                return known;
            }
            let before = known.and_then(|known| seen[known].steps.last());
            let steps = before.map(|(offset, _)| (offset.clone(), 0)).into_iter().collect();
            seen.push(Seen { partition: partition.clone(), value, identities: Vec::new(), steps });
            seen.len() - 1
        };
        for record in polled.batch().records() {
            let of = polled.partition_of(&record).unwrap_or_else(|| {
                panic!("the contract: a source that replays gives a position right behind the records of a partition")
            });
            let place = place(seen, &positions[of]);
            seen[place].identities.push((self.identify)(&record));
        }
        for position in &positions {
            let place = place(seen, position);
            let count = seen[place].identities.len();
            seen[place].steps.push((position.1.clone(), count));
        }
    }

    fn check_ranges(&self, connector: &Connector, ranges: &[(&Seen, (Option<usize>, usize))]) {
        let bound = |(part, (from, until)): &(&Seen, (Option<usize>, usize))| Bound {
            partition: part.partition.clone(),
            from: from.map(|from| part.steps[from].0.clone()),
            until: part.steps[*until].0.clone(),
        };
        let expected = |(part, (from, until)): &(&Seen, (Option<usize>, usize))| {
            let first = from.map_or(0, |from| part.steps[from].1);
            part.identities[first..part.steps[*until].1].to_vec()
        };
        let services: Arc<TestServices> = TestServices::bound(ranges.iter().map(bound).collect());
        let mut source = self.open(connector, &services);
        let mut again = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        let has_ended = |again: &[Seen]| {
            ranges.iter().all(|range| {
                let until = bound(range).until;
                again_of(again, range.0)
                    .and_then(|part| part.steps.last())
                    .is_some_and(|(offset, _)| *offset == until)
            })
        };
        while !has_ended(&again) {
            assert!(
                Instant::now() < deadline,
                "the contract: a bound source gives the end of its bounds as positions"
            );
            self.poll((connector, &mut source), &mut again);
        }
        // It has nothing to give any more, and need not be waited for to say so.
        services.stop();
        (0..3).for_each(|_| self.poll((connector, &mut source), &mut again));
        assert_eq!(again.len(), ranges.len(), "the contract: a bound source reads nothing but its bounds");
        for range in ranges {
            assert_eq!(
                again_of(&again, range.0).map(|part| part.identities.as_slice()),
                Some(expected(range).as_slice()),
                "the contract: a bound source gives exactly the records between its positions"
            );
        }
    }
}

/// What came again of it.
fn again_of<'a>(again: &'a [Seen], of: &Seen) -> Option<&'a Seen> {
    again.iter().find(|part| part.partition == of.partition && part.value == of.value)
}
