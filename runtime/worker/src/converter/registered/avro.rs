//! `AvroConverter`: Avro with its schema in a registry.

use formats::avro::{Decoder, Encoder, Options, Schema, from_connect};
use formats::connect;
use formats::registry::{Format, Registered};
use indexmap::IndexMap;
use penstock_sdk::flat;

use super::super::{Error, definition};
use super::{Draft, Language, flag};

/// How schemas map, as the settings say.
#[derive(Debug)]
pub struct Avro {
    options: Options,
}

#[derive(Debug)]
pub struct Reader {
    decoder: Decoder,
    schema: Option<String>,
    fingerprint: u64,
}

impl Language for Avro {
    const CONVERTER: &'static str = "AvroConverter";
    const FORMAT: Format = Format::Avro;
    const REFUSED: &'static [&'static str] = &[
        "scrub.invalid.names",
        "generalized.sum.type.support",
        "flatten.singleton.unions",
        "allow.optional.map.keys",
    ];
    const SINGLE_OBJECTS: bool = true;
    type Reader = Reader;
    type Writer = Encoder;

    fn open(config: &IndexMap<String, String>) -> Result<Self, definition::Error> {
        Ok(Self {
            options: Options {
                is_enhanced: flag(config, "enhanced.avro.schema.support", false)?,
                keeps_metadata: flag(config, "connect.meta.data", true)?,
            },
        })
    }

    fn reader(&self, schema: &Registered, _path: &[u8]) -> Result<Reader, Error> {
        let (schema, is_enhanced) = (parsed(schema)?, self.options.is_enhanced);
        Ok(Reader {
            decoder: Decoder::new(&schema, is_enhanced),
            schema: schema.to_connect(is_enhanced).map(|schema| schema.text()),
            fingerprint: schema.fingerprint(),
        })
    }

    fn read(reader: &Reader, body: &[u8], arena: &mut Vec<u8>) -> Result<(), Error> {
        Ok(reader.decoder.read(body, arena)?)
    }

    fn schema_text(reader: &Reader) -> Option<&str> {
        reader.schema.as_deref()
    }

    fn fingerprint(reader: &Reader) -> Option<u64> {
        Some(reader.fingerprint)
    }

    fn draft(&self, schema: &connect::Schema) -> Result<Draft, Error> {
        let text = from_connect(schema, self.options)?.to_string();
        let name = Schema::parse(&text, &[])?.root().name.clone();
        Ok(Draft { text, name })
    }

    fn writer(
        &self,
        _given: &connect::Schema,
        _draft: &Draft,
        schema: &Registered,
    ) -> Result<Encoder, Error> {
        Ok(Encoder::new(&parsed(schema)?, self.options.is_enhanced))
    }

    fn write(writer: &Encoder, value: flat::Value<'_>, out: &mut Vec<u8>) -> Result<bool, Error> {
        writer.write(value, out)?;
        Ok(true)
    }
}

fn parsed(schema: &Registered) -> Result<Schema, Error> {
    let references: Vec<&str> = schema.references.iter().map(|reference| reference.text.as_str()).collect();
    Ok(Schema::parse(&schema.text, &references)?)
}
