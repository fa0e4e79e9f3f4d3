//! Checks a connector's config by the rules of the framework and the plugin.

use super::answer::Validation;
use super::draft::Draft;
use super::nearest::nearest;
use super::policy::OverridePolicy;
use super::setting::Definition;
use super::view::ConverterConfig;
use super::{Config, client, converters, framework, rules, transforms_check};
use crate::converter;

/// Whether a connector brings records into Kafka, takes them out, or goes past it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Source,
    Sink,
    Pipe,
}

/// The plugin that a config is for, with what it declares and what it found wrong itself.
#[derive(Debug, Clone, Copy)]
pub struct Plugin<'a> {
    pub kind: Kind,
    pub class: &'a str,
    pub version: &'a str,
    pub settings: &'a [Definition],
    pub problems: &'a [Problem],
}

/// What a plugin says about a config: the setting and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub setting: String,
    pub sentence: String,
}

/// What a connector takes from its worker where its own config is silent.
#[derive(Debug, Clone)]
pub struct Worker {
    pub key_converter: ConverterConfig,
    pub value_converter: ConverterConfig,
    pub header_converter: ConverterConfig,
    /// Version that the built-in converters are listed with.
    pub version: String,
    pub override_policy: OverridePolicy,
    /// Whether `exactly.once.support=required` can be kept.
    pub exactly_once_source: bool,
    /// Class names of all plugins, to tell a plugin of the wrong kind from an unknown one.
    pub classes: Vec<String>,
}

impl Default for Worker {
    fn default() -> Self {
        let of = |class: converter::Class| ConverterConfig {
            class: class.name().to_owned(),
            settings: indexmap::IndexMap::new(),
        };
        Self {
            key_converter: of(converter::Class::Json),
            value_converter: of(converter::Class::Json),
            header_converter: of(converter::Class::SimpleHeader),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            override_policy: OverridePolicy::default(),
            exactly_once_source: false,
            classes: Vec::new(),
        }
    }
}

/// Checks every setting of a config; what is wrong stands in the answer, which is complete either way.
pub fn validate(plugin: &Plugin<'_>, worker: &Worker, config: &Config) -> Validation {
    let mut draft = Draft::default();
    for definition in framework::settings(plugin.kind, plugin.version, worker) {
        draft.add(definition, config);
    }
    converters::check_classes(&mut draft, worker, config);
    rules::check_version(&mut draft, plugin, worker, config);
    match plugin.kind {
        Kind::Sink => rules::check_sink(&mut draft, config),
        Kind::Source => rules::check_source(&mut draft, worker, config),
        Kind::Pipe => {}
    }
    transforms_check::add(&mut draft, worker, config);
    for definition in plugin.settings {
        draft.add(definition.clone(), config);
    }
    converters::add_settings(&mut draft, config);
    client::add_overrides(&mut draft, plugin.kind, &worker.override_policy, config);
    for problem in plugin.problems {
        merge(&mut draft, problem);
    }
    let unknown = unknown(&draft, plugin.kind, config);
    let name = config.get("connector.class").cloned().flatten();
    draft.finish(name.unwrap_or_else(|| plugin.class.to_owned()), unknown)
}

fn merge(draft: &mut Draft, problem: &Problem) {
    match draft.get(&problem.setting) {
        // The plugin usually repeats what its own declaration has refused already.
        Some(setting) if !setting.value.errors.is_empty() => {}
        Some(setting) => setting.value.errors.push(problem.sentence.clone()),
        None => draft.refuse("connector.class", format!("{}: {}", problem.setting, problem.sentence)),
    }
}

fn unknown(draft: &Draft, kind: Kind, config: &Config) -> Vec<(String, Option<String>)> {
    let known: Vec<&str> = draft.names().collect();
    let is_unknown = |key: &&String| {
        !known.contains(&key.as_str())
            && !is_of_batches(kind, key)
            && !PREFIXES.iter().any(|(of, p)| of.is_none_or(|k| k == kind) && key.starts_with(p))
    };
    config
        .keys()
        .filter(is_unknown)
        .map(|key| (key.clone(), nearest(key, known.iter().copied()).map(str::to_owned)))
        .collect()
}

/// How large a sink's batches are is the worker's to keep, whatever the plugin declares.
fn is_of_batches(kind: Kind, key: &str) -> bool {
    let own = match kind {
        Kind::Source => None,
        Kind::Sink => Some(key),
        Kind::Pipe => key.strip_prefix(crate::pipe::SINK),
    };
    own.is_some_and(|own| {
        ["penstock.batch.rows.max", "penstock.batch.bytes.max", "penstock.batch.age.max.ms"].contains(&own)
    })
}

/// Below these, keys belong to somebody who declares nothing here.
const PREFIXES: [(Option<Kind>, &str); 10] = [
    (None, "transforms."),
    (None, "predicates."),
    (None, "key.converter."),
    (None, "value.converter."),
    (None, "header.converter."),
    (None, "producer.override."),
    (None, "consumer.override."),
    (None, "admin.override."),
    (Some(Kind::Source), "topic.creation."),
    // What a pipe's source leaves out by itself.
    (Some(Kind::Pipe), "source.errors.tolerance"),
];
