//! Converters whose schemas a registry has: ids in front of values, programs kept ready, schemas registered.

mod avro;
mod json_schema;
mod protobuf;
mod settings;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;

use formats::connect;
use formats::registry::{Format, Pin, Registered, Registry};
use formats::wire::{self, Framed};
use indexmap::IndexMap;
use penstock_sdk::flat;

use super::scalar::{self, parsed};
use super::{Error, Value, definition};
pub use avro::Avro;
pub use json_schema::JsonSchema;
pub use protobuf::Protobuf;
use settings::{Register, Settings, flag};

/// A language of schemas, and the programs that it makes of them.
pub trait Language: Debug + Sized {
    /// The converter's simple name.
    const CONVERTER: &'static str;
    const FORMAT: Format;
    /// Settings that would change what is read or written.
    const REFUSED: &'static [&'static str];
    /// Which type of a schema a value has that does not say it.
    const FIRST: &'static [u8] = &[];
    /// Whether values may be Avro's single objects, which say their schema by its fingerprint.
    const SINGLE_OBJECTS: bool = false;
    type Reader: Debug;
    type Writer: Debug;

    fn open(config: &IndexMap<String, String>) -> Result<Self, definition::Error>;

    /// Takes off what stands between the id and the value: which type of the schema it is. Nothing, for most languages.
    fn take_path<'a>(_body: &mut &'a [u8]) -> Result<&'a [u8], Error> {
        Ok(&[])
    }

    fn reader(&self, schema: &Registered, path: &[u8]) -> Result<Self::Reader, Error>;

    fn read(reader: &Self::Reader, body: &[u8], arena: &mut Vec<u8>) -> Result<(), Error>;

    /// The values' schema in the JSON of Connect's `JsonConverter`; none for types that contain themselves.
    fn schema_text(reader: &Self::Reader) -> Option<&str>;

    /// Of the schema, where values are known by it.
    fn fingerprint(_reader: &Self::Reader) -> Option<u64> {
        None
    }

    /// The schema that is registered for one of Connect.
    fn draft(&self, schema: &connect::Schema) -> Result<Draft, Error>;

    /// Writes values of one of Connect's schemas by a schema of the registry.
    fn writer(
        &self,
        given: &connect::Schema,
        draft: &Draft,
        schema: &Registered,
    ) -> Result<Self::Writer, Error>;

    /// Appends a value behind its id; false when it is none.
    fn write(writer: &Self::Writer, value: flat::Value<'_>, out: &mut Vec<u8>) -> Result<bool, Error>;
}

/// A schema before it is registered.
#[derive(Debug)]
pub struct Draft {
    pub text: String,
    /// Of its type, which subjects may be named after.
    pub name: Option<String>,
}

/// The converter of one side with its settings, and the programs of the schemas that it has met.
#[derive(Debug)]
pub struct Converting<L: Language> {
    language: L,
    registry: Arc<Registry>,
    settings: Settings,
    part: &'static str,
    /// What could not be compiled would fail again for every record.
    readers: HashMap<Key, Result<Arc<L::Reader>, Error>>,
    /// Of the value that was read last, unless it could not be: values come in runs of one schema.
    last: Option<(Key, Arc<L::Reader>)>,
    topic: String,
    /// By topic and the text of Connect's schema.
    writers: HashMap<Meant, Arc<Written<L>>>,
    /// Values come in runs of one schema.
    recent: Option<(Meant, Arc<Written<L>>)>,
}

/// A schema's id, and which of its types it is.
type Key = (u32, Box<[u8]>);

/// A topic, and the text of Connect's schema of its values.
type Meant = (String, String);

#[derive(Debug)]
struct Written<L: Language> {
    id: u32,
    writer: L::Writer,
}

impl<L: Language> Converting<L> {
    /// `part` is `key` or `value`.
    pub fn open(config: &IndexMap<String, String>, part: &'static str) -> Result<Self, definition::Error> {
        let settings = Settings::parse(config, part, L::REFUSED)?;
        let registry =
            Registry::shared(&settings.registry).map_err(|error| definition::Error::new(error.message()))?;
        Ok(Self {
            language: L::open(config)?,
            registry,
            settings,
            part,
            readers: HashMap::new(),
            last: None,
            topic: String::new(),
            writers: HashMap::new(),
            recent: None,
        })
    }

    /// The topic of the values that are written next: subjects are named after it.
    pub fn set_topic(&mut self, topic: &str) {
        if self.topic != topic {
            topic.clone_into(&mut self.topic);
        }
    }

    /// The schema of the value that was read last.
    pub fn schema_text(&self) -> Option<&str> {
        let (_, reader) = self.last.as_ref()?;
        L::schema_text(reader)
    }

    /// Reads a value and appends it in the flat encoding.
    pub fn read(&mut self, bytes: &[u8], arena: &mut Vec<u8>) -> Result<(), Error> {
        let before = self.last.take();
        let (id, path, body) = match (wire::split(bytes), self.settings.registry.pin()) {
            (Ok(Framed::Registered { id, mut body }), _) => (id, taken::<L>(id, &mut body)?, body),
            (Ok(Framed::SingleObject { fingerprint, body }), Some(_)) if L::SINGLE_OBJECTS => {
                (self.find(fingerprint)?, L::FIRST, body)
            }
            // A value without the header is of the schema that the address names.
            (_, Some(pin)) => (self.registry.pinned(pin)?.id, L::FIRST, bytes),
            (Ok(Framed::SingleObject { .. }), None) => return Err(Error::new(UNKNOWN_OBJECT)),
            (Err(error), None) => return Err(error.into()),
        };
        let (key, reader) = match before {
            Some((key, reader)) if key.0 == id && *key.1 == *path => (key, reader),
            _ => self.reader((id, path.into()))?,
        };
        L::read(&reader, body, arena).map_err(|error| error.during(format_args!("schema {id}")))?;
        self.last = Some((key, reader));
        Ok(())
    }

    fn reader(&mut self, key: Key) -> Result<(Key, Arc<L::Reader>), Error> {
        if let Some(known) = self.readers.get(&key) {
            return known.clone().map(|reader| (key, reader));
        }
        // A registry that is away is not the schema's fault, and is asked again.
        let schema = self.registry.schema(key.0)?;
        let reader = Self::check(&schema).and_then(|()| {
            let reader = self.language.reader(&schema, &key.1);
            reader.map(Arc::new).map_err(|error| error.during(format_args!("schema {}", key.0)))
        });
        if self.readers.len() >= self.settings.schemas_max {
            self.readers.clear();
        }
        self.readers.insert(key.clone(), reader.clone());
        reader.map(|reader| (key, reader))
    }

    /// The schema with this fingerprint among those that the address names.
    fn find(&mut self, fingerprint: u64) -> Result<u32, Error> {
        let is = |reader: &Arc<L::Reader>| L::fingerprint(reader) == Some(fingerprint);
        if let Some((key, _)) = self.readers.iter().find(|(_, reader)| reader.as_ref().is_ok_and(is)) {
            return Ok(key.0);
        }
        let candidates = match self.settings.registry.pin() {
            Some(Pin::Subject(subject)) => self.registry.versions(subject)?,
            Some(pin) => vec![self.registry.pinned(pin)?],
            None => Vec::new(),
        };
        for candidate in candidates {
            let (key, reader) = self.reader((candidate.id, L::FIRST.into()))?;
            if is(&reader) {
                return Ok(key.0);
            }
        }
        Err(Error::new(format!(
            "no schema at schema.registry.url has the fingerprint {fingerprint:016x} of the value"
        )))
    }

    fn check(schema: &Registered) -> Result<(), Error> {
        if schema.format == L::FORMAT {
            return Ok(());
        }
        let (id, expected, format) = (schema.id, L::FORMAT.name(), schema.format.name());
        Err(Error::new(format!("schema {id}: expected {expected}, the registry has it as {format}")))
    }

    /// Appends a value behind the id of its schema; false when it is null.
    pub fn write(
        &mut self,
        value: Value<'_>,
        schema: Option<&str>,
        out: &mut Vec<u8>,
    ) -> Result<bool, Error> {
        let value = parsed(value)?;
        if value == flat::Value::Null && schema.is_none() {
            return Ok(false);
        }
        let schema = match schema {
            Some(schema) => schema,
            None => inferred(L::CONVERTER, &value)?,
        };
        let written = self.known_writer(schema)?;
        wire::write_id(written.id, out);
        let id = written.id;
        L::write(&written.writer, value, out).map_err(|error| error.during(format_args!("schema {id}")))
    }

    fn known_writer(&mut self, schema: &str) -> Result<Arc<Written<L>>, Error> {
        if let Some(((topic, known), writer)) = &self.recent
            && *topic == self.topic
            && known == schema
        {
            return Ok(Arc::clone(writer));
        }
        let key = (self.topic.clone(), schema.to_owned());
        let written = if let Some(written) = self.writers.get(&key) {
            Arc::clone(written)
        } else {
            let written = Arc::new(self.written(schema)?);
            if self.writers.len() >= self.settings.schemas_max {
                self.writers.clear();
            }
            self.writers.insert(key.clone(), Arc::clone(&written));
            written
        };
        self.recent = Some((key, Arc::clone(&written)));
        Ok(written)
    }

    fn written(&self, schema: &str) -> Result<Written<L>, Error> {
        let given = connect::Schema::parse(schema)?;
        let draft = self.language.draft(&given)?;
        let subject = self.settings.strategy.subject(&self.topic, self.part, || {
            draft.name.clone().ok_or_else(|| {
                let (part, kind) = (self.part, given.shape.name());
                Error::new(format!("{part}.subject.name.strategy: a value of type {kind} has no name"))
            })
        })?;
        let own = |id| Registered { id, format: L::FORMAT, text: draft.text.clone(), references: Vec::new() };
        let registered = match self.settings.register {
            Register::Always => own(self.registry.register(&subject, L::FORMAT, &draft.text)?),
            Register::Never => own(self.registry.find(&subject, L::FORMAT, &draft.text)?),
            Register::Latest => {
                let latest = self.registry.version(&subject, "latest")?;
                Self::check(&latest)?;
                Registered::clone(&latest)
            }
        };
        let writer = self.language.writer(&given, &draft, &registered);
        let writer = writer.map_err(|error| error.during(format_args!("schema {}", registered.id)))?;
        Ok(Written { id: registered.id, writer })
    }
}

const UNKNOWN_OBJECT: &str = "the value is an Avro single object, which names no schema of the registry: AvroConverter \
     reads it if schema.registry.url ends in /subjects/SUBJECT or /schemas/ids/ID";

/// What stands in front of a value of the schema with this id.
fn taken<'a, L: Language>(id: u32, body: &mut &'a [u8]) -> Result<&'a [u8], Error> {
    L::take_path(body).map_err(|error| error.during(format_args!("schema {id}")))
}

/// The schema of a plain value that came without one.
fn inferred(converter: &str, value: &flat::Value<'_>) -> Result<&'static str, Error> {
    Ok(match value {
        flat::Value::Boolean(_) => "{\"type\":\"boolean\"}",
        flat::Value::Int8(_) => "{\"type\":\"int8\"}",
        flat::Value::Int16(_) => "{\"type\":\"int16\"}",
        flat::Value::Int32(_) => "{\"type\":\"int32\"}",
        flat::Value::Int64(_) => "{\"type\":\"int64\"}",
        flat::Value::Float32(_) => "{\"type\":\"float\"}",
        flat::Value::Float64(_) => "{\"type\":\"double\"}",
        flat::Value::Text(_) => "{\"type\":\"string\"}",
        flat::Value::Bytes(_) => "{\"type\":\"bytes\"}",
        other => {
            let kind = scalar::kind(other);
            return Err(Error::new(format!(
                "{converter}: a value of type {kind} came without a schema, and its format needs one"
            )));
        }
    })
}
