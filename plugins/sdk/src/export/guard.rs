//! Runs author code so that neither an error nor a panic can cross the boundary unseen.
use crate::{Config, Error, Kind};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keeps message and place of a panic for the call that catches it. The library has a standard library of its
/// own, so this hook is not the worker's.
pub fn remember_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().map(ToString::to_string);
        let text =
            text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panic".into());
        let place = panic.location().map_or(String::new(), |at| format!(" at {}:{}", at.file(), at.line()));
        LAST_PANIC.set(Some(format!("{text}{place}")));
    }));
}

/// The author's call, with its outcome as a status and its words in the report.
pub fn guard(report: &Reporter, call: impl FnOnce() -> Result<(), Error>) -> u32 {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(())) => abi::STATUS_OK,
        Ok(Err(error)) => report.error(&error),
        Err(_) => {
            report.message(&LAST_PANIC.take().unwrap_or_else(|| "panic".into()));
            abi::STATUS_PANIC
        }
    }
}

/// Ends an instance; a panic in its destructor has nowhere to go.
pub fn quietly(call: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(call));
}

/// The worker's report, for the length of one call.
pub struct Reporter(*const abi::Report);

impl Reporter {
    /// # Safety
    /// `report` is valid during the call that made this reporter.
    pub unsafe fn new(report: *const abi::Report) -> Self {
        Self(report)
    }

    fn table(&self) -> &abi::Report {
        // SAFETY: `new`'s caller vouches for the pointer; the reporter does not outlive the call.
        unsafe { &*self.0 }
    }

    pub fn message(&self, text: &str) {
        let table = self.table();
        // SAFETY: the table's functions take their own context and borrowed text.
        unsafe { (table.message)(table.context, abi::Str::new(text)) }
    }

    pub fn problem(&self, severity: u32, setting: &str, text: &str) {
        let table = self.table();
        // SAFETY: as in `message`.
        unsafe { (table.problem)(table.context, severity, abi::Str::new(setting), abi::Str::new(text)) }
    }

    pub fn task(&self, config: &Config) {
        let table = self.table();
        let pairs: Vec<abi::Pair> = config
            .iter()
            .map(|(key, value)| abi::Pair { key: abi::Str::new(key), value: abi::Str::new(value) })
            .collect();
        // SAFETY: as in `message`; the pairs outlive the call.
        unsafe { (table.task)(table.context, abi::Pairs { ptr: pairs.as_ptr(), len: pairs.len() }) }
    }

    pub fn answer(&self, json: &str) {
        let table = self.table();
        // SAFETY: as in `message`; whoever asks has a report of the minor that asking came with.
        unsafe { (table.answer)(table.context, abi::Str::new(json)) }
    }

    fn error(&self, error: &Error) -> u32 {
        let table = self.table();
        self.message(error.message());
        match error.kind() {
            Kind::Config => abi::STATUS_CONFIG,
            Kind::Fatal => abi::STATUS_FATAL,
            Kind::Retry { after } => {
                if let Some(after) = after {
                    let ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
                    // SAFETY: as in `message`.
                    unsafe { (table.retry_after)(table.context, ms) }
                }
                abi::STATUS_RETRY
            }
            Kind::Records(rejected) => {
                for (index, reason) in rejected {
                    // SAFETY: as in `message`.
                    unsafe { (table.reject)(table.context, *index as u64, abi::Str::new(reason)) }
                }
                abi::STATUS_RECORDS
            }
        }
    }
}
