//! Decodes records into the columns of one table, without a value in between.
mod avro;
mod event;
mod explain;
mod layout;
mod lines;
mod names;
mod overflow;
mod paths;
mod position;
mod protobuf;
#[cfg(test)]
mod row_tests;
mod rows;
mod slot;
#[cfg(test)]
mod speed;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trial;
mod virtuals;

pub use explain::Misfit;
pub use layout::Keys;
pub use slot::{Column, Default, Slot};
pub use virtuals::{Source, Virtual};

use crate::failure;
use crate::incoming::Incoming;
use crate::json::{Cursor, Fault};
use crate::native::Insert;
use avro::Avro;
use event::Events;
use lines::Lines;
use overflow::Overflow;
use paths::{Action, Paths};
use protobuf::Protobuf;
use rows::Rows;

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Appended {
    Row,
    /// The record is `null`: there is nothing to insert.
    Tombstone,
}

/// Why a record was not taken.
#[derive(Debug, PartialEq)]
pub enum Refused {
    /// It does not fit its table.
    Misfit(Misfit),
    /// Nobody can tell yet: the registry does not give its schema.
    Unread(failure::Failure),
}

impl Refused {
    /// What is refused is the record's key.
    fn of_key(self) -> Self {
        match self {
            Refused::Misfit(misfit) => Misfit::key(format!("key: {misfit}")).into(),
            Refused::Unread(failure) => Refused::Unread(failure),
        }
    }
}

impl From<Misfit> for Refused {
    fn from(misfit: Misfit) -> Self {
        Refused::Misfit(misfit)
    }
}

/// Fields that records had and the table has not.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Unknown {
    pub any: bool,
    /// Some of them were never met before.
    pub new: bool,
}

/// Gathers records for one table. After an insert, `clear` keeps the memory for the next one.
pub struct Decoder {
    rows: Rows,
    paths: Paths,
    virtuals: Vec<Virtual>,
    /// Deletes and change events, where the table keeps the newest row of each key.
    events: Option<Events>,
    overflow: Option<Overflow>,
    unknown: Unknown,
    /// The record at hand has a value without a column.
    has_stray: bool,
    envelope: bool,
    raw_only: bool,
    /// Reads values and keys that are Avro.
    avro: Option<Box<Avro>>,
    avro_key: Option<Box<Avro>>,
    /// As these, for Protobuf.
    protobuf: Option<Box<Protobuf>>,
    protobuf_key: Option<Box<Protobuf>>,
    /// Reads values that are lines.
    lines: Option<Box<Lines>>,
}

/// What a value says.
#[derive(Clone, Copy, PartialEq)]
enum Said {
    Row,
    Delete,
    /// Delete what the record's key names.
    DeleteKey,
    Nothing,
}

impl Decoder {
    /// Decodes a record. One that does not fit leaves nothing behind.
    pub fn take(&mut self, record: &Incoming<'_>) -> Result<Appended, Refused> {
        self.rows.begin();
        self.has_stray = false;
        let said = match record.value {
            Some(_) if self.raw_only => Said::Row,
            Some(value) if self.avro.is_some() => self.read_avro(value)?,
            Some(value) if self.protobuf.is_some() => self.read_protobuf(value)?,
            Some(value) if self.lines.is_some() => self.read_line(value)?,
            Some(value) => self.read(value)?,
            None => Said::Nothing,
        };
        match said {
            Said::Row => self.end_row(record, false),
            Said::Nothing if !self.takes_tombstones() => return Ok(Appended::Tombstone),
            Said::Delete => self.delete(record, false)?,
            Said::DeleteKey | Said::Nothing => self.delete(record, true)?,
        }
        Ok(Appended::Row)
    }

    /// Decodes a value of which nothing else is known.
    #[cfg(test)]
    pub fn append(&mut self, value: &[u8]) -> Result<Appended, Misfit> {
        self.take(&Incoming { value: Some(value), ..Incoming::default() }).map_err(|refused| match refused {
            Refused::Misfit(misfit) => misfit,
            Refused::Unread(failure) => panic!("{failure:?}"),
        })
    }

    /// What is known since the last call of fields without a column.
    pub fn take_unknown(&mut self) -> Unknown {
        self.unknown.new |= self.paths.take_new();
        std::mem::take(&mut self.unknown)
    }

    /// Whether the last record had a value, other than null, in a field without a column.
    pub fn has_stray(&self) -> bool {
        self.has_stray
    }

    /// The column that refused a record, if it was one alone.
    pub fn column_of(&self, misfit: &Misfit) -> Option<&str> {
        misfit.slot().and_then(|slot| self.rows.slots.get(slot)).map(|slot| slot.name.as_str())
    }

    /// Bytes that a row takes at least, once a batch has met every column.
    pub fn row_bytes_min(&self) -> usize {
        let slots = self.rows.slots.iter().filter_map(|slot| slot.values.as_ref());
        let slots: usize = slots.map(crate::columns::Column::zero_size).sum();
        slots + self.virtuals.iter().map(Virtual::size_min).sum::<usize>()
    }

    pub fn rows(&self) -> usize {
        self.rows.count
    }

    /// Completes the columns and lays out what an insert sends.
    pub fn insert(&mut self) -> Insert<'_> {
        for slot in &mut self.rows.slots {
            slot.complete(self.rows.count);
        }
        Insert::new(&self.rows.slots, &self.virtuals, &self.rows.runs, &self.rows.hard)
    }

    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.virtuals.iter_mut().for_each(Virtual::clear);
        for avro in self.avro.iter_mut().chain(&mut self.avro_key) {
            avro.begin_batch();
        }
        for protobuf in self.protobuf.iter_mut().chain(&mut self.protobuf_key) {
            protobuf.begin_batch();
        }
    }

    fn read(&mut self, value: &[u8]) -> Result<Said, Misfit> {
        let text = std::str::from_utf8(value);
        let text = text.map_err(|error| Misfit::not_utf8("value", error.valid_up_to()))?;
        let mut json = Cursor::new(text);
        self.document(&mut json).map_err(|failure| {
            self.rows.rollback();
            failure.explain(text, &self.rows.slots)
        })
    }

    fn document(&mut self, json: &mut Cursor<'_>) -> Result<Said, Failure> {
        let said = if self.envelope { self.payload(json)? } else { self.record(json)? };
        json.end()?;
        Ok(said)
    }

    fn payload(&mut self, json: &mut Cursor<'_>) -> Result<Said, Failure> {
        if json.peek() != b'{' {
            return self.record(json);
        }
        json.enter()?;
        let mut said = None;
        let mut more = json.any(b'}')?;
        while more {
            let name = json.string()?;
            json.expect(b':', "\":\"")?;
            if name == "payload" {
                self.rows.rollback();
                said = Some(self.record(json)?);
            } else {
                json.skip()?;
            }
            more = json.more(b'}')?;
        }
        said.ok_or(Failure::NoPayload)
    }

    fn record(&mut self, json: &mut Cursor<'_>) -> Result<Said, Failure> {
        match json.peek() {
            b'{' => {}
            b'n' => {
                json.literal("null")?;
                return Ok(Said::Nothing);
            }
            _ => return Err(Failure::NotAnObject { at: json.position() }),
        }
        if self.reads_events() {
            return self.event(json);
        }
        self.row(json)?;
        Ok(Said::Row)
    }

    /// Reads an object by the names of a level. Levels are as many as a path of a column is long, so a record
    /// cannot make this use up the stack.
    fn object(&mut self, json: &mut Cursor<'_>, level: usize) -> Result<(), Failure> {
        json.enter()?;
        let mut previous = names::START;
        let mut more = json.any(b'}')?;
        while more {
            let names = &mut self.paths.levels[level];
            previous = names.read(json, previous)?;
            match names.action(previous) {
                Action::Column(slot) => self.field(slot, json)?,
                action => self.other(action, json)?,
            }
            more = json.more(b'}')?;
        }
        Ok(())
    }

    #[inline]
    fn field(&mut self, slot: u32, json: &mut Cursor<'_>) -> Result<(), Failure> {
        let slot = slot as usize;
        self.rows.field(slot, json).map_err(|fault| Failure::Field { slot, fault })
    }

    fn other(&mut self, action: Action, json: &mut Cursor<'_>) -> Result<(), Failure> {
        match action {
            Action::Column(slot) => self.field(slot, json)?,
            Action::Unknown => {
                self.unknown.any = true;
                self.has_stray |= json.peek() != b'n';
                json.skip()?;
            }
            Action::Ignored => json.skip()?,
            Action::Inside(level) => self.inside(level, json)?,
            Action::Both(slot, level) => {
                self.inside(level, &mut json.clone())?;
                self.field(slot, json)?;
            }
        }
        Ok(())
    }

    /// Only objects have an inside; from any other value there is nothing to take.
    fn inside(&mut self, level: u32, json: &mut Cursor<'_>) -> Result<(), Failure> {
        if json.peek() == b'{' { self.object(json, level as usize) } else { Ok(json.skip()?) }
    }

    #[inline]
    fn end_row(&mut self, record: &Incoming<'_>, deleted: bool) {
        let cuts = self.rows.end();
        for column in &mut self.virtuals {
            if cuts {
                column.cut();
            }
            column.push(record, deleted);
        }
    }
}

/// Why a record was refused, before it is put into words.
enum Failure {
    /// The document as a whole cannot be read.
    Document(Fault),
    /// The value of one column cannot be read.
    Field {
        slot: usize,
        fault: Fault,
    },
    NotAnObject {
        at: usize,
    },
    NoPayload,
    /// It is no change event that makes sense.
    Event(String),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Failure::Document(fault)
    }
}
