//! Lays out columns as blocks of `ClickHouse`'s Native format.
use std::borrow::Cow;

use crate::columns::push_varint;
use crate::decoder::Default;
use crate::decoder::{Slot, Virtual};

/// Rows that follow each other and become one block.
#[derive(Debug)]
pub struct Run {
    pub rows: usize,
    /// For each column whose DEFAULT needs it to be absent: whether these rows have it.
    pub present: Vec<bool>,
}

/// What one `INSERT` sends: the columns that it names, and the bytes of its blocks, in order.
pub struct Insert<'a> {
    pub columns: Vec<&'a str>,
    pub pieces: Vec<Cow<'a, [u8]>>,
}

impl<'a> Insert<'a> {
    /// `hard` are the slots that `Run::present` speaks of.
    pub fn new(slots: &'a [Slot], virtuals: &'a [Virtual], runs: &[Run], hard: &[usize]) -> Self {
        let mut pieces = Vec::new();
        let mut named = vec![false; slots.len()];
        for (block, run) in runs.iter().enumerate() {
            let absent: Vec<_> = hard
                .iter()
                .zip(&run.present)
                .filter(|(_, present)| !**present)
                .map(|(slot, _)| *slot)
                .collect();
            let forms: Vec<_> = slots
                .iter()
                .enumerate()
                .filter(|(index, _)| !absent.contains(index))
                .map(|(index, slot)| (index, form(slot, block)))
                .filter(|(_, form)| *form != Form::Absent)
                .collect();
            for (index, _) in &forms {
                named[*index] = true;
            }
            push_block((slots, virtuals), block, run.rows, &forms, &mut pieces);
        }
        let columns = slots.iter().zip(named).filter(|(_, named)| *named).map(|(slot, _)| slot.name.as_str());
        let virtuals = virtuals.iter().map(|column| column.name.as_str());
        let mut columns: Vec<_> = columns.chain(virtuals).collect();
        if columns.is_empty() {
            // An insert must name a column; the blocks leave it out, so it takes its default.
            columns.extend(slots.first().map(|slot| slot.name.as_str()));
        }
        Insert { columns, pieces }
    }
}

/// How a column stands in a block.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Absent,
    Plain,
    /// Some rows have no value and take the column's DEFAULT, which the server puts in place of NULL.
    Nullable,
}

fn form(slot: &Slot, block: usize) -> Form {
    if !slot.is_sent() || slot.values.is_none() {
        return Form::Absent;
    }
    match slot.default {
        Default::Zero | Default::WholeBlock => Form::Plain,
        Default::Null => {
            let missing = slot.missing.block(block);
            if !missing.contains(&1) {
                Form::Plain
            } else if missing.contains(&0) {
                Form::Nullable
            } else {
                Form::Absent
            }
        }
    }
}

fn push_block<'a>(
    (slots, virtuals): (&'a [Slot], &'a [Virtual]),
    block: usize,
    rows: usize,
    forms: &[(usize, Form)],
    out: &mut Vec<Cow<'a, [u8]>>,
) {
    let mut head = Vec::new();
    push_varint(&mut head, (forms.len() + virtuals.len()).max(1));
    push_varint(&mut head, rows);
    if forms.is_empty() && virtuals.is_empty() {
        push_placeholder(slots, rows, &mut head);
    }
    for (index, form) in forms {
        let slot = &slots[*index];
        push_text(&mut head, &slot.name);
        match form {
            Form::Nullable => push_text(&mut head, &format!("Nullable({})", slot.wire)),
            Form::Plain | Form::Absent => push_text(&mut head, &slot.wire),
        }
        if let Some(values) = &slot.values {
            values.prefix(block, &mut head);
        }
        out.push(Cow::Owned(std::mem::take(&mut head)));
        if *form == Form::Nullable {
            out.push(Cow::Borrowed(slot.missing.block(block)));
        }
        if let Some(values) = &slot.values {
            values.pieces(block, out);
        }
    }
    for column in virtuals {
        push_text(&mut head, &column.name);
        push_text(&mut head, &column.wire);
        out.push(Cow::Owned(std::mem::take(&mut head)));
        column.pieces(block, out);
    }
    if !head.is_empty() {
        out.push(Cow::Owned(head));
    }
}

/// A block needs a column to have rows. The server skips one that the table does not have.
fn push_placeholder(slots: &[Slot], rows: usize, head: &mut Vec<u8>) {
    let mut name = "penstock_no_column".to_owned();
    while slots.iter().any(|slot| slot.name == name) {
        name.push('_');
    }
    push_text(head, &name);
    push_text(head, "UInt8");
    head.resize(head.len() + rows, 0);
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    push_varint(out, text.len());
    out.extend_from_slice(text.as_bytes());
}
