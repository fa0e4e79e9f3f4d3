//! Decimals as Connect keeps them: the digits as big endian bytes in two's complement, and a scale.

use std::fmt::Write as _;

/// The text of a decimal as Java writes it, which is plain unless there are many zeros.
pub fn text(unscaled: &[u8], scale: i32) -> String {
    let (is_negative, digits) = digits(unscaled);
    let exponent = digits.len() as i64 - 1 - i64::from(scale);
    let mut out = String::new();
    if is_negative {
        out.push('-');
    }
    if scale == 0 {
        out.push_str(&digits);
    } else if scale > 0 && exponent >= -6 {
        point(&digits, scale as usize, &mut out);
    } else {
        let (first, rest) = digits.split_at(1);
        out.push_str(first);
        if !rest.is_empty() {
            out.push('.');
            out.push_str(rest);
        }
        let _ = write!(out, "E{exponent:+}");
    }
    out
}

/// The text without an exponent.
pub fn plain_text(unscaled: &[u8], scale: i32) -> String {
    let (is_negative, digits) = digits(unscaled);
    let mut out = String::new();
    if is_negative {
        out.push('-');
    }
    match usize::try_from(scale) {
        Ok(0) => out.push_str(&digits),
        Ok(scale) => point(&digits, scale.min(SCALE_MAX), &mut out),
        Err(_) if digits == "0" => out.push('0'),
        Err(_) => {
            out.push_str(&digits);
            out.extend(std::iter::repeat_n('0', (scale.unsigned_abs() as usize).min(SCALE_MAX)));
        }
    }
    out
}

/// The part before the point; `None` if it is larger than an integer of Connect can be.
pub fn integer(unscaled: &[u8], scale: i32) -> Option<i64> {
    let text = plain_text(unscaled, scale);
    let before = text.split('.').next().unwrap_or_default();
    if before == "-0" { Some(0) } else { before.parse().ok() }
}

pub fn float(unscaled: &[u8], scale: i32) -> f64 {
    plain_text(unscaled, scale).parse().unwrap_or(f64::NAN)
}

/// The bytes of a number's text at a scale; `None` if it is no number or has more digits behind the point.
pub fn unscaled(text: &str, scale: i32) -> Option<Vec<u8>> {
    let text = text.trim();
    let (before, after) = text.split_once('.').unwrap_or((text, ""));
    let missing = usize::try_from(scale).ok()?.checked_sub(after.len())?;
    let number: i128 = format!("{before}{after}{}", "0".repeat(missing.min(SCALE_MAX))).parse().ok()?;
    let bytes = number.to_be_bytes();
    let sign = if number < 0 { 0xff } else { 0 };
    let leading = bytes.windows(2).take_while(|pair| pair[0] == sign && (pair[1] ^ sign) < 0x80).count();
    Some(bytes[leading..].to_vec())
}

/// A scale comes with a record and must not make us write without end.
const SCALE_MAX: usize = 10_000;

fn point(digits: &str, scale: usize, out: &mut String) {
    let before = digits.len().saturating_sub(scale);
    out.push_str(if before == 0 { "0" } else { &digits[..before] });
    out.push('.');
    out.extend(std::iter::repeat_n('0', scale.saturating_sub(digits.len())));
    out.push_str(&digits[before..]);
}

/// The sign and the decimal digits of a number of any length.
fn digits(unscaled: &[u8]) -> (bool, String) {
    let is_negative = unscaled.first().is_some_and(|byte| *byte >= 0x80);
    let mut bytes = unscaled.get(unscaled.len().saturating_sub(BYTES_MAX)..).unwrap_or_default().to_vec();
    if is_negative {
        let mut carry = true;
        for byte in bytes.iter_mut().rev() {
            let (value, over) = (!*byte).overflowing_add(u8::from(carry));
            (*byte, carry) = (value, over);
        }
    }
    let mut groups = Vec::new();
    while bytes.iter().any(|byte| *byte != 0) {
        let mut rest = 0u64;
        for byte in &mut bytes {
            let value = rest << 8 | u64::from(*byte);
            (*byte, rest) = ((value / 1_000_000_000) as u8, value % 1_000_000_000);
        }
        groups.push(rest);
    }
    let mut out = groups.pop().unwrap_or(0).to_string();
    for group in groups.iter().rev() {
        let _ = write!(out, "{group:09}");
    }
    (is_negative, out)
}

/// Longer numbers are cut: taking them apart costs the square of their length.
const BYTES_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_read_as_java_writes_them() {
        for (bytes, scale, expected) in [
            (&[][..], 0, "0"),
            (&[0][..], 2, "0.00"),
            (&[1][..], 2, "0.01"),
            (&[0xff][..], 2, "-0.01"),
            (&[0x04, 0xd2][..], 2, "12.34"),
            (&[0xfb, 0x2e][..], 2, "-12.34"),
            (&[1][..], 7, "1E-7"),
            (&[0x7b][..], 10, "1.23E-8"),
            (&[0x7b][..], -2, "1.23E+4"),
            (&[1, 0, 0, 0, 0, 0, 0, 0, 0][..], 0, "18446744073709551616"),
        ] {
            assert_eq!(text(bytes, scale), expected);
        }
        assert_eq!(plain_text(&[0x7b], -2), "12300");
        assert_eq!((integer(&[0xfb, 0x2e], 2), float(&[0x04, 0xd2], 2)), (Some(-12), 12.34));
    }

    #[test]
    fn a_number_finds_its_scale() {
        assert_eq!(unscaled("12.34", 2), Some(vec![0x04, 0xd2]));
        assert_eq!(unscaled("-12.3", 2), Some(vec![0xfb, 0x32]));
        assert_eq!(unscaled("128", 0), Some(vec![0, 128]));
        assert_eq!(unscaled("0", 3), Some(vec![0]));
        for (bad, scale) in [("x", 0), ("1.234", 2), ("", 0)] {
            assert_eq!(unscaled(bad, scale), None, "{bad}");
        }
    }
}
