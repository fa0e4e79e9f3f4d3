//! What a transform worked out for a schema, kept for the records that follow.
use crate::{Result, Schema};
use std::sync::Arc;

/// Plans by schema, found by the schema's identity. Records come in runs of one schema.
#[derive(Debug)]
pub struct Memo<P> {
    known: Vec<(Arc<Schema>, P)>,
    last: usize,
}

impl<P> Default for Memo<P> {
    fn default() -> Self {
        Self { known: Vec::new(), last: 0 }
    }
}

/// A topic has few schemas, or one for each record, which is not worth remembering.
const KNOWN_MAX: usize = 64;

impl<P> Memo<P> {
    /// The plan for `schema`, made when it is new.
    pub fn get(&mut self, schema: &Arc<Schema>, make: impl FnOnce(&Arc<Schema>) -> Result<P>) -> Result<&P> {
        let is_it = |(known, _): &(Arc<Schema>, P)| Arc::ptr_eq(known, schema);
        if !self.known.get(self.last).is_some_and(is_it) {
            self.last = match self.known.iter().position(is_it) {
                Some(at) => at,
                None => self.add(schema, make(schema)?),
            };
        }
        Ok(&self.known[self.last].1)
    }

    fn add(&mut self, schema: &Arc<Schema>, plan: P) -> usize {
        if self.known.len() >= KNOWN_MAX {
            self.known.clear();
        }
        self.known.push((Arc::clone(schema), plan));
        self.known.len() - 1
    }
}
