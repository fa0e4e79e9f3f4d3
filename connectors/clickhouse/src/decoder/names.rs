//! Finds what is done with a field by its name, first by what followed the previous name last time.
use std::collections::HashMap;

use super::paths::Action;
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
    /// Whether a name that is not known may be that of a new column.
    is_open: bool,
    /// Such a name was met for the first time.
    new: bool,
}

struct Entry {
    name: Expected,
    action: Action,
    /// The entry that followed this one.
    next: usize,
}

impl Names {
    pub fn new<'a>(known: impl Iterator<Item = (&'a str, Action)>, is_open: bool) -> Self {
        let mut names = Names { entries: Vec::new(), index: HashMap::new(), is_open, new: false };
        for _ in [START, FORGOTTEN] {
            let action = names.unknown();
            names.entries.push(Entry { name: Expected::new(""), action, next: FORGOTTEN });
        }
        for (name, action) in known {
            names.add(name, action);
        }
        names
    }

    /// The same names where the levels inside them are numbered from `offset`.
    pub fn moved(mut self, offset: u32) -> Self {
        for entry in &mut self.entries {
            match &mut entry.action {
                Action::Inside(level) | Action::Both(_, level) => *level += offset,
                Action::Unknown | Action::Ignored | Action::Column(_) => {}
            }
        }
        self
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
    pub fn action(&self, entry: usize) -> Action {
        self.entries[entry].action
    }

    /// What is done with a field of this name.
    pub fn find(&self, name: &str) -> Action {
        self.index.get(name).map_or(self.unknown(), |entry| self.action(*entry))
    }

    /// The names that something is known of.
    pub fn wanted(&self) -> impl Iterator<Item = (&str, Action)> {
        let known = self.index.iter().map(|(name, entry)| (&**name, self.action(*entry)));
        known.filter(|(_, action)| *action != Action::Unknown)
    }

    /// Whether a name that is not known may be that of a new column.
    pub fn is_open(&self) -> bool {
        self.is_open
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
                self.new |= self.is_open;
                self.add(&name, self.unknown())
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

    fn unknown(&self) -> Action {
        if self.is_open { Action::Unknown } else { Action::Ignored }
    }

    fn add(&mut self, name: &str, action: Action) -> usize {
        let entry = self.entries.len();
        self.entries.push(Entry { name: Expected::new(name), action, next: FORGOTTEN });
        self.index.insert(name.into(), entry);
        entry
    }
}

/// Records may name fields without end; beyond this, unknown names are looked up and not remembered.
const ENTRIES_MAX: usize = 8192;
const NAME_MAX: usize = 256;
