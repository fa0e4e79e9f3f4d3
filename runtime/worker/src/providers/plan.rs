//! Lets a plugin plan with values, and puts the references back into what it planned.
use super::{Providers, Resolved};
use crate::task::wrong;
use cluster::{Failure, Properties};

/// The tasks that `plan` makes of the resolved config, as they may be written to the config topic.
pub fn planned(
    providers: &Providers,
    written: &Properties,
    plan: impl FnOnce(&Properties) -> Result<Vec<Properties>, Failure>,
) -> Result<Vec<Properties>, Failure> {
    let resolved = providers.resolve(written).complete()?;
    let tasks = plan(&resolved.config).map_err(|failure| resolved.scrubber.failure(failure))?;
    if resolved.scrubber.is_empty() {
        // Values too short to be looked for go back where they stand under their own key.
        return Ok(tasks.iter().map(|task| same_keys(written, &resolved, task)).collect());
    }
    tasks.iter().map(|task| put_back(written, &resolved, task)).collect()
}

fn same_keys(written: &Properties, resolved: &Resolved, task: &Properties) -> Properties {
    let mut back = Properties::new();
    for (key, value) in task.iter() {
        let (reference, given) = (written.get(key), resolved.config.get(key));
        // Plugins trim what they read, and files end in a line's end.
        let is_same = reference != given && given.map(str::trim) == value.map(str::trim);
        back.insert(key, if is_same { reference } else { value }.map(str::to_owned));
    }
    back
}

fn put_back(written: &Properties, resolved: &Resolved, task: &Properties) -> Result<Properties, Failure> {
    let mut back = same_keys(written, resolved, task);
    for (key, value) in task.iter() {
        if resolved.scrubber.line(key) != key && !written.contains(key) {
            return Err(wrong(
                "the plugin planned a task that has a provider's value in the name of a setting",
            ));
        }
        // What the user wrote himself is in the config topic already, and what went back is a reference.
        let Some(value) = value.filter(|_| back.get(key) == value && written.get(key) != value) else {
            continue;
        };
        let Some(text) = resolved.scrubber.put_back(value) else { return Err(hidden(key)) };
        back.set(key, text);
    }
    Ok(back)
}

/// Better no task than one whose settings show a secret to everybody, or say something else than was planned.
fn hidden(key: &str) -> Failure {
    wrong(&format!(
        "{key}: the plugin planned a task that has a provider's value in it, changed so that no reference can \
         take its place"
    ))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
