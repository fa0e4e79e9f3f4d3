//! Finds the column of a field's name, first by what followed the previous name last time.
use std::collections::HashMap;

use crate::json::{Cursor, Expected, Fault};

/// Stands before the first name of a record.
pub const START: usize = 0;
/// Stands for a name that was not remembered.
const FORGOTTEN: usize = 1;

/// Names that were seen, each with the one that followed it: records of one shape find every name by one
/// comparison, and a record that leaves a field out misses once.
pub struct Names {
    entries: Vec<Entry>,
    index: HashMap<Box<str>, usize>,
    /// A name without a column was met for the first time.
    new: bool,
}

struct Entry {
    name: Expected,
    slot: Option<usize>,
    /// The entry that followed this one.
    next: usize,
}

impl Names {
    /// `columns` in the order of their slots.
    pub fn new<'a>(columns: impl Iterator<Item = &'a str>) -> Self {
        let mut names = Names { entries: Vec::new(), index: HashMap::new(), new: false };
        names.entries.push(Entry { name: Expected::new(""), slot: None, next: FORGOTTEN });
        names.entries.push(Entry { name: Expected::new(""), slot: None, next: FORGOTTEN });
        for (slot, name) in columns.enumerate() {
            names.add(name, Some(slot));
        }
        names
    }

    /// Reads a name and its colon.
    #[inline]
    pub fn read(&mut self, json: &mut Cursor<'_>, previous: usize) -> Result<usize, Fault> {
        let next = self.entries[previous].next;
        if next != FORGOTTEN && json.take_name(&self.entries[next].name) {
            return Ok(next);
        }
        self.look_up(json, previous)
    }

    #[inline]
    pub fn slot(&self, entry: usize) -> Option<usize> {
        self.entries[entry].slot
    }

    pub fn take_new(&mut self) -> bool {
        std::mem::take(&mut self.new)
    }

    fn look_up(&mut self, json: &mut Cursor<'_>, previous: usize) -> Result<usize, Fault> {
        let name = json.string()?;
        json.expect(b':', "\":\"")?;
        let found = match self.index.get(&*name) {
            Some(&found) => found,
            None if self.entries.len() < ENTRIES_MAX && name.len() <= NAME_MAX => {
                self.new = true;
                self.add(&name, None)
            }
            None => FORGOTTEN,
        };
        // A name is compared with the text of the record, so one that needs escapes is never predicted.
        let needs_escapes = |byte: u8| byte == b'"' || byte == b'\\' || byte < 0x20;
        if !name.bytes().any(needs_escapes) {
            self.entries[previous].next = found;
        }
        Ok(found)
    }

    fn add(&mut self, name: &str, slot: Option<usize>) -> usize {
        let entry = self.entries.len();
        self.entries.push(Entry { name: Expected::new(name), slot, next: FORGOTTEN });
        self.index.insert(name.into(), entry);
        entry
    }
}

/// Records may name fields without end; beyond this, unknown names are looked up and not remembered.
const ENTRIES_MAX: usize = 8192;
const NAME_MAX: usize = 256;
