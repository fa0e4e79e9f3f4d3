//! A schema registry with Confluent's REST interface: schemas by id, by subject, and registering new ones.

mod address;
mod cache;
mod flight;
mod http;
mod settings;
mod shared;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

pub use address::Pin;
pub(crate) use address::decoded;
pub use settings::Settings;

use crate::{Error, Kind, Result};
use cache::Cache;
use http::Client;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// What language a schema is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    Avro,
    Protobuf,
    Json,
}

/// A schema as the registry keeps it, with all that it refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    pub id: u32,
    pub format: Format,
    pub text: String,
    /// Each after those that it refers to itself.
    pub references: Vec<Reference>,
}

/// Another schema, by the name that the referring one has for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    pub name: String,
    pub text: String,
}

/// A registry, and all that is known of it. Shared by everything in the process that uses it with the same
/// credentials, see [`Registry::shared`].
#[derive(Debug)]
pub struct Registry {
    client: Client,
    ids: Cache<u32, Registered>,
    /// Ids of versions of subjects; `latest` among them, which is asked for again now and then.
    versions: Cache<(String, String), u32>,
    lists: Cache<String, Vec<u32>>,
    written: Cache<(String, Format, String), u32>,
}

impl Registry {
    /// The registry that these settings name, and what is known of it already.
    pub fn shared(settings: &Settings) -> Result<Arc<Self>> {
        shared::get(settings, || Self::open(settings))
    }

    fn open(settings: &Settings) -> Result<Self> {
        Ok(Self {
            client: Client::open(settings)?,
            ids: Cache::new(None),
            versions: Cache::new(Some(LATEST_AGE)),
            lists: Cache::new(Some(LATEST_AGE)),
            written: Cache::new(None),
        })
    }

    /// The schema with this id. What was found once is never asked for again, as ids do not change.
    pub fn schema(&self, id: u32) -> Result<Arc<Registered>> {
        self.ids.get(&id, || {
            let body = self.client.get(&format!("/schemas/ids/{id}"));
            let body = body.map_err(|error| error.during(format_args!("schema {id}")))?;
            self.registered(id, &body).map_err(|error| error.during(format_args!("schema {id}")))
        })
    }

    /// A subject's version; `latest` is the newest. Known ones outlive a registry that gives no answer.
    pub fn version(&self, subject: &str, version: &str) -> Result<Arc<Registered>> {
        let key = (subject.to_owned(), version.to_owned());
        let id = self.versions.get(&key, || {
            let body = self.client.get(&version_path(subject, version));
            body.and_then(|body| id(&body))
                .map_err(|error| error.during(format_args!("subject {subject}, version {version}")))
        })?;
        self.schema(*id)
    }

    /// The schemas of a subject, newest first.
    pub fn versions(&self, subject: &str) -> Result<Vec<Arc<Registered>>> {
        let numbers = self.lists.get(&subject.to_owned(), || {
            let body = self.client.get(&format!("/subjects/{}/versions", address::encoded(subject)));
            let body = body.map_err(|error| error.during(format_args!("subject {subject}")))?;
            let numbers = body.as_array().into_iter().flatten().filter_map(|n| n.as_u64()?.try_into().ok());
            Ok(numbers.collect())
        })?;
        numbers
            .iter()
            .rev()
            .take(VERSIONS_MAX)
            .map(|number| self.version(subject, &number.to_string()))
            .collect()
    }

    /// The schema that the settings' address names itself, for records that carry no id.
    pub fn pinned(&self, pin: &Pin) -> Result<Arc<Registered>> {
        match pin {
            Pin::Id(id) => self.schema(*id),
            Pin::Subject(subject) => self.version(subject, "latest"),
            Pin::Version(subject, version) => self.version(subject, version),
        }
    }

    /// The id of a schema under a subject, registering it if it is new there.
    pub fn register(&self, subject: &str, format: Format, text: &str) -> Result<u32> {
        self.written_id(subject, format, text, &format!("/subjects/{}/versions", address::encoded(subject)))
    }

    /// The id of a schema that is registered under a subject already.
    pub fn find(&self, subject: &str, format: Format, text: &str) -> Result<u32> {
        self.written_id(subject, format, text, &format!("/subjects/{}", address::encoded(subject)))
    }

    fn written_id(&self, subject: &str, format: Format, text: &str, path: &str) -> Result<u32> {
        let key = (subject.to_owned(), format, text.to_owned());
        let found = self.written.get(&key, || {
            let mut request = json!({"schema": text});
            if format != Format::Avro {
                request["schemaType"] = format.name().into();
            }
            let answer = self.client.post(path, &request).and_then(|body| id(&body));
            answer.map_err(|error| error.during(format_args!("subject {subject}")))
        });
        found.map(|id| *id)
    }

    fn registered(&self, id: u32, body: &Value) -> Result<Registered> {
        let format = Format::of(body)?;
        let mut references = References { registry: self, found: Vec::new(), known: Vec::new() };
        references.add(body, REFERENCE_DEPTH_MAX)?;
        Ok(Registered { id, format, text: text(body)?, references: references.found })
    }
}

/// Collects what a schema refers to, and what that refers to.
struct References<'a> {
    registry: &'a Registry,
    found: Vec<Reference>,
    known: Vec<String>,
}

impl References<'_> {
    fn add(&mut self, body: &Value, depth: usize) -> Result<()> {
        let list = body.get("references").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for reference in list {
            let part = |key: &str| reference.get(key).and_then(Value::as_str);
            let (Some(name), Some(subject)) = (part("name"), part("subject")) else {
                return Err(Error::record("a reference without a name or a subject"));
            };
            let version = reference.get("version").and_then(Value::as_i64).unwrap_or(-1);
            let depth = depth.checked_sub(1).ok_or_else(|| {
                Error::record(format!("references are nested deeper than {REFERENCE_DEPTH_MAX}"))
            })?;
            if self.known.iter().any(|known| known == name) {
                continue;
            }
            if self.known.len() >= REFERENCES_MAX {
                return Err(Error::record(format!("more than {REFERENCES_MAX} references")));
            }
            self.known.push(name.to_owned());
            let version = if version < 0 { "latest".to_owned() } else { version.to_string() };
            let body = self.registry.client.get(&version_path(subject, &version));
            let body = body.map_err(|error| error.during(format_args!("reference {name}")))?;
            self.add(&body, depth)?;
            self.found.push(Reference { name: name.to_owned(), text: text(&body)? });
        }
        Ok(())
    }
}

impl Format {
    pub fn name(self) -> &'static str {
        match self {
            Self::Avro => "AVRO",
            Self::Protobuf => "PROTOBUF",
            Self::Json => "JSON",
        }
    }

    /// Avro schemas come without the name of their language.
    fn of(body: &Value) -> Result<Self> {
        match body.get("schemaType").and_then(Value::as_str) {
            None | Some("AVRO") => Ok(Self::Avro),
            Some("PROTOBUF") => Ok(Self::Protobuf),
            Some("JSON") => Ok(Self::Json),
            Some(other) => Err(Error::record(format!("schemas of type {other} are unknown here"))),
        }
    }
}

fn version_path(subject: &str, version: &str) -> String {
    format!("/subjects/{}/versions/{}", address::encoded(subject), address::encoded(version))
}

fn text(body: &Value) -> Result<String> {
    let text = body.get("schema").and_then(Value::as_str);
    text.map(str::to_owned).ok_or_else(|| Error::away("the registry's answer has no \"schema\""))
}

fn id(body: &Value) -> Result<u32> {
    let id = body.get("id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
    id.ok_or_else(|| Error::away("the registry's answer has no \"id\""))
}

/// Whether what is known may be used in the place of an answer.
fn is_away(error: &Error) -> bool {
    error.kind() == Kind::Away
}

/// How old the answer to "which is the newest version" may become before it is asked again.
const LATEST_AGE: Duration = Duration::from_secs(60);
/// Of one subject, when one is looked for by its fingerprint.
const VERSIONS_MAX: usize = 100;
const REFERENCE_DEPTH_MAX: usize = 32;
const REFERENCES_MAX: usize = 256;
