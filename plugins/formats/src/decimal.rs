//! The digits of decimals: bytes as Connect has them, and the integers that are counted with.

/// Without the leading bytes that only repeat the sign: Java's numbers have the fewest bytes possible.
pub fn shortened(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while let [first, second, ..] = rest
        && ((*first == 0 && *second < 0x80) || (*first == 0xff && *second >= 0x80))
    {
        rest = rest.get(1..).unwrap_or_default();
    }
    if rest.is_empty() { &[0] } else { rest }
}

/// The integer of some digits; none when it has more than 16 bytes.
pub fn number(digits: &[u8]) -> Option<i128> {
    let digits = shortened(digits);
    let mut bytes = if digits.first().is_some_and(|first| *first >= 0x80) { [0xff; 16] } else { [0; 16] };
    let start = bytes.len().checked_sub(digits.len())?;
    bytes.get_mut(start..)?.copy_from_slice(digits);
    Some(i128::from_be_bytes(bytes))
}

pub fn digits(number: i128) -> Vec<u8> {
    shortened(&number.to_be_bytes()).to_vec()
}

/// A number with the point that many places to the right; none when a digit would be lost or there are too many.
pub fn shifted(mut number: i128, places: i64) -> Option<i128> {
    if number == 0 {
        return Some(0);
    }
    if places.unsigned_abs() > DIGITS_MAX {
        return None;
    }
    for _ in 0..places.unsigned_abs() {
        number = match places > 0 {
            true => number.checked_mul(10)?,
            false if number % 10 == 0 => number / 10,
            false => return None,
        };
    }
    Some(number)
}

/// Of 16 bytes: more places would lose all of them.
const DIGITS_MAX: u64 = 39;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_shift_loses_nothing() {
        for (given, places, expected) in [
            (15, 2, Some(1500)),
            (1500, -2, Some(15)),
            (1500, -3, None),
            (0, i64::MIN, Some(0)),
            (1, 38, Some(10_i128.pow(38))),
            (1, 39, None),
            (10_i128.pow(38), -38, Some(1)),
            (1, i64::MAX, None),
        ] {
            assert_eq!(shifted(given, places), expected, "{given} by {places}");
        }
        assert_eq!(number(&[1; 17]), None);
        assert_eq!(number(&[]), Some(0));
    }

    proptest! {
        #[test]
        fn numbers_have_the_fewest_digits(given in any::<i128>()) {
            let few = digits(given);
            prop_assert_eq!(number(&few), Some(given));
            let more = [&[if given < 0 { 0xff } else { 0 }; 20][..], &few].concat();
            prop_assert_eq!(shortened(&more), &few[..]);
        }
    }
}
