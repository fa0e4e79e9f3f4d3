//! Hands OAuth tokens to clients, of either kind, without a callback.

use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};

use rdkafka::bindings as sys;
use rdkafka::client::NativeClient;
use std::ffi::{CString, c_char};
use sys::rd_kafka_resp_err_t as Response;

use crate::oauth::{Recipient, Token};

/// Where tokens for a raw client arrive. It is empty once the client goes.
pub(crate) struct Seat(Mutex<Option<NonNull<sys::rd_kafka_t>>>);

// SAFETY: librdkafka guarantees that every call on a handle may come from any thread.
unsafe impl Send for Seat {}
// SAFETY: as above; the pointer itself is behind a lock.
unsafe impl Sync for Seat {}

impl Seat {
    /// # Safety
    /// `rk` stays alive until `clear` was called.
    pub(super) unsafe fn new(rk: NonNull<sys::rd_kafka_t>) -> Self {
        Self(Mutex::new(Some(rk)))
    }

    /// After this nobody touches the client by way of this seat.
    pub(super) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Recipient for Seat {
    fn take(&self, token: &Token) -> Result<(), String> {
        let rk = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: whoever clears the seat before destroying the client waits for this lock.
        rk.map_or(Ok(()), |rk| unsafe { set_token(rk.as_ptr(), token) })
    }

    fn go_without(&self, reason: &str) {
        let rk = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rk) = *rk {
            // SAFETY: as in `take`.
            unsafe { set_failure(rk.as_ptr(), reason) };
        }
    }
}

/// Gives a token to one of the safe clients.
pub(crate) fn give_token(client: &NativeClient, token: &Token) -> Result<(), String> {
    // SAFETY: the borrow keeps the client alive.
    unsafe { set_token(client.ptr(), token) }
}

pub(crate) fn give_failure(client: &NativeClient, reason: &str) {
    // SAFETY: the borrow keeps the client alive.
    unsafe { set_failure(client.ptr(), reason) };
}

/// # Safety
/// `rk` is live.
unsafe fn set_token(rk: *mut sys::rd_kafka_t, token: &Token) -> Result<(), String> {
    let text = |text: &str| CString::new(text).map_err(|_| "a part of it contains NUL".to_owned());
    let (value, principal) = (text(&token.value)?, text(&token.principal)?);
    let mut extensions = Vec::with_capacity(token.extensions.len() * 2);
    for (name, value) in &token.extensions {
        extensions.push(text(name)?);
        extensions.push(text(value)?);
    }
    let mut pointers: Vec<*const c_char> = extensions.iter().map(|text| text.as_ptr()).collect();
    let life = token.expires.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_millis();
    let mut reason = [0 as c_char; 512];
    // SAFETY: all texts end with NUL and live during the call, which copies them; the list is as long as it
    // says, and so is the buffer.
    unsafe {
        let response = sys::rd_kafka_oauthbearer_set_token(
            rk,
            value.as_ptr(),
            i64::try_from(life).unwrap_or(i64::MAX),
            principal.as_ptr(),
            pointers.as_mut_ptr(),
            pointers.len(),
            reason.as_mut_ptr(),
            reason.len(),
        );
        match response {
            Response::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
            _ => Err(super::text(reason.as_ptr())),
        }
    }
}

/// # Safety
/// `rk` is live.
unsafe fn set_failure(rk: *mut sys::rd_kafka_t, reason: &str) {
    if let Ok(reason) = CString::new(reason) {
        // SAFETY: the text ends with NUL and is copied.
        unsafe { sys::rd_kafka_oauthbearer_set_token_failure(rk, reason.as_ptr()) };
    }
}
