//! Schemas that records came with, found again by their text, so that transforms can tell them by identity.
use std::collections::HashMap;
use std::sync::Arc;
use transforms::Schema;

/// A bounded set of schemas. When it is full it starts anew: a topic has few schemas, or one for each record.
#[derive(Debug, Default)]
pub struct Schemas {
    known: HashMap<Arc<str>, Arc<Schema>>,
    /// Records come in runs of one schema for their keys and one for their values.
    recent: [Option<(Arc<str>, Arc<Schema>)>; 2],
    bytes: usize,
}

const COUNT_MAX: usize = 1000;
const BYTES_MAX: usize = 16 << 20;

impl Schemas {
    pub fn get(&mut self, text: &str) -> Result<Arc<Schema>, String> {
        if let Some((_, schema)) = self.recent.iter().flatten().find(|(known, _)| **known == *text) {
            return Ok(Arc::clone(schema));
        }
        let found = match self.known.get_key_value(text) {
            Some((text, schema)) => (Arc::clone(text), Arc::clone(schema)),
            None => self.add(text)?,
        };
        let schema = Arc::clone(&found.1);
        self.recent.swap(0, 1);
        self.recent[0] = Some(found);
        Ok(schema)
    }

    fn add(&mut self, text: &str) -> Result<(Arc<str>, Arc<Schema>), String> {
        let schema = Schema::parse(text).map_err(|error| error.to_string())?;
        if self.known.len() >= COUNT_MAX || self.bytes + text.len() > BYTES_MAX {
            self.known.clear();
            self.bytes = 0;
        }
        let text: Arc<str> = text.into();
        if text.len() <= BYTES_MAX {
            self.bytes += text.len();
            self.known.insert(Arc::clone(&text), Arc::clone(&schema));
        }
        Ok((text, schema))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_is_the_same_schema_and_their_number_is_bounded() {
        let mut schemas = Schemas::default();
        let text = |doc: usize| format!(r#"{{"type":"int32","optional":true,"doc":"{doc}"}}"#);
        let first = schemas.get(&text(0)).unwrap();
        let second = schemas.get(&text(1)).unwrap();
        assert!(Arc::ptr_eq(&first, &schemas.get(&text(0)).unwrap()) && !Arc::ptr_eq(&first, &second));
        for doc in 0..3 * COUNT_MAX {
            schemas.get(&text(doc)).unwrap();
            assert!(schemas.known.len() <= COUNT_MAX);
        }
        assert!(schemas.get("{").is_err());
    }
}
