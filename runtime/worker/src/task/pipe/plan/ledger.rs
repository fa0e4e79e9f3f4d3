//! Where each source partition stands for a task that plans its writes, and what is to be stored next.
use super::{Mark, Moved, Plan, Range, rank};
use crate::task::source::{Positions, merge};
use penstock_sdk::Fields;
use std::collections::BTreeMap;

/// A task's view between its start and its end. Nobody else reads its partitions meanwhile.
#[derive(Debug, Default)]
pub struct Ledger {
    settings: String,
    clock_ms: i64,
    /// Up to where everything is written, of partitions that moved since the start: what was stored a moment ago may not
    /// have been read back yet.
    places: BTreeMap<String, Fields>,
    /// The same where it is not stored yet.
    settled: Positions,
    open: Option<Plan>,
    /// Where partitions of the open plan stand behind it, as what came then had no records.
    behind: Positions,
}

/// Another plan is not settled yet.
#[derive(Debug, PartialEq, Eq)]
pub struct Busy;

impl Ledger {
    pub fn new(settings: &str, clock_ms: i64) -> Self {
        Self { settings: settings.to_owned(), clock_ms, ..Self::default() }
    }

    /// Plans the records of a batch. `None` for a batch without any: what moved all the same is to be stored. `stored`
    /// tells what the store has of a partition.
    pub fn plan(
        &mut self,
        (id, now_ms): ([u8; 16], i64),
        moved: Vec<Moved>,
        stored: impl Fn(&Fields) -> Option<Fields>,
    ) -> Result<Option<Plan>, Busy> {
        if self.open.is_some() {
            return Err(Busy);
        }
        let mut ranges = Vec::new();
        for Moved { partition, begun, until, records } in moved {
            let rank = rank(&partition);
            if records == 0 && ranges.iter().any(|(known, _)| *known == rank) {
                merge(&mut self.behind, vec![(partition, until)]);
                continue;
            }
            if records == 0 {
                self.places.insert(rank, until.clone());
                merge(&mut self.settled, vec![(partition, until)]);
                continue;
            }
            let from = begun.or_else(|| self.places.get(&rank).cloned()).or_else(|| stored(&partition));
            ranges.push((rank, Range { partition, from, until, records }));
        }
        if ranges.is_empty() {
            return Ok(None);
        }
        ranges.sort_by(|left, right| left.0.cmp(&right.0));
        let ranges: Vec<Range> = ranges.into_iter().map(|(_, range)| range).collect();
        let records = ranges.iter().map(|range| range.records).sum::<u64>();
        let made_ms = now_ms.max(self.clock_ms.saturating_add(1));
        // A batch that is larger than the room of a millisecond takes that of some more.
        self.clock_ms = made_ms.saturating_add(i64::try_from(records >> 20).unwrap_or(i64::MAX));
        let plan = Plan { id, made_ms, ranges };
        self.open = Some(plan.clone());
        Ok(Some(plan))
    }

    /// Everything of the plan is durable.
    pub fn settle(&mut self) {
        let mut ends = self.open.take().map(|plan| plan.ends()).unwrap_or_default();
        merge(&mut ends, std::mem::take(&mut self.behind));
        for (partition, until) in &ends {
            self.places.insert(rank(partition), until.clone());
        }
        merge(&mut self.settled, ends);
    }

    /// Whether the store lacks something, besides a plan.
    pub fn is_behind(&self) -> bool {
        !self.settled.is_empty()
    }

    /// What the store is to hold from now on, all of it or nothing.
    pub fn page(&self) -> (&Positions, Mark) {
        let (settings, open) = (self.settings.clone(), self.open.clone());
        (&self.settled, Mark { settings, clock_ms: self.clock_ms, open })
    }

    /// The page is stored. Answers the positions that are.
    pub fn stored(&mut self) -> Positions {
        std::mem::take(&mut self.settled)
    }
}
