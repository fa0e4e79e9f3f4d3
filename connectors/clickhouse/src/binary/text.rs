//! Values without parts as JSON text.
use std::io::Write;

use crate::columns::Given;

/// Appends a value. JSON has no infinite numbers.
pub fn given(given: &Given<'_>, out: &mut Vec<u8>) {
    match given {
        Given::Text(text) => quoted(text, out),
        Given::Bytes(bytes) => {
            out.push(b'"');
            base64(bytes, out);
            out.push(b'"');
        }
        Given::Float(_) | Given::Double(_) if !given.is_bare() => out.extend_from_slice(b"null"),
        // Writing into memory cannot fail.
        bare if bare.is_bare() && !bare.is_number_without_text() => drop(write!(out, "{bare}")),
        other => drop(write!(out, "\"{other}\"")),
    }
}

/// Appends text in quotes. What needs no escape is copied in one piece.
pub fn quoted(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    let mut start = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if *byte >= 0x20 && !matches!(byte, b'"' | b'\\') {
            continue;
        }
        out.extend_from_slice(&bytes[start..at]);
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            control => drop(write!(out, "\\u{control:04x}")),
        }
        start = at + 1;
    }
    out.extend_from_slice(&bytes[start..]);
    out.push(b'"');
}

fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    for chunk in bytes.chunks(3) {
        let byte = |place: usize| u32::from(chunk.get(place).copied().unwrap_or(0));
        let all = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = DIGITS[(all >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= chunk.len() { digit } else { b'=' });
        }
    }
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted_as_json_has_it() {
        for text in ["", "a", "\"", "\\a\"b\\", "\u{0}\n", "é\u{1f}é", "plain text"] {
            let mut out = b"before".to_vec();
            quoted(text, &mut out);
            let read: String = serde_json::from_slice(&out[6..]).unwrap();
            assert_eq!(read, text);
        }
    }
}
