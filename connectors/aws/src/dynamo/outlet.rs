//! Makes records for the worker of rows and of changes.
use penstock_sdk::{Error, Fields, Poll, Result};

use crate::kinesis::{Basket, Message, TEXT_SCHEMA, is_full};

use super::conductor::Rows;
use super::json::{Event, Reader};
use super::state::Place;
use super::version::{SNAPSHOT, version};

/// What all records of a task have in common.
pub struct Outlet {
    pub table: String,
    pub topic: String,
    pub reader: Reader,
    pub tolerates: bool,
    /// Changes of before are in the snapshot, whatever time they come at.
    pub since_us: u64,
    pub tally: Tally,
    /// Used again and again.
    number: String,
}

/// What was left out since somebody last looked.
#[derive(Debug, Default)]
pub struct Tally {
    pub before_snapshot: u64,
    pub of_other_tables: u64,
    /// A sentence for each record that could not be read.
    pub malformed: Vec<String>,
}

/// Rows, and how much of them was given.
pub struct Held {
    rows: Rows,
    /// Bytes of the lines.
    at: usize,
    row: u64,
}

/// The worker's poll, for changes.
pub struct Changes<'a> {
    pub outlet: &'a mut Outlet,
    pub poll: &'a mut Poll,
}

impl Outlet {
    pub fn new(table: &str, topic: &str, reader: Reader, tolerates: bool) -> Self {
        let (tally, number) = Default::default();
        Self { table: table.into(), topic: topic.into(), reader, tolerates, since_us: 0, tally, number }
    }

    /// True when all of the rows are given. An error comes alone: nothing of these rows is in the poll then.
    pub fn rows(&mut self, held: &mut Held, poll: &mut Poll) -> Result<bool> {
        let before = held.row;
        while held.at < held.rows.lines.text.len() && !is_full(poll) {
            if let Err(error) = self.row(held, poll) {
                if held.row == before {
                    return Err(error);
                }
                break;
            }
        }
        let is_whole = held.at >= held.rows.lines.text.len();
        let place = Place { rows: held.row.max(held.rows.skip), is_done: is_whole && held.rows.is_last };
        poll.position(Place::partition(&self.table, &held.rows.file.key), place.write());
        Ok(is_whole)
    }

    fn row(&mut self, held: &mut Held, poll: &mut Poll) -> Result<()> {
        let rest = &held.rows.lines.text[held.at..];
        let end = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
        let line = &rest[..end];
        if held.row >= held.rows.skip && !line.trim_ascii().is_empty() {
            match self.reader.item(line, SNAPSHOT) {
                Ok(()) => self.put(poll, "SNAPSHOT", Some(held.rows.time_ms), None),
                Err(reason) => {
                    let file = &held.rows.file.key;
                    self.refuse(format!("export file {file}, row {}: {reason}", held.row + 1))?;
                }
            }
        }
        held.at += end + 1;
        held.row += 1;
        Ok(())
    }

    fn refuse(&mut self, message: String) -> Result<()> {
        if !self.tolerates {
            return Err(Error::config(message));
        }
        self.tally.malformed.push(message);
        Ok(())
    }

    fn put(&self, poll: &mut Poll, event: &str, time_ms: Option<i64>, from: Option<&Message<'_>>) {
        let mut out = poll.record(&self.topic);
        out.key_text(self.reader.key()).key_schema(TEXT_SCHEMA);
        out.value_text(self.reader.row()).value_schema(TEXT_SCHEMA);
        out.header("dynamodb.event", Some(event.as_bytes()));
        if let Some(message) = from {
            out.header("kinesis.stream", Some(message.stream.as_bytes()));
            out.header("kinesis.shard.id", Some(message.shard.as_bytes()));
            out.header("kinesis.sequence.number", Some(message.number.as_bytes()));
        }
        if let Some(time_ms) = time_ms {
            out.timestamp_ms(time_ms);
        }
    }

    fn change(&mut self, message: &Message<'_>, poll: &mut Poll) -> Result<()> {
        let malformed = |reason: &str| {
            format!(
                "stream {}, shard {}, sequence number {}: {reason}",
                message.stream, message.shard, message.number
            )
        };
        let change = match self.reader.change(message.data) {
            Ok(Some(change)) => change,
            Ok(None) => {
                self.tally.of_other_tables += 1;
                return Ok(());
            }
            Err(reason) => return self.refuse(malformed(&reason)),
        };
        if change.at_us < self.since_us {
            self.tally.before_snapshot += 1;
            return Ok(());
        }
        if version(change.at_us, message.number, &mut self.number).is_none() {
            return self.refuse(malformed("expected a sequence number of at most 57 digits"));
        }
        let is_removed = change.event == Event::Remove;
        self.reader.finish(&self.number, is_removed);
        let event = match change.event {
            Event::Insert => "INSERT",
            Event::Modify => "MODIFY",
            Event::Remove => "REMOVE",
        };
        self.put(poll, event, i64::try_from(change.at_us / 1000).ok(), Some(message));
        Ok(())
    }
}

impl Held {
    pub fn new(rows: Rows) -> Self {
        let row = rows.lines.first;
        Self { rows, at: 0, row }
    }
}

impl Basket for Changes<'_> {
    fn put(&mut self, message: &Message<'_>) -> Result<()> {
        self.outlet.change(message, self.poll)
    }

    fn position(&mut self, partition: Fields, offset: Fields) {
        Poll::position(self.poll, partition, offset);
    }

    fn is_empty(&self) -> bool {
        Poll::is_empty(self.poll)
    }

    fn is_full(&self) -> bool {
        is_full(self.poll)
    }
}
