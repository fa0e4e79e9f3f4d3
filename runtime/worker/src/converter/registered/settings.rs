//! The settings of converters with a schema registry, as Confluent's have them.

use super::super::Error;
use crate::definition;
use formats::registry::Settings as Registry;
use indexmap::IndexMap;

/// What a converter with a registry was told.
#[derive(Debug, Clone)]
pub struct Settings {
    pub registry: Registry,
    pub register: Register,
    pub strategy: Strategy,
    pub schemas_max: usize,
}

/// How a schema that is written gets its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Register {
    /// `auto.register.schemas`, the default.
    Always,
    /// It has to be there already.
    Never,
    /// `use.latest.version`: the subject's newest schema is written, whatever the value's own is.
    Latest,
}

/// Under which subject a schema is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    Topic,
    Record,
    TopicRecord,
}

impl Strategy {
    /// The subject of a schema; `record` is the name of its type, or why it has none.
    pub fn subject(
        self,
        topic: &str,
        part: &str,
        record: impl FnOnce() -> Result<String, Error>,
    ) -> Result<String, Error> {
        Ok(match self {
            Self::Topic => format!("{topic}-{part}"),
            Self::Record => record()?,
            Self::TopicRecord => format!("{topic}-{}", record()?),
        })
    }
}

impl Settings {
    /// `part` is `key` or `value`: strategies have a setting for each. `refused` would change what is read or written.
    pub fn parse(
        settings: &IndexMap<String, String>,
        part: &str,
        refused: &[&str],
    ) -> Result<Self, definition::Error> {
        let get = |key: &str| settings.get(key).map(String::as_str);
        let registry = Registry::parse(&get).map_err(|error| definition::Error::new(error.message()))?;
        for key in refused.iter().chain(&["normalize.schemas"]) {
            if flag(settings, key, false)? {
                return Err(definition::Error::new(format!("{key}: true is not supported here")));
            }
        }
        let register = match (
            flag(settings, "use.latest.version", false)?,
            flag(settings, "auto.register.schemas", true)?,
        ) {
            // Confluent's serialisers look at the newest version only where nothing is registered.
            (_, true) => Register::Always,
            (true, false) => Register::Latest,
            (false, false) => Register::Never,
        };
        let key = format!("{part}.subject.name.strategy");
        let strategy = match get(&key).map(|name| name.rsplit('.').next().unwrap_or(name)) {
            None | Some("TopicNameStrategy") => Strategy::Topic,
            Some("RecordNameStrategy") => Strategy::Record,
            Some("TopicRecordNameStrategy") => Strategy::TopicRecord,
            Some(other) => {
                return Err(definition::Error::new(format!(
                    "{key}: expected TopicNameStrategy, RecordNameStrategy or TopicRecordNameStrategy, got {other}"
                )));
            }
        };
        Ok(Self { registry, register, strategy, schemas_max: cache_size(settings)? })
    }
}

/// A setting that is true or false.
pub fn flag(
    settings: &IndexMap<String, String>,
    key: &str,
    default: bool,
) -> Result<bool, definition::Error> {
    match settings.get(key).map(|value| value.trim()) {
        None | Some("") => Ok(default),
        Some(value) if value.eq_ignore_ascii_case("true") => Ok(true),
        Some(value) if value.eq_ignore_ascii_case("false") => Ok(false),
        Some(value) => Err(definition::Error::new(format!("{key}: expected true or false, got {value}"))),
    }
}

fn cache_size(settings: &IndexMap<String, String>) -> Result<usize, definition::Error> {
    let key = "schemas.cache.config";
    let Some(value) = settings.get(key).map(|value| value.trim()).filter(|value| !value.is_empty()) else {
        return Ok(SCHEMAS_DEFAULT);
    };
    let size = value.parse().ok().filter(|size| (1..=SCHEMAS_MAX).contains(size));
    size.ok_or_else(|| definition::Error::new(format!("{key}: expected 1..={SCHEMAS_MAX}, got {value}")))
}

const SCHEMAS_DEFAULT: usize = 1000;
const SCHEMAS_MAX: usize = 100_000;
