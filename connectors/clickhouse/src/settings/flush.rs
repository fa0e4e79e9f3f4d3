//! How often a connector inserts, as far as its settings tell: what a table's memory for tokens is measured by.
use std::fmt;

use penstock_sdk::{Config, Result};

/// The worker's settings of batches that bear upon it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flush {
    rows_max: u64,
    age_ms: u64,
    tasks: u64,
}

impl Flush {
    pub fn parse(config: &Config) -> Result<Self> {
        let number = |key, default: u64| Ok(config.parsed::<u64>(key)?.unwrap_or(default).max(1));
        Ok(Flush {
            rows_max: number(ROWS, 100_000)?,
            age_ms: number(AGE_MS, 1_000)?,
            tasks: number("tasks.max", 1)?,
        })
    }

    /// Inserts into one table in a second, at most: batches that are old enough, or full ones as fast as a task can
    /// fill them. Other writers are in the least value.
    pub fn inserts_per_second(&self) -> u64 {
        let full = ROWS_PER_SECOND.div_ceil(self.rows_max);
        let aged = 1_000_u64.div_ceil(self.age_ms);
        self.tasks.saturating_mul(full.max(aged)).max(INSERTS_MIN)
    }
}

impl fmt::Display for Flush {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} inserts a second, as tasks.max={}, {ROWS}={} and {AGE_MS}={} allow",
            self.inserts_per_second(),
            self.tasks,
            self.rows_max,
            self.age_ms
        )
    }
}

pub const ROWS: &str = "penstock.batch.rows.max";
pub const BYTES: &str = "penstock.batch.bytes.max";
pub const AGE_MS: &str = "penstock.batch.age.max.ms";

/// What one task was measured to bring on one core, of short records.
const ROWS_PER_SECOND: u64 = 1_000_000;
const INSERTS_MIN: u64 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(pairs: &[(&str, &str)]) -> u64 {
        Flush::parse(&pairs.iter().copied().collect()).unwrap().inserts_per_second()
    }

    #[test]
    fn small_young_batches_and_many_tasks_make_many_inserts() {
        assert_eq!(rate(&[]), 10);
        assert_eq!(rate(&[("tasks.max", "4")]), 40);
        assert_eq!(rate(&[(ROWS, "1000000"), (AGE_MS, "5000")]), 10, "others may write too");
        assert_eq!(rate(&[(ROWS, "1000000"), (AGE_MS, "50")]), 20);
        assert_eq!(rate(&[(ROWS, "2000"), (AGE_MS, "50")]), 500);
    }
}
