//! The checks that sources and sinks share.
mod replay;
pub mod sink;
pub mod source;

use crate::TestServices;
use host::{CallWatch, Connector, ConnectorKind, Error, Found, Kind, OpenTask, Severity};
use penstock_sdk::Config;
use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

/// Where a battery starts: what to check, then [`SourceBattery::run`](source::SourceBattery::run) or
/// [`SinkBattery::run`](sink::SinkBattery::run). A broken promise panics with the promise.
#[derive(Debug)]
pub struct Battery;

impl Battery {
    pub fn source(library: impl Into<PathBuf>) -> source::SourceBattery {
        source::SourceBattery::new(library.into())
    }

    pub fn sink(library: impl Into<PathBuf>) -> sink::SinkBattery {
        sink::SinkBattery::new(library.into())
    }
}

/// What a battery is about.
#[derive(Clone)]
struct Subject {
    library: PathBuf,
    class: String,
    config: Config,
    refused: Vec<Refused>,
}

/// A wrong value, and what the refusal has to say.
#[derive(Clone)]
struct Refused {
    key: String,
    value: String,
    expected: String,
}

/// The contract asks for one second; a busy test machine is granted more.
const CLOSE_LIMIT: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(20);

impl Subject {
    fn new(library: PathBuf) -> Self {
        Self { library, class: String::new(), config: Config::new(), refused: Vec::new() }
    }

    fn connector(&self) -> Connector {
        let loaded = host::load(&self.library);
        let connectors =
            loaded.unwrap_or_else(|reason| panic!("{} does not load: {reason}", self.library.display()));
        let classes: Vec<_> = connectors.iter().map(|connector| connector.class().to_owned()).collect();
        let found = connectors.into_iter().find(|connector| connector.class() == self.class);
        found.unwrap_or_else(|| panic!("the library offers {classes:?}, not {:?}", self.class))
    }

    /// Everything that holds before a task runs.
    fn check_settings(&self, connector: &Connector) {
        let settings = declared(connector);
        let names: HashSet<&str> = settings.iter().map(|setting| setting.name.as_str()).collect();
        assert_eq!(names.len(), settings.len(), "the contract: a setting is declared once");
        for setting in &settings {
            let name = &setting.name;
            assert!(setting.is_documented, "the contract: every setting is documented; {name} is not");
            if setting.is_required {
                self.check_required(connector, name);
            }
        }
        self.check_unknown(connector);
        self.check_plan(connector);
        for refused in &self.refused {
            self.check_refused(connector, refused);
        }
    }

    fn check_required(&self, connector: &Connector, name: &str) {
        assert!(self.config.get(name).is_some(), "give the battery a value for {name}, which is required");
        let without: Config = self.config.iter().filter(|(key, _)| *key != name).collect();
        let error = refusal(connector, &without);
        let is_named = error.kind == Kind::Config && error.message.contains(name);
        assert!(
            is_named,
            "the contract: a task without its required setting {name} is refused as config, by that name; got {error:?}"
        );
    }

    fn check_unknown(&self, connector: &Connector) {
        let name = "no.such.setting";
        let found = validated(connector, &self.config.clone().with(name, "1"));
        let unknown: Vec<&str> = found
            .iter()
            .filter(|found| found.severity == Severity::Unknown)
            .map(|found| found.setting.as_str())
            .collect();
        assert_eq!(unknown, [name], "the contract: validation names unknown settings, and only those");
        let errors: Vec<&Found> = found.iter().filter(|found| found.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "the battery's settings should be right, but validation found {errors:?}");
    }

    fn check_plan(&self, connector: &Connector) {
        for tasks_max in [1, 3] {
            let plan = || {
                connector
                    .plan(&self.config, tasks_max)
                    .unwrap_or_else(|error| panic!("planning {tasks_max} tasks failed: {error}"))
            };
            let first = plan();
            assert!(
                (1..=tasks_max).contains(&first.len()),
                "the contract: a plan has 1 to tasks.max tasks; got {} of {tasks_max}",
                first.len()
            );
            // Compared as what it is: a plan that changes restarts its tasks.
            assert!(first == plan(), "the contract: the same settings give the same plan");
        }
    }

    fn check_refused(&self, connector: &Connector, refused: &Refused) {
        let Refused { key, value, expected } = refused;
        let config = self.config.clone().with(key, value);
        let found = validated(connector, &config);
        let is_found = found.iter().any(|found| found.message.contains(expected.as_str()));
        if !is_found {
            let error = refusal(connector, &config);
            assert!(
                error.message.contains(expected.as_str()),
                "the contract: an error keeps its reason; {key}={value:?} gave {error:?}, expected {expected:?}"
            );
        }
    }
}

fn task(config: &Config) -> OpenTask<'_> {
    OpenTask {
        connector: "battery",
        task: 0,
        config,
        key_format: "text",
        value_format: "text",
        watch: CallWatch::new(),
    }
}

fn refusal(connector: &Connector, config: &Config) -> Error {
    let refused = match connector.kind() {
        ConnectorKind::Source => connector.open_source(&task(config), TestServices::new()).err(),
        ConnectorKind::Sink => connector.open_sink(&task(config), TestServices::new()).err(),
    };
    refused
        .unwrap_or_else(|| panic!("the contract: wrong settings are refused; a task opened with {config:?}"))
}

fn validated(connector: &Connector, config: &Config) -> Vec<Found> {
    connector.validate(config).unwrap_or_else(|error| panic!("validation failed: {error}"))
}

struct Declared {
    name: String,
    is_required: bool,
    is_documented: bool,
}

fn declared(connector: &Connector) -> Vec<Declared> {
    let settings: Vec<serde_json::Value> =
        serde_json::from_str(connector.settings_json()).unwrap_or_else(|error| panic!("settings: {error}"));
    let declared = |setting: &serde_json::Value| Declared {
        name: setting["name"].as_str().unwrap_or_default().to_owned(),
        is_required: setting["required"] == true,
        is_documented: setting["documentation"].as_str().is_some_and(|text| !text.is_empty()),
    };
    settings.iter().map(declared).collect()
}

/// Ends something in a thread of its own, and fails when that takes longer than the contract allows.
fn ends_in_time(what: &str, stop: impl FnOnce(), end: impl FnOnce() + Send + 'static) {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        end();
        // The receiver is gone when this took too long.
        let _ = sender.send(());
    });
    stop();
    assert!(
        receiver.recv_timeout(CLOSE_LIMIT).is_ok(),
        "the contract: a task ends within a second of its stop; {what} took more than {CLOSE_LIMIT:?}"
    );
}
