//! Fills columns of fixed width from values that are no text.
use super::{Kind, Scalar, bfloat16};
use crate::columns::Given;
use crate::columns::given::Line;
use crate::values::wide::Wide;
use crate::values::{calendar, clock, decimal, instant, integer, uuid};

impl Scalar {
    /// Appends a value. `None`, with nothing appended, if it does not fit.
    #[inline]
    pub fn put_given(&mut self, given: Given<'_>) -> Option<()> {
        match given {
            Given::Int(value) => self.put_int(value),
            Given::Double(value) => self.put_double(value),
            Given::Text(text) => self.append_text(text),
            Given::Decimal(bytes, scale) => self.put_decimal(bytes, scale),
            Given::Instant(ticks, scale) => self.put_instant(ticks, scale),
            Given::Bool(value) => self.append_bool(value),
            other => self.put_other(other),
        }
    }

    fn put_int(&mut self, value: i64) -> Option<()> {
        match &self.kind {
            Kind::Int(width) => integer::push_signed(value, *width, &mut self.buffer.bytes),
            Kind::UInt(width) => {
                integer::push_unsigned(u64::try_from(value).ok()?, *width, &mut self.buffer.bytes)
            }
            Kind::BFloat16 => self.put(&bfloat16(value as f32)),
            Kind::Float32 => self.put(&(value as f32).to_le_bytes()),
            Kind::Float64 => self.put(&(value as f64).to_le_bytes()),
            Kind::Bool => self.put(&[u8::try_from(value).ok().filter(|value| *value <= 1)?]),
            Kind::Date => self.put(&calendar::date_of(value, self.exact)?.to_le_bytes()),
            Kind::Date32 => self.put(&calendar::date32_of(value, self.exact)?.to_le_bytes()),
            Kind::DateTime(_) => {
                self.put(&u32::try_from(instant::ticks_of(value, 0, self.exact)?).ok()?.to_le_bytes())
            }
            Kind::DateTime64(scale, _) => {
                self.put(&instant::ticks_of(value, *scale, self.exact)?.to_le_bytes())
            }
            Kind::Time => self.put(&(clock::within(value, 0)? as i32).to_le_bytes()),
            Kind::Time64(scale) => self.put(&clock::within(value, *scale)?.to_le_bytes()),
            Kind::Decimal { .. } => self.put_moved(Wide::small(value < 0, value.unsigned_abs()), 0),
            Kind::Enum(names) => {
                let value = i16::try_from(value).ok()?;
                let known = names.entries.iter().any(|(_, number)| *number == value);
                if known { self.put_enum(value) } else { None }
            }
            Kind::FixedString(_) => self.append_text(Line::new().write(value)?),
            Kind::Uuid | Kind::Ipv4 | Kind::Ipv6 => None,
        }
    }

    /// Larger than the type holds is refused; what is infinite or no number is so in either.
    fn put_double(&mut self, value: f64) -> Option<()> {
        match self.kind {
            Kind::Float64 => self.put(&value.to_le_bytes()),
            Kind::Float32 => self.put(&narrow(value)?.to_le_bytes()),
            Kind::BFloat16 => self.put(&bfloat16(narrow(value)?)),
            // A binary fraction means the decimal number with the fewest digits that reads as it.
            _ => self.append_text(Line::new().write(Given::Double(value))?),
        }
    }

    fn put_decimal(&mut self, bytes: &[u8], scale: u32) -> Option<()> {
        match &self.kind {
            Kind::Decimal { .. } => self.put_moved(Wide::from_be(bytes)?, scale),
            Kind::Int(width) => {
                let whole = decimal::shifted(Wide::from_be(bytes)?, scale, 0, true)?;
                let fits = whole.fits_signed(*width);
                fits.then(|| whole.push(*width, &mut self.buffer.bytes))
            }
            Kind::UInt(width) => {
                let whole = decimal::shifted(Wide::from_be(bytes)?, scale, 0, true)?;
                let fits = whole.fits_unsigned(*width);
                fits.then(|| whole.push(*width, &mut self.buffer.bytes))
            }
            _ if Wide::from_be(bytes).is_none() => None,
            _ => self.append_text(Line::new().write(Given::Decimal(bytes, scale))?),
        }
    }

    fn put_moved(&mut self, unscaled: Wide, from: u32) -> Option<()> {
        let Kind::Decimal { precision, scale, width } = self.kind else { return None };
        let moved = decimal::moved(unscaled, from, scale as u32, precision, self.exact)?;
        moved.push(width, &mut self.buffer.bytes);
        Some(())
    }

    fn put_instant(&mut self, ticks: i64, from: u32) -> Option<()> {
        match &self.kind {
            Kind::DateTime64(scale, _) => {
                self.put(&instant::rescaled(ticks, from, *scale, self.exact)?.to_le_bytes())
            }
            Kind::DateTime(_) => {
                let seconds = instant::rescaled(ticks, from, 0, self.exact)?;
                self.put(&u32::try_from(seconds).ok()?.to_le_bytes())
            }
            Kind::Date | Kind::Date32 => self.put_days(self.days(ticks, from)?),
            Kind::FixedString(_) => self.append_text(Line::new().write(Given::Instant(ticks, from))?),
            _ => self.put_int(ticks),
        }
    }

    /// The day of a point in time; an exact column takes midnights only.
    fn days(&self, ticks: i64, scale: u32) -> Option<i64> {
        let day = DAY * 10_i64.pow(scale);
        if self.exact && ticks % day != 0 { None } else { Some(ticks.div_euclid(day)) }
    }

    fn put_days(&mut self, days: i64) -> Option<()> {
        match self.kind {
            Kind::Date => self.put(&u16::try_from(days).ok()?.to_le_bytes()),
            Kind::Date32 => self.put(&calendar::date32_of_days(days)?.to_le_bytes()),
            _ => self.put_int(days),
        }
    }

    /// What is rarer than numbers and text.
    fn put_other(&mut self, given: Given<'_>) -> Option<()> {
        match (&self.kind, given) {
            (Kind::UInt(8), Given::Large(value)) => self.put(&value.to_le_bytes()),
            (_, Given::Large(value)) => self.append_text(Line::new().write(value)?),
            (Kind::Float32, Given::Float(value)) => self.put(&value.to_le_bytes()),
            (Kind::Float64, Given::Float(value)) => self.put(&f64::from(value).to_le_bytes()),
            (Kind::BFloat16, Given::Float(value)) => self.put(&bfloat16(value)),
            (Kind::FixedString(width), Given::Bytes(bytes)) => {
                let padding = width.checked_sub(bytes.len())?;
                self.put(bytes);
                self.buffer.fill(0, padding);
                Some(())
            }
            (Kind::FixedString(16), Given::Uuid(bytes)) => self.put(&bytes),
            (Kind::Uuid, Given::Uuid(bytes)) => self.put(&uuid::from_be(bytes)),
            (Kind::Uuid, Given::Bytes(bytes)) => self.put(&uuid::from_be(bytes.try_into().ok()?)),
            (Kind::Ipv6, Given::Bytes(bytes)) => {
                self.put(bytes.first_chunk::<16>().filter(|_| bytes.len() == 16)?)
            }
            (Kind::Ipv4, Given::Bytes(bytes)) => {
                let address: [u8; 4] = bytes.try_into().ok()?;
                self.put(&u32::from_be_bytes(address).to_le_bytes())
            }
            (Kind::DateTime(_) | Kind::DateTime64(..), Given::Date(days)) => {
                self.put_local(days.checked_mul(DAY)?, 0)
            }
            (Kind::DateTime(_) | Kind::DateTime64(..), Given::Local(ticks, scale)) => {
                self.put_local(ticks, scale)
            }
            (Kind::Date | Kind::Date32, Given::Local(ticks, scale)) => {
                self.put_days(self.days(ticks, scale)?)
            }
            (Kind::Time | Kind::Time64(_), Given::Clock(ticks, scale)) => self.put_span(ticks, scale),
            // Months have no length.
            (Kind::Time | Kind::Time64(_), Given::Duration { months: 0, days, millis }) => {
                self.put_span(i64::from(days) * DAY * 1000 + i64::from(millis), 3)
            }
            (Kind::FixedString(_), other) => self.append_text(Line::new().write(other)?),
            (_, Given::Date(days)) => self.put_days(days),
            (_, Given::Clock(ticks, _) | Given::Local(ticks, _)) => self.put_int(ticks),
            (_, Given::Float(value)) => self.append_text(Line::new().write(Given::Float(value))?),
            _ => None,
        }
    }

    fn put_local(&mut self, ticks: i64, from: u32) -> Option<()> {
        match &self.kind {
            Kind::DateTime(zone) => {
                let seconds = instant::ticks_of_local(ticks, from, 0, zone, self.exact)?;
                self.put(&u32::try_from(seconds).ok()?.to_le_bytes())
            }
            Kind::DateTime64(scale, zone) => {
                let ticks = instant::ticks_of_local(ticks, from, *scale, zone, self.exact)?;
                self.put(&ticks.to_le_bytes())
            }
            _ => None,
        }
    }

    fn put_span(&mut self, ticks: i64, from: u32) -> Option<()> {
        match self.kind {
            Kind::Time => {
                let seconds = clock::within(instant::rescaled(ticks, from, 0, self.exact)?, 0)?;
                self.put(&(seconds as i32).to_le_bytes())
            }
            Kind::Time64(scale) => {
                let ticks = clock::within(instant::rescaled(ticks, from, scale, self.exact)?, scale)?;
                self.put(&ticks.to_le_bytes())
            }
            _ => None,
        }
    }
}

/// `None` if a number becomes infinite.
fn narrow(value: f64) -> Option<f32> {
    let narrow = value as f32;
    if value.is_finite() && narrow.is_infinite() { None } else { Some(narrow) }
}

const DAY: i64 = 86_400;
