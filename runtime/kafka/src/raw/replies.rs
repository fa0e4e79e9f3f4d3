//! Questions of a group's member whose answers are taken when they come, so that none of them holds it up.

use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::types::RDKafkaErrorCode as Code;
use sys::rd_kafka_admin_op_t as Operation;
use sys::rd_kafka_resp_err_t as Response;

use super::ask::REACH;
use super::groups::{Described, read_description};
use super::list;
use super::{Handle, c_string, millis};
use crate::{Commit, Error};

/// An answer, with the number of its question.
#[derive(Debug)]
pub(crate) enum Reply {
    Committed(u64, Result<(), Code>),
    Described(u64, Result<Described, Error>),
}

pub(crate) struct Replies {
    queue: NonNull<sys::rd_kafka_queue_t>,
    // Dropped after the queue, which needs a live client.
    handle: Arc<Handle>,
}

// SAFETY: librdkafka guarantees that every call on a queue may come from any thread.
unsafe impl Send for Replies {}

impl Replies {
    pub(crate) fn new(handle: Arc<Handle>) -> Result<Self, Error> {
        // SAFETY: the handle is alive.
        let queue = unsafe { sys::rd_kafka_queue_new(handle.rk.as_ptr()) };
        let queue = NonNull::new(queue).ok_or_else(|| Error::retry("opening a queue for answers"))?;
        Ok(Self { queue, handle })
    }

    pub(crate) fn start_commit(&self, number: u64, commit: &Commit) -> Result<(), Error> {
        let row = (commit.topic.as_str(), commit.partition, Some(commit.offset), commit.metadata.as_str());
        let list = list::build([row])?;
        // SAFETY: client and queue are alive, the list is copied by the call. The number travels as a pointer
        // that nobody follows.
        let started = unsafe {
            sys::rd_kafka_commit_queue(
                self.handle.rk.as_ptr(),
                list.ptr(),
                self.queue.as_ptr(),
                None,
                ptr::without_provenance_mut(number as usize),
            )
        };
        super::calls::check(started.into(), "committing offsets")
    }

    /// The answer may take long when Kafka is away: whoever asks gives up by its own clock.
    pub(crate) fn start_describe(&self, number: u64, group: &str) -> Result<(), Error> {
        let name = c_string(group)?;
        let mut names = [name.as_ptr()];
        let mut reason = [0; 128];
        // SAFETY: client and queue are alive; options are made and destroyed here; names are copied by the call.
        unsafe {
            let rk = self.handle.rk.as_ptr();
            let operation = Operation::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS;
            let options = sys::rd_kafka_AdminOptions_new(rk, operation);
            let (text, length) = (reason.as_mut_ptr(), reason.len());
            sys::rd_kafka_AdminOptions_set_request_timeout(options, millis(REACH), text, length);
            sys::rd_kafka_AdminOptions_set_opaque(options, ptr::without_provenance_mut(number as usize));
            sys::rd_kafka_DescribeConsumerGroups(rk, names.as_mut_ptr(), 1, options, self.queue.as_ptr());
            sys::rd_kafka_AdminOptions_destroy(options);
        }
        Ok(())
    }

    /// The next answer, waited for no longer than this.
    pub(crate) fn take(&self, wait: Duration) -> Option<Reply> {
        // SAFETY: the queue is alive; the event is ours, read while it lives, and destroyed once.
        unsafe {
            let event = sys::rd_kafka_queue_poll(self.queue.as_ptr(), millis(wait));
            if event.is_null() {
                return None;
            }
            let number = sys::rd_kafka_event_opaque(event).addr() as u64;
            let reply = match sys::rd_kafka_event_type(event) {
                sys::RD_KAFKA_EVENT_OFFSET_COMMIT => Some(Reply::Committed(number, read_commit(event))),
                sys::RD_KAFKA_EVENT_DESCRIBECONSUMERGROUPS_RESULT => {
                    let doing = "describing the workers' group";
                    let outcome = super::calls::check(sys::rd_kafka_event_error(event).into(), doing);
                    Some(Reply::Described(number, outcome.and_then(|()| read_description(event, doing))))
                }
                _ => None,
            };
            sys::rd_kafka_event_destroy(event);
            reply
        }
    }
}

impl Drop for Replies {
    fn drop(&mut self) {
        // SAFETY: it is ours, and the client still lives. Answers that come later are dropped by librdkafka.
        unsafe { sys::rd_kafka_queue_destroy(self.queue.as_ptr()) };
    }
}

/// # Safety
/// `event` is the live answer to a commit.
unsafe fn read_commit(event: *mut sys::rd_kafka_event_t) -> Result<(), Code> {
    // SAFETY: the caller's promise.
    let (response, rows): (Response, _) = unsafe {
        (sys::rd_kafka_event_error(event), list::read(sys::rd_kafka_event_topic_partition_list(event)))
    };
    let of_rows = rows.iter().map(|row| row.error).find(|code| *code != Code::NoError);
    match (Code::from(response), of_rows) {
        (Code::NoError, None) => Ok(()),
        (Code::NoError, Some(code)) | (code, _) => Err(code),
    }
}
