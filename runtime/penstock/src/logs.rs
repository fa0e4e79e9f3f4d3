//! Sends what happens to standard error, as text for people or as JSON lines for machines.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::panic::PanicHookInfo;

use tracing::error;
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt, reload};
use worker::Verbosity;
use worker::settings::LogFormat;

mod json;
mod scrubbed;

use scrubbed::Scrubbed;

/// Changes what is logged while the worker runs.
#[derive(Debug, Clone)]
pub struct Levels {
    filter: reload::Handle<EnvFilter, Registry>,
    /// What was set at the start, under everything that is asked for later.
    base: String,
}

impl Levels {
    /// Takes a level for everything of ours, or directives such as `info,penstock_worker=debug`.
    pub fn set(&mut self, level: &str) -> Result<(), String> {
        let filter = filter(level)?;
        level.clone_into(&mut self.base);
        self.filter.reload(filter).map_err(|error| error.to_string())
    }

    /// Takes what the worker's loggers ask for.
    pub fn apply(&self, verbosity: &Verbosity) -> Result<(), String> {
        let filter = combined(&self.base, verbosity)?;
        self.filter.reload(filter).map_err(|error| error.to_string())
    }
}

/// Installs the log for the whole process at INFO, and a hook that logs panics.
pub fn start(format: LogFormat) -> Result<Levels, String> {
    let (filter, handle) = reload::Layer::new(filter("info")?);
    let lines = match format {
        LogFormat::Text => text_layer().boxed(),
        LogFormat::Json => json_layer(Scrubbed(std::io::stderr)).boxed(),
    };
    let registry = tracing_subscriber::registry().with(filter).with(lines);
    registry.try_init().map_err(|error| error.to_string())?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(Levels { filter: handle, base: "info".to_owned() })
}

/// Whether `penstock.log.level` can be used.
pub fn check_level(level: &str) -> Result<(), String> {
    filter(level).map(drop)
}

/// Levels of single targets go over those of everything.
fn combined(base: &str, verbosity: &Verbosity) -> Result<EnvFilter, String> {
    let mut directives = directives(verbosity.root.unwrap_or(base));
    for (target, level) in &verbosity.targets {
        // Writing to a text does not fail.
        let _ = write!(directives, ",{target}={level}");
    }
    filter(&directives)
}

/// A bare level is for our own crates; libraries speak up from WARN, whatever ours do.
fn directives(level: &str) -> String {
    match level.trim().parse::<LevelFilter>() {
        Ok(LevelFilter::OFF) => "off".to_owned(),
        Ok(LevelFilter::ERROR) => "error".to_owned(),
        Ok(level) => format!("warn,{OURS}={level}"),
        Err(_) => level.trim().to_owned(),
    }
}

fn filter(level: &str) -> Result<EnvFilter, String> {
    let expected = || "a level or a list such as info,penstock_worker=debug".to_owned();
    if level.trim().is_empty() {
        return Err(expected());
    }
    let directives = directives(level);
    // A lone word would be taken for the name of a crate and silence everything.
    let is_meant =
        directives.contains('=') || directives.split(',').all(|part| part.parse::<LevelFilter>().is_ok());
    let parsed = is_meant.then(|| EnvFilter::builder().parse(&directives).ok()).flatten();
    parsed.ok_or_else(expected)
}

fn text_layer<S>() -> impl Layer<S>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let is_coloured =
        std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    fmt::layer().compact().with_ansi(is_coloured).with_writer(Scrubbed(std::io::stderr))
}

fn json_layer<S, W>(writer: W) -> impl Layer<S>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    W: for<'a> fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    fmt::layer().fmt_fields(fmt::format::JsonFields::new()).event_format(json::Lines).with_writer(writer)
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let payload = panic.payload();
    let said = payload.downcast_ref::<&str>().copied();
    let reason = said.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("unknown");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
    error!(reason, place, thread, "panicked");
}

/// The crates of the workspace are named after the binary, and a filter compares beginnings.
const OURS: &str = "penstock";

#[cfg(test)]
mod tests;
