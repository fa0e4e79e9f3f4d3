//! Plans of writes, as they stand in the metadata of a group's offsets: what makes a sink's delivery exactly once.
//!
//! Everything here is pure: no clock, no Kafka. A plan is committed before its write, with each offset still at the
//! start of the plan's range. The commit that moves the offsets ends it. Whoever finds a plan in the offsets of a
//! partition reads all of its ranges again, also those of partitions that went elsewhere, and writes them with the
//! same token: the destination takes them once, however many do so.
mod codec;
mod ledger;
#[cfg(test)]
mod tests;

use kafka::{Commit, OffsetRange};

#[cfg(fuzzing)]
pub use codec::fuzz;
pub use ledger::{Ledger, Refusal};

/// A write that was decided on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Random: the same range planned anew, after offsets were reset, is another write.
    pub id: [u8; 16],
    /// Wall clock of the worker that made it.
    pub made_ms: i64,
    /// Sorted; each partition once; none empty.
    pub ranges: Vec<OffsetRange>,
}

impl Plan {
    /// What the destination tells repetitions by.
    pub fn token(&self) -> String {
        let digits = self.id.iter().map(|byte| format!("{byte:02x}"));
        format!("penstock-{}", digits.collect::<String>())
    }

    /// The commit that makes the plan known: offsets stay at the start of its ranges.
    pub fn commits(&self) -> Result<Vec<Commit>, TooLarge> {
        let metadata = codec::encode(self)?;
        let commit = |range: &OffsetRange| Commit {
            topic: range.at.topic.clone(),
            partition: range.at.partition,
            offset: range.start,
            metadata: metadata.clone(),
        };
        Ok(self.ranges.iter().map(commit).collect())
    }

    /// Milliseconds since it was made. A clock that was put back makes it old, not new.
    pub fn age_ms(&self, now_ms: i64) -> u64 {
        u64::try_from(now_ms.saturating_sub(self.made_ms)).unwrap_or(u64::MAX)
    }
}

/// The plan's text is longer than a broker stores: it has to span fewer partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;
