//! Makes records for the worker of what came from a shard, packed ones included, and tells where to go on.
use std::fmt::Write as _;

use aws_sdk_kinesis::types::Record;
use penstock_sdk::{Error, Fields, Poll, Result};

use super::aggregate;
use super::feed::Chunk;
use super::position::{self, Start, Stored};
use super::replay::Until;
use super::settings::Settings;

/// Turns chunks into messages.
pub struct Outlet {
    stream: String,
    topic: String,
    unpacks: bool,
    bytes_max: usize,
    skips_large: bool,
    /// Used again and again.
    number: String,
    pub tally: Tally,
}

/// What was left out since somebody last looked.
#[derive(Debug, Default, PartialEq)]
pub struct Tally {
    /// Parts of packed records that belong to other shards.
    pub astray: u64,
    /// A sentence for each message that is too large.
    pub large: Vec<String>,
}

/// A chunk, and how much of it was given.
pub struct Pending {
    chunk: Chunk,
    record: usize,
    /// Of that record.
    part: u64,
}

/// What became of a record.
enum Outcome {
    Given,
    /// The poll has no room for the rest of its parts.
    Full,
}

/// One message on its way out.
pub struct Message<'a> {
    pub topic: &'a str,
    pub key: &'a str,
    pub data: &'a [u8],
    pub time_ms: Option<i64>,
    pub stream: &'a str,
    pub shard: &'a str,
    /// With the number of the part behind it, where there are parts.
    pub number: &'a str,
    pub hash_key: Option<&'a str>,
}

/// Where messages are put: the worker's poll, or a test.
pub trait Basket {
    /// An error refuses the message: what was given before it counts, and it comes again.
    fn put(&mut self, message: &Message<'_>) -> Result<()>;
    fn position(&mut self, partition: Fields, offset: Fields);
    fn is_empty(&self) -> bool;
    fn is_full(&self) -> bool;
}

impl Pending {
    pub fn new(chunk: Chunk) -> Self {
        Self { chunk, record: 0, part: 0 }
    }

    /// It only says where its shard begins.
    pub fn is_beginning(&self) -> bool {
        self.chunk.begun.is_some()
    }
}

impl Outlet {
    pub fn new(settings: &Settings) -> Self {
        Self {
            stream: settings.stream.name.clone(),
            topic: settings.topic.clone(),
            unpacks: settings.unpacks,
            bytes_max: settings.message_bytes_max,
            skips_large: settings.skips_large,
            number: String::new(),
            tally: Tally::default(),
        }
    }

    /// True when all of the chunk is given. An error comes alone: the poll is empty then.
    pub fn give(&mut self, pending: &mut Pending, basket: &mut impl Basket) -> Result<bool> {
        let before = (pending.record, pending.part);
        let mut refused = None;
        while pending.record < pending.chunk.records.len() && !basket.is_full() {
            match self.record(pending, basket) {
                Ok(Outcome::Given) => {
                    pending.record += 1;
                    pending.part = 0;
                }
                Ok(Outcome::Full) => break,
                Err(error) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        if (pending.record, pending.part) == before
            && let Some(error) = refused.take()
            && basket.is_empty()
        {
            return Err(error);
        }
        let is_whole = pending.record >= pending.chunk.records.len();
        self.position(pending, before, is_whole, basket);
        Ok(is_whole)
    }

    fn record(&mut self, pending: &mut Pending, basket: &mut impl Basket) -> Result<Outcome> {
        let Pending { chunk, record, part: given } = pending;
        let record = &chunk.records[*record];
        if chunk.since_ms.is_some_and(|since| arrival_ms(record) < since / 1000 * 1000) {
            return Ok(Outcome::Given);
        }
        let known = chunk.given.as_ref().filter(|(sequence, _)| *sequence == record.sequence_number);
        let data = record.data.as_ref();
        let Some(found) = self.unpacks.then(|| aggregate::unpack(data)).flatten() else {
            if known.is_none() {
                self.number(record, None);
                self.message(chunk, record, (&record.partition_key, None, data), basket)?;
            }
            return Ok(Outcome::Given);
        };
        let until = chunk.until.as_ref().filter(|until| until.sequence == record.sequence_number);
        let last = until.and_then(|until| until.part);
        *given = known.map_or(*given, |(_, part)| (*given).max(part.saturating_add(1)));
        for part in found.parts().skip(usize::try_from(*given).unwrap_or(usize::MAX)) {
            if last.is_some_and(|last| *given > last) {
                break;
            }
            if basket.is_full() {
                return Ok(Outcome::Full);
            }
            if part.is_astray(chunk.shard.hash_keys) {
                self.tally.astray += 1;
            } else {
                self.number(record, Some(*given));
                self.message(chunk, record, (part.key, part.hash_key, part.data), basket)?;
            }
            *given += 1;
        }
        Ok(Outcome::Given)
    }

    fn number(&mut self, record: &Record, part: Option<u64>) {
        self.number.clear();
        self.number.push_str(&record.sequence_number);
        if let Some(part) = part {
            // Text grows without fail.
            let _ = write!(self.number, "/{part}");
        }
    }

    fn message(
        &mut self,
        chunk: &Chunk,
        record: &Record,
        (key, hash_key, data): (&str, Option<&str>, &[u8]),
        basket: &mut impl Basket,
    ) -> Result<()> {
        let shard = &chunk.shard.id;
        let size = key.len() + data.len();
        if size > self.bytes_max {
            return self.refuse(size, shard);
        }
        basket.put(&Message {
            topic: &self.topic,
            key,
            data,
            time_ms: record.approximate_arrival_timestamp.is_some().then(|| arrival_ms(record)),
            stream: &self.stream,
            shard,
            number: &self.number,
            hash_key,
        })
    }

    fn refuse(&mut self, size: usize, shard: &str) -> Result<()> {
        let message = format!(
            "message.bytes.max: a message of {size} bytes is larger than {}: stream {}, shard {shard}, sequence number {}",
            self.bytes_max, self.stream, self.number
        );
        if !self.skips_large {
            return Err(Error::config(message));
        }
        self.tally.large.push(message);
        Ok(())
    }

    fn position(&self, pending: &Pending, before: (usize, u64), is_whole: bool, basket: &mut impl Basket) {
        let Pending { chunk, record, part } = pending;
        let sequence = |at: usize| chunk.records.get(at).map(|record| record.sequence_number.clone());
        let until = chunk.until.as_ref().filter(|_| is_whole);
        let stored = if is_whole && chunk.is_end {
            Some(Stored::End)
        } else if let Some(Until { sequence, part }) = until.cloned() {
            Some(Stored::From(Start::Behind { sequence, part }))
        } else if (*record, *part) == before {
            chunk.begun.clone().map(Stored::From)
        } else if *part > 0 {
            let behind = |sequence| Start::Behind { sequence, part: Some(part - 1) };
            sequence(*record).map(behind).map(Stored::From)
        } else {
            let behind = |sequence| Start::Behind { sequence, part: None };
            record.checked_sub(1).and_then(sequence).map(behind).map(Stored::From)
        };
        if let Some(stored) = stored {
            basket.position(position::partition(&self.stream, &chunk.shard.id), position::write(&stored));
        }
    }
}

impl Basket for Poll {
    fn put(&mut self, message: &Message<'_>) -> Result<()> {
        let mut out = self.record(message.topic);
        out.key_text(message.key).key_schema(TEXT_SCHEMA);
        out.value_bytes(message.data).value_schema(BYTES_SCHEMA);
        out.header("kinesis.stream", Some(message.stream.as_bytes()));
        out.header("kinesis.shard.id", Some(message.shard.as_bytes()));
        out.header("kinesis.sequence.number", Some(message.number.as_bytes()));
        if let Some(hash_key) = message.hash_key {
            out.header("kinesis.explicit.hash.key", Some(hash_key.as_bytes()));
        }
        if let Some(time_ms) = message.time_ms {
            out.timestamp_ms(time_ms);
        }
        Ok(())
    }

    fn position(&mut self, partition: Fields, offset: Fields) {
        Poll::position(self, partition, offset);
    }

    fn is_empty(&self) -> bool {
        Poll::is_empty(self)
    }

    fn is_full(&self) -> bool {
        is_full(self)
    }
}

/// A poll stays small beside the worker's memory.
pub fn is_full(poll: &Poll) -> bool {
    poll.len() >= RECORDS_MAX || poll.bytes() >= BYTES_MAX
}

fn arrival_ms(record: &Record) -> i64 {
    record.approximate_arrival_timestamp.and_then(|time| time.to_millis().ok()).unwrap_or(i64::MAX)
}

const RECORDS_MAX: usize = 10_000;
const BYTES_MAX: usize = 4 << 20;
pub const TEXT_SCHEMA: &str = r#"{"type":"string","optional":false}"#;
const BYTES_SCHEMA: &str = r#"{"type":"bytes","optional":false}"#;

#[cfg(test)]
mod tests;
