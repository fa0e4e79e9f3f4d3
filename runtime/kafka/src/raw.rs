//! Owns librdkafka's consumer handle: creation, callbacks, calls on it, destruction.
#![allow(unsafe_code)]

mod ask;
mod calls;
mod groups;
mod list;
mod login;
#[cfg(test)]
mod properties;
mod replies;
mod told;

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::bindings as sys;
use rdkafka::client::NativeClient;
use rdkafka::types::RDKafkaErrorCode as Code;
use sys::rd_kafka_resp_err_t as Response;

use crate::messages::Names;
use crate::probe::Probe;
use crate::{Error, TopicPartition};
pub(crate) use ask::{ends, group_offsets, topic_configs};
pub(crate) use calls::{Identity, Ops};
pub(crate) use groups::{Described, alter_offsets, delete_offsets};
pub(crate) use list::Entry;
pub(crate) use login::{Seat, give_failure, give_token};
#[cfg(test)]
pub(crate) use properties::properties;
pub(crate) use replies::{Replies, Reply};
pub(crate) use told::{Told, told};

/// What happens to the assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Assigned,
    Revoked,
    Lost,
}

/// Called by the thread that fetches, never by another one.
pub(crate) trait Callbacks: Send + Sync {
    fn rebalanced(&self, ops: Ops<'_>, change: Change, partitions: &[TopicPartition]);
    fn failed(&self, code: Code, reason: &str);
}

struct Shared {
    callbacks: Arc<dyn Callbacks>,
    probe: Probe,
}

/// A consumer of librdkafka.
pub(crate) struct Handle {
    rk: NonNull<sys::rd_kafka_t>,
    queue: NonNull<sys::rd_kafka_queue_t>,
    // The callbacks' pointer leads here, so it goes after `rk`, in `drop`.
    _shared: Arc<Shared>,
    seat: Arc<Seat>,
    /// Of the topics whose records it fetched.
    pub(crate) names: Names,
}

// SAFETY: librdkafka guarantees that every call on a handle or a queue may come from any thread.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Handle {
    pub(crate) fn open(config: &ClientConfig, callbacks: Arc<dyn Callbacks>) -> Result<Self, Error> {
        let doing = "opening a consumer";
        let native = config.create_native_config().map_err(|error| Error::of_kafka(&error, doing))?;
        let shared = Arc::new(Shared { callbacks, probe: Probe::of(config) });
        let mut reason = [0 as c_char; 512];
        // SAFETY: `native` is a valid configuration; `shared` outlives the client because the handle that
        // is made below owns both and destroys the client first; the buffer is as long as it says.
        let rk = unsafe {
            sys::rd_kafka_conf_set_opaque(native.ptr(), Arc::as_ptr(&shared).cast_mut().cast());
            sys::rd_kafka_conf_set_rebalance_cb(native.ptr(), Some(on_rebalance));
            sys::rd_kafka_conf_set_error_cb(native.ptr(), Some(on_error));
            sys::rd_kafka_conf_set_log_cb(native.ptr(), Some(on_log));
            sys::rd_kafka_new(
                sys::rd_kafka_type_t::RD_KAFKA_CONSUMER,
                native.ptr(),
                reason.as_mut_ptr(),
                reason.len(),
            )
        };
        let Some(rk) = NonNull::new(rk) else {
            // SAFETY: librdkafka ends the text with NUL.
            let reason = unsafe { text(reason.as_ptr()) };
            return Err(Error::config(format!("{doing}: {reason}")));
        };
        // The client owns its configuration from here on.
        std::mem::forget(native);
        // SAFETY: `rk` is a live consumer.
        let queue = unsafe {
            sys::rd_kafka_poll_set_consumer(rk.as_ptr());
            sys::rd_kafka_queue_get_consumer(rk.as_ptr())
        };
        let Some(queue) = NonNull::new(queue) else {
            // SAFETY: `rk` is live and nobody else knows it.
            unsafe { sys::rd_kafka_destroy(rk.as_ptr()) };
            return Err(Error::config(format!("{doing}: group.id: expected a name")));
        };
        // SAFETY: `drop` clears the seat before the client goes.
        let seat = Arc::new(unsafe { Seat::new(rk) });
        let weak = Arc::downgrade(&seat);
        crate::oauth::serve(config, weak);
        Ok(Self { rk, queue, _shared: shared, seat, names: Names::default() })
    }

    pub(crate) fn ops(&self) -> Ops<'_> {
        // SAFETY: the borrow keeps the client alive.
        unsafe { Ops::new(self.rk.as_ptr()) }
    }

    pub(crate) fn queue(&self) -> *mut sys::rd_kafka_queue_t {
        self.queue.as_ptr()
    }

    /// Who is in a group, whatever protocol it speaks. Waits for the answer.
    pub(crate) fn describe_group(
        &self,
        group: &str,
        timeout: Duration,
    ) -> Result<Option<crate::GroupDescription>, Error> {
        // SAFETY: the borrow keeps the client alive.
        unsafe { describe(self.rk.as_ptr(), group, timeout) }
    }

    /// Makes the fetch that waits, or the next one, return at once.
    pub(crate) fn wake(&self) {
        // SAFETY: the queue is live.
        unsafe { sys::rd_kafka_queue_yield(self.queue.as_ptr()) };
    }

    /// Gives up the assignment and leaves the group; callbacks run in this thread. False when time ran out.
    pub(crate) fn close(&self, timeout: Duration) -> bool {
        let until = Instant::now() + timeout;
        // SAFETY: `rk` is live. A queue of its own is needed: the consumer's queue is forwarded to it.
        // It and every message that comes out of it are destroyed here.
        unsafe {
            let queue = sys::rd_kafka_queue_new(self.rk.as_ptr());
            let refused = sys::rd_kafka_consumer_close_queue(self.rk.as_ptr(), queue);
            let started = refused.is_null();
            if !started {
                sys::rd_kafka_error_destroy(refused);
            }
            let mut closed = !started;
            while !closed && Instant::now() < until {
                let mut message = std::ptr::null_mut();
                if sys::rd_kafka_consume_batch_queue(queue, 50, &raw mut message, 1) == 1 {
                    sys::rd_kafka_message_destroy(message);
                }
                closed = sys::rd_kafka_consumer_closed(self.rk.as_ptr()) != 0;
            }
            sys::rd_kafka_queue_destroy(queue);
            closed
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.seat.clear();
        // SAFETY: this is the last owner: wakers and callers borrow or share the handle. The queue
        // has to go before the client. Closing was done before, with a bound; here it must not wait.
        unsafe {
            sys::rd_kafka_queue_destroy(self.queue.as_ptr());
            sys::rd_kafka_destroy_flags(self.rk.as_ptr(), sys::RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
        }
    }
}

/// Who is in a group, whatever protocol it speaks.
pub(crate) fn describe_group(
    client: &NativeClient,
    group: &str,
    timeout: Duration,
) -> Result<Option<crate::GroupDescription>, Error> {
    // SAFETY: the borrow keeps the client alive.
    unsafe { describe(client.ptr(), group, timeout) }
}

/// # Safety
/// `rk` is a live client.
unsafe fn describe(
    rk: *mut sys::rd_kafka_t,
    group: &str,
    timeout: Duration,
) -> Result<Option<crate::GroupDescription>, Error> {
    // SAFETY: the caller's promise.
    unsafe {
        match groups::describe_group(rk, group, timeout)? {
            Described::Missing => Ok(None),
            Described::Group(found) => Ok(Some(found)),
            Described::Foreign => groups::list_group(rk, group, timeout),
        }
    }
}

/// # Safety
/// librdkafka calls this from `rd_kafka_consume_batch_queue`, with the pointer given in `Handle::open`.
unsafe extern "C" fn on_rebalance(
    rk: *mut sys::rd_kafka_t,
    event: Response,
    partitions: *mut sys::rd_kafka_topic_partition_list_t,
    opaque: *mut c_void,
) {
    // SAFETY: the handle that owns `Shared` is being fetched from or closed, so it is alive, as is `rk`.
    // The list belongs to librdkafka for the length of this call.
    let (shared, ops, named) =
        unsafe { (&*opaque.cast::<Shared>(), Ops::new(rk), list::read(partitions).into_iter()) };
    let partitions_named: Vec<TopicPartition> = named.map(Entry::into_partition).collect();
    let call = |change| {
        // A panic must not cross C.
        let run = AssertUnwindSafe(|| shared.callbacks.rebalanced(ops, change, &partitions_named));
        if catch_unwind(run).is_err() {
            shared.callbacks.failed(Code::Application, "the rebalance listener panicked");
        }
    };
    let outcome = match event {
        Response::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
            // SAFETY: the list came with this call.
            let outcome = unsafe { ops.give(partitions) };
            call(Change::Assigned);
            outcome
        }
        Response::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => {
            call(if ops.assignment_is_lost() { Change::Lost } else { Change::Revoked });
            // SAFETY: as above.
            unsafe { ops.take(partitions) }
        }
        other => {
            call(Change::Lost);
            shared.callbacks.failed(other.into(), "rebalance failed");
            // SAFETY: as above.
            unsafe { ops.take(std::ptr::null()) }
        }
    };
    if let Err(code) = outcome {
        shared.callbacks.failed(code, "the assignment was not accepted");
    }
    ops.wake();
}

/// # Safety
/// As `on_rebalance`.
unsafe extern "C" fn on_error(
    _rk: *mut sys::rd_kafka_t,
    code: c_int,
    reason: *const c_char,
    opaque: *mut c_void,
) {
    // SAFETY: as in `on_rebalance`; the text lives for the length of this call.
    let (shared, reason) = unsafe { (&*opaque.cast::<Shared>(), text(reason)) };
    let (code, reason) = crate::trouble::judge(list::response(code), &reason, &shared.probe);
    let _ = catch_unwind(AssertUnwindSafe(|| shared.callbacks.failed(code, &reason)));
}

/// # Safety
/// librdkafka calls this from its own threads while the client lives.
unsafe extern "C" fn on_log(
    rk: *const sys::rd_kafka_t,
    level: c_int,
    facility: *const c_char,
    line: *const c_char,
) {
    // SAFETY: all four live for the length of this call; `rk` may be null before the client is complete.
    let (name, facility, line) = unsafe {
        let name = if rk.is_null() { String::new() } else { text(sys::rd_kafka_name(rk)) };
        (name, text(facility), text(line))
    };
    let _ = catch_unwind(|| crate::context::write(&name, level, &facility, &line));
}

/// # Safety
/// `chars` is null or ends with NUL.
pub(crate) unsafe fn text(chars: *const c_char) -> String {
    if chars.is_null() {
        return String::new();
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(chars) }.to_string_lossy().into_owned()
}

pub(crate) fn c_string(name: &str) -> Result<CString, Error> {
    CString::new(name).map_err(|_| Error::config(format!("expected a name without NUL, got {name:?}")))
}

pub(crate) fn millis(timeout: Duration) -> c_int {
    c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX)
}
