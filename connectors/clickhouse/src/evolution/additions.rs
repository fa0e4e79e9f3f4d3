//! Finds the columns that a table lacks for the records of a sample.
use std::collections::HashSet;

use super::described::Described;
use crate::proposal::{COLUMNS_MAX, Column, Sample, admit, fields};
use crate::shape::Shape;

/// What the fields without a column come to.
#[derive(Default)]
pub struct Additions {
    pub columns: Vec<Column>,
    /// Fields that get none, and why.
    pub declined: Vec<(String, &'static str)>,
}

/// Columns for fields that have a value. Rows that are there already have none, so it can be NULL where the type allows.
pub fn additions(sample: &Sample, shape: &Shape, table: &Described, objects_as_json: bool) -> Additions {
    let mut names: HashSet<String> = table.columns.iter().map(|known| known.column.name.clone()).collect();
    let known = names.clone();
    let mut result = Additions::default();
    for found in fields(&sample.root, shape, &|name| known.contains(name)) {
        let Some(type_text) =
            found.column_type(objects_as_json, true).filter(|_| !known.contains(&found.name))
        else {
            continue;
        };
        let is_full = names.len() >= COLUMNS_MAX;
        match admit(&found.name, &names) {
            Ok(()) if is_full => result.declined.push((found.name, "the table has a thousand columns")),
            Ok(()) => {
                names.insert(found.name.clone());
                result.columns.push(Column { name: found.name, type_text });
            }
            Err(reason) => result.declined.push((found.name, reason)),
        }
    }
    result
}
