//! Avro's types without parts: how each is read, and what it means.
use formats::avro::{Logical, Node, Type};

use super::wire;
use crate::binary::Taken;
use crate::columns::{Given, Kind};

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar {
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    Text,
    Fixed(usize),
    Decimal(u32),
    FixedDecimal(usize, u32),
    FixedUuid,
    Date,
    TimeMillis,
    TimeMicros,
    /// With the decimal places of a second.
    Timestamp(u32),
    Local(u32),
    Duration,
}

impl Scalar {
    /// `None` for types with parts, for enums, and for null.
    pub fn of(node: &Node) -> Option<Self> {
        Some(match (&node.kind, node.logical) {
            (Type::Bytes, Some(Logical::Decimal { scale, .. })) => Scalar::Decimal(places(scale)?),
            (Type::Fixed(size), Some(Logical::Decimal { scale, .. })) => {
                Scalar::FixedDecimal(*size, places(scale)?)
            }
            (Type::Fixed(16), Some(Logical::Uuid)) => Scalar::FixedUuid,
            (Type::Fixed(12), Some(Logical::Duration)) => Scalar::Duration,
            (Type::Int, Some(Logical::Date)) => Scalar::Date,
            (Type::Int, Some(Logical::TimeMillis)) => Scalar::TimeMillis,
            (Type::Long, Some(Logical::TimeMicros)) => Scalar::TimeMicros,
            (Type::Long, Some(Logical::TimestampMillis)) => Scalar::Timestamp(3),
            (Type::Long, Some(Logical::TimestampMicros)) => Scalar::Timestamp(6),
            (Type::Long, Some(Logical::TimestampNanos)) => Scalar::Timestamp(9),
            (Type::Long, Some(Logical::LocalTimestampMillis)) => Scalar::Local(3),
            (Type::Long, Some(Logical::LocalTimestampMicros)) => Scalar::Local(6),
            (Type::Long, Some(Logical::LocalTimestampNanos)) => Scalar::Local(9),
            (Type::Boolean, _) => Scalar::Boolean,
            (Type::Int, _) => Scalar::Int,
            (Type::Long, _) => Scalar::Long,
            (Type::Float, _) => Scalar::Float,
            (Type::Double, _) => Scalar::Double,
            (Type::Bytes, _) => Scalar::Bytes,
            (Type::String, _) => Scalar::Text,
            (Type::Fixed(size), _) => Scalar::Fixed(*size),
            _ => return None,
        })
    }

    pub fn kind(self) -> Kind {
        match self {
            Scalar::Boolean => Kind::Bool,
            Scalar::Int | Scalar::Long => Kind::Int,
            Scalar::Float | Scalar::Double => Kind::Float,
            Scalar::Bytes => Kind::Bytes(None),
            Scalar::Text => Kind::Text,
            Scalar::Fixed(size) => Kind::Bytes(Some(size)),
            Scalar::Decimal(_) | Scalar::FixedDecimal(..) => Kind::Decimal,
            Scalar::FixedUuid => Kind::Uuid,
            Scalar::Date => Kind::Date,
            Scalar::TimeMillis | Scalar::TimeMicros => Kind::Clock,
            Scalar::Timestamp(_) => Kind::Instant,
            Scalar::Local(_) => Kind::Local,
            Scalar::Duration => Kind::Duration,
        }
    }

    /// Reads a value.
    #[inline]
    pub fn take<'a>(self, rest: &mut &'a [u8]) -> Taken<Given<'a>> {
        Ok(match self {
            Scalar::Int => Given::Int(wire::int(rest)?),
            Scalar::Long => Given::Int(wire::long(rest)?),
            Scalar::Text => Given::Text(wire::text(rest)?),
            Scalar::Double => Given::Double(f64::from_le_bytes(wire::chunk(rest)?)),
            Scalar::Boolean => Given::Bool(wire::boolean(rest)?),
            Scalar::Float => Given::Float(f32::from_le_bytes(wire::chunk(rest)?)),
            Scalar::Bytes => Given::Bytes(wire::sized(rest)?),
            Scalar::Fixed(size) => Given::Bytes(wire::take(rest, size)?),
            Scalar::Decimal(scale) => Given::Decimal(wire::sized(rest)?, scale),
            Scalar::FixedDecimal(size, scale) => Given::Decimal(wire::take(rest, size)?, scale),
            Scalar::FixedUuid => Given::Uuid(wire::chunk(rest)?),
            Scalar::Date => Given::Date(wire::int(rest)?),
            Scalar::TimeMillis => Given::Clock(wire::int(rest)?, 3),
            Scalar::TimeMicros => Given::Clock(wire::long(rest)?, 6),
            Scalar::Timestamp(scale) => Given::Instant(wire::long(rest)?, scale),
            Scalar::Local(scale) => Given::Local(wire::long(rest)?, scale),
            Scalar::Duration => {
                let mut part = || wire::chunk(rest).map(u32::from_le_bytes);
                let (months, days, millis) = (part()?, part()?, part()?);
                Given::Duration { months, days, millis }
            }
        })
    }

    /// As messages call it.
    pub fn name(self) -> &'static str {
        match self {
            Scalar::Boolean => "boolean",
            Scalar::Int => "int",
            Scalar::Long => "long",
            Scalar::Float => "float",
            Scalar::Double => "double",
            Scalar::Bytes => "bytes",
            Scalar::Text => "string",
            Scalar::Fixed(_) => "fixed",
            Scalar::Decimal(_) | Scalar::FixedDecimal(..) => "decimal",
            Scalar::FixedUuid => "uuid",
            Scalar::Date => "date",
            Scalar::TimeMillis => "time-millis",
            Scalar::TimeMicros => "time-micros",
            Scalar::Timestamp(3) => "timestamp-millis",
            Scalar::Timestamp(6) => "timestamp-micros",
            Scalar::Timestamp(_) => "timestamp-nanos",
            Scalar::Local(3) => "local-timestamp-millis",
            Scalar::Local(6) => "local-timestamp-micros",
            Scalar::Local(_) => "local-timestamp-nanos",
            Scalar::Duration => "duration",
        }
    }
}

/// A schema may claim any number of decimal places; no column has this many.
fn places(scale: u64) -> Option<u32> {
    u32::try_from(scale).ok().filter(|scale| *scale <= PLACES_MAX)
}

const PLACES_MAX: u32 = 300;
