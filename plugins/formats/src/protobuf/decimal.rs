//! Decimals: the digits as Connect has them, at the scale that a schema says.

use crate::avro::shortened;

/// The digits of a number of scale `from` at scale `to`; none when digits would be lost or there are too many.
pub fn rescaled(digits: &[u8], from: i64, to: i64) -> Option<Vec<u8>> {
    if from == to {
        return Some(shortened(digits).to_vec());
    }
    let mut number = parse(digits)?;
    if number == 0 {
        return Some(vec![0]);
    }
    if from.abs_diff(to) > DIGITS_MAX {
        return None;
    }
    for _ in 0..from.abs_diff(to) {
        number = if to > from {
            number.checked_mul(10)?
        } else if number % 10 == 0 {
            number / 10
        } else {
            return None;
        };
    }
    Some(shortened(&number.to_be_bytes()).to_vec())
}

/// How many digits a number has; none when they are too many to be counted here.
pub fn precision(digits: &[u8]) -> Option<u32> {
    let number = parse(digits)?.unsigned_abs();
    Some(number.checked_ilog10().unwrap_or(0) + 1)
}

fn parse(digits: &[u8]) -> Option<i128> {
    let digits = shortened(digits);
    let mut bytes = if digits.first().is_some_and(|first| *first >= 0x80) { [0xff; 16] } else { [0; 16] };
    let start = bytes.len().checked_sub(digits.len())?;
    bytes.get_mut(start..)?.copy_from_slice(digits);
    Some(i128::from_be_bytes(bytes))
}

/// Of 16 bytes.
const DIGITS_MAX: u64 = 38;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_changes_only_where_no_digit_is_lost() {
        for (digits, from, to, expected) in [
            (&[5_u8][..], 0, 2, Some(vec![1, 0xf4])),
            (&[1, 0xf4], 2, 0, Some(vec![5])),
            (&[1, 0xf5], 2, 0, None),
            (&[0xfb], 0, 1, Some(vec![0xce])),
            (&[], 0, 7, Some(vec![0])),
            (&[0, 0, 7], 3, 3, Some(vec![7])),
            (&[1], 0, 39, None),
            (&[1; 17], 0, 1, None),
        ] {
            assert_eq!(rescaled(digits, from, to), expected, "{digits:?} from {from} to {to}");
        }
        assert_eq!(precision(&[1, 0xf4]), Some(3));
        assert_eq!(precision(&[0]), Some(1));
        assert_eq!(precision(&[1; 17]), None);
    }
}
