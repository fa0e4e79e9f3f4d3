//! Decodes JSON records into the columns of one table, without a value in between.
mod explain;
mod names;
mod slot;
#[cfg(test)]
mod speed;
#[cfg(test)]
mod tests;

pub use explain::Misfit;
pub use slot::{Column, Default, Slot};

use crate::columns::Column as Values;
use crate::json::{Cursor, Fault};
use crate::native::{Insert, Run};
use crate::values::Zones;
use names::Names;

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Appended {
    Row,
    /// The record is `null`: there is nothing to insert.
    Tombstone,
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
    slots: Vec<Slot>,
    names: Names,
    /// Rows decoded so far.
    rows: usize,
    /// Blocks begun so far; the last one is open.
    runs: Vec<Run>,
    /// Slots whose DEFAULT expression only runs when the column is absent from the whole block.
    hard: Vec<usize>,
    /// Slots written by the record at hand.
    touched: Vec<usize>,
    unknown: Unknown,
    envelope: bool,
}

impl Decoder {
    /// `envelope` says that records are `{"schema": …, "payload": …}`.
    pub fn new(columns: &[Column], zones: &Zones, envelope: bool) -> Self {
        let slots: Vec<_> = columns.iter().map(|column| Slot::new(column, zones)).collect();
        let hard = (0..slots.len()).filter(|&index| slots[index].default == Default::WholeBlock).collect();
        let names = Names::new(slots.iter().map(|slot| slot.name.as_str()));
        Decoder {
            slots,
            names,
            rows: 0,
            runs: Vec::new(),
            hard,
            touched: Vec::new(),
            unknown: Unknown::default(),
            envelope,
        }
    }

    /// Decodes a record. One that does not fit leaves nothing behind.
    pub fn append(&mut self, value: &[u8]) -> Result<Appended, Misfit> {
        let text = std::str::from_utf8(value).map_err(|error| Misfit::not_utf8(error.valid_up_to()))?;
        let mut json = Cursor::new(text);
        self.touched.clear();
        match self.document(&mut json) {
            Ok(Appended::Row) => {
                self.end_row();
                Ok(Appended::Row)
            }
            Ok(Appended::Tombstone) => Ok(Appended::Tombstone),
            Err(failure) => {
                self.rollback();
                Err(failure.explain(text, &self.slots))
            }
        }
    }

    /// What is known since the last call of fields without a column.
    pub fn take_unknown(&mut self) -> Unknown {
        let new = self.names.take_new();
        Unknown { new, ..std::mem::take(&mut self.unknown) }
    }

    /// Bytes that a row takes at least, once a batch has met every column.
    pub fn row_bytes_min(&self) -> usize {
        self.slots.iter().filter_map(|slot| slot.values.as_ref()).map(Values::zero_size).sum()
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Completes the columns and lays out what an insert sends.
    pub fn insert(&mut self) -> Insert<'_> {
        for slot in &mut self.slots {
            slot.complete(self.rows);
        }
        Insert::new(&self.slots, &self.runs, &self.hard)
    }

    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.rows = 0;
        self.runs.clear();
        self.slots.iter_mut().for_each(Slot::clear);
    }

    fn document(&mut self, json: &mut Cursor<'_>) -> Result<Appended, Failure> {
        let appended = if self.envelope { self.payload(json)? } else { self.record(json)? };
        json.end()?;
        Ok(appended)
    }

    fn payload(&mut self, json: &mut Cursor<'_>) -> Result<Appended, Failure> {
        if json.peek() != b'{' {
            return self.record(json);
        }
        json.enter()?;
        let mut appended = None;
        let mut more = json.any(b'}')?;
        while more {
            let name = json.string()?;
            json.expect(b':', "\":\"")?;
            if name == "payload" {
                self.rollback();
                appended = Some(self.record(json)?);
            } else {
                json.skip()?;
            }
            more = json.more(b'}')?;
        }
        appended.ok_or(Failure::NoPayload)
    }

    fn record(&mut self, json: &mut Cursor<'_>) -> Result<Appended, Failure> {
        match json.peek() {
            b'{' => {}
            b'n' => {
                json.literal("null")?;
                return Ok(Appended::Tombstone);
            }
            _ => return Err(Failure::NotAnObject { at: json.position() }),
        }
        json.enter()?;
        let mut previous = names::START;
        let mut more = json.any(b'}')?;
        while more {
            previous = self.names.read(json, previous)?;
            if let Some(slot) = self.names.slot(previous) {
                self.field(slot, json).map_err(|fault| Failure::Field { slot, fault })?;
            } else {
                self.unknown.any = true;
                json.skip()?;
            }
            more = json.more(b'}')?;
        }
        Ok(Appended::Row)
    }

    /// Reads a field's value into its column. Of a name that comes twice the last value counts.
    #[inline]
    fn field(&mut self, index: usize, json: &mut Cursor<'_>) -> Result<(), Fault> {
        let slot = &mut self.slots[index];
        if json.peek() == b'n' && !slot.keeps_null() {
            json.literal("null")?;
            slot.rollback(self.rows);
            return Ok(());
        }
        if slot.begin(self.rows) {
            self.touched.push(index);
        }
        slot.append(json)
    }

    fn rollback(&mut self) {
        for &index in &self.touched {
            self.slots[index].rollback(self.rows);
        }
        self.touched.clear();
    }

    /// Takes the row in, in a new block if it has other columns than the open one or if that one is full.
    fn end_row(&mut self) {
        let full = self.runs.last().is_none_or(|run| run.rows == BLOCK_ROWS_MAX);
        if full || !self.fits_open_run() {
            if self.rows > 0 {
                self.slots.iter_mut().for_each(|slot| slot.cut(self.rows));
            }
            let written = |&index: &usize| self.slots[index].has(self.rows);
            self.runs.push(Run { rows: 0, present: self.hard.iter().map(written).collect() });
        }
        if let Some(run) = self.runs.last_mut() {
            run.rows += 1;
        }
        self.rows += 1;
    }

    fn fits_open_run(&self) -> bool {
        let Some(run) = self.runs.last() else {
            return false;
        };
        self.hard
            .iter()
            .zip(&run.present)
            .all(|(&index, &present)| self.slots[index].has(self.rows) == present)
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
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Failure::Document(fault)
    }
}

/// Rows of one block. The server holds a block in memory at once and splits nothing below this.
const BLOCK_ROWS_MAX: usize = 100_000;
