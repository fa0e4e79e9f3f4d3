//! `Array` columns: where each row's elements end, then the elements of all rows.
use std::borrow::Cow;

use super::{Buffer, Column};
use crate::json::{Cursor, Fault};

/// Row ends, as Native counts them: elements since the block began, eight bytes each.
#[derive(Default)]
pub struct Ends(Buffer);

impl Ends {
    /// Ends a row of `elements` elements.
    #[inline]
    pub fn push(&mut self, elements: u64) {
        let end = self.last(self.0.bytes.len()) + elements;
        self.0.push(&end.to_le_bytes());
    }

    /// Reads the elements of a row between two brackets, each by `element`; null is none.
    pub fn append<'j>(
        &mut self,
        json: &mut Cursor<'j>,
        (open, close): (u8, u8),
        mut element: impl FnMut(&mut Cursor<'j>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let at = json.position();
        match json.peek() {
            byte if byte == open => {}
            b'n' => {
                json.literal("null")?;
                self.push(0);
                return Ok(());
            }
            _ => return Err(Fault::Misfit { at }),
        }
        json.enter()?;
        let mut count = 0;
        let mut more = json.any(close)?;
        while more {
            element(json)?;
            count += 1;
            more = json.more(close)?;
        }
        self.push(count);
        Ok(())
    }

    pub fn fill(&mut self, rows: usize) {
        (0..rows).for_each(|_| self.push(0));
    }

    pub fn mark(&mut self) {
        self.0.mark();
    }

    pub fn rollback(&mut self) {
        self.0.rollback();
    }

    pub fn cut(&mut self, row_written: bool) {
        self.0.cut(row_written);
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Counts are kept since the first block and are made to start anew for each later one.
    pub fn pieces<'a>(&'a self, block: usize, out: &mut Vec<Cow<'a, [u8]>>) {
        let base = self.last(self.0.range(block).start);
        let bytes = self.0.block(block);
        if base == 0 {
            return out.push(Cow::Borrowed(bytes));
        }
        let (ends, _) = bytes.as_chunks::<8>();
        let rebased = ends.iter().flat_map(|end| (u64::from_le_bytes(*end) - base).to_le_bytes());
        out.push(Cow::Owned(rebased.collect()));
    }

    #[allow(clippy::unused_self)]
    pub fn zero_size(&self) -> usize {
        size_of::<u64>()
    }

    fn last(&self, before: usize) -> u64 {
        self.0.bytes[..before].last_chunk::<8>().map_or(0, |end| u64::from_le_bytes(*end))
    }
}

pub struct Array {
    ends: Ends,
    elements: Column,
}

impl Array {
    pub fn new(elements: Column) -> Self {
        Array { ends: Ends::default(), elements }
    }

    /// Where the elements of the row at hand go; `end` says how many they were.
    pub fn elements(&mut self) -> &mut Column {
        &mut self.elements
    }

    pub fn end(&mut self, elements: u64) {
        self.ends.push(elements);
    }

    pub fn append(&mut self, json: &mut Cursor<'_>) -> Result<(), Fault> {
        self.ends.append(json, (b'[', b']'), |json| self.elements.append(json))
    }

    pub fn fill(&mut self, rows: usize) {
        self.ends.fill(rows);
    }

    pub fn mark(&mut self) {
        self.ends.mark();
        self.elements.mark();
    }

    pub fn rollback(&mut self) {
        self.ends.rollback();
        self.elements.rollback();
    }

    pub fn cut(&mut self, row_written: bool) {
        self.ends.cut(row_written);
        self.elements.cut(row_written);
    }

    pub fn clear(&mut self) {
        self.ends.clear();
        self.elements.clear();
    }

    pub fn prefix(&self, block: usize, out: &mut Vec<u8>) {
        self.elements.prefix(block, out);
    }

    pub fn pieces<'a>(&'a self, block: usize, out: &mut Vec<Cow<'a, [u8]>>) {
        self.ends.pieces(block, out);
        self.elements.pieces(block, out);
    }

    pub fn zero_size(&self) -> usize {
        self.ends.zero_size()
    }
}
