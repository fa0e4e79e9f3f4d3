//! The task's line to the worker, cut when the task has closed.
use super::view;
use crate::{Bound, Fields, Level};
use core::ffi::c_void;
use std::sync::{Arc, RwLock};
use std::time::Duration;

/// Shared by all clones of a [`crate::Task`]; empty after `close`.
#[derive(Clone)]
pub struct HostHandle(Arc<RwLock<Option<Pointer>>>);

#[derive(Clone, Copy)]
struct Pointer(*const abi::Host);

// SAFETY: the contract lets any thread call the host's functions until `close` returns, and `cut` runs before that.
unsafe impl Send for Pointer {}
// SAFETY: as above.
unsafe impl Sync for Pointer {}

impl HostHandle {
    /// # Safety
    /// `host` stays valid until `cut` was called.
    pub(super) unsafe fn new(host: *const abi::Host) -> Self {
        Self(Arc::new(RwLock::new(Some(Pointer(host)))))
    }

    /// No call reaches the worker afterwards, whoever still holds a clone.
    pub(super) fn cut(&self) {
        *self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
    }

    fn with<T>(&self, absent: T, call: impl FnOnce(&abi::Host) -> T) -> T {
        let guard = self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        match *guard {
            // SAFETY: `new`'s caller keeps it valid until `cut`, which waits for this read lock.
            Some(pointer) => call(unsafe { &*pointer.0 }),
            None => absent,
        }
    }

    pub(crate) fn log(&self, level: Level, message: &str) {
        let level = match level {
            Level::Error => abi::LEVEL_ERROR,
            Level::Warn => abi::LEVEL_WARN,
            Level::Info => abi::LEVEL_INFO,
            Level::Debug => abi::LEVEL_DEBUG,
            Level::Trace => abi::LEVEL_TRACE,
        };
        // SAFETY: the host's functions take their own context and borrowed text.
        self.with((), |host| unsafe { (host.log)(host.context, level, abi::Str::new(message)) });
    }

    pub(crate) fn count(&self, name: &str, add: u64) {
        // SAFETY: as in `log`.
        self.with((), |host| unsafe { (host.count)(host.context, abi::Str::new(name), add) });
    }

    pub(crate) fn gauge(&self, name: &str, value: f64) {
        // SAFETY: as in `log`.
        self.with((), |host| unsafe { (host.gauge)(host.context, abi::Str::new(name), value) });
    }

    pub(crate) fn wait(&self, time: Duration) -> bool {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        // SAFETY: as in `log`.
        self.with(true, |host| unsafe { (host.wait)(host.context, ms) } == 1)
    }

    /// True with a worker that cannot tell: it brings no plans either.
    pub(crate) fn may_write(&self) -> bool {
        let end = core::mem::offset_of!(abi::Host, may_write) + size_of::<usize>();
        self.with(false, |host| {
            // A worker's table may be older and end before this function.
            let ask = if host.size >= end { host.may_write } else { None };
            // SAFETY: as in `log`.
            ask.is_none_or(|ask| unsafe { ask(host.context) } != 0)
        })
    }

    /// None with a worker that knows of no bounds: it does not ask for records again.
    pub(crate) fn bounds(&self) -> Vec<Bound> {
        unsafe extern "C" fn take(
            found: *mut c_void,
            partition: abi::Fields,
            from: abi::Fields,
            until: abi::Fields,
        ) {
            let from = Some(view::fields(from)).filter(|from| !from.is_empty());
            let bound = Bound { partition: view::fields(partition), from, until: view::fields(until) };
            // SAFETY: `found` is the pointer below, and the worker calls back during `bounds` only.
            unsafe { (*found.cast::<Vec<Bound>>()).push(bound) };
        }
        let end = core::mem::offset_of!(abi::Host, bounds) + size_of::<usize>();
        let mut found: Vec<Bound> = Vec::new();
        let into = (&raw mut found).cast::<c_void>();
        self.with((), |host| {
            // As in `may_write`.
            let ask = if host.size >= end { host.bounds } else { None };
            if let Some(ask) = ask {
                // SAFETY: as in `log`; `found` outlives the call.
                unsafe { ask(host.context, into, take) };
            }
        });
        found
    }

    pub(crate) fn resume(&self, partition: &Fields) -> Option<Fields> {
        unsafe extern "C" fn take(found: *mut c_void, fields: abi::Fields) {
            // SAFETY: `found` is the pointer below, and the worker calls back during `resume` only.
            unsafe { *found.cast::<Option<Fields>>() = Some(view::fields(fields)) };
        }
        let raw: Vec<abi::Field> =
            partition.iter().map(|(name, value)| view::raw_field(name, value)).collect();
        let raw = abi::Fields { ptr: raw.as_ptr(), len: raw.len() };
        let mut found: Option<Fields> = None;
        let into = (&raw mut found).cast::<c_void>();
        // SAFETY: as in `log`; `raw` and `found` outlive the call.
        self.with((), |host| unsafe { (host.resume)(host.context, raw, into, take) });
        found
    }
}

/// Cuts the line when `open` fails or panics; [`Self::keep`] leaves it to `close`.
pub(super) struct CutOnDrop(Option<HostHandle>);

impl CutOnDrop {
    pub(super) fn new(host: &HostHandle) -> Self {
        Self(Some(host.clone()))
    }

    pub(super) fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for CutOnDrop {
    fn drop(&mut self) {
        if let Some(host) = &self.0 {
            host.cut();
        }
    }
}
