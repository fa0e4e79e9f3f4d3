//! Records of a batch, in memory of their own.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::TopicPartition;

/// Records in the order in which they were fetched.
///
/// They are copies: librdkafka has 400 bytes of its own for each record, and keeps a broker's whole answer until the
/// last record of it is given back. A batch of small records would be several times as large that way.
#[derive(Debug)]
pub struct Messages {
    rows: Vec<Row>,
    bytes: usize,
    store: Arc<Store>,
}

/// The bytes of records: of each its key, its value and its headers, next to each other.
#[derive(Clone, Debug, Default)]
struct Store {
    bytes: Vec<u8>,
    topics: Vec<Arc<str>>,
}

/// Where a record stands in Kafka and in the store.
#[derive(Clone, Copy, Debug)]
struct Row {
    offset: i64,
    /// Below zero: none.
    timestamp_ms: i64,
    start: usize,
    key: Length,
    value: Length,
    headers: u32,
    topic: u32,
    partition: i32,
}

/// A length, or null. Kafka's own lengths have 31 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Length(u32);

impl Length {
    const NULL: Self = Self(u32::MAX);

    fn of(bytes: Option<&[u8]>) -> Self {
        bytes.map_or(Self::NULL, |bytes| Self(bytes.len() as u32))
    }

    fn bytes(self) -> usize {
        if self == Self::NULL { 0 } else { self.0 as usize }
    }

    /// Takes the bytes off the front.
    fn take<'a>(self, left: &mut &'a [u8]) -> Option<&'a [u8]> {
        if self == Self::NULL {
            return None;
        }
        let (bytes, rest) = left.split_at_checked(self.bytes())?;
        *left = rest;
        Some(bytes)
    }
}

impl Messages {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Bytes of all keys and values.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Message<'_>> + ExactSizeIterator {
        self.rows.iter().map(|row| Message { row, store: &self.store })
    }

    pub fn get(&self, index: usize) -> Option<Message<'_>> {
        self.rows.get(index).map(|row| Message { row, store: &self.store })
    }

    /// Leaves the first `at` records here and gives the rest back.
    #[must_use]
    pub fn split_off(&mut self, at: usize) -> Self {
        let rows = self.rows.split_off(at.min(self.rows.len()));
        let bytes = rows.iter().map(Row::bytes).sum();
        self.bytes -= bytes;
        Self { rows, bytes, store: Arc::clone(&self.store) }
    }

    /// Appends the records of another batch.
    pub fn append(&mut self, other: &Self) {
        let mut filling =
            Filling { rows: std::mem::take(&mut self.rows), store: Store::clone(&self.store), topic: 0 };
        for message in other.iter() {
            filling.topic(&message.store.topics[message.row.topic as usize]);
            filling.push(message.row.place(), message.key(), message.value());
            message.headers().for_each(|header| filling.header(header));
        }
        *self = filling.finish();
    }

    /// Forgets the records of partitions that were taken away while the batch was being fetched.
    pub(crate) fn drop_partitions(&mut self, gone: &[TopicPartition]) {
        let is_gone = |message: Message<'_>| {
            gone.iter().any(|tp| tp.partition == message.partition() && tp.topic == message.topic())
        };
        self.retain(|message| !is_gone(message));
    }

    /// Puts the records into the order of `ranks`, which holds a number for each; those of one number stay in theirs. As a
    /// place each gets this partition, and offsets that count from `first`.
    pub fn arrange(&mut self, ranks: &[u32], partition: i32, first: i64) {
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        order.sort_by_key(|index| ranks.get(*index).copied().unwrap_or(u32::MAX));
        let row = |(index, offset): (&usize, i64)| Row { offset, partition, ..self.rows[*index] };
        self.rows = order.iter().zip(first..).map(row).collect();
    }

    /// Forgets the records that are not wanted.
    pub fn retain(&mut self, is_wanted: impl Fn(Message<'_>) -> bool) {
        let Self { rows, store, .. } = self;
        rows.retain(|row| is_wanted(Message { row, store }));
        self.bytes = self.rows.iter().map(Row::bytes).sum();
    }
}

/// One record, borrowed from its batch.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    row: &'a Row,
    store: &'a Store,
}

impl<'a> Message<'a> {
    pub fn topic(self) -> &'a str {
        &self.store.topics[self.row.topic as usize]
    }

    /// The same for all records of one topic, as long as one of them is alive.
    pub fn topic_key(self) -> usize {
        self.topic().as_ptr() as usize
    }

    pub fn partition(self) -> i32 {
        self.row.partition
    }

    pub fn offset(self) -> i64 {
        self.row.offset
    }

    pub fn timestamp_ms(self) -> Option<i64> {
        self.row.place().timestamp_ms
    }

    pub fn key(self) -> Option<&'a [u8]> {
        self.row.key.take(&mut self.after(0))
    }

    /// None for a tombstone, empty for an empty value.
    pub fn value(self) -> Option<&'a [u8]> {
        self.row.value.take(&mut self.after(self.row.key.bytes()))
    }

    /// The headers in the order they were written.
    pub fn headers(self) -> impl Iterator<Item = Header<'a>> {
        let mut left = if self.row.headers == 0 { &[] } else { self.after(self.row.bytes()) };
        (0..self.row.headers).map_while(move |_| Header::read(&mut left))
    }

    fn after(self, bytes: usize) -> &'a [u8] {
        &self.store.bytes[self.row.start + bytes..]
    }
}

/// A header, borrowed from its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// The name's bytes, which need not be UTF-8.
    pub name: &'a [u8],
    pub value: Option<&'a [u8]>,
}

impl<'a> Header<'a> {
    pub fn name_text(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.name)
    }

    fn read(left: &mut &'a [u8]) -> Option<Self> {
        let (name, value) = (length(left)?, length(left)?);
        Some(Self { name: name.take(left)?, value: value.take(left) })
    }
}

fn length(left: &mut &[u8]) -> Option<Length> {
    let (bytes, rest) = left.split_first_chunk()?;
    *left = rest;
    Some(Length(u32::from_le_bytes(*bytes)))
}

impl Row {
    fn bytes(&self) -> usize {
        self.key.bytes() + self.value.bytes()
    }

    fn place(&self) -> Place {
        let timestamp_ms = (self.timestamp_ms >= 0).then_some(self.timestamp_ms);
        Place { partition: self.partition, offset: self.offset, timestamp_ms }
    }
}

/// Where a record stands in its topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub partition: i32,
    pub offset: i64,
    pub timestamp_ms: Option<i64>,
}

/// A batch that is being made.
#[derive(Default)]
pub(crate) struct Filling {
    rows: Vec<Row>,
    store: Store,
    /// That of the records that follow.
    topic: u32,
}

impl Filling {
    /// Has room for so many records with so many bytes of keys and values.
    pub(crate) fn with_room(rows: usize, bytes: usize) -> Self {
        let store = Store { bytes: Vec::with_capacity(bytes), topics: Vec::new() };
        Self { rows: Vec::with_capacity(rows), store, topic: 0 }
    }

    /// The topic of the records that follow. There has to be one before the first record.
    pub(crate) fn topic(&mut self, name: &Arc<str>) {
        let topics = &mut self.store.topics;
        let known = topics.iter().rposition(|known| Arc::ptr_eq(known, name));
        self.topic = known.unwrap_or(topics.len()) as u32;
        if known.is_none() {
            topics.push(Arc::clone(name));
        }
    }

    pub(crate) fn push(&mut self, place: Place, key: Option<&[u8]>, value: Option<&[u8]>) {
        let Place { partition, offset, timestamp_ms } = place;
        let bytes = &mut self.store.bytes;
        let start = bytes.len();
        bytes.extend_from_slice(key.unwrap_or_default());
        bytes.extend_from_slice(value.unwrap_or_default());
        let (key, value) = (Length::of(key), Length::of(value));
        let (headers, topic, timestamp_ms) = (0, self.topic, timestamp_ms.unwrap_or(-1));
        self.rows.push(Row { offset, timestamp_ms, start, key, value, headers, topic, partition });
    }

    /// Adds a header to the record that was pushed last; without one it does nothing.
    pub(crate) fn header(&mut self, header: Header<'_>) {
        let Some(row) = self.rows.last_mut() else { return };
        row.headers += 1;
        let bytes = &mut self.store.bytes;
        bytes.extend_from_slice(&Length::of(Some(header.name)).0.to_le_bytes());
        bytes.extend_from_slice(&Length::of(header.value).0.to_le_bytes());
        bytes.extend_from_slice(header.name);
        bytes.extend_from_slice(header.value.unwrap_or_default());
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Bytes of keys, values and headers so far.
    pub(crate) fn bytes(&self) -> usize {
        self.store.bytes.len()
    }

    pub(crate) fn finish(mut self) -> Messages {
        // Headers may have taken more room than there was.
        self.store.bytes.shrink_to_fit();
        let bytes = self.rows.iter().map(Row::bytes).sum();
        Messages { rows: self.rows, bytes, store: Arc::new(self.store) }
    }
}

/// The topics' names, each once, as long as records with it live.
#[derive(Debug, Default)]
pub(crate) struct Names(Mutex<HashSet<Arc<str>>>);

impl Names {
    pub(crate) fn of(&self, name: &str) -> Arc<str> {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = names.get(name) {
            return Arc::clone(known);
        }
        // Topics of a pattern come and go.
        if names.len() >= NAMES_MAX {
            names.retain(|name| Arc::strong_count(name) > 1);
        }
        let new: Arc<str> = Arc::from(name);
        names.insert(Arc::clone(&new));
        new
    }
}

/// With more names than these, those that no record has are forgotten.
const NAMES_MAX: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn place(partition: i32, offset: i64) -> Place {
        Place { partition, offset, timestamp_ms: (offset % 2 == 0).then_some(offset * 10) }
    }

    /// Records of two topics, of which every third has headers.
    fn batch(names: &Names, offsets: std::ops::Range<i64>) -> Messages {
        let mut filling = Filling::with_room(3, 10);
        for offset in offsets {
            filling.topic(&names.of(if offset % 4 < 2 { "one" } else { "two" }));
            let text = offset.to_string();
            let key = (offset % 3 != 1).then_some(text.as_bytes());
            let value = (offset % 5 != 1).then_some(if offset % 5 == 2 { "" } else { &text });
            filling.push(place((offset % 2) as i32, offset), key, value.map(str::as_bytes));
            for _ in 0..offset % 3 {
                filling.header(Header { name: b"n\xff", value: Some(text.as_bytes()) });
                filling.header(Header { name: b"", value: None });
            }
        }
        filling.finish()
    }

    fn check(messages: &Messages, offsets: &[i64]) {
        let mut bytes = 0;
        assert_eq!(messages.len(), offsets.len());
        for (message, offset) in messages.iter().zip(offsets) {
            let text = offset.to_string();
            assert_eq!(message.offset(), *offset);
            assert_eq!(message.topic(), if offset % 4 < 2 { "one" } else { "two" });
            assert_eq!(i64::from(message.partition()), offset % 2);
            assert_eq!(message.timestamp_ms(), (offset % 2 == 0).then_some(offset * 10));
            assert_eq!(message.key(), (offset % 3 != 1).then_some(text.as_bytes()));
            let value = if offset % 5 == 2 { "" } else { &text };
            assert_eq!(message.value(), (offset % 5 != 1).then_some(value.as_bytes()));
            let pair =
                [Header { name: b"n\xff", value: Some(text.as_bytes()) }, Header { name: b"", value: None }];
            assert_eq!(message.headers().collect::<Vec<_>>(), pair.repeat((offset % 3) as usize));
            bytes += message.key().map_or(0, <[u8]>::len) + message.value().map_or(0, <[u8]>::len);
        }
        assert_eq!(messages.bytes(), bytes);
    }

    #[test]
    fn records_read_back_as_they_were_also_after_a_cut_and_a_join() {
        let names = Names::default();
        let mut head = batch(&names, 0..100);
        check(&head, &(0..100).collect::<Vec<_>>());
        let tail = head.split_off(30);
        check(&head, &(0..30).collect::<Vec<_>>());
        check(&tail, &(30..100).collect::<Vec<_>>());
        let mut other = batch(&Names::default(), 7..9);
        other.append(&tail);
        check(&other, &[7, 8].into_iter().chain(30..100).collect::<Vec<_>>());
        assert_eq!(head.split_off(1000).len(), 0);
    }

    #[test]
    fn records_that_are_not_wanted_leave_the_others_as_they_were() {
        let mut messages = batch(&Names::default(), 0..50);
        messages.retain(|message| message.offset() % 7 != 0);
        let left: Vec<i64> = (0..50).filter(|offset| offset % 7 != 0).collect();
        check(&messages, &left);
        messages.drop_partitions(&[TopicPartition::new("one", 1)]);
        let left: Vec<i64> = left.into_iter().filter(|offset| !(offset % 4 < 2 && offset % 2 == 1)).collect();
        check(&messages, &left);
    }

    #[test]
    fn records_are_arranged_with_what_belongs_to_them() {
        let mut messages = batch(&Names::default(), 0..6);
        let before: Vec<_> =
            messages.iter().map(|m| (m.topic().to_owned(), m.value().map(<[u8]>::to_vec))).collect();
        messages.arrange(&[2, 0, 1, 0, 2, 0], 9, 70);
        let seen: Vec<_> =
            messages.iter().map(|m| (m.topic().to_owned(), m.value().map(<[u8]>::to_vec))).collect();
        assert_eq!(seen, [1, 3, 5, 2, 0, 4].map(|index: usize| before[index].clone()));
        let places: Vec<_> = messages.iter().map(|m| (m.partition(), m.offset())).collect();
        assert_eq!(places, [70, 71, 72, 73, 74, 75].map(|offset| (9, offset)));
    }

    #[test]
    fn a_topic_has_one_key_while_records_of_it_live() {
        let names = Names::default();
        let (one, other) = (batch(&names, 0..4), batch(&names, 4..8));
        let keys = |messages: &Messages| messages.iter().map(Message::topic_key).collect::<Vec<_>>();
        assert_eq!(keys(&one), keys(&other));
        for number in 0..NAMES_MAX * 3 {
            drop(names.of(&number.to_string()));
        }
        assert!(names.0.lock().unwrap().len() <= NAMES_MAX);
        assert_eq!(keys(&batch(&names, 0..4)), keys(&one));
    }
}
