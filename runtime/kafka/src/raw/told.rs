//! What a safe client that nobody polls has to tell: its errors and its log lines.

use std::ffi::c_char;
use std::ptr;

use rdkafka::bindings as sys;
use rdkafka::client::NativeClient;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::text;

pub(crate) enum Told {
    Error(Code, String),
    Line { level: i32, facility: String, line: String },
}

/// Takes what waits, without waiting for more. Only for admin clients, whose wrapper reads another queue.
pub(crate) fn told(client: &NativeClient) -> Vec<Told> {
    let mut all = Vec::new();
    // SAFETY: the client is borrowed, so alive; the queue and every event are destroyed here.
    unsafe {
        let queue = sys::rd_kafka_queue_get_main(client.ptr());
        loop {
            let event = sys::rd_kafka_queue_poll(queue, 0);
            if event.is_null() {
                break;
            }
            all.extend(read(event));
            sys::rd_kafka_event_destroy(event);
        }
        sys::rd_kafka_queue_destroy(queue);
    }
    all
}

/// # Safety
/// `event` is live.
unsafe fn read(event: *mut sys::rd_kafka_event_t) -> Option<Told> {
    // SAFETY: texts belong to the event and are copied.
    unsafe {
        match sys::rd_kafka_event_type(event) {
            sys::RD_KAFKA_EVENT_ERROR => {
                let code = sys::rd_kafka_event_error(event).into();
                Some(Told::Error(code, text(sys::rd_kafka_event_error_string(event))))
            }
            sys::RD_KAFKA_EVENT_LOG => {
                let (mut facility, mut line) = (ptr::null::<c_char>(), ptr::null::<c_char>());
                let mut level = 0;
                sys::rd_kafka_event_log(event, &raw mut facility, &raw mut line, &raw mut level);
                Some(Told::Line { level, facility: text(facility), line: text(line) })
            }
            _ => None,
        }
    }
}
