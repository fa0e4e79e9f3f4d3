//! Reads the records of a sample whose schemas a registry has: the schema of each, and its value as JSON text where
//! only that tells.
use std::collections::HashMap;

use formats::avro::Schema;
use formats::protobuf::{Label, Outline, Type};
use formats::registry::Format;
use formats::wire;

use super::declared::{self, Rows};
use super::outlined;
use crate::avro::{self, Skips};
use crate::binary::{Ids, Missing, Schemas};
use crate::failure::Failure;
use crate::protobuf::{self, Notes, TextOf};
use crate::shape::Shape;

/// One side of the records, keys or values. Each schema is read once.
pub struct Written<'a> {
    schemas: &'a Schemas,
    /// By the schema's id, and the indexes of a Protobuf message as they are written.
    known: HashMap<Which, Known>,
    ids: Ids,
}

/// Which type a record is of.
pub type Which = (u32, Vec<u8>);

pub enum Known {
    Avro { schema: Schema, skips: Skips, texts: avro::Texts },
    Protobuf { outline: Outline, texts: protobuf::Texts, counts_enums: bool },
}

/// Which type a record is of, that type, and the bytes behind the header.
type Body<'a, 'r> = (Which, &'a Known, &'r [u8]);

impl<'a> Written<'a> {
    pub fn new(schemas: &'a Schemas) -> Self {
        Written { schemas, known: HashMap::new(), ids: Ids::default() }
    }

    /// What a record was written with. `None` if the record is at fault, which
    /// is for the decoder to tell.
    pub fn read<'r>(&mut self, bytes: &'r [u8]) -> Result<Option<Body<'_, 'r>>, Failure> {
        let Some((which, body)) = found(self.split(bytes))? else { return Ok(None) };
        if !self.known.contains_key(&which) {
            let Some(known) = found(self.known(&which))?.flatten() else { return Ok(None) };
            self.known.insert(which.clone(), known);
        }
        Ok(self.known.get(&which).map(|known| (which, known, body)))
    }

    /// A value as JSON text.
    pub fn text(&mut self, bytes: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        Ok(self.read(bytes)?.and_then(|(_, known, body)| known.text(body)))
    }

    fn split<'r>(&mut self, bytes: &'r [u8]) -> Result<(Which, &'r [u8]), Missing> {
        if self.schemas.format() == Format::Protobuf {
            let (id, path, body) = self.ids.split_message(self.schemas, bytes)?;
            return Ok(((id, path.to_vec()), body));
        }
        let (id, body) = self.ids.split(self.schemas, bytes)?;
        Ok(((id, Vec::new()), body))
    }

    fn known(&self, (id, path): &Which) -> Result<Option<Known>, Missing> {
        if self.schemas.format() == Format::Protobuf {
            let indexes = wire::take_message_indexes(&mut &path[..])?;
            let counts_enums = self.schemas.counts_enums;
            let outline = self.schemas.message(*id, &indexes)?;
            return Ok(outline.ok().map(|outline| {
                let texts = protobuf::Texts::new(&outline);
                Known::Protobuf { outline, texts, counts_enums }
            }));
        }
        let schema = self.schemas.schema(*id)?;
        let (skips, texts) = (Skips::new(&schema), avro::Texts::new(&schema));
        Ok(Some(Known::Avro { schema, skips, texts }))
    }
}

impl Known {
    /// What the rows of this type have in common.
    pub fn rows(&self, shape: &Shape, room: &mut usize) -> Rows {
        match self {
            Known::Avro { schema, .. } => declared::rows(schema, shape, room),
            Known::Protobuf { outline, counts_enums, .. } => {
                outlined::rows((outline, *counts_enums), shape, room)
            }
        }
    }

    /// `None` if the bytes are not of the schema.
    pub fn text(&self, body: &[u8]) -> Option<Vec<u8>> {
        let (mut rest, mut out) = (body, Vec::new());
        match self {
            Known::Avro { schema, skips, texts } => {
                let mut run = avro::Run::new(skips, texts);
                run.text(schema.root_place(), &mut rest, &mut out).ok()?;
                rest.is_empty().then_some(out)
            }
            Known::Protobuf { texts, .. } => {
                let mut notes = Notes::default();
                let message = notes.begin(body).ok()?;
                let whole = TextOf::new(Label::One, Type::Message(0));
                protobuf::Run::new(body, &mut notes, texts).text(whole, message, &mut out).ok()?;
                Some(out)
            }
        }
    }
}

fn found<T>(result: Result<T, Missing>) -> Result<Option<T>, Failure> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(Missing::Record(_)) => Ok(None),
        Err(Missing::Registry(failure)) => Err(failure),
    }
}
