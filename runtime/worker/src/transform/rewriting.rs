//! JSON in the place of formats that a sink which decodes by itself does not know.
use crate::converter::{Class, Converted, Converter, Error};
use crate::definition::ConverterConfig;
use crate::task::wrong;
use cluster::Failure;

/// Reads values whose schemas a registry has, and writes them anew.
pub struct Rewriting {
    json: Converter,
    /// What the sink reads by itself, out of what needs a registry.
    known: Known,
    /// The value at hand.
    scratch: Vec<u8>,
}

impl Rewriting {
    /// `None` where the sink takes both sides as they are.
    pub fn open(
        plugin: &host::Connector,
        key: &Converter,
        value: &Converter,
    ) -> Result<Option<Self>, Failure> {
        if !is_needed(plugin, key) && !is_needed(plugin, value) {
            return Ok(None);
        }
        Ok(Some(Self { json: plain_json()?, known: Known::of(plugin), scratch: Vec::new() }))
    }

    /// The side's own bytes, or JSON as bytes in the arena where its format needs a registry.
    pub fn rewrite(
        &mut self,
        converter: &mut Converter,
        bytes: Option<&[u8]>,
        arena: &mut Vec<u8>,
    ) -> Result<Converted, Error> {
        if bytes.is_none() || !self.known.is_foreign(converter) {
            return Ok(if bytes.is_some() { Converted::Bytes } else { Converted::Null });
        }
        self.scratch.clear();
        let read = converter.to_value(bytes, &mut self.scratch)?;
        let value = read.value(bytes.unwrap_or_default(), &self.scratch);
        Ok(self.json.to_bytes(value, None, arena)?.map_or(Converted::Null, Converted::Flat))
    }
}

/// Whether this sink gets JSON in the place of what this converter reads.
pub fn is_needed(plugin: &host::Connector, converter: &Converter) -> bool {
    plugin.is_encoded() && Known::of(plugin).is_foreign(converter)
}

/// Formats with a registry that a sink knows.
#[derive(Clone, Copy)]
struct Known {
    avro: bool,
    protobuf: bool,
}

impl Known {
    fn of(plugin: &host::Connector) -> Self {
        Self { avro: plugin.asks_registries(), protobuf: plugin.reads_protobuf() }
    }

    fn is_foreign(self, converter: &Converter) -> bool {
        let is_known = match converter.class() {
            Class::Avro => self.avro,
            Class::Protobuf => self.protobuf,
            _ => false,
        };
        converter.needs_registry() && !is_known
    }
}

pub fn plain_json() -> Result<Converter, Failure> {
    let settings = [("schemas.enable".to_owned(), "false".to_owned())].into_iter().collect();
    let config = ConverterConfig { class: "JsonConverter".to_owned(), settings };
    Converter::open(&config).map_err(|error| wrong(&error.to_string()))
}
