//! An answer in the making: settings are added in their order, errors are added to them by name.

use std::collections::HashMap;

use super::Config;
use super::answer::{Setting, Validation, Value};
use super::setting::Definition;
use super::value::{self, Typed};

/// Settings, their values and errors so far.
#[derive(Default)]
pub struct Draft {
    settings: Vec<Setting>,
    places: HashMap<String, usize>,
}

/// What a config says about a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given<'a> {
    Nothing,
    /// JSON's null, which hides the default.
    Null,
    Text(&'a str),
}

impl<'a> Given<'a> {
    pub fn of(config: &'a Config, key: &str) -> Self {
        match config.get(key) {
            None => Self::Nothing,
            Some(None) => Self::Null,
            Some(Some(text)) => Self::Text(text),
        }
    }
}

impl Draft {
    /// Adds a setting with the value that the config gives it. A name that is there already keeps its definition.
    pub fn add(&mut self, definition: Definition, config: &Config) {
        let given = Given::of(config, &definition.name);
        self.add_given(definition, given);
    }

    /// Adds a setting with a value.
    pub fn add_given(&mut self, definition: Definition, given: Given<'_>) {
        if self.places.contains_key(&definition.name) {
            return;
        }
        let mut errors = Vec::new();
        let typed = match (given, definition.default.as_deref()) {
            (Given::Text(text), _) | (Given::Nothing, Some(text)) => {
                value::parse(&definition.name, definition.kind, text).map_err(|e| errors.push(e)).ok()
            }
            (Given::Nothing, None) if definition.required => {
                let name = &definition.name;
                errors.push(format!("Missing required configuration \"{name}\" which has no default value."));
                None
            }
            (Given::Null, _) | (Given::Nothing, None) => None,
        };
        // An optional setting without a default is unset rather than wrong.
        let is_unset = typed.is_none() && given == Given::Nothing && errors.is_empty();
        if let Some(validator) = definition.validator.as_ref().filter(|_| !is_unset) {
            errors.extend(validator.check(&definition.name, typed.as_ref()).err());
        }
        let value = Value {
            name: definition.name.clone(),
            value: typed.as_ref().map(Typed::shown),
            recommended_values: definition.recommended.clone(),
            errors,
            visible: true,
        };
        self.places.insert(definition.name.clone(), self.settings.len());
        self.settings.push(Setting { definition, value });
    }

    /// The setting of that name, if it was added.
    pub fn get(&mut self, name: &str) -> Option<&mut Setting> {
        self.settings.get_mut(*self.places.get(name)?)
    }

    /// Adds an error to a setting that is there.
    pub fn refuse(&mut self, name: &str, error: impl Into<String>) {
        if let Some(setting) = self.get(name) {
            setting.value.errors.push(error.into());
        }
    }

    /// All names so far.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.settings.iter().map(|setting| setting.definition.name.as_str())
    }

    /// The finished answer, whose groups stand in the order of their first settings.
    pub fn finish(self, name: String, unknown: Vec<(String, Option<String>)>) -> Validation {
        let mut groups: Vec<String> = Vec::new();
        for group in self.settings.iter().filter_map(|setting| setting.definition.group.as_ref()) {
            if !groups.contains(group) {
                groups.push(group.clone());
            }
        }
        let error_count = self.settings.iter().map(|setting| setting.value.errors.len()).sum();
        Validation { name, error_count, groups, configs: self.settings, unknown }
    }
}
