//! Text as JSON writes it.

/// Appends a text in quotes.
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

/// A text in quotes.
pub fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    quote(text, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_json_does_not_take_is_escaped() {
        let mut out = Vec::new();
        quote("a\"b\\c\n\r\t\u{1}\u{1f}é\u{7f}", &mut out);
        assert_eq!(std::str::from_utf8(&out), Ok("\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u001fé\u{7f}\""));
    }
}
