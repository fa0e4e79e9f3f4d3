//! Bytes of a column that can forget a half-written row and be cut into blocks.
use std::ops::Range;

/// Append-only bytes. `mark` is where the current row begins; `cuts` is where blocks after the first begin.
#[derive(Default)]
pub struct Buffer {
    pub bytes: Vec<u8>,
    mark: usize,
    cuts: Vec<usize>,
}

impl Buffer {
    /// A row begins here.
    #[inline]
    pub fn mark(&mut self) {
        self.mark = self.bytes.len();
    }

    /// Forgets what was written since the mark.
    pub fn rollback(&mut self) {
        self.bytes.truncate(self.mark);
    }

    /// A block ends, before the current row if that one was written already.
    pub fn cut(&mut self, row_written: bool) {
        self.cuts.push(if row_written { self.mark } else { self.bytes.len() });
    }

    /// Empties the buffer and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.cuts.clear();
        self.mark = 0;
    }

    /// Where a block lies.
    pub fn range(&self, block: usize) -> Range<usize> {
        let start = block.checked_sub(1).and_then(|before| self.cuts.get(before)).copied().unwrap_or(0);
        start..self.cuts.get(block).copied().unwrap_or(self.bytes.len())
    }

    pub fn block(&self, block: usize) -> &[u8] {
        &self.bytes[self.range(block)]
    }

    #[inline]
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub fn fill(&mut self, byte: u8, count: usize) {
        self.bytes.resize(self.bytes.len() + count, byte);
    }
}
