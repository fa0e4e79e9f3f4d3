//! Follows steps through a record's bytes and fills columns.
use super::skip::Skips;
use super::step::{Field, Items, Key, Step};
use super::text::Texts;
use super::wire;
use crate::binary::{Fault, Taken, misfit, other_column, wrong_length};
use crate::columns::{Column, Given, Tuple};

/// What one record is read with.
pub struct Run<'a> {
    pub skips: &'a Skips,
    pub texts: &'a Texts,
    /// Bytes that the record may yet become: a few of its own can stand for any number.
    budget: usize,
}

impl<'a> Run<'a> {
    pub fn new(skips: &'a Skips, texts: &'a Texts) -> Self {
        Run { skips, texts, budget: RECORD_BYTES_MAX }
    }

    /// Appends a value's JSON text.
    pub fn text(&mut self, place: usize, rest: &mut &[u8], out: &mut Vec<u8>) -> Taken<()> {
        self.texts.write(place, rest, out, &mut self.budget)
    }

    /// Reads a value into its column. After a fault the column holds part of a row.
    #[inline]
    pub fn value(&mut self, column: &mut Column, step: &Step, rest: &mut &[u8]) -> Taken<()> {
        match step {
            Step::Scalar(scalar) => {
                let given = scalar.take(rest)?;
                column.put(given).ok_or_else(|| misfit(scalar.name(), given))
            }
            other => self.other(column, other, rest),
        }
    }

    fn other(&mut self, column: &mut Column, step: &Step, rest: &mut &[u8]) -> Taken<()> {
        match step.chosen(rest)? {
            Step::Scalar(scalar) => {
                let given = scalar.take(rest)?;
                column.put(given).ok_or_else(|| misfit(scalar.name(), given))
            }
            Step::Null => {
                column.fill(1);
                Ok(())
            }
            Step::Names(names) => {
                let name = &*names[wire::index(rest, names.len(), "symbol")?];
                self.spend(name.len())?;
                column.put(Given::Text(name)).ok_or_else(|| misfit("enum", Given::Text(name)))
            }
            Step::Numbers(numbers) => {
                let (name, number) = &numbers[wire::index(rest, numbers.len(), "symbol")?];
                let put = number.and_then(|number| column.put(Given::Int(i64::from(number))));
                put.ok_or_else(|| misfit("enum", Given::Text(name)))
            }
            nested => self.nested(column, nested, rest),
        }
    }

    fn nested(&mut self, column: &mut Column, step: &Step, rest: &mut &[u8]) -> Taken<()> {
        match (column, step) {
            (Column::Nullable(column), Step::Some(inner)) => self.value(column.some(), inner, rest),
            (Column::LowCardinality(column), Step::Some(inner)) => self.value(column.some(), inner, rest),
            (Column::Array(array), Step::Array(items)) => {
                let elements = array.elements();
                let count = self.blocks(items, rest, |run, rest| run.value(elements, &items.step, rest))?;
                array.end(count);
                Ok(())
            }
            (Column::Map(map), Step::Map(items)) => {
                let (keys, values) = map.entries();
                let count = self.blocks(items, rest, |run, rest| {
                    let key = Given::Text(wire::text(rest)?);
                    keys.put(key).ok_or_else(|| misfit("string", key))?;
                    run.value(values, &items.step, rest)
                })?;
                map.end(count);
                Ok(())
            }
            (Column::Map(map), Step::Entries(key, items)) => {
                let (keys, values) = map.entries();
                let count = self.blocks(items, rest, |run, rest| {
                    run.value(keys, key, rest)?;
                    run.value(values, &items.step, rest)
                })?;
                map.end(count);
                Ok(())
            }
            (Column::Tuple(tuple), step) => {
                tuple.begin();
                match step {
                    Step::Fields(fields) => self.fields(tuple, fields, rest)?,
                    Step::Places(steps) => self.places(tuple, steps, rest)?,
                    Step::Keys(keys, other) => self.keys(tuple, (keys, *other), rest)?,
                    _ => return Err(other_column()),
                }
                tuple.finish();
                Ok(())
            }
            (Column::Text(column), Step::Text(place)) => column.write(|out| self.text(*place, rest, out)),
            (Column::Variant(variant), Step::Member(index, inner)) => {
                let member = variant.member(*index).ok_or_else(other_column)?;
                self.value(member, inner, rest)
            }
            (Column::Dynamic(dynamic), Step::Typed(typed, inner)) => {
                let (ty, name) = &**typed;
                let column = dynamic.typed(ty, name).ok_or_else(|| {
                    Fault::broken(format!(
                        "type {name} is one more than a batch may have in a Dynamic column"
                    ))
                })?;
                self.value(column, inner, rest)
            }
            _ => Err(other_column()),
        }
    }

    fn fields(&mut self, tuple: &mut Tuple, fields: &[Field], rest: &mut &[u8]) -> Taken<()> {
        for field in fields {
            match field {
                Field::Element(index, step) => {
                    let element = tuple.column(*index).ok_or_else(other_column)?;
                    self.value(element, step, rest)?;
                }
                Field::Skipped(place) => self.skips.skip(*place, rest)?,
            }
        }
        Ok(())
    }

    fn places(&mut self, tuple: &mut Tuple, steps: &[Step], rest: &mut &[u8]) -> Taken<()> {
        let mut next = 0;
        loop {
            let (count, _) = wire::block(rest)?;
            if count == 0 {
                break;
            }
            for _ in 0..count {
                let step = steps.get(next).ok_or_else(|| wrong_length("array", steps.len()))?;
                let element = tuple.column(next).ok_or_else(other_column)?;
                self.value(element, step, rest)?;
                next += 1;
            }
        }
        if next == steps.len() { Ok(()) } else { Err(wrong_length("array", steps.len())) }
    }

    /// Of a key that comes twice the first one counts, as for JSON.
    fn keys(&mut self, tuple: &mut Tuple, (keys, other): (&[Key], usize), rest: &mut &[u8]) -> Taken<()> {
        loop {
            let (count, _) = wire::block(rest)?;
            if count == 0 {
                return Ok(());
            }
            for _ in 0..count {
                let key = wire::text(rest)?;
                let known = keys.iter().find(|known| &*known.name == key);
                match known.and_then(|known| Some((tuple.column(known.element)?, &known.step))) {
                    Some((element, step)) => self.value(element, step, rest)?,
                    None => self.skips.skip(other, rest)?,
                }
            }
        }
    }

    /// Arrays and maps come in blocks, each with its count; one of none ends them.
    fn blocks(
        &mut self,
        items: &Items,
        rest: &mut &[u8],
        mut item: impl FnMut(&mut Self, &mut &[u8]) -> Taken<()>,
    ) -> Taken<u64> {
        let mut total = 0;
        loop {
            let (count, _) = wire::block(rest)?;
            if count == 0 {
                return Ok(total);
            }
            for _ in 0..count {
                self.spend(items.weight)?;
                item(self, rest)?;
            }
            total += count;
        }
    }

    #[inline]
    fn spend(&mut self, bytes: usize) -> Taken<()> {
        match self.budget.checked_sub(bytes) {
            Some(left) => {
                self.budget = left;
                Ok(())
            }
            None => Err(Fault::broken("the record becomes too large")),
        }
    }
}

/// A record may become as many bytes in columns.
const RECORD_BYTES_MAX: usize = 256 << 20;
