//! Checks which converters a connector names, and the settings that it gives them.

use super::Config;
use super::draft::{Draft, Given};
use super::registry;
use super::rules::given;
use super::setting::Type::{Boolean, Int, String as Text};
use super::setting::{Definition, Importance, Width};
use super::validate::Worker;
use super::validator::Validator;
use super::value::invalid;
use super::version::{Range, mismatch};
use crate::converter::Class;

/// Refuses converters that are unknown, of another kind, or of another version.
pub fn check_classes(draft: &mut Draft, worker: &Worker, config: &Config) {
    for part in PARTS {
        let key = format!("{part}.converter");
        let version_key = format!("{key}.plugin.version");
        let found = given(config, &key).map(|name| (name, find(part, name)));
        match found {
            Some((_, Some(class))) => {
                set_value(draft, &key, Some(class.name()));
                check_version(draft, worker, config, &key);
            }
            Some((name, None)) => {
                let is_plugin =
                    worker.classes.iter().any(|class| class == name) || Class::find(name).is_some();
                let (error, value) = if is_plugin {
                    let interface = if part == "header" { "HeaderConverter" } else { "Converter" };
                    (format!("Class class {name} does not implement the {interface} interface"), Some(name))
                } else {
                    let advice =
                        Class::advice(name).map(|advice| format!(" Here, {advice}.")).unwrap_or_default();
                    (invalid(&key, name, &format!("Class {name} could not be found.{advice}")), None)
                };
                set_value(draft, &key, value);
                draft.refuse(&key, error);
                forget_version(draft, &version_key, is_plugin);
            }
            None => check_version(draft, worker, config, &key),
        }
    }
}

/// Adds the settings of each converter that the config names itself.
pub fn add_settings(draft: &mut Draft, config: &Config) {
    for part in PARTS {
        let key = format!("{part}.converter");
        let is_sound = draft.get(&key).is_some_and(|setting| setting.value.errors.is_empty());
        let Some(class) = given(config, &key).and_then(|name| find(part, name)).filter(|_| is_sound) else {
            continue;
        };
        for own in settings(class) {
            let name = format!("{key}.{}", own.name);
            // Connect tells each converter itself what it converts.
            let given = match own.name.as_str() {
                "converter.type" => Given::Text(part),
                _ => Given::of(config, &name),
            };
            add_prefixed(draft, &key, own, given);
        }
    }
}

/// A converter's own settings, in the order in which clients see them when they ask for nothing else.
pub fn config(class: Class) -> Vec<Definition> {
    let mut all = settings(class);
    all.sort_by(|a, b| (&a.group, a.order_in_group).cmp(&(&b.group, b.order_in_group)));
    all
}

/// Adds a setting under a prefix; its messages name the setting as its owner knows it.
pub fn add_prefixed(draft: &mut Draft, prefix: &str, own: Definition, given: Given<'_>) {
    let full = format!("{prefix}.{}", own.name);
    let mut alone = Draft::default();
    let short = own.name.clone();
    alone.add_given(own.clone(), given);
    let errors = alone.get(&short).map(|s| std::mem::take(&mut s.value.errors)).unwrap_or_default();
    draft.add_given(Definition { name: full.clone(), validator: None, ..own }, given);
    if let Some(setting) = draft.get(&full) {
        setting.value.errors = errors;
    }
}

fn find(part: &str, name: &str) -> Option<Class> {
    Class::find(name).filter(|class| part == "header" || class.is_for_records())
}

fn check_version(draft: &mut Draft, worker: &Worker, config: &Config, key: &str) {
    let version_key = format!("{key}.plugin.version");
    let Some(wanted) = given(config, &version_key) else { return };
    let class = draft.get(key).and_then(|s| s.value.value.clone()).unwrap_or_default();
    match Range::parse(wanted) {
        Ok(range) if range.contains(&worker.version) => {}
        Ok(range) => {
            let error = mismatch(&class, &range, &worker.version);
            draft.refuse(key, error.clone());
            draft.refuse(&version_key, error);
        }
        Err(error) => draft.refuse(&version_key, error),
    }
}

fn set_value(draft: &mut Draft, key: &str, value: Option<&str>) {
    if let Some(setting) = draft.get(key) {
        setting.value.value = value.map(str::to_owned);
    }
}

fn forget_version(draft: &mut Draft, key: &str, visible: bool) {
    if let Some(setting) = draft.get(key) {
        setting.definition.default = None;
        setting.value.value = None;
        setting.value.recommended_values.clear();
        setting.value.visible = visible;
    }
}

fn settings(class: Class) -> Vec<Definition> {
    let kind = || {
        Definition::new("converter.type", Text)
            .required()
            .checked(Validator::one_of(&["key", "value", "header"]))
            .about(Importance::Low, "What the converter is used for; set by the worker.")
    };
    match class {
        Class::SimpleHeader => Vec::new(),
        Class::String => vec![kind(), encoding()],
        Class::Json => json(kind()),
        Class::Avro => registry::settings(kind(), registry::avro()),
        Class::Protobuf => registry::settings(kind(), registry::protobuf()),
        Class::JsonSchema => registry::settings(kind(), registry::json_schema()),
        _ => vec![kind()],
    }
}

fn encoding() -> Definition {
    let encoding = Definition::new("converter.encoding", Text)
        .default("UTF-8")
        .about(Importance::High, "Character encoding of the text in Kafka.")
        .titled("Encoding");
    Definition { width: Width::Medium, ..encoding }
}

fn json(kind: Definition) -> Vec<Definition> {
    vec![
        Definition::new("decimal.format", Text)
            .default("BASE64")
            .checked(Validator::one_of_any_case(&["BASE64", "NUMERIC"]))
            .about(Importance::Low, "How decimals are written: as Base64 of their digits, or as numbers.")
            .placed(SERIALIZATION, 0, Width::Medium)
            .titled("Decimal Format"),
        kind,
        Definition::new("schemas.cache.size", Int)
            .default("1000")
            .about(Importance::High, "How many schemas are kept ready.")
            .placed(SCHEMAS, 1, Width::Medium)
            .titled("Schema Cache Size"),
        Definition::new("replace.null.with.default", Boolean)
            .default("true")
            .about(Importance::Low, "Whether a null in a field with a default becomes the default.")
            .placed(SERIALIZATION, 1, Width::Medium)
            .titled("Replace null with default"),
        Definition::new("schemas.enable", Boolean)
            .default("true")
            .about(Importance::High, "Whether each value carries its schema along.")
            .placed(SCHEMAS, 0, Width::Medium)
            .titled("Enable Schemas"),
        Definition::new("schema.content", Text)
            .about(Importance::High, "Schema of all values, which then do not carry one.")
            .placed(SCHEMAS, 2, Width::Medium)
            .titled("Schema Content"),
    ]
}

const PARTS: [&str; 3] = ["key", "value", "header"];
const SERIALIZATION: &str = "Serialization";
const SCHEMAS: &str = "Schemas";
