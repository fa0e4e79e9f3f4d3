//! Numbers, dates and times as text.
use std::fmt::Write;

use crate::columns::Given;

/// A number whose last `scale` digits are behind the point.
pub fn decimal(number: i128, scale: usize) -> String {
    let sign = if number < 0 { "-" } else { "" };
    point(sign, &number.unsigned_abs().to_string(), scale)
}

/// A little-endian number of any width.
pub fn wide(bytes: &[u8], is_signed: bool, scale: usize) -> String {
    let is_negative = is_signed && bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut limbs = [0_u64; 4];
    let mut carry = is_negative;
    for (index, limb) in limbs.iter_mut().enumerate() {
        let mut word = [if is_negative { 0xff } else { 0 }; 8];
        let part = bytes.get(index * 8..).unwrap_or_default();
        let length = part.len().min(8);
        word[..length].copy_from_slice(&part[..length]);
        let value = u64::from_le_bytes(word);
        (*limb, carry) =
            if is_negative { (!value).overflowing_add(u64::from(carry)) } else { (value, false) };
    }
    point(if is_negative { "-" } else { "" }, &digits(limbs), scale)
}

fn digits(mut limbs: [u64; 4]) -> String {
    let mut groups = Vec::new();
    while limbs != [0; 4] {
        let mut rest = 0_u128;
        for limb in limbs.iter_mut().rev() {
            let value = rest << 64 | u128::from(*limb);
            *limb = (value / GROUP) as u64;
            rest = value % GROUP;
        }
        groups.push(rest);
    }
    let mut text = groups.pop().map_or_else(|| "0".to_owned(), |first| first.to_string());
    for group in groups.iter().rev() {
        let _ = write!(text, "{group:018}");
    }
    text
}

fn point(sign: &str, digits: &str, scale: usize) -> String {
    if scale == 0 {
        return format!("{sign}{digits}");
    }
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

/// Days since 1970-01-01 as `YYYY-MM-DD`.
pub fn date(days: i64) -> String {
    Given::Date(days).to_string()
}

/// Ticks of 10^-`scale` seconds since 1970 as `YYYY-MM-DDThh:mm:ss.fffZ`.
pub fn instant(ticks: i64, scale: u32) -> String {
    Given::Instant(ticks, scale).to_string()
}

/// Ticks of 10^-`scale` seconds as `hh:mm:ss.fff`, with a minus for spans back.
pub fn span(ticks: i64, scale: u32) -> String {
    Given::Clock(ticks, scale).to_string()
}

/// As many digits as a limb surely holds.
const GROUP: u128 = 1_000_000_000_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::calendar;

    #[test]
    fn every_date_is_read_back() {
        for days in (-719_162..2_932_897).step_by(97).chain([-1, 0, 10_956, 10_957, 11_016, 11_017]) {
            let text = date(days);
            assert_eq!(calendar::date32_of_text(&text, true).map(i64::from), Some(days), "{text}");
        }
    }

    #[test]
    fn numbers_of_256_bits_have_all_their_digits() {
        let most = "57896044618658097711785492504343953926634992332820282019728792003956564819967";
        let least = format!("-{}8", &most[..most.len() - 1]);
        let mut bytes = [0xff; 32];
        bytes[31] = 0x7f;
        assert_eq!(wide(&bytes, true, 0), most);
        let mut bytes = [0; 32];
        bytes[31] = 0x80;
        assert_eq!(wide(&bytes, true, 0), least);
        assert_eq!(wide(&[0xff; 32], true, 3), "-0.001");
        assert_eq!(wide(&[0xff; 8], false, 0), "18446744073709551615");
        assert_eq!(wide(&[0; 16], true, 2), "0.00");
    }

    #[test]
    fn spans_and_instants_have_their_fractions() {
        assert_eq!(span(-500, 3), "-00:00:00.500");
        assert_eq!(span(3_599_999, 0), "999:59:59");
        assert_eq!(instant(-1, 9), "1969-12-31T23:59:59.999999999Z");
    }
}
