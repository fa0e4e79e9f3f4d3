//! Where each partition stands under exactly-once delivery, and what is to be done about plans that are found.
use super::codec::{Decoded, decode};
use super::{Plan, TooLarge};
use kafka::{Committed, OffsetRange, TopicPartition};
use std::collections::{BTreeMap, BTreeSet};

/// The owner's view of its partitions between two rebalances.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// The offset up to which everything is written; none where nothing was ever committed.
    settled: BTreeMap<TopicPartition, Option<i64>>,
    /// Plans that were found and have to be written again, in the order of their making.
    found: Vec<Open>,
    /// The one that is being written.
    current: Option<Plan>,
}

/// A plan that was found in the offsets of partitions which came to this task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    pub plan: Plan,
    /// Those of its partitions that this task owns and that wait for it.
    pub own: BTreeSet<TopicPartition>,
}

/// Why no plan can be made or taken over.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Some metadata cannot be read, and why.
    Unreadable(TopicPartition, String),
    /// The records lie before what is settled, or in a partition that is not owned: they would be written twice.
    OutOfPlace(TopicPartition, i64),
    /// Another plan is not settled yet.
    Busy,
    TooLarge,
}

impl From<TooLarge> for Refusal {
    fn from(_: TooLarge) -> Self {
        Self::TooLarge
    }
}

impl Ledger {
    /// Takes over partitions with what the group has committed for them, and forgets all others.
    pub fn assign(&mut self, committed: &[Committed]) -> Result<(), Refusal> {
        *self = Self::default();
        let mut found: BTreeMap<[u8; 16], Open> = BTreeMap::new();
        for row in committed {
            let at = TopicPartition::new(row.topic.clone(), row.partition);
            self.settled.insert(at.clone(), row.offset);
            match decode(&row.metadata) {
                Decoded::Foreign => {}
                Decoded::Unreadable(reason) => return Err(Refusal::Unreadable(at, reason)),
                Decoded::Plan(plan) => {
                    // Offsets that somebody altered are an order to read from there: the plan is off.
                    let is_open = |range: &OffsetRange| range.at == at && row.offset == Some(range.start);
                    if plan.ranges.iter().any(is_open) {
                        let new = || Open { plan: plan.clone(), own: BTreeSet::new() };
                        found.entry(plan.id).or_insert_with(new).own.insert(at);
                    }
                }
            }
        }
        self.found = found.into_values().collect();
        self.found.sort_by_key(|open| (open.plan.made_ms, open.plan.id));
        Ok(())
    }

    /// The next plan that has to be written again before anything new.
    pub fn next_found(&self) -> Option<&Open> {
        self.found.first()
    }

    /// Plans records that were fetched: of each partition the first offset and the one after the last.
    pub fn plan(&mut self, id: [u8; 16], made_ms: i64, fetched: &[OffsetRange]) -> Result<Plan, Refusal> {
        if self.current.is_some() || !self.found.is_empty() {
            return Err(Refusal::Busy);
        }
        let mut ranges = Vec::with_capacity(fetched.len());
        for range in fetched {
            let settled = self.settled.get(&range.at);
            let Some(settled) = settled.filter(|settled| settled.is_none_or(|at| at <= range.start)) else {
                return Err(Refusal::OutOfPlace(range.at.clone(), range.start));
            };
            // Offsets between are gone: compaction, retention, markers of transactions.
            ranges.push(OffsetRange { start: settled.unwrap_or(range.start), ..range.clone() });
        }
        ranges.sort();
        let plan = Plan { id, made_ms, ranges };
        plan.commits()?;
        self.current = Some(plan.clone());
        Ok(plan)
    }

    /// The plan was not committed, so nothing of it may be written.
    pub fn withdraw(&mut self, id: [u8; 16]) {
        self.current.take_if(|plan| plan.id == id);
    }

    /// Everything of the plan is durable. Answers where each of this task's partitions goes on.
    pub fn settle(&mut self, id: [u8; 16]) -> Vec<(TopicPartition, i64)> {
        let own: Vec<_> = if let Some(plan) = self.current.take_if(|plan| plan.id == id) {
            plan.ranges.into_iter().map(|range| (range.at, range.end)).collect()
        } else {
            let Some(place) = self.found.iter().position(|open| open.plan.id == id) else {
                return Vec::new();
            };
            let Open { plan, own } = self.found.remove(place);
            let mine = plan.ranges.into_iter().filter(|range| own.contains(&range.at));
            mine.map(|range| (range.at, range.end)).collect()
        };
        for (at, end) in &own {
            self.settled.insert(at.clone(), Some(*end));
        }
        own
    }

    /// Up to where everything is written, for partitions of which that is known.
    #[cfg(test)]
    pub fn places(&self) -> Vec<(TopicPartition, i64)> {
        self.settled.iter().filter_map(|(at, settled)| Some((at.clone(), (*settled)?))).collect()
    }
}
