//! `Variant` columns: which member each row has, then the values of each member.
use std::borrow::Cow;

use super::{Buffer, Column, admit::admits};
use crate::json::{Cursor, Fault};
use crate::types::{self, Type};
use crate::values::Zones;

pub struct Variant {
    members: Vec<Member>,
    /// Members from the one that is tried first.
    order: Vec<usize>,
    /// One byte a row: the number of its member.
    chosen: Buffer,
}

struct Member {
    ty: Type,
    values: Column,
    /// A value is read in here first, because a column cannot take back less than a row.
    trial: Column,
}

impl Variant {
    pub fn new(variant: &types::Variant, zones: &Zones) -> Self {
        let member = |ty: &Type| Member {
            ty: ty.clone(),
            values: Column::new(ty, zones),
            trial: Column::new(ty, zones),
        };
        let members = variant.members.iter().map(member).collect();
        Variant { members, order: variant.order(), chosen: Buffer::default() }
    }

    pub fn append(&mut self, json: &mut Cursor<'_>) -> Result<(), Fault> {
        let at = json.position();
        if json.peek() == b'n' {
            json.literal("null")?;
            self.fill(1);
            return Ok(());
        }
        // What is no JSON is told as that, and not as a value that no member takes.
        json.clone().skip()?;
        for &index in &self.order {
            let member = &mut self.members[index];
            member.trial.clear();
            let fits = admits(&member.ty, &mut json.clone()).is_some()
                && member.trial.append(&mut json.clone()).is_ok();
            if fits {
                self.chosen.push(&[index as u8]);
                return member.values.append(json);
            }
        }
        Err(Fault::Misfit { at })
    }

    /// Where a value of this member goes.
    pub fn member(&mut self, index: usize) -> Option<&mut Column> {
        let member = self.members.get_mut(index)?;
        self.chosen.push(&[index as u8]);
        Some(&mut member.values)
    }

    pub fn fill(&mut self, rows: usize) {
        self.chosen.fill(NULL, rows);
    }

    pub fn mark(&mut self) {
        self.chosen.mark();
        self.each(Column::mark);
    }

    pub fn rollback(&mut self) {
        self.chosen.rollback();
        self.each(Column::rollback);
    }

    pub fn cut(&mut self, row_written: bool) {
        self.chosen.cut(row_written);
        self.each(|values| values.cut(row_written));
    }

    pub fn clear(&mut self) {
        self.chosen.clear();
        self.each(Column::clear);
    }

    pub fn prefix(&self, block: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&ONE_BY_ONE.to_le_bytes());
        self.members.iter().for_each(|member| member.values.prefix(block, out));
    }

    pub fn pieces<'a>(&'a self, block: usize, out: &mut Vec<Cow<'a, [u8]>>) {
        out.push(Cow::Borrowed(self.chosen.block(block)));
        self.members.iter().for_each(|member| member.values.pieces(block, out));
    }

    #[allow(clippy::unused_self)]
    pub fn zero_size(&self) -> usize {
        1
    }

    fn each(&mut self, act: impl Fn(&mut Column)) {
        self.members.iter_mut().for_each(|member| act(&mut member.values));
    }
}

const NULL: u8 = 255;
/// The way in which members are numbered: a byte for every row.
const ONE_BY_ONE: u64 = 0;
