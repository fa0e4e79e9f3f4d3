//! What a worker knows without asking its herder: plugins, metrics, whether it is up.
mod validation;

use crate::api::{PluginInfo, Refusal, Root};
use crate::converter;
use crate::definition::version::{self, Range};
use crate::definition::{self, Kind};
use crate::herder::loggers::Loggers;
use crate::metrics::Metrics;
use crate::pipe::{self, Chosen, Pipe};
use crate::providers::Resolved;
use crate::session_key::SessionKey;
use crate::settings::Settings;
use crate::store::{Logs, OwnLogs, offsets::Offsets};
use cluster::{Properties, RunState};
use host::{Connector, ConnectorKind, Plugins};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use validation::declared;

/// Shared by every handle and by the herder.
pub struct Shared {
    pub settings: Arc<Settings>,
    pub plugins: Plugins,
    pub metrics: Metrics,
    /// What connectors take from the worker where their own settings are silent.
    pub framework: definition::Worker,
    pub offsets: Arc<Offsets>,
    pub logs: Logs,
    /// Connectors' own topics for their offsets.
    pub own_offsets: OwnLogs,
    pub cluster_id: OnceLock<String>,
    pub is_ready: AtomicBool,
    /// Whether this worker is sure of its place in the cluster; never set in standalone mode.
    pub lease: OnceLock<kafka::Lease>,
    /// The newest that the config log holds.
    pub session_key: Mutex<Option<SessionKey>>,
    /// Connectors, and tasks by state, as the herder last saw them.
    pub counts: Mutex<(usize, BTreeMap<&'static str, usize>)>,
    pub loggers: Loggers,
}

/// What the version of Connect's REST that this answers as is called.
pub const CONNECT_VERSION: &str = concat!("4.3.1-penstock.", env!("CARGO_PKG_VERSION"));
const HEALTH_WAIT: Duration = Duration::from_secs(5);

impl Shared {
    pub fn root(&self) -> Root {
        Root {
            version: CONNECT_VERSION.into(),
            commit: option_env!("PENSTOCK_COMMIT").unwrap_or("0000000000000000").into(),
            kafka_cluster_id: self.cluster_id.get().cloned().unwrap_or_default(),
        }
    }

    pub async fn health(&self) -> Result<(), (String, bool)> {
        if !self.is_ready.load(Ordering::Acquire) {
            return Err(("Worker is still starting up.".into(), true));
        }
        match tokio::time::timeout(HEALTH_WAIT, self.logs.configs.read_to_end()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(reason)) => Err((format!("The config store does not answer: {reason}"), false)),
            Err(_) => Err((format!("The config store did not answer within {HEALTH_WAIT:?}."), false)),
        }
    }

    pub fn metrics(&self) -> String {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // A state that nobody is in any more has to be told as zero.
        let all = [
            RunState::Running,
            RunState::Paused,
            RunState::Failed,
            RunState::Unassigned,
            RunState::Restarting,
        ];
        let tasks: Vec<_> = all
            .iter()
            .map(|state| (state.name(), counts.1.get(state.name()).copied().unwrap_or(0)))
            .collect();
        self.metrics.page(counts.0, &tasks)
    }

    pub fn plugins(&self, connectors_only: bool) -> Vec<PluginInfo> {
        let info = |connector: &Connector| PluginInfo {
            class: java_class(connector).to_owned(),
            kind: kind_name(connector.kind()),
            version: connector.version().to_owned(),
        };
        let mut plugins: Vec<_> = self.plugins.connectors().iter().map(info).collect();
        // A pipe has offsets as a source has them, and Connect's clients know no third kind.
        plugins.push(PluginInfo {
            class: pipe::CLASS.into(),
            kind: kind_name(ConnectorKind::Source),
            version: pipe::VERSION.into(),
        });
        if !connectors_only {
            plugins.extend(transforms());
            plugins.extend(converters().map(|(class, kind)| PluginInfo {
                class: class.into(),
                kind,
                version: CONNECT_VERSION.into(),
            }));
        }
        plugins
    }

    pub fn find(&self, class: &str) -> Result<Connector, Refusal> {
        self.plugins.find(class.trim()).ok_or_else(|| Refusal::Invalid(self.no_such_class(class)))
    }

    fn no_such_class(&self, class: &str) -> String {
        let described = |connector: &Connector| {
            let (class, version, kind) =
                (java_class(connector), connector.version(), kind_name(connector.kind()));
            format!("PluginDesc{{class={class}, name='{class}', version='{version}', type={kind}}}")
        };
        let available: Vec<_> = self.plugins.connectors().iter().map(described).collect();
        format!(
            "Failed to find any class that implements Connector and which name matches {class}, \
             available connectors are: {}",
            available.join(", ")
        )
    }

    /// What a config asks for, a plugin in the newest version that it allows.
    pub fn choose(&self, config: &Properties) -> Result<Chosen, Refusal> {
        let class = config.get("connector.class").ok_or_else(|| Refusal::Invalid(no_type(config)))?;
        let version = config.get("connector.plugin.version");
        if pipe::is_pipe(class) {
            self.check_built_in(class, version)?;
            return Ok(Chosen::Pipe(Pipe::of(config, &self.plugins)));
        }
        self.find_version(self.find(class)?, version).map(Chosen::Plugin)
    }

    /// The newest version of a plugin that a range allows.
    fn find_version(&self, newest: Connector, wanted: Option<&str>) -> Result<Connector, Refusal> {
        let Some(wanted) = wanted.filter(|wanted| !wanted.trim().is_empty()) else { return Ok(newest) };
        let range = Range::parse(wanted)
            .map_err(|_| Refusal::Invalid(format!("Invalid version specification: {wanted}")))?;
        let all: Vec<_> =
            self.plugins.connectors().iter().filter(|each| each.class() == newest.class()).collect();
        let fits = |each: &&Connector| range.fits(each.class(), each.version(), &self.framework.version);
        let fitting = all.iter().copied().filter(fits);
        let found = fitting.max_by(|a, b| version::compare(a.version(), b.version()));
        found.cloned().ok_or_else(|| {
            let available: Vec<_> = all.iter().map(|each| each.version()).collect();
            Refusal::Invalid(version::mismatch(java_class(&newest), &range, &available.join(", ")))
        })
    }

    pub fn kind_of(&self, config: &Properties) -> &'static str {
        if config.get("connector.class").is_some_and(pipe::is_pipe) {
            return kind_name(ConnectorKind::Source);
        }
        let plugin = config.get("connector.class").and_then(|class| self.plugins.find(class.trim()));
        plugin.map_or("unknown", |plugin| kind_name(plugin.kind()))
    }

    pub fn version_of(&self, config: &Properties) -> Option<String> {
        self.choose(config).ok().map(|chosen| chosen.version().to_owned())
    }

    pub fn plugin_settings(&self, class: &str, version: Option<&str>) -> Result<Value, Refusal> {
        if let Some(own) = definition::transform_settings(class) {
            self.check_built_in(class, version)?;
            return serde_json::to_value(own).map_err(|error| Refusal::Internal(error.to_string()));
        }
        let all = if pipe::is_pipe(class) {
            self.check_built_in(class, version)?;
            definition::plugin_config(Kind::Pipe, pipe::VERSION, &[])
        } else if let Some(newest) = self.plugins.find(class) {
            let plugin = self.find_version(newest, version)?;
            definition::plugin_config(kind(plugin.kind()), plugin.version(), &declared(&plugin)?)
        } else if let Some(class) = converter::Class::find(class) {
            self.check_built_in(class.name(), version)?;
            definition::converter_config(class)
        } else {
            return Err(Refusal::NotFound(format!("Unknown plugin {class}.")));
        };
        serde_json::to_value(all).map_err(|error| Refusal::Internal(error.to_string()))
    }

    /// What is built in has one version: the worker's.
    fn check_built_in(&self, class: &str, wanted: Option<&str>) -> Result<(), Refusal> {
        let Some(wanted) = wanted.filter(|wanted| !wanted.trim().is_empty()) else { return Ok(()) };
        let own = &self.framework.version;
        match Range::parse(wanted) {
            Ok(range) if range.contains(own) => Ok(()),
            Ok(range) => Err(Refusal::Invalid(version::mismatch(class, &range, own))),
            Err(_) => Err(Refusal::Invalid(format!("Invalid version specification: {wanted}"))),
        }
    }

    pub fn validate(&self, class: &str, config: &Properties) -> Result<Value, Refusal> {
        let configured = config.get("connector.class").ok_or_else(|| Refusal::Invalid(no_type(config)))?;
        let resolved = self.settings.config_providers.resolve(config);
        let resolved_class = resolved.config.get("connector.class").unwrap_or(configured);
        self.check_same(resolved_class, class).map_err(|refusal| resolved.scrubber.refusal(refusal))?;
        let chosen = self.chosen_by(&resolved)?;
        let validation = self.validation(&chosen, config, &resolved)?;
        let mut answer =
            serde_json::to_value(validation).map_err(|error| Refusal::Internal(error.to_string()))?;
        if let Some(advice) = self.advice(&chosen, &resolved) {
            answer["advice"] = advice;
        }
        Ok(answer)
    }

    /// What a plugin answers to a question that needs no task.
    pub fn ask(
        &self,
        class: &str,
        question: &str,
        config: &Properties,
        input: &str,
    ) -> Result<Value, Refusal> {
        let resolved = self.settings.config_providers.resolve(config);
        let clean = |refusal| resolved.scrubber.refusal(refusal);
        let newest = self.find(class).map_err(|refusal| Refusal::NotFound(refusal.to_string()))?;
        let plugin = match resolved.config.get("connector.class") {
            Some(configured) => {
                self.check_same(configured, class).map_err(clean)?;
                self.chosen_by(&resolved)?.plugin().cloned().unwrap_or(newest)
            }
            None => newest,
        };
        if let Some(problem) = resolved.problems.first() {
            return Err(Refusal::Invalid(format!("{}: {}", problem.key, problem.sentence)));
        }
        let config = self.as_asked(&plugin, &resolved.config);
        let mut answer = answered(&plugin, question, plugin.ask(question, &config, input)).map_err(clean)?;
        resolved.scrubber.answer(&mut answer);
        Ok(answer)
    }

    /// The class in the config and the one in the path may be two names of one plugin; else one has to end in the
    /// other, as in Connect.
    fn check_same(&self, configured: &str, asked: &str) -> Result<(), Refusal> {
        let found = |class: &str| {
            let own = pipe::is_pipe(class).then(|| pipe::CLASS.to_owned());
            own.or_else(|| self.plugins.find(class.trim()).map(|plugin| plugin.class().to_owned()))
        };
        let is_same = match (found(configured), found(asked)) {
            (Some(configured), Some(asked)) => configured == asked,
            _ => names_agree(configured, asked),
        };
        if is_same {
            return Ok(());
        }
        let sentence = format!("Included connector type {configured} does not match request type {asked}");
        Err(Refusal::Invalid(sentence))
    }

    /// What a config that names a class asks for; what cannot be found is told as the client wrote it. A version that
    /// is not there is told with everything else that is wrong.
    fn chosen_by(&self, resolved: &Resolved) -> Result<Chosen, Refusal> {
        let class = resolved.config.get("connector.class").unwrap_or_default();
        let any_version = |_| {
            if pipe::is_pipe(class) {
                return Ok(Chosen::Pipe(Pipe::of(&resolved.config, &self.plugins)));
            }
            self.find(class).map(Chosen::Plugin)
        };
        let chosen = self.choose(&resolved.config).or_else(any_version);
        chosen.map_err(|refusal| resolved.scrubber.refusal(refusal))
    }

    /// A config that may be written, or the refusal with everything that is wrong.
    pub fn check(&self, config: &Properties) -> Result<(), Refusal> {
        config.get("connector.class").ok_or_else(|| Refusal::Invalid(no_type(config)))?;
        let resolved = self.settings.config_providers.resolve(config);
        let chosen = self.chosen_by(&resolved)?;
        let validation = self.validation(&chosen, config, &resolved)?;
        if let Some(refusal) = validation.refusal() {
            return Err(Refusal::Invalid(refusal));
        }
        for (key, nearest) in &validation.unknown {
            let name = config.get("name").unwrap_or("");
            let hint = nearest.as_deref().map_or(String::new(), |near| format!("did you mean {near}?"));
            tracing::warn!(connector = name, key, hint, "unknown setting, ignored");
        }
        Ok(())
    }
}

fn answered(
    plugin: &Connector,
    question: &str,
    answer: Result<Option<String>, host::Error>,
) -> Result<Value, Refusal> {
    let class = plugin.class();
    match answer {
        Ok(Some(json)) => serde_json::from_str(&json).map_err(|error| {
            Refusal::Internal(format!("{class}: its answer to {question} is no JSON: {error}"))
        }),
        Ok(None) => Err(Refusal::NotFound(format!("{class} answers no question of the name {question}"))),
        Err(host::Error { kind: host::Kind::Config, message }) => Err(Refusal::Invalid(message)),
        Err(host::Error { kind: host::Kind::Retry { .. }, message }) => Err(Refusal::Conflict(message)),
        Err(error) => Err(Refusal::Internal(format!("{class}: {error}"))),
    }
}

/// The name that Connect's users know a connector by, when it has one beside its own.
pub fn java_class(connector: &Connector) -> &str {
    let is_java = |name: &&String| name.contains('.') && !name.starts_with("io.penstock.");
    if connector.class().contains('.') {
        return connector.class();
    }
    connector.aliases().iter().find(is_java).map_or(connector.class(), String::as_str)
}

/// The name in the path may leave out the package and `Connector`.
fn names_agree(configured: &str, asked: &str) -> bool {
    short(configured).ends_with(short(asked))
}

fn short(class: &str) -> &str {
    class.strip_suffix("Connector").filter(|short| !short.is_empty()).unwrap_or(class)
}

fn no_type(config: &Properties) -> String {
    let shown: Vec<_> = config.iter().map(|(key, _)| key).collect();
    format!("Connector config {{{}}} contains no connector type", shown.join(", "))
}

pub fn kind(kind: ConnectorKind) -> Kind {
    match kind {
        ConnectorKind::Source => Kind::Source,
        ConnectorKind::Sink => Kind::Sink,
    }
}

fn kind_name(kind: ConnectorKind) -> &'static str {
    match kind {
        ConnectorKind::Source => "source",
        ConnectorKind::Sink => "sink",
    }
}

fn transforms() -> impl Iterator<Item = PluginInfo> {
    let info = |class: ::transforms::Class| PluginInfo {
        class: class.name.into(),
        kind: if class.is_predicate() { "predicate" } else { "transformation" },
        version: CONNECT_VERSION.into(),
    };
    ::transforms::Class::transforms().chain(::transforms::Class::predicates()).map(info)
}

fn converters() -> impl Iterator<Item = (&'static str, &'static str)> {
    converter::Class::ALL.iter().map(|class| {
        let kind = if class.is_for_records() { "converter" } else { "header_converter" };
        (class.name(), kind)
    })
}

#[cfg(test)]
mod tests {
    use super::names_agree;

    #[test]
    fn the_class_of_a_config_ends_in_that_of_the_path() {
        let class = "org.example.FileStreamSinkConnector";
        for asked in [class, "FileStreamSinkConnector", "FileStreamSink"] {
            assert!(names_agree(class, asked), "{asked}");
        }
        assert!(!names_agree(class, "FileStreamSource"));
        assert!(!names_agree("", "FileStreamSink"));
        assert!(!names_agree("a", "b"));
    }
}
