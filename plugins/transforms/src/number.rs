//! Floating point numbers as Java writes them, appended without an allocation of their own.

use std::io::Write as _;

/// Java's text of a double.
pub fn double_text(value: f64) -> String {
    let mut out = Vec::with_capacity(24);
    write_double(&mut out, value);
    String::from_utf8_lossy(&out).into_owned()
}

/// Appends Java's `Double.toString`: plain between 10⁻³ and 10⁷, with an exponent outside.
pub fn write_double(out: &mut Vec<u8>, value: f64) {
    if let Some(word) = word(value) {
        out.extend_from_slice(word);
    } else if value == 0.0 || (1e-3..1e7).contains(&value.abs()) {
        append(out, format_args!("{value:?}"));
    } else {
        exponent(out, format_args!("{value:e}"));
    }
}

/// Appends Java's `Float.toString`.
pub fn write_float(out: &mut Vec<u8>, value: f32) {
    if let Some(word) = word(f64::from(value)) {
        out.extend_from_slice(word);
    } else if value == 0.0 || (1e-3..1e7).contains(&value.abs()) {
        append(out, format_args!("{value:?}"));
    } else {
        exponent(out, format_args!("{value:e}"));
    }
}

/// The three values that have no digits.
fn word(value: f64) -> Option<&'static [u8]> {
    if value.is_nan() {
        Some(b"NaN")
    } else if value.is_infinite() {
        Some(if value > 0.0 { b"Infinity" } else { b"-Infinity" })
    } else {
        None
    }
}

fn append(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // A vector takes every write.
    let _ = out.write_fmt(text);
}

/// Rust writes `1e10` and `1.5e10` where Java writes `1.0E10` and `1.5E10`.
fn exponent(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    let start = out.len();
    append(out, text);
    let Some(at) = out[start..].iter().position(|&b| b == b'e').map(|i| start + i) else { return };
    out[at] = b'E';
    if !out[start..at].contains(&b'.') {
        out.splice(at..at, *b".0");
    }
}

#[cfg(test)]
mod tests {
    use super::{double_text, write_float};

    #[test]
    fn doubles_read_as_java_writes_them() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.5, "1.5"),
            (100.0, "100.0"),
            (0.001, "0.001"),
            (0.0001, "1.0E-4"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (-1.25e10, "-1.25E10"),
            (1e21, "1.0E21"),
            (f64::MAX, "1.7976931348623157E308"),
            (f64::MIN_POSITIVE, "2.2250738585072014E-308"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(double_text(value), text);
        }
    }

    #[test]
    fn floats_keep_their_own_precision() {
        for (value, text) in
            [(0.1_f32, "0.1"), (3.4e38, "3.4E38"), (1e-5, "1.0E-5"), (16_777_216.0, "1.6777216E7")]
        {
            let mut out = Vec::new();
            write_float(&mut out, value);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
