//! Records in Avro: the program of each schema that the writers had, for the columns of one table.
mod change;
mod fields;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod row_tests;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use formats::avro::{Schema, Type};

use super::event::NO_KEY_COLUMN;
use super::{Decoder, Misfit, Refused, Said};
use crate::binary::{Fault, Ids, Missing, Schemas, Taken, Wrong};
use crate::json::Cursor;
use change::Change;
use fields::{Finder, Reading, Row, Shared};

/// The schemas of one side of the records, and what is known of them.
pub struct Avro {
    schemas: Arc<Schemas>,
    programs: Vec<Known>,
    places: HashMap<u32, usize>,
    /// Records come in runs of one schema.
    recent: Option<(u32, usize)>,
    ids: Ids,
    /// JSON of single fields.
    scratch: Vec<u8>,
}

/// A program, or why all records of the schema are refused.
type Known = Result<Program, Misfit>;

struct Program {
    id: u32,
    /// The place of the value's type.
    root: usize,
    shared: Shared,
    what: What,
    /// The schema has fields that the table has not.
    has_unknown: bool,
}

enum What {
    Row(Row),
    Change(Change),
}

/// What a side's records are read for.
#[derive(Clone, Copy, PartialEq)]
enum Purpose {
    Row,
    Change,
    Key,
}

impl Avro {
    pub fn new(schemas: Arc<Schemas>) -> Self {
        Avro {
            schemas,
            programs: Vec::new(),
            places: HashMap::new(),
            recent: None,
            ids: Ids::default(),
            scratch: Vec::new(),
        }
    }

    /// Which schema is a subject's newest may change from batch to batch.
    pub fn begin_batch(&mut self) {
        self.ids.begin_batch();
    }

    /// Where the program of a schema is, which is made if it is not there yet.
    #[inline]
    fn place(&mut self, id: u32, compile: impl FnOnce(&Schema) -> Known) -> Result<usize, Missing> {
        match self.recent {
            Some((recent, place)) if recent == id => return Ok(place),
            _ => {}
        }
        let place = if let Some(place) = self.places.get(&id) {
            *place
        } else {
            let known = compile(&self.schemas.schema(id)?);
            if self.programs.len() >= PROGRAMS_MAX {
                self.programs.clear();
                self.places.clear();
            }
            self.programs.push(known);
            self.places.insert(id, self.programs.len() - 1);
            self.programs.len() - 1
        };
        self.recent = Some((id, place));
        Ok(place)
    }
}

impl Decoder {
    pub(super) fn read_avro(&mut self, value: &[u8]) -> Result<Said, Refused> {
        let purpose = if self.reads_events() { Purpose::Change } else { Purpose::Row };
        let Some(mut avro) = self.avro.take() else { return Ok(Said::Nothing) };
        let said = self.run(&mut avro, value, purpose);
        self.avro = Some(avro);
        said
    }

    /// Reads the columns that a record's key gives.
    pub(super) fn key_avro(&mut self, key: &[u8]) -> Result<(), Refused> {
        let Some(mut avro) = self.avro_key.take() else { return Ok(()) };
        let said = self.run(&mut avro, key, Purpose::Key);
        self.avro_key = Some(avro);
        said.map(drop).map_err(Refused::of_key)
    }

    fn run(&mut self, avro: &mut Avro, bytes: &[u8], purpose: Purpose) -> Result<Said, Refused> {
        let (id, body) = avro.ids.split(&avro.schemas, bytes)?;
        let place = avro.place(id, |schema| self.compile(id, schema, purpose))?;
        let program = avro.programs[place].as_ref().map_err(Clone::clone)?;
        self.unknown.any |= program.has_unknown;
        self.has_stray |= program.has_unknown;
        let read = match &program.what {
            What::Row(row) => self.avro_row(program, row, body).and_then(|said| {
                let root = program.root;
                if said == Said::Row && purpose == Purpose::Row {
                    self.keep_avro((program, root), body, &mut avro.scratch)?;
                }
                Ok(said)
            }),
            What::Change(change) => self.change((program, change), body, &mut avro.scratch),
        };
        read.map_err(|misfit| {
            self.rows.rollback();
            misfit.into()
        })
    }

    fn avro_row(&mut self, program: &Program, row: &Row, body: &[u8]) -> Result<Said, Misfit> {
        let mut reading = Reading::new(&program.shared, &mut self.rows);
        let mut rest = body;
        let read = reading.row(row, &mut rest).and_then(|()| end(rest));
        let Reading { has_unknown, is_nothing, slot, .. } = reading;
        self.unknown.any |= has_unknown;
        self.has_stray |= has_unknown;
        match read {
            Ok(()) if is_nothing => Ok(Said::Nothing),
            Ok(()) => Ok(Said::Row),
            Err(fault) => Err(self.told(&fault, slot, (program.id, body.len() - rest.len()))),
        }
    }

    /// Keeps the fields that no column takes of the row that these bytes begin with, if that is wanted.
    fn keep_avro(
        &mut self,
        (program, place): (&Program, usize),
        bytes: &[u8],
        scratch: &mut Vec<u8>,
    ) -> Result<(), Misfit> {
        if self.overflow.is_none() || !self.has_stray {
            return Ok(());
        }
        let text = change::text(&mut program.shared.run(), place, bytes, scratch);
        let text = text.map_err(|fault| Self::told_of(&fault, program.id))?;
        let kept = self.keep(&mut Cursor::new(text));
        kept.map_err(|failure| failure.explain(text, &self.rows.slots))
    }

    /// What is wrong with a record as a whole, which was read before.
    #[cold]
    fn told_of(fault: &Fault, id: u32) -> Misfit {
        let (Wrong::Misfit(what) | Wrong::Broken(what)) = fault.wrong();
        Misfit::told(format!("avro of schema {id}: {what}"))
    }

    /// What is wrong, at which byte of a record of which schema.
    #[cold]
    fn told(&self, fault: &Fault, place: Option<u32>, (id, at): (u32, usize)) -> Misfit {
        let slot = place.map(|slot| (slot, &self.rows.slots[slot as usize]));
        Misfit::of_bytes(fault, slot, format_args!("avro of schema {id} at byte {at}"))
    }

    fn compile(&mut self, id: u32, schema: &Schema, purpose: Purpose) -> Known {
        let mut finder = Finder::new(schema, &self.paths, &self.rows.slots);
        let root = schema.root_place();
        let what = match purpose {
            Purpose::Row => finder.row(root).map(What::Row),
            Purpose::Key if has_fields(schema, root) => finder.row(root).map(What::Row),
            Purpose::Key => match &self.events {
                Some(events) => match events.key_slot {
                    Some(slot) => finder.column(slot, root),
                    None if events.required.is_empty() => Ok(Row::Skip(root)),
                    None => Err(NO_KEY_COLUMN.to_owned()),
                },
                None => Ok(Row::Skip(root)),
            }
            .map(What::Row),
            Purpose::Change => {
                let version = self.events.as_ref().and_then(|events| events.version.as_ref());
                Change::compile(&mut finder, version).map(What::Change)
            }
        };
        let Finder { has_unknown, unfit, .. } = finder;
        self.unknown.new |= has_unknown;
        let what = what.map_err(|sentence| Misfit::told(sentence).at(unfit))?;
        Ok(Program { id, root, shared: Shared::new(schema), what, has_unknown })
    }
}

/// Whether a key is a record, or null instead of one.
fn has_fields(schema: &Schema, place: usize) -> bool {
    match &schema.node(place).kind {
        Type::Record(_) | Type::Map(_) => true,
        Type::Union(branches) => branches.iter().any(|branch| has_fields(schema, *branch)),
        _ => false,
    }
}

fn end(rest: &[u8]) -> Taken<()> {
    if rest.is_empty() { Ok(()) } else { Err(Fault::broken("bytes are left over")) }
}

impl From<Missing> for Refused {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::Record(sentence) => Refused::Misfit(Misfit::told(sentence)),
            Missing::Registry(failure) => Refused::Unread(failure),
        }
    }
}

/// Schemas that are kept ready for one table; a topic has a few.
const PROGRAMS_MAX: usize = 1000;
