//! What a source fills in one poll: records in one arena, and where to go on after them.
use crate::{Fields, flat};
use std::ops::Range;

/// Collects the records of one [`crate::Source::poll`]. Its memory is reused from poll to poll.
#[derive(Debug, Default)]
pub struct Poll {
    pub(crate) arena: Vec<u8>,
    pub(crate) drafts: Vec<Draft>,
    pub(crate) headers: Vec<(Range<usize>, Option<Range<usize>>)>,
    pub(crate) topics: Vec<String>,
    pub(crate) schemas: Vec<String>,
    pub(crate) positions: Vec<(Fields, Fields)>,
    /// Records whose position has come.
    placed: usize,
}

/// A record while the arena may still move.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub topic: u32,
    pub partition: i32,
    pub timestamp_ms: i64,
    pub key: Part,
    pub value: Part,
    pub headers: Range<usize>,
    /// The number of its partition's position, from 1; 0 before it has come.
    pub place: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub kind: u8,
    pub span: Range<usize>,
    pub schema: u32,
}

/// The record that [`Poll::record`] added; key and value are null until they are set.
#[derive(Debug)]
pub struct NewRecord<'a> {
    poll: &'a mut Poll,
}

impl Poll {
    /// Adds a record for `topic`.
    pub fn record(&mut self, topic: &str) -> NewRecord<'_> {
        let topic = index_of(&mut self.topics, topic);
        let none = Part { kind: abi::KIND_NULL, span: 0..0, schema: abi::NO_SCHEMA };
        let headers = self.headers.len()..self.headers.len();
        self.drafts.push(Draft {
            topic,
            partition: -1,
            timestamp_ms: -1,
            key: none.clone(),
            value: none,
            headers,
            place: 0,
        });
        NewRecord { poll: self }
    }

    /// After all records of this poll are durable, `partition` goes on at `offset`. The last one per partition counts.
    /// Of a source that [replays](crate::About::replays), the records since the call before are the partition's.
    pub fn position(&mut self, partition: Fields, offset: Fields) {
        let known = self.positions.iter().position(|(known, _)| *known == partition);
        let index = known.unwrap_or(self.positions.len());
        match self.positions.get_mut(index) {
            Some(entry) => entry.1 = offset,
            None => self.positions.push((partition, offset)),
        }
        for draft in &mut self.drafts[self.placed..] {
            draft.place = index as u32 + 1;
        }
        self.placed = self.drafts.len();
    }

    /// Records so far.
    pub fn len(&self) -> usize {
        self.drafts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.drafts.is_empty()
    }

    /// Bytes of keys, values and headers so far: a source that reads much should stop at a few megabytes.
    pub fn bytes(&self) -> usize {
        self.arena.len()
    }

    pub(crate) fn clear(&mut self) {
        self.arena.clear();
        self.drafts.clear();
        self.headers.clear();
        self.positions.clear();
        self.placed = 0;
        // Topics and schemas stay: they repeat from poll to poll. A source that makes up new ones starts over.
        if self.topics.len() > TABLE_MAX || self.schemas.len() > TABLE_MAX {
            self.topics.clear();
            self.schemas.clear();
        }
    }

    fn store(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.arena.len();
        self.arena.extend_from_slice(bytes);
        start..self.arena.len()
    }

    fn store_flat(&mut self, write: impl FnOnce(&mut flat::Writer<'_>)) -> Range<usize> {
        let start = self.arena.len();
        write(&mut flat::Writer::new(&mut self.arena));
        start..self.arena.len()
    }

    fn last(&mut self) -> &mut Draft {
        let last = self.drafts.len() - 1;
        &mut self.drafts[last]
    }
}

/// Distinct topics or schemas that a poll remembers before it starts over.
const TABLE_MAX: usize = 1000;

fn index_of(table: &mut Vec<String>, name: &str) -> u32 {
    // The newest entries come first: sources write long runs to one topic.
    if let Some(back) = table.iter().rev().position(|known| known == name) {
        return (table.len() - 1 - back) as u32;
    }
    table.push(name.to_owned());
    (table.len() - 1) as u32
}

impl NewRecord<'_> {
    pub fn key_text(&mut self, text: &str) -> &mut Self {
        self.key(abi::KIND_TEXT, |poll| poll.store(text.as_bytes()))
    }

    pub fn key_bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.key(abi::KIND_BYTES, |poll| poll.store(bytes))
    }

    pub fn key_flat(&mut self, write: impl FnOnce(&mut flat::Writer<'_>)) -> &mut Self {
        self.key(abi::KIND_FLAT, |poll| poll.store_flat(write))
    }

    pub fn value_text(&mut self, text: &str) -> &mut Self {
        self.value(abi::KIND_TEXT, |poll| poll.store(text.as_bytes()))
    }

    pub fn value_bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.value(abi::KIND_BYTES, |poll| poll.store(bytes))
    }

    /// A number, boolean, array, map or struct.
    pub fn value_flat(&mut self, write: impl FnOnce(&mut flat::Writer<'_>)) -> &mut Self {
        self.value(abi::KIND_FLAT, |poll| poll.store_flat(write))
    }

    /// The value's schema as the JSON text of Connect's JSON converter: `{"type":"string","optional":false}`.
    pub fn value_schema(&mut self, schema: &str) -> &mut Self {
        let index = index_of(&mut self.poll.schemas, schema);
        self.poll.last().value.schema = index;
        self
    }

    /// The key's schema as the JSON text of Connect's JSON converter.
    pub fn key_schema(&mut self, schema: &str) -> &mut Self {
        let index = index_of(&mut self.poll.schemas, schema);
        self.poll.last().key.schema = index;
        self
    }

    pub fn header(&mut self, name: &str, value: Option<&[u8]>) -> &mut Self {
        let name = self.poll.store(name.as_bytes());
        let value = value.map(|bytes| self.poll.store(bytes));
        self.poll.headers.push((name, value));
        self.poll.last().headers.end += 1;
        self
    }

    /// Leaves the partitioner out of it.
    pub fn partition(&mut self, partition: i32) -> &mut Self {
        self.poll.last().partition = partition;
        self
    }

    /// Milliseconds since 1970-01-01 UTC; the broker's time when it is not set.
    pub fn timestamp_ms(&mut self, timestamp_ms: i64) -> &mut Self {
        self.poll.last().timestamp_ms = timestamp_ms;
        self
    }

    fn key(&mut self, kind: u8, store: impl FnOnce(&mut Poll) -> Range<usize>) -> &mut Self {
        let span = store(self.poll);
        let key = &mut self.poll.last().key;
        (key.kind, key.span) = (kind, span);
        self
    }

    fn value(&mut self, kind: u8, store: impl FnOnce(&mut Poll) -> Range<usize>) -> &mut Self {
        let span = store(self.poll);
        let value = &mut self.poll.last().value;
        (value.kind, value.span) = (kind, span);
        self
    }
}
