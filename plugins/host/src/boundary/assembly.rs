//! Puts a sink's batch together from borrowed keys and values, in memory that is reused from batch to batch.
use penstock_sdk::export::view;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::marker::PhantomData;
use std::ops::Range;

/// The memory behind a batch. Keep one per task: once it has grown to the size of a batch, nothing is allocated.
#[derive(Default)]
pub struct Assembly {
    records: Vec<abi::Record>,
    headers: Vec<abi::Header>,
    /// Records that have headers, and where those start; their pointers are set when the headers move no more.
    with_headers: Vec<(usize, usize)>,
    topics: Texts,
    schemas: Texts,
}

// SAFETY: the pointers inside are only read through a `Builder` or `Batch`, whose lifetimes keep their targets alive.
unsafe impl Send for Assembly {}

/// Takes records whose bytes live at least for `'d`.
pub struct Builder<'m, 'd> {
    memory: &'m mut Assembly,
    data: PhantomData<&'d [u8]>,
}

/// One record. Its bytes are borrowed, not copied.
#[derive(Debug, Clone, Copy)]
pub struct Item<'d> {
    pub topic: &'d str,
    pub partition: i32,
    pub offset: i64,
    /// Milliseconds since 1970-01-01 UTC.
    pub timestamp_ms: Option<i64>,
    pub key: Value<'d>,
    pub value: Value<'d>,
    /// The key's schema, as the JSON text of Connect's JSON converter.
    pub key_schema: Option<&'d str>,
    pub value_schema: Option<&'d str>,
}

/// A key or value in the form in which it crosses to the plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'d> {
    Null,
    Bytes(&'d [u8]),
    Text(&'d str),
    /// The encoding of [`penstock_sdk::flat`].
    Flat(&'d [u8]),
}

/// Records that a sink can be given, as often as needed, whole or in parts.
#[derive(Clone, Copy)]
pub struct Batch<'b> {
    raw: abi::Batch,
    data: PhantomData<&'b [u8]>,
}

// SAFETY: a batch is a shared borrow of plain bytes.
unsafe impl Send for Batch<'_> {}
// SAFETY: as above.
unsafe impl Sync for Batch<'_> {}

impl Assembly {
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts the next batch; the one before is forgotten.
    pub fn begin<'d>(&mut self) -> Builder<'_, 'd> {
        self.records.clear();
        self.headers.clear();
        self.with_headers.clear();
        self.topics.clear();
        self.schemas.clear();
        Builder { memory: self, data: PhantomData }
    }
}

impl<'d> Builder<'_, 'd> {
    /// Adds a record; its headers follow by [`Self::header`].
    pub fn push(&mut self, item: &Item<'d>) -> &mut Self {
        let (key_kind, key) = item.key.raw();
        let (value_kind, value) = item.value.raw();
        // SAFETY: every text in the tables was pushed with lifetime `'d`, which this builder is bound to.
        let (topic, key_schema, value_schema) = unsafe {
            let schemas = &mut self.memory.schemas;
            let mut schema =
                |text: Option<&'d str>| text.map_or(abi::NO_SCHEMA, |text| schemas.index_of(text));
            (self.memory.topics.index_of(item.topic), schema(item.key_schema), schema(item.value_schema))
        };
        self.memory.records.push(abi::Record {
            key,
            value,
            headers: std::ptr::null(),
            headers_len: 0,
            topic,
            partition: item.partition,
            key_kind,
            value_kind,
            reserved: 0,
            key_schema,
            value_schema,
            offset: item.offset,
            timestamp_ms: item.timestamp_ms.unwrap_or(-1),
        });
        self
    }

    /// Adds a header to the record that was pushed last; without one it does nothing.
    pub fn header(&mut self, name: &'d str, value: Option<&'d [u8]>) -> &mut Self {
        let Assembly { records, headers, with_headers, .. } = &mut *self.memory;
        let records_len = records.len();
        let Some(record) = records.last_mut() else { return self };
        if record.headers_len == 0 {
            with_headers.push((records_len - 1, headers.len()));
        }
        record.headers_len += 1;
        headers.push(abi::Header {
            name: abi::Str::new(name),
            value: value.map_or(abi::Bytes::NULL, abi::Bytes::new),
        });
        self
    }

    pub fn len(&self) -> usize {
        self.memory.records.len()
    }

    pub fn is_empty(&self) -> bool {
        self.memory.records.is_empty()
    }

    /// The batch, for [`crate::SinkInstance::write`].
    pub fn finish<'b>(self) -> Batch<'b>
    where
        Self: 'b,
    {
        let Assembly { records, headers, with_headers, topics, schemas } = self.memory;
        for (record, start) in with_headers.iter() {
            records[*record].headers = headers[*start..].as_ptr();
        }
        let raw = abi::Batch {
            records: records.as_ptr(),
            records_len: records.len(),
            topics: topics.items.as_ptr(),
            topics_len: topics.items.len(),
            schemas: schemas.items.as_ptr(),
            schemas_len: schemas.items.len(),
        };
        Batch { raw, data: PhantomData }
    }
}

impl Batch<'_> {
    /// # Safety
    /// Everything that `raw` points at is readable and unchanged for `'b`.
    pub(super) unsafe fn from_raw(raw: abi::Batch) -> Self {
        Self { raw, data: PhantomData }
    }

    pub fn len(&self) -> usize {
        self.raw.records_len
    }

    pub fn is_empty(&self) -> bool {
        self.raw.records_len == 0
    }

    /// A part of the records, bounds cut to what is there; for trying the halves of a batch that was refused.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Self {
        let end = range.end.min(self.len());
        let start = range.start.min(end);
        let mut raw = self.raw;
        // SAFETY: `start` is at most the number of records.
        raw.records = unsafe { raw.records.add(start) };
        raw.records_len = end - start;
        Self { raw, data: PhantomData }
    }

    /// The records as a plugin sees them.
    pub fn view(&self) -> penstock_sdk::Batch<'_> {
        // SAFETY: this batch's lifetime vouches for everything it points at.
        unsafe { view::batch(&self.raw) }
    }

    pub(super) fn as_ptr(&self) -> *const abi::Batch {
        &raw const self.raw
    }
}

impl Value<'_> {
    fn raw(self) -> (u8, abi::Bytes) {
        match self {
            Self::Null => (abi::KIND_NULL, abi::Bytes::NULL),
            Self::Bytes(bytes) => (abi::KIND_BYTES, abi::Bytes::new(bytes)),
            Self::Text(text) => (abi::KIND_TEXT, abi::Bytes::new(text.as_bytes())),
            Self::Flat(bytes) => (abi::KIND_FLAT, abi::Bytes::new(bytes)),
        }
    }
}

/// A table of distinct texts. Most questions are for the text of the question before.
#[derive(Default)]
struct Texts {
    items: Vec<abi::Str>,
    latest: usize,
    by_hash: HashMap<u64, usize>,
    hasher: RandomState,
}

impl Texts {
    fn clear(&mut self) {
        self.items.clear();
        self.by_hash.clear();
    }

    /// # Safety
    /// Every text that was asked for since `clear` still lives.
    unsafe fn index_of(&mut self, text: &str) -> u32 {
        let is_latest = self.items.get(self.latest).is_some_and(|item| {
            // SAFETY: the caller vouches for the items.
            std::ptr::eq(item.ptr, text.as_ptr()) && item.len == text.len() || unsafe { same(*item, text) }
        });
        if !is_latest {
            // SAFETY: as above.
            self.latest = unsafe { self.find_or_add(text) };
        }
        self.latest as u32
    }

    /// # Safety
    /// As in [`Self::index_of`].
    unsafe fn find_or_add(&mut self, text: &str) -> usize {
        let hash = self.hasher.hash_one(text);
        // SAFETY: the caller vouches for the items.
        let is_there = |item: &abi::Str| unsafe { same(*item, text) };
        match self.by_hash.get(&hash) {
            Some(&index) if is_there(&self.items[index]) => return index,
            // Two texts share a hash: the second is found by looking at all.
            Some(_) => {
                if let Some(index) = self.items.iter().position(is_there) {
                    return index;
                }
            }
            None => {
                self.by_hash.insert(hash, self.items.len());
            }
        }
        self.items.push(abi::Str::new(text));
        self.items.len() - 1
    }
}

/// # Safety
/// `item` still lives.
unsafe fn same(item: abi::Str, text: &str) -> bool {
    // SAFETY: the caller vouches for it, and it was made from a `&str`.
    item.len == text.len() && unsafe { abi::array(item.ptr, item.len) } == text.as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item<'d>(topic: &'d str, offset: i64, value: &'d [u8]) -> Item<'d> {
        Item {
            topic,
            partition: 3,
            offset,
            timestamp_ms: Some(17),
            key: Value::Null,
            value: Value::Bytes(value),
            key_schema: None,
            value_schema: None,
        }
    }

    #[test]
    fn records_topics_schemas_and_headers_read_back_in_order() {
        let mut assembly = Assembly::new();
        for round in 0..3 {
            let values: Vec<Vec<u8>> = (0..100).map(|i| format!("{round}/{i}").into_bytes()).collect();
            let topics = ["orders".to_owned(), "users".to_owned()];
            let mut builder = assembly.begin();
            for (i, value) in values.iter().enumerate() {
                let mut item = item(&topics[i / 10 % 2], i as i64, value);
                item.value_schema = (i % 2 == 0).then_some("{\"type\":\"bytes\"}");
                builder.push(&item);
                for _ in 0..i % 3 {
                    builder.header("trace", Some(value)).header("empty", None);
                }
            }
            let batch = builder.finish();
            let view = batch.view();
            assert_eq!(view.topics().collect::<Vec<_>>(), ["orders", "users"]);
            for (i, record) in view.records().enumerate() {
                assert_eq!((record.topic(), record.offset()), (topics[i / 10 % 2].as_str(), i as i64));
                assert_eq!(record.value(), penstock_sdk::Value::Bytes(&values[i]));
                assert_eq!(record.key(), penstock_sdk::Value::Null);
                assert_eq!(record.value_schema().is_some(), i % 2 == 0);
                let headers: Vec<_> = record.headers().collect();
                let pair = [("trace", Some(values[i].as_slice())), ("empty", None)];
                assert_eq!(headers, pair.repeat(i % 3));
            }
        }
    }

    #[test]
    fn a_part_starts_and_ends_inside_the_batch() {
        let mut assembly = Assembly::new();
        let mut builder = assembly.begin();
        for offset in 0..10 {
            builder.push(&item("t", offset, b"v"));
        }
        let batch = builder.finish();
        let offsets = |range| batch.part(range).view().records().map(|r| r.offset()).collect::<Vec<_>>();
        assert_eq!(offsets(2..4), [2, 3]);
        assert_eq!(offsets(8..99), [8, 9]);
        assert!(offsets(99..100).is_empty());
    }

    #[test]
    fn a_thousand_interleaved_topics_keep_their_indices() {
        let topics: Vec<String> = (0..1000).map(|i| format!("topic-{i}")).collect();
        let mut assembly = Assembly::new();
        let mut builder = assembly.begin();
        for round in 0..3 {
            for topic in &topics {
                builder.push(&item(topic, round, b""));
            }
        }
        let batch = builder.finish();
        assert_eq!(batch.view().topics().len(), 1000);
        for (i, record) in batch.view().records().enumerate() {
            assert_eq!(record.topic(), topics[i % 1000]);
        }
    }
}
