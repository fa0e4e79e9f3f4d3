//! Takes records out of librdkafka in batches.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::ptr::{self, NonNull};
use std::slice;
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::messages::{Filling, Place};
use crate::raw::{Handle, millis, text};
use crate::{Error, Header, Messages};

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
pub(crate) fn fetch(handle: &Handle, max: usize, timeout: Duration) -> Turn {
    let mut taken = Vec::new();
    take(handle, millis(timeout), 1, &mut taken);
    if max > 1 && taken.first().is_some_and(|first| first.code() == Code::NoError) {
        // SAFETY: the queue is alive.
        let waiting = unsafe { sys::rd_kafka_queue_length(handle.queue()) };
        take(handle, 0, waiting.min(max - 1), &mut taken);
    }
    let bytes = taken.iter().filter(|record| record.code() == Code::NoError).map(Record::bytes).sum();
    let mut filling = Filling::with_room(taken.len(), bytes);
    let (mut errors, mut ends, mut told_at) = (Vec::new(), Vec::new(), Vec::new());
    // All records live until this is over, so a topic's address is no other one's meanwhile.
    let mut topic = ptr::null_mut();
    for record in &taken {
        let (raw, code) = (record.raw(), record.code());
        match code {
            Code::NoError => {
                if topic != raw.rkt {
                    topic = raw.rkt;
                    filling.topic(&handle.names.of(record.topic()));
                }
                copy(record, &mut filling);
            }
            Code::PartitionEOF => ends.push((raw.partition, raw.offset)),
            _ => errors.push((code, error_of(code, record.0))),
        }
        if code != Code::NoError {
            told_at.push((raw.partition, raw.offset));
        }
    }
    Turn { messages: filling.finish(), errors, ends, told_at }
}

/// Takes up to `count`; waits at most `timeout_ms` for the last of them.
fn take(handle: &Handle, timeout_ms: i32, count: usize, taken: &mut Vec<Record>) {
    if count == 0 {
        return;
    }
    let mut buffer = vec![ptr::null_mut(); count];
    // SAFETY: the queue is alive, the buffer is as long as it says, and each pointer written is ours.
    let count = unsafe {
        sys::rd_kafka_consume_batch_queue(handle.queue(), timeout_ms, buffer.as_mut_ptr(), buffer.len())
    };
    let count = usize::try_from(count).unwrap_or(0).min(buffer.len());
    taken.extend(buffer[..count].iter().filter_map(|pointer| NonNull::new(*pointer)).map(Record));
}

/// A record, or an error, that librdkafka gave us.
struct Record(NonNull<sys::rd_kafka_message_t>);

impl Record {
    fn raw(&self) -> &sys::rd_kafka_message_t {
        // SAFETY: it is ours until it is dropped.
        unsafe { self.0.as_ref() }
    }

    fn code(&self) -> Code {
        Code::from(self.raw().err)
    }

    fn bytes(&self) -> usize {
        self.raw().len + self.raw().key_len
    }

    fn topic(&self) -> &str {
        // SAFETY: a record holds its topic, whose name is a constant text of ASCII.
        let name = unsafe { CStr::from_ptr(sys::rd_kafka_topic_name(self.raw().rkt)) };
        name.to_str().unwrap_or_default()
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        // SAFETY: it is owned here, once, and its client is alive: a fetch borrows it.
        unsafe { sys::rd_kafka_message_destroy(self.0.as_ptr()) };
    }
}

fn copy(record: &Record, filling: &mut Filling) {
    let raw = record.raw();
    // SAFETY: the record is alive; the type of the timestamp may be left out; it holds `key_len` bytes at `key` and
    // `len` at `payload`, or null.
    let (timestamp, key, value) = unsafe {
        let timestamp = sys::rd_kafka_message_timestamp(record.0.as_ptr(), ptr::null_mut());
        (timestamp, bytes(raw.key.cast(), raw.key_len), bytes(raw.payload.cast(), raw.len))
    };
    let timestamp_ms = (timestamp >= 0).then_some(timestamp);
    filling.push(Place { partition: raw.partition, offset: raw.offset, timestamp_ms }, key, value);
    let mut headers = ptr::null_mut();
    // SAFETY: the record is alive and no other thread has it.
    let code = unsafe { sys::rd_kafka_message_headers(record.0.as_ptr(), &raw mut headers) };
    if Code::from(code) != Code::NoError {
        return;
    }
    // SAFETY: the headers belong to the record.
    (0..).map_while(|index| unsafe { header(headers, index) }).for_each(|header| filling.header(header));
}

fn error_of(code: Code, pointer: NonNull<sys::rd_kafka_message_t>) -> Error {
    // SAFETY: the message is alive; an error's text ends with NUL; the topic may be missing.
    let (topic, reason) = unsafe {
        let raw = pointer.as_ref();
        let topic = if raw.rkt.is_null() { String::new() } else { text(sys::rd_kafka_topic_name(raw.rkt)) };
        (topic, text(sys::rd_kafka_message_errstr(pointer.as_ptr())))
    };
    let advice = if code == Code::BadCompression { UNPACKED } else { "" };
    let place = if topic.is_empty() { "fetching".to_owned() } else { format!("fetching from {topic}") };
    Error::new(crate::error::kind_of(code), format!("{place}: {reason}{advice}"))
}

/// The one reason but damage.
const UNPACKED: &str = "; a batch may unpack to no more bytes than receive.message.max.bytes";

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
