//! What a task is made from: its settings, its plugin and what the worker lends it.
use super::{Control, Exact, services::TaskServices};
use crate::converter::Converter;
use crate::definition::{ConnectorConfig, ConverterConfig, Kind};
use crate::delivery::{Budget, producers};
use crate::metrics::TaskMetrics;
use crate::providers::Scrubber;
use crate::settings::Settings;
use crate::store::SourceOffsets;
use crate::task::failure::failure;
use cluster::{Failure, Properties, TaskId};
use kafka::ClientSettings;
use penstock_sdk::Config;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

/// Everything a task's threads need.
pub struct TaskSpec {
    pub id: TaskId,
    pub connector: ConnectorConfig,
    /// The task's settings as the plugin sees them.
    pub config: Config,
    /// Takes the values of references out of all that the plugin says.
    pub scrubber: Arc<Scrubber>,
    pub plugin: host::Connector,
    pub control: Arc<Control>,
    pub watch: host::CallWatch,
    pub metrics: TaskMetrics,
    pub budget: Budget,
    pub offsets: OpenOffsets,
    /// Set for a source that writes in transactions.
    pub exact: Option<Exact>,
    /// The source of a pipe, whose sink all the rest is about.
    pub upstream: Option<Upstream>,
    pub producer: Arc<dyn Fn() -> Result<Arc<producers::Shared>, kafka::Error> + Send + Sync>,
    pub settings: Arc<Settings>,
    /// Told once for each topic that the task reads or writes.
    pub topic_seen: Box<dyn Fn(&str) + Send + Sync>,
    pub runtime: tokio::runtime::Handle,
}

/// What a pipe's records come from.
pub struct Upstream {
    pub plugin: host::Connector,
    pub config: Config,
    pub watch: host::CallWatch,
    /// The tasks that there are.
    pub tasks: u32,
    /// Set where each record is to arrive exactly once.
    pub planning: Option<Planning>,
}

/// What a pipe's task needs to plan its writes.
pub struct Planning {
    /// Tells the settings of each task from any others.
    pub settings: Vec<String>,
    /// A producer of the task's own, where the offset store is in Kafka.
    pub exact: Option<Exact>,
    /// Ends whatever the task of this number may be storing elsewhere.
    pub shut_out: ShutOut,
}

type ShutOut = Box<dyn Fn(u32, &dyn Fn() -> bool) -> Result<(), kafka::Error> + Send + Sync>;

impl Planning {
    pub fn own(&self, task: u32) -> &str {
        self.settings.get(task as usize).map_or("", String::as_str)
    }
}

impl Upstream {
    pub fn new(plugin: &host::Connector, config: Config, tasks: u32, planning: Option<Planning>) -> Self {
        Self { plugin: plugin.clone(), config, watch: host::CallWatch::new(), tasks, planning }
    }

    /// What the source is opened with.
    pub fn opening<'a>(&'a self, spec: &'a TaskSpec) -> host::OpenTask<'a> {
        host::OpenTask {
            connector: &spec.id.connector,
            task: spec.id.task,
            config: &self.config,
            key_format: "",
            value_format: "",
            watch: self.watch.clone(),
        }
    }
}

/// Finds a source's offsets; an error is a sentence. It may take a while.
pub type OpenOffsets = Box<dyn Fn() -> Result<SourceOffsets, String> + Send + Sync>;

/// When a sink's batch is full.
#[derive(Debug, Clone, Copy)]
pub struct BatchLimits {
    pub rows: usize,
    pub bytes: usize,
    /// A batch is written at this age, full or not.
    pub age: Duration,
}

impl BatchLimits {
    /// `penstock.batch.rows.max`, `penstock.batch.bytes.max` and `penstock.batch.age.max.ms` of the connector; else what
    /// the plugin declares as their defaults; else the worker's own.
    pub fn parse(config: &Config, plugin: &host::Connector, budget_bytes: u64) -> Result<Self, Failure> {
        Self::with_defaults(config, plugin.settings_json(), budget_bytes)
    }

    fn with_defaults(config: &Config, declared: &str, budget_bytes: u64) -> Result<Self, Failure> {
        // The host has parsed it before.
        let declared: Vec<serde_json::Value> = serde_json::from_str(declared).unwrap_or_default();
        let number = |key: &str, default: u64, max: u64| {
            let own = declared.iter().find(|setting| setting["name"] == key);
            let own = own.and_then(|setting| setting["default"].as_str());
            let own = own.map(str::trim).filter(|own| !own.is_empty());
            let expected = |got: &dyn Display, whose: &str| {
                wrong(&format!("{key}: expected 1..={max}, got {got}{whose}"))
            };
            let (value, whose) = match (config.parsed::<u64>(key), own) {
                (Err(error), _) => return Err(wrong(error.message())),
                (Ok(Some(value)), _) => (value, ""),
                (Ok(None), Some(own)) => (own.parse().map_err(|_| expected(&own, BY_PLUGIN))?, BY_PLUGIN),
                (Ok(None), None) => (default, ""),
            };
            if (1..=max).contains(&value) { Ok(value) } else { Err(expected(&value, whose)) }
        };
        let bytes = (budget_bytes / BATCHES_IN_BUDGET).clamp(BYTES_MIN, BYTES_MAX);
        Ok(Self {
            rows: number("penstock.batch.rows.max", 50_000, 1_000_000)? as usize,
            bytes: number("penstock.batch.bytes.max", bytes, BYTES_MAX)? as usize,
            age: Duration::from_millis(number("penstock.batch.age.max.ms", 500, 600_000)?),
        })
    }
}

const BY_PLUGIN: &str = ", the default that the plugin declares";
/// Bytes of a batch grow with the budget: 32 MB for each GB of it.
const BATCHES_IN_BUDGET: u64 = 32;
/// A second of 64 partitions with 1,000 records of 244 bytes each: one part a second (`bench/RESULTS.md`).
const BYTES_MIN: u64 = 16 << 20;
const BYTES_MAX: u64 = 256 << 20;

pub fn wrong(sentence: &str) -> Failure {
    failure("ConfigException", sentence, false)
}

impl TaskSpec {
    /// What the plugin's task is opened with.
    pub fn open_task<'a>(&'a self, key: &'a Converter, value: &'a Converter) -> host::OpenTask<'a> {
        host::OpenTask {
            connector: &self.id.connector,
            task: self.id.task,
            config: &self.config,
            key_format: key.format_name(),
            value_format: value.format_name(),
            watch: self.watch.clone(),
        }
    }

    /// Whether writes are planned, so that each record arrives exactly once.
    pub fn is_exactly_once(&self) -> bool {
        let wanted =
            self.config.get("exactlyOnce").is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
        wanted && self.plugin.writes_plans()
    }

    /// What the worker does for the plugin's task. A sink has no offsets to ask for.
    pub fn services(&self, offsets: Option<SourceOffsets>) -> Arc<TaskServices> {
        Arc::new(TaskServices {
            id: self.id.clone(),
            scrubber: Arc::clone(&self.scrubber),
            control: Arc::clone(&self.control),
            metrics: self.metrics.clone(),
            offsets,
        })
    }

    pub fn key_converter(&self) -> Result<Converter, Failure> {
        converter("key", &self.connector.key_converter)
    }

    pub fn value_converter(&self) -> Result<Converter, Failure> {
        converter("value", &self.connector.value_converter)
    }

    /// The worker's consumer settings with the connector's overrides.
    pub fn consumer_settings(&self) -> Result<ClientSettings, Failure> {
        let mut client = client(&self.settings, &self.settings.kafka.consumer, &self.connector.consumer)?;
        // No client of Kafka's own takes a group from the worker, but a sink's may have one by name.
        let own = self.connector.consumer.get("group.id").map(String::as_str);
        if let Some(group) = own.or_else(|| self.settings.kafka.consumer.get("group.id")) {
            client.set("group.id", group);
        }
        Ok(client)
    }

    /// For what is asked about topics, and for creating them.
    pub fn admin_settings(&self) -> Result<ClientSettings, Failure> {
        client(&self.settings, &self.settings.kafka.admin, &self.connector.admin)
    }
}

fn converter(part: &'static str, config: &ConverterConfig) -> Result<Converter, Failure> {
    Converter::open_for(part, config).map_err(|error| wrong(&format!("{part}.converter: {error}")))
}

/// Settings of a connector's client: `bootstrap.servers` of the worker, the worker's prefixed settings, then the
/// connector's own, which come from REST and are checked as such, whatever the policy let pass.
pub fn client(
    settings: &Settings,
    worker: &crate::settings::Properties,
    overrides: &indexmap::IndexMap<String, String>,
) -> Result<ClientSettings, Failure> {
    let pairs = |properties: &crate::settings::Properties| -> Vec<(String, String)> {
        properties.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    };
    let mut trusted = pairs(&settings.kafka.common);
    trusted.extend(pairs(worker));
    let own = overrides.iter().map(|(key, value)| (key.clone(), value.clone()));
    let made = ClientSettings::with_overrides(trusted, own);
    made.map(|(client, _)| client).map_err(|error| wrong(&error.message))
}

/// The consumer group of a sink: `connect-NAME`, as long as nobody names another. The clients' own rules keep this
/// setting from them, because who joins which group is not theirs to say.
pub fn group_of(name: &str, connector: &ConnectorConfig, settings: &Settings) -> String {
    let given = |group: &&str| !group.trim().is_empty();
    let own = connector.consumer.get("group.id").map(String::as_str).filter(given);
    let named = own.or_else(|| settings.kafka.consumer.get("group.id").filter(given));
    named.map_or_else(|| format!("connect-{name}"), ToOwned::to_owned)
}

/// The parsed settings of a task, with the worker's converters where it has none.
pub fn parse(
    kind: Kind,
    properties: &Properties,
    worker: &crate::definition::Worker,
) -> Result<ConnectorConfig, Failure> {
    let config =
        properties.iter().map(|(key, value)| (key.to_owned(), value.map(ToOwned::to_owned))).collect();
    ConnectorConfig::parse(kind, &config, worker).map_err(|error| wrong(&error.to_string()))
}

/// As [`for_plugin`], for a task. A sink that asks registries by itself reads the settings of its converters, which
/// are the worker's where the connector names no converter.
pub fn for_task(properties: &Properties, plugin: &host::Connector, connector: &ConnectorConfig) -> Config {
    let config = for_plugin(properties);
    if !plugin.asks_registries() {
        return config;
    }
    let sides =
        [("key.converter.", &connector.key_converter), ("value.converter.", &connector.value_converter)];
    let is_below = |key: &str| sides.iter().any(|(prefix, _)| key.starts_with(prefix));
    let rest = config.iter().filter(|(key, _)| !is_below(key));
    let mut effective: Config = rest.collect();
    for (prefix, converter) in sides {
        for (key, value) in &converter.settings {
            effective.set(format!("{prefix}{key}"), value.as_str());
        }
    }
    effective
}

/// The settings that cross to the plugin: nulls mean absent.
pub fn for_plugin(properties: &Properties) -> Config {
    properties.iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(pairs: &[(&str, &str)], declared: &str, budget: u64) -> (usize, usize, u128) {
        let limits = BatchLimits::with_defaults(&pairs.iter().copied().collect(), declared, budget).unwrap();
        (limits.rows, limits.bytes, limits.age.as_millis())
    }

    #[test]
    fn limits_are_the_connectors_then_the_plugins_then_the_workers() {
        let declared = r#"[{"name":"a"},{"name":"penstock.batch.rows.max","default":"7"},
            {"name":"penstock.batch.bytes.max","default":null}]"#;
        assert_eq!(limits(&[], "[]", 64 << 20), (50_000, 16 << 20, 500));
        assert_eq!(limits(&[], declared, 1 << 30), (7, 32 << 20, 500));
        let own = [("penstock.batch.rows.max", "9"), ("penstock.batch.age.max.ms", "100")];
        assert_eq!(limits(&own, declared, 1 << 40), (9, 256 << 20, 100));
    }

    #[test]
    fn limits_out_of_range_are_refused_whoever_set_them() {
        let declared =
            |key: &str, value: &str| format!(r#"[{{"name":"penstock.batch.{key}","default":"{value}"}}]"#);
        let own = |value: &str| [("penstock.batch.rows.max", value)].into_iter().collect();
        for (config, declared, part) in [
            (own("0"), "[]".to_owned(), "penstock.batch.rows.max: expected 1..=1000000, got 0"),
            (own("many"), "[]".to_owned(), "penstock.batch.rows.max"),
            (Config::default(), declared("rows.max", "0"), "rows.max: expected 1..=1000000, got 0"),
            (Config::default(), declared("bytes.max", "268435457"), "bytes.max: expected 1..=268435456"),
            (Config::default(), declared("age.max.ms", "600001"), "age.max.ms: expected 1..=600000"),
            (Config::default(), declared("rows.max", "many"), "rows.max: expected 1..=1000000, got many"),
        ] {
            let failure = BatchLimits::with_defaults(&config, &declared, 0).unwrap_err();
            assert!(failure.trace.contains(part), "{}", failure.trace);
        }
        assert!(BatchLimits::with_defaults(&own("7"), &declared("rows.max", "0"), 0).is_ok());
    }
}
