//! Gives checked text its type, with the default of its key where nothing was set.

use std::time::Duration;

use worker::settings::Properties;

use super::keys::{self, Default};
use super::layers::Raw;
use super::{Problem, check};

pub struct Reader<'a> {
    /// Holds valid values only.
    pub raw: &'a Raw,
    pub problems: Vec<Problem>,
    pub warnings: Vec<String>,
}

impl<'a> Reader<'a> {
    pub fn text(&self, key: &str) -> Option<&'a str> {
        if let Some(entry) = self.raw.get(key) {
            return Some(entry.value.trim());
        }
        match keys::find(key)?.default {
            Default::Value(value) => Some(value),
            Default::Required | Default::Unset => None,
        }
    }

    /// Text that says something; the empty one counts as absent.
    pub fn name(&self, key: &str) -> Option<String> {
        self.text(key).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// A missing one is a problem of its own.
    pub fn required(&mut self, key: &str, why: &str) -> String {
        let name = self.name(key);
        if name.is_none() {
            self.problems.push(Problem::of(key, &format!("expected a value, {why}")));
        }
        name.unwrap_or_default()
    }

    pub fn list(&self, key: &str) -> Vec<String> {
        let text = self.text(key).unwrap_or_default();
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    pub fn is_true(&self, key: &str) -> bool {
        self.text(key).is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    pub fn is(&self, key: &str, choice: &str) -> bool {
        self.text(key).is_some_and(|text| text.eq_ignore_ascii_case(choice))
    }

    pub fn int(&self, key: &str) -> Option<i64> {
        self.text(key).and_then(|text| text.parse().ok())
    }

    /// Java's files say "never" by the largest number; ten years are as long, and no clock overflows.
    pub fn millis(&self, key: &str) -> Duration {
        const TEN_YEARS_MS: u64 = 10 * 365 * 24 * 3_600_000;
        let millis = self.int(key).and_then(|millis| u64::try_from(millis).ok()).unwrap_or(0);
        Duration::from_millis(millis.min(TEN_YEARS_MS))
    }

    /// What was set under a prefix, without it and without the worker's own keys there.
    pub fn under(&self, prefix: &str) -> Properties {
        let own =
            |key: &str| keys::find(key).is_some() || keys::split_prefix(key).is_none_or(|s| s.0 != prefix);
        let entries = self.raw.iter().filter(|(key, _)| !own(key));
        let bare = |key: &str| key.strip_prefix(prefix).map(str::to_owned);
        entries.filter_map(|(key, entry)| Some((bare(key)?, entry.value.clone()))).collect()
    }

    pub fn refuse(&mut self, key: &str, expected: &str) {
        let problem = match self.raw.get(key) {
            Some(entry) => check::wrong(key, entry, expected),
            None => Problem::of(key, &format!("expected {expected}")),
        };
        self.problems.push(problem);
    }

    pub fn warn(&mut self, key: &str, sentence: &str) {
        self.warnings.push(format!("{key}: {sentence}"));
    }
}
