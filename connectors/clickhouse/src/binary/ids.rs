//! Which schema each record is of: the id in its header, or what the settings say of those that name none.
use std::collections::HashMap;

use formats::{varint, wire};

use super::{Missing, Schemas, Written};

/// What is known of one side's records without an id.
#[derive(Debug, Default)]
pub struct Ids {
    fingerprints: HashMap<u64, u32>,
    /// The schema of records that name none.
    pinned: Option<u32>,
}

impl Ids {
    /// Which schema is a subject's newest may change from batch to batch.
    pub fn begin_batch(&mut self) {
        self.pinned = None;
    }

    /// The id of a record's schema, and the bytes behind the header.
    #[inline]
    pub fn split<'r>(&mut self, schemas: &Schemas, bytes: &'r [u8]) -> Result<(u32, &'r [u8]), Missing> {
        match schemas.split(bytes)? {
            Written::Id(id, body) => Ok((id, body)),
            Written::Fingerprint(fingerprint, body) => {
                if let Some(id) = self.fingerprints.get(&fingerprint) {
                    return Ok((*id, body));
                }
                let id = schemas.find(fingerprint)?;
                if self.fingerprints.len() >= FINGERPRINTS_MAX {
                    self.fingerprints.clear();
                }
                self.fingerprints.insert(fingerprint, id);
                Ok((id, body))
            }
            Written::Bare(body) => Ok((self.pinned(schemas)?, body)),
        }
    }

    /// As [`Self::split`], of Protobuf: also the indexes of the message in its schema, as they are written.
    #[inline]
    pub fn split_message<'r>(
        &mut self,
        schemas: &Schemas,
        bytes: &'r [u8],
    ) -> Result<(u32, &'r [u8], &'r [u8]), Missing> {
        let (id, rest) = match schemas.split(bytes)? {
            Written::Id(id, rest) => (id, rest),
            Written::Bare(body) | Written::Fingerprint(_, body) => {
                return Ok((self.pinned(schemas)?, FIRST, body));
            }
        };
        if let [0, body @ ..] = rest {
            return Ok((id, FIRST, body));
        }
        let mut body = rest;
        if pass_indexes(&mut body).is_none() {
            // It says what is wrong.
            wire::take_message_indexes(&mut &*rest)?;
        }
        Ok((id, &rest[..rest.len() - body.len()], body))
    }

    /// The id of the schema that the settings name.
    pub fn pinned(&mut self, schemas: &Schemas) -> Result<u32, Missing> {
        let id = match self.pinned {
            Some(id) => id,
            None => schemas.pinned()?,
        };
        self.pinned = Some(id);
        Ok(id)
    }
}

/// Steps over the indexes of a message; nothing is kept of them. They are as many as the record says.
fn pass_indexes(body: &mut &[u8]) -> Option<()> {
    let count = varint::take_signed(body).filter(|count| (0..=INDEXES_MAX).contains(count))?;
    for _ in 0..count {
        varint::take_signed(body).filter(|index| *index >= 0)?;
    }
    Some(())
}

/// Nobody nests declarations this deep.
const INDEXES_MAX: i64 = 64;
/// The indexes of a schema's first message.
const FIRST: &[u8] = &[0];
/// A topic has a few.
const FINGERPRINTS_MAX: usize = 1000;
