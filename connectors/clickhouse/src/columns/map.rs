//! `Map` columns: an array of keys and values. A key that comes twice stays twice, as the server keeps it.
use std::borrow::Cow;

use super::{Column, array::Ends};
use crate::json::{Cursor, Fault};

pub struct Map {
    ends: Ends,
    keys: Column,
    values: Column,
}

impl Map {
    pub fn new(keys: Column, values: Column) -> Self {
        Map { ends: Ends::default(), keys, values }
    }

    /// Where keys and values of the row at hand go; `end` says how many they were.
    pub fn entries(&mut self) -> (&mut Column, &mut Column) {
        (&mut self.keys, &mut self.values)
    }

    pub fn end(&mut self, entries: u64) {
        self.ends.push(entries);
    }

    pub fn append(&mut self, json: &mut Cursor<'_>) -> Result<(), Fault> {
        self.ends.append(json, (b'{', b'}'), |json| {
            let at = json.position();
            let name = json.string()?;
            self.keys.append_name(&name).ok_or(Fault::Misfit { at })?;
            json.expect(b':', "\":\"")?;
            self.values.append(json)
        })
    }

    pub fn fill(&mut self, rows: usize) {
        self.ends.fill(rows);
    }

    pub fn mark(&mut self) {
        self.ends.mark();
        self.keys.mark();
        self.values.mark();
    }

    pub fn rollback(&mut self) {
        self.ends.rollback();
        self.keys.rollback();
        self.values.rollback();
    }

    pub fn cut(&mut self, row_written: bool) {
        self.ends.cut(row_written);
        self.keys.cut(row_written);
        self.values.cut(row_written);
    }

    pub fn clear(&mut self) {
        self.ends.clear();
        self.keys.clear();
        self.values.clear();
    }

    pub fn prefix(&self, block: usize, out: &mut Vec<u8>) {
        self.keys.prefix(block, out);
        self.values.prefix(block, out);
    }

    pub fn pieces<'a>(&'a self, block: usize, out: &mut Vec<Cow<'a, [u8]>>) {
        self.ends.pieces(block, out);
        self.keys.pieces(block, out);
        self.values.pieces(block, out);
    }

    pub fn zero_size(&self) -> usize {
        self.ends.zero_size()
    }
}
