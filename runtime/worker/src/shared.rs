//! What a worker knows without asking its herder: plugins, metrics, whether it is up.
use crate::api::{PluginInfo, Refusal, Root};
use crate::converter;
use crate::definition::{self, Definition, Kind, Plugin, Problem, Validation};
use crate::metrics::Metrics;
use crate::providers::{self, Resolved};
use crate::session_key::SessionKey;
use crate::settings::Settings;
use crate::store::{Logs, offsets::Offsets};
use cluster::{Properties, RunState};
use host::{Connector, ConnectorKind, Plugins, Severity};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// Shared by every handle and by the herder.
pub struct Shared {
    pub settings: Arc<Settings>,
    pub plugins: Plugins,
    pub metrics: Metrics,
    /// What connectors take from the worker where their own settings are silent.
    pub framework: definition::Worker,
    pub offsets: Arc<Offsets>,
    pub logs: Logs,
    pub cluster_id: OnceLock<String>,
    pub is_ready: AtomicBool,
    /// Whether this worker is sure of its place in the cluster; never set in standalone mode.
    pub lease: OnceLock<kafka::Lease>,
    /// The newest that the config log holds.
    pub session_key: Mutex<Option<SessionKey>>,
    /// Connectors, and tasks by state, as the herder last saw them.
    pub counts: Mutex<(usize, BTreeMap<&'static str, usize>)>,
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
            class: connector.class().to_owned(),
            kind: kind_name(connector.kind()),
            version: connector.version().to_owned(),
        };
        let mut plugins: Vec<_> = self.plugins.connectors().iter().map(info).collect();
        if !connectors_only {
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
                (connector.class(), connector.version(), kind_name(connector.kind()));
            format!("PluginDesc{{class={class}, name='{class}', version='{version}', type={kind}}}")
        };
        let available: Vec<_> = self.plugins.connectors().iter().map(described).collect();
        format!(
            "Failed to find any class that implements Connector and which name matches {class}, \
             available connectors are: {}",
            available.join(", ")
        )
    }

    pub fn kind_of(&self, config: &Properties) -> &'static str {
        let plugin = config.get("connector.class").and_then(|class| self.plugins.find(class.trim()));
        plugin.map_or("unknown", |plugin| kind_name(plugin.kind()))
    }

    pub fn version_of(&self, config: &Properties) -> Option<String> {
        let plugin = config.get("connector.class").and_then(|class| self.plugins.find(class.trim()));
        plugin.map(|plugin| plugin.version().to_owned())
    }

    pub fn plugin_settings(&self, class: &str) -> Result<Value, Refusal> {
        let plugin =
            self.plugins.find(class).ok_or_else(|| Refusal::NotFound(format!("Unknown plugin {class}.")))?;
        let own = declared(&plugin)?;
        let all = definition::plugin_config(kind(plugin.kind()), plugin.version(), &own);
        serde_json::to_value(all).map_err(|error| Refusal::Internal(error.to_string()))
    }

    pub fn validate(&self, class: &str, config: &Properties) -> Result<Value, Refusal> {
        let Some(configured) = config.get("connector.class") else {
            return Err(Refusal::Invalid(no_type(config)));
        };
        let resolved = self.settings.config_providers.resolve(config);
        let (plugin, asked) = (self.plugin_of(&resolved)?, self.find(class)?);
        if plugin.class() != asked.class() {
            let sentence =
                format!("Included connector type {configured} does not match request type {class}");
            return Err(Refusal::Invalid(sentence));
        }
        let validation = self.validation(&plugin, config, &resolved)?;
        serde_json::to_value(validation).map_err(|error| Refusal::Internal(error.to_string()))
    }

    /// The plugin of a config that names one; what cannot be found is told as the client wrote it.
    fn plugin_of(&self, resolved: &Resolved) -> Result<Connector, Refusal> {
        let class = resolved.config.get("connector.class").unwrap_or_default();
        self.find(class).map_err(|refusal| resolved.scrubber.refusal(refusal))
    }

    /// A config that may be written, or the refusal with everything that is wrong.
    pub fn check(&self, config: &Properties) -> Result<(), Refusal> {
        config.get("connector.class").ok_or_else(|| Refusal::Invalid(no_type(config)))?;
        let resolved = self.settings.config_providers.resolve(config);
        let plugin = self.plugin_of(&resolved)?;
        let validation = self.validation(&plugin, config, &resolved)?;
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

    /// Judges the values and answers with references.
    fn validation(
        &self,
        plugin: &Connector,
        written: &Properties,
        resolved: &Resolved,
    ) -> Result<Validation, Refusal> {
        let own = declared(plugin)?;
        let problems = plugin_problems(plugin, resolved)?;
        let described = Plugin {
            kind: kind(plugin.kind()),
            class: plugin.class(),
            version: plugin.version(),
            settings: &own,
            problems: &problems,
        };
        let config = resolved.config.iter();
        let config = config.map(|(key, value)| (key.to_owned(), value.map(ToOwned::to_owned))).collect();
        let mut validation = definition::validate(&described, &self.framework, &config);
        if resolved.refers() {
            let declared = definition::plugin_config(described.kind, described.version, &own);
            providers::conceal(&mut validation, written, resolved, &declared);
        }
        Ok(validation)
    }
}

/// What the plugin itself finds wrong. It is not asked about a config whose references have no values.
fn plugin_problems(plugin: &Connector, resolved: &Resolved) -> Result<Vec<Problem>, Refusal> {
    if !resolved.problems.is_empty() {
        return Ok(Vec::new());
    }
    let found = plugin.validate(&crate::task::for_plugin(&resolved.config));
    let found = found.map_err(|error| {
        let sentence = format!("{}: {error}", plugin.class());
        Refusal::Internal(resolved.scrubber.text(&sentence).into_owned())
    })?;
    let problem = |found: host::Found| Problem { setting: found.setting, sentence: found.message };
    Ok(found.into_iter().filter(|found| found.severity == Severity::Error).map(problem).collect())
}

fn declared(plugin: &Connector) -> Result<Vec<Definition>, Refusal> {
    definition::parse(plugin.class(), plugin.settings_json().as_bytes())
        .map_err(|error| Refusal::Internal(error.to_string()))
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

fn converters() -> impl Iterator<Item = (&'static str, &'static str)> {
    converter::Class::ALL.iter().map(|class| {
        let kind = if class.is_for_records() { "converter" } else { "header_converter" };
        (class.name(), kind)
    })
}
