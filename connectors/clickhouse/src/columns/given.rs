//! Values of binary formats on their way into a column: what they mean, which columns take them, how they read.
use std::fmt::{self, Write};

use crate::types::Type;
use crate::values::wide::Wide;
use crate::values::{calendar, decimal};

/// A value without parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Given<'a> {
    Bool(bool),
    Int(i64),
    /// A whole number beyond those of `Int`.
    Large(u64),
    Float(f32),
    Double(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    /// Two's complement, highest byte first, and the number of decimal places.
    Decimal(&'a [u8], u32),
    /// In the order in which it is written.
    Uuid([u8; 16]),
    /// Days since 1970-01-01.
    Date(i64),
    /// Ticks since midnight, and how many decimal places of a second one has.
    Clock(i64, u32),
    /// Ticks since 1970-01-01 UTC.
    Instant(i64, u32),
    /// Ticks since 1970-01-01 in whatever zone the column has.
    Local(i64, u32),
    Duration {
        months: u32,
        days: u32,
        millis: u32,
    },
}

/// What a value will be, before there is one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Bool,
    Int,
    Float,
    Text,
    /// A name out of a few that are known beforehand.
    Name,
    /// With their number, if it is always the same.
    Bytes(Option<usize>),
    Decimal,
    Uuid,
    Date,
    Clock,
    Instant,
    Local,
    Duration,
}

impl Kind {
    /// Whether a column of this type can take values of this kind; some of them may still be out of range.
    pub fn fits(self, ty: &Type) -> bool {
        use Kind::{
            Bool, Bytes, Clock, Date, Decimal, Duration, Float, Instant, Int, Local, Name, Text, Uuid,
        };
        match ty {
            Type::Nullable(inner) | Type::LowCardinality(inner) => self.fits(inner),
            Type::String => true,
            Type::FixedString(width) => !matches!(self, Bytes(Some(size)) if size > *width),
            Type::Json(_) => self == Text,
            Type::Enum(_) => matches!(self, Text | Name | Int),
            Type::Int(_) | Type::UInt(_) | Type::BFloat16 | Type::Float32 | Type::Float64 => {
                !matches!(self, Bytes(_) | Uuid | Name | Duration)
            }
            Type::Bool => matches!(self, Bool | Int | Text),
            Type::Decimal { .. } => matches!(self, Int | Float | Text | Decimal),
            Type::Date | Type::Date32 => matches!(self, Int | Text | Date | Instant | Local),
            Type::DateTime(_) | Type::DateTime64(..) => {
                matches!(self, Int | Float | Text | Decimal | Date | Instant | Local)
            }
            Type::Time | Type::Time64(_) => matches!(self, Int | Text | Clock | Duration),
            Type::Uuid => matches!(self, Text | Uuid | Bytes(None | Some(16))),
            Type::Ipv4 => matches!(self, Text | Bytes(None | Some(4))),
            Type::Ipv6 => matches!(self, Text | Bytes(None | Some(16))),
            Type::Array(_)
            | Type::Map(..)
            | Type::Tuple(_)
            | Type::Geo(..)
            | Type::Variant(_)
            | Type::Dynamic(_) => false,
        }
    }
}

impl Given<'_> {
    /// Whether its text stands without quotes in JSON.
    pub fn is_bare(&self) -> bool {
        match self {
            Given::Bool(_) | Given::Int(_) | Given::Large(_) | Given::Decimal(..) => true,
            Given::Float(value) => value.is_finite(),
            Given::Double(value) => value.is_finite(),
            _ => false,
        }
    }

    pub fn is_number_without_text(&self) -> bool {
        matches!(self, Given::Decimal(bytes, _) if Wide::from_be(bytes).is_none())
    }
}

/// The text that a `String` column gets.
impl fmt::Display for Given<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Given::Bool(value) => value.fmt(out),
            Given::Int(value) => value.fmt(out),
            Given::Large(value) => value.fmt(out),
            Given::Float(value) => write!(out, "{value:?}"),
            Given::Double(value) => write!(out, "{value:?}"),
            Given::Text(text) => out.write_str(text),
            Given::Bytes(bytes) => hexadecimal(out, bytes),
            Given::Decimal(bytes, scale) => match Wide::from_be(bytes) {
                Some(unscaled) => decimal::write(out, unscaled, scale),
                None => hexadecimal(out, bytes),
            },
            Given::Uuid(bytes) => {
                let hex = |out: &mut fmt::Formatter<'_>, part: &[u8]| {
                    part.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
                };
                hex(out, &bytes[..4])?;
                [4..6, 6..8, 8..10, 10..16].into_iter().try_for_each(|part| {
                    out.write_char('-')?;
                    hex(out, &bytes[part])
                })
            }
            Given::Date(days) => date(out, days),
            Given::Clock(ticks, scale) => {
                if ticks < 0 {
                    out.write_char('-')?;
                }
                let second = 10_u64.pow(scale);
                let (seconds, rest) = (ticks.unsigned_abs() / second, ticks.unsigned_abs() % second);
                write!(out, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)?;
                fraction(out, rest, scale)
            }
            Given::Instant(ticks, scale) => {
                moment(out, ticks, scale)?;
                out.write_char('Z')
            }
            Given::Local(ticks, scale) => moment(out, ticks, scale),
            Given::Duration { months, days, millis } => {
                write!(out, "P{months}M{days}DT{}", millis / 1000)?;
                fraction(out, u64::from(millis % 1000), 3)?;
                out.write_char('S')
            }
        }
    }
}

/// Text on the stack. Writing fails when it is full, which no number or time makes it.
pub struct Line {
    bytes: [u8; LINE_MAX],
    length: usize,
}

impl Line {
    pub fn new() -> Self {
        Line { bytes: [0; LINE_MAX], length: 0 }
    }

    /// The text of a value; `None` if it is too long.
    pub fn write(&mut self, value: impl fmt::Display) -> Option<&str> {
        self.length = 0;
        write!(self, "{value}").ok()?;
        std::str::from_utf8(self.bytes.get(..self.length)?).ok()
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

fn hexadecimal(out: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    out.write_str("0x")?;
    bytes.iter().take(HEX_MAX).try_for_each(|byte| write!(out, "{byte:02x}"))?;
    if bytes.len() > HEX_MAX { out.write_str("…") } else { Ok(()) }
}

fn date(out: &mut fmt::Formatter<'_>, days: i64) -> fmt::Result {
    let (year, month, day) = calendar::civil(days);
    write!(out, "{year:04}-{month:02}-{day:02}")
}

fn moment(out: &mut fmt::Formatter<'_>, ticks: i64, scale: u32) -> fmt::Result {
    let second = 10_i64.pow(scale);
    let (seconds, rest) = (ticks.div_euclid(second), ticks.rem_euclid(second));
    date(out, seconds.div_euclid(DAY))?;
    let time = seconds.rem_euclid(DAY);
    write!(out, "T{:02}:{:02}:{:02}", time / 3600, time / 60 % 60, time % 60)?;
    fraction(out, rest.unsigned_abs(), scale)
}

fn fraction(out: &mut fmt::Formatter<'_>, ticks: u64, scale: u32) -> fmt::Result {
    if scale == 0 { Ok(()) } else { write!(out, ".{ticks:0width$}", width = scale as usize) }
}

const DAY: i64 = 86_400;
/// More than the longest decimal that a column takes: 78 digits, a sign, a point.
const LINE_MAX: usize = 400;
/// Bytes of a refused value that a message shows.
const HEX_MAX: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: Given<'_>, text: &str) {
        assert_eq!(Line::new().write(given), Some(text), "{given:?}");
    }

    #[test]
    fn values_read_as_people_write_them() {
        check(Given::Int(-7), "-7");
        check(Given::Double(0.1), "0.1");
        check(Given::Float(1e20), "1e20");
        check(Given::Decimal(&[4, 0xD2], 2), "12.34");
        check(Given::Decimal(&[0xFF], 3), "-0.001");
        check(Given::Decimal(&[], 2), "0.00");
        check(Given::Decimal(&[0x80, 0], 0), "-32768");
        check(Given::Uuid([0x11; 16]), "11111111-1111-1111-1111-111111111111");
        check(Given::Date(19_359), "2023-01-02");
        check(Given::Date(-1), "1969-12-31");
        check(Given::Clock(45_296_789, 3), "12:34:56.789");
        check(Given::Clock(-1, 6), "-00:00:00.000001");
        check(Given::Instant(1_672_628_645_678, 3), "2023-01-02T03:04:05.678Z");
        check(Given::Instant(-1, 3), "1969-12-31T23:59:59.999Z");
        check(Given::Local(i64::MIN, 9), "1677-09-21T00:12:43.145224192");
        check(Given::Duration { months: 1, days: 2, millis: 3004 }, "P1M2DT3.004S");
        check(Given::Bytes(b"\x00\xff"), "0x00ff");
    }

    #[test]
    fn the_calendar_goes_both_ways() {
        for days in (-800_000..3_000_000).step_by(997).chain([0, -1, 11_016, 11_017, -719_162, 2_932_896]) {
            let text = Line::new().write(Given::Date(days)).unwrap().to_owned();
            if let Some(read) = calendar::date32_of_text(&text, true) {
                assert_eq!(i64::from(read), days, "{text}");
            } else {
                assert!(calendar::date32_of_days(days).is_none(), "{text}");
            }
        }
    }

    #[test]
    fn numbers_of_256_bits_are_the_last_that_have_a_text() {
        let mut bytes = vec![0x7F];
        bytes.extend([0xFF; 31]);
        check(
            Given::Decimal(&bytes, 0),
            "57896044618658097711785492504343953926634992332820282019728792003956564819967",
        );
        let mut least = vec![0xFF, 0x80];
        least.extend([0; 31]);
        check(
            Given::Decimal(&least, 76),
            "-5.7896044618658097711785492504343953926634992332820282019728792003956564819968",
        );
        bytes.insert(0, 1);
        assert!(Given::Decimal(&bytes, 0).is_number_without_text());
    }
}
