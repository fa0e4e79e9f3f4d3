//! Where a table stands, and which rows of a page are new: nothing of rows that share a cursor value is skipped.
//!
//! A page asks for rows from the newest value on, that value included, because rows with it may have come late or may
//! not have fitted into the last page. Those that were sent already come again and are dropped here.
use std::cmp::Ordering;
use std::collections::HashMap;

use super::cursor::Value;

/// The newest value that was sent, and which rows have it.
#[derive(Debug, Default)]
pub struct Track {
    at: Option<Value>,
    /// Rows with the value `at`, by fingerprint: how often each was sent.
    sent: HashMap<u64, u32>,
    sent_rows: usize,
    /// Rows that the present page brings again.
    again: HashMap<u64, u32>,
    /// The value whose rows `again` holds.
    page_at: Option<Value>,
}

/// What is stored for a restart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Position {
    pub at: Option<Value>,
    /// Fingerprints of the rows with that value that were sent, in order; a row that is there twice counts twice.
    pub ties: Vec<u64>,
}

/// What is to be done with a row of a page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    New,
    Known,
    /// The row is older than what was sent, though it was asked for in order.
    OutOfOrder,
    /// More rows than memory is given for share one value.
    TooMany,
}

impl Track {
    pub fn new(position: Position) -> Self {
        let mut track = Track { at: position.at, ..Track::default() };
        for tie in position.ties {
            *track.sent.entry(tie).or_default() += 1;
            track.sent_rows += 1;
        }
        track
    }

    pub fn at(&self) -> Option<&Value> {
        self.at.as_ref()
    }

    /// How many rows the next page brings again.
    pub fn known_rows(&self) -> usize {
        self.sent_rows
    }

    /// The rows from `at` on, including it, are read once more.
    pub fn begin_page(&mut self) {
        self.again.clone_from(&self.sent);
        self.page_at.clone_from(&self.at);
    }

    /// Takes the next row of the page, which came in the order of the cursor.
    pub fn admit(&mut self, value: &Value, fingerprint: u64) -> Verdict {
        let order = self.at.as_ref().map_or(Ordering::Greater, |at| value.cmp(at));
        match order {
            Ordering::Less => return Verdict::OutOfOrder,
            Ordering::Equal => {
                if self.is_known(value, fingerprint) {
                    return Verdict::Known;
                }
            }
            Ordering::Greater => {
                self.at = Some(value.clone());
                self.forget();
            }
        }
        if self.sent.len() >= GROUP_MAX {
            return Verdict::TooMany;
        }
        *self.sent.entry(fingerprint).or_default() += 1;
        self.sent_rows += 1;
        Verdict::New
    }

    /// A map is cleared in the time that its room takes, and after a large group most values have few rows.
    fn forget(&mut self) {
        if self.sent.capacity() > ROOM_KEPT {
            self.sent = HashMap::new();
        }
        self.sent.clear();
        self.sent_rows = 0;
    }

    fn is_known(&mut self, value: &Value, fingerprint: u64) -> bool {
        if self.page_at.as_ref() != Some(value) {
            return false;
        }
        match self.again.get_mut(&fingerprint) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        }
    }

    /// With at most `ties_max` rows: those beyond it come again after a restart, none is left out.
    pub fn position(&self, ties_max: usize) -> Position {
        let mut ties: Vec<u64> =
            self.sent.iter().flat_map(|(tie, count)| std::iter::repeat_n(*tie, *count as usize)).collect();
        if ties.len() > ties_max {
            ties.select_nth_unstable(ties_max);
            ties.truncate(ties_max);
        }
        ties.sort_unstable();
        Position { at: self.at.clone(), ties }
    }
}

/// Distinct rows with one value that a task remembers: about 60 MB, twice while a page is read.
const GROUP_MAX: usize = 1_000_000;
/// Rows with one value whose room is worth keeping for the next.
const ROOM_KEPT: usize = 1_000;

#[cfg(test)]
mod tests;
