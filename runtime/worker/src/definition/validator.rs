//! What a setting's value has to keep beyond its type.

use std::collections::HashSet;

use regex::{Regex, RegexBuilder};
use serde::Deserialize;

use super::value::{Typed, invalid};
use crate::converter::number;

/// A limit of a range, shown as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Bound {
    Integer(i64),
    Double(f64),
}

/// A rule for one value. The last four belong to the framework's own settings.
#[derive(Debug, Clone)]
pub enum Validator {
    Range { min: Option<Bound>, max: Option<Bound> },
    OneOf { values: Vec<String>, case_sensitive: bool },
    NonEmpty,
    Matches(Regex),
    ConnectorName,
    IsRegex,
    DistinctItems,
    Aliases,
}

impl Validator {
    /// One of the given words, told apart by case.
    pub(super) fn one_of(values: &[&str]) -> Self {
        Self::OneOf { values: values.iter().map(|&v| v.to_owned()).collect(), case_sensitive: true }
    }

    /// One of the given words, in any case.
    pub(super) fn one_of_any_case(values: &[&str]) -> Self {
        Self::OneOf { values: values.iter().map(|&v| v.to_owned()).collect(), case_sensitive: false }
    }

    pub(super) fn at_least(min: i64) -> Self {
        Self::Range { min: Some(Bound::Integer(min)), max: None }
    }

    /// Checks a value; `None` is a value that is missing or could not be read.
    pub fn check(&self, name: &str, value: Option<&Typed>) -> Result<(), String> {
        let shown = value.map_or_else(|| "null".to_owned(), Typed::in_message);
        let refuse = |why: String| Err(invalid(name, &shown, &why));
        match self {
            Self::Range { min, max } => in_range(value, *min, *max).or_else(refuse),
            Self::OneOf { values, case_sensitive } => {
                let found = value.is_some_and(|_| values.iter().any(|v| same(v, &shown, *case_sensitive)));
                let manner = if *case_sensitive { "" } else { " (case insensitive)" };
                if found {
                    return Ok(());
                }
                refuse(format!("String must be one of{manner}: {}", values.join(", ")))
            }
            Self::NonEmpty => match value {
                Some(Typed::List(items)) if items.is_empty() => refuse("List must be non-empty".to_owned()),
                Some(Typed::Text(text) | Typed::Secret(text)) if text.is_empty() => {
                    refuse("String must be non-empty".to_owned())
                }
                _ => Ok(()),
            },
            Self::Matches(regex) if texts(value).iter().all(|text| regex.is_match(text)) => Ok(()),
            Self::Matches(regex) => refuse(format!("Value must match the pattern {}", pattern_of(regex))),
            Self::ConnectorName => connector_name(value).or_else(refuse),
            Self::IsRegex => match value {
                Some(Typed::Text(text)) => {
                    full_match(text).map(|_| ()).or_else(|why| refuse(format!("Invalid regex: {why}")))
                }
                _ => Ok(()),
            },
            Self::DistinctItems => distinct_items(name, value),
            Self::Aliases if has_duplicates(value) => refuse("Duplicate alias provided.".to_owned()),
            Self::Aliases => Ok(()),
        }
    }
}

/// Compiles a pattern that has to match a whole text, as Java's `matches` does.
pub fn full_match(pattern: &str) -> Result<Regex, String> {
    // Java's wording for the slip that people make most: a shell pattern such as `*` or `*-events`.
    if let Some(dangling) = pattern.chars().next().filter(|c| matches!(c, '*' | '+' | '?')) {
        return Err(format!("Dangling meta character '{dangling}' near index 0\n{pattern}\n^"));
    }
    RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(REGEX_BYTES_MAX).build().map_err(|error| {
        let text = error.to_string();
        let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
        format!("{reason}\n{pattern}")
    })
}

fn pattern_of(regex: &Regex) -> &str {
    let text = regex.as_str();
    text.strip_prefix("^(?:").and_then(|t| t.strip_suffix(")$")).unwrap_or(text)
}

fn in_range(value: Option<&Typed>, min: Option<Bound>, max: Option<Bound>) -> Result<(), String> {
    let Some(value) = value else { return Err("Value must be non-null".to_owned()) };
    let outside = |bound: Bound, wrong: std::cmp::Ordering| match (value, bound) {
        (Typed::Integer(v), Bound::Integer(b)) => v.cmp(&b) == wrong,
        (Typed::Integer(v), Bound::Double(b)) => (*v as f64).partial_cmp(&b).is_none_or(|o| o == wrong),
        (Typed::Double(v), Bound::Integer(b)) => v.partial_cmp(&(b as f64)).is_none_or(|o| o == wrong),
        (Typed::Double(v), Bound::Double(b)) => v.partial_cmp(&b).is_none_or(|o| o == wrong),
        _ => false,
    };
    match (min, max) {
        (Some(min), _) if outside(min, std::cmp::Ordering::Less) => {
            Err(format!("Value must be at least {}", bound_text(min)))
        }
        (_, Some(max)) if outside(max, std::cmp::Ordering::Greater) => {
            Err(format!("Value must be no more than {}", bound_text(max)))
        }
        _ => Ok(()),
    }
}

fn bound_text(bound: Bound) -> String {
    match bound {
        Bound::Integer(value) => value.to_string(),
        Bound::Double(value) => number::double_text(value),
    }
}

fn same(allowed: &str, given: &str, case_sensitive: bool) -> bool {
    if case_sensitive { allowed == given } else { allowed.eq_ignore_ascii_case(given) }
}

fn texts(value: Option<&Typed>) -> &[String] {
    match value {
        Some(Typed::List(items)) => items,
        Some(Typed::Text(text) | Typed::Secret(text)) => std::slice::from_ref(text),
        _ => &[],
    }
}

fn connector_name(value: Option<&Typed>) -> Result<(), String> {
    // A missing name is reported as a missing required setting already.
    let Some(Typed::Text(text)) = value else { return Ok(()) };
    if text.is_empty() {
        return Err("String may not be empty".to_owned());
    }
    let controls: Vec<String> =
        text.chars().filter(|c| c.is_control()).map(|c| u32::from(c).to_string()).collect();
    if controls.is_empty() {
        return Ok(());
    }
    let listed = controls.join(", ");
    Err(format!("String may not contain control sequences but had the following ASCII chars: {listed}"))
}

fn distinct_items(name: &str, value: Option<&Typed>) -> Result<(), String> {
    if has_duplicates(value) {
        return Err(format!("Configuration '{name}' values must not be duplicated."));
    }
    match value {
        Some(Typed::List(items)) if items.iter().any(String::is_empty) => {
            Err(format!("Configuration '{name}' values must not be empty."))
        }
        _ => Ok(()),
    }
}

fn has_duplicates(value: Option<&Typed>) -> bool {
    let Some(Typed::List(items)) = value else { return false };
    let mut seen = HashSet::new();
    !items.iter().all(|item| seen.insert(item))
}

/// Patterns come from configs and plugins: one that compiles to more is refused.
const REGEX_BYTES_MAX: usize = 1 << 20;
