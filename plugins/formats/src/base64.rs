//! Base64 as JSON has it for bytes: the standard alphabet with padding, which may be missing.

use ::base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ::base64::{Engine as _, alphabet};

pub fn text(bytes: &[u8]) -> String {
    ENGINE.encode(bytes)
}

/// Appends the text of some bytes.
pub fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, b'=');
    let written = out.get_mut(start..).map(|room| ENGINE.encode_slice(bytes, room));
    debug_assert!(written.is_some_and(|written| written.is_ok()), "the room is that of the text");
}

/// `None` when it is no Base64.
pub fn bytes(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    decode(text.as_bytes(), &mut bytes)?;
    Some(bytes)
}

/// Appends the bytes of a text; `None` when it is no Base64, and then anything may be behind what was there.
pub fn decode(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    // Padding may be missing, but not a part of it.
    if text.ends_with(b"=") && !text.len().is_multiple_of(4) {
        return None;
    }
    ENGINE.decode_vec(text, out).ok()
}

/// As Java's decoder, which does not look at bits that no byte has.
static ENGINE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn texts_are_the_standards_own() {
        for (plain, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ] {
            let (mut encoded, mut decoded) = (vec![b'>'], vec![b'>']);
            encode(plain.as_bytes(), &mut encoded);
            assert_eq!(encoded, format!(">{text}").as_bytes());
            assert_eq!(super::text(plain.as_bytes()), text);
            assert_eq!(decode(text.as_bytes(), &mut decoded), Some(()));
            assert_eq!(decoded, format!(">{plain}").as_bytes());
            assert_eq!(super::bytes(text.trim_end_matches('=')).as_deref(), Some(plain.as_bytes()));
        }
        assert_eq!(super::bytes("Zh==").as_deref(), Some(&b"f"[..]), "bits that no byte has");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["A", "A===", "=", "Zg=", "Z!==", "Zg==Zg==", "====", "é", "Zm 9v", "Zm-_"] {
            assert_eq!(super::bytes(text), None, "{text}");
        }
    }
}
