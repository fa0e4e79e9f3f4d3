//! Follows steps through a record's bytes and fills columns.
use formats::protobuf::Absent;

use super::keys::Replaced;
use super::notes::{Chain, Notes};
use super::scalar::{self, Moment};
use super::step::{Entry, Fields, Items, Key, Names, Part, Step};
use super::text::{self, Texts};
use super::wire::{self, Payload, Wire};
use crate::binary::{Fault, Taken, misfit, other_column, wrong_length};
use crate::columns::{Column, Given, Tuple};

/// What one record is read with.
pub struct Run<'a> {
    pub body: &'a [u8],
    pub notes: &'a mut Notes,
    pub texts: &'a Texts,
    /// Bytes that the record may yet become: a few of its own can stand for any number.
    budget: usize,
}

impl<'a> Run<'a> {
    pub fn new(body: &'a [u8], notes: &'a mut Notes, texts: &'a Texts) -> Self {
        Run { body, notes, texts, budget: RECORD_BYTES_MAX }
    }

    /// Appends a value's JSON text.
    pub fn text(&mut self, value: text::Value, chain: Chain, out: &mut Vec<u8>) -> Taken<()> {
        self.texts.write(value, (self.body, self.notes, chain), out, &mut self.budget)
    }

    /// Reads the values of a field into their column. After a fault the column holds part of a row.
    #[inline]
    pub fn value(&mut self, column: &mut Column, step: &Step, chain: Chain) -> Taken<()> {
        match step {
            Step::Scalar(scalar) => {
                let payload = self.notes.last(chain).ok_or_else(wire::cut)?;
                let given = scalar.given(payload, self.body)?;
                column.put(given).ok_or_else(|| misfit(scalar.name(), given))
            }
            other => self.other(column, other, chain),
        }
    }

    fn other(&mut self, column: &mut Column, step: &Step, chain: Chain) -> Taken<()> {
        match step {
            Step::Moment(moment) => self.moment(column, *moment, chain),
            Step::Names(names) => put_name(column, names, self.number(chain)?),
            Step::Numbers(names) => put_number(column, names, self.number(chain)?),
            nested => self.nested(column, nested, chain),
        }
    }

    fn moment(&mut self, column: &mut Column, moment: Moment, chain: Chain) -> Taken<()> {
        let mut digits = [0; 16];
        let given = moment.given((self.notes, chain), self.body, &mut digits)?;
        column.put(given).ok_or_else(|| misfit(moment.name(), given))
    }

    /// The number of an enum.
    fn number(&self, chain: Chain) -> Taken<i32> {
        let payload = self.notes.last(chain).ok_or_else(wire::cut)?;
        match scalar::Scalar::Number.given(payload, self.body)? {
            Given::Int(number) => Ok(number as i32),
            _ => Err(wire::mismatch("enum")),
        }
    }

    fn nested(&mut self, column: &mut Column, step: &Step, chain: Chain) -> Taken<()> {
        match (column, step) {
            (Column::Nullable(column), Step::Some(inner)) => self.value(column.some(), inner, chain),
            (Column::LowCardinality(column), Step::Some(inner)) => self.value(column.some(), inner, chain),
            (Column::Array(array), Step::List(items)) => {
                let elements = array.elements();
                let count = self.items(items, chain, |run, chain| run.value(elements, &items.step, chain))?;
                array.end(count);
                Ok(())
            }
            (Column::Map(map), Step::Map(entry)) => {
                let (keys, values) = map.entries();
                let count = self.entries(entry, chain, keys, values)?;
                map.end(count);
                Ok(())
            }
            (Column::Tuple(tuple), step) => {
                tuple.begin();
                match step {
                    Step::Fields(fields) => self.fields(tuple, fields, chain)?,
                    Step::Places(steps, packed) => self.places(tuple, (steps, *packed), chain)?,
                    Step::Keys(keys) => self.keys(tuple, keys, chain)?,
                    _ => return Err(other_column()),
                }
                tuple.finish();
                Ok(())
            }
            (Column::Text(column), Step::Text(value)) => column.write(|out| self.text(*value, chain, out)),
            (Column::Text(column), Step::Object(value)) => column.write(|out| {
                let start = out.len();
                self.text(*value, chain, out)?;
                let text = out.get(start..).unwrap_or_default();
                if text.first() == Some(&b'{') { Ok(()) } else { Err(no_object(text)) }
            }),
            (Column::Variant(variant), Step::Member(index, inner)) => {
                let member = variant.member(*index).ok_or_else(other_column)?;
                self.value(member, inner, chain)
            }
            (Column::Dynamic(dynamic), Step::Typed(typed, inner)) => {
                let (ty, name) = &**typed;
                let column = dynamic.typed(ty, name).ok_or_else(|| too_many_types(name))?;
                self.value(column, inner, chain)
            }
            _ => Err(other_column()),
        }
    }

    /// Goes through the values of a list, of which numbers may come many at once.
    fn items(
        &mut self,
        items: &Items,
        chain: Chain,
        mut item: impl FnMut(&mut Self, Chain) -> Taken<()>,
    ) -> Taken<u64> {
        let (mut count, mut rest) = (0, chain);
        while let Some((payload, one)) = self.notes.next(&mut rest) {
            match items.packed {
                Some(wire) if payload.wire == Wire::Sized => {
                    let mut numbers = self.body.get(payload.range()).ok_or_else(wire::cut)?;
                    while !numbers.is_empty() {
                        self.spend(items.weight)?;
                        let number = self.notes.push(wire::packed(wire, &mut numbers)?)?;
                        item(self, number)?;
                        self.notes.pop();
                        count += 1;
                    }
                }
                _ => {
                    self.spend(items.weight)?;
                    item(self, one)?;
                    count += 1;
                }
            }
        }
        Ok(count)
    }

    /// Of entries with the same key the last one counts.
    fn entries(&mut self, entry: &Entry, chain: Chain, keys: &mut Column, values: &mut Column) -> Taken<u64> {
        let replaced = Replaced::find(self.notes, chain, self.body)?;
        let (mut count, mut rest, mut at) = (0, chain, 0);
        while let Some((_, one)) = self.notes.next(&mut rest) {
            at += 1;
            if replaced.has(at - 1) {
                continue;
            }
            self.spend(entry.weight)?;
            let frame = self.notes.open(self.body, &entry.wanted, one)?;
            self.part(keys, &entry.key, self.notes.values(frame, 0))?;
            self.part(values, &entry.value, self.notes.values(frame, 1))?;
            self.notes.close(frame);
            count += 1;
        }
        Ok(count)
    }

    fn fields(&mut self, tuple: &mut Tuple, fields: &Fields, chain: Chain) -> Taken<()> {
        let frame = self.notes.open(self.body, &fields.wanted, chain)?;
        for (place, part) in fields.parts.iter().enumerate() {
            let Some((element, part)) = part else { continue };
            let values = self.notes.values(frame, place);
            if values.is_empty() && part.absent == Absent::Null {
                continue;
            }
            let column = tuple.column(*element).ok_or_else(other_column)?;
            self.part(column, part, values)?;
        }
        self.notes.close(frame);
        Ok(())
    }

    /// A value, or what it stands for that it is not there.
    #[inline]
    pub fn part(&mut self, column: &mut Column, part: &Part, values: Chain) -> Taken<()> {
        if values.is_empty() {
            return self.absent(column, &part.step, &part.absent);
        }
        self.value(column, &part.step, values)
    }

    /// Writes what a field that is not there stands for.
    #[cold]
    pub fn absent(&mut self, column: &mut Column, step: &Step, absent: &Absent) -> Taken<()> {
        match (absent, step) {
            (Absent::Null, _) => column.fill(1),
            (Absent::Refused, _) => return Err(Fault::broken("it is required, and is not there")),
            (Absent::Empty, step) => return self.value(column, step, Chain::EMPTY),
            (_, Step::Member(index, inner)) => {
                let Column::Variant(variant) = column else { return Err(other_column()) };
                let member = variant.member(*index).ok_or_else(other_column)?;
                return self.absent(member, inner, absent);
            }
            (_, Step::Typed(typed, inner)) => {
                let Column::Dynamic(dynamic) = column else { return Err(other_column()) };
                let (ty, name) = &**typed;
                let column = dynamic.typed(ty, name).ok_or_else(|| too_many_types(name))?;
                return self.absent(column, inner, absent);
            }
            (Absent::Enum(number), Step::Names(names)) => return put_name(column, names, *number),
            (Absent::Enum(number), Step::Numbers(names)) => return put_number(column, names, *number),
            (absent, _) => {
                let given = scalar::absent(absent).ok_or_else(other_column)?;
                if let Given::Text(text) = given {
                    self.spend(text.len())?;
                }
                return column.put(given).ok_or_else(|| misfit("default", given));
            }
        }
        Ok(())
    }

    fn places(
        &mut self,
        tuple: &mut Tuple,
        (steps, packed): (&[Step], Option<Wire>),
        chain: Chain,
    ) -> Taken<()> {
        let (mut next, mut rest) = (0, chain);
        let mut put = |run: &mut Self, chain: Chain| {
            let step = steps.get(next).ok_or_else(|| wrong_length("list", steps.len()))?;
            let element = tuple.column(next).ok_or_else(other_column)?;
            next += 1;
            run.value(element, step, chain)
        };
        while let Some((payload, one)) = self.notes.next(&mut rest) {
            let Some(wire) = packed.filter(|_| payload.wire == Wire::Sized) else {
                put(self, one)?;
                continue;
            };
            let mut numbers = self.body.get(payload.range()).ok_or_else(wire::cut)?;
            while !numbers.is_empty() {
                let number = self.notes.push(wire::packed(wire, &mut numbers)?)?;
                put(self, number)?;
                self.notes.pop();
            }
        }
        if next == steps.len() { Ok(()) } else { Err(wrong_length("list", steps.len())) }
    }

    fn keys(&mut self, tuple: &mut Tuple, keys: &[Key], chain: Chain) -> Taken<()> {
        let replaced = Replaced::find(self.notes, chain, self.body)?;
        let (mut rest, mut at) = (chain, 0);
        while let Some((payload, one)) = self.notes.next(&mut rest) {
            at += 1;
            let name = entry_name(self.body, payload)?;
            let known = keys.iter().find(|key| key.name.as_bytes() == name);
            let Some(key) = known.filter(|_| !replaced.has(at - 1)) else { continue };
            let Some(element) = tuple.column(key.element) else { continue };
            let frame = self.notes.open(self.body, &key.wanted, one)?;
            self.part(element, &key.value, self.notes.values(frame, 1))?;
            self.notes.close(frame);
        }
        Ok(())
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

/// The bytes of the key of a map's entry that is text.
pub fn entry_name(body: &[u8], entry: Payload) -> Taken<&[u8]> {
    let mut name = &[][..];
    wire::fields(body, entry, |number, payload| {
        if number == 1 {
            name = body.get(payload.range()).ok_or_else(wire::cut)?;
        }
        Ok(())
    })?;
    Ok(name)
}

fn put_name(column: &mut Column, names: &Names, number: i32) -> Taken<()> {
    let unknown;
    let name = if let Some(name) = names.find(number) {
        &*name.text
    } else {
        unknown = names.unknown(number);
        &unknown
    };
    let given = Given::Text(name);
    column.put(given).ok_or_else(|| misfit("enum", given))
}

fn put_number(column: &mut Column, names: &Names, number: i32) -> Taken<()> {
    let name = names.find(number);
    let put = name.and_then(|name| name.column).and_then(|number| column.put(Given::Int(number.into())));
    put.ok_or_else(|| match name {
        Some(name) => misfit("enum", Given::Text(&name.text)),
        None => misfit("enum", Given::Int(number.into())),
    })
}

#[cold]
fn no_object(text: &[u8]) -> Fault {
    let text: String = String::from_utf8_lossy(text).chars().take(TEXT_MAX).collect();
    Fault::misfit(format!("value {text}"))
}

#[cold]
fn too_many_types(name: &str) -> Fault {
    Fault::broken(format!("type {name} is one more than a batch may have in a Dynamic column"))
}

/// A record may become as many bytes in columns.
const RECORD_BYTES_MAX: usize = 256 << 20;
/// Characters of a refused value that a message shows.
const TEXT_MAX: usize = 63;
