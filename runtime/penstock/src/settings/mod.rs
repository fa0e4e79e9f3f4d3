//! Reads a worker's settings: raw text from file, environment and flags, then what it means.

mod build;
mod check;
mod environment;
mod headers;
mod keys;
mod layers;
mod listeners;
mod print;
mod properties;
mod providers;
mod read;
mod rest;
mod secrets;

use std::fmt;
use std::sync::Arc;

pub use layers::{Entry, Flag, Raw, Sources, read_text};
pub use print::print;
pub use rest::JAAS_FILE;
pub use worker::providers::properties::parse as parse_properties;

use worker::providers::Scrubber;

use crate::failure::Failure;

/// Something about the settings that keeps the worker from starting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Absent when a whole file cannot be read.
    pub key: Option<String>,
    pub sentence: String,
}

impl Problem {
    fn of(key: &str, sentence: &str) -> Self {
        Self { key: Some(key.to_owned()), sentence: sentence.to_owned() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(f, "{key}: {}", self.sentence),
            None => f.write_str(&self.sentence),
        }
    }
}

/// What was read: the text as given is there to be shown even when it is wrong.
#[derive(Debug)]
pub struct Loaded {
    pub raw: Raw,
    /// The settings, or everything that is wrong with them at once.
    pub settings: Result<worker::Settings, Vec<Problem>>,
    /// What a person should know and the worker can live with.
    pub warnings: Vec<String>,
    /// Keys that were set for Java's sake and do nothing here.
    pub inert: Vec<String>,
    /// Knows the values that settings refer to: what is said of the settings must not show them.
    pub scrubber: Arc<Scrubber>,
}

/// All that is wrong, a line each.
pub fn refuse(problems: &[Problem]) -> Failure {
    let sentences: Vec<_> = problems.iter().map(ToString::to_string).collect();
    Failure::Usage(sentences.join("\n"))
}

pub fn load(sources: Sources) -> Loaded {
    let environment = sources.environment.clone();
    let (mut raw, mut problems) = layers::collect(sources);
    default_converters(&mut raw);
    let providers = providers::open(&raw, &environment, &mut problems);
    let (mut valid, scrubber) = providers::resolve(&providers, &raw, &mut problems);
    let findings = check::all(&mut valid);
    problems.extend(findings.problems);

    let mut read = read::Reader { raw: &valid, problems: Vec::new(), warnings: Vec::new() };
    let settings = build::settings(&mut read, providers);
    let refuses_unknown = read.is("penstock.unknown.settings", "refuse");
    let (built, mut warnings) = (read.problems, read.warnings);
    // A value that was dropped as wrong is not missing as well.
    let is_new = |problem: &Problem| problem.key.is_none() || problems.iter().all(|p| p.key != problem.key);
    let built: Vec<_> = built.into_iter().filter(is_new).collect();
    problems.extend(built);

    if refuses_unknown {
        problems.extend(findings.unknown.into_iter().map(|sentence| Problem { key: None, sentence }));
    } else {
        warnings.extend(findings.unknown);
    }
    let sentences = problems.iter_mut().map(|problem| &mut problem.sentence).chain(&mut warnings);
    sentences.for_each(|sentence| scrubber.clean(sentence));
    let settings = if problems.is_empty() { Ok(settings) } else { Err(problems) };
    Loaded { raw, settings, warnings, inert: findings.inert, scrubber }
}

/// Java refuses a worker without converters; here the default is JSON as people write it, without the
/// envelope of a schema. A converter that is named behaves as Java's does.
fn default_converters(raw: &mut Raw) {
    for converter in ["key.converter", "value.converter"] {
        let envelope = format!("{converter}.schemas.enable");
        if !raw.contains_key(converter) && !raw.contains_key(&envelope) {
            raw.insert(envelope, Entry { value: "false".to_owned(), origin: "default".to_owned() });
        }
    }
}
