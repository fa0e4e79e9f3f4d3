//! Decimals as numbers of JSON, digit by digit.

use crate::decimal::{self, shifted};

/// The digits of a number at a scale; none when some would be lost or there are more than 38.
pub fn parse(text: &str, scale: i64) -> Option<Vec<u8>> {
    number(text, scale).map(decimal::digits)
}

/// As [`parse`], as an integer.
pub fn number(text: &str, scale: i64) -> Option<i128> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let number: i128 = format!("{whole}{fraction}").parse().ok()?;
    if number == 0 {
        return Some(0);
    }
    let places = scale.checked_add(exponent)?.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    shifted(number, places)
}

/// A number of JSON; none when it has more digits than are counted here.
pub fn text(digits: &[u8], scale: i64) -> Option<String> {
    let number = decimal::number(digits)?;
    if scale.unsigned_abs() > SCALE_MAX {
        return None;
    }
    if scale <= 0 {
        let zeros = if number == 0 { 0 } else { scale.unsigned_abs() as usize };
        return Some(format!("{number}{}", "0".repeat(zeros)));
    }
    let (sign, places) = (if number < 0 { "-" } else { "" }, scale as usize);
    let plain = format!("{:0>width$}", number.unsigned_abs(), width = places + 1);
    let (whole, fraction) = plain.split_at(plain.len() - places);
    Some(format!("{sign}{whole}.{fraction}"))
}

const SCALE_MAX: u64 = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_keep_every_digit_or_are_refused() {
        for (number, scale, digits) in [
            ("1.5", 2, Some(vec![0, 0x96])),
            ("-0.01", 2, Some(vec![0xff])),
            ("1.2e3", 0, Some(vec![4, 0xb0])),
            ("0.00", 0, Some(vec![0])),
            ("1.001", 2, None),
            ("1e999999999", 2, None),
            ("1e-99999999999999999999", 2, None),
        ] {
            assert_eq!(parse(number, scale), digits, "{number}");
        }
        assert_eq!(text(&[0xff], 2).as_deref(), Some("-0.01"));
        assert_eq!(text(&[5], -2).as_deref(), Some("500"));
        assert_eq!(text(&[1; 17], 0), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(number in any::<i128>(), scale in 0_i64..40) {
            let digits = decimal::digits(number);
            prop_assert_eq!(parse(&text(&digits, scale).unwrap(), scale), Some(digits));
        }
    }
}
