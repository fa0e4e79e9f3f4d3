//! Makes the answer of a validation show references: what a client wrote, not what it stands for.
use super::{Resolved, Unresolved};
use crate::definition::{Definition, Setting, Validation};
use cluster::Properties;

/// Hides every value in the answer, and says which references have none. `declared` is what the plugin and the
/// framework declare whatever the config says: nothing in there can come from a provider.
pub fn conceal(
    validation: &mut Validation,
    written: &Properties,
    resolved: &Resolved,
    declared: &[Definition],
) {
    for setting in &mut validation.configs {
        conceal_setting(setting, written, resolved, declared);
    }
    for Unresolved { key, sentence } in &resolved.problems {
        refuse(validation, key, sentence);
    }
    if let Some(class) = written.get("connector.class") {
        class.clone_into(&mut validation.name);
    }
    for group in &mut validation.groups {
        if !declared.iter().any(|definition| definition.group.as_ref() == Some(group)) {
            resolved.scrubber.clean(group);
        }
    }
    for (_, nearest) in &mut validation.unknown {
        if let Some(nearest) = nearest {
            resolved.scrubber.clean(nearest);
        }
    }
    validation.error_count = validation.configs.iter().map(|setting| setting.value.errors.len()).sum();
}

fn conceal_setting(
    setting: &mut Setting,
    written: &Properties,
    resolved: &Resolved,
    declared: &[Definition],
) {
    let scrubber = &resolved.scrubber;
    let name = setting.value.name.clone();
    let refers = written.get(&name) != resolved.config.get(&name);
    if let Some(value) = &mut setting.value.value {
        match written.get(&name).filter(|_| refers && setting.definition.kind != PASSWORD) {
            Some(text) => text.clone_into(value),
            // What a client wrote himself is no secret; a default that a converter or an alias brings may be.
            None if written.get(&name) == Some(value) => {}
            None => scrubber.clean(value),
        }
    }
    setting.value.errors.iter_mut().for_each(|error| scrubber.clean(error));
    if declared.iter().any(|definition| definition.name == name) || written.contains(&name) {
        return;
    }
    scrubber.clean(&mut setting.value.name);
    setting.value.recommended_values.iter_mut().for_each(|value| scrubber.clean(value));
    let definition = &mut setting.definition;
    scrubber.clean(&mut definition.name);
    scrubber.clean(&mut definition.documentation);
    scrubber.clean(&mut definition.display_name);
    definition.group.iter_mut().for_each(|group| scrubber.clean(group));
    definition.default.iter_mut().for_each(|default| scrubber.clean(default));
    definition.dependents.iter_mut().for_each(|name| scrubber.clean(name));
}

const PASSWORD: crate::definition::Type = crate::definition::Type::Password;

/// The one thing that is wrong with a setting whose reference has no value.
fn refuse(validation: &mut Validation, key: &str, sentence: &str) {
    let settings = &mut validation.configs;
    if let Some(setting) = settings.iter_mut().find(|setting| setting.value.name == key) {
        setting.value.errors = vec![sentence.to_owned()];
    } else if let Some(class) = settings.iter_mut().find(|setting| setting.value.name == "connector.class") {
        class.value.errors.push(format!("{key}: {sentence}"));
    }
}
