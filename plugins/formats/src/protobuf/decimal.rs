//! Decimals: the digits as Connect has them, at the scale that a schema says.

use crate::decimal::{digits, number, shifted, shortened};

/// The digits of a number of scale `from` at scale `to`; none when digits would be lost or there are too many.
pub fn rescaled(given: &[u8], from: i64, to: i64) -> Option<Vec<u8>> {
    if from == to {
        return Some(shortened(given).to_vec());
    }
    shifted(number(given)?, to.saturating_sub(from)).map(digits)
}

/// How many digits a number has; none when they are too many to be counted here.
pub fn precision(digits: &[u8]) -> Option<u32> {
    let number = number(digits)?.unsigned_abs();
    Some(number.checked_ilog10().unwrap_or(0) + 1)
}

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
