//! Reads the Avro records of a sample: the schema of each, and its value as JSON text where only that tells.
use std::collections::HashMap;

use formats::avro::Schema;

use crate::avro::{Missing, Run, Schemas, Skips, Texts, Written as Header};
use crate::failure::Failure;

/// One side of the records, keys or values. Each schema is read once.
pub struct Written<'a> {
    schemas: &'a Schemas,
    known: HashMap<u32, Known>,
    fingerprints: HashMap<u64, u32>,
    /// The schema of records that name none.
    pinned: Option<u32>,
}

pub struct Known {
    pub schema: Schema,
    skips: Skips,
    texts: Texts,
}

/// The id of a schema, the schema, and the bytes behind the header.
type Body<'a, 'r> = (u32, &'a Known, &'r [u8]);

impl<'a> Written<'a> {
    pub fn new(schemas: &'a Schemas) -> Self {
        Written { schemas, known: HashMap::new(), fingerprints: HashMap::new(), pinned: None }
    }

    /// What a record was written with. `None` if the record is at fault, which
    /// is for the decoder to tell.
    pub fn read<'r>(&mut self, bytes: &'r [u8]) -> Result<Option<Body<'_, 'r>>, Failure> {
        let Some((id, body)) = found(self.split(bytes))? else { return Ok(None) };
        if !self.known.contains_key(&id) {
            let Some(schema) = found(self.schemas.schema(id))? else { return Ok(None) };
            let (skips, texts) = (Skips::new(&schema), Texts::new(&schema));
            self.known.insert(id, Known { schema, skips, texts });
        }
        Ok(self.known.get(&id).map(|known| (id, known, body)))
    }

    /// A value as JSON text.
    pub fn text(&mut self, bytes: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        Ok(self.read(bytes)?.and_then(|(_, known, body)| known.text(body)))
    }

    fn split<'r>(&mut self, bytes: &'r [u8]) -> Result<(u32, &'r [u8]), Missing> {
        match self.schemas.split(bytes)? {
            Header::Id(id, body) => Ok((id, body)),
            Header::Fingerprint(fingerprint, body) => {
                let id = match self.fingerprints.get(&fingerprint) {
                    Some(id) => *id,
                    None => self.schemas.find(fingerprint)?,
                };
                self.fingerprints.insert(fingerprint, id);
                Ok((id, body))
            }
            Header::Bare(body) => {
                let id = match self.pinned {
                    Some(id) => id,
                    None => self.schemas.pinned()?,
                };
                self.pinned = Some(id);
                Ok((id, body))
            }
        }
    }
}

impl Known {
    /// `None` if the bytes are not of the schema.
    pub fn text(&self, body: &[u8]) -> Option<Vec<u8>> {
        let (mut rest, mut out) = (body, Vec::new());
        let mut run = Run::new(&self.skips, &self.texts);
        run.text(self.schema.root_place(), &mut rest, &mut out).ok()?;
        rest.is_empty().then_some(out)
    }
}

fn found<T>(result: Result<T, Missing>) -> Result<Option<T>, Failure> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(Missing::Record(_)) => Ok(None),
        Err(Missing::Registry(failure)) => Err(failure),
    }
}
