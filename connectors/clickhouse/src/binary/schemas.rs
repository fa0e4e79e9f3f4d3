//! Finds the schema that a record was written with: by the id in its header, or as the settings say.
use std::sync::Arc;

use formats::Kind;
use formats::avro::Schema;
use formats::protobuf::{self, Outline};
use formats::registry::{Format, Pin, Registered, Registry, Settings};
use formats::wire::{self, Framed};
use penstock_sdk::{Config, Error, Result};

use crate::failure::{Cause, Failure};

/// The registry of one side of the records, keys or values.
#[derive(Debug)]
pub struct Schemas {
    registry: Arc<Registry>,
    /// The schema that the registry's address itself names.
    pin: Option<Pin>,
    format: Format,
    /// `int.for.enums`: enums of Protobuf are numbers.
    pub counts_enums: bool,
    /// What every id stands for.
    #[cfg(fuzzing)]
    given: Option<&'static str>,
}

/// How a record says what its schema is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Written<'a> {
    Id(u32, &'a [u8]),
    Fingerprint(u64, &'a [u8]),
    /// It does not: the settings do.
    Bare(&'a [u8]),
}

/// Why there is no schema.
#[derive(Debug)]
pub enum Missing {
    /// The record is at fault.
    Record(String),
    /// Another record would meet the same.
    Registry(Failure),
}

impl Schemas {
    /// By the settings of the converter of `side`, `key` or `value`.
    pub fn open(config: &Config, side: &str, format: Format) -> Result<Self> {
        let get = |key: &str| config.get(&format!("{side}.converter.{key}"));
        let settings = Settings::parse(&get);
        let counts_enums = config.flag(&format!("{side}.converter.int.for.enums"), false)?;
        let opened = settings.and_then(|settings| {
            let pin = settings.pin().cloned();
            Registry::shared(&settings).map(|registry| Schemas {
                registry,
                pin,
                format,
                counts_enums,
                #[cfg(fuzzing)]
                given: None,
            })
        });
        opened.map_err(|error| Error::config(format!("{side}.converter.{}", error.message())))
    }

    /// Without a registry: every record is of this schema.
    #[cfg(fuzzing)]
    pub fn given(format: Format, text: &'static str) -> Result<Self> {
        let config = [("value.converter.schema.registry.url", "http://127.0.0.1:1")].into_iter().collect();
        Ok(Schemas { given: Some(text), ..Self::open(&config, "value", format)? })
    }

    /// What the records are.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Takes the header off.
    #[inline]
    pub fn split<'a>(&self, bytes: &'a [u8]) -> std::result::Result<Written<'a>, Missing> {
        match wire::split(bytes) {
            Ok(Framed::Registered { id, body }) => Ok(Written::Id(id, body)),
            Ok(Framed::SingleObject { fingerprint, body }) if self.format == Format::Avro => {
                Ok(Written::Fingerprint(fingerprint, body))
            }
            Ok(Framed::SingleObject { .. }) if self.pin.is_none() => {
                Err(Missing::Record("the record is an Avro single object, expected Protobuf".to_owned()))
            }
            Ok(Framed::SingleObject { .. }) => Ok(Written::Bare(bytes)),
            Err(_) if self.pin.is_some() => Ok(Written::Bare(bytes)),
            Err(error) => Err(Missing::Record(error.message().to_owned())),
        }
    }

    /// The schema with this id.
    pub fn schema(&self, id: u32) -> std::result::Result<Schema, Missing> {
        #[cfg(fuzzing)]
        if let Some(text) = self.given {
            return Schema::parse(text, &[]).map_err(Missing::from);
        }
        self.registry.schema(id).and_then(|registered| parsed(&registered)).map_err(Missing::from)
    }

    /// A message of the Protobuf schema with this id, by its place. An error inside is a sentence on the two, which
    /// do not change.
    pub fn message(
        &self,
        id: u32,
        path: &[usize],
    ) -> std::result::Result<std::result::Result<Outline, String>, Missing> {
        #[cfg(fuzzing)]
        if let Some(text) = self.given {
            // Compiling it takes a hundred times as long as reading a record.
            static PARSED: std::sync::OnceLock<formats::Result<protobuf::Schema>> =
                std::sync::OnceLock::new();
            let parsed = PARSED.get_or_init(|| protobuf::Schema::parse(text, &[]));
            let outline = parsed.as_ref().map_err(Clone::clone).and_then(|schema| schema.message(path));
            return Ok(outline
                .map(|message| Outline::new(&message))
                .map_err(|error| error.message().to_owned()));
        }
        let registered = self.registry.schema(id)?;
        let outline = check(&registered, Format::Protobuf).and_then(|()| {
            let schema = protobuf::Schema::parse(&registered.text, &registered.references)?;
            Ok(Outline::new(&schema.message(path)?))
        });
        Ok(outline.map_err(|error| error.during(format_args!("schema {id}")).message().to_owned()))
    }

    /// The id of the schema that the address names.
    pub fn pinned(&self) -> std::result::Result<u32, Missing> {
        let pin = self.pin.as_ref().ok_or_else(|| Missing::Record(NAMELESS.to_owned()))?;
        Ok(self.registry.pinned(pin)?.id)
    }

    /// The id of the schema with this fingerprint among those that the address names.
    pub fn find(&self, fingerprint: u64) -> std::result::Result<u32, Missing> {
        let candidates = match &self.pin {
            None => return Err(Missing::Record(NAMELESS.to_owned())),
            Some(Pin::Subject(subject)) => self.registry.versions(subject)?,
            Some(pin) => vec![self.registry.pinned(pin)?],
        };
        for candidate in candidates {
            if parsed(&candidate)?.fingerprint() == fingerprint {
                return Ok(candidate.id);
            }
        }
        Err(Missing::Record(format!(
            "no schema at schema.registry.url has the fingerprint {fingerprint:016x} of the record"
        )))
    }
}

fn parsed(registered: &Registered) -> formats::Result<Schema> {
    let id = registered.id;
    check(registered, Format::Avro).map_err(|error| error.during(format_args!("schema {id}")))?;
    let references: Vec<&str> =
        registered.references.iter().map(|reference| reference.text.as_str()).collect();
    Schema::parse(&registered.text, &references).map_err(|error| error.during(format_args!("schema {id}")))
}

fn check(registered: &Registered, format: Format) -> formats::Result<()> {
    if registered.format == format {
        return Ok(());
    }
    let expected = if format == Format::Avro { "Avro" } else { "Protobuf" };
    let actual = registered.format.name();
    Err(formats::Error::record(format!("expected {expected}, the registry has it as {actual}")))
}

impl From<formats::Error> for Missing {
    fn from(error: formats::Error) -> Self {
        let sentence = error.message().to_owned();
        match error.kind() {
            Kind::Record => Missing::Record(sentence),
            Kind::Away => Missing::Registry(Failure::new(Cause::Busy, sentence)),
            Kind::Config => Missing::Registry(Failure::new(Cause::Refused, sentence)),
        }
    }
}

const NAMELESS: &str = "the record is an Avro single object, which names no schema of the registry: let \
     schema.registry.url end in /subjects/SUBJECT or /schemas/ids/ID";
