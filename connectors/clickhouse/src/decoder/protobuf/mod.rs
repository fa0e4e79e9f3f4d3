//! Records in Protobuf: the program of each message that the writers had, for the columns of one table.
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

use formats::protobuf::{Field, Label, Outline, Type as Proto};
use formats::wire;

use super::event::NO_KEY_COLUMN;
use super::{Decoder, Misfit, Refused, Said};
use crate::binary::{Fault, Ids, Missing, Schemas, Taken};
use crate::json::Cursor;
use crate::protobuf::{Chain, Notes, Run, TextOf, Texts};
use change::Change;
use fields::{Finder, Level, Reading, Row};

/// The schemas of one side of the records, and what is known of them.
pub struct Protobuf {
    schemas: Arc<Schemas>,
    programs: Vec<Known>,
    /// By the schema's id.
    places: HashMap<u32, Vec<Place>>,
    /// Records come in runs of one message.
    recent: Option<(u32, usize)>,
    recent_path: Vec<u8>,
    /// The schema of records that name none, for one batch.
    ids: Ids,
    notes: Notes,
    /// JSON of whole messages.
    scratch: Vec<u8>,
}

/// The indexes of a message as they are written, and where its program is.
type Place = (Box<[u8]>, usize);

/// A program, or why all records of the message are refused.
type Known = Result<Program, Misfit>;

struct Program {
    id: u32,
    texts: Texts,
    /// The message as JSON.
    whole: TextOf,
    what: What,
    /// The message has fields that the table has not.
    has_unknown: bool,
}

enum What {
    Row(Level),
    /// A key that is one value.
    Key(Option<Row>),
    Change(Change),
}

/// What a side's records are read for.
#[derive(Clone, Copy, PartialEq)]
enum Purpose {
    Row,
    Change,
    Key,
}

impl Protobuf {
    pub fn new(schemas: Arc<Schemas>) -> Self {
        Protobuf {
            schemas,
            programs: Vec::new(),
            places: HashMap::new(),
            recent: None,
            recent_path: Vec::new(),
            ids: Ids::default(),
            notes: Notes::default(),
            scratch: Vec::new(),
        }
    }

    /// Which schema is a subject's newest may change from batch to batch.
    pub fn begin_batch(&mut self) {
        self.ids.begin_batch();
    }

    /// Where the program of a message is, which is made if it is not there yet.
    #[inline]
    fn place(
        &mut self,
        (id, path): (u32, &[u8]),
        compile: impl FnOnce(&Outline, bool) -> Known,
    ) -> Result<usize, Missing> {
        match self.recent {
            Some((recent, place)) if recent == id && self.recent_path == path => return Ok(place),
            _ => {}
        }
        let paths = self.places.get(&id).map(Vec::as_slice).unwrap_or_default();
        let place = if let Some((_, place)) = paths.iter().find(|(known, _)| **known == *path) {
            *place
        } else {
            let indexes = wire::take_message_indexes(&mut &*path).map_err(Missing::from)?;
            let outline = self.schemas.message(id, &indexes)?;
            let known = outline
                .map_err(Misfit::told)
                .and_then(|outline| compile(&outline, self.schemas.counts_enums));
            if self.programs.len() >= PROGRAMS_MAX {
                self.programs.clear();
                self.places.clear();
            }
            self.programs.push(known);
            self.places.entry(id).or_default().push((path.into(), self.programs.len() - 1));
            self.programs.len() - 1
        };
        self.recent = Some((id, place));
        self.recent_path.clear();
        self.recent_path.extend_from_slice(path);
        Ok(place)
    }
}

impl Decoder {
    pub(super) fn read_protobuf(&mut self, value: &[u8]) -> Result<Said, Refused> {
        let purpose = if self.reads_events() { Purpose::Change } else { Purpose::Row };
        let Some(mut protobuf) = self.protobuf.take() else { return Ok(Said::Nothing) };
        let said = self.run_protobuf(&mut protobuf, value, purpose);
        self.protobuf = Some(protobuf);
        said
    }

    /// Reads the columns that a record's key gives.
    pub(super) fn key_protobuf(&mut self, key: &[u8]) -> Result<(), Refused> {
        let Some(mut protobuf) = self.protobuf_key.take() else { return Ok(()) };
        let said = self.run_protobuf(&mut protobuf, key, Purpose::Key);
        self.protobuf_key = Some(protobuf);
        said.map(drop).map_err(Refused::of_key)
    }

    fn run_protobuf(
        &mut self,
        protobuf: &mut Protobuf,
        bytes: &[u8],
        purpose: Purpose,
    ) -> Result<Said, Refused> {
        let (id, path, body) = protobuf.ids.split_message(&protobuf.schemas, bytes)?;
        let place = protobuf.place((id, path), |outline, counts_enums| {
            self.compile_protobuf(id, (outline, counts_enums), purpose)
        })?;
        let Protobuf { programs, notes, scratch, .. } = protobuf;
        let program = programs[place].as_ref().map_err(Clone::clone)?;
        self.unknown.any |= program.has_unknown;
        let read = match &program.what {
            What::Row(level) => {
                self.message((program, purpose), (body, notes), scratch, |reading, message| {
                    reading.level(level, message)
                })
            }
            What::Key(None) => Ok(Said::Row),
            What::Key(Some(row)) => {
                self.message((program, purpose), (body, notes), scratch, |reading, message| {
                    reading.row(row, message)
                })
            }
            What::Change(change) => self.protobuf_change((program, change), (body, notes), scratch),
        };
        read.map_err(|misfit| {
            self.rows.rollback();
            misfit.into()
        })
    }

    fn message(
        &mut self,
        (program, purpose): (&Program, Purpose),
        (body, notes): (&[u8], &mut Notes),
        scratch: &mut Vec<u8>,
        read: impl FnOnce(&mut Reading<'_>, Chain) -> Taken<()>,
    ) -> Result<Said, Misfit> {
        let message = notes.begin(body).map_err(|fault| self.told_protobuf(&fault, None, program.id))?;
        let run = Run::new(body, notes, &program.texts);
        let mut reading = Reading::new(run, &mut self.rows);
        let read = read(&mut reading, message);
        let Reading { has_unknown, slot, .. } = reading;
        self.has_stray |= has_unknown;
        read.map_err(|fault| self.told_protobuf(&fault, slot, program.id))?;
        if purpose == Purpose::Row {
            self.keep_protobuf(program, (body, notes, message), (program.whole, scratch))?;
        }
        Ok(Said::Row)
    }

    /// Keeps the fields that no column takes of the row in these values, if that is wanted.
    fn keep_protobuf(
        &mut self,
        program: &Program,
        (body, notes, message): (&[u8], &mut Notes, Chain),
        (row, scratch): (TextOf, &mut Vec<u8>),
    ) -> Result<(), Misfit> {
        if self.overflow.is_none() || !self.has_stray {
            return Ok(());
        }
        let text = text(&mut Run::new(body, notes, &program.texts), row, message, scratch);
        let text = text.map_err(|fault| self.told_protobuf(&fault, None, program.id))?;
        let kept = self.keep(&mut Cursor::new(text));
        kept.map_err(|failure| failure.explain(text, &self.rows.slots))
    }

    /// What is wrong with a record of which schema.
    #[cold]
    fn told_protobuf(&self, fault: &Fault, place: Option<u32>, id: u32) -> Misfit {
        let slot = place.map(|slot| (slot, &self.rows.slots[slot as usize]));
        Misfit::of_bytes(fault, slot, format_args!("protobuf of schema {id}"))
    }

    fn compile_protobuf(
        &mut self,
        id: u32,
        (outline, counts_enums): (&Outline, bool),
        purpose: Purpose,
    ) -> Known {
        let texts = Texts::new(outline);
        let mut finder = Finder::new((outline, &texts, counts_enums), &self.paths, &self.rows.slots);
        let what = match purpose {
            Purpose::Row => finder.level(0, 0).map(What::Row),
            Purpose::Key => match plain_key(outline) {
                None => finder.level(0, 0).map(What::Row),
                Some(whole) => match &self.events {
                    Some(events) => match events.key_slot {
                        Some(slot) => finder.column(slot, &whole).map(|row| What::Key(Some(row))),
                        None if events.required.is_empty() => Ok(What::Key(None)),
                        None => Err(NO_KEY_COLUMN.to_owned()),
                    },
                    None => Ok(What::Key(None)),
                },
            },
            Purpose::Change => {
                let version = self.events.as_ref().and_then(|events| events.version.as_ref());
                Change::compile(&mut finder, version).map(What::Change)
            }
        };
        let Finder { has_unknown, unfit, .. } = finder;
        self.unknown.new |= has_unknown;
        let what = what.map_err(|sentence| Misfit::told(sentence).at(unfit))?;
        let whole = TextOf::new(Label::One, Proto::Message(0));
        Ok(Program { id, texts, whole, what, has_unknown })
    }
}

/// The message as one value, if it stands for one.
fn plain_key(outline: &Outline) -> Option<Field> {
    let root = outline.messages.first()?;
    root.known?;
    Some(Field {
        name: "key".into(),
        number: 0,
        label: Label::One,
        of: Proto::Message(0),
        absent: formats::protobuf::Absent::Null,
        union: None,
    })
}

/// Values as JSON.
fn text<'s>(run: &mut Run<'_>, value: TextOf, chain: Chain, scratch: &'s mut Vec<u8>) -> Taken<&'s str> {
    scratch.clear();
    run.text(value, chain, scratch)?;
    Ok(std::str::from_utf8(scratch).unwrap_or_default())
}

/// Messages that are kept ready for one table; a topic has a few.
const PROGRAMS_MAX: usize = 1000;
