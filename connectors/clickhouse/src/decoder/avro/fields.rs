//! What becomes of a record's fields: the columns of one table, by name, by path, or none.
use formats::avro::{Schema, Type as Avro};

use super::super::Slot;
use super::super::paths::{Action, Paths};
use super::super::rows::Rows;
use crate::avro::{Compiler, Run, Skips, Step, Texts, wire};
use crate::binary::{Fault, Taken};
use crate::types;

/// What is done with the bytes of one field.
#[derive(Debug)]
pub enum Row {
    /// The place of its type.
    Skip(usize),
    /// There is no row: the value is null.
    Nothing,
    /// What it is instead of a record, in words.
    NoRecord(String),
    /// Why no value fits, as a sentence.
    Refused(String),
    Column(u32, Step),
    Fields(Vec<Row>),
    Keys(Keys),
    Union(Vec<Row>),
    /// The same bytes for fields inside of it, and for a column.
    Both(Box<Row>, Box<Row>),
}

/// A map whose keys are looked for like the names of fields.
#[derive(Debug)]
pub struct Keys {
    known: Vec<(Box<str>, Row)>,
    /// The place of the type of its values.
    other: usize,
    /// Whether a key that is not known may be that of a new column.
    is_open: bool,
}

/// What the programs of a schema share.
#[derive(Debug)]
pub struct Shared {
    pub skips: Skips,
    pub texts: Texts,
}

impl Shared {
    pub fn new(schema: &Schema) -> Self {
        Shared { skips: Skips::new(schema), texts: Texts::new(schema) }
    }

    pub fn run(&self) -> Run<'_> {
        Run::new(&self.skips, &self.texts)
    }
}

/// A program that finds a record's fields in the columns of a table.
pub struct Finder<'a> {
    pub compiler: Compiler<'a>,
    pub paths: &'a Paths,
    pub slots: &'a [Slot],
    /// The schema has fields that the table has not.
    pub has_unknown: bool,
    /// The slot whose column takes no value of its field.
    pub unfit: Option<u32>,
}

/// Why a schema goes into no row, as a sentence.
pub type Found = Result<Row, String>;

impl<'a> Finder<'a> {
    pub fn new(schema: &'a Schema, paths: &'a Paths, slots: &'a [Slot]) -> Self {
        Finder { compiler: Compiler::new(schema), paths, slots, has_unknown: false, unfit: None }
    }

    /// A value of the type at `place` is a whole row.
    pub fn row(&mut self, place: usize) -> Found {
        match &self.compiler.schema.node(place).kind {
            Avro::Record(_) | Avro::Map(_) => self.inside(place, 0),
            Avro::Null => Ok(Row::Nothing),
            Avro::Union(branches) => {
                branches.iter().map(|branch| self.row(*branch)).collect::<Result<_, _>>().map(Row::Union)
            }
            _ => Ok(Row::NoRecord(self.compiler.unfit(place).what)),
        }
    }

    /// Fields of a value are looked for at this level. What has none is stepped over.
    pub fn inside(&mut self, place: usize, level: usize) -> Found {
        let schema = self.compiler.schema;
        match &schema.node(place).kind {
            Avro::Record(fields) => {
                let rows = fields.iter().map(|field| {
                    let action = self.paths.levels[level].find(&field.name);
                    self.act(action, field.node)
                });
                rows.collect::<Result<_, _>>().map(Row::Fields)
            }
            Avro::Map(values) => {
                let names = &self.paths.levels[level];
                let mut known = Vec::new();
                for (name, action) in names.wanted() {
                    // Only records that have the key are refused for it.
                    known.push((name.into(), self.act(action, *values).unwrap_or_else(Row::Refused)));
                }
                Ok(Row::Keys(Keys { known, other: *values, is_open: names.is_open() }))
            }
            Avro::Union(branches) => {
                let rows = branches.iter().map(|branch| self.inside(*branch, level));
                rows.collect::<Result<_, _>>().map(Row::Union)
            }
            _ => Ok(Row::Skip(place)),
        }
    }

    fn act(&mut self, action: Action, place: usize) -> Found {
        match action {
            Action::Column(slot) => self.column(slot, place),
            Action::Inside(level) => self.inside(place, level as usize),
            Action::Both(slot, level) => Ok(Row::Both(
                Box::new(self.inside(place, level as usize)?),
                Box::new(self.column(slot, place)?),
            )),
            Action::Ignored => Ok(Row::Skip(place)),
            Action::Unknown => {
                // A type without values is no reason for a column.
                self.has_unknown |= self.compiler.schema.node(place).kind != Avro::Null;
                Ok(Row::Skip(place))
            }
        }
    }

    /// A value goes to a column.
    pub fn column(&mut self, slot: u32, place: usize) -> Found {
        let Slot { name, field, type_text, advice, .. } = &self.slots[slot as usize];
        let Ok(ty) = types::parse(type_text) else {
            let what = self.compiler.unfit(place).what;
            let advice = advice.map(|advice| format!(": {advice}")).unwrap_or_default();
            return Err(format!(
                "field {field}: avro {what} cannot be inserted, because column {name} {type_text} has a type that this sink does not write{advice}"
            ));
        };
        let step = self.compiler.step(place, &ty);
        step.map(|step| Row::Column(slot, step)).map_err(|unfit| {
            self.unfit = Some(slot);
            let field = unfit.field(field);
            format!("field {field}: avro {} does not fit column {name} {type_text}", unfit.what)
        })
    }
}

/// A record while it is read.
pub struct Reading<'a> {
    run: Run<'a>,
    rows: &'a mut Rows,
    /// It has keys that the table has not.
    pub has_unknown: bool,
    /// It is null.
    pub is_nothing: bool,
    /// The slot whose value is read.
    pub slot: Option<u32>,
}

impl<'a> Reading<'a> {
    pub fn new(shared: &'a Shared, rows: &'a mut Rows) -> Self {
        Reading { run: shared.run(), rows, has_unknown: false, is_nothing: false, slot: None }
    }

    pub fn run(&mut self) -> &mut Run<'a> {
        &mut self.run
    }

    /// Reads a value. After a fault, `rows` hold part of it.
    pub fn row(&mut self, row: &Row, rest: &mut &[u8]) -> Taken<()> {
        match row {
            Row::Column(slot, step) => self.column(*slot, step, rest),
            Row::Skip(place) => self.run.skips.skip(*place, rest),
            Row::Fields(rows) => {
                for row in rows {
                    match row {
                        // Nearly all of them.
                        Row::Column(slot, step) => self.column(*slot, step, rest)?,
                        other => self.row(other, rest)?,
                    }
                }
                Ok(())
            }
            Row::Union(rows) => {
                let chosen = wire::index(rest, rows.len(), "branch")?;
                self.row(&rows[chosen], rest)
            }
            Row::Keys(keys) => self.keys(keys, rest),
            Row::Both(inside, column) => {
                self.row(inside, &mut &**rest)?;
                self.row(column, rest)
            }
            Row::Nothing => {
                self.is_nothing = true;
                Ok(())
            }
            Row::Refused(sentence) => Err(Fault::broken(sentence.as_str())),
            Row::NoRecord(what) => {
                Err(Fault::broken(format!("{what} is no record, so it has no fields to insert")))
            }
        }
    }

    /// `null` in a column that has none is the absence of a value.
    #[inline]
    fn column(&mut self, slot: u32, step: &Step, rest: &mut &[u8]) -> Taken<()> {
        self.slot = Some(slot);
        let step = step.chosen(rest)?;
        if let Some(column) = self.rows.column(slot as usize, matches!(step, Step::Null)) {
            self.run.value(column, step, rest)?;
        }
        self.slot = None;
        Ok(())
    }

    fn keys(&mut self, keys: &Keys, rest: &mut &[u8]) -> Taken<()> {
        loop {
            let (count, _) = wire::block(rest)?;
            if count == 0 {
                return Ok(());
            }
            for _ in 0..count {
                let key = wire::text(rest)?;
                if let Some((_, row)) = keys.known.iter().find(|(name, _)| &**name == key) {
                    self.row(row, rest)?;
                } else {
                    self.has_unknown |= keys.is_open;
                    self.run.skips.skip(keys.other, rest)?;
                }
            }
        }
    }
}
