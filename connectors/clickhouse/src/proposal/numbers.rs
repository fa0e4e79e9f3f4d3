//! What numbers need of a column: width, sign, digits before and behind the point.
use crate::types::Type;

#[derive(Debug, Default)]
pub struct Numbers {
    /// Some are written with a point or an exponent.
    pub has_fraction: bool,
    /// Some are beyond what a `Float64` holds.
    pub is_infinite: bool,
    is_negative: bool,
    /// Bits of the largest magnitude, without the sign.
    bits: u32,
    /// Digits before the point.
    digits: usize,
    /// Digits behind the point.
    scale: usize,
}

impl Numbers {
    /// Takes in a number as JSON writes it.
    pub fn add(&mut self, raw: &str) {
        self.has_fraction |= raw.contains(['.', 'e', 'E']);
        self.is_infinite |= !raw.parse::<f64>().is_ok_and(f64::is_finite);
        let (digits, scale) = extent(raw);
        self.digits = self.digits.max(digits);
        self.scale = self.scale.max(scale);
        let bits = if let Ok(whole) = raw.parse::<i128>() {
            self.is_negative |= whole < 0;
            // -2^63 has as many bits as 2^63 - 1.
            let magnitude = if whole < 0 { !whole } else { whole };
            128 - magnitude.leading_zeros()
        } else {
            self.is_negative |= raw.starts_with('-');
            if digits <= WIDE_DIGITS { WIDE_BITS } else { u32::MAX }
        };
        self.bits = self.bits.max(bits);
    }

    /// The first of these integer types that holds all numbers.
    pub fn integer(&self, types: &[Type]) -> Option<Type> {
        let holds = |ty: &&Type| match ty {
            Type::Int(width) => self.bits < *width as u32 * 8,
            Type::UInt(width) => !self.is_negative && self.bits <= *width as u32 * 8,
            _ => false,
        };
        if self.has_fraction { None } else { types.iter().find(holds).cloned() }
    }

    /// The type of a new column.
    pub fn column_type(&self) -> Option<Type> {
        if self.has_fraction {
            return (!self.is_infinite).then_some(Type::Float64);
        }
        self.integer(&[Type::Int(8), Type::UInt(8), Type::Int(16), Type::Int(32)])
    }

    /// The decimal that holds these and all of another decimal.
    pub fn decimal(&self, precision: usize, scale: usize) -> Option<Type> {
        let digits = self.digits.max(precision - scale);
        let scale = self.scale.max(scale);
        (digits + scale <= DECIMAL_DIGITS).then_some(Type::Decimal { precision: digits + scale, scale })
    }
}

/// Digits before and behind the point that a number needs.
fn extent(raw: &str) -> (usize, usize) {
    let raw = raw.trim_start_matches('-');
    let (number, exponent) = raw.split_once(['e', 'E']).unwrap_or((raw, "0"));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let shift: i64 = exponent.parse().unwrap_or(i64::MAX / 2);
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_end_matches('0');
    let leading = significant.len() - significant.trim_start_matches('0').len();
    if significant.len() == leading {
        return (1, 0);
    }
    let point = (whole.len() as i64).saturating_add(shift);
    let before = point.saturating_sub(leading as i64).max(1);
    let behind = (significant.len() as i64).saturating_sub(point).max(0);
    let count = |digits: i64| usize::try_from(digits).unwrap_or(usize::MAX / 4);
    (count(before), count(behind))
}

/// A number of this many digits fits 256 bits with a sign.
const WIDE_DIGITS: usize = 76;
const WIDE_BITS: u32 = 253;
/// The digits of the widest decimal.
const DECIMAL_DIGITS: usize = 76;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &[&str], expected: &str) {
        let mut numbers = Numbers::default();
        for raw in raw {
            numbers.add(raw);
        }
        let ty = numbers.column_type().map_or("none".to_owned(), |ty| ty.to_string());
        assert_eq!(ty, expected, "{raw:?}");
    }

    #[test]
    fn whole_numbers_get_the_first_type_that_holds_them_all() {
        check(&["1", "-5"], "Int64");
        check(&["-0"], "Int64");
        check(&["9223372036854775807", "-9223372036854775808"], "Int64");
        check(&["9223372036854775808"], "UInt64");
        check(&["18446744073709551615", "1"], "UInt64");
        check(&["18446744073709551615", "-1"], "Int128");
        check(&["18446744073709551616"], "Int128");
        check(&["-170141183460469231731687303715884105728"], "Int128");
        check(&["170141183460469231731687303715884105728"], "Int256");
        check(&[&"9".repeat(76)], "Int256");
        check(&[&"9".repeat(77)], "none");
        check(&["1", "2.5"], "Float64");
        check(&["7.0"], "Float64");
        check(&["1e500"], "none");
    }

    #[test]
    fn digits_before_and_behind_the_point_are_counted() {
        for (raw, expected) in [
            ("1.25", (1, 2)),
            ("-120.50", (3, 1)),
            ("0.001", (1, 3)),
            ("1e3", (4, 0)),
            ("1.5e-3", (1, 4)),
            ("12.5e1", (3, 0)),
            ("0", (1, 0)),
            ("0.0", (1, 0)),
            ("100", (3, 0)),
        ] {
            assert_eq!(extent(raw), expected, "{raw}");
        }
        assert!(extent("1e99999999999999999999").0 > DECIMAL_DIGITS);
        assert!(extent("1e-9223372036854775807").1 > DECIMAL_DIGITS);
    }
}
