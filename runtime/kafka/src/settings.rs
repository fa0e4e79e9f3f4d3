//! Settings of a Kafka client: Java's keys in, librdkafka's keys out, secrets never shown.

mod jaas;
mod jks;
mod known;
mod login;
mod oauth;
mod overrides;
mod refused;
mod rules;
mod stores;
mod tls;
mod translate;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use rdkafka::ClientConfig;

use crate::Error;
use crate::oauth::{LOGIN_KEY, Login};
use known::Scope;
pub use refused::override_refusal;

/// A key that was given and has no effect here, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untranslated {
    pub key: String,
    pub reason: &'static str,
}

/// librdkafka's settings by key, ready for any kind of client.
///
/// Stores of certificates are read when the settings are translated. OAuth tokens are fetched when the first client
/// opens, and shared by all clients whose settings say the same of them.
#[derive(Clone, Default)]
pub struct ClientSettings {
    values: BTreeMap<String, String>,
    /// Keeps alive what `LOGIN_KEY` among the values leads to.
    login: Option<Arc<Login>>,
}

impl PartialEq for ClientSettings {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values
    }
}

impl Eq for ClientSettings {}

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
        Self::translate(&java.into_iter().collect())
    }

    /// The settings of a connector's client: the worker's, and over them what came with the connector, which may
    /// name no file of this machine, load no code and run no command.
    ///
    /// Whoever goes to another cluster, or to the same with less protection, is not lent the worker's login.
    pub fn with_overrides<I, J>(worker: I, overrides: J) -> Result<(Self, Vec<Untranslated>), Error>
    where
        I: IntoIterator<Item = (String, String)>,
        J: IntoIterator<Item = (String, String)>,
    {
        let own: BTreeMap<String, String> = overrides.into_iter().collect();
        refused::check_connector(&own)?;
        Self::translate(&overrides::lay_over(worker.into_iter().collect(), own))
    }

    fn translate(given: &BTreeMap<String, String>) -> Result<(Self, Vec<Untranslated>), Error> {
        refused::check_operator(given)?;
        let (mut values, left_out, tokens) = translate::translate(given)?;
        let login = tokens.map(|(source, pace)| Login::of(source, pace));
        if let Some(login) = &login {
            values.insert(LOGIN_KEY.to_owned(), login.key().to_owned());
        }
        Ok((Self { values, login }, left_out))
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
        if other.login.is_some() {
            self.login.clone_from(&other.login);
        }
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

/// Whether the value of a client's setting must not be shown.
pub fn is_secret(key: &str) -> bool {
    const MARKS: [&str; 7] =
        ["password", "secret", "passphrase", "jaas", "key.pem", "keystore.key", "oauthbearer.config"];
    MARKS.iter().any(|mark| key.contains(mark))
}

#[cfg(test)]
mod tests;
