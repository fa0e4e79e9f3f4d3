//! Calls on a live consumer, each with a bound on how long it waits.

use std::ffi::{CStr, c_char};
use std::marker::PhantomData;
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::types::RDKafkaErrorCode as Code;
use sys::rd_kafka_resp_err_t as Response;

use super::list::{self, Entry};
use super::{c_string, millis, text};
use crate::{Commit, Error, Kind, TopicPartition};

/// Who a member of a group is to its coordinator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub member_id: String,
    pub generation: i32,
}

/// A consumer that stays alive for `'a`.
#[derive(Clone, Copy)]
pub(crate) struct Ops<'a> {
    rk: *mut sys::rd_kafka_t,
    life: PhantomData<&'a ()>,
}

impl Ops<'_> {
    /// # Safety
    /// `rk` is a live client for as long as the caller's lifetime says.
    pub(crate) unsafe fn new(rk: *mut sys::rd_kafka_t) -> Self {
        Self { rk, life: PhantomData }
    }

    pub(crate) fn subscribe(self, topics: &[String]) -> Result<(), Error> {
        let list = list::build(topics.iter().map(|topic| (topic.as_str(), -1, None, "")))?;
        // SAFETY: `rk` is live, the list is read during the call only. So it is in each call below.
        let outcome = unsafe { sys::rd_kafka_subscribe(self.rk, list.ptr()) };
        check(outcome.into(), "subscribing to topics")
    }

    /// Leaves the group, after the rebalance callback was told.
    pub(crate) fn unsubscribe(self) -> Result<(), Error> {
        // SAFETY: `rk` is live.
        let outcome = unsafe { sys::rd_kafka_unsubscribe(self.rk) };
        check(outcome.into(), "leaving the group")
    }

    /// None outside of a group, or while it is not known yet.
    pub(crate) fn identity(self) -> Option<Identity> {
        // SAFETY: `rk` is live; what the call returns is ours, read while it lives and destroyed once.
        unsafe {
            let group = sys::rd_kafka_consumer_group_metadata(self.rk);
            if group.is_null() {
                return None;
            }
            let member_id = text(sys::rd_kafka_consumer_group_metadata_member_id(group));
            let generation = sys::rd_kafka_consumer_group_metadata_generation_id(group);
            sys::rd_kafka_consumer_group_metadata_destroy(group);
            (generation >= 0 && !member_id.is_empty()).then_some(Identity { member_id, generation })
        }
    }

    /// Reads these partitions from these offsets, without any group.
    pub(crate) fn assign(self, rows: &[(&str, i32, i64)]) -> Result<(), Error> {
        let list = list::build(
            rows.iter().map(|(topic, partition, offset)| (*topic, *partition, Some(*offset), "")),
        )?;
        // SAFETY: see `subscribe`.
        let outcome = unsafe { sys::rd_kafka_assign(self.rk, list.ptr()) };
        check(outcome.into(), "assigning partitions")
    }

    /// Commits and waits for the group coordinator's answer.
    pub(crate) fn commit(self, commits: &[Commit], timeout: Duration) -> Result<(), Error> {
        if commits.is_empty() {
            return Ok(());
        }
        let rows =
            commits.iter().map(|c| (c.topic.as_str(), c.partition, Some(c.offset), c.metadata.as_str()));
        let list = list::build(rows)?;
        // SAFETY: see `subscribe`. The queue is ours: an answer that comes too late is dropped with it. The
        // event owns the list that is read from it, and is destroyed after.
        let answer = unsafe {
            let queue = sys::rd_kafka_queue_new(self.rk);
            let started = sys::rd_kafka_commit_queue(self.rk, list.ptr(), queue, None, std::ptr::null_mut());
            let answer = if started == Response::RD_KAFKA_RESP_ERR_NO_ERROR {
                let event = sys::rd_kafka_queue_poll(queue, millis(timeout));
                let answer = (!event.is_null()).then(|| {
                    let rows = list::read(sys::rd_kafka_event_topic_partition_list(event));
                    (Code::from(sys::rd_kafka_event_error(event)), rows)
                });
                if !event.is_null() {
                    sys::rd_kafka_event_destroy(event);
                }
                answer
            } else {
                Some((started.into(), Vec::new()))
            };
            sys::rd_kafka_queue_destroy(queue);
            answer
        };
        let Some((code, rows)) = answer else {
            return Err(Error::retry(format!("committing offsets: no answer within {timeout:?}")));
        };
        let outcome = check_rows(&rows, "committing").and_then(|()| check(code, "committing offsets"));
        self.check_fatal(outcome)
    }

    pub(crate) fn committed(
        self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<Entry>, Error> {
        let list = list::build(partitions.iter().map(|tp| (tp.topic.as_str(), tp.partition, None, "")))?;
        // SAFETY: see `subscribe`; the rows are read while the list lives.
        let (code, rows) = unsafe {
            let code = sys::rd_kafka_committed(self.rk, list.ptr(), millis(timeout));
            (Code::from(code), list::read(list.ptr()))
        };
        check(code, "reading committed offsets")?;
        check_rows(&rows, "reading the committed offset of")?;
        Ok(rows)
    }

    pub(crate) fn positions(self, partitions: &[TopicPartition]) -> Result<Vec<Entry>, Error> {
        let list = list::build(partitions.iter().map(|tp| (tp.topic.as_str(), tp.partition, None, "")))?;
        // SAFETY: see `committed`.
        let (code, rows) = unsafe {
            let code = sys::rd_kafka_position(self.rk, list.ptr());
            (Code::from(code), list::read(list.ptr()))
        };
        check(code, "reading positions").map(|()| rows)
    }

    pub(crate) fn pause(self, partitions: &[TopicPartition], paused: bool) -> Result<(), Error> {
        let list = list::build(partitions.iter().map(|tp| (tp.topic.as_str(), tp.partition, None, "")))?;
        // SAFETY: see `subscribe`.
        let outcome = unsafe {
            if paused {
                sys::rd_kafka_pause_partitions(self.rk, list.ptr())
            } else {
                sys::rd_kafka_resume_partitions(self.rk, list.ptr())
            }
        };
        check(outcome.into(), if paused { "pausing partitions" } else { "resuming partitions" })
    }

    /// The end of a partition as the last fetch told it; none before the first.
    pub(crate) fn known_end(self, partition: &TopicPartition) -> Option<i64> {
        let topic = c_string(&partition.topic).ok()?;
        let (mut low, mut high) = (-1, -1);
        // SAFETY: `rk` is live, the name ends with NUL, both numbers are ours.
        let code = unsafe {
            sys::rd_kafka_get_watermark_offsets(
                self.rk,
                topic.as_ptr(),
                partition.partition,
                &raw mut low,
                &raw mut high,
            )
        };
        (code == Response::RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0).then_some(high)
    }

    /// What made this client useless, if anything did.
    pub(crate) fn fatal(self) -> Option<Error> {
        let mut reason = [0 as c_char; 512];
        // SAFETY: `rk` is live; the buffer is as long as it says and ends with NUL after the call.
        let (code, reason) = unsafe {
            let code = sys::rd_kafka_fatal_error(self.rk, reason.as_mut_ptr(), reason.len());
            (Code::from(code), CStr::from_ptr(reason.as_ptr()).to_string_lossy().into_owned())
        };
        match code {
            Code::NoError => None,
            code => {
                let kind =
                    if crate::error::kind_of(code) == Kind::Fenced { Kind::Fenced } else { Kind::Fatal };
                Some(Error::new(kind, format!("the consumer cannot go on: {reason}")))
            }
        }
    }

    pub(crate) fn assignment_is_lost(self) -> bool {
        // SAFETY: `rk` is live.
        unsafe { sys::rd_kafka_assignment_lost(self.rk) != 0 }
    }

    pub(crate) fn wake(self) {
        // SAFETY: `rk` is live; the queue is a new reference, given back at once.
        unsafe {
            let queue = sys::rd_kafka_queue_get_consumer(self.rk);
            if !queue.is_null() {
                sys::rd_kafka_queue_yield(queue);
                sys::rd_kafka_queue_destroy(queue);
            }
        }
    }

    /// # Safety
    /// `list` is a live list.
    pub(super) unsafe fn give(self, list: *const sys::rd_kafka_topic_partition_list_t) -> Result<(), Code> {
        // SAFETY: `rk` is live, the list by the caller's promise.
        unsafe {
            if self.is_cooperative() {
                take_error(sys::rd_kafka_incremental_assign(self.rk, list))
            } else {
                respond(sys::rd_kafka_assign(self.rk, list))
            }
        }
    }

    /// # Safety
    /// `list` is null, for everything, or a live list.
    pub(super) unsafe fn take(self, list: *const sys::rd_kafka_topic_partition_list_t) -> Result<(), Code> {
        // SAFETY: as in `give`.
        unsafe {
            if self.is_cooperative() && !list.is_null() {
                take_error(sys::rd_kafka_incremental_unassign(self.rk, list))
            } else {
                respond(sys::rd_kafka_assign(self.rk, std::ptr::null()))
            }
        }
    }

    fn is_cooperative(self) -> bool {
        // SAFETY: `rk` is live; the name is a constant of librdkafka.
        unsafe { text(sys::rd_kafka_rebalance_protocol(self.rk)) == "COOPERATIVE" }
    }

    /// A fenced member's commit comes back as "fatal"; the reason is kept by the client.
    fn check_fatal(self, outcome: Result<(), Error>) -> Result<(), Error> {
        match outcome {
            Err(error) if error.kind == Kind::Fatal => Err(self.fatal().unwrap_or(error)),
            other => other,
        }
    }
}

pub(super) fn check(code: Code, doing: &str) -> Result<(), Error> {
    match code {
        Code::NoError => Ok(()),
        code => Err(Error::of_code(code, doing)),
    }
}

/// The first partition that went wrong stands for all.
fn check_rows(rows: &[Entry], doing: &str) -> Result<(), Error> {
    match rows.iter().find(|row| row.error != Code::NoError) {
        Some(row) => Err(Error::of_code(row.error, &format!("{doing} {}-{}", row.topic, row.partition))),
        None => Ok(()),
    }
}

fn respond(response: Response) -> Result<(), Code> {
    match response.into() {
        Code::NoError => Ok(()),
        code => Err(code),
    }
}

/// # Safety
/// `error` is null or an error that the caller owns.
unsafe fn take_error(error: *mut sys::rd_kafka_error_t) -> Result<(), Code> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: the caller's promise; it is not used after.
    unsafe {
        let code = sys::rd_kafka_error_code(error);
        sys::rd_kafka_error_destroy(error);
        respond(code)
    }
}
