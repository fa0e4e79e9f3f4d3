//! The schema and those that it refers to, as JSON, and what a reference in one of them means.

use crate::registry::Reference;
use crate::{Error, Result};
use serde_json::Value;

/// The first is the schema itself.
#[derive(Debug)]
pub struct Documents(Vec<(String, Value)>);

/// A part of a document.
#[derive(Debug, Clone)]
pub struct Part {
    pub document: usize,
    /// As a JSON pointer.
    pub pointer: String,
}

impl Documents {
    pub fn parse(text: &str, references: &[Reference]) -> Result<Self> {
        // The parser's own limit of 128 levels bounds what follows.
        let parse = |name: &str, text: &str| {
            let value = serde_json::from_str(text);
            let value = value.map_err(|error| Error::record(format!("JSON schema {name}: {error}")))?;
            Ok::<(String, Value), Error>((name.to_owned(), value))
        };
        let mut all = vec![parse(ROOT, text)?];
        for reference in references {
            all.push(parse(&reference.name, &reference.text)?);
        }
        Ok(Self(all))
    }

    /// The part that a reference in a document means, and what is there.
    pub fn resolve(&self, document: usize, reference: &str) -> Result<(Part, &Value)> {
        let unknown = || Error::record(format!("JSON schema: the reference {reference:?} leads nowhere"));
        let (base, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let document = if base.is_empty() { Some(document) } else { self.find(base) };
        let document = document.ok_or_else(unknown)?;
        let (_, whole) = self.0.get(document).ok_or_else(unknown)?;
        let pointer = crate::registry::decoded(fragment);
        let found = if pointer.is_empty() || pointer.starts_with('/') {
            whole.pointer(&pointer)
        } else {
            named(whole, &pointer, DEPTH_MAX)
        };
        let pointer =
            if pointer.is_empty() || pointer.starts_with('/') { pointer } else { format!("#{pointer}") };
        Ok((Part { document, pointer }, found.ok_or_else(unknown)?))
    }

    /// A document's name, under which every other one can refer to it.
    pub fn name(&self, document: usize) -> &str {
        self.0.get(document).map_or(ROOT, |(name, _)| name)
    }

    pub fn root(&self) -> &Value {
        self.0.first().map_or(&Value::Null, |(_, value)| value)
    }

    fn find(&self, base: &str) -> Option<usize> {
        let id = |value: &Value| {
            value.get("$id").or_else(|| value.get("id")).and_then(Value::as_str).map(str::to_owned)
        };
        let last = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
        let by_name = self.0.iter().position(|(name, _)| name == base);
        let by_id = || {
            self.0.iter().position(|(_, value)| id(value).is_some_and(|id| id.trim_end_matches('#') == base))
        };
        // Relative to wherever the document says that it is.
        let by_file = || self.0.iter().position(|(name, _)| last(name) == last(base));
        by_name.or_else(by_id).or_else(by_file)
    }
}

/// The part that gave itself a name.
fn named<'a>(value: &'a Value, anchor: &str, depth: usize) -> Option<&'a Value> {
    let depth = depth.checked_sub(1)?;
    match value {
        Value::Object(object) => {
            let is = |key: &str, expected: &str| object.get(key).and_then(Value::as_str) == Some(expected);
            if is("$anchor", anchor) || is("$id", &format!("#{anchor}")) {
                return Some(value);
            }
            object.values().find_map(|inner| named(inner, anchor, depth))
        }
        Value::Array(list) => list.iter().find_map(|inner| named(inner, anchor, depth)),
        _ => None,
    }
}

/// No document of a registry can have this name.
const ROOT: &str = "\u{1}";
const DEPTH_MAX: usize = 130;
