//! One pass over a config: each file is read once, and all that was found is remembered.
use super::reference::{Part, Reference, parts};
use super::scrubber::Secret;
use super::source::Source;
use std::collections::{BTreeMap, HashMap};

/// Bytes that all values of a config may have together once they are resolved.
const TOTAL_MAX: usize = 8 << 20;
/// Characters of a path or a key that an error shows.
const SHOWN_MAX: usize = 200;

type Answer = Result<BTreeMap<String, String>, String>;

pub struct Reading<'a> {
    sources: &'a BTreeMap<String, Source>,
    /// By alias, path and, where a read answers for one key alone, the key.
    answers: HashMap<(String, String, String), Answer>,
    secrets: BTreeMap<String, Secret>,
    bytes: usize,
}

impl<'a> Reading<'a> {
    pub fn new(sources: &'a BTreeMap<String, Source>) -> Self {
        Self { sources, answers: HashMap::new(), secrets: BTreeMap::new(), bytes: 0 }
    }

    /// The value with every known reference replaced, once: what a value brings in is not looked at again.
    /// `None` when it refers to nothing these providers know.
    pub fn value(&mut self, written: &str) -> Result<Option<String>, String> {
        let parts = parts(written);
        let is_known =
            |part: &Part<'_>| matches!(part, Part::Reference(r) if self.sources.contains_key(r.provider));
        if !parts.iter().any(is_known) {
            return Ok(None);
        }
        let mut value = String::new();
        for part in parts {
            let length = value.len();
            match part {
                Part::Text(text) => value.push_str(text),
                Part::Reference(reference) => match self.look_up(reference)? {
                    Some(found) => value.push_str(&found),
                    None => value.push_str(reference.text),
                },
            }
            self.bytes += value.len() - length;
            if self.bytes > TOTAL_MAX {
                return Err(format!("the values that are referred to make more than {TOTAL_MAX} bytes"));
            }
        }
        Ok(Some(value))
    }

    fn look_up(&mut self, reference: Reference<'_>) -> Result<Option<String>, String> {
        let Some(source) = self.sources.get(reference.provider) else { return Ok(None) };
        let per_key = if source.reads_all() { "" } else { reference.key };
        let at = (reference.provider.to_owned(), reference.path.to_owned(), per_key.to_owned());
        let answer =
            self.answers.entry(at).or_insert_with(|| source.read(reference.path, reference.key)).as_ref();
        let values = answer.map_err(|reason| sentence(reference, reason))?;
        let value =
            values.get(reference.key).ok_or_else(|| sentence(reference, "the file has no such key"))?;
        let secret = || Secret { reference: reference.text.to_owned(), value: value.clone() };
        self.secrets.entry(reference.text.to_owned()).or_insert_with(secret);
        Ok(Some(value.clone()))
    }

    /// Everything that was found, by reference.
    pub fn into_secrets(self) -> Vec<Secret> {
        self.secrets.into_values().collect()
    }
}

fn sentence(reference: Reference<'_>, reason: &str) -> String {
    let Reference { provider, path, key, .. } = reference;
    let place = if path.is_empty() { String::new() } else { format!(" in path {}", shown(path)) };
    format!("provider {provider} has no value for key {}{place}: {reason}", shown(key))
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}
