//! Gives the rows of a part to the worker, as many as it takes at a time.
use penstock_sdk::Poll;

use super::read::Place;
use super::reader::Part;
use super::settings::Settings;

pub struct Outlet {
    part: Part,
    next: usize,
    given: u64,
}

impl Outlet {
    pub fn new(part: Part) -> Self {
        Self { part, next: 0, given: 0 }
    }

    pub fn part(&self) -> &Part {
        &self.part
    }

    /// Rows that the last call of [`Self::give`] gave.
    pub fn given(&self) -> u64 {
        self.given
    }

    /// Where the file goes on behind what was given; none at its end.
    pub fn after(&self) -> Option<Place> {
        let is_all = self.next >= self.part.rows.len();
        match self.next.checked_sub(1).and_then(|last| self.part.rows.get(last)) {
            Some(last) if !is_all => Some(last.next),
            None if !is_all => Some(self.part.file.from),
            _ => self.part.after,
        }
    }

    /// True when all were given.
    pub fn give(&mut self, poll: &mut Poll, settings: &Settings) -> bool {
        let (object, from) = (&self.part.file.object, self.next);
        let mut number = String::new();
        while let Some(row) = self.part.rows.get(self.next) {
            if poll.bytes() >= POLL_BYTES || poll.len() >= POLL_ROWS {
                break;
            }
            let start = self.next.checked_sub(1).map_or(0, |last| self.part.rows[last].end);
            let mut record = poll.record(&settings.topic);
            record.value_bytes(&self.part.bytes[start..row.end]);
            if let Some(modified_ms) = object.modified_ms {
                record.timestamp_ms(modified_ms);
            }
            if settings.has_headers {
                number.clear();
                // Writing into memory does not fail.
                let _ = std::fmt::Write::write_fmt(&mut number, format_args!("{}", row.number));
                record
                    .header("s3.bucket", Some(settings.bucket.as_bytes()))
                    .header("s3.key", Some(object.key.as_bytes()))
                    .header("s3.row", Some(number.as_bytes()));
            }
            self.next += 1;
        }
        self.given = (self.next - from) as u64;
        self.next >= self.part.rows.len()
    }
}

/// A worker goes on with what it has, while more is read.
const POLL_BYTES: usize = 4 << 20;
const POLL_ROWS: usize = 20_000;
