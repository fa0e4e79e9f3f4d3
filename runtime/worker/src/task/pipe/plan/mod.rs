//! Plans of a pipe's writes, as they stand in the offset store: what makes a pipe's delivery exactly once.
//!
//! Everything here is pure: no clock, no store. A plan is stored before its write, while the positions of its partitions
//! stay at their starts. What stores the positions behind its records erases it, all or nothing. Whoever finds a plan has
//! the source give its records again and writes them with the same token, in the same order: the destination takes
//! them once.
mod codec;
mod ledger;
mod recovery;
#[cfg(test)]
mod tests;

use crate::store::offsets::canonical;
use penstock_sdk::{Bound, Fields};

pub use codec::{decode, encode};
pub use ledger::{Busy, Ledger};
pub use recovery::{Step, next};

/// A write that was decided on.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Random: the same records planned anew, after offsets were reset, are another write.
    pub id: [u8; 16],
    /// Wall clock of the worker that made it, later than that of any plan of the task before.
    pub made_ms: i64,
    /// Sorted by [`rank`]; what is of one partition is in the source's order.
    pub ranges: Vec<Range>,
}

/// Records of one source partition, one behind the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Range {
    pub partition: Fields,
    /// None where nothing was stored.
    pub from: Option<Fields>,
    pub until: Fields,
    /// As many as the source gave, whatever became of them.
    pub records: u64,
}

/// What a batch did to one source partition.
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    pub partition: Fields,
    /// A position that came before the first of its records.
    pub begun: Option<Fields>,
    pub until: Fields,
    pub records: u64,
}

/// What the offset store holds of a task's plans.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mark {
    /// Tells the settings of the task that stored it from any others.
    pub settings: String,
    /// No plan of the task is younger.
    pub clock_ms: i64,
    /// The one that may have been written and is not settled.
    pub open: Option<Plan>,
}

impl Plan {
    /// What the destination tells repetitions by.
    pub fn token(&self) -> String {
        format!("penstock-{}", hex(self.id))
    }

    /// The offset of its first record, as far as sinks see offsets: those of one task rise, and none comes twice.
    pub fn first_offset(&self) -> i64 {
        self.made_ms.saturating_mul(OFFSETS_PER_MS)
    }

    /// Milliseconds since it was made. A clock that was put back makes it old, not new.
    pub fn age_ms(&self, now_ms: i64) -> u64 {
        u64::try_from(now_ms.saturating_sub(self.made_ms)).unwrap_or(u64::MAX)
    }

    pub fn bounds(&self) -> Vec<Bound> {
        let bound = |range: &Range| Bound {
            partition: range.partition.clone(),
            from: range.from.clone(),
            until: range.until.clone(),
        };
        self.ranges.iter().map(bound).collect()
    }

    /// Where the source goes on once it is settled.
    pub fn ends(&self) -> Vec<(Fields, Fields)> {
        let is_last = |(at, range): &(usize, &Range)| {
            self.ranges.get(at + 1).is_none_or(|next| next.partition != range.partition)
        };
        let last = self.ranges.iter().enumerate().filter(is_last);
        last.map(|(_, range)| (range.partition.clone(), range.until.clone())).collect()
    }
}

fn hex(id: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(id))
}

/// The same text for the same partition, and the order of partitions within a plan.
pub fn rank(partition: &Fields) -> String {
    canonical(&crate::store::offsets::object(partition))
}

/// Both are the same pairs, in whatever order.
pub fn is_same(one: &Fields, other: &Fields) -> bool {
    rank(one) == rank(other)
}

/// Room for the records of a batch between plans that follow each other.
const OFFSETS_PER_MS: i64 = 1 << 20;
