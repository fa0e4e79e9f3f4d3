//! Settings of connectors: what is declared, whether a config keeps it, and the JSON in which clients see both.

mod answer;
mod client;
mod converters;
mod draft;
mod framework;
mod nearest;
mod plugin;
mod policy;
mod registry;
mod rules;
mod setting;
mod topic_creation;
mod transforms_check;
mod transforms_config;
mod validate;
mod validator;
mod value;
pub mod version;
mod view;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod transforms_golden;

use indexmap::IndexMap;

pub use answer::{Setting, Validation, Value, plugin_config};
pub use converters::config as converter_config;
pub use plugin::parse;
pub use policy::OverridePolicy;
pub use setting::{Definition, Importance, Type, Width};
pub use topic_creation::{Group, NewTopic, TopicCreation};
pub use transforms_check::settings as transform_settings;
pub use validate::{Kind, Plugin, Problem, Worker, validate};
pub(crate) use validator::full_match;
pub use validator::{Bound, Validator};
pub use view::{ConnectorConfig, ConverterConfig, DeadLetters, Errors, Tolerance, Topics, Transactions};

/// A connector's config as it was written: the order of its keys is kept, and a value may be JSON's null.
pub type Config = IndexMap<String, Option<String>>;

/// Why a declaration or a config cannot be used: one sentence that names the setting and what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(String);

impl Error {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}
