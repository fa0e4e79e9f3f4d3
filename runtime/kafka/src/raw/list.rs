//! Lists of partitions, in and out of librdkafka.

use std::slice;

use rdkafka::bindings as sys;
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{Offset, TopicPartitionList};
use sys::rd_kafka_resp_err_t as Response;

use super::text;
use crate::{Error, TopicPartition};

/// One row of a list that librdkafka filled in.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub metadata: Vec<u8>,
    pub error: Code,
}

impl Entry {
    pub(crate) fn into_partition(self) -> TopicPartition {
        TopicPartition { topic: self.topic, partition: self.partition }
    }
}

/// A list that librdkafka may read; rows without an offset keep "none".
pub(crate) fn build<'a, I>(rows: I) -> Result<TopicPartitionList, Error>
where
    I: IntoIterator<Item = (&'a str, i32, Option<i64>, &'a str)>,
{
    let mut list = TopicPartitionList::new();
    for (topic, partition, offset, metadata) in rows {
        // rust-rdkafka panics on NUL.
        super::c_string(topic)?;
        let mut row = list.add_partition(topic, partition);
        if let Some(offset) = offset {
            row.set_offset(Offset::from_raw(offset)).map_err(|error| {
                Error::of_kafka(&error, &format!("{topic}-{partition}: offset {offset} is not accepted"))
            })?;
        }
        if !metadata.is_empty() {
            row.set_metadata(metadata);
        }
    }
    Ok(list)
}

/// # Safety
/// `list` is null or a live list.
pub(crate) unsafe fn read(list: *const sys::rd_kafka_topic_partition_list_t) -> Vec<Entry> {
    // SAFETY: a live list has `cnt` rows at `elems`, each with a topic and, at `metadata`, as many bytes as
    // `metadata_size` says or null.
    unsafe {
        let Some(list) = list.as_ref() else { return Vec::new() };
        let Ok(count) = usize::try_from(list.cnt) else { return Vec::new() };
        if count == 0 || list.elems.is_null() {
            return Vec::new();
        }
        slice::from_raw_parts(list.elems, count).iter().map(|row| entry(row)).collect()
    }
}

/// # Safety
/// `row` belongs to a live list.
pub(super) unsafe fn entry(row: &sys::rd_kafka_topic_partition_t) -> Entry {
    // SAFETY: as in `read`.
    let (topic, metadata) = unsafe {
        let metadata = if row.metadata.is_null() {
            Vec::new()
        } else {
            slice::from_raw_parts(row.metadata.cast::<u8>(), row.metadata_size).to_vec()
        };
        (text(row.topic), metadata)
    };
    Entry { topic, partition: row.partition, offset: row.offset, metadata, error: row.err.into() }
}

/// The error callback gives a bare number.
pub(super) fn response(code: i32) -> Code {
    match code {
        code if code == Response::RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN as i32 => Code::AllBrokersDown,
        code if code == Response::RD_KAFKA_RESP_ERR__TRANSPORT as i32 => Code::BrokerTransportFailure,
        code if code == Response::RD_KAFKA_RESP_ERR__RESOLVE as i32 => Code::Resolve,
        code if code == Response::RD_KAFKA_RESP_ERR__AUTHENTICATION as i32 => Code::Authentication,
        code if code == Response::RD_KAFKA_RESP_ERR__SSL as i32 => Code::SSL,
        code if code == Response::RD_KAFKA_RESP_ERR__FATAL as i32 => Code::Fatal,
        _ => Code::Unknown,
    }
}
