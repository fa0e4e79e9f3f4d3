//! Lays file, environment and flags over each other as plain text; the later layer wins.
//!
//! The formats and the values with their origins are the `config` crate's. Its builder is not used: it
//! reads a dot as nesting and so cannot hold `key.converter` beside `key.converter.schemas.enable`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};

use config::{FileFormat, Format, Map, Value, ValueKind};

use super::rest::JAAS_FILE;
use super::{Problem, environment, keys, properties, secrets};

/// One value as text, and where it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub value: String,
    pub origin: String,
}

pub type Raw = BTreeMap<String, Entry>;

/// Where settings come from, weakest first.
#[derive(Debug, Default)]
pub struct Sources {
    pub file: Option<PathBuf>,
    pub environment: Vec<(OsString, OsString)>,
    pub flags: Vec<Flag>,
}

#[derive(Debug, Clone)]
pub struct Flag {
    /// As the user typed it: `--set`, `--listen`.
    pub name: &'static str,
    pub key: String,
    pub value: String,
}

/// Every value that was given anywhere, and what could not be read.
pub fn collect(sources: Sources) -> (Raw, Vec<Problem>) {
    let mut raw = Raw::new();
    let mut problems = Vec::new();
    let jaas_file = environment::jaas_file(&sources.environment);
    if let Some(path) = &sources.file {
        let origin = format!("file {}", path.display());
        match read_file(path) {
            Ok(values) => Flattened { origin, raw: &mut raw, problems: &mut problems }.table("", values),
            Err(reason) => problems.push(Problem { key: None, sentence: format!("{origin}: {reason}") }),
        }
    }
    for variable in environment::read(sources.environment) {
        let origin = format!("environment {}", variable.name);
        match variable.value {
            Ok(value) => drop(raw.insert(variable.key, Entry { value, origin })),
            Err(reason) => problems.push(Problem::of(&variable.key, &format!("{reason} ({origin})"))),
        }
    }
    for flag in sources.flags {
        let entry = Entry { value: flag.value, origin: format!("flag {}", flag.name) };
        raw.insert(flag.key, entry);
    }
    if let Some(file) = jaas_file
        && raw.contains_key("rest.extension.classes")
    {
        let entry = || Entry { value: file, origin: "environment KAFKA_OPTS".to_owned() };
        raw.entry(JAAS_FILE.to_owned()).or_insert_with(entry);
    }
    (raw, problems)
}

fn read_file(path: &Path) -> Result<Map<String, Value>, String> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let text = read_text(path)?;
    let parsed = match extension.to_ascii_lowercase().as_str() {
        "yaml" | "yml" => FileFormat::Yaml.parse(None, &text),
        "toml" => Format::parse(&FileFormat::Toml, None, &text),
        "json" => return Err("expected .properties, .yaml, .yml or .toml, got JSON".to_owned()),
        // Java reads its format from files of any name.
        _ => properties::Properties.parse(None, &text),
    };
    parsed.map_err(|error| without_excerpt(&error.to_string()))
}

/// Java's files are Latin-1 by definition and UTF-8 by habit; what is not the second is the first.
pub fn read_text(path: &Path) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string().to_lowercase())?;
    let mut bytes = Vec::new();
    let read = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| error.to_string().to_lowercase())?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("expected at most {FILE_BYTES_MAX} bytes of settings"));
    }
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| error.as_bytes().iter().map(|byte| char::from(*byte)).collect()))
}

/// The parsers quote the line they stumble over, which may hold a password.
fn without_excerpt(message: &str) -> String {
    let is_excerpt = |line: &&str| {
        line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit()).trim_start().starts_with('|')
    };
    let kept: Vec<_> = message.lines().filter(|line| !is_excerpt(line)).map(str::trim).collect();
    kept.join(": ")
}

/// Nested tables become dotted keys, lists become text with commas.
struct Flattened<'a> {
    origin: String,
    raw: &'a mut Raw,
    problems: &'a mut Vec<Problem>,
}

impl Flattened<'_> {
    fn table(&mut self, prefix: &str, values: Map<String, Value>) {
        for (name, value) in values {
            let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
            self.value(&key, value.kind);
        }
    }

    fn value(&mut self, key: &str, kind: ValueKind) {
        let is_text = matches!(kind, ValueKind::String(_));
        let text = match kind {
            ValueKind::Table(values) => return self.table(key, values),
            ValueKind::Nil => return,
            ValueKind::Array(values) => values
                .into_iter()
                .map(|value| scalar(value.kind))
                .collect::<Option<Vec<_>>>()
                .map(|texts| texts.join(",")),
            other => scalar(other),
        };
        let Some(value) = text else {
            return self.refuse(key, "expected a list of plain values, got a nested one");
        };
        if !is_text && secrets::is_secret(key) && keys::find(key).is_some() {
            // A number may have lost digits or its zeroes on the way: 0123, 1e5.
            return self.refuse(key, "expected a text in quotes, got a bare value");
        }
        let entry = Entry { value, origin: self.origin.clone() };
        if self.raw.insert(key.to_owned(), entry).is_some() {
            self.refuse(key, "expected it once, got it twice, nested and dotted");
        }
    }

    fn refuse(&mut self, key: &str, reason: &str) {
        self.problems.push(Problem::of(key, &format!("{reason} ({})", self.origin)));
    }
}

fn scalar(kind: ValueKind) -> Option<String> {
    match kind {
        ValueKind::Nil => Some(String::new()),
        ValueKind::Table(_) | ValueKind::Array(_) => None,
        other => Some(other.to_string()),
    }
}

/// Far above any real file, low enough that a wrong path (a log, a device) ends at once.
const FILE_BYTES_MAX: u64 = 1 << 20;

#[cfg(test)]
#[path = "layers_tests.rs"]
mod tests;
