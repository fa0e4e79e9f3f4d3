//! The rows of a batch: which columns the record at hand has written, and where blocks begin.
use super::Fault;
use super::slot::{Default, Slot};
use crate::columns::Column;
use crate::json::Cursor;
use crate::native::Run;

#[derive(std::default::Default)]
pub struct Rows {
    pub slots: Vec<Slot>,
    /// Rows complete so far.
    pub count: usize,
    /// Blocks begun so far; the last one is open.
    pub runs: Vec<Run>,
    /// Slots whose DEFAULT expression only runs when the column is absent from the whole block.
    pub hard: Vec<usize>,
    /// Slots written by the record at hand.
    touched: Vec<usize>,
}

impl Rows {
    pub fn new(slots: Vec<Slot>) -> Self {
        let hard = (0..slots.len()).filter(|&index| slots[index].default == Default::WholeBlock).collect();
        Rows { slots, hard, ..Rows::default() }
    }

    /// A record begins.
    #[inline]
    pub fn begin(&mut self) {
        self.touched.clear();
    }

    /// Reads a field's value into its column. Of a name that comes twice the last value counts.
    #[inline]
    pub fn field(&mut self, index: usize, json: &mut Cursor<'_>) -> Result<(), Fault> {
        let slot = &mut self.slots[index];
        if json.peek() == b'n' && !slot.keeps_null() {
            json.literal("null")?;
            slot.rollback(self.count);
            return Ok(());
        }
        if slot.begin(self.count) {
            self.touched.push(index);
        }
        slot.append(json)
    }

    /// Where a field's value goes, as for [`Self::field`]. `None` where NULL says that there is none.
    #[inline]
    pub fn column(&mut self, index: usize, is_null: bool) -> Option<&mut Column> {
        let slot = &mut self.slots[index];
        if is_null && !slot.keeps_null() {
            slot.rollback(self.count);
            return None;
        }
        if slot.begin(self.count) {
            self.touched.push(index);
        }
        slot.values.as_mut()
    }

    /// Whether the record at hand has written this slot.
    pub fn has(&self, index: usize) -> bool {
        self.slots[index].has(self.count)
    }

    /// Forgets what the record at hand has written.
    pub fn rollback(&mut self) {
        for &index in &self.touched {
            self.slots[index].rollback(self.count);
        }
        self.touched.clear();
    }

    /// Takes the row in, in a new block if it has other columns than the open one or if that one is full. True
    /// if it is the first row of a block that follows another one.
    #[inline]
    pub fn end(&mut self) -> bool {
        let full = self.runs.last().is_none_or(|run| run.rows == BLOCK_ROWS_MAX);
        let cuts = (full || !self.fits_open_run()) && self.begin_block();
        if let Some(run) = self.runs.last_mut() {
            run.rows += 1;
        }
        self.count += 1;
        cuts
    }

    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.count = 0;
        self.runs.clear();
        self.slots.iter_mut().for_each(Slot::clear);
    }

    fn begin_block(&mut self) -> bool {
        let cuts = self.count > 0;
        if cuts {
            self.slots.iter_mut().for_each(|slot| slot.cut(self.count));
        }
        let written = |&index: &usize| self.slots[index].has(self.count);
        self.runs.push(Run { rows: 0, present: self.hard.iter().map(written).collect() });
        cuts
    }

    fn fits_open_run(&self) -> bool {
        let Some(run) = self.runs.last() else {
            return false;
        };
        self.hard
            .iter()
            .zip(&run.present)
            .all(|(&index, &present)| self.slots[index].has(self.count) == present)
    }
}

/// Rows of one block. The server holds a block in memory at once and splits nothing below this.
pub const BLOCK_ROWS_MAX: usize = 100_000;
