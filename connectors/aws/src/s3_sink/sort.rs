//! Sorts the records of a batch into the objects that they will be, before anything is written.
use std::collections::HashMap;

use penstock_sdk::{Batch, Record, Value};
use serde_json::Value as Json;

use super::cell::Cell;
use super::line;
use super::parquet::{self, FIELDS_MAX, Kind};
use super::settings::{Format, Settings};
use super::template::Span;

/// A batch, as it will be written.
#[derive(Debug, Default)]
pub struct Sorted {
    pub objects: Vec<Object>,
    pub rejected: Vec<(usize, String)>,
    /// Records without a value that were left out.
    pub skipped: u64,
}

/// An object to be: records of one partition, in the order of their offsets.
#[derive(Debug)]
pub struct Object {
    stem: String,
    /// Places in the batch.
    pub records: Vec<usize>,
    /// Of Parquet.
    pub kind: Kind,
    room: usize,
    has_schema: bool,
}

/// What is known of schemas.
pub type Schemas = HashMap<String, Result<Option<Kind>, String>>;

/// Sorts while it reads each record once.
pub struct Sorter<'s> {
    settings: &'s Settings,
    /// What s3.parquet.schema says.
    given: Option<&'s Kind>,
    schemas: &'s mut Schemas,
    /// By topic and partition, then by stem.
    known: HashMap<(usize, i32), HashMap<String, usize>>,
    sorted: Sorted,
    /// Of each object the schemas that are in its kind.
    joined: Vec<Vec<String>>,
}

impl<'s> Sorter<'s> {
    pub fn new(settings: &'s Settings, given: Option<&'s Kind>, schemas: &'s mut Schemas) -> Self {
        Self {
            settings,
            given,
            schemas,
            known: HashMap::new(),
            sorted: Sorted::default(),
            joined: Vec::new(),
        }
    }

    pub fn sort(mut self, batch: &Batch<'_>) -> Sorted {
        let mut stem = String::new();
        for (index, record) in batch.records().enumerate() {
            if matches!(record.value(), Value::Null) {
                if self.settings.skips_tombstones {
                    self.sorted.skipped += 1;
                } else {
                    self.sorted.rejected.push((index, TOMBSTONE.into()));
                }
                continue;
            }
            if let Err(reason) = self.add(index, &record, &mut stem) {
                self.sorted.rejected.push((index, reason));
            }
        }
        self.settle(batch)
    }

    fn add(&mut self, index: usize, record: &Record<'_>, stem: &mut String) -> Result<(), String> {
        let settings = self.settings;
        let is_parquet = settings.format == Format::Parquet;
        let json;
        let cell = if let Value::Flat(value) = record.value() {
            Some(Cell::Flat(value))
        } else if is_parquet || settings.template.names_fields() {
            json = read(record)?;
            Some(Cell::Json(&json))
        } else {
            None
        };
        if let Value::Bytes(_) | Value::Text(_) = record.value() {
            let bytes = bytes(record);
            match settings.format {
                Format::Json => line::check_json(bytes, settings.has_metadata)?,
                Format::Lines => line::check_text(bytes)?,
                Format::Parquet => {}
            }
        }
        if is_parquet || settings.has_metadata {
            check_members(cell)?;
        }
        settings.template.stem(record, cell, stem)?;
        let at = self.object(record, stem);
        if let (true, Some(cell)) = (is_parquet, cell) {
            self.describe(at, record, cell)?;
        }
        self.sorted.objects[at].records.push(index);
        Ok(())
    }

    fn object(&mut self, record: &Record<'_>, stem: &str) -> usize {
        let known = self.known.entry((record.topic_index(), record.partition())).or_default();
        if let Some(at) = known.get(stem) {
            return *at;
        }
        let at = self.sorted.objects.len();
        known.insert(stem.to_owned(), at);
        self.joined.push(Vec::new());
        self.sorted.objects.push(Object {
            stem: stem.to_owned(),
            records: Vec::new(),
            kind: self.given.cloned().unwrap_or(Kind::Unknown),
            room: FIELDS_MAX,
            has_schema: self.given.is_some(),
        });
        at
    }

    /// The object's columns take this record, too.
    fn describe(&mut self, at: usize, record: &Record<'_>, cell: Cell<'_>) -> Result<(), String> {
        let object = &mut self.sorted.objects[at];
        if let Some(given) = self.given {
            return parquet::fits(given, cell);
        }
        // The schema of text says nothing of the JSON that it is.
        let schema = record.value_schema().filter(|_| matches!(record.value(), Value::Flat(_)));
        let Some(schema) = schema else {
            return object.kind.absorb(cell, &mut object.room);
        };
        if self.joined[at].iter().any(|joined| joined == schema) {
            return Ok(());
        }
        if !self.schemas.contains_key(schema) {
            if self.schemas.len() >= SCHEMAS_MAX {
                self.schemas.clear();
            }
            self.schemas.insert(schema.to_owned(), parquet::of_record(schema));
        }
        let kind = self.schemas[schema].clone().map_err(|reason| format!("the value's schema: {reason}"))?;
        let Some(kind) = kind else { return object.kind.absorb(cell, &mut object.room) };
        let joined = object.kind.clone().join(kind);
        if joined.columns() > FIELDS_MAX {
            return Err(format!(
                "the value's schema: expected at most {FIELDS_MAX} columns with those of others"
            ));
        }
        (object.kind, object.has_schema) = (joined, true);
        self.joined[at].push(schema.to_owned());
        Ok(())
    }

    /// Values are looked at again where it is a schema that says what their columns are.
    fn settle(mut self, batch: &Batch<'_>) -> Sorted {
        if self.settings.format == Format::Parquet {
            for object in &mut self.sorted.objects {
                object.kind = std::mem::replace(&mut object.kind, Kind::Unknown).settled();
            }
            if self.given.is_none() && self.sorted.objects.iter().any(|object| object.has_schema) {
                self.refuse_unfit(batch);
            }
        }
        self.sorted.objects.retain(|object| !object.records.is_empty());
        self.sorted.rejected.sort_by_key(|(index, _)| *index);
        self.sorted
    }

    fn refuse_unfit(&mut self, batch: &Batch<'_>) {
        let mut owner = vec![None; batch.len()];
        for (at, object) in self.sorted.objects.iter().enumerate().filter(|(_, object)| object.has_schema) {
            object.records.iter().for_each(|index| owner[*index] = Some(at));
        }
        for (index, record) in batch.records().enumerate() {
            let Some(at) = owner[index] else { continue };
            let object = &mut self.sorted.objects[at];
            if let Err(reason) = with_cell(&record, |cell| parquet::fits(&object.kind, cell)) {
                object.records.retain(|other| *other != index);
                self.sorted.rejected.push((index, reason));
            }
        }
    }
}

impl Object {
    pub fn key(&self, batch: &[Record<'_>], settings: &Settings, word: impl FnOnce() -> String) -> String {
        let offset = |index: Option<&usize>| index.map_or(-1, |index| batch[*index].offset());
        let (first, last) = (offset(self.records.first()), offset(self.records.last()));
        let span =
            if first < 0 { Span::Count(word(), self.records.len()) } else { Span::Offsets(first, last) };
        settings.template.finish(&self.stem, &span)
    }

    /// Told apart from others of the batch.
    pub fn stem(&self) -> &str {
        &self.stem
    }
}

/// Looks at a value, whatever it takes to read it.
pub fn with_cell<T>(
    record: &Record<'_>,
    look: impl FnOnce(Cell<'_>) -> Result<T, String>,
) -> Result<T, String> {
    if let Value::Flat(value) = record.value() {
        return look(Cell::Flat(value));
    }
    look(Cell::Json(&read(record)?))
}

fn read(record: &Record<'_>) -> Result<Json, String> {
    serde_json::from_slice(bytes(record)).map_err(|error| format!("expected JSON: {error}"))
}

fn bytes<'a>(record: &Record<'a>) -> &'a [u8] {
    match record.value() {
        Value::Text(text) => text.as_bytes(),
        Value::Bytes(bytes) => bytes,
        Value::Null | Value::Flat(_) => &[],
    }
}

fn check_members(cell: Option<Cell<'_>>) -> Result<(), String> {
    let Some(look) = cell.map(Cell::look) else { return Ok(()) };
    let name = look.name();
    match parquet::members(look) {
        Some(members) if !members.is_empty() => Ok(()),
        Some(_) => Err("expected an object with fields, got one without".into()),
        None => Err(format!("expected an object with fields, got {name}")),
    }
}

const TOMBSTONE: &str = "the record has no value: set s3.tombstones to skip to leave such records out";
/// Of a task; there are as many as its topics have versions.
const SCHEMAS_MAX: usize = 1000;
