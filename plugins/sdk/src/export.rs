//! The one place of the SDK that speaks C: turns a `Source` or `Sink` into the tables of the contract.
//!
//! Only [`export!`](crate::export!) uses this module from outside. Every entry point catches panics, because none
//! may cross the boundary.
#![allow(unsafe_code)]

mod guard;
pub mod host;
mod raw;
mod sink;
mod source;
pub mod view;

use crate::{About, Config, Error, Problem, setting};
pub use sink::sink;
pub use source::source;
use std::sync::OnceLock;

/// Exports connectors: `export!(sources: [A, B])`, `export!(sinks: [C])`, or both, sources first.
#[macro_export]
macro_rules! export {
    (sources: [$($source:ty),* $(,)?]) => { $crate::export!(sources: [$($source),*], sinks: []); };
    (sinks: [$($sink:ty),* $(,)?]) => { $crate::export!(sources: [], sinks: [$($sink),*]); };
    (sources: [$($source:ty),* $(,)?], sinks: [$($sink:ty),* $(,)?]) => {
        const _: () = {
            extern "C" fn catalog() -> *const $crate::abi::Catalog {
                static CATALOG: $crate::export::Offer = $crate::export::Offer::new();
                CATALOG.get(|| ::std::vec![
                    $($crate::export::source::<$source>(),)*
                    $($crate::export::sink::<$sink>(),)*
                ])
            }
            #[unsafe(no_mangle)]
            pub static PENSTOCK_PLUGIN: $crate::abi::Entry = $crate::export::entry(catalog);
        };
    };
}

/// The exported static, with this SDK's idea of the contract.
pub const fn entry(catalog: extern "C" fn() -> *const abi::Catalog) -> abi::Entry {
    abi::Entry { magic: abi::MAGIC, major: abi::MAJOR, minor: abi::MINOR, layout: abi::LAYOUT_HASH, catalog }
}

/// What a library offers, made at the first question.
pub struct Offer(OnceLock<&'static abi::Catalog>);

impl Offer {
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    pub fn get(&self, connectors: impl FnOnce() -> Vec<&'static abi::Connector>) -> *const abi::Catalog {
        *self.0.get_or_init(|| {
            guard::remember_panics();
            let connectors = leak_slice(connectors().into_iter().map(std::ptr::from_ref).collect());
            Box::leak(Box::new(abi::Catalog {
                size: size_of::<abi::Catalog>(),
                built_with: abi::Str::new(concat!("penstock-sdk ", env!("CARGO_PKG_VERSION"))),
                connectors: connectors.as_ptr(),
                connectors_len: connectors.len(),
            }))
        })
    }
}

/// A catalog lives as long as the process: libraries are never unloaded.
fn leak_slice<T>(items: Vec<T>) -> &'static [T] {
    Box::leak(items.into_boxed_slice())
}

fn leak_text(text: String) -> abi::Str {
    abi::Str::new(Box::leak(text.into_boxed_str()))
}

/// The functions that differ between sources and sinks.
struct Functions {
    kind: u32,
    validate: unsafe extern "C" fn(abi::Pairs, *const abi::Report) -> u32,
    plan: unsafe extern "C" fn(abi::Pairs, u32, *const abi::Report) -> u32,
    open: unsafe extern "C" fn(*const abi::Open, *mut *mut core::ffi::c_void, *const abi::Report) -> u32,
    poll: Option<
        unsafe extern "C" fn(*mut core::ffi::c_void, *mut abi::SourceBatch, *const abi::Report) -> u32,
    >,
    committed: Option<unsafe extern "C" fn(*mut core::ffi::c_void, *const abi::Position, usize)>,
    write: Option<unsafe extern "C" fn(*mut core::ffi::c_void, *const abi::Batch, *const abi::Report) -> u32>,
    close: unsafe extern "C" fn(*mut core::ffi::c_void),
    write_planned: Option<WritePlanned>,
    ask: unsafe extern "C" fn(abi::Str, abi::Pairs, abi::Str, *const abi::Report) -> u32,
}

type WritePlanned = unsafe extern "C" fn(
    *mut core::ffi::c_void,
    *const abi::Batch,
    *const abi::Plan,
    *const abi::Report,
) -> u32;

fn table(about: About, functions: &Functions) -> &'static abi::Connector {
    let flags = flags(&about, functions);
    let aliases = leak_slice(about.aliases.into_iter().map(leak_text).collect());
    Box::leak(Box::new(abi::Connector {
        size: size_of::<abi::Connector>(),
        kind: functions.kind,
        flags,
        class: leak_text(about.class),
        aliases: aliases.as_ptr(),
        aliases_len: aliases.len(),
        version: leak_text(about.version),
        documentation: leak_text(about.documentation),
        settings: leak_text(setting::to_json(&about.settings)),
        validate: functions.validate,
        plan: functions.plan,
        open: functions.open,
        poll: functions.poll,
        committed: functions.committed,
        write: functions.write,
        close: functions.close,
        write_planned: functions.write_planned,
        ask: Some(functions.ask),
        replays_within: leak_text(about.replays_within),
    }))
}

fn flags(about: &About, functions: &Functions) -> u32 {
    let plans = about.is_exactly_once && functions.write_planned.is_some();
    let exact = about.is_exactly_once && functions.kind == abi::KIND_SOURCE;
    let flag = |is_set: bool, flag: u32| if is_set { flag } else { 0 };
    flag(about.is_encoded, abi::FLAG_ENCODED)
        | flag(plans, abi::FLAG_PLANS)
        | flag(about.asks_registries, abi::FLAG_REGISTRY)
        | flag(about.reads_protobuf, abi::FLAG_PROTOBUF)
        | flag(exact, abi::FLAG_EXACT)
        | flag(exact && about.replays, abi::FLAG_REPLAYS)
}

/// Unknown names, then what the author's own check found. `config` may only carry declared and common settings.
fn problems(about: &About, config: &Config, own: Vec<Problem>, report: &guard::Reporter) {
    for (name, _) in config.iter() {
        let is_known = crate::framework::is_common(name) || about.settings.iter().any(|s| s.name == name);
        if !is_known {
            report.problem(abi::SEVERITY_UNKNOWN, name, "is no setting of this connector");
        }
    }
    for problem in own {
        report.problem(abi::SEVERITY_ERROR, &problem.setting, &problem.message);
    }
}

fn with_defaults(about: &About, mut config: Config) -> Config {
    for setting in &about.settings {
        if let (None, Some(default)) = (config.get(&setting.name), &setting.default) {
            config.set(&setting.name, default);
        }
    }
    config
}

/// Settings that the declaration forbids: a task that is opened past the worker's validation still says which.
fn check(about: &About, config: &Config) -> Result<(), Error> {
    for setting in &about.settings {
        if setting.required {
            config.required(&setting.name)?;
        }
        setting.check(config)?;
    }
    Ok(())
}

/// Asks the author's code about the settings with defaults.
fn ask_with(
    about: &About,
    config: Config,
    ask: impl FnOnce(&Config) -> Result<Option<String>, Error>,
    report: &guard::Reporter,
) -> Result<(), Error> {
    if let Some(answer) = ask(&with_defaults(about, config))? {
        report.answer(&answer);
    }
    Ok(())
}

/// Runs the author's plan on the settings with defaults, and takes out again the defaults it was lent.
fn plan_with(
    about: &About,
    config: &Config,
    plan: impl FnOnce(&Config) -> Result<Vec<Config>, Error>,
    report: &guard::Reporter,
) -> Result<(), Error> {
    for task in plan(&with_defaults(about, config.clone()))? {
        let lent = |key: &str, value: &str| {
            config.get(key).is_none()
                && about.settings.iter().any(|s| s.name == key && s.default.as_deref() == Some(value))
        };
        let own: Config = task.iter().filter(|(key, value)| !lent(key, value)).collect();
        report.task(&own);
    }
    Ok(())
}
