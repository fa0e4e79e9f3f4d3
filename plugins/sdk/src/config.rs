//! The settings of a connector or task, as text, with typed access that names what is wrong.
use crate::{Error, Result};
use std::fmt::Display;
use std::str::FromStr;

/// Settings in the order they were written. Values are text, as everywhere in Connect.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Config {
    entries: Vec<(String, String)>,
}

impl Config {
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the value of `key`, or adds it at the end.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>) {
        let (key, value) = (key.into(), value.into());
        match self.entries.iter_mut().find(|(name, _)| *name == key) {
            Some(entry) => entry.1 = value,
            None => self.entries.push((key, value)),
        }
    }

    /// The same settings with one more; for tests and for `plan`.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.set(key, value);
        self
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        self.entries.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The trimmed value, or an error that names the setting.
    pub fn required(&self, key: &str) -> Result<&str> {
        match self.get(key).map(str::trim) {
            Some(value) if !value.is_empty() => Ok(value),
            _ => Err(Error::config(format!("{key}: a value is required"))),
        }
    }

    /// The parsed value, `None` when it is absent or empty.
    pub fn parsed<T: FromStr<Err: Display>>(&self, key: &str) -> Result<Option<T>> {
        match self.get(key).map(str::trim) {
            None | Some("") => Ok(None),
            Some(text) => match text.parse() {
                Ok(value) => Ok(Some(value)),
                Err(reason) => Err(Error::config(format!("{key}: {reason}, got {text:?}"))),
            },
        }
    }

    /// `true` or `false` in any case.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool> {
        match self.get(key).map(|text| text.trim().to_ascii_lowercase()) {
            None => Ok(default),
            Some(text) if text.is_empty() => Ok(default),
            Some(text) if text == "true" => Ok(true),
            Some(text) if text == "false" => Ok(false),
            Some(text) => Err(Error::config(format!("{key}: expected true or false, got {text:?}"))),
        }
    }

    /// Values between commas, trimmed, empty ones left out.
    pub fn list(&self, key: &str) -> Vec<&str> {
        self.get(key).unwrap_or("").split(',').map(str::trim).filter(|item| !item.is_empty()).collect()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Config {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self { entries: pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect() }
    }
}

/// Names only: a value may be a secret.
impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.entries.iter().map(|(key, _)| key)).finish()
    }
}
