//! Schemas that were read before, found again by their text.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::Error;
use super::Part;
use super::schema::Schema;

/// A bounded set of schemas. When it is full it starts anew: a topic has few schemas or one for each record.
#[derive(Debug)]
pub struct Schemas {
    known: HashMap<Box<[u8]>, Arc<Schema>>,
    count_max: usize,
    bytes: usize,
}

impl Schemas {
    pub fn new(count_max: usize) -> Self {
        Self { known: HashMap::new(), count_max, bytes: 0 }
    }

    /// The schema of a text; `None` for JSON's null.
    pub fn get(&mut self, text: Part<'_>) -> Result<Option<Arc<Schema>>, Error> {
        if text.bytes == b"null" {
            return Ok(None);
        }
        if let Some(schema) = self.known.get(text.bytes) {
            return Ok(Some(Arc::clone(schema)));
        }
        let schema = Schema::parse(text.bytes).map_err(|e| Error::new(format!("schema: {e}")))?;
        let schema = Arc::new(schema);
        if self.known.len() >= self.count_max || self.bytes + text.bytes.len() > BYTES_MAX {
            self.known.clear();
            self.bytes = 0;
        }
        if self.count_max > 0 && text.bytes.len() <= BYTES_MAX {
            self.bytes += text.bytes.len();
            self.known.insert(text.bytes.into(), Arc::clone(&schema));
        }
        Ok(Some(schema))
    }
}

/// Texts kept for comparison, all together.
const BYTES_MAX: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::{Part, Schemas};

    #[test]
    fn the_cache_stays_within_its_bound() {
        let mut schemas = Schemas::new(3);
        for doc in 0..100 {
            let text = format!(r#"{{"type":"int32","doc":"{doc}"}}"#);
            schemas.get(Part { bytes: text.as_bytes(), at: 0 }).unwrap();
            assert!(schemas.known.len() <= 3);
        }
    }
}
