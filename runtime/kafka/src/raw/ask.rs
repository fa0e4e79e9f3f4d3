//! Questions to the cluster that the safe client cannot ask, or whose errors it drops.

use std::ffi::c_char;
use std::slice;
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::client::NativeClient;
use sys::rd_kafka_admin_op_t as Operation;

use super::calls::check;
use super::list::{self, Entry};
use super::{c_string, millis, text};
use crate::Error;

/// Every offset that a group committed, read without joining it.
pub(crate) fn group_offsets(
    client: &NativeClient,
    group: &str,
    timeout: Duration,
) -> Result<Vec<Entry>, Error> {
    let name = c_string(group)?;
    let call = Call { doing: format!("reading the offsets of group {group}"), timeout };
    // SAFETY: the name lives during the call and the request is destroyed after it, once.
    unsafe {
        let mut request = sys::rd_kafka_ListConsumerGroupOffsets_new(name.as_ptr(), std::ptr::null());
        let operation = Operation::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS;
        let outcome = call.ask(
            client.ptr(),
            operation,
            |rk, options, queue| {
                sys::rd_kafka_ListConsumerGroupOffsets(rk, &raw mut request, 1, options, queue);
            },
            |event| read_group(event, &call.doing),
        );
        sys::rd_kafka_ListConsumerGroupOffsets_destroy(request);
        outcome
    }
}

/// The offset that comes next in each partition, in one question to each leader. `committed`: where the first open
/// transaction begins, if there is any.
///
/// Not for a client that consumes: its leader answers such a question only after the fetch that waits for records.
pub(crate) fn ends(
    client: &NativeClient,
    topic: &str,
    partitions: &[i32],
    committed: bool,
    timeout: Duration,
) -> Result<Vec<(i32, i64)>, Error> {
    let call = Call { doing: format!("reading the ends of {topic}"), timeout };
    let latest = Some(i64::from(sys::RD_KAFKA_OFFSET_END));
    let list = list::build(partitions.iter().map(|partition| (topic, *partition, latest, "")))?;
    let isolation = if committed {
        sys::rd_kafka_IsolationLevel_t::RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED
    } else {
        sys::rd_kafka_IsolationLevel_t::RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED
    };
    // SAFETY: client and list are live during the call, which copies the list; an error is destroyed once.
    let rows = unsafe {
        call.ask(
            client.ptr(),
            Operation::RD_KAFKA_ADMIN_OP_LISTOFFSETS,
            |rk, options, queue| {
                let refused = sys::rd_kafka_AdminOptions_set_isolation_level(options, isolation);
                if !refused.is_null() {
                    sys::rd_kafka_error_destroy(refused);
                }
                sys::rd_kafka_ListOffsets(rk, list.ptr(), options, queue);
            },
            |event| read_ends(event, &call.doing),
        )?
    };
    let end = |row: list::Entry| {
        check(row.error, &format!("reading the end of {topic}-{}", row.partition))?;
        Ok((row.partition, row.offset.max(0)))
    };
    rows.into_iter().map(end).collect()
}

/// # Safety
/// `event` is the live answer to a request for offsets.
unsafe fn read_ends(event: *mut sys::rd_kafka_event_t, doing: &str) -> Result<Vec<Entry>, Error> {
    // SAFETY: as in `read_group`; each information holds one row.
    unsafe {
        let result = sys::rd_kafka_event_ListOffsets_result(event);
        let mut count = 0;
        let rows = if result.is_null() {
            std::ptr::null_mut()
        } else {
            sys::rd_kafka_ListOffsets_result_infos(result, &raw mut count)
        };
        if count == 0 || rows.is_null() {
            return Err(unexpected(doing));
        }
        let row = |info: &*const sys::rd_kafka_ListOffsetsResultInfo_t| {
            list::entry(&*sys::rd_kafka_ListOffsetsResultInfo_topic_partition(*info))
        };
        Ok(slice::from_raw_parts(rows.cast_const(), count).iter().map(row).collect())
    }
}

/// The settings in force for a topic.
///
/// rust-rdkafka's own call takes an error for a topic without settings.
pub(crate) fn topic_configs(
    client: &NativeClient,
    topic: &str,
    timeout: Duration,
) -> Result<Vec<(String, String)>, Error> {
    let name = c_string(topic)?;
    let call = Call { doing: format!("reading the settings of topic {topic}"), timeout };
    // SAFETY: as in `group_offsets`.
    unsafe {
        let mut resource = sys::rd_kafka_ConfigResource_new(
            sys::rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC,
            name.as_ptr(),
        );
        let outcome = call.ask(
            client.ptr(),
            Operation::RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS,
            |rk, options, queue| sys::rd_kafka_DescribeConfigs(rk, &raw mut resource, 1, options, queue),
            |event| read_configs(event, &call.doing),
        );
        sys::rd_kafka_ConfigResource_destroy(resource);
        outcome
    }
}

/// librdkafka ends the process by an assertion when a request for a coordinator has timed out before the connection to
/// the coordinator was up, and then it comes up: it drops the request twice. So questions to a coordinator get the
/// longest time that it knows, and those who ask give up by their own clock.
pub(super) const REACH: Duration = Duration::from_secs(3600);

/// A request that changes something keeps its caller's time: it must not be carried out when nobody expects it any more.
fn is_question_to_coordinator(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS
            | Operation::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS
    )
}

pub(super) struct Call {
    pub(super) doing: String,
    pub(super) timeout: Duration,
}

impl Call {
    /// # Safety
    /// `rk` is a live client. `start` begins `operation` with the client, options and queue that it is given; `read` reads its answer
    /// and keeps no pointer into it.
    pub(super) unsafe fn ask<T>(
        &self,
        rk: *mut sys::rd_kafka_t,
        operation: Operation,
        start: impl FnOnce(*mut sys::rd_kafka_t, *mut sys::rd_kafka_AdminOptions_t, *mut sys::rd_kafka_queue_t),
        read: impl FnOnce(*mut sys::rd_kafka_event_t) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut reason = [0 as c_char; 256];
        // SAFETY: the client is alive by the caller's promise; options, queue and event are made and destroyed here. An
        // answer that comes after the queue is gone is dropped by librdkafka.
        unsafe {
            let options = sys::rd_kafka_AdminOptions_new(rk, operation);
            let (text, length) = (reason.as_mut_ptr(), reason.len());
            let limit = if is_question_to_coordinator(operation) { REACH } else { self.timeout };
            sys::rd_kafka_AdminOptions_set_request_timeout(options, millis(limit), text, length);
            let queue = sys::rd_kafka_queue_new(rk);
            start(rk, options, queue);
            let event = sys::rd_kafka_queue_poll(queue, millis(self.timeout + Duration::from_secs(1)));
            let outcome = if event.is_null() {
                Err(Error::retry(format!("{}: no answer within {:?}", self.doing, self.timeout)))
            } else {
                let outcome =
                    check(sys::rd_kafka_event_error(event).into(), &self.doing).and_then(|()| read(event));
                sys::rd_kafka_event_destroy(event);
                outcome
            };
            sys::rd_kafka_queue_destroy(queue);
            sys::rd_kafka_AdminOptions_destroy(options);
            outcome
        }
    }
}

/// # Safety
/// `event` is the live answer to a request for one group's offsets.
unsafe fn read_group(event: *mut sys::rd_kafka_event_t, doing: &str) -> Result<Vec<Entry>, Error> {
    // SAFETY: the event owns the result, the result owns groups and lists; nothing outlives this call.
    unsafe {
        let result = sys::rd_kafka_event_ListConsumerGroupOffsets_result(event);
        let mut count = 0;
        let groups = if result.is_null() {
            std::ptr::null_mut()
        } else {
            sys::rd_kafka_ListConsumerGroupOffsets_result_groups(result, &raw mut count)
        };
        if count == 0 || groups.is_null() {
            return Err(unexpected(doing));
        }
        let error = sys::rd_kafka_group_result_error(*groups);
        if !error.is_null() {
            check(sys::rd_kafka_error_code(error).into(), doing)?;
        }
        Ok(list::read(sys::rd_kafka_group_result_partitions(*groups)))
    }
}

/// # Safety
/// `event` is the live answer to a request for one topic's settings.
unsafe fn read_configs(
    event: *mut sys::rd_kafka_event_t,
    doing: &str,
) -> Result<Vec<(String, String)>, Error> {
    // SAFETY: as in `read_group`; names and values end with NUL, a value that is secret is null.
    unsafe {
        let result = sys::rd_kafka_event_DescribeConfigs_result(event);
        let mut count = 0;
        let resources = if result.is_null() {
            std::ptr::null_mut()
        } else {
            sys::rd_kafka_DescribeConfigs_result_resources(result, &raw mut count)
        };
        if count == 0 || resources.is_null() {
            return Err(unexpected(doing));
        }
        check(sys::rd_kafka_ConfigResource_error(*resources).into(), doing)?;
        let mut count = 0;
        let entries = sys::rd_kafka_ConfigResource_configs(*resources, &raw mut count);
        if count == 0 || entries.is_null() {
            return Ok(Vec::new());
        }
        let pair = |entry: &*const sys::rd_kafka_ConfigEntry_t| {
            (text(sys::rd_kafka_ConfigEntry_name(*entry)), text(sys::rd_kafka_ConfigEntry_value(*entry)))
        };
        Ok(slice::from_raw_parts(entries.cast_const(), count).iter().map(pair).collect())
    }
}

pub(super) fn unexpected(doing: &str) -> Error {
    Error::retry(format!("{doing}: the answer is empty"))
}
