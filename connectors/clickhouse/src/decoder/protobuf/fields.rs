//! What becomes of a message's fields: the columns of one table, by name, by path, or none.
use formats::protobuf::{Absent, Field, Label, Outline, Type as Proto};

use super::super::Slot;
use super::super::paths::{Action, Paths};
use super::super::rows::Rows;
use super::super::slot::Default;
use crate::binary::{Fault, Taken};
use crate::protobuf::{
    Chain, Compiler, Part, Replaced, Run, Step, Texts, Wanted, entry, entry_name, entry_wanted, needed,
};
use crate::types;

/// What is done with the values of one field.
#[derive(Debug)]
pub enum Row {
    /// No column has it, and the table may get one.
    Unknown,
    Column(u32, Part),
    /// A message whose fields are looked for.
    Level(Level),
    Keys(Keys),
    /// Why no value fits, as a sentence.
    Refused(String),
    /// The same values for fields inside of them, and for a column.
    Both(Box<Row>, Box<Row>),
}

/// The fields of a message that go somewhere, in the order of their numbers.
#[derive(Debug)]
pub struct Level {
    wanted: Wanted,
    /// A member of a `oneof` may be there for the others only.
    rows: Vec<Option<Row>>,
}

/// A map whose keys are looked for like the names of fields.
#[derive(Debug)]
pub struct Keys {
    known: Vec<(Box<str>, Row)>,
    wanted: Wanted,
    /// Whether a key that is not known may be that of a new column.
    is_open: bool,
}

/// A program that finds a message's fields in the columns of a table.
pub struct Finder<'a> {
    pub compiler: Compiler<'a>,
    pub paths: &'a Paths,
    pub slots: &'a [Slot],
    /// The schema has fields that the table has not.
    pub has_unknown: bool,
    /// The slot whose column takes no value of its field.
    pub unfit: Option<u32>,
}

/// An error is a sentence on why a schema goes into no row.
pub type Found<T> = Result<T, String>;

impl<'a> Finder<'a> {
    pub fn new(
        (outline, texts, counts_enums): (&'a Outline, &'a Texts, bool),
        paths: &'a Paths,
        slots: &'a [Slot],
    ) -> Self {
        let compiler = Compiler::new(outline, texts, counts_enums);
        Finder { compiler, paths, slots, has_unknown: false, unfit: None }
    }

    /// Fields of the message at `place` are looked for at this level.
    pub fn level(&mut self, place: usize, level: usize) -> Found<Level> {
        let outline = self.compiler.outline;
        let mut rows = Vec::new();
        for field in &outline.messages[place].fields {
            let action = self.paths.levels[level].find(&field.name);
            rows.push((field, self.act(action, field)?));
        }
        let rows = needed(rows);
        let wanted: Vec<_> = rows.iter().map(|(field, _)| (field.number, field.union)).collect();
        Ok(Level { wanted: Wanted::new(&wanted), rows: rows.into_iter().map(|(_, row)| row).collect() })
    }

    fn act(&mut self, action: Action, field: &Field) -> Found<Option<Row>> {
        Ok(match action {
            Action::Column(slot) => Some(self.column(slot, field)?),
            Action::Inside(level) => self.inside(field, level as usize)?,
            Action::Both(slot, level) => {
                let column = self.column(slot, field)?;
                match self.inside(field, level as usize)? {
                    Some(inside) => Some(Row::Both(Box::new(inside), Box::new(column))),
                    None => Some(column),
                }
            }
            Action::Ignored => None,
            Action::Unknown => {
                self.has_unknown = true;
                Some(Row::Unknown)
            }
        })
    }

    /// What has no fields is passed over.
    pub fn inside(&mut self, field: &Field, level: usize) -> Found<Option<Row>> {
        let outline = self.compiler.outline;
        match (field.label, field.of) {
            (Label::One, Proto::Message(place)) => Ok(Some(Row::Level(self.level(place, level)?))),
            (Label::Map, of) => {
                let Some([key, value]) = entry(outline, of) else { return Ok(None) };
                if key.of != Proto::Text {
                    return Ok(None);
                }
                let names = &self.paths.levels[level];
                let mut known = Vec::new();
                for (name, action) in names.wanted() {
                    // Only records that have the key are refused for it.
                    let row = self.act(action, value).unwrap_or_else(|sentence| Some(Row::Refused(sentence)));
                    known.extend(row.map(|row| (name.into(), row)));
                }
                Ok(Some(Row::Keys(Keys { known, wanted: entry_wanted(), is_open: names.is_open() })))
            }
            _ => Ok(None),
        }
    }

    /// Values go to a column.
    pub fn column(&mut self, slot: u32, field: &Field) -> Found<Row> {
        let Slot { name, field: path, type_text, advice, default, .. } = &self.slots[slot as usize];
        let held = (field.label, field.of);
        let Ok(ty) = types::parse(type_text) else {
            let what = self.compiler.unfit(held).what;
            let advice = advice.map(|advice| format!(": {advice}")).unwrap_or_default();
            return Err(format!(
                "field {path}: protobuf {what} cannot be inserted, because column {name} {type_text} has a type that this sink does not write{advice}"
            ));
        };
        let part = self.compiler.part(field, &ty).map_err(|unfit| {
            self.unfit = Some(slot);
            let path = unfit.field(path);
            format!("field {path}: protobuf {} does not fit column {name} {type_text}", unfit.what)
        })?;
        // Another filling than zero is not what a field that is not there stands for.
        let absent = match (&part.absent, *default) {
            (Absent::Null, Default::Zero) => Absent::Null,
            _ if matches!(part.step, Step::Places(..)) => Absent::Null,
            _ => field.absent.clone(),
        };
        Ok(Row::Column(slot, Part { absent, ..part }))
    }
}

/// A record while it is read.
pub struct Reading<'a> {
    pub run: Run<'a>,
    pub rows: &'a mut Rows,
    /// A field was met that the table has not.
    pub has_unknown: bool,
    /// The slot whose value is at hand.
    pub slot: Option<u32>,
}

impl<'a> Reading<'a> {
    pub fn new(run: Run<'a>, rows: &'a mut Rows) -> Self {
        Reading { run, rows, has_unknown: false, slot: None }
    }

    /// Reads a message. After a fault, `rows` hold part of it.
    pub fn level(&mut self, level: &Level, message: Chain) -> Taken<()> {
        let frame = self.run.notes.open(self.run.body, &level.wanted, message)?;
        for (place, row) in level.rows.iter().enumerate() {
            let values = self.run.notes.values(frame, place);
            match row {
                Some(Row::Column(slot, part)) => self.column(*slot, part, values)?,
                Some(row) => self.row(row, values)?,
                None => {}
            }
        }
        self.run.notes.close(frame);
        Ok(())
    }

    pub fn row(&mut self, row: &Row, values: Chain) -> Taken<()> {
        match row {
            Row::Column(slot, part) => self.column(*slot, part, values),
            Row::Both(inside, column) => {
                self.row(inside, values)?;
                self.row(column, values)
            }
            _ if values.is_empty() => Ok(()),
            Row::Level(level) => self.level(level, values),
            Row::Keys(keys) => self.keys(keys, values),
            Row::Refused(sentence) => Err(Fault::broken(sentence.as_str())),
            Row::Unknown => {
                self.has_unknown = true;
                Ok(())
            }
        }
    }

    #[inline]
    fn column(&mut self, slot: u32, part: &Part, values: Chain) -> Taken<()> {
        if values.is_empty() && part.absent == Absent::Null {
            return Ok(());
        }
        self.slot = Some(slot);
        if let Some(column) = self.rows.column(slot as usize, false) {
            self.run.part(column, part, values)?;
        }
        self.slot = None;
        Ok(())
    }

    /// Of a key that comes twice the last value counts.
    fn keys(&mut self, keys: &Keys, values: Chain) -> Taken<()> {
        let replaced = Replaced::find(self.run.notes, values, self.run.body)?;
        let (mut rest, mut at) = (values, 0);
        while let Some((payload, one)) = self.run.notes.next(&mut rest) {
            at += 1;
            if replaced.has(at - 1) {
                continue;
            }
            let name = entry_name(self.run.body, payload)?;
            let Some((_, row)) = keys.known.iter().find(|(known, _)| known.as_bytes() == name) else {
                self.has_unknown |= keys.is_open;
                continue;
            };
            let frame = self.run.notes.open(self.run.body, &keys.wanted, one)?;
            self.row(row, self.run.notes.values(frame, 1))?;
            self.run.notes.close(frame);
        }
        Ok(())
    }
}
