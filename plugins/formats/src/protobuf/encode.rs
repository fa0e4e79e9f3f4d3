//! Writes flat values as Protobuf: the schema says what is expected, the value what is there.

use super::from_connect::scrubbed;
use super::program::{Absent, Field, Leaf, Member, Number, Program, ROOT, Shape, View, Width};
use super::{Message, Options, calendar, decimal, wire};
use crate::connect::{self, kind};
use crate::{Error, Result, varint};
use penstock_sdk::flat::{DEPTH_MAX, Map, Struct, Value};

/// Writes the values of one message type.
#[derive(Debug)]
pub struct Encoder {
    program: Program,
    scrubs_names: bool,
}

impl Encoder {
    /// `given` is Connect's schema of the values; an error says what of it the message cannot hold.
    pub fn new(message: &Message, options: Options, given: &connect::Schema) -> Result<Self> {
        if let Some(own) = message.to_connect(options) {
            check_scales(&own, given)?;
        }
        Ok(Self { program: Program::compile(message, options), scrubs_names: options.scrubs_names })
    }

    /// Appends a value.
    pub fn write(&self, value: Value<'_>, out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        self.message((ROOT, self.program.view), value, out, DEPTH_MAX).inspect_err(|_| out.truncate(start))
    }

    fn message(
        &self,
        (place, view): (usize, View),
        value: Value<'_>,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<()> {
        let depth = depth
            .checked_sub(1)
            .ok_or_else(|| Error::record(format!("value nests deeper than {DEPTH_MAX}")))?;
        let fields = self.program.messages.get(place).map(|message| &message.fields[..]).unwrap_or_default();
        match (view, value) {
            (View::Struct, Value::Struct(value)) => self.structure(fields, value, out, depth),
            (View::Wrapped, value) => match fields {
                [Field { shape: Shape::One(member, _), .. }] => {
                    self.member((member, true), value, out, depth)
                }
                _ => Err(mismatch("a plain value", &value)),
            },
            (View::Timestamp, Value::Int64(millis)) => {
                put_number(1, millis.div_euclid(1000), out);
                put_number(2, millis.rem_euclid(1000) * 1_000_000, out);
                Ok(())
            }
            (View::Date, Value::Int32(days)) => {
                let date = calendar::date(days);
                let (year, month, day) =
                    date.ok_or_else(|| Error::record(format!("day {days} is not in the years 1 to 9999")))?;
                [year, month, day]
                    .iter()
                    .zip(1..)
                    .for_each(|(part, number)| put_number(number, i64::from(*part), out));
                Ok(())
            }
            (View::Time, Value::Int32(millis)) if (0..86_400_000).contains(&millis) => {
                let parts =
                    [millis / 3_600_000, millis / 60_000 % 60, millis / 1000 % 60, millis % 1000 * 1_000_000];
                parts.iter().zip(1..).for_each(|(part, number)| put_number(number, i64::from(*part), out));
                Ok(())
            }
            (View::Decimal { scale }, Value::Bytes(digits)) => {
                put_sized(1, digits, out);
                put_number(2, i64::from(decimal::precision(digits).unwrap_or(0)), out);
                put_number(3, scale, out);
                Ok(())
            }
            (View::Struct, value) => Err(mismatch("struct", &value)),
            (View::Timestamp, value) => Err(mismatch("timestamp", &value)),
            (View::Date, value) => Err(mismatch("date", &value)),
            (View::Time, value) => Err(mismatch("time of a day", &value)),
            (View::Decimal { .. }, value) => Err(mismatch("decimal", &value)),
        }
    }

    fn structure(&self, fields: &[Field], value: Struct<'_>, out: &mut Vec<u8>, depth: usize) -> Result<()> {
        // Most values have the fields of the schema, in its order.
        let mut next = value.iter();
        for field in fields {
            let found = match next.next().transpose()? {
                Some((known, found)) if known == &*field.name => Some(found),
                _ => self.find(field, value),
            };
            let found = found.filter(|found| *found != Value::Null);
            let written = match found {
                Some(found) => self.field(field, found, out, depth),
                None if matches!(field.shape, Shape::One(_, Absent::Refused)) => {
                    Err(Error::record("it is required, and is null"))
                }
                None => Ok(()),
            };
            written.map_err(|error| error.during(format_args!("field {}", field.name)))?;
        }
        Ok(())
    }

    fn find<'v>(&self, field: &Field, value: Struct<'v>) -> Option<Value<'v>> {
        let exact = value.get(&field.name);
        if exact.is_some() {
            return exact;
        }
        let fits = |name: &str| match &field.shape {
            // The number behind a union's name changes with the unions before it.
            Shape::Union { bare, .. } => name.strip_prefix(&**bare).is_some_and(|rest| {
                rest.is_empty() || rest.strip_prefix('_').is_some_and(|place| place.parse::<u32>().is_ok())
            }),
            _ => self.scrubs_names && scrubbed(name) == *field.name,
        };
        value.iter().map_while(std::result::Result::ok).find(|(name, _)| fits(name)).map(|(_, found)| found)
    }

    fn field(&self, field: &Field, value: Value<'_>, out: &mut Vec<u8>, depth: usize) -> Result<()> {
        match (&field.shape, value) {
            (Shape::One(member, absent), value) => {
                let is_implicit = matches!(absent, Absent::Value { implicit: true, .. });
                self.member((member, is_implicit), value, out, depth)
            }
            (Shape::List { item, is_packed: true }, Value::Array(items)) if !items.is_empty() => {
                wire::put_tag(item.number, wire::SIZED, out);
                sized(out, |out| {
                    for value in items.iter() {
                        put_bits(&item.leaf, bits(&item.leaf, value?)?, out);
                    }
                    Ok(())
                })
            }
            (Shape::List { item, .. }, Value::Array(items)) => {
                items.iter().try_for_each(|value| self.member((item, false), value?, out, depth))
            }
            (Shape::Map { number, entry }, Value::Map(map)) => self.map((*number, *entry), map, out, depth),
            (Shape::Union { members, .. }, Value::Struct(value)) => {
                for (name, member) in members {
                    let named =
                        |found: &str| found == &**name || self.scrubs_names && scrubbed(found) == **name;
                    let found = value.iter().map_while(std::result::Result::ok);
                    let mut found = found.filter(|(known, found)| *found != Value::Null && named(known));
                    if let Some((_, found)) = found.next() {
                        return self.member((member, false), found, out, depth);
                    }
                }
                Ok(())
            }
            (Shape::List { .. }, value) => Err(mismatch("array", &value)),
            (Shape::Map { .. }, value) => Err(mismatch("map", &value)),
            (Shape::Union { .. }, value) => Err(mismatch("struct of a union", &value)),
        }
    }

    fn map(
        &self,
        (number, entry): (u32, usize),
        map: Map<'_>,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<()> {
        let fields = self.program.messages.get(entry).map(|message| &message.fields[..]).unwrap_or_default();
        let [Field { shape: Shape::One(key, _), .. }, Field { shape: Shape::One(value, _), .. }] = fields
        else {
            return Err(Error::record("a map has one key and one value"));
        };
        for pair in map.iter() {
            let (own_key, own_value) = pair?;
            wire::put_tag(number, wire::SIZED, out);
            sized(out, |out| {
                self.member((key, false), own_key, out, depth)?;
                self.member((value, false), own_value, out, depth)
            })?;
        }
        Ok(())
    }

    /// Writes one field; the plainest value of a type is left out where a missing field means it.
    fn member(
        &self,
        (member, is_implicit): (&Member, bool),
        value: Value<'_>,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<()> {
        let number = member.number;
        match (&member.leaf, value) {
            (_, Value::Null) => {
                return Err(Error::record("a null inside of a list or map has no form in Protobuf"));
            }
            (Leaf::Text, Value::Text(text)) if !(is_implicit && text.is_empty()) => {
                put_sized(number, text.as_bytes(), out);
            }
            (Leaf::Bytes, Value::Bytes(bytes)) if !(is_implicit && bytes.is_empty()) => {
                put_sized(number, bytes, out);
            }
            (Leaf::Text, Value::Text(_)) | (Leaf::Bytes, Value::Bytes(_)) => {}
            (Leaf::Text, value) => return Err(mismatch("string", &value)),
            (Leaf::Bytes, value) => return Err(mismatch("bytes", &value)),
            (leaf @ (Leaf::Number(_) | Leaf::Enum(_)), value) => {
                let bits = bits(leaf, value)?;
                if !(is_implicit && bits == 0) {
                    wire::put_tag(number, wire_of(leaf), out);
                    put_bits(leaf, bits, out);
                }
            }
            (Leaf::Message { place, view, is_group: true }, value) => {
                wire::put_tag(number, wire::GROUP, out);
                self.message((*place, *view), value, out, depth)?;
                wire::put_tag(number, wire::GROUP_END, out);
            }
            (Leaf::Message { place, view, .. }, value) => {
                wire::put_tag(number, wire::SIZED, out);
                sized(out, |out| self.message((*place, *view), value, out, depth))?;
            }
        }
        Ok(())
    }
}

/// A number's bits as they are written.
fn bits(leaf: &Leaf, value: Value<'_>) -> Result<u64> {
    let number = match (leaf, value) {
        (Leaf::Enum(symbols), Value::Text(symbol)) => {
            let number = symbols.number(symbol);
            let number = number
                .ok_or_else(|| Error::record(format!("{symbol:?} is no symbol of {}", symbols.name)))?;
            return Ok(i64::from(number) as u64);
        }
        (Leaf::Number(number), _) => *number,
        (_, value) => return Err(mismatch("symbol of an enum", &value)),
    };
    let integer = match value {
        Value::Int8(value) => Some(i64::from(value)),
        Value::Int16(value) => Some(i64::from(value)),
        Value::Int32(value) => Some(i64::from(value)),
        Value::Int64(value) => Some(value),
        _ => None,
    };
    let wide = || Error::record(format!("{} does not fit its type", integer.unwrap_or_default()));
    Ok(match (number, integer, value) {
        (Number::Boolean, _, Value::Boolean(value)) => u64::from(value),
        (Number::Float, _, Value::Float32(value)) => u64::from(value.to_bits()),
        (Number::Double, _, Value::Float64(value)) => value.to_bits(),
        (Number::Double, _, Value::Float32(value)) => f64::from(value).to_bits(),
        (Number::Signed32(form, width), Some(integer), _) => {
            let fits = match width {
                Width::Int8 => i8::try_from(integer).is_ok(),
                Width::Int16 => i16::try_from(integer).is_ok(),
                Width::Int32 => true,
            };
            form.put(i32::try_from(integer).ok().filter(|_| fits).ok_or_else(wide)?)
        }
        (Number::Uint32 | Number::Fixed32, Some(integer), _) => {
            u64::from(u32::try_from(integer).map_err(|_| wide())?)
        }
        (Number::Int64 | Number::Fixed64, Some(integer), _) => integer as u64,
        (Number::Sint64, Some(integer), _) => varint::zigzag(integer),
        (number, _, value) => return Err(mismatch(expected(number), &value)),
    })
}

fn wire_of(leaf: &Leaf) -> u32 {
    match leaf {
        Leaf::Number(number) => number.wire(),
        Leaf::Enum(_) => wire::VARINT,
        _ => wire::SIZED,
    }
}

fn put_bits(leaf: &Leaf, bits: u64, out: &mut Vec<u8>) {
    match wire_of(leaf) {
        wire::FIXED32 => out.extend_from_slice(&(bits as u32).to_le_bytes()),
        wire::FIXED64 => out.extend_from_slice(&bits.to_le_bytes()),
        _ => varint::put(bits, out),
    }
}

/// A number of a well-known message, which is left out when it is zero.
fn put_number(number: u32, value: i64, out: &mut Vec<u8>) {
    if value != 0 {
        wire::put_tag(number, wire::VARINT, out);
        varint::put(value as u64, out);
    }
}

fn put_sized(number: u32, bytes: &[u8], out: &mut Vec<u8>) {
    wire::put_tag(number, wire::SIZED, out);
    varint::put(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// Writes what a length stands in front of. Most lengths take one byte, so the rest rarely moves.
fn sized(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<()> {
    let start = out.len();
    out.push(0);
    write(out)?;
    let mut length = Vec::with_capacity(5);
    varint::put((out.len() - start - 1) as u64, &mut length);
    out.splice(start..=start, length);
    Ok(())
}

/// Decimals say their scale in the schema and in the value: values of another scale would be other numbers.
fn check_scales(own: &connect::Schema, given: &connect::Schema) -> Result<()> {
    use connect::Shape::{Array, Map, Struct};
    if let (Some(own), Some(given)) = (own.scale(), given.scale())
        && own != given
    {
        return Err(Error::record(format!(
            "a decimal has the scale {given}, and {own} in the registered schema"
        )));
    }
    match (&own.shape, &given.shape) {
        (Array(own), Array(given)) | (Map(_, own), Map(_, given)) => check_scales(own, given),
        (Struct(own), Struct(given)) => own.iter().try_for_each(|(name, own)| {
            let given = given.iter().find(|(known, _)| known == name);
            given.map_or(Ok(()), |(_, given)| {
                check_scales(own, given).map_err(|error| error.during(format_args!("field {name}")))
            })
        }),
        _ => Ok(()),
    }
}

fn expected(number: Number) -> &'static str {
    match number {
        Number::Boolean => "boolean",
        Number::Float => "float",
        Number::Double => "double",
        Number::Int64 | Number::Sint64 | Number::Fixed64 => "int64",
        _ => "integer",
    }
}

fn mismatch(expected: &str, value: &Value<'_>) -> Error {
    Error::record(format!("expected {expected}, got a value of type {}", kind(value)))
}
