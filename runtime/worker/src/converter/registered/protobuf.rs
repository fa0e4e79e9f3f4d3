//! `ProtobufConverter`: Protobuf with its schema in a registry.

use formats::connect;
use formats::protobuf::{Decoder, Encoder, Options, Schema, from_connect};
use formats::registry::{Format, Registered};
use formats::wire;
use indexmap::IndexMap;
use penstock_sdk::flat;

use super::super::{Error, definition};
use super::{Draft, Language, flag};

/// How messages map, as the settings say.
#[derive(Debug)]
pub struct Protobuf {
    options: Options,
}

#[derive(Debug)]
pub struct Reader {
    decoder: Decoder,
    schema: Option<String>,
}

#[derive(Debug)]
pub struct Writer {
    /// Which message of the schema it is, as it stands in front of values.
    path: Vec<u8>,
    encoder: Encoder,
}

impl Language for Protobuf {
    const CONVERTER: &'static str = "ProtobufConverter";
    const FORMAT: Format = Format::Protobuf;
    const REFUSED: &'static [&'static str] =
        &["generalized.sum.type.support", "generate.struct.for.nulls", "flatten.unions"];
    const FIRST: &'static [u8] = &[0];
    type Reader = Reader;
    type Writer = Writer;

    fn open(config: &IndexMap<String, String>) -> Result<Self, definition::Error> {
        let options = Options {
            is_enhanced: flag(config, "enhanced.protobuf.schema.support", false)?,
            wraps_nullables: flag(config, "wrapper.for.nullables", false)?,
            marks_nullables: flag(config, "optional.for.nullables", false)?,
            numbers_unions: flag(config, "generate.index.for.unions", true)?,
            unwraps_root: flag(config, "wrapper.for.raw.primitives", true)?,
            counts_enums: flag(config, "int.for.enums", false)?,
            scrubs_names: flag(config, "scrub.invalid.names", false)?,
            keeps_metadata: flag(config, "connect.meta.data", true)?,
        };
        if options.wraps_nullables && options.marks_nullables {
            return Err(definition::Error::new(
                "optional.for.nullables: cannot be true together with wrapper.for.nullables",
            ));
        }
        Ok(Self { options })
    }

    fn take_path<'a>(body: &mut &'a [u8]) -> Result<&'a [u8], Error> {
        Ok(wire::split_message_indexes(body)?)
    }

    fn reader(&self, schema: &Registered, mut path: &[u8]) -> Result<Reader, Error> {
        let path = wire::take_message_indexes(&mut path)?;
        let message = Schema::parse(&schema.text, &schema.references)?.message(&path)?;
        let connect = message.to_connect(self.options);
        Ok(Reader {
            decoder: Decoder::new(&message, self.options),
            schema: connect.map(|schema| schema.text()),
        })
    }

    fn read(reader: &Reader, body: &[u8], arena: &mut Vec<u8>) -> Result<(), Error> {
        Ok(reader.decoder.read(body, arena)?)
    }

    fn schema_text(reader: &Reader) -> Option<&str> {
        reader.schema.as_deref()
    }

    fn draft(&self, schema: &connect::Schema) -> Result<Draft, Error> {
        let written = from_connect(schema, self.options)?;
        Ok(Draft { text: written.text, name: Some(written.message) })
    }

    fn writer(&self, given: &connect::Schema, draft: &Draft, schema: &Registered) -> Result<Writer, Error> {
        let schema = Schema::parse(&schema.text, &schema.references)?;
        let path = schema.indexes(draft.name.as_deref().unwrap_or_default());
        let message = schema.message(&path)?;
        let mut bytes = Vec::new();
        wire::write_message_indexes(&path, &mut bytes);
        Ok(Writer { path: bytes, encoder: Encoder::new(&message, self.options, given)? })
    }

    fn write(writer: &Writer, value: flat::Value<'_>, out: &mut Vec<u8>) -> Result<bool, Error> {
        // Protobuf has no null: the record is one without a value.
        if value == flat::Value::Null {
            return Ok(false);
        }
        out.extend_from_slice(&writer.path);
        writer.encoder.write(value, out)?;
        Ok(true)
    }
}
