//! `JsonSchemaConverter`: JSON with its schema in a registry.

use formats::connect;
use formats::json::{Decoder, Encoder, Options, Schema, Validator, from_connect};
use formats::registry::{Format, Registered};
use indexmap::IndexMap;
use penstock_sdk::flat;

use super::super::{Error, definition};
use super::{Draft, Language, flag};

/// How schemas map, as the settings say.
#[derive(Debug)]
pub struct JsonSchema {
    options: Options,
    /// `json.fail.invalid.schema`.
    validates: bool,
}

#[derive(Debug)]
pub struct Writer {
    encoder: Encoder,
    validator: Option<Validator>,
}

#[derive(Debug)]
pub struct Reader {
    validator: Option<Validator>,
    decoder: Decoder,
    schema: Option<String>,
}

impl Language for JsonSchema {
    const CONVERTER: &'static str = "JsonSchemaConverter";
    const FORMAT: Format = Format::Json;
    const REFUSED: &'static [&'static str] = &["generalized.sum.type.support", "flatten.singleton.unions"];
    type Reader = Reader;
    type Writer = Writer;

    fn open(config: &IndexMap<String, String>) -> Result<Self, definition::Error> {
        let writes_numbers = match config.get("decimal.format").map(|format| format.to_ascii_uppercase()) {
            None => false,
            Some(format) if format == "BASE64" => false,
            Some(format) if format == "NUMERIC" => true,
            Some(other) => {
                let sentence = format!("decimal.format: expected BASE64 or NUMERIC, got {other}");
                return Err(definition::Error::new(sentence));
            }
        };
        Ok(Self {
            options: Options {
                needs_only_required: flag(config, "use.optional.for.nonrequired", false)?,
                writes_numbers,
                closes_objects: !flag(config, "object.additional.properties", true)?,
            },
            validates: flag(config, "json.fail.invalid.schema", false)?,
        })
    }

    fn reader(&self, schema: &Registered, _path: &[u8]) -> Result<Reader, Error> {
        let validator = self.validator(schema)?;
        let schema = Schema::parse(&schema.text, &schema.references, self.options)?;
        let decoder = Decoder::new(&schema);
        Ok(Reader { validator, decoder, schema: schema.to_connect().map(|schema| schema.text()) })
    }

    fn read(reader: &Reader, body: &[u8], arena: &mut Vec<u8>) -> Result<(), Error> {
        if let Some(validator) = &reader.validator {
            validator.check(body)?;
        }
        Ok(reader.decoder.read(body, arena)?)
    }

    fn schema_text(reader: &Reader) -> Option<&str> {
        reader.schema.as_deref()
    }

    fn draft(&self, schema: &connect::Schema) -> Result<Draft, Error> {
        let text = from_connect(schema, self.options).to_string();
        Ok(Draft { text, name: schema.name.clone() })
    }

    /// Values are written as Connect's schema says: JSON holds whatever the registered one allows.
    fn writer(&self, given: &connect::Schema, _draft: &Draft, schema: &Registered) -> Result<Writer, Error> {
        Ok(Writer { encoder: Encoder::new(given, self.options), validator: self.validator(schema)? })
    }

    fn write(writer: &Writer, value: flat::Value<'_>, out: &mut Vec<u8>) -> Result<bool, Error> {
        let start = out.len();
        writer.encoder.write(value, out)?;
        if let Some(validator) = &writer.validator {
            validator.check(out.get(start..).unwrap_or_default())?;
        }
        Ok(true)
    }
}

impl JsonSchema {
    fn validator(&self, schema: &Registered) -> Result<Option<Validator>, Error> {
        let validator = self.validates.then(|| Validator::new(&schema.text, &schema.references));
        Ok(validator.transpose()?)
    }
}
