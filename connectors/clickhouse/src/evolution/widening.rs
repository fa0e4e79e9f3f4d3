//! Finds the columns that have to be wider for records that were rejected, by trying.
use std::collections::HashMap;

use super::described::{Described, Known};
use super::wider::wider;
use crate::columns;
use crate::incoming::Incoming;
use crate::json::Cursor;
use crate::proposal::{Facts, row, values};
use crate::shape::Shape;
use crate::types::{self, Type};
use crate::values::Zones;

/// The columns to widen, each with its new type.
pub fn widenings<'a, 'b>(
    records: impl Iterator<Item = &'b Incoming<'b>>,
    shape: &Shape,
    table: &'a Described,
    zones: &Zones,
) -> Vec<(&'a Known, String)> {
    let mut trials: HashMap<&str, Trial<'_>> = HashMap::new();
    for known in table.columns.iter().filter(|known| !known.is_key) {
        if let Some(trial) = Trial::open(known, zones) {
            trials.insert(&known.column.name, trial);
        }
    }
    for record in records {
        let Some(row) = record.value.and_then(|value| row(value, shape)) else { continue };
        values(&row, shape, &mut |column, raw| {
            if let Some(trial) = trials.get_mut(column).filter(|_| raw != "null") {
                trial.take(raw, zones);
            }
        });
    }
    table
        .columns
        .iter()
        .filter_map(|known| {
            let trial = trials.get(known.column.name.as_str()).filter(|trial| trial.is_changed)?;
            Some((known, trial.type_text()))
        })
        .collect()
}

/// A column, and the type that holds all values so far.
struct Trial<'a> {
    known: &'a Known,
    ty: Type,
    column: columns::Column,
    is_changed: bool,
}

impl<'a> Trial<'a> {
    /// `None` for a type that is not all there once it was parsed: its text could not be written again.
    fn open(known: &'a Known, zones: &Zones) -> Option<Self> {
        let text = known.column.type_text.as_str();
        let ty = types::parse(text).ok()?;
        let is_whole = ty.to_string() == inside(text);
        is_whole.then(|| Trial { known, column: columns::Column::new(&ty, zones), ty, is_changed: false })
    }

    fn take(&mut self, raw: &str, zones: &Zones) {
        if holds(&mut self.column, raw) {
            return;
        }
        let (mut facts, mut room) = (Facts::default(), NAMES_MAX);
        let read = facts.read(&mut Cursor::new(raw), 1, &mut room);
        let Some(ty) = wider(&self.ty, &facts).filter(|_| read.is_ok()) else { return };
        let mut column = columns::Column::new(&ty, zones);
        if holds(&mut column, raw) {
            (self.ty, self.column, self.is_changed) = (ty, column, true);
        }
    }

    fn type_text(&self) -> String {
        if self.known.column.type_text.starts_with(LOW) {
            format!("{LOW}{})", self.ty)
        } else {
            self.ty.to_string()
        }
    }
}

fn inside(text: &str) -> &str {
    text.strip_prefix(LOW).and_then(|rest| rest.strip_suffix(')')).unwrap_or(text)
}

fn holds(column: &mut columns::Column, raw: &str) -> bool {
    column.mark();
    let mut json = Cursor::new(raw);
    let holds = column.append(&mut json).is_ok() && json.end().is_ok();
    column.rollback();
    holds
}

const LOW: &str = "LowCardinality(";
/// Names of the keys of maps: more than a few of them say no more of the type.
const NAMES_MAX: usize = 1000;
