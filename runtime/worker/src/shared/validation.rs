//! Judges a connector's config by the rules of the framework, of the plugin, and of both ends of a pipe.
use super::Shared;
use crate::api::Refusal;
use crate::definition::{self, Definition, Plugin, Problem, Validation};
use crate::pipe::Chosen;
use crate::providers::{self, Resolved};
use crate::task;
use cluster::Properties;
use host::{Connector, ConnectorKind, Severity};
use penstock_sdk::Config;

impl Shared {
    /// A source that does not say that its offsets are exact cannot be required to deliver exactly once.
    fn lacks_exactly_once(&self, plugin: &Connector, config: &Properties) -> Option<Problem> {
        let level = config.get("exactly.once.support").unwrap_or_default().trim();
        let is_lacking = plugin.kind() == ConnectorKind::Source
            && level.eq_ignore_ascii_case("required")
            && self.framework.exactly_once_source
            && !plugin.has_exact_offsets();
        is_lacking.then(|| Problem {
            setting: "exactly.once.support".into(),
            sentence:
                "The connector does not support exactly-once semantics with the provided configuration."
                    .into(),
        })
    }

    /// Judges the values and answers with references.
    pub(super) fn validation(
        &self,
        chosen: &Chosen,
        written: &Properties,
        resolved: &Resolved,
    ) -> Result<Validation, Refusal> {
        let (own, problems) = match chosen {
            Chosen::Plugin(plugin) => {
                let mut problems = plugin_problems(plugin, &resolved.config, resolved)?;
                problems.extend(self.lacks_exactly_once(plugin, &resolved.config));
                (declared(plugin)?, problems)
            }
            Chosen::Pipe(pipe) => {
                let found = |end: &Connector, config: &Properties| plugin_problems(end, config, resolved);
                (pipe.declared(declared)?, pipe.problems(&resolved.config, found)?)
            }
        };
        let described = Plugin {
            kind: chosen.kind(),
            class: chosen.class(),
            version: chosen.version(),
            settings: &own,
            problems: &problems,
        };
        let config = resolved.config.iter();
        let config = config.map(|(key, value)| (key.to_owned(), value.map(ToOwned::to_owned))).collect();
        let mut validation = definition::validate(&described, &chosen.framework(&self.framework), &config);
        if resolved.refers() {
            let declared = definition::plugin_config(described.kind, described.version, &own);
            providers::conceal(&mut validation, written, resolved, &declared);
        }
        Ok(validation)
    }
}

impl Shared {
    /// What the plugin would tell a person though nothing is wrong: its answer to the question `advice`, a list of
    /// settings and sentences. Most plugins have none, and nobody waits for one that is in trouble.
    pub(super) fn advice(&self, chosen: &Chosen, resolved: &Resolved) -> Option<serde_json::Value> {
        let plugin = chosen.plugin().filter(|_| resolved.problems.is_empty())?;
        let answer = plugin.ask("advice", &self.as_asked(plugin, &resolved.config), "null");
        let mut advice = serde_json::from_str::<serde_json::Value>(&answer.ok().flatten()?).ok()?;
        resolved.scrubber.answer(&mut advice);
        advice.as_array().is_some_and(|list| !list.is_empty()).then_some(advice)
    }

    /// The settings that a question is about, with the worker's converters where they count.
    pub(super) fn as_asked(&self, plugin: &Connector, config: &Properties) -> Config {
        match task::parse(super::kind(plugin.kind()), config, &self.framework) {
            Ok(connector) => task::for_task(config, plugin, &connector),
            Err(_) => task::for_plugin(config),
        }
    }
}

/// What the plugin itself finds wrong. It is not asked about a config whose references have no values.
fn plugin_problems(
    plugin: &Connector,
    config: &Properties,
    resolved: &Resolved,
) -> Result<Vec<Problem>, Refusal> {
    if !resolved.problems.is_empty() {
        return Ok(Vec::new());
    }
    let found = plugin.validate(&task::for_plugin(config));
    let found = found.map_err(|error| {
        let sentence = format!("{}: {error}", plugin.class());
        Refusal::Internal(resolved.scrubber.text(&sentence).into_owned())
    })?;
    let problem = |found: host::Found| Problem { setting: found.setting, sentence: found.message };
    Ok(found.into_iter().filter(|found| found.severity == Severity::Error).map(problem).collect())
}

/// What the plugin declares.
pub fn declared(plugin: &Connector) -> Result<Vec<Definition>, Refusal> {
    definition::parse(plugin.class(), plugin.settings_json().as_bytes())
        .map_err(|error| Refusal::Internal(error.to_string()))
}
