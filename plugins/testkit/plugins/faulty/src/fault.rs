//! Which fault was asked for, and when it strikes.
use penstock_sdk::{About, Batch, Config, Error, Result, Setting};
use std::fs::OpenOptions;
use std::time::Duration;

/// A fault as its settings describe it, and the calls it has seen.
pub struct Fault {
    kind: String,
    place: String,
    skip: u64,
    times: u64,
    ms: u64,
    once: Option<String>,
    pattern: String,
    calls: u64,
}

const KINDS: &[&str] =
    &["none", "config", "retry", "fatal", "panic", "abort", "hang", "slow", "reject", "poison"];
const PLACES: &[&str] = &["validate", "plan", "open", "call", "close"];

/// Adds the settings that both connectors share.
pub fn declare(about: About) -> About {
    about
        .version(env!("CARGO_PKG_VERSION"))
        .setting(Setting::string("fault").one_of(KINDS).default("none").doc(
            "What goes wrong. `reject` refuses records that hold `fault.match`, `poison` fails a whole batch \
             because of one.",
        ))
        .setting(Setting::string("fault.in").one_of(PLACES).default("call").doc("In which call."))
        .setting(Setting::long("fault.after").range(0, None).default("0").doc("Calls that go well before."))
        .setting(Setting::long("fault.times").range(0, None).default("0").doc("How often; 0 is for ever."))
        .setting(Setting::long("fault.ms").range(0, None).default("100").doc("For `retry` and `slow`."))
        .setting(Setting::string("fault.once").doc("Strikes only while this file is absent, and creates it."))
        .setting(Setting::string("fault.match").default("bad").doc("For `reject` and `poison`."))
}

impl Fault {
    pub fn read(config: &Config) -> Result<Self> {
        let word =
            |name: &str, default: &str| config.get(name).map_or(default, str::trim).to_ascii_lowercase();
        let number = |name: &str, default| config.parsed(name).map(|value| value.unwrap_or(default));
        Ok(Self {
            kind: word("fault", "none"),
            place: word("fault.in", "call"),
            skip: number("fault.after", 0)?,
            times: number("fault.times", 0)?,
            ms: number("fault.ms", 100)?,
            once: config.get("fault.once").map(str::to_owned),
            pattern: config.get("fault.match").unwrap_or("bad").to_owned(),
            calls: 0,
        })
    }

    /// Called at the start of each call; `write` and `poll` are `call`.
    pub fn strike(&mut self, place: &str) -> Result<()> {
        if !self.is_due(place) {
            return Ok(());
        }
        match self.kind.as_str() {
            "config" => Err(Error::config("fault: asked for an error of kind config")),
            "retry" => Err(Error::retry_after(Duration::from_millis(self.ms), "asked to be tried again")),
            "fatal" => Err(Error::fatal("asked for a fatal error")),
            "panic" => panic!("asked for a panic in {place}"),
            "abort" => std::process::abort(),
            "hang" => loop {
                std::thread::park();
            },
            "slow" => {
                std::thread::sleep(Duration::from_millis(self.ms));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The faults that depend on what the records hold.
    pub fn look(&self, batch: &Batch<'_>) -> Result<()> {
        let is_bad = |text: &str| text.contains(&self.pattern);
        let bad: Vec<(usize, String)> = batch
            .records()
            .enumerate()
            .filter(|(_, record)| is_bad(&record.value().display()))
            .map(|(index, _)| (index, format!("the value holds {:?}", self.pattern)))
            .collect();
        match self.kind.as_str() {
            "reject" if !bad.is_empty() => Err(Error::records(bad)),
            "poison" if !bad.is_empty() => Err(Error::fatal("one of the records is poison")),
            _ => Ok(()),
        }
    }

    fn is_due(&mut self, place: &str) -> bool {
        if self.kind == "none" || self.place != place {
            return false;
        }
        let call = self.calls;
        self.calls += 1;
        let is_due = call >= self.skip && (self.times == 0 || call < self.skip + self.times);
        is_due && self.once.as_ref().is_none_or(|path| was_created(path))
    }
}

fn was_created(path: &str) -> bool {
    OpenOptions::new().write(true).create_new(true).open(path).is_ok()
}
