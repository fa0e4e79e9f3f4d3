//! Takes records out of librdkafka in batches, without copying them.
#![allow(unsafe_code)]

use std::borrow::Cow;
use std::ffi::CStr;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::raw::{Handle, millis, text};
use crate::{Error, TopicPartition};

/// Records as librdkafka received them. The memory goes back when this is dropped, in any thread.
pub struct Messages {
    pointers: Vec<NonNull<sys::rd_kafka_message_t>>,
    bytes: usize,
    // Records must be gone before their client: `drop` runs before the fields go.
    handle: Arc<Handle>,
}

// SAFETY: the messages are owned here alone and librdkafka lets any thread read and destroy them. There is no
// `Sync`: reading headers for the first time writes into the message.
unsafe impl Send for Messages {}

impl Messages {
    pub fn len(&self) -> usize {
        self.pointers.len()
    }

    pub fn is_empty(&self) -> bool {
        self.pointers.is_empty()
    }

    /// Bytes of all keys and values.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Message<'_>> + ExactSizeIterator {
        self.pointers.iter().map(|pointer| Message::new(*pointer))
    }

    pub fn get(&self, index: usize) -> Option<Message<'_>> {
        self.pointers.get(index).map(|pointer| Message::new(*pointer))
    }

    /// Leaves the first `at` records here and gives the rest back.
    #[must_use]
    pub fn split_off(&mut self, at: usize) -> Self {
        let pointers = self.pointers.split_off(at.min(self.pointers.len()));
        let mut rest = Self { pointers, bytes: 0, handle: Arc::clone(&self.handle) };
        rest.bytes = rest.iter().map(Message::bytes).sum();
        self.bytes -= rest.bytes;
        rest
    }

    /// Appends the records of another batch.
    pub fn append(&mut self, mut other: Self) {
        self.bytes += std::mem::take(&mut other.bytes);
        self.pointers.append(&mut other.pointers);
    }

    /// Forgets the records of partitions that were taken away while the batch was being fetched.
    pub(crate) fn drop_partitions(&mut self, gone: &[TopicPartition]) {
        let is_gone = |message: Message<'_>| {
            gone.iter().any(|tp| tp.partition == message.partition() && tp.topic == message.topic())
        };
        self.retain(|message| !is_gone(message));
    }

    /// Gives back the records that are not wanted.
    pub fn retain(&mut self, is_wanted: impl Fn(Message<'_>) -> bool) {
        self.pointers.retain(|pointer| {
            let stays = is_wanted(Message::new(*pointer));
            if !stays {
                self.bytes -= Message::new(*pointer).bytes();
                // SAFETY: it is owned here, and forgotten by returning false.
                unsafe { sys::rd_kafka_message_destroy(pointer.as_ptr()) };
            }
            stays
        });
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        for pointer in self.pointers.drain(..) {
            // SAFETY: each message is owned here, once, and its client is still alive.
            unsafe { sys::rd_kafka_message_destroy(pointer.as_ptr()) };
        }
    }
}

/// One record, borrowed from its batch.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    raw: NonNull<sys::rd_kafka_message_t>,
    life: PhantomData<&'a Messages>,
}

impl<'a> Message<'a> {
    fn new(raw: NonNull<sys::rd_kafka_message_t>) -> Self {
        Self { raw, life: PhantomData }
    }

    fn raw(self) -> &'a sys::rd_kafka_message_t {
        // SAFETY: the batch that this borrows from owns the message.
        unsafe { self.raw.as_ref() }
    }

    pub fn topic(self) -> &'a str {
        // SAFETY: the message holds its topic, whose name is a constant text of ASCII.
        let name = unsafe { CStr::from_ptr(sys::rd_kafka_topic_name(self.raw().rkt)) };
        name.to_str().unwrap_or_default()
    }

    /// The same for all records of one topic, as long as one of them is alive.
    pub fn topic_key(self) -> usize {
        self.raw().rkt as usize
    }

    pub fn partition(self) -> i32 {
        self.raw().partition
    }

    pub fn offset(self) -> i64 {
        self.raw().offset
    }

    pub fn timestamp_ms(self) -> Option<i64> {
        // SAFETY: the message is alive; the type of the timestamp may be left out.
        let timestamp = unsafe { sys::rd_kafka_message_timestamp(self.raw.as_ptr(), ptr::null_mut()) };
        (timestamp >= 0).then_some(timestamp)
    }

    pub fn key(self) -> Option<&'a [u8]> {
        // SAFETY: the message holds `key_len` bytes at `key`, or null.
        unsafe { bytes(self.raw().key.cast(), self.raw().key_len) }
    }

    /// None for a tombstone, empty for an empty value.
    pub fn value(self) -> Option<&'a [u8]> {
        // SAFETY: as in `key`.
        unsafe { bytes(self.raw().payload.cast(), self.raw().len) }
    }

    /// Bytes of key and value.
    pub fn bytes(self) -> usize {
        self.raw().key_len + self.raw().len
    }

    /// The headers in the order they were written, parsed at the first call.
    pub fn headers(self) -> impl Iterator<Item = Header<'a>> {
        let mut headers = ptr::null_mut();
        // SAFETY: the message is alive and no other thread reads it (`Messages` is not `Sync`).
        let code = unsafe { sys::rd_kafka_message_headers(self.raw.as_ptr(), &raw mut headers) };
        let headers = if Code::from(code) == Code::NoError { headers } else { ptr::null_mut() };
        (0..).map_while(move |index| {
            // SAFETY: the headers belong to the message, which lives for `'a`.
            unsafe { header(headers, index) }
        })
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
}

/// What one turn brought.
pub(crate) struct Turn {
    pub messages: Messages,
    pub errors: Vec<(Code, Error)>,
    /// Partitions that were read to their end, with the offset that comes next.
    pub ends: Vec<(i32, i64)>,
    /// Where something was told that is no record, ends included: librdkafka counts it as one in its position.
    pub told_at: Vec<(i32, i64)>,
}

/// Waits until there is something, then takes what is there, up to `max`. Callbacks run in this thread.
///
/// librdkafka's batch call waits until the batch is full or the time is over, so a batch of one is asked for
/// first: a lone record does not wait for others.
pub(crate) fn fetch(handle: &Arc<Handle>, max: usize, timeout: Duration) -> Turn {
    let mut turn = Turn {
        messages: Messages { pointers: Vec::new(), bytes: 0, handle: Arc::clone(handle) },
        errors: Vec::new(),
        ends: Vec::new(),
        told_at: Vec::new(),
    };
    let mut first = [ptr::null_mut()];
    take(handle, millis(timeout), &mut first, &mut turn);
    if !turn.messages.is_empty() && max > 1 {
        // SAFETY: the queue is alive.
        let waiting = unsafe { sys::rd_kafka_queue_length(handle.queue()) };
        let mut rest = vec![ptr::null_mut(); waiting.min(max - 1)];
        if !rest.is_empty() {
            take(handle, 0, &mut rest, &mut turn);
        }
    }
    turn
}

fn take(handle: &Handle, timeout_ms: i32, buffer: &mut [*mut sys::rd_kafka_message_t], turn: &mut Turn) {
    // SAFETY: the queue is alive, the buffer is as long as it says, and each pointer written is ours.
    let count = unsafe {
        sys::rd_kafka_consume_batch_queue(handle.queue(), timeout_ms, buffer.as_mut_ptr(), buffer.len())
    };
    let count = usize::try_from(count).unwrap_or(0).min(buffer.len());
    turn.messages.pointers.reserve(count);
    for pointer in buffer[..count].iter().filter_map(|pointer| NonNull::new(*pointer)) {
        // SAFETY: librdkafka gave it to us just now.
        let (code, partition, offset, length) = unsafe {
            let raw = pointer.as_ref();
            (Code::from(raw.err), raw.partition, raw.offset, raw.len + raw.key_len)
        };
        if code == Code::NoError {
            turn.messages.bytes += length;
            turn.messages.pointers.push(pointer);
            continue;
        }
        turn.told_at.push((partition, offset));
        if code == Code::PartitionEOF {
            turn.ends.push((partition, offset));
        } else {
            turn.errors.push((code, error_of(code, pointer)));
        }
        // SAFETY: it is ours and not kept.
        unsafe { sys::rd_kafka_message_destroy(pointer.as_ptr()) };
    }
}

fn error_of(code: Code, pointer: NonNull<sys::rd_kafka_message_t>) -> Error {
    // SAFETY: the message is alive; an error's text ends with NUL; the topic may be missing.
    let (topic, reason) = unsafe {
        let raw = pointer.as_ref();
        let topic = if raw.rkt.is_null() { String::new() } else { text(sys::rd_kafka_topic_name(raw.rkt)) };
        (topic, text(sys::rd_kafka_message_errstr(pointer.as_ptr())))
    };
    let place = if topic.is_empty() { "fetching".to_owned() } else { format!("fetching from {topic}") };
    Error::new(crate::error::kind_of(code), format!("{place}: {reason}"))
}

/// # Safety
/// `start` is null or leads to `length` bytes that live for `'a`.
unsafe fn bytes<'a>(start: *const u8, length: usize) -> Option<&'a [u8]> {
    // SAFETY: the caller's promise.
    (!start.is_null()).then(|| unsafe { slice::from_raw_parts(start, length) })
}

/// # Safety
/// `headers` is null or a live list for `'a`.
unsafe fn header<'a>(headers: *const sys::rd_kafka_headers_t, index: usize) -> Option<Header<'a>> {
    if headers.is_null() {
        return None;
    }
    let (mut name, mut value, mut length) = (ptr::null(), ptr::null(), 0);
    // SAFETY: the caller's promise; the name ends with NUL, the value has `length` bytes or is null.
    unsafe {
        let code =
            sys::rd_kafka_header_get_all(headers, index, &raw mut name, &raw mut value, &raw mut length);
        if Code::from(code) != Code::NoError || name.is_null() {
            return None;
        }
        Some(Header { name: CStr::from_ptr(name).to_bytes(), value: bytes(value.cast(), length) })
    }
}
