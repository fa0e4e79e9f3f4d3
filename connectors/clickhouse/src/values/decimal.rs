//! Decimal numbers from their digits, so that no binary fraction comes between.
use std::fmt;

use super::wide::Wide;

/// Reads a number and shifts its point `scale` digits to the right. `None` if it is no number, has more than
/// `precision` digits, or would lose digits beyond the scale although it shall be `exact`.
pub fn scaled(text: &str, precision: usize, scale: usize, exact: bool) -> Option<Wide> {
    if let Some(value) = small(text, precision, scale) {
        return Some(value);
    }
    let (value, is_exact) = Number::parse(text)?.shifted(precision, scale)?;
    if is_exact || !exact { Some(value) } else { None }
}

/// Moves the point of an unscaled number from `from` places to `to`. As [`scaled`] otherwise.
#[inline]
pub fn moved(unscaled: Wide, from: u32, to: u32, precision: usize, exact: bool) -> Option<Wide> {
    match unscaled.magnitude() {
        Some(magnitude) if from <= to && precision <= CHUNK_DIGITS as usize => {
            // Nearly every decimal: a few digits that become a few more.
            let factor = POWERS.get((to - from) as usize);
            let value = factor.and_then(|factor| magnitude.checked_mul(*factor));
            let value = value.filter(|value| *value < POWERS[precision]);
            match value {
                Some(value) => Some(Wide::small(unscaled.negative, value)),
                None if magnitude == 0 => Some(unscaled),
                None => None,
            }
        }
        _ => widely_moved(unscaled, from, to, precision, exact),
    }
}

fn widely_moved(unscaled: Wide, from: u32, to: u32, precision: usize, exact: bool) -> Option<Wide> {
    shifted(unscaled, from, to, exact)?.below(precision)
}

/// As [`moved`], with as many digits as 256 bits have.
pub fn shifted(unscaled: Wide, from: u32, to: u32, exact: bool) -> Option<Wide> {
    let mut value = unscaled;
    if value.is_zero() {
        return Some(value);
    }
    let mut places = from.abs_diff(to);
    while places > 0 {
        let step = places.min(CHUNK_DIGITS);
        let factor = 10_u64.pow(step);
        if to > from {
            value = value.multiply_add(factor, 0)?;
        } else {
            let (quotient, rest) = value.divided(factor);
            if exact && rest != 0 {
                return None;
            }
            value = quotient;
            if value.is_zero() && !exact {
                return Some(value);
            }
        }
        places -= step;
    }
    Some(value)
}

impl Wide {
    /// `None` if it has more digits.
    fn below(self, digits: usize) -> Option<Self> {
        let power = shifted(Wide::small(false, 1), 0, digits as u32, true)?;
        if self.is_below(&power) { Some(self) } else { None }
    }
}

/// Writes an unscaled number with its point.
pub fn write(out: &mut impl fmt::Write, unscaled: Wide, scale: u32) -> fmt::Result {
    let mut digits = [0; WHOLE_DIGITS_MAX];
    let mut count = 0;
    let mut rest = unscaled;
    while !rest.is_zero() {
        let digit;
        (rest, digit) = rest.divided(10);
        digits[count] = digit as u8 + b'0';
        count += 1;
    }
    if unscaled.negative && count > 0 {
        out.write_char('-')?;
    }
    let scale = scale as usize;
    for place in (0..count.max(scale + 1)).rev() {
        out.write_char(char::from(digits.get(place).copied().filter(|_| place < count).unwrap_or(b'0')))?;
        if place == scale && scale > 0 {
            out.write_char('.')?;
        }
    }
    Ok(())
}

/// Nearly every decimal: digits with at most one point, few enough for a machine word, none beyond the scale but
/// zeros. `None` for any other, which may still be a decimal.
fn small(text: &str, precision: usize, scale: usize) -> Option<Wide> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let whole = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (whole, fraction) = match digits.split_at(whole) {
        (whole, []) => (whole, &[][..]),
        (whole, [b'.', fraction @ ..]) => (whole, fraction),
        _ => return None,
    };
    if whole.is_empty() || whole.len() + scale > precision.min(18) {
        return None;
    }
    let mut value = whole.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0'));
    for place in 0..scale {
        let digit = fraction.get(place).copied().unwrap_or(b'0').wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit);
    }
    let is_exact = fraction.iter().skip(scale).all(|&digit| digit == b'0');
    if is_exact { Some(Wide::small(negative, value)) } else { None }
}

/// Reads a whole number, also when it is written as 1e3 or 7.0. `None` if it has a fraction.
pub fn whole(text: &str) -> Option<Wide> {
    let (value, is_exact) = Number::parse(text)?.shifted(WHOLE_DIGITS_MAX, 0)?;
    if is_exact { Some(value) } else { None }
}

/// Bytes of a decimal of this precision.
pub fn width(precision: usize) -> usize {
    match precision {
        0..=9 => 4,
        10..=18 => 8,
        19..=38 => 16,
        _ => 32,
    }
}

/// The parts of a number's text.
struct Number<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Number<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let bytes = text.as_bytes();
        let (negative, bytes) = match bytes.first()? {
            b'-' => (true, &bytes[1..]),
            b'+' => (false, &bytes[1..]),
            _ => (false, bytes),
        };
        let (whole, rest) = digits(bytes);
        let (fraction, rest) = match rest.first() {
            Some(b'.') => digits(&rest[1..]),
            _ => (&rest[..0], rest),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let exponent = match rest.first() {
            None => 0,
            Some(b'e' | b'E') => exponent(&rest[1..])?,
            Some(_) => return None,
        };
        Some(Number { negative, whole, fraction, exponent })
    }

    /// The digits left of the shifted point, and whether none but zeros were right of it.
    fn shifted(&self, digits_max: usize, scale: usize) -> Option<(Wide, bool)> {
        let digits = || self.whole.iter().chain(self.fraction);
        let zeros = digits().take_while(|&&digit| digit == b'0').count();
        let zero = Wide::zero(self.negative);
        if zeros == self.whole.len() + self.fraction.len() {
            return Some((zero, true));
        }
        let keep = self.whole.len() as i64 + self.exponent + scale as i64 - zeros as i64;
        if keep <= 0 {
            return Some((zero, false));
        }
        let keep = usize::try_from(keep).ok().filter(|&keep| keep <= digits_max)?;
        let mut value = zero;
        let padded = digits().skip(zeros).chain(std::iter::repeat(&b'0')).take(keep);
        let (mut chunk, mut factor) = (0, 1);
        for digit in padded {
            chunk = chunk * 10 + u64::from(digit - b'0');
            factor *= 10;
            if factor == CHUNK {
                value = value.multiply_add(factor, chunk)?;
                (chunk, factor) = (0, 1);
            }
        }
        let is_exact = digits().skip(zeros + keep).all(|&digit| digit == b'0');
        Some((value.multiply_add(factor, chunk)?, is_exact))
    }
}

fn digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    bytes.split_at(bytes.iter().take_while(|byte| byte.is_ascii_digit()).count())
}

/// An exponent is held within bounds that no precision reaches, so that sums with it cannot overflow.
fn exponent(bytes: &[u8]) -> Option<i64> {
    let (negative, bytes) = match bytes.first()? {
        b'-' => (true, &bytes[1..]),
        b'+' => (false, &bytes[1..]),
        _ => (false, bytes),
    };
    let (digits, rest) = digits(bytes);
    if digits.is_empty() || !rest.is_empty() {
        return None;
    }
    let value =
        digits.iter().fold(0_i64, |sum, digit| (sum * 10 + i64::from(digit - b'0')).min(EXPONENT_MAX));
    Some(if negative { -value } else { value })
}

/// 2^256 has 78 digits.
const WHOLE_DIGITS_MAX: usize = 78;
/// Of a machine word.
const CHUNK_DIGITS: u32 = 18;
const EXPONENT_MAX: i64 = 1 << 40;
/// Powers of ten up to the largest in one chunk.
const POWERS: [u64; CHUNK_DIGITS as usize + 1] = {
    let mut powers = [1; CHUNK_DIGITS as usize + 1];
    let mut place = 1;
    while place < powers.len() {
        powers[place] = powers[place - 1] * 10;
        place += 1;
    }
    powers
};
/// The largest power of ten whose digits are gathered in one machine word.
const CHUNK: u64 = 1_000_000_000_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_short_way_to_move_a_point_ends_where_the_long_one_does(
            value in prop_oneof![any::<i64>(), -1_000_000_i64..1_000_000],
            from in 0_u32..40,
            to in 0_u32..40,
            precision in 1_usize..77,
            exact in any::<bool>(),
        ) {
            let unscaled = Wide::small(value < 0, value.unsigned_abs());
            let moved = moved(unscaled, from, to, precision, exact);
            prop_assert_eq!(moved, widely_moved(unscaled, from, to, precision, exact));
        }
    }
}
