//! Breaks what can break around a cluster of three workers under load, and counts every record afterwards.
//!
//! Three workers run 12 connectors with 40 tasks. Longer runs by environment: `PENSTOCK_CHAOS_KILLS` (5),
//! `PENSTOCK_CHAOS_OUTAGE_SECONDS` (40), `PENSTOCK_CHAOS_SEED`. Times are printed, and bounded only generously.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "all of this crate is test code")]

mod bounce;
mod changes;
mod failover;
mod feed;
mod load;
mod outage;
mod partition;
mod squad;
mod tally;
mod zombie;

use std::time::Duration;

/// The default of `session.timeout.ms`, which all workers here have.
const SESSION: Duration = Duration::from_secs(6);

/// A number from the environment, for longer runs.
fn chosen(variable: &str, default: u64) -> u64 {
    let Ok(text) = std::env::var(variable) else { return default };
    text.parse().unwrap_or_else(|_| panic!("{variable}: expected a number, got {text:?}"))
}
