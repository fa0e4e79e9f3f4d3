//! What is learnt of the records of one table before its columns are chosen.
use std::collections::HashMap;

use formats::avro::Schema;
use formats::protobuf::Outline;

use super::declared::{self, Rows};
use super::facts::{Facts, ROOM};
use super::keys::Keys;
use super::outlined;
use super::row;
use super::written::{Which, Written};
use crate::failure::Failure;
use crate::incoming::Incoming;
use crate::json::Cursor;
use crate::shape::{KeyForm, Shape, Upserts};

#[derive(Default)]
pub struct Sample {
    /// What all rows have in common.
    pub root: Facts,
    pub keys: Keys,
    /// Records that could be read.
    pub records: usize,
}

impl Sample {
    /// Reads the records that hold a row, up to so many; the others say nothing about columns. It fails where nobody can
    /// read them yet.
    pub fn read<'a>(
        records: impl Iterator<Item = &'a Incoming<'a>>,
        shape: &Shape,
        max: usize,
    ) -> Result<Self, Failure> {
        let mut reader = Reader::new(shape, shape.upserts.as_ref());
        for record in records {
            if reader.sample.records >= max && reader.sample.has_fields() {
                break;
            }
            reader.record(record)?;
        }
        Ok(reader.sample)
    }

    /// Of the values alone, for a table whose key nobody has to find.
    pub fn of_values<'a>(
        records: impl Iterator<Item = &'a Incoming<'a>>,
        shape: &Shape,
    ) -> Result<Self, Failure> {
        let mut reader = Reader::new(shape, None);
        for record in records {
            reader.record(record)?;
        }
        Ok(reader.sample)
    }

    /// What the schema of a writer says of all records that it allows. It fails where they have no fields that it names.
    pub fn of_schema(schema: &Schema, shape: &Shape) -> Result<Self, &'static str> {
        Self::of_rows(declared::rows(schema, shape, &mut { ROOM }))
    }

    /// As [`Self::of_schema`], of a message and whether its enums are numbers.
    pub fn of_message(message: (&Outline, bool), shape: &Shape) -> Result<Self, &'static str> {
        Self::of_rows(outlined::rows(message, shape, &mut { ROOM }))
    }

    fn of_rows(rows: Rows) -> Result<Self, &'static str> {
        match rows {
            Rows::Fields(facts) => Ok(Sample { root: facts, ..Sample::default() }),
            Rows::Names => Err("a map's fields are named by records, not by the schema"),
            Rows::Nothing => Err("no record is in it"),
        }
    }

    /// Whether a table can be made of it.
    pub fn has_fields(&self) -> bool {
        self.root.objects.as_ref().is_some_and(|objects| !objects.fields.is_empty())
    }
}

struct Reader<'a> {
    shape: &'a Shape,
    /// Keys are looked at for these.
    upserts: Option<&'a Upserts>,
    sample: Sample,
    /// What may still be remembered.
    room: usize,
    /// Values and keys whose schemas a registry has.
    values: Option<Written<'a>>,
    keys: Option<Written<'a>>,
    /// What is to be read of the values of each schema.
    schemas: HashMap<Which, What>,
}

#[derive(Clone, Copy, PartialEq)]
enum What {
    /// The schema has told the fields.
    Nothing,
    /// Also the names of fields are in the values.
    Names,
    /// There is no row.
    NoRow,
}

impl<'a> Reader<'a> {
    fn new(shape: &'a Shape, upserts: Option<&'a Upserts>) -> Self {
        Reader {
            shape,
            upserts,
            sample: Sample::default(),
            room: ROOM,
            values: shape.schemas.as_deref().map(Written::new),
            keys: shape.key_schemas.as_deref().map(Written::new),
            schemas: HashMap::new(),
        }
    }

    fn record(&mut self, record: &Incoming<'_>) -> Result<(), Failure> {
        let value = record.value.filter(|_| !self.shape.raw_only);
        let (is_row, text) = match value {
            Some(value) if self.values.is_some() => self.written(value)?,
            _ => (false, None),
        };
        let json = if self.values.is_some() { text.as_deref() } else { value };
        let row = json.and_then(|json| row::row(json, self.shape));
        if let Some(row) = row.as_ref().filter(|_| !is_row) {
            // It was found to be JSON, and what is nested too deeply is stepped over.
            let _ = self.sample.root.read(&mut row.clone(), 0, &mut self.room);
        }
        self.key(record.key, row.as_ref())?;
        self.sample.records += usize::from(is_row || row.is_some() || self.shape.raw_only);
        Ok(())
    }

    /// Takes in the schema of a value. Answers whether that says all of its row, and the value's text where it is needed.
    fn written(&mut self, value: &[u8]) -> Result<(bool, Option<Vec<u8>>), Failure> {
        let read = self.values.as_mut().map(|values| values.read(value)).transpose()?.flatten();
        let Some((which, known, body)) = read else { return Ok((false, None)) };
        let what = if let Some(what) = self.schemas.get(&which) {
            *what
        } else {
            let what = match known.rows(self.shape, &mut self.room) {
                Rows::Fields(facts) => {
                    self.sample.root.merge(facts, &mut self.room);
                    What::Nothing
                }
                Rows::Names => What::Names,
                Rows::Nothing => What::NoRow,
            };
            self.schemas.insert(which, what);
            what
        };
        let needs_text = what == What::Names || what == What::Nothing && self.upserts.is_some();
        let text = if needs_text { known.text(body) } else { None };
        Ok((what == What::Nothing, text))
    }

    fn key(&mut self, key: Option<&[u8]>, row: Option<&Cursor<'_>>) -> Result<(), Failure> {
        let Some(upserts) = self.upserts else { return Ok(()) };
        match (key, &mut self.keys) {
            (Some(bytes), Some(keys)) => {
                let text = keys.text(bytes)?;
                self.sample.keys.read(text.as_deref(), row, &KeyForm::Json);
            }
            (key, _) => self.sample.keys.read(key, row, &upserts.key),
        }
        Ok(())
    }
}
