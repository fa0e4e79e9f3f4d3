//! Opens the config providers, and puts values where the worker's own settings refer to them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Arc;

use worker::providers::{Providers, Scrubber};
use worker::settings::Provider;

use super::layers::{Entry, Raw};
use super::{Problem, check};

/// The providers that `config.providers` lists; none when one of them is wrong.
pub fn open(raw: &Raw, environment: &[(OsString, OsString)], problems: &mut Vec<Problem>) -> Providers {
    let listed = raw.get(LIST).map_or("", |entry| entry.value.as_str());
    let mut declared = BTreeMap::new();
    for alias in listed.split(',').map(str::trim).filter(|alias| !alias.is_empty()) {
        match provider(raw, alias) {
            Ok(provider) => drop(declared.insert(alias.to_owned(), provider)),
            Err(problem) => problems.push(problem),
        }
    }
    Providers::open(declared, environment).unwrap_or_else(|all| {
        problems.extend(all.into_iter().map(|wrong| match raw.get(&wrong.key) {
            Some(entry) => check::wrong(&wrong.key, entry, &wrong.expected),
            None => Problem::of(&wrong.key, &format!("expected {}", wrong.expected)),
        }));
        Providers::default()
    })
}

fn provider(raw: &Raw, alias: &str) -> Result<Provider, Problem> {
    let key = format!("{LIST}.{alias}.class");
    let Some(class) = raw.get(&key) else {
        let why = format!("expected the provider's class, because {LIST} lists {alias}");
        return Err(Problem::of(&key, &why));
    };
    let prefix = format!("{LIST}.{alias}.param.");
    let param =
        |(key, entry): (&String, &Entry)| Some((key.strip_prefix(&prefix)?.to_owned(), entry.value.clone()));
    Ok(Provider { class: class.value.trim().to_owned(), params: raw.iter().filter_map(param).collect() })
}

/// The settings with values for references, without those that have none.
pub fn resolve(providers: &Providers, raw: &Raw, problems: &mut Vec<Problem>) -> (Raw, Arc<Scrubber>) {
    // As in Java, a provider is not configured by another one.
    let own = |key: &str| key == LIST || key.starts_with("config.providers.");
    let written = raw.iter().filter(|(key, _)| !own(key));
    let written = written.map(|(key, entry)| (key.as_str(), entry.value.as_str())).collect();
    let resolved = providers.resolve(&written);
    let mut settings = raw.clone();
    for (key, entry) in &mut settings {
        if let Some(value) = resolved.config.get(key) {
            value.clone_into(&mut entry.value);
        }
    }
    for unresolved in resolved.problems {
        if let Some(entry) = settings.remove(&unresolved.key) {
            problems
                .push(Problem::of(&unresolved.key, &format!("{} ({})", unresolved.sentence, entry.origin)));
        }
    }
    (settings, resolved.scrubber)
}

const LIST: &str = "config.providers";

#[cfg(test)]
#[path = "providers_tests.rs"]
mod tests;
