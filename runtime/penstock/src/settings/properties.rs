//! Java's `.properties` text as a format of the `config` crate.

use std::error::Error;

use config::{Format, Map, Value};
use worker::providers::properties;

#[derive(Debug, Clone, Copy)]
pub struct Properties;

impl Format for Properties {
    fn parse(
        &self,
        uri: Option<&String>,
        text: &str,
    ) -> Result<Map<String, Value>, Box<dyn Error + Send + Sync>> {
        let mut values = Map::new();
        for (key, value) in properties::parse(text)? {
            values.insert(key, Value::new(uri, value));
        }
        Ok(values)
    }
}
