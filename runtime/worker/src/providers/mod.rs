//! Config providers: `${provider:[path:]key}` in a value stands for something kept elsewhere.
//!
//! A reference becomes its value only where the value is used: in the plugin, in a Kafka client, in a converter.
//! Whatever comes back from there passes a [`Scrubber`], so that nobody reads the value who may only know where it
//! is kept. One thing does not: a source's offsets. They are the name of a place in the plugin's own words, and
//! a place that was renamed would be read from its start again.
mod allowed;
mod answer;
mod forms;
mod live;
mod plan;
pub mod properties;
mod reading;
mod reference;
mod resolved;
mod scrubber;
mod source;

#[cfg(test)]
mod tests;

use crate::settings::Provider;
use source::Source;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

pub use answer::conceal;
pub use live::scrubbed as scrubbed_line;
pub use plan::planned;
#[cfg(fuzzing)]
pub use reference::parts;
pub use resolved::{Resolved, Unresolved};
pub use scrubber::Scrubber;
#[cfg(test)]
pub use scrubber::Secret;

/// The providers of a worker by alias. Clones are cheap.
#[derive(Clone, Default)]
pub struct Providers {
    declared: Arc<BTreeMap<String, Provider>>,
    sources: Arc<BTreeMap<String, Source>>,
}

/// Why a provider cannot be opened: the worker's setting, and what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    pub key: String,
    pub expected: String,
}

impl Providers {
    /// Checks classes and allow-lists. Only variables that a provider may hand out are remembered.
    pub fn open(
        declared: BTreeMap<String, Provider>,
        environment: &[(OsString, OsString)],
    ) -> Result<Self, Vec<Wrong>> {
        let (mut sources, mut problems) = (BTreeMap::new(), Vec::new());
        for (alias, provider) in &declared {
            match Source::open(alias, provider, environment) {
                Ok(source) => drop(sources.insert(alias.clone(), source)),
                Err(wrong) => problems.push(wrong),
            }
        }
        if problems.is_empty() {
            Ok(Self { declared: Arc::new(declared), sources: Arc::new(sources) })
        } else {
            Err(problems)
        }
    }

    /// Looks up every reference, each file read once. What is unknown to these providers stays text, as in Java.
    pub fn resolve(&self, written: &cluster::Properties) -> Resolved {
        resolved::resolve(&self.sources, written)
    }
}

impl PartialEq for Providers {
    fn eq(&self, other: &Self) -> bool {
        self.declared == other.declared
    }
}

/// Classes and the names of their parameters: no value.
impl fmt::Debug for Providers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.declared.fmt(f)
    }
}
