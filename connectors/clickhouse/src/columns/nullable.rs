//! `Nullable` columns: one byte a row that says NULL, then the values.
use std::borrow::Cow;

use super::{Buffer, Column};
use crate::json::{Cursor, Fault};

pub struct Nullable {
    nulls: Buffer,
    values: Column,
}

impl Nullable {
    pub fn new(values: Column) -> Self {
        Nullable { nulls: Buffer::default(), values }
    }

    #[inline]
    pub fn append(&mut self, json: &mut Cursor<'_>) -> Result<(), Fault> {
        if json.peek() == b'n' {
            json.literal("null")?;
            self.fill(1);
            return Ok(());
        }
        self.nulls.push(&[0]);
        self.values.append(json)
    }

    /// Where a value goes that is not NULL.
    #[inline]
    pub fn some(&mut self) -> &mut Column {
        self.nulls.push(&[0]);
        &mut self.values
    }

    pub fn fill(&mut self, rows: usize) {
        self.nulls.fill(1, rows);
        self.values.fill(rows);
    }

    #[inline]
    pub fn mark(&mut self) {
        self.nulls.mark();
        self.values.mark();
    }

    pub fn rollback(&mut self) {
        self.nulls.rollback();
        self.values.rollback();
    }

    pub fn cut(&mut self, row_written: bool) {
        self.nulls.cut(row_written);
        self.values.cut(row_written);
    }

    pub fn clear(&mut self) {
        self.nulls.clear();
        self.values.clear();
    }

    pub fn prefix(&self, block: usize, out: &mut Vec<u8>) {
        self.values.prefix(block, out);
    }

    pub fn pieces<'a>(&'a self, block: usize, out: &mut Vec<Cow<'a, [u8]>>) {
        out.push(Cow::Borrowed(self.nulls.block(block)));
        self.values.pieces(block, out);
    }

    pub fn zero_size(&self) -> usize {
        1 + self.values.zero_size()
    }
}
