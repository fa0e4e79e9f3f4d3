//! `LowCardinality` columns, where the server does not make them of plain ones: the values, then where each row
//! has its own.
use std::borrow::Cow;

use super::{Buffer, Column};
use crate::json::{Cursor, Fault};
use crate::types::Type;
use crate::values::Zones;

pub struct LowCardinality {
    /// One byte a row: 1 for NULL, which has no value of its own.
    nulls: Buffer,
    values: Column,
    /// A column of one zero value, to begin the dictionary with.
    zero: Column,
    is_nullable: bool,
}

impl LowCardinality {
    pub fn new(inner: &Type, zones: &Zones) -> Self {
        let (plain, is_nullable) = match inner {
            Type::Nullable(plain) => (&**plain, true),
            plain => (plain, false),
        };
        let mut zero = Column::new(plain, zones);
        zero.fill(1);
        LowCardinality { nulls: Buffer::default(), values: Column::new(plain, zones), zero, is_nullable }
    }

    pub fn append(&mut self, json: &mut Cursor<'_>) -> Result<(), Fault> {
        if json.peek() == b'n' {
            json.literal("null")?;
            self.fill(1);
            return Ok(());
        }
        self.nulls.push(&[0]);
        self.values.append(json)
    }

    pub fn append_name(&mut self, name: &str) -> Option<()> {
        self.nulls.push(&[0]);
        self.values.append_name(name)
    }

    /// Where a value goes that is not NULL.
    pub fn some(&mut self) -> &mut Column {
        self.nulls.push(&[0]);
        &mut self.values
    }

    /// NULLs, or zero values: both are in the dictionary already.
    pub fn fill(&mut self, rows: usize) {
        self.nulls.fill(1, rows);
    }

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

    #[allow(clippy::unused_self)]
    pub fn prefix(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&WITH_DICTIONARY.to_le_bytes());
    }

    /// The dictionary begins with NULL and the zero value. A value that comes twice is in it twice, which
    /// the server mends.
    pub fn pieces<'a>(&'a self, block: usize, out: &mut Vec<Cow<'a, [u8]>>) {
        let nulls = self.nulls.block(block);
        if nulls.is_empty() {
            return;
        }
        let heads = if self.is_nullable { 2 } else { 1 };
        let written = nulls.iter().map(|&null| usize::from(null == 0)).sum::<usize>();
        let mut head = OWN_DICTIONARY.to_le_bytes().to_vec();
        head.extend_from_slice(&((heads + written) as u64).to_le_bytes());
        out.push(Cow::Owned(head));
        (0..heads).for_each(|_| self.zero.pieces(0, out));
        self.values.pieces(block, out);
        let mut rows = (nulls.len() as u64).to_le_bytes().to_vec();
        let mut next = heads as u32;
        for &null in nulls {
            rows.extend_from_slice(&(if null == 1 { 0 } else { next }).to_le_bytes());
            next += u32::from(null == 0);
        }
        out.push(Cow::Owned(rows));
    }

    #[allow(clippy::unused_self)]
    pub fn zero_size(&self) -> usize {
        size_of::<u32>()
    }
}

const WITH_DICTIONARY: u64 = 1;
/// The block brings all of its values (9th and 10th bit), and places in it have four bytes (2).
const OWN_DICTIONARY: u64 = 0x602;
