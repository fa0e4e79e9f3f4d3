//! The schema and those that it refers to, as JSON, and what a reference in one of them means.

use crate::registry::Reference;
use crate::{Error, Result};
use serde_json::Value;
use std::collections::HashMap;

/// The first is the schema itself.
#[derive(Debug)]
pub struct Documents(Vec<Document>);

#[derive(Debug)]
struct Document {
    name: String,
    value: Value,
    /// The parts that gave themselves a name, as JSON pointers.
    anchors: HashMap<String, String>,
}

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
            let value = value.map_err(|error| {
                let shown = if name == ROOT { String::new() } else { format!(" {name}") };
                Error::record(format!("JSON schema{shown}: {error}"))
            })?;
            let mut anchors = HashMap::new();
            collect(&value, &mut String::new(), &mut anchors);
            Ok::<Document, Error>(Document { name: name.to_owned(), value, anchors })
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
        let target = self.0.get(document).ok_or_else(unknown)?;
        let fragment = crate::registry::decoded(fragment);
        let pointer = if fragment.is_empty() || fragment.starts_with('/') {
            fragment
        } else {
            target.anchors.get(&fragment).cloned().ok_or_else(unknown)?
        };
        let found = target.value.pointer(&pointer).ok_or_else(unknown)?;
        Ok((Part { document, pointer }, found))
    }

    /// A document's name, under which every other one can refer to it.
    pub fn name(&self, document: usize) -> &str {
        self.0.get(document).map_or(ROOT, |document| &document.name)
    }

    pub fn root(&self) -> &Value {
        self.0.first().map_or(&Value::Null, |document| &document.value)
    }

    fn find(&self, base: &str) -> Option<usize> {
        let id = |value: &Value| {
            value.get("$id").or_else(|| value.get("id")).and_then(Value::as_str).map(str::to_owned)
        };
        let last = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
        let position = |is: &dyn Fn(&Document) -> bool| self.0.iter().position(is);
        let by_name = position(&|document| document.name == base);
        let by_id =
            || position(&|document| id(&document.value).is_some_and(|id| id.trim_end_matches('#') == base));
        // Relative to wherever the document says that it is.
        let by_file = || position(&|document| last(&document.name) == last(base));
        by_name.or_else(by_id).or_else(by_file)
    }
}

/// Finds the parts that give themselves names; of several with one name, the first counts. The parser bounds how deep.
fn collect(value: &Value, pointer: &mut String, anchors: &mut HashMap<String, String>) {
    let length = pointer.len();
    let inner = |part: &str, value: &Value, anchors: &mut HashMap<String, String>, pointer: &mut String| {
        pointer.push('/');
        pointer.push_str(part);
        collect(value, pointer, anchors);
        pointer.truncate(length);
    };
    match value {
        Value::Object(object) => {
            let text = |key: &str| object.get(key).and_then(Value::as_str);
            let names = [text("$anchor"), text("$id").and_then(|id| id.strip_prefix('#'))];
            for name in names.into_iter().flatten() {
                anchors.entry(name.to_owned()).or_insert_with(|| pointer.clone());
            }
            for (key, value) in object {
                inner(&key.replace('~', "~0").replace('/', "~1"), value, anchors, pointer);
            }
        }
        Value::Array(list) => {
            for (place, value) in list.iter().enumerate() {
                inner(&place.to_string(), value, anchors, pointer);
            }
        }
        _ => {}
    }
}

/// No document of a registry can have this name.
const ROOT: &str = "\u{1}";
