//! JSON text, written straight from what a file has.

/// A text in quotes.
pub fn quote(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut from = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let escaped: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0..0x20 => {
                out.extend_from_slice(&bytes[from..at]);
                out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
                from = at + 1;
                continue;
            }
            _ => continue,
        };
        out.extend_from_slice(&bytes[from..at]);
        out.extend_from_slice(escaped);
        from = at + 1;
    }
    out.extend_from_slice(&bytes[from..]);
    out.push(b'"');
}

/// A member's name with its colon.
pub fn name(text: &str) -> Box<[u8]> {
    let mut out = Vec::new();
    quote(text, &mut out);
    out.push(b':');
    out.into()
}

/// The fewest digits that mean the number; what JSON has no number for is text.
pub fn double(value: f64, out: &mut Vec<u8>) {
    if value.is_finite() {
        // The longest forms have an exponent.
        let text = if (1e-5..1e17).contains(&value.abs()) || value == 0.0 {
            format!("{value}")
        } else {
            format!("{value:e}")
        };
        out.extend_from_slice(text.as_bytes());
    } else {
        special(value.is_nan(), value > 0.0, out);
    }
}

/// As [`double`], by the digits of the smaller type.
pub fn float(value: f32, out: &mut Vec<u8>) {
    if value.is_finite() {
        let text = if (1e-5..1e9).contains(&value.abs()) || value == 0.0 {
            format!("{value}")
        } else {
            format!("{value:e}")
        };
        out.extend_from_slice(text.as_bytes());
    } else {
        special(value.is_nan(), value > 0.0, out);
    }
}

fn special(is_nan: bool, is_positive: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(match (is_nan, is_positive) {
        (true, _) => b"\"nan\"",
        (false, true) => b"\"inf\"",
        (false, false) => b"\"-inf\"",
    });
}

/// Anything that shows itself as JSON does.
pub fn number(value: impl std::fmt::Display, out: &mut Vec<u8>) {
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
