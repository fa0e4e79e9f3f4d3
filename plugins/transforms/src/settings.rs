//! The configured settings of one transform or predicate, read by their declarations.
use crate::declare::{Setting, settings};
use crate::rule::{Rule, Typed};
use crate::{Class, Error, Result};
use penstock_sdk::Type;

/// Values by name; what is not given has its default.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    declared: &'static [Setting],
    given: &'a [(String, String)],
}

impl<'a> Settings<'a> {
    /// Checks every declared setting; others are nobody's affair.
    pub fn open(class: Class, given: &'a [(String, String)]) -> Result<Self> {
        let opened = Self { declared: settings(class.kind), given };
        opened.declared.iter().try_for_each(|setting| opened.check(setting))?;
        Ok(opened)
    }

    fn check(&self, setting: &Setting) -> Result<()> {
        let name = setting.name;
        let Some(text) = self.find(name) else {
            if setting.required {
                return Err(Error::new(format!("{name}: expected a value, there is none")));
            }
            return Ok(());
        };
        let wrong = |expected: &str| Err(Error::new(format!("{name}: expected {expected}, got {text}")));
        match setting.kind {
            Type::Boolean if flag(text).is_none() => wrong("true or false"),
            Type::Int if text.trim().parse::<i32>().is_err() => wrong("a number"),
            // A name that is listed twice is listed once: only a validation complains.
            Type::List if matches!(setting.rule, Rule::DistinctItems { .. }) => {
                let mut items = list(text);
                items.dedup();
                items.sort_unstable();
                items.dedup();
                setting.rule.check(name, Typed::List(&items)).map_err(Error::new)
            }
            Type::List => setting.rule.check(name, Typed::List(&list(text))).map_err(Error::new),
            Type::Boolean | Type::Int => Ok(()),
            _ => setting.rule.check(name, Typed::Text(text)).map_err(Error::new),
        }
    }

    fn find(&self, name: &str) -> Option<&'a str> {
        let given =
            self.given.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim_matches(|c| c <= ' '));
        given.or_else(|| self.declared.iter().find(|setting| setting.name == name)?.default)
    }

    /// Text that may be missing.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.find(name)
    }

    /// Text that is required or has a default.
    pub fn required(&self, name: &str) -> &'a str {
        self.find(name).unwrap_or_default()
    }

    pub fn list(&self, name: &str) -> Vec<String> {
        self.find(name).map(list).unwrap_or_default()
    }

    pub fn integer(&self, name: &str) -> Option<i32> {
        self.find(name)?.trim().parse().ok()
    }

    /// `replace.null.with.default`.
    pub fn takes_defaults(&self) -> bool {
        self.find("replace.null.with.default").and_then(flag).unwrap_or(true)
    }
}

fn flag(text: &str) -> Option<bool> {
    let text = text.trim();
    [("true", true), ("false", false)]
        .into_iter()
        .find(|(word, _)| text.eq_ignore_ascii_case(word))
        .map(|(_, value)| value)
}

fn list(text: &str) -> Vec<String> {
    let text = text.trim();
    if text.is_empty() {
        return Vec::new();
    }
    text.split(',').map(|item| item.trim().to_owned()).collect()
}
