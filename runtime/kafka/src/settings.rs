//! Settings of a Kafka client: Java's keys in, librdkafka's keys out, secrets never shown.

mod jaas;
mod known;
mod refused;
mod rules;
mod tls;
mod translate;

use std::collections::BTreeMap;
use std::fmt;

use rdkafka::ClientConfig;

use crate::Error;
use known::Scope;

/// A key that was given and has no effect here, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untranslated {
    pub key: String,
    pub reason: &'static str,
}

/// librdkafka's settings by key, ready for any kind of client.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ClientSettings {
    values: BTreeMap<String, String>,
}

impl ClientSettings {
    pub fn new() -> Self {
        Self::default()
    }

    /// Translates what the operator of the worker wrote.
    ///
    /// Keys that mean nothing outside Java are left out and listed. A key that would change who is trusted,
    /// what is stored or where it goes, and cannot be translated, is an error that names it.
    pub fn from_java<I>(java: I) -> Result<(Self, Vec<Untranslated>), Error>
    where
        I: IntoIterator<Item = (String, String)>,
    {
        let given: BTreeMap<String, String> = java.into_iter().collect();
        refused::check_code_loading(&given)?;
        translate::translate(&given).map(|(values, left_out)| (Self { values }, left_out))
    }

    /// Translates what came with a connector: as `from_java`, but nothing may name a file of this machine,
    /// load code or run a command.
    pub fn from_untrusted<I>(java: I) -> Result<(Self, Vec<Untranslated>), Error>
    where
        I: IntoIterator<Item = (String, String)>,
    {
        let given: BTreeMap<String, String> = java.into_iter().collect();
        refused::check_untrusted(&given)?;
        Self::from_java(given)
    }

    /// Sets one of librdkafka's own keys.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.set(key, value);
        self
    }

    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        self.values.insert(key.to_owned(), value.into());
    }

    pub fn set_default(&mut self, key: &str, value: impl Into<String>) {
        self.values.entry(key.to_owned()).or_insert_with(|| value.into());
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Lays the other settings over these: what they name wins.
    pub fn overlay(&mut self, other: &Self) {
        self.values.extend(other.values.clone());
    }

    pub(crate) fn to_consumer(&self) -> ClientConfig {
        self.to_native(Scope::Producer)
    }

    pub(crate) fn to_producer(&self) -> ClientConfig {
        self.to_native(Scope::Consumer)
    }

    /// librdkafka warns of every key that is for the other kind of client, so these stay out.
    fn to_native(&self, other: Scope) -> ClientConfig {
        let mut config = ClientConfig::new();
        // A warning is the most that librdkafka has to tell while things run as they should.
        config.set("log_level", "5");
        for (key, value) in self.iter().filter(|(key, _)| known::scope(key) != Some(other)) {
            config.set(key, value);
        }
        config
    }
}

impl fmt::Debug for ClientSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|(key, value)| (key, if is_secret(key) { "[hidden]" } else { value })))
            .finish()
    }
}

pub(crate) fn is_secret(key: &str) -> bool {
    const MARKS: [&str; 7] =
        ["password", "secret", "passphrase", "jaas", "key.pem", "keystore.key", "oauthbearer.config"];
    MARKS.iter().any(|mark| key.contains(mark))
}

#[cfg(test)]
mod tests;
