//! The schema that a registry has for the values of a topic.
use formats::registry::{Format, Registered, Registry, Settings};
use formats::{Kind, Result as Found};
use penstock_sdk::{Config, Error, Result};

use super::schema::Given;

/// What the registry of `value.converter` has: the schema that its address names, else the newest one of the subject
/// that is named after the topic. `None` for a converter whose schemas make no table.
pub fn given(config: &Config, topic: &str) -> Result<Option<Given>> {
    let converter = config.get("value.converter").unwrap_or_default().trim();
    if !["AvroConverter", "ProtobufConverter"].iter().any(|class| converter.ends_with(class)) {
        return Ok(None);
    }
    let found = newest(config, topic).map_err(|error| match error.kind() {
        Kind::Away => Error::retry(error.message()),
        _ => Error::config(format!("value.converter: {}", error.message())),
    })?;
    if found.format == Format::Json {
        return Ok(None);
    }
    Ok(Some(Given {
        text: found.text.clone(),
        format: Some(found.format.name().to_owned()),
        message: None,
        references: found.references.iter().map(|other| (other.name.clone(), other.text.clone())).collect(),
    }))
}

fn newest(config: &Config, topic: &str) -> Found<std::sync::Arc<Registered>> {
    let settings = Settings::parse(&|key| config.get(&format!("value.converter.{key}")))?;
    let registry = Registry::shared(&settings)?;
    match settings.pin() {
        Some(pin) => registry.pinned(pin),
        None => registry.version(&format!("{topic}-value"), "latest"),
    }
}
