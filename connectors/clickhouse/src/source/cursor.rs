//! The growing column: its values as bytes of an answer, as text of an offset, and as a literal of a query.
use std::fmt::Write;

use crate::types::{Quoted, Type};
use crate::values::{Zone, calendar, decimal, instant};

use super::text;

/// A value in the server's own order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Numbers; days, seconds or ticks since 1970.
    Number(i128),
    Text(String),
}

/// How values of the column are read and written.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub name: String,
    ty: Type,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Signed(usize),
    Unsigned(usize),
    Decimal { precision: usize, scale: usize },
    Date,
    Date32,
    DateTime,
    DateTime64(u32),
    Text,
    FixedText(usize),
}

impl Column {
    /// `Err` says what else could be done.
    pub fn new(name: &str, ty: &Type) -> Result<Self, String> {
        let kind = match ty {
            Type::Int(bytes) if *bytes <= 16 => Kind::Signed(*bytes),
            Type::UInt(bytes) if *bytes <= 8 => Kind::Unsigned(*bytes),
            Type::Decimal { precision, scale } if *precision <= 38 => {
                Kind::Decimal { precision: *precision, scale: *scale }
            }
            Type::Date => Kind::Date,
            Type::Date32 => Kind::Date32,
            Type::DateTime(_) => Kind::DateTime,
            Type::DateTime64(scale, _) => Kind::DateTime64(*scale),
            Type::String => Kind::Text,
            Type::FixedString(bytes) => Kind::FixedText(*bytes),
            Type::Nullable(_) => {
                return Err(format!(
                    "column {name} is {ty}, and rows without a value have no place in an order; use query with \
                     assumeNotNull or coalesce, or a column that is not Nullable"
                ));
            }
            _ => {
                return Err(format!(
                    "column {name} is {ty}; expected a number of at most 64 bits (signed: 128), a Decimal of at most \
                     38 digits, a date, a time or text"
                ));
            }
        };
        Ok(Column { name: name.to_owned(), ty: ty.clone(), kind })
    }

    /// Whether values are points in time, which a safety margin can be counted from.
    pub fn is_time(&self) -> bool {
        matches!(self.kind, Kind::DateTime | Kind::DateTime64(_))
    }

    /// A whole value as it stands in an answer. `None` if it is no UTF-8.
    pub fn read(&self, bytes: &[u8]) -> Option<Value> {
        Some(match self.kind {
            Kind::Signed(_) | Kind::Decimal { .. } | Kind::Date32 | Kind::DateTime64(_) => {
                Value::Number(signed(bytes))
            }
            Kind::Unsigned(_) | Kind::Date | Kind::DateTime => Value::Number(unsigned(bytes)),
            Kind::Text => {
                let (_, text) = super::measure::sized(bytes)?;
                Value::Text(std::str::from_utf8(text).ok()?.to_owned())
            }
            Kind::FixedText(_) => Value::Text(std::str::from_utf8(bytes).ok()?.to_owned()),
        })
    }

    /// As a person reads it; times are in UTC.
    pub fn show(&self, value: &Value) -> String {
        match (self.kind, value) {
            (Kind::FixedText(_), Value::Text(text)) => text.trim_end_matches('\0').to_owned(),
            (_, Value::Text(text)) => text.clone(),
            (Kind::Decimal { scale, .. }, Value::Number(number)) => text::decimal(*number, scale),
            (Kind::Date | Kind::Date32, Value::Number(days)) => text::date(*days as i64),
            (Kind::DateTime, Value::Number(seconds)) => text::instant(*seconds as i64, 0),
            (Kind::DateTime64(scale), Value::Number(ticks)) => text::instant(*ticks as i64, scale),
            (_, Value::Number(number)) => number.to_string(),
        }
    }

    /// Reads what [`Self::show`] wrote, or what a person did. `Err` names what was expected.
    pub fn parse(&self, given: &str) -> Result<Value, String> {
        let given = if self.is_text() { given } else { given.trim() };
        let number = match self.kind {
            Kind::Signed(bytes) => given.parse().ok().filter(|number| fits(*number, bytes, true)),
            Kind::Unsigned(bytes) => given.parse().ok().filter(|number| fits(*number, bytes, false)),
            Kind::Decimal { precision, scale } => {
                let mut bytes = Vec::new();
                decimal::scaled(given, precision, scale, true).map(|wide| {
                    wide.push(16, &mut bytes);
                    signed(&bytes)
                })
            }
            Kind::Date => calendar::date_of_text(given, true).map(i128::from),
            Kind::Date32 => calendar::date32_of_text(given, true).map(i128::from),
            Kind::DateTime => instant::seconds_of_text(given, &Zone::Utc, true).map(i128::from),
            Kind::DateTime64(scale) => instant::ticks_of_text(given, scale, &Zone::Utc, true).map(i128::from),
            Kind::Text => return Ok(Value::Text(given.to_owned())),
            Kind::FixedText(bytes) if given.len() <= bytes => {
                return Ok(Value::Text(format!("{given}{}", "\0".repeat(bytes - given.len()))));
            }
            Kind::FixedText(_) => None,
        };
        number.map(Value::Number).ok_or_else(|| {
            format!("expected a value of column {}, which is {}, got {given:?}", self.name, self.ty)
        })
    }

    /// A constant of the column's own type, so that the server finds it by the primary key.
    pub fn literal(&self, value: &Value) -> String {
        let mut out = String::new();
        let _ = match (self.kind, value) {
            (Kind::DateTime, Value::Number(seconds)) => write!(out, "toDateTime({seconds})"),
            (Kind::DateTime64(scale), Value::Number(ticks)) => {
                write!(out, "reinterpret(toInt64('{ticks}'), 'DateTime64({scale})')")
            }
            (Kind::Date32, Value::Number(days)) => write!(out, "toDate32(toInt32({days}))"),
            (_, value) => write!(out, "CAST({} AS {})", Quoted(&self.show(value), '\''), self.ty),
        };
        out
    }

    /// Rows of the last `lag_ms` are not looked at, and no row whose value may still be given to another: the tick of
    /// the clock that is `lag_ms` ago is not over.
    pub fn before_lag(&self, lag_ms: u64) -> String {
        let ty = match self.kind {
            Kind::DateTime64(scale) => format!("DateTime64({scale})"),
            _ => "DateTime".to_owned(),
        };
        format!(
            "{} < CAST(fromUnixTimestamp64Milli(toUnixTimestamp64Milli(now64(3)) - {lag_ms}) AS {ty})",
            Quoted(&self.name, '`')
        )
    }

    fn is_text(&self) -> bool {
        matches!(self.kind, Kind::Text | Kind::FixedText(_))
    }
}

fn fits(number: i128, bytes: usize, is_signed: bool) -> bool {
    let bits = bytes as u32 * 8;
    match (is_signed, bits) {
        (true, 128) => true,
        (true, bits) => (-(1_i128 << (bits - 1))..1_i128 << (bits - 1)).contains(&number),
        (false, bits) => (0..1_i128 << bits).contains(&number),
    }
}

/// A little-endian number in two's complement of at most 16 bytes.
pub fn signed(bytes: &[u8]) -> i128 {
    let is_negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut wide = [if is_negative { 0xff } else { 0 }; 16];
    let length = bytes.len().min(16);
    wide[..length].copy_from_slice(&bytes[..length]);
    i128::from_le_bytes(wide)
}

fn unsigned(bytes: &[u8]) -> i128 {
    let mut wide = [0; 16];
    let length = bytes.len().min(8);
    wide[..length].copy_from_slice(&bytes[..length]);
    i128::from_le_bytes(wide)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::parse;

    fn column(ty: &str) -> Column {
        Column::new("c", &parse(ty).unwrap()).unwrap()
    }

    #[test]
    fn values_are_shown_as_they_are_read_back() {
        for (ty, number, shown) in [
            ("Int8", -128, "-128"),
            ("UInt64", u64::MAX.into(), "18446744073709551615"),
            ("Int128", i128::MIN, "-170141183460469231731687303715884105728"),
            ("Decimal(9, 2)", -5, "-0.05"),
            ("Decimal(38, 0)", 7, "7"),
            ("Date", 20_454, "2026-01-01"),
            ("Date32", -25_567, "1900-01-01"),
            ("DateTime('Europe/Berlin')", 1_767_225_600, "2026-01-01T00:00:00Z"),
            ("DateTime64(3)", -1, "1969-12-31T23:59:59.999Z"),
            ("DateTime64(9, 'UTC')", 1_767_225_600_123_456_789, "2026-01-01T00:00:00.123456789Z"),
        ] {
            let column = column(ty);
            assert_eq!(column.show(&Value::Number(number)), shown, "{ty}");
            assert_eq!(column.parse(shown), Ok(Value::Number(number)), "{ty}");
        }
        let fixed = column("FixedString(4)");
        assert_eq!(fixed.parse("ab"), Ok(Value::Text("ab\0\0".into())));
        assert_eq!(fixed.show(&Value::Text("ab\0\0".into())), "ab");
    }

    #[test]
    fn what_is_no_value_of_the_column_is_refused() {
        for (ty, given) in [
            ("Int8", "128"),
            ("UInt8", "-1"),
            ("UInt64", "18446744073709551616"),
            ("Decimal(9, 2)", "0.001"),
            ("Date", "2026-02-30"),
            ("DateTime", "soon"),
            ("FixedString(2)", "abc"),
        ] {
            let told = column(ty).parse(given).unwrap_err();
            assert!(told.contains(given) && told.contains("column c"), "{told}");
        }
    }

    #[test]
    fn columns_without_an_order_that_holds_are_refused() {
        for ty in ["Nullable(Int8)", "Float64", "UUID", "Array(UInt8)", "UInt256", "Decimal(76, 1)"] {
            let told = Column::new("c", &parse(ty).unwrap()).unwrap_err();
            assert!(told.starts_with("column c is "), "{told}");
        }
    }

    #[test]
    fn literals_cannot_break_out_of_the_statement() {
        let value = Value::Text("a'b\\".into());
        assert_eq!(column("String").literal(&value), r"CAST('a\'b\\' AS String)");
    }
}
