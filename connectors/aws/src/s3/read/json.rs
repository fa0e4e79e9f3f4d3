//! JSON text, written straight from what a file has.
use std::fmt::{Display, LowerExp};

pub use crate::quote::quote;

/// A member's name with its colon.
pub fn name(text: &str) -> Box<[u8]> {
    let mut out = Vec::new();
    quote(text, &mut out);
    out.push(b':');
    out.into()
}

/// The fewest digits that mean the number; what JSON has no number for is text.
pub fn double(value: f64, out: &mut Vec<u8>) {
    let is_plain = (1e-5..1e17).contains(&value.abs());
    real(value, (value, is_plain), out);
}

/// As [`double`], by the digits of the smaller type.
pub fn float(value: f32, out: &mut Vec<u8>) {
    let is_plain = (1e-5..1e9).contains(&value.abs());
    real(value, (value.into(), is_plain), out);
}

/// The longest forms, of what is not plain, have an exponent.
fn real(value: impl Display + LowerExp, (size, is_plain): (f64, bool), out: &mut Vec<u8>) {
    if size.is_nan() {
        out.extend_from_slice(b"\"nan\"");
    } else if size.is_infinite() {
        out.extend_from_slice(if size > 0.0 { b"\"inf\"" } else { b"\"-inf\"" });
    } else if is_plain || size == 0.0 {
        number(value, out);
    } else {
        number(format_args!("{value:e}"), out);
    }
}

/// Anything that shows itself as JSON does.
pub fn number(value: impl Display, out: &mut Vec<u8>) {
    use std::io::Write;
    // Writing into memory does not fail.
    let _ = write!(out, "{value}");
}

/// Bytes, as text if they shall be that and are.
pub fn bytes(value: &[u8], is_text: bool, out: &mut Vec<u8>) -> Result<(), String> {
    if is_text {
        let text = std::str::from_utf8(value)
            .map_err(|_| "s3.binary=text: bytes are not UTF-8; expected s3.binary=base64".to_owned())?;
        quote(text, out);
    } else {
        out.push(b'"');
        formats::base64::encode(value, out);
        out.push(b'"');
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reals_are_as_short_as_they_can_be() {
        let check = |value: f64, expected: &str| {
            let mut out = Vec::new();
            double(value, &mut out);
            assert_eq!(std::str::from_utf8(&out), Ok(expected));
        };
        check(0.1, "0.1");
        check(-0.0, "-0");
        check(1e-5, "0.00001");
        check(9.9e-6, "9.9e-6");
        check(-1e17, "-1e17");
        check(123_456_789_012_345_680.0, "1.2345678901234568e17");
        check(f64::NAN, "\"nan\"");
        check(f64::NEG_INFINITY, "\"-inf\"");
        let check = |value: f32, expected: &str| {
            let mut out = Vec::new();
            float(value, &mut out);
            assert_eq!(std::str::from_utf8(&out), Ok(expected));
        };
        check(0.1, "0.1");
        check(0.0, "0");
        // In more digits it is less than that.
        check(1e-5, "0.00001");
        check(1e9, "1e9");
        check(16_777_216.0, "16777216");
        check(f32::INFINITY, "\"inf\"");
    }
}
