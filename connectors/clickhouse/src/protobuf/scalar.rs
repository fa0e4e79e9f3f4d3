//! Protobuf's types without parts, and messages that stand for a plain value: how each is read, and what it means.
use formats::protobuf::{Absent, Field, Known, Outline, Type};
use formats::varint;

use super::notes::{Chain, Notes};
use super::wire::{self, Payload, Wire, mismatch};
use crate::binary::{Fault, Taken};
use crate::columns::{Given, Kind};
use crate::values::calendar;

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar {
    Bool,
    Int32,
    Sint32,
    Sfixed32,
    Uint32,
    Fixed32,
    Int64,
    Sint64,
    Sfixed64,
    Uint64,
    Fixed64,
    Float,
    Double,
    Text,
    Bytes,
    /// An enum as its number.
    Number,
}

/// A message that is one value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Moment {
    /// With as many decimal places of a second as the value needs.
    Timestamp,
    /// As milliseconds, where a number stands for the time.
    Millis,
    /// As a span.
    Span,
    /// As seconds.
    Seconds,
    Date,
    TimeOfDay,
    /// As milliseconds since midnight.
    MillisOfDay,
    Decimal,
    /// The value in a wrapper.
    Wrapped(Scalar),
}

impl Scalar {
    /// `None` for messages and for enums.
    pub fn of(ty: Type) -> Option<Self> {
        Some(match ty {
            Type::Bool => Scalar::Bool,
            Type::Int32 => Scalar::Int32,
            Type::Sint32 => Scalar::Sint32,
            Type::Sfixed32 => Scalar::Sfixed32,
            Type::Uint32 => Scalar::Uint32,
            Type::Fixed32 => Scalar::Fixed32,
            Type::Int64 => Scalar::Int64,
            Type::Sint64 => Scalar::Sint64,
            Type::Sfixed64 => Scalar::Sfixed64,
            Type::Uint64 => Scalar::Uint64,
            Type::Fixed64 => Scalar::Fixed64,
            Type::Float => Scalar::Float,
            Type::Double => Scalar::Double,
            Type::Text => Scalar::Text,
            Type::Bytes => Scalar::Bytes,
            Type::Enum(_) | Type::Message(_) => return None,
        })
    }

    pub fn kind(self) -> Kind {
        match self {
            Scalar::Bool => Kind::Bool,
            Scalar::Float | Scalar::Double => Kind::Float,
            Scalar::Text => Kind::Text,
            Scalar::Bytes => Kind::Bytes(None),
            _ => Kind::Int,
        }
    }

    /// How many bytes the type has room for.
    pub fn width(self) -> usize {
        match self {
            Scalar::Bool | Scalar::Text | Scalar::Bytes => 0,
            Scalar::Int64
            | Scalar::Sint64
            | Scalar::Sfixed64
            | Scalar::Uint64
            | Scalar::Fixed64
            | Scalar::Double => 8,
            _ => 4,
        }
    }

    /// How a value is written.
    pub fn wire(self) -> Wire {
        match self {
            Scalar::Fixed32 | Scalar::Sfixed32 | Scalar::Float => Wire::Fixed32,
            Scalar::Fixed64 | Scalar::Sfixed64 | Scalar::Double => Wire::Fixed64,
            Scalar::Text | Scalar::Bytes => Wire::Sized,
            _ => Wire::Varint,
        }
    }

    /// What a value says.
    #[inline]
    pub fn given(self, payload: Payload, body: &[u8]) -> Taken<Given<'_>> {
        if self.wire() != payload.wire {
            return self.last_packed(payload, body);
        }
        let bits = payload.bits();
        Ok(match self {
            Scalar::Text => {
                let bytes = body.get(payload.range()).ok_or_else(wire::cut)?;
                Given::Text(std::str::from_utf8(bytes).map_err(|_| no_text())?)
            }
            Scalar::Bytes => Given::Bytes(body.get(payload.range()).ok_or_else(wire::cut)?),
            Scalar::Bool => Given::Bool(bits != 0),
            // Numbers of 32 bits are cut to them, as Protobuf has it.
            Scalar::Int32 | Scalar::Sfixed32 | Scalar::Number => Given::Int((bits as i32).into()),
            Scalar::Sint32 => Given::Int((varint::unzigzag((bits as u32).into()) as i32).into()),
            Scalar::Uint32 | Scalar::Fixed32 => Given::Int((bits as u32).into()),
            Scalar::Int64 | Scalar::Sfixed64 => Given::Int(bits.cast_signed()),
            Scalar::Sint64 => Given::Int(varint::unzigzag(bits)),
            Scalar::Uint64 | Scalar::Fixed64 => match i64::try_from(bits) {
                Ok(value) => Given::Int(value),
                Err(_) => Given::Large(bits),
            },
            Scalar::Float => Given::Float(f32::from_bits(bits as u32)),
            Scalar::Double => Given::Double(f64::from_bits(bits)),
        })
    }

    /// One number may be written like many, of which the last counts.
    #[cold]
    fn last_packed(self, payload: Payload, body: &[u8]) -> Taken<Given<'_>> {
        let mut rest = body.get(payload.range()).ok_or_else(wire::cut)?;
        let mut last = None;
        while !rest.is_empty() && self.wire() != Wire::Sized {
            last = Some(wire::packed(self.wire(), &mut rest)?);
        }
        match last {
            Some(last) => self.given(last, body),
            None => Err(mismatch(self.name())),
        }
    }

    /// As messages call it.
    pub fn name(self) -> &'static str {
        match self {
            Scalar::Bool => "bool",
            Scalar::Int32 => "int32",
            Scalar::Sint32 => "sint32",
            Scalar::Sfixed32 => "sfixed32",
            Scalar::Uint32 => "uint32",
            Scalar::Fixed32 => "fixed32",
            Scalar::Int64 => "int64",
            Scalar::Sint64 => "sint64",
            Scalar::Sfixed64 => "sfixed64",
            Scalar::Uint64 => "uint64",
            Scalar::Fixed64 => "fixed64",
            Scalar::Float => "float",
            Scalar::Double => "double",
            Scalar::Text => "string",
            Scalar::Bytes => "bytes",
            Scalar::Number => "enum",
        }
    }
}

impl Moment {
    /// What a message stands for, if it is one value.
    pub fn of(outline: &Outline, place: usize) -> Option<Self> {
        let message = outline.messages.get(place)?;
        Some(match message.known? {
            Known::Timestamp => Moment::Timestamp,
            Known::Duration => Moment::Span,
            Known::Date => Moment::Date,
            Known::TimeOfDay => Moment::TimeOfDay,
            Known::Decimal => Moment::Decimal,
            Known::Wrapper => {
                let value = message.fields.iter().find(|field| field.number == 1)?;
                Moment::Wrapped(Scalar::of(value.of)?)
            }
            Known::Struct | Known::Value | Known::ListValue | Known::Any => return None,
        })
    }

    pub fn kind(self) -> Kind {
        match self {
            Moment::Timestamp => Kind::Instant,
            Moment::Millis | Moment::MillisOfDay => Kind::Int,
            Moment::Span | Moment::TimeOfDay => Kind::Clock,
            Moment::Seconds | Moment::Decimal => Kind::Decimal,
            Moment::Date => Kind::Date,
            Moment::Wrapped(scalar) => scalar.kind(),
        }
    }

    pub fn width(self) -> usize {
        match self {
            Moment::Timestamp | Moment::Span | Moment::TimeOfDay => 9,
            Moment::Wrapped(scalar) => scalar.width(),
            _ => 0,
        }
    }

    /// As messages call it.
    pub fn name(self) -> &'static str {
        match self {
            Moment::Timestamp | Moment::Millis => "timestamp",
            Moment::Span | Moment::Seconds => "duration",
            Moment::Date => "date",
            Moment::TimeOfDay | Moment::MillisOfDay => "time of day",
            Moment::Decimal => "decimal",
            Moment::Wrapped(scalar) => scalar.name(),
        }
    }

    /// What a message says; `digits` is room for those of a number.
    pub fn given<'a>(
        self,
        (notes, chain): (&Notes, Chain),
        body: &'a [u8],
        digits: &'a mut [u8; 16],
    ) -> Taken<Given<'a>> {
        match self {
            Moment::Wrapped(scalar) => wrapped(scalar, (notes, chain), body),
            Moment::Decimal => decimal((notes, chain), body),
            Moment::Timestamp => {
                let [seconds, nanos, ..] = numbers((notes, chain), body)?;
                instant(seconds, nanos as i32)
            }
            Moment::Millis => {
                let [seconds, nanos, ..] = numbers((notes, chain), body)?;
                let millis = i64::from(nanos as i32).div_euclid(NANOS / 1000);
                let millis = seconds.checked_mul(1000).and_then(|whole| whole.checked_add(millis));
                Ok(Given::Int(millis.ok_or_else(|| beyond("timestamp", seconds))?))
            }
            Moment::Span => {
                let [seconds, nanos, ..] = numbers((notes, chain), body)?;
                let ticks =
                    seconds.checked_mul(NANOS).and_then(|whole| whole.checked_add((nanos as i32).into()));
                Ok(clock(ticks.ok_or_else(|| beyond("duration", seconds))?))
            }
            Moment::Seconds => {
                let [seconds, nanos, ..] = numbers((notes, chain), body)?;
                let ticks = i128::from(seconds) * i128::from(NANOS) + i128::from(nanos as i32);
                *digits = ticks.to_be_bytes();
                Ok(Given::Decimal(&*digits, 9))
            }
            Moment::Date => {
                let parts = numbers((notes, chain), body)?.map(|number| i64::from(number as i32));
                let [year, month, day, _] = parts;
                match calendar::days(year, month, day) {
                    Some(days) if (1..=9999).contains(&year) => Ok(Given::Date(days)),
                    _ => Err(Fault::misfit(format!("date {year}-{month}-{day}, which is no full date,"))),
                }
            }
            Moment::TimeOfDay | Moment::MillisOfDay => {
                let [hours, minutes, seconds, nanos] =
                    numbers((notes, chain), body)?.map(|number| i64::from(number as i32));
                let is_time =
                    (0..24).contains(&hours) && (0..60).contains(&minutes) && (0..60).contains(&seconds);
                if !is_time || !(0..NANOS).contains(&nanos) {
                    return Err(Fault::misfit(format!("time of day {hours}:{minutes}:{seconds}")));
                }
                let ticks = ((hours * 60 + minutes) * 60 + seconds) * NANOS + nanos;
                Ok(if self == Moment::TimeOfDay { clock(ticks) } else { Given::Int(ticks / (NANOS / 1000)) })
            }
        }
    }
}

/// The first four fields of a message that are numbers.
fn numbers((notes, chain): (&Notes, Chain), body: &[u8]) -> Taken<[i64; 4]> {
    let mut numbers = [0; 4];
    let mut rest = chain;
    while let Some((payload, _)) = notes.next(&mut rest) {
        wire::fields(body, payload, |number, payload| {
            if let Some(found) = numbers.get_mut(number as usize - 1) {
                if payload.wire != Wire::Varint {
                    return Err(mismatch("a number"));
                }
                *found = payload.bits().cast_signed();
            }
            Ok(())
        })?;
    }
    Ok(numbers)
}

/// In the coarsest unit that loses nothing, as the finest one ends in the year 2262.
#[inline]
fn instant<'a>(seconds: i64, nanos: i32) -> Taken<Given<'a>> {
    let (scale, part) = match nanos {
        0 => (0, 0),
        _ if nanos % 1_000_000 == 0 => (3, nanos / 1_000_000),
        _ if nanos % 1000 == 0 => (6, nanos / 1000),
        _ => (9, nanos),
    };
    let ticks = seconds.checked_mul(10_i64.pow(scale)).and_then(|whole| whole.checked_add(part.into()));
    match ticks {
        Some(ticks) => Ok(Given::Instant(ticks, scale)),
        None => far_off(seconds, nanos),
    }
}

#[cold]
fn far_off<'a>(seconds: i64, nanos: i32) -> Taken<Given<'a>> {
    let ticks = i128::from(seconds) * i128::from(NANOS) + i128::from(nanos);
    // So far off, nobody counts in nanoseconds.
    match i64::try_from(ticks.div_euclid(1000)) {
        // But for the last one of the years in which they do.
        Ok(micros) if micros.checked_mul(1000).is_none() => Ok(Given::Instant(micros, 6)),
        _ => Err(beyond("timestamp", seconds)),
    }
}

fn clock<'a>(nanos: i64) -> Given<'a> {
    let scale = [0, 3, 6].into_iter().find(|scale| nanos % 10_i64.pow(9 - scale) == 0).unwrap_or(9);
    Given::Clock(nanos / 10_i64.pow(9 - scale), scale)
}

#[cold]
fn beyond(what: &str, seconds: i64) -> Fault {
    Fault::misfit(format!("{what} of {seconds} seconds"))
}

#[cold]
fn no_text() -> Fault {
    Fault::broken("a string that is not UTF-8")
}

fn wrapped<'a>(scalar: Scalar, (notes, chain): (&Notes, Chain), body: &'a [u8]) -> Taken<Given<'a>> {
    let mut value = None;
    let mut rest = chain;
    while let Some((payload, _)) = notes.next(&mut rest) {
        wire::fields(body, payload, |number, payload| {
            if number == 1 {
                value = Some(payload);
            }
            Ok(())
        })?;
    }
    match (value, scalar) {
        (Some(value), scalar) => scalar.given(value, body),
        (None, Scalar::Text) => Ok(Given::Text("")),
        (None, Scalar::Bytes) => Ok(Given::Bytes(&[])),
        (None, scalar) => scalar.given(Payload::number(scalar.wire(), 0), body),
    }
}

fn decimal<'a>((notes, chain): (&Notes, Chain), body: &'a [u8]) -> Taken<Given<'a>> {
    let (mut digits, mut scale) = (&[][..], 0);
    let mut rest = chain;
    while let Some((payload, _)) = notes.next(&mut rest) {
        wire::fields(body, payload, |number, payload| {
            match (number, payload.wire) {
                (1, Wire::Sized) => digits = body.get(payload.range()).ok_or_else(wire::cut)?,
                (3, Wire::Varint) => scale = payload.bits() as i32,
                (1 | 3, _) => return Err(mismatch("a decimal")),
                _ => {}
            }
            Ok(())
        })?;
    }
    match u32::try_from(scale) {
        Ok(scale) if scale <= PLACES_MAX => Ok(Given::Decimal(digits, scale)),
        _ => Err(Fault::misfit(format!("decimal of scale {scale}"))),
    }
}

/// What a field that is not there says; `None` where that is no plain value.
pub fn absent(absent: &Absent) -> Option<Given<'_>> {
    Some(match absent {
        Absent::Bool(value) => Given::Bool(*value),
        Absent::Int(value) => Given::Int(*value),
        Absent::Uint(value) => i64::try_from(*value).map_or(Given::Large(*value), Given::Int),
        Absent::Float(value) => Given::Float(*value),
        Absent::Double(value) => Given::Double(*value),
        Absent::Text(text) => Given::Text(text),
        Absent::Bytes(bytes) => Given::Bytes(bytes),
        Absent::Enum(number) => Given::Int((*number).into()),
        Absent::Null | Absent::Refused | Absent::Empty => return None,
    })
}

/// Key and value of a map's entries.
pub fn entry(outline: &Outline, of: Type) -> Option<[&Field; 2]> {
    let Type::Message(place) = of else { return None };
    let fields = &outline.messages.get(place)?.fields;
    let numbered = |number: u32| fields.iter().find(|field| field.number == number);
    Some([numbered(1)?, numbered(2)?])
}

const NANOS: i64 = 1_000_000_000;
/// A record may claim any number of decimal places; no column has this many.
const PLACES_MAX: u32 = 300;
