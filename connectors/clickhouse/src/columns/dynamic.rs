//! `Dynamic` columns: the types that a block has, which one each row has, then the values of each type.
use std::borrow::Cow;
use std::collections::HashMap;

use super::{Buffer, Column, push_varint};
use crate::json::{Cursor, Fault};
use crate::types::{Type, infer};
use crate::values::Zones;

pub struct Dynamic {
    kinds: Vec<Kind>,
    places: HashMap<String, u16>,
    /// Two bytes a row: the place of its kind.
    chosen: Buffer,
    /// Blocks that have ended.
    cuts: usize,
    /// How many types there were when the row began.
    marked: usize,
    zones: Zones,
}

/// The values of one type.
struct Kind {
    name: String,
    values: Column,
}

impl Dynamic {
    pub fn new(zones: &Zones) -> Self {
        let zones = Zones { named: HashMap::new(), ..zones.clone() };
        Dynamic {
            kinds: Vec::new(),
            places: HashMap::new(),
            chosen: Buffer::default(),
            cuts: 0,
            marked: 0,
            zones,
        }
    }

    pub fn append(&mut self, json: &mut Cursor<'_>) -> Result<(), Fault> {
        let at = json.position();
        if json.peek() == b'n' {
            json.literal("null")?;
            self.fill(1);
            return Ok(());
        }
        let ty = infer(&mut json.clone())?;
        let place = self.place(&ty, &ty.to_string()).ok_or(Fault::TooManyTypes { at })?;
        self.chosen.push(&place.to_le_bytes());
        self.kinds[usize::from(place)].values.append(json)
    }

    /// Where a value of this type, which has this name, goes. `None` if there are too many types.
    pub fn typed(&mut self, ty: &Type, name: &str) -> Option<&mut Column> {
        let place = self.place(ty, name)?;
        self.chosen.push(&place.to_le_bytes());
        self.kinds.get_mut(usize::from(place)).map(|kind| &mut kind.values)
    }

    /// Where values of this type are, or from now on will be.
    fn place(&mut self, ty: &Type, name: &str) -> Option<u16> {
        if let Some(&place) = self.places.get(name) {
            return Some(place);
        }
        if self.kinds.len() == KINDS_MAX {
            return None;
        }
        let place = self.kinds.len() as u16;
        let mut values = Column::new(ty, &self.zones);
        (0..self.cuts).for_each(|_| values.cut(false));
        self.kinds.push(Kind { name: name.to_owned(), values });
        self.places.insert(name.to_owned(), place);
        Some(place)
    }

    pub fn fill(&mut self, rows: usize) {
        self.chosen.fill(0xFF, 2 * rows);
    }

    pub fn mark(&mut self) {
        self.marked = self.kinds.len();
        self.chosen.mark();
        self.each(Column::mark);
    }

    pub fn rollback(&mut self) {
        self.chosen.rollback();
        // A type that only a refused row had would count against the most that a block may have.
        for kind in self.kinds.drain(self.marked..) {
            self.places.remove(&kind.name);
        }
        self.each(Column::rollback);
    }

    pub fn cut(&mut self, row_written: bool) {
        self.cuts += 1;
        self.chosen.cut(row_written);
        self.each(|values| values.cut(row_written));
    }

    /// The types are kept for the next batch, unless there are more than a table keeps apart.
    pub fn clear(&mut self) {
        self.cuts = 0;
        self.marked = 0;
        self.chosen.clear();
        if self.kinds.len() > KINDS_KEPT {
            self.kinds.clear();
            self.places.clear();
        }
        self.each(Column::clear);
    }

    pub fn prefix(&self, block: usize, out: &mut Vec<u8>) {
        let used = self.used(block);
        out.extend_from_slice(&FLAT.to_le_bytes());
        push_varint(out, used.len());
        for &place in &used {
            push_varint(out, self.kinds[place].name.len());
            out.extend_from_slice(self.kinds[place].name.as_bytes());
        }
        for &place in &used {
            self.kinds[place].values.prefix(block, out);
        }
    }

    pub fn pieces<'a>(&'a self, block: usize, out: &mut Vec<Cow<'a, [u8]>>) {
        let used = self.used(block);
        let mut numbers = vec![used.len(); self.kinds.len()];
        used.iter().enumerate().for_each(|(number, &place)| numbers[place] = number);
        // One byte a row holds the number of a type and the one beyond the last, which stands for NULL.
        let width = if used.len() <= 255 { 1 } else { 2 };
        let mut rows = Vec::with_capacity(self.chosen.block(block).len() / 2 * width);
        for place in self.places(block) {
            let number = numbers.get(place).copied().unwrap_or(used.len());
            rows.extend_from_slice(&(number as u16).to_le_bytes()[..width]);
        }
        out.push(Cow::Owned(rows));
        for place in used {
            self.kinds[place].values.pieces(block, out);
        }
    }

    #[allow(clippy::unused_self)]
    pub fn zero_size(&self) -> usize {
        size_of::<u16>()
    }

    /// The places of the types that a block has, in order.
    fn used(&self, block: usize) -> Vec<usize> {
        let mut is_used = vec![false; self.kinds.len()];
        for place in self.places(block) {
            if let Some(is_used) = is_used.get_mut(place) {
                *is_used = true;
            }
        }
        is_used.iter().enumerate().filter(|(_, used)| **used).map(|(place, _)| place).collect()
    }

    /// The place of each row of a block; NULL is beyond all of them.
    fn places(&self, block: usize) -> impl Iterator<Item = usize> {
        self.chosen
            .block(block)
            .as_chunks::<2>()
            .0
            .iter()
            .map(|place| usize::from(u16::from_le_bytes(*place)))
    }

    fn each(&mut self, act: impl Fn(&mut Column)) {
        self.kinds.iter_mut().for_each(|kind| act(&mut kind.values));
    }
}

/// The layout in which a column is a list of types and their values.
const FLAT: u64 = 3;
/// Types of one batch; each has a column of its own in memory.
const KINDS_MAX: usize = 4096;
const KINDS_KEPT: usize = 32;
