//! What the worker does for a task, as the table of functions that its plugin calls.
use super::raw;
use core::ffi::c_void;
use penstock_sdk::{Bound, Fields, Level};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

/// The worker's side of a task. Called from any thread of the plugin, while the task is open.
pub trait Services: Send + Sync {
    fn log(&self, level: Level, message: &str);
    /// Adds to the counter with this name.
    fn count(&self, name: &str, add: u64);
    /// Sets the gauge with this name.
    fn gauge(&self, name: &str, value: f64);
    /// Sleeps, or returns early with true when the task is to end.
    fn wait(&self, time: Duration) -> bool;
    /// The stored offset of a source partition.
    fn resume(&self, partition: &Fields) -> Option<Fields>;
    /// What the task is bound to; none for one that reads on without end.
    fn bounds(&self) -> Vec<Bound> {
        Vec::new()
    }
    /// False when another worker may have taken the task over.
    fn may_write(&self) -> bool {
        true
    }
}

/// Owns the table that a plugin holds a pointer to; dropped after `close` returned.
pub(super) struct HostTable(NonNull<Context>);

struct Context {
    table: abi::Host,
    services: RwLock<Option<Arc<dyn Services>>>,
}

// SAFETY: the context is only changed under its lock, and its pointers refer to itself.
unsafe impl Send for HostTable {}

impl HostTable {
    pub fn new(services: Arc<dyn Services>) -> Self {
        let table = abi::Host {
            size: size_of::<abi::Host>(),
            context: std::ptr::null_mut(),
            log,
            count,
            gauge,
            wait,
            resume,
            may_write: Some(may_write),
            bounds: Some(bounds),
        };
        let at = Box::into_raw(Box::new(Context { table, services: RwLock::new(Some(services)) }));
        // SAFETY: nobody else knows the box yet.
        unsafe { (*at).table.context = at.cast() };
        // SAFETY: a box is never null.
        Self(unsafe { NonNull::new_unchecked(at) })
    }

    pub fn as_ptr(&self) -> *const abi::Host {
        // SAFETY: the context lives as long as `self`.
        unsafe { &raw const (*self.0.as_ptr()).table }
    }

    /// For a task that failed to open: a thread it started before it failed may still hold the table, so the
    /// table outlives the failure for a while, with nothing behind it.
    pub fn retire(self) {
        // SAFETY: the context lives as long as `self`.
        let context = unsafe { self.0.as_ref() };
        *context.services.write().unwrap_or_else(PoisonError::into_inner) = None;
        let mut retired = RETIRED.lock().unwrap_or_else(PoisonError::into_inner);
        if retired.len() == RETIRED_MAX {
            retired.pop_front();
        }
        retired.push_back(self);
    }
}

impl Drop for HostTable {
    fn drop(&mut self) {
        // SAFETY: made by `Box::into_raw` in `new` and freed once; the plugin was closed before.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

static RETIRED: Mutex<VecDeque<HostTable>> = Mutex::new(VecDeque::new());
/// Failed opens whose tables are kept: far more than restarts with back-off make within the life of a lost thread.
const RETIRED_MAX: usize = 1024;

/// Runs the worker's code for a plugin. A panic of ours must not cross into it.
///
/// # Safety
/// `context` is the one of a live table.
unsafe fn serve<T>(context: *mut c_void, absent: T, call: impl FnOnce(&dyn Services) -> T) -> T {
    // SAFETY: the caller vouches for it.
    let context = unsafe { &*context.cast_const().cast::<Context>() };
    let services = context.services.read().unwrap_or_else(PoisonError::into_inner).clone();
    match services {
        Some(services) => catch_unwind(AssertUnwindSafe(|| call(&*services))).unwrap_or(absent),
        None => absent,
    }
}

// SAFETY of the functions below: the contract makes the plugin pass the table's own context, while its task is
// open, and text that is readable during the call.

unsafe extern "C" fn log(context: *mut c_void, level: u32, text: abi::Str) {
    let level = match level {
        abi::LEVEL_ERROR => Level::Error,
        abi::LEVEL_WARN => Level::Warn,
        abi::LEVEL_DEBUG => Level::Debug,
        abi::LEVEL_TRACE => Level::Trace,
        _ => Level::Info,
    };
    // SAFETY: see above.
    unsafe { serve(context, (), |services| services.log(level, &raw::sentence(text))) }
}

unsafe extern "C" fn count(context: *mut c_void, name: abi::Str, add: u64) {
    // SAFETY: see above.
    unsafe { serve(context, (), |services| services.count(&raw::sentence(name), add)) }
}

unsafe extern "C" fn gauge(context: *mut c_void, name: abi::Str, value: f64) {
    // SAFETY: see above.
    unsafe { serve(context, (), |services| services.gauge(&raw::sentence(name), value)) }
}

unsafe extern "C" fn wait(context: *mut c_void, ms: u64) -> u32 {
    // SAFETY: see above.
    u32::from(unsafe { serve(context, true, |services| services.wait(Duration::from_millis(ms))) })
}

unsafe extern "C" fn may_write(context: *mut c_void) -> u32 {
    // SAFETY: see above.
    u32::from(unsafe { serve(context, false, |services| services.may_write()) })
}

unsafe extern "C" fn bounds(
    context: *mut c_void,
    callback_context: *mut c_void,
    callback: unsafe extern "C" fn(*mut c_void, abi::Fields, abi::Fields, abi::Fields),
) {
    // SAFETY: see above.
    let bounds = unsafe { serve(context, Vec::new(), |services| services.bounds()) };
    for bound in bounds {
        let from = bound.from.unwrap_or_default();
        let [partition, from, until] = [&bound.partition, &from, &bound.until].map(raw::raw_fields);
        let [partition, from, until] = [&partition, &from, &until].map(|fields| raw::borrow_fields(fields));
        // SAFETY: the plugin gave the callback for this call; the fields outlive it.
        unsafe { callback(callback_context, partition, from, until) };
    }
}

unsafe extern "C" fn resume(
    context: *mut c_void,
    partition: abi::Fields,
    callback_context: *mut c_void,
    callback: unsafe extern "C" fn(*mut c_void, abi::Fields),
) {
    // SAFETY: see above.
    let found = unsafe {
        serve(context, None, |services| match raw::fields(partition) {
            Ok(partition) => services.resume(&partition),
            Err(flaw) => {
                services.log(Level::Error, &format!("the plugin asked for a stored offset and {flaw}"));
                None
            }
        })
    };
    if let Some(offset) = found {
        let fields = raw::raw_fields(&offset);
        // SAFETY: the plugin gave the callback for this call; `fields` outlives it.
        unsafe { callback(callback_context, raw::borrow_fields(&fields)) };
    }
}
