//! Follows a program through a message's bytes and writes the flat encoding.
//!
//! Fields come in any order and more than once, while a struct has each in its place: what a message has is noted
//! first, in one list for all messages that are open, and then written field by field.

use super::program::{Absent, Field, Leaf, Member, Message, Number, Program, ROOT, Shape, View, Width};
use super::wire::{self, Payload};
use super::{Message as Descriptor, Options, calendar, decimal};
use crate::fault::{Fault, Read};
use crate::{Error, FLAT_BYTES_MAX, Result, varint};
use penstock_sdk::flat::{ARRAY, DEPTH_MAX, MAP, STRUCT, Writer};
use std::collections::HashMap;
use std::ops::Range;

/// Reads the values of one message type.
#[derive(Debug)]
pub struct Decoder {
    program: Program,
}

impl Decoder {
    pub fn new(message: &Descriptor, options: Options) -> Self {
        Self { program: Program::compile(message, options) }
    }

    /// Appends the value that fills `bytes`.
    pub fn read(&self, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        let whole = Found { slot: 0, number: 0, payload: Payload::Sized(bytes) };
        let limit = start.saturating_add(FLAT_BYTES_MAX);
        let mut reading = Reading { program: &self.program, found: Vec::with_capacity(32), out, limit };
        reading.found.push(whole);
        let read = reading.message(ROOT, self.program.view, 0..1, DEPTH_MAX);
        read.map_err(|fault| {
            out.truncate(start);
            Error::record(format!("protobuf: {fault}"))
        })
    }
}

struct Reading<'p, 'a, 'o> {
    program: &'p Program,
    /// What the messages that are open have, the innermost at the end.
    found: Vec<Found<'a>>,
    out: &'o mut Vec<u8>,
    limit: usize,
}

#[derive(Clone, Copy)]
struct Found<'a> {
    slot: u32,
    number: u32,
    payload: Payload<'a>,
}

impl<'a> Reading<'_, 'a, '_> {
    /// Writes the message that several fields make together: those that come later add to it.
    fn message(&mut self, place: usize, view: View, parts: Range<usize>, depth: usize) -> Read {
        let depth =
            depth.checked_sub(1).ok_or_else(|| Fault::new(format!("nests deeper than {DEPTH_MAX}")))?;
        if self.out.len() > self.limit {
            return Err(Fault::new("the value becomes too large"));
        }
        let program = self.program;
        let Some(message) = program.messages.get(place) else { return Err(Fault::new("no such message")) };
        let base = self.found.len();
        self.gather(message, parts)?;
        match view {
            View::Struct => self.structure(message, base, depth)?,
            View::Wrapped => match message.fields.first() {
                Some(field) => self.field(field, base..self.found.len(), depth)?,
                None => self.writer().null(),
            },
            View::Timestamp | View::Date | View::Time => self.moment(view, base)?,
            View::Decimal { scale } => self.decimal(scale, base)?,
        }
        self.found.truncate(base);
        Ok(())
    }

    fn gather(&mut self, message: &Message, parts: Range<usize>) -> Read {
        for part in parts {
            let payload = self.found.get(part).map(|found| found.payload);
            let Some(Payload::Sized(mut rest) | Payload::Group(mut rest)) = payload else {
                return Err(Fault::new("expected a message, got a number"));
            };
            let mut hint = 0;
            while !rest.is_empty() {
                let field = wire::take(&mut rest).map_err(Fault::new)?;
                if let Some(target) = message.target(field.number, &mut hint) {
                    if self.found.len() >= FOUND_MAX {
                        return Err(Fault::new(format!("more than {FOUND_MAX} fields")));
                    }
                    self.found.push(Found {
                        slot: target.slot,
                        number: field.number,
                        payload: field.payload,
                    });
                }
            }
        }
        Ok(())
    }

    fn structure(&mut self, message: &Message, base: usize, depth: usize) -> Read {
        let end = self.found.len();
        if let Some(own) = self.found.get_mut(base..) {
            // Stable: among fields of one place, the order of the bytes counts.
            own.sort_by_key(|found| found.slot);
        }
        let open = self.writer().begin(STRUCT);
        let mut at = base;
        for (slot, field) in message.fields.iter().enumerate() {
            let from = at;
            while at < end && self.found.get(at).is_some_and(|found| found.slot as usize == slot) {
                at += 1;
            }
            self.writer().name(&field.name);
            self.field(field, from..at, depth).map_err(|fault| fault.within(&field.name))?;
        }
        self.writer().end(&open, message.fields.len() as u32);
        Ok(())
    }

    fn field(&mut self, field: &Field, found: Range<usize>, depth: usize) -> Read {
        match &field.shape {
            Shape::One(member, absent) => self.one(member, absent, found, depth),
            Shape::List { item, .. } => self.list(item, found, depth),
            Shape::Map { entry, .. } => self.map(*entry, found, depth),
            Shape::Union { members, .. } => self.union(members, found, depth),
        }
    }

    fn one(&mut self, member: &Member, absent: &Absent, found: Range<usize>, depth: usize) -> Read {
        if found.is_empty() {
            match absent {
                Absent::Null => self.writer().null(),
                Absent::Refused => return Err(Fault::new("it is required, and is not there")),
                Absent::Value { flat, .. } => self.out.extend_from_slice(flat),
            }
            return Ok(());
        }
        self.value(&member.leaf, found, depth)
    }

    /// The value of fields of which the last counts, or all together where they are messages.
    fn value(&mut self, leaf: &Leaf, found: Range<usize>, depth: usize) -> Read {
        if let Leaf::Message { place, view, .. } = leaf {
            return self.message(*place, *view, found, depth);
        }
        let last = found.end.checked_sub(1).and_then(|last| self.found.get(last));
        match (leaf, last.map(|found| found.payload)) {
            (Leaf::Text, Some(Payload::Sized(bytes))) => {
                let text =
                    std::str::from_utf8(bytes).map_err(|_| Fault::new("a string that is not UTF-8"))?;
                self.writer().text(text);
                Ok(())
            }
            (Leaf::Bytes, Some(Payload::Sized(bytes))) => {
                self.writer().bytes(bytes);
                Ok(())
            }
            // One number may come in the form of many, of which the last counts.
            (leaf @ (Leaf::Number(_) | Leaf::Enum(_)), Some(Payload::Sized(packed))) => {
                let mut rest = packed;
                let mut bits = None;
                while !rest.is_empty() {
                    bits = Some(take_packed(leaf, &mut rest)?);
                }
                self.number(leaf, bits.ok_or_else(mismatch)?)
            }
            (leaf @ (Leaf::Number(_) | Leaf::Enum(_)), Some(payload)) => {
                let bits = bits(leaf, payload)?;
                self.number(leaf, bits)
            }
            _ => Err(mismatch()),
        }
    }

    fn list(&mut self, item: &Member, found: Range<usize>, depth: usize) -> Read {
        let open = self.writer().begin(ARRAY);
        let mut count = 0_u32;
        for at in found {
            match (&item.leaf, self.found.get(at).map(|found| found.payload)) {
                (leaf @ (Leaf::Number(_) | Leaf::Enum(_)), Some(Payload::Sized(packed))) => {
                    let mut rest = packed;
                    while !rest.is_empty() {
                        let bits = take_packed(leaf, &mut rest)?;
                        self.number(leaf, bits)?;
                        self.check_size()?;
                        count += 1;
                    }
                }
                (leaf, _) => {
                    self.value(leaf, at..at + 1, depth)?;
                    count += 1;
                }
            }
        }
        self.writer().end(&open, count);
        Ok(())
    }

    fn union(&mut self, members: &[(Box<str>, Member)], found: Range<usize>, depth: usize) -> Read {
        let number_at = |reading: &Self, at: usize| reading.found.get(at).map(|found| found.number);
        let Some(last) = found.clone().last().and_then(|last| number_at(self, last)) else {
            self.writer().null();
            return Ok(());
        };
        // A member is set anew when another was set in between.
        let mut from = found.end;
        while from > found.start && number_at(self, from - 1) == Some(last) {
            from -= 1;
        }
        let open = self.writer().begin(STRUCT);
        for (name, member) in members {
            self.writer().name(name);
            if member.number == last {
                self.value(&member.leaf, from..found.end, depth).map_err(|fault| fault.within(name))?;
            } else {
                self.writer().null();
            }
        }
        self.writer().end(&open, members.len() as u32);
        Ok(())
    }

    fn map(&mut self, entry: usize, found: Range<usize>, depth: usize) -> Read {
        let program = self.program;
        let Some(message) = program.messages.get(entry) else { return Err(Fault::new("no such message")) };
        let [key, value] = &message.fields[..] else { return Err(Fault::new("a map has a key and a value")) };
        let (Shape::One(key, absent_key), Shape::One(value, absent_value)) = (&key.shape, &value.shape)
        else {
            return Err(Fault::new("a map has one key and one value"));
        };
        let last = if found.len() > 1 { self.last_by_key(&key.leaf, found.clone())? } else { HashMap::new() };
        let open = self.writer().begin(MAP);
        let mut count = 0;
        for at in found {
            if self.is_replaced(&last, &key.leaf, at)? {
                continue;
            }
            let base = self.found.len();
            self.gather(message, at..at + 1)?;
            if let Some(own) = self.found.get_mut(base..) {
                own.sort_by_key(|found| found.slot);
            }
            let end = self.found.len();
            let keys = self.found.get(base..).unwrap_or_default().partition_point(|found| found.slot == 0);
            self.one(key, absent_key, base..base + keys, depth).map_err(|fault| fault.within("key"))?;
            let values = base + keys..end;
            match &value.leaf {
                // In a map, a message that is not there is an empty one.
                Leaf::Message { place, view, .. } => self.message(*place, *view, values, depth),
                _ => self.one(value, absent_value, values, depth),
            }
            .map_err(|fault| fault.within("value"))?;
            self.found.truncate(base);
            count += 1;
            self.check_size()?;
        }
        self.writer().end(&open, count);
        Ok(())
    }

    /// Which entry counts for each key: the last.
    fn last_by_key(
        &self,
        leaf: &Leaf,
        found: Range<usize>,
    ) -> std::result::Result<HashMap<Key<'a>, usize>, Fault> {
        found.map(|at| Ok((self.key(leaf, at)?, at))).collect()
    }

    fn is_replaced(
        &self,
        last: &HashMap<Key<'a>, usize>,
        leaf: &Leaf,
        at: usize,
    ) -> std::result::Result<bool, Fault> {
        if last.is_empty() {
            return Ok(false);
        }
        Ok(last.get(&self.key(leaf, at)?).is_some_and(|last| *last != at))
    }

    fn key(&self, leaf: &Leaf, at: usize) -> std::result::Result<Key<'a>, Fault> {
        let mut key = if matches!(leaf, Leaf::Text) { Key::Text(&[]) } else { Key::Number(0) };
        let Some(Payload::Sized(mut rest)) = self.found.get(at).map(|found| found.payload) else {
            return Err(Fault::new("expected an entry of a map, got a number"));
        };
        while !rest.is_empty() {
            let field = wire::take(&mut rest).map_err(Fault::new)?;
            if field.number == 1 {
                key = match (leaf, field.payload) {
                    (Leaf::Text, Payload::Sized(text)) => Key::Text(text),
                    (
                        Leaf::Number(_),
                        payload @ (Payload::Varint(_) | Payload::Fixed32(_) | Payload::Fixed64(_)),
                    ) => Key::Number(bits(leaf, payload)?),
                    _ => return Err(mismatch().within("key")),
                };
            }
        }
        Ok(key)
    }

    fn number(&mut self, leaf: &Leaf, bits: u64) -> Read {
        let mut writer = Writer::new(self.out);
        let number = match leaf {
            Leaf::Number(number) => *number,
            Leaf::Enum(symbols) => {
                writer.text(&symbols.text(bits as i32));
                return Ok(());
            }
            _ => return Err(mismatch()),
        };
        match number {
            Number::Boolean => writer.boolean(bits != 0),
            Number::Signed32(form, width) => {
                let value = form.take(bits as u32);
                let wide = |_| Fault::new(format!("{value} does not fit its type"));
                match width {
                    Width::Int8 => writer.int8(i8::try_from(value).map_err(wide)?),
                    Width::Int16 => writer.int16(i16::try_from(value).map_err(wide)?),
                    Width::Int32 => writer.int32(value),
                }
            }
            Number::Uint32 | Number::Fixed32 => writer.int64(i64::from(bits as u32)),
            Number::Int64 | Number::Fixed64 => writer.int64(bits as i64),
            Number::Sint64 => writer.int64(varint::unzigzag(bits)),
            Number::Float => writer.float32(f32::from_bits(bits as u32)),
            Number::Double => writer.float64(f64::from_bits(bits)),
        }
        Ok(())
    }

    fn moment(&mut self, view: View, base: usize) -> Read {
        let mut parts = [0_i64; 4];
        for found in self.found.get(base..).unwrap_or_default() {
            let Payload::Varint(bits) = found.payload else { return Err(mismatch()) };
            if let Some(part) = parts.get_mut(found.number as usize - 1) {
                *part = bits as i64;
            }
        }
        let [first, second, third, fourth] = parts;
        let mut writer = Writer::new(self.out);
        match view {
            View::Timestamp => {
                let millis = first.checked_mul(1000).and_then(|millis| millis.checked_add(nanos(second)));
                writer.int64(millis.ok_or_else(|| Fault::new("a timestamp beyond all years"))?);
            }
            View::Date => {
                let days = calendar::days(first as i32, second as i32, third as i32);
                let days =
                    days.ok_or_else(|| Fault::new(format!("{first}-{second}-{third} is no full date")))?;
                writer.int32(days);
            }
            _ => {
                let is_time =
                    (0..24).contains(&first) && (0..60).contains(&second) && (0..60).contains(&third);
                if !is_time || !(0..1_000_000_000).contains(&fourth) {
                    return Err(Fault::new(format!("{first}:{second}:{third} is no time of a day")));
                }
                writer.int32((((first * 60 + second) * 60 + third) * 1000 + nanos(fourth)) as i32);
            }
        }
        Ok(())
    }

    fn decimal(&mut self, scale: i64, base: usize) -> Read {
        let (mut digits, mut own) = (&[][..], 0_i32);
        for found in self.found.get(base..).unwrap_or_default() {
            match (found.number, found.payload) {
                (1, Payload::Sized(bytes)) => digits = bytes,
                (3, Payload::Varint(bits)) => own = bits as i32,
                (1 | 3, _) => return Err(mismatch()),
                _ => {}
            }
        }
        let rescaled = decimal::rescaled(digits, i64::from(own), scale).ok_or_else(|| {
            Fault::new(format!("a decimal of scale {own} does not fit the field's scale {scale}, which is a parameter of its (confluent.field_meta)"))
        })?;
        self.writer().bytes(&rescaled);
        Ok(())
    }

    fn check_size(&self) -> Read {
        if self.out.len() > self.limit { Err(Fault::new("the value becomes too large")) } else { Ok(()) }
    }

    fn writer(&mut self) -> Writer<'_> {
        Writer::new(self.out)
    }
}

#[derive(PartialEq, Eq, Hash)]
enum Key<'a> {
    Number(u64),
    Text(&'a [u8]),
}

/// A number's bits, if they came the way its type comes. Those of 32 bits are cut to them, as Protobuf has it.
fn bits(leaf: &Leaf, payload: Payload<'_>) -> std::result::Result<u64, Fault> {
    let is_short = |number: &Number| matches!(number, Number::Signed32(..) | Number::Uint32);
    match (leaf, payload) {
        (Leaf::Number(Number::Boolean), Payload::Varint(bits)) => Ok(u64::from(bits != 0)),
        (Leaf::Number(number), Payload::Varint(bits)) if number.wire() == wire::VARINT => {
            Ok(if is_short(number) { u64::from(bits as u32) } else { bits })
        }
        (Leaf::Enum(_), Payload::Varint(bits)) => Ok(bits),
        (Leaf::Number(number), Payload::Fixed64(bits)) if number.wire() == wire::FIXED64 => Ok(bits),
        (Leaf::Number(number), Payload::Fixed32(bits)) if number.wire() == wire::FIXED32 => {
            Ok(u64::from(bits))
        }
        _ => Err(mismatch()),
    }
}

fn take_packed(leaf: &Leaf, rest: &mut &[u8]) -> std::result::Result<u64, Fault> {
    let wire = match leaf {
        Leaf::Number(number) => number.wire(),
        _ => wire::VARINT,
    };
    let payload = match wire {
        wire::FIXED64 => wire::chunk(rest).map(|bytes| Payload::Fixed64(u64::from_le_bytes(bytes))),
        wire::FIXED32 => wire::chunk(rest).map(|bytes| Payload::Fixed32(u32::from_le_bytes(bytes))),
        _ => varint::take(rest).map(Payload::Varint),
    };
    bits(leaf, payload.ok_or_else(|| Fault::new(wire::CUT))?)
}

/// Whole milliseconds, towards the past.
fn nanos(nanos: i64) -> i64 {
    (nanos as i32).div_euclid(1_000_000).into()
}

fn mismatch() -> Fault {
    Fault::new("its bytes are of another type than the schema's")
}

/// Above any record's, and a bound for the memory that they take while it is read.
const FOUND_MAX: usize = 1 << 22;
