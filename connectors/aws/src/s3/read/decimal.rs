//! Decimals of any size, as digits.

/// Appends the digits of a number in two's complement, most significant byte first, with a point before the last `scale`
/// of them. None if it has more bytes than any column.
pub fn write(bytes: &[u8], scale: i64, out: &mut Vec<u8>) -> Option<()> {
    if bytes.len() > BYTES_MAX || !(-SCALE_MAX..=SCALE_MAX).contains(&scale) {
        return None;
    }
    let is_negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let mut rest: Vec<u8> = if is_negative { negated(bytes) } else { bytes.to_vec() };
    let mut digits = Vec::new();
    while rest.iter().any(|byte| *byte != 0) {
        let mut carry = 0_u32;
        for byte in &mut rest {
            let value = carry << 8 | u32::from(*byte);
            *byte = (value / 10) as u8;
            carry = value % 10;
        }
        digits.push(b'0' + carry as u8);
    }
    place(digits, is_negative, scale, out);
    Some(())
}

/// The same of a number that fits.
pub fn small(value: i128, scale: i64, out: &mut Vec<u8>) {
    let mut digits = value.unsigned_abs().to_string().into_bytes();
    digits.reverse();
    place(digits, value < 0, scale, out);
}

/// `digits` begin with the least.
fn place(mut digits: Vec<u8>, is_negative: bool, scale: i64, out: &mut Vec<u8>) {
    if is_negative {
        out.push(b'-');
    }
    let (behind, more) = (usize::try_from(scale).unwrap_or(0), usize::try_from(-scale).unwrap_or(0));
    while digits.len() <= behind {
        digits.push(b'0');
    }
    let is_zero = digits.iter().all(|digit| *digit == b'0');
    for (at, digit) in digits.iter().enumerate().rev() {
        out.push(*digit);
        if at == behind && at > 0 {
            out.push(b'.');
        }
    }
    if !is_zero {
        out.resize(out.len() + more, b'0');
    }
}

fn negated(bytes: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = bytes.iter().map(|byte| !byte).collect();
    for byte in out.iter_mut().rev() {
        let (sum, carries) = byte.overflowing_add(1);
        *byte = sum;
        if !carries {
            break;
        }
    }
    out
}

/// Of a decimal of 76 digits, and a few that say nothing.
const BYTES_MAX: usize = 64;
const SCALE_MAX: i64 = 1000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(bytes: &[u8], scale: i64) -> String {
        let mut out = Vec::new();
        write(bytes, scale, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn digits_are_those_of_the_number() {
        assert_eq!(text(&[], 0), "0");
        assert_eq!(text(&[0], 2), "0.00");
        assert_eq!(text(&[0x04, 0xe2], 2), "12.50");
        assert_eq!(text(&[0xff], 3), "-0.001");
        assert_eq!(text(&[0x80], 0), "-128");
        assert_eq!(text(&[5], -2), "500");
        assert_eq!(text(&[0], -2), "0");
        assert!(write(&[1; 65], 0, &mut Vec::new()).is_none());
    }

    proptest! {
        #[test]
        fn both_ways_say_the_same(value: i128, scale in 0_i64..40) {
            let mut small_form = Vec::new();
            small(value, scale, &mut small_form);
            prop_assert_eq!(text(&value.to_be_bytes(), scale).into_bytes(), small_form);
        }

        #[test]
        fn without_a_point_it_is_the_number(value: i64) {
            prop_assert_eq!(text(&value.to_be_bytes(), 0), value.to_string());
        }
    }
}
