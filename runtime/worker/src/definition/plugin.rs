//! Reads the settings that a plugin declares, which cross the boundary as JSON and are not trusted.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::Value;

use super::setting::{Definition, Importance, Type, Width};
use super::validator::{Bound, Validator, full_match};
use super::{Error, value};

/// Reads a plugin's declared settings; an error names the plugin and the setting that is wrong.
pub fn parse(plugin: &str, json: &[u8]) -> Result<Vec<Definition>, Error> {
    let fail = |why: String| Error::new(format!("plugin {plugin}: {why}"));
    if json.len() > JSON_BYTES_MAX {
        return Err(fail(format!("declares {} bytes of settings, at most {JSON_BYTES_MAX}", json.len())));
    }
    let items: Vec<Value> = serde_json::from_slice(json)
        .map_err(|e| fail(format!("declared settings are not a JSON array of objects: {e}")))?;
    if items.len() > SETTINGS_MAX {
        return Err(fail(format!("declares {} settings, at most {SETTINGS_MAX}", items.len())));
    }
    let mut names = HashSet::new();
    let mut definitions = Vec::with_capacity(items.len());
    for (order, item) in items.into_iter().enumerate() {
        let label = label(&item, order);
        let definition = definition(item, order).map_err(|why| fail(format!("setting {label}: {why}")))?;
        if !names.insert(definition.name.clone()) {
            return Err(fail(format!("setting {label}: declared twice")));
        }
        definitions.push(definition);
    }
    Ok(definitions)
}

#[derive(Deserialize)]
struct Declared {
    name: String,
    #[serde(rename = "type", default)]
    kind: Type,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    default: Value,
    #[serde(default)]
    importance: Importance,
    #[serde(default)]
    group: Option<String>,
    #[serde(default)]
    order: Option<i32>,
    #[serde(default)]
    width: Width,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    documentation: Option<String>,
    #[serde(default)]
    dependents: Vec<String>,
    #[serde(default)]
    recommended: Vec<String>,
    #[serde(default)]
    validator: Option<Rule>,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Rule {
    Range {
        #[serde(default)]
        min: Option<Bound>,
        #[serde(default)]
        max: Option<Bound>,
    },
    OneOf {
        values: Vec<String>,
        #[serde(default = "yes")]
        case_sensitive: bool,
    },
    NonEmpty,
    Regex {
        pattern: String,
    },
}

fn yes() -> bool {
    true
}

fn definition(item: Value, order: usize) -> Result<Definition, String> {
    let declared: Declared = serde_json::from_value(item).map_err(|e| e.to_string())?;
    if declared.name.is_empty() || declared.name.chars().any(char::is_control) {
        return Err("a name is not empty and has no control characters".to_owned());
    }
    let default = scalar(declared.default)?;
    if let Some(text) = &default {
        value::parse(&declared.name, declared.kind, text).map_err(|e| format!("default: {e}"))?;
    }
    Ok(Definition {
        display_name: declared.display_name.unwrap_or_else(|| declared.name.clone()),
        name: declared.name,
        kind: declared.kind,
        // With a default nothing is missing, whatever the plugin says.
        required: declared.required && default.is_none(),
        default,
        importance: declared.importance,
        documentation: declared.documentation.unwrap_or_default(),
        // A place counts within a group only.
        order_in_group: declared.order.filter(|_| declared.group.is_some()).unwrap_or(-1),
        group: declared.group,
        width: declared.width,
        dependents: declared.dependents,
        order,
        validator: declared.validator.map(rule).transpose()?,
        recommended: declared.recommended,
    })
}

fn rule(rule: Rule) -> Result<Validator, String> {
    Ok(match rule {
        Rule::Range { min, max } => Validator::Range { min, max },
        Rule::OneOf { values, case_sensitive } => Validator::OneOf { values, case_sensitive },
        Rule::NonEmpty => Validator::NonEmpty,
        Rule::Regex { pattern } => {
            Validator::Matches(full_match(&pattern).map_err(|e| format!("validator: invalid regex: {e}"))?)
        }
    })
}

/// Defaults are text in Connect; a plugin may write them as the JSON scalar they mean.
fn scalar(value: Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        Value::Bool(_) | Value::Number(_) => Ok(Some(value.to_string())),
        Value::Array(_) | Value::Object(_) => Err("default: expected a string, number or boolean".to_owned()),
    }
}

fn label(item: &Value, order: usize) -> String {
    match item.get("name").and_then(Value::as_str) {
        Some(name) if !name.is_empty() => name.chars().take(NAME_SHOWN_MAX).collect(),
        _ => format!("number {}", order + 1),
    }
}

/// Far above any connector's declaration, far below what would hurt the worker.
const JSON_BYTES_MAX: usize = 4 << 20;
const SETTINGS_MAX: usize = 2_000;
const NAME_SHOWN_MAX: usize = 200;
