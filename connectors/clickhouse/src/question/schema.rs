//! A writer's schema that stands for all records that it allows.
use formats::avro;
use formats::protobuf::{self, Outline};
use formats::registry::{Format, Reference};
use penstock_sdk::{Config, Error, Result};

use crate::proposal::Sample;
use crate::shape::Shape;

/// A schema as it was sent.
#[derive(Debug, Default)]
pub struct Given {
    pub text: String,
    /// As registries call it.
    pub format: Option<String>,
    /// The message of a Protobuf schema; its first one if nobody says.
    pub message: Option<String>,
    /// Names and texts of what it refers to.
    pub references: Vec<(String, String)>,
}

impl Given {
    pub fn sample(&self, config: &Config, shape: &Shape) -> Result<Sample> {
        match self.format(config)? {
            Format::Protobuf => {
                let counts_enums = config.flag("value.converter.int.for.enums", false)?;
                let outline = self.outline()?;
                Sample::of_message((&outline, counts_enums), shape).map_err(problem)
            }
            _ if self.message.is_some() => {
                Err(Error::config("input.message: only Protobuf has several messages in a schema"))
            }
            _ => {
                let references: Vec<_> = self.references.iter().map(|(_, text)| text.as_str()).collect();
                let schema = avro::Schema::parse(&self.text, &references).map_err(problem)?;
                Sample::of_schema(&schema, shape).map_err(problem)
            }
        }
    }

    /// What the input says, else what the converter stands for.
    fn format(&self, config: &Config) -> Result<Format> {
        let converter = config.get("value.converter").unwrap_or_default();
        match self.format.as_deref() {
            None if converter.trim().ends_with("ProtobufConverter") => Ok(Format::Protobuf),
            None => Ok(Format::Avro),
            Some(name) if name.eq_ignore_ascii_case("AVRO") => Ok(Format::Avro),
            Some(name) if name.eq_ignore_ascii_case("PROTOBUF") => Ok(Format::Protobuf),
            Some(other) => {
                Err(Error::config(format!("input.schemaType: expected AVRO or PROTOBUF, got {other:.40}")))
            }
        }
    }

    fn outline(&self) -> Result<Outline> {
        let reference =
            |(name, text): &(String, String)| Reference { name: name.clone(), text: text.clone() };
        let references: Vec<_> = self.references.iter().map(reference).collect();
        let schema = protobuf::Schema::parse(&self.text, &references).map_err(problem)?;
        let first = schema.message(&[0]).map_err(problem)?;
        let Some(name) = &self.message else { return Ok(Outline::new(&first)) };
        // Also without the package, which all messages of a file share.
        let package = first.full_name().rsplit_once('.').map_or("", |(package, _)| package);
        for name in [name.clone(), format!("{package}.{name}")] {
            let found = schema.message(&schema.indexes(&name)).map_err(problem)?;
            if found.full_name() == name {
                return Ok(Outline::new(&found));
            }
        }
        Err(Error::config(format!("input.message: the schema has no message {name:.100}")))
    }
}

fn problem(why: impl std::fmt::Display) -> Error {
    Error::config(format!("input.schema: {why}"))
}
