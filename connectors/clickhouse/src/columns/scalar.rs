//! Columns whose values all have the same number of bytes.
mod given;

use std::borrow::Cow;
use std::str::FromStr;

use super::Buffer;
use crate::json::{Cursor, Fault};
use crate::types::{Enum, Type};
use crate::values::{Loss, Zone, Zones, calendar, clock, decimal, instant, integer, network, uuid};

pub struct Scalar {
    kind: Kind,
    /// A value that would lose something is refused.
    exact: bool,
    /// One zero value.
    zero: Vec<u8>,
    buffer: Buffer,
}

enum Kind {
    Int(usize),
    UInt(usize),
    BFloat16,
    Float32,
    Float64,
    Bool,
    FixedString(usize),
    Date,
    Date32,
    DateTime(Zone),
    DateTime64(u32, Zone),
    Time,
    Time64(u32),
    Uuid,
    Ipv4,
    Ipv6,
    Decimal { precision: usize, scale: usize, width: usize },
    Enum(Enum),
}

impl Scalar {
    pub fn new(ty: &Type, zones: &Zones) -> Self {
        let (kind, width) = kind(ty, zones);
        let mut zero = vec![0; width];
        if let Kind::Enum(names) = &kind {
            // The server's zero value of an enum is its lowest number.
            let lowest = names.entries.iter().map(|(_, value)| *value).min().unwrap_or(0);
            zero.copy_from_slice(&lowest.to_le_bytes()[..width]);
        }
        let exact = match kind {
            Kind::Decimal { .. } => zones.loss != Loss::Allowed,
            _ => zones.loss == Loss::Refused,
        };
        Scalar { kind, exact, zero, buffer: Buffer::default() }
    }

    #[inline]
    pub fn append(&mut self, json: &mut Cursor<'_>) -> Result<(), Fault> {
        let at = json.position();
        let fits = match json.peek() {
            b'"' => match json.plain()? {
                Some(text) => self.append_text(text),
                None => self.append_text(&json.string()?),
            },
            b'-' | b'0'..=b'9' => {
                let number = json.number()?;
                self.append_number(number)
            }
            // The rest is rare enough to stay out of the way of the processor's instruction cache.
            _ => return self.append_other(json, at),
        };
        fits.ok_or(Fault::Misfit { at })
    }

    #[cold]
    fn append_other(&mut self, json: &mut Cursor<'_>, at: usize) -> Result<(), Fault> {
        let fits = match json.peek() {
            b't' => {
                json.literal("true")?;
                self.append_bool(true)
            }
            b'f' => {
                json.literal("false")?;
                self.append_bool(false)
            }
            b'n' => {
                json.literal("null")?;
                self.fill(1);
                Some(())
            }
            b'{' | b'[' => None,
            _ => return Err(json.fault("a value")),
        };
        fits.ok_or(Fault::Misfit { at })
    }

    #[inline]
    fn append_number(&mut self, raw: &str) -> Option<()> {
        match &self.kind {
            Kind::Int(width) => integer::signed(raw, *width, &mut self.buffer.bytes),
            Kind::UInt(width) => integer::unsigned(raw, *width, &mut self.buffer.bytes),
            Kind::BFloat16 => {
                let value = f32::from_str(raw).ok().filter(|value| value.is_finite())?;
                self.put(&bfloat16(value))
            }
            Kind::Float32 => {
                let value = f32::from_str(raw).ok().filter(|value| value.is_finite())?;
                self.put(&value.to_le_bytes())
            }
            Kind::Float64 => {
                let value = f64::from_str(raw).ok().filter(|value| value.is_finite())?;
                self.put(&value.to_le_bytes())
            }
            Kind::Bool => match raw {
                "0" => self.put(&[0]),
                "1" => self.put(&[1]),
                _ => None,
            },
            Kind::Date => self.put(&calendar::date_of_number(raw, self.exact)?.to_le_bytes()),
            Kind::Date32 => self.put(&calendar::date32_of_number(raw, self.exact)?.to_le_bytes()),
            Kind::DateTime(_) => self.put(&instant::seconds_of_number(raw, self.exact)?.to_le_bytes()),
            Kind::DateTime64(scale, _) => {
                let ticks = instant::ticks_of_number(raw, *scale, self.exact)?;
                self.put(&ticks.to_le_bytes())
            }
            Kind::Time => self.put(&(clock::ticks_of_number(raw, 0)? as i32).to_le_bytes()),
            Kind::Time64(scale) => self.put(&clock::ticks_of_number(raw, *scale)?.to_le_bytes()),
            Kind::Decimal { .. } => self.decimal(raw),
            Kind::Enum(names) => {
                let value = i16::from_str(raw).ok()?;
                let known = names.entries.iter().any(|(_, number)| *number == value);
                if known { self.put_enum(value) } else { None }
            }
            Kind::FixedString(_) => self.append_text(raw),
            Kind::Uuid | Kind::Ipv4 | Kind::Ipv6 => None,
        }
    }

    /// Appends a value that was given as text: in quotes, or as the name of an object's field.
    pub fn append_text(&mut self, text: &str) -> Option<()> {
        match &self.kind {
            Kind::Int(width) => integer::signed(text, *width, &mut self.buffer.bytes),
            Kind::UInt(width) => integer::unsigned(text, *width, &mut self.buffer.bytes),
            Kind::BFloat16 => {
                let value = f32::from_str(text).ok().filter(|value| value.is_finite() || !has_digit(text))?;
                self.put(&bfloat16(value))
            }
            Kind::Float32 => {
                let value = f32::from_str(text).ok().filter(|value| value.is_finite() || !has_digit(text))?;
                self.put(&value.to_le_bytes())
            }
            Kind::Float64 => {
                let value = f64::from_str(text).ok().filter(|value| value.is_finite() || !has_digit(text))?;
                self.put(&value.to_le_bytes())
            }
            Kind::Bool => match text {
                "0" | "false" => self.put(&[0]),
                "1" | "true" => self.put(&[1]),
                _ => None,
            },
            Kind::FixedString(width) => {
                let padding = width.checked_sub(text.len())?;
                self.put(text.as_bytes());
                self.buffer.fill(0, padding);
                Some(())
            }
            Kind::Date => self.put(&calendar::date_of_text(text, self.exact)?.to_le_bytes()),
            Kind::Date32 => self.put(&calendar::date32_of_text(text, self.exact)?.to_le_bytes()),
            Kind::DateTime(zone) => {
                let seconds = instant::seconds_of_text(text, zone, self.exact)?;
                self.put(&seconds.to_le_bytes())
            }
            Kind::DateTime64(scale, zone) => {
                let ticks = instant::ticks_of_text(text, *scale, zone, self.exact)?;
                self.put(&ticks.to_le_bytes())
            }
            Kind::Time => {
                let seconds = clock::ticks_of_text(text, 0, self.exact)?;
                self.put(&(seconds as i32).to_le_bytes())
            }
            Kind::Time64(scale) => {
                let ticks = clock::ticks_of_text(text, *scale, self.exact)?;
                self.put(&ticks.to_le_bytes())
            }
            Kind::Uuid => self.put(&uuid::parse(text)?),
            Kind::Ipv4 => self.put(&network::ipv4(text)?),
            Kind::Ipv6 => self.put(&network::ipv6(text)?),
            Kind::Decimal { .. } => self.decimal(text),
            Kind::Enum(names) => match names.entries.iter().find(|(name, _)| name == text) {
                Some(&(_, value)) => self.put_enum(value),
                None => self.append_number(text),
            },
        }
    }

    fn append_bool(&mut self, value: bool) -> Option<()> {
        match self.kind {
            Kind::Bool | Kind::Int(_) | Kind::UInt(_) | Kind::BFloat16 | Kind::Float32 | Kind::Float64 => {
                self.append_number(if value { "1" } else { "0" })
            }
            Kind::FixedString(_) => self.append_text(if value { "true" } else { "false" }),
            _ => None,
        }
    }

    fn decimal(&mut self, text: &str) -> Option<()> {
        let Kind::Decimal { precision, scale, width } = self.kind else {
            unreachable!("only called for a decimal column");
        };
        let scaled = decimal::scaled(text, precision, scale, self.exact)?;
        scaled.push(width, &mut self.buffer.bytes);
        Some(())
    }

    fn put_enum(&mut self, value: i16) -> Option<()> {
        let width = self.zero.len();
        self.put(&value.to_le_bytes()[..width])
    }

    /// Always `Some`, so that a match arm can end with it.
    #[inline]
    #[allow(clippy::unnecessary_wraps)]
    fn put(&mut self, bytes: &[u8]) -> Option<()> {
        self.buffer.push(bytes);
        Some(())
    }

    pub fn fill(&mut self, rows: usize) {
        for _ in 0..rows {
            self.buffer.bytes.extend_from_slice(&self.zero);
        }
    }

    #[inline]
    pub fn mark(&mut self) {
        self.buffer.mark();
    }

    pub fn rollback(&mut self) {
        self.buffer.rollback();
    }

    pub fn cut(&mut self, row_written: bool) {
        self.buffer.cut(row_written);
    }

    pub fn clear(&mut self) {
        self.buffer.clear();
    }

    pub fn pieces<'a>(&'a self, block: usize, out: &mut Vec<Cow<'a, [u8]>>) {
        out.push(Cow::Borrowed(self.buffer.block(block)));
    }

    pub fn zero_size(&self) -> usize {
        self.zero.len()
    }
}

fn kind(ty: &Type, zones: &Zones) -> (Kind, usize) {
    match ty {
        Type::Int(width) => (Kind::Int(*width), *width),
        Type::UInt(width) => (Kind::UInt(*width), *width),
        Type::BFloat16 => (Kind::BFloat16, 2),
        Type::Float32 => (Kind::Float32, 4),
        Type::Float64 => (Kind::Float64, 8),
        Type::Bool => (Kind::Bool, 1),
        Type::FixedString(width) => (Kind::FixedString(*width), *width),
        Type::Date => (Kind::Date, 2),
        Type::Date32 => (Kind::Date32, 4),
        Type::DateTime(zone) => (Kind::DateTime(zones.get(zone.as_deref())), 4),
        Type::DateTime64(scale, zone) => (Kind::DateTime64(*scale, zones.get(zone.as_deref())), 8),
        Type::Time => (Kind::Time, 4),
        Type::Time64(scale) => (Kind::Time64(*scale), 8),
        Type::Uuid => (Kind::Uuid, 16),
        Type::Ipv4 => (Kind::Ipv4, 4),
        Type::Ipv6 => (Kind::Ipv6, 16),
        Type::Decimal { precision, scale } => {
            let width = decimal::width(*precision);
            (Kind::Decimal { precision: *precision, scale: *scale, width }, width)
        }
        Type::Enum(names) => (Kind::Enum(names.clone()), names.width),
        Type::String
        | Type::Json(_)
        | Type::Nullable(_)
        | Type::Array(_)
        | Type::Map(..)
        | Type::Tuple(_)
        | Type::Geo(..)
        | Type::LowCardinality(_)
        | Type::Variant(_)
        | Type::Dynamic(_) => {
            unreachable!("Column::new gives these types to other columns")
        }
    }
}

/// The upper half of a number, as the server cuts it.
fn bfloat16(value: f32) -> [u8; 2] {
    let [_, _, low, high] = value.to_le_bytes();
    [low, high]
}

/// Whether text that reads as an infinite number is a number that is too large, not the word "inf".
fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}
