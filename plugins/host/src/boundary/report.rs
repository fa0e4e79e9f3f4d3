//! Collects what a call says besides its status, within bounds, and turns both into one outcome.
use super::raw::{self, Flaw};
use crate::{Error, Found, Kind, Severity};
use core::ffi::c_void;
use penstock_sdk::Config;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What one call may report.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Limits {
    pub tasks: usize,
    pub records: usize,
}

/// What one call reported.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub problems: Vec<Found>,
    pub tasks: Vec<Config>,
    /// Text that claims to be JSON.
    pub answer: Option<String>,
    limits: Limits,
    message: Option<String>,
    retry_after: Option<Duration>,
    rejected: BTreeMap<usize, String>,
    text_bytes: usize,
    flaw: Option<Flaw>,
}

/// Sentences of one call together; later ones are left out.
const TEXT_BYTES_MAX: usize = 4 << 20;
const PROBLEMS_MAX: usize = 1000;
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// Makes the call with a report, and says how it ended.
pub(super) fn reported(
    class: &str,
    limits: Limits,
    call: impl FnOnce(*const abi::Report) -> u32,
) -> Result<Notes, Error> {
    // A mutex, because a plugin may report from several threads of its own during the call.
    let notes = Mutex::new(Notes { limits, ..Notes::default() });
    let table = abi::Report {
        size: size_of::<abi::Report>(),
        context: (&raw const notes).cast_mut().cast(),
        message,
        retry_after,
        reject,
        problem,
        task,
        answer,
    };
    let status = call(&raw const table);
    notes.into_inner().unwrap_or_else(PoisonError::into_inner).outcome(class, status)
}

impl Notes {
    fn outcome(self, class: &str, status: u32) -> Result<Self, Error> {
        let fatal = |what: &str| Err(Error::fatal(format!("plugin {class} broke the contract: it {what}")));
        if let Some(flaw) = &self.flaw {
            return fatal(flaw);
        }
        let kind = match status {
            abi::STATUS_OK if self.rejected.is_empty() => return Ok(self),
            abi::STATUS_OK => return fatal("rejected records and answered that all are written"),
            abi::STATUS_CONFIG => Kind::Config,
            abi::STATUS_RETRY => Kind::Retry { after: self.retry_after },
            abi::STATUS_RECORDS if self.rejected.is_empty() => {
                return fatal("answered that it rejected records and named none");
            }
            abi::STATUS_RECORDS => Kind::Records(self.rejected.into_iter().collect()),
            abi::STATUS_FATAL => Kind::Fatal,
            abi::STATUS_PANIC => Kind::Panic,
            other => return fatal(&format!("answered the unknown status {other}")),
        };
        let message = match (self.message.filter(|text| !text.trim().is_empty()), &kind) {
            (Some(text), Kind::Panic) => format!("plugin {class} panicked: {text}"),
            (Some(text), _) => text,
            (None, Kind::Records(rejected)) => {
                format!("{class} rejected {} records: {}", rejected.len(), rejected[0].1)
            }
            (None, _) => format!("plugin {class} failed without saying why (status {status})"),
        };
        Err(Error { kind, message })
    }

    fn keep(&mut self, text: String) -> String {
        self.text_bytes += text.len();
        if self.text_bytes <= TEXT_BYTES_MAX { text } else { "(too many reasons to keep this one)".into() }
    }

    fn reject(&mut self, index: u64, reason: String) {
        let records = self.limits.records;
        match usize::try_from(index) {
            Ok(index) if index < records => {
                let reason = self.keep(reason);
                self.rejected.insert(index, reason);
            }
            _ => self.broke(format!("rejected record {index} of a batch of {records}")),
        }
    }

    fn problem(&mut self, severity: u32, setting: String, message: String) {
        let severity = match severity {
            abi::SEVERITY_ERROR => Severity::Error,
            abi::SEVERITY_UNKNOWN => Severity::Unknown,
            other => {
                return self
                    .broke(format!("reported a problem with {setting:?} of the unknown severity {other}"));
            }
        };
        if self.problems.len() < PROBLEMS_MAX {
            let (setting, message) = (self.keep(setting), self.keep(message));
            self.problems.push(Found { severity, setting, message });
        }
    }

    fn task(&mut self, config: Result<Config, Flaw>) {
        let max = self.limits.tasks;
        match config {
            Ok(_) if self.tasks.len() == max => self.broke(format!("planned more than {max} tasks")),
            Ok(config) => self.tasks.push(config),
            Err(flaw) => self.broke(flaw),
        }
    }

    fn answer(&mut self, answer: Result<&str, Flaw>) {
        match answer {
            Ok(answer) if answer.len() <= ANSWER_BYTES_MAX => self.answer = Some(answer.to_owned()),
            Ok(answer) => {
                let length = answer.len();
                self.broke(format!("gave an answer of {length} bytes, at most {ANSWER_BYTES_MAX} are taken"));
            }
            Err(flaw) => self.broke(flaw),
        }
    }

    /// The first flaw explains the others.
    fn broke(&mut self, flaw: Flaw) {
        self.flaw.get_or_insert(flaw);
    }
}

/// # Safety
/// `context` is the one of the report's table, and the call that it was made for still runs.
unsafe fn with(context: *mut c_void, change: impl FnOnce(&mut Notes)) {
    // SAFETY: the caller vouches for it; `reported` keeps the notes on its stack until the call returned.
    let notes = unsafe { &*context.cast_const().cast::<Mutex<Notes>>() };
    change(&mut notes.lock().unwrap_or_else(PoisonError::into_inner));
}

// SAFETY of the functions below: the contract makes the plugin pass the report's own context and text that is
// readable during the call.

unsafe extern "C" fn message(context: *mut c_void, text: abi::Str) {
    // SAFETY: see above.
    unsafe { with(context, |notes| notes.message = Some(raw::sentence(text))) }
}

unsafe extern "C" fn retry_after(context: *mut c_void, ms: u64) {
    // SAFETY: see above.
    unsafe { with(context, |notes| notes.retry_after = Some(Duration::from_millis(ms))) }
}

unsafe extern "C" fn reject(context: *mut c_void, index: u64, reason: abi::Str) {
    // SAFETY: see above.
    unsafe { with(context, |notes| notes.reject(index, raw::sentence(reason))) }
}

unsafe extern "C" fn problem(context: *mut c_void, severity: u32, setting: abi::Str, text: abi::Str) {
    // SAFETY: see above.
    unsafe { with(context, |notes| notes.problem(severity, raw::sentence(setting), raw::sentence(text))) }
}

unsafe extern "C" fn task(context: *mut c_void, config: abi::Pairs) {
    // SAFETY: see above.
    unsafe { with(context, |notes| notes.task(raw::config(config))) }
}

unsafe extern "C" fn answer(context: *mut c_void, json: abi::Str) {
    // SAFETY: see above.
    unsafe { with(context, |notes| notes.answer(raw::text(json, "an answer"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(limits: Limits, call: impl FnOnce(&abi::Report) -> u32) -> Result<Notes, Error> {
        // SAFETY: `reported` passes a valid table.
        reported("Sample", limits, |report| call(unsafe { &*report }))
    }

    fn say(report: &abi::Report, text: &str) {
        // SAFETY: the report is valid and the text outlives the call.
        unsafe { (report.message)(report.context, abi::Str::new(text)) }
    }

    fn reject(report: &abi::Report, index: u64) {
        // SAFETY: as in `say`.
        unsafe { (report.reject)(report.context, index, abi::Str::new("bad")) }
    }

    fn sentence_of(limits: Limits, make: impl FnOnce(&abi::Report) -> u32) -> String {
        let error = call(limits, make).unwrap_err();
        assert_eq!(error.kind, Kind::Fatal);
        error.message
    }

    #[test]
    fn each_status_becomes_its_kind_with_the_plugins_own_sentence() {
        let check = |status, kind: &Kind, message: &str| {
            let error = call(Limits { records: 9, tasks: 0 }, |report| {
                say(report, "table is read only");
                reject(report, 7);
                reject(report, 2);
                reject(report, 7);
                // SAFETY: as in `say`.
                unsafe { (report.retry_after)(report.context, 1500) };
                status
            })
            .unwrap_err();
            assert_eq!((&error.kind, error.message.as_str()), (kind, message));
        };
        let after = Some(Duration::from_millis(1500));
        check(abi::STATUS_CONFIG, &Kind::Config, "table is read only");
        check(abi::STATUS_RETRY, &Kind::Retry { after }, "table is read only");
        check(abi::STATUS_FATAL, &Kind::Fatal, "table is read only");
        check(abi::STATUS_PANIC, &Kind::Panic, "plugin Sample panicked: table is read only");
        let rejected = vec![(2, "bad".to_owned()), (7, "bad".to_owned())];
        check(abi::STATUS_RECORDS, &Kind::Records(rejected), "table is read only");
    }

    #[test]
    fn an_answer_outside_the_contract_names_the_plugin() {
        let two = Limits { records: 2, tasks: 2 };
        let name = "plugin Sample broke the contract: it ";
        let check = |got: String, expected: &str| assert_eq!(got, format!("{name}{expected}"));
        check(sentence_of(two, |_| 77), "answered the unknown status 77");
        check(sentence_of(two, |_| abi::STATUS_RECORDS), "answered that it rejected records and named none");
        let beyond = sentence_of(two, |report| {
            reject(report, 2);
            abi::STATUS_RECORDS
        });
        check(beyond, "rejected record 2 of a batch of 2");
        let both = sentence_of(two, |report| {
            reject(report, 0);
            abi::STATUS_OK
        });
        check(both, "rejected records and answered that all are written");
        let tasks = sentence_of(two, |report| {
            for _ in 0..3 {
                // SAFETY: as in `say`.
                unsafe { (report.task)(report.context, abi::Pairs { ptr: std::ptr::null(), len: 0 }) };
            }
            abi::STATUS_OK
        });
        check(tasks, "planned more than 2 tasks");
    }

    #[test]
    fn text_is_cut_to_its_bound_and_made_utf8() {
        let error = call(Limits::default(), |report| {
            let long = [vec![0xff], vec![b'x'; 100_000]].concat();
            let text = abi::Str { ptr: long.as_ptr(), len: long.len() };
            // SAFETY: as in `say`.
            unsafe { (report.message)(report.context, text) };
            abi::STATUS_FATAL
        })
        .unwrap_err();
        assert!(error.message.starts_with("\u{fffd}xxx"));
        assert!(error.message.ends_with("x…") && error.message.len() <= raw::SENTENCE_MAX + 8);
    }

    #[test]
    fn a_failure_without_a_sentence_still_says_who_failed() {
        let error = call(Limits::default(), |_| abi::STATUS_FATAL).unwrap_err();
        assert_eq!(error.message, "plugin Sample failed without saying why (status 4)");
    }
}
