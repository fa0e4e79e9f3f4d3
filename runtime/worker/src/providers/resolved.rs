//! A config whose references were looked up, and the way back from values to references.
use super::live;
use super::reading::Reading;
use super::scrubber::Scrubber;
use super::source::Source;
use crate::task::wrong;
use cluster::{Failure, Properties};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a plugin, a client or a converter may get; nobody else.
pub struct Resolved {
    pub config: Properties,
    /// Settings whose references have no value; they are in `config` as they were written.
    pub problems: Vec<Unresolved>,
    pub scrubber: Arc<Scrubber>,
    refers: bool,
}

/// A setting and a sentence that names provider, path and key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unresolved {
    pub key: String,
    pub sentence: String,
}

pub fn resolve(sources: &BTreeMap<String, Source>, written: &Properties) -> Resolved {
    let mut reading = Reading::new(sources);
    let (mut config, mut problems, mut refers) = (written.clone(), Vec::new(), false);
    for (key, value) in written.iter() {
        match value.map_or(Ok(None), |value| reading.value(value)) {
            Ok(Some(value)) => {
                refers = true;
                config.set(key, value);
            }
            Ok(None) => {}
            Err(sentence) => problems.push(Unresolved { key: key.to_owned(), sentence }),
        }
    }
    let scrubber = Arc::new(Scrubber::new(reading.into_secrets()));
    live::remember(&scrubber);
    let refers = refers || !problems.is_empty();
    Resolved { config, problems, scrubber, refers }
}

impl Resolved {
    /// Whether anything in the config was a reference that the providers know.
    pub fn refers(&self) -> bool {
        self.refers
    }

    /// Itself, or the failure of a task that cannot start without what is missing.
    pub fn complete(self) -> Result<Self, Failure> {
        match self.problems.first() {
            None => Ok(self),
            Some(Unresolved { key, sentence }) => Err(wrong(&format!("{key}: {sentence}"))),
        }
    }
}

/// Only names: the values are what has to stay hidden.
impl std::fmt::Debug for Resolved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resolved")
            .field("config", &self.config)
            .field("problems", &self.problems)
            .finish_non_exhaustive()
    }
}
