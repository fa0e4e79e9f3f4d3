//! Which fault was asked for, and when it strikes.
use penstock_sdk::{About, Batch, Config, Error, Level, Problem, Result, Setting, Task};
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
    say: String,
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
        .setting(Setting::string("fault.say").doc(
            "A text that goes wherever a plugin's words go: errors, panics, problems, the log, names of metrics, \
             reasons of rejected records and the settings that are planned for tasks.",
        ))
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
            say: config.get("fault.say").unwrap_or_default().to_owned(),
            calls: 0,
        })
    }

    /// Called at the start of each call; `write` and `poll` are `call`.
    pub fn strike(&mut self, place: &str) -> Result<()> {
        if !self.is_due(place) {
            return Ok(());
        }
        match self.kind.as_str() {
            "config" => Err(Error::config(self.said("fault: asked for an error of kind config"))),
            "retry" => {
                let wait = Duration::from_millis(self.ms);
                Err(Error::retry_after(wait, self.said("asked to be tried again")))
            }
            "fatal" => Err(Error::fatal(self.said("asked for a fatal error"))),
            "panic" => panic!("{}", self.said(&format!("asked for a panic in {place}"))),
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
            .map(|(index, _)| (index, self.said(&format!("the value holds {:?}", self.pattern))))
            .collect();
        match self.kind.as_str() {
            "reject" if !bad.is_empty() => Err(Error::records(bad)),
            "poison" if !bad.is_empty() => Err(Error::fatal("one of the records is poison")),
            _ => Ok(()),
        }
    }

    /// The words with the text that was asked for, plain and quoted.
    fn said(&self, words: &str) -> String {
        if self.say.is_empty() { words.to_owned() } else { format!("{words}: {} {:?}", self.say, self.say) }
    }

    /// Says the text in the log at every level, and in the name of a metric of each kind.
    pub fn talk(&self, task: &Task) {
        if self.say.is_empty() {
            return;
        }
        for level in [Level::Warn, Level::Info, Level::Debug, Level::Trace] {
            task.log(level, &self.said("asked to say"));
        }
        task.count(&format!("said_{}", self.say), 1);
        task.gauge(&format!("says_{}", self.say), 1.0);
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

/// What `validate` answers.
pub fn validate(config: &Config) -> Vec<Problem> {
    match Fault::read(config).and_then(|mut fault| fault.strike("validate")) {
        Ok(()) => Vec::new(),
        Err(error) => vec![Problem { setting: "fault".into(), message: error.message().into() }],
    }
}

/// What `plan` answers for each task: the config, with the text under other keys and inside of longer ones.
pub fn plan(config: &Config) -> Result<Config> {
    let mut fault = Fault::read(config)?;
    fault.strike("plan")?;
    let task = config.clone();
    if fault.say.is_empty() {
        return Ok(task);
    }
    Ok(task.with("said", &fault.say).with("said.longer", format!("<{}> and {0}!", fault.say)))
}

fn was_created(path: &str) -> bool {
    OpenOptions::new().write(true).create_new(true).open(path).is_ok()
}
