//! `AvroConverter`: Avro with its schema in a registry.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use formats::avro::{Decoder, Encoder, Options, Schema, from_connect};
use formats::connect;
use formats::registry::{Format, Registered, Registry};
use formats::wire::{self, Framed};
use indexmap::IndexMap;
use penstock_sdk::flat;

use super::registered::{Register, Settings, flag, inferred};
use super::scalar::parsed;
use super::{Error, Value, definition};

/// The converter of one side with its settings, and the programs of the schemas that it has met.
#[derive(Debug)]
pub struct Avro {
    registry: Arc<Registry>,
    settings: Settings,
    /// `enhanced.avro.schema.support`.
    is_enhanced: bool,
    /// `connect.meta.data`.
    keeps_metadata: bool,
    part: &'static str,
    /// By the schema's id.
    readers: HashMap<u32, Reader>,
    /// The schema of the value that was read last.
    last: Option<u32>,
    topic: String,
    /// By topic and the text of Connect's schema.
    writers: HashMap<(String, String), Arc<Writer>>,
    /// Values come in runs of one schema.
    recent: Option<((String, String), Arc<Writer>)>,
}

#[derive(Debug)]
struct Reader {
    decoder: Decoder,
    /// In the JSON of Connect's `JsonConverter`; none for types that contain themselves.
    schema: Option<String>,
    fingerprint: u64,
}

#[derive(Debug)]
struct Writer {
    id: u32,
    encoder: Encoder,
}

impl Avro {
    /// `part` is `key` or `value`.
    pub fn open(config: &IndexMap<String, String>, part: &'static str) -> Result<Self, definition::Error> {
        let settings = Settings::parse(config, part, REFUSED)?;
        let registry =
            Registry::shared(&settings.registry).map_err(|error| definition::Error::new(error.message()))?;
        let (readers, writers) = (HashMap::new(), HashMap::new());
        Ok(Self {
            registry,
            settings,
            is_enhanced: flag(config, "enhanced.avro.schema.support", false)?,
            keeps_metadata: flag(config, "connect.meta.data", true)?,
            part,
            readers,
            last: None,
            topic: String::new(),
            writers,
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
        self.readers.get(&self.last?)?.schema.as_deref()
    }

    /// Reads a value and appends it in the flat encoding.
    pub fn read(&mut self, bytes: &[u8], arena: &mut Vec<u8>) -> Result<(), Error> {
        self.last = None;
        let pin = self.settings.registry.pin().cloned();
        let (id, body) = match (wire::split(bytes), pin) {
            (Ok(Framed::Registered { id, body }), _) => (id, body),
            (Ok(Framed::SingleObject { fingerprint, body }), Some(pin)) => {
                (self.find(&pin, fingerprint)?, body)
            }
            (Ok(Framed::SingleObject { .. }), None) => {
                return Err(Error::new(
                    "the value is an Avro single object, which names no schema of the registry: let \
                     schema.registry.url end in /subjects/SUBJECT or /schemas/ids/ID",
                ));
            }
            // A value without any header is of the schema that the address names.
            (Err(_), Some(pin)) => (self.registry.pinned(&pin)?.id, bytes),
            (Err(error), None) => return Err(error.into()),
        };
        let read = self.reader(id)?.decoder.read(body, arena);
        read.map_err(|error| error.during(format_args!("schema {id}")))?;
        self.last = Some(id);
        Ok(())
    }

    fn reader(&mut self, id: u32) -> Result<&Reader, Error> {
        if !self.readers.contains_key(&id) {
            let registered = self.registry.schema(id)?;
            let schema = parsed_schema(&registered)?;
            let is_enhanced = self.is_enhanced;
            let reader = Reader {
                decoder: Decoder::new(&schema, is_enhanced),
                schema: schema.to_connect(is_enhanced).map(|schema| schema.text()),
                fingerprint: schema.fingerprint(),
            };
            if self.readers.len() >= self.settings.schemas_max {
                self.readers.clear();
            }
            self.readers.insert(id, reader);
        }
        self.readers.get(&id).ok_or_else(|| Error::new(format!("schema {id}: is not known")))
    }

    /// The schema with this fingerprint among those that the address names.
    fn find(&mut self, pin: &formats::registry::Pin, fingerprint: u64) -> Result<u32, Error> {
        if let Some((id, _)) = self.readers.iter().find(|(_, reader)| reader.fingerprint == fingerprint) {
            return Ok(*id);
        }
        let candidates = match pin {
            formats::registry::Pin::Subject(subject) => self.registry.versions(subject)?,
            pin => vec![self.registry.pinned(pin)?],
        };
        for candidate in candidates {
            if self.reader(candidate.id)?.fingerprint == fingerprint {
                return Ok(candidate.id);
            }
        }
        Err(Error::new(format!(
            "no schema at schema.registry.url has the fingerprint {fingerprint:016x} of the value"
        )))
    }

    /// Appends a value as Avro behind the id of its schema; false when it is null.
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
            None => inferred("AvroConverter", &value)?,
        };
        let writer = self.known_writer(schema)?;
        wire::write_id(writer.id, out);
        writer.encoder.write(value, out)?;
        Ok(true)
    }

    fn known_writer(&mut self, schema: &str) -> Result<Arc<Writer>, Error> {
        if let Some(((topic, known), writer)) = &self.recent
            && *topic == self.topic
            && known == schema
        {
            return Ok(Arc::clone(writer));
        }
        let key = (self.topic.clone(), schema.to_owned());
        let writer = match self.writers.get(&key) {
            Some(writer) => Arc::clone(writer),
            None => Arc::new(self.writer(schema)?),
        };
        if self.writers.len() >= self.settings.schemas_max {
            self.writers.clear();
        }
        self.writers.insert(key.clone(), Arc::clone(&writer));
        self.recent = Some((key, Arc::clone(&writer)));
        Ok(writer)
    }

    fn writer(&self, schema: &str) -> Result<Writer, Error> {
        let connect = connect::Schema::parse(schema)?;
        let Self { is_enhanced, keeps_metadata, .. } = *self;
        let avro = from_connect(&connect, Options { is_enhanced, keeps_metadata })?.to_string();
        let parsed = Schema::parse(&avro, &[])?;
        let subject = self.subject(&parsed)?;
        let (id, parsed) = match self.settings.register {
            Register::Always => (self.registry.register(&subject, Format::Avro, &avro)?, parsed),
            Register::Never => (self.registry.find(&subject, Format::Avro, &avro)?, parsed),
            Register::Latest => {
                let latest = self.registry.version(&subject, "latest")?;
                (latest.id, parsed_schema(&latest)?)
            }
        };
        Ok(Writer { id, encoder: Encoder::new(&parsed, is_enhanced) })
    }

    fn subject(&self, schema: &Schema) -> Result<String, Error> {
        self.settings.strategy.subject(&self.topic, self.part, || {
            let name = schema.root().name.clone();
            name.ok_or_else(|| {
                let (part, kind) = (self.part, schema.root().type_name());
                Error::new(format!(
                    "{part}.subject.name.strategy: only records have a name, got a value of type {kind}"
                ))
            })
        })
    }
}

fn parsed_schema(registered: &Registered) -> Result<Schema, Error> {
    if registered.format != Format::Avro {
        let (id, format) = (registered.id, registered.format.name());
        return Err(Error::new(format!("schema {id}: expected Avro, the registry has it as {format}")));
    }
    let references: Vec<&str> =
        registered.references.iter().map(|reference| reference.text.as_str()).collect();
    let parsed = Schema::parse(&registered.text, &references);
    parsed.map_err(|error| error.during(format_args!("schema {}", registered.id)).into())
}

/// Settings that would change what is read or written.
const REFUSED: &[&str] = &[
    "scrub.invalid.names",
    "generalized.sum.type.support",
    "flatten.singleton.unions",
    "allow.optional.map.keys",
];
