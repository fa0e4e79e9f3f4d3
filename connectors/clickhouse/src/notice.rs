//! What the worker's log and metrics are told of a table that was created or altered.
use penstock_sdk::Level;

/// A change of state, or something that went on and should not have.
#[derive(Debug)]
pub struct Notice {
    pub level: Level,
    /// The counter of such events.
    pub event: &'static str,
    pub count: u64,
    pub sentence: String,
}

impl Notice {
    pub fn done(event: &'static str, count: usize, sentence: String) -> Self {
        Notice { level: Level::Info, event, count: count as u64, sentence }
    }

    pub fn warning(event: &'static str, count: usize, sentence: String) -> Self {
        Notice { level: Level::Warn, event, count: count as u64, sentence }
    }
}
