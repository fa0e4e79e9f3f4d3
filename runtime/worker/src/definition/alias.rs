//! Transforms and predicates: the settings of each configured alias, and why it cannot run.

use super::Config;
use super::draft::Draft;
use super::setting::{Definition, Importance, Type, Width};
use super::value::{invalid, list};

/// Adds `type` and `plugin.version` for each alias of a transform or predicate.
pub fn add(draft: &mut Draft, config: &Config) {
    for (list_key, title, noun) in
        [("transforms", "Transforms", "transform"), ("predicates", "Predicates", "predicate")]
    {
        let Some(Some(text)) = config.get(list_key) else { continue };
        for alias in list(text).iter().take(ALIASES_MAX) {
            add_alias(draft, config, &Family { list_key, title, noun }, alias);
        }
    }
}

struct Family {
    list_key: &'static str,
    title: &'static str,
    noun: &'static str,
}

fn add_alias(draft: &mut Draft, config: &Config, family: &Family, alias: &str) {
    let Family { list_key, title, noun } = family;
    let type_key = format!("{list_key}.{alias}.type");
    if draft.get(&type_key).is_some() {
        return;
    }
    let group = format!("{title}: {alias}");
    let noun_upper = title.trim_end_matches('s');
    let suffix = if *noun == "transform" { "Transformation" } else { noun_upper };
    draft.add(
        Definition::new(&type_key, Type::Class)
            .required()
            .about(Importance::High, format!("Plugin that runs the {noun} {alias}."))
            .placed(&group, 0, Width::Long)
            .titled(format!("{suffix} type for {alias}")),
        config,
    );
    draft.add(
        Definition::new(format!("{list_key}.{alias}.plugin.version"), Type::String)
            .about(Importance::High, format!("Version, or range of versions, of the {noun} {alias}."))
            .placed(&group, 1, Width::Long)
            .titled(format!("{suffix} version for {alias}")),
        config,
    );
    let Some(Some(class)) = config.get(&type_key) else { return };
    let error = if class.starts_with("org.apache.kafka.connect.transforms.") {
        format!("{noun} {alias}: this worker runs no {noun}s, so {class} cannot be used")
    } else {
        invalid(&type_key, class, &format!("Class {class} could not be found."))
    };
    if let Some(setting) = draft.get(&type_key) {
        setting.value.value = None;
        setting.value.errors.push(error);
    }
}

/// A list of aliases comes from outside; an answer has to stay readable.
const ALIASES_MAX: usize = 100;
