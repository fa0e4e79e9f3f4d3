//! UUIDs from text.

/// Reads 32 hexadecimal digits, with or without the four dashes. `ClickHouse` keeps the two halves of a UUID as
/// two little-endian numbers.
pub fn parse(text: &str) -> Option<[u8; 16]> {
    let bytes = text.as_bytes();
    let (high, low) = match bytes.len() {
        32 => (number(&[&bytes[..16]])?, number(&[&bytes[16..]])?),
        36 if [8, 13, 18, 23].iter().all(|&dash| bytes[dash] == b'-') => {
            (number(&[&bytes[..8], &bytes[9..13], &bytes[14..18]])?, number(&[&bytes[19..23], &bytes[24..]])?)
        }
        _ => return None,
    };
    Some((u128::from(low) << 64 | u128::from(high)).to_le_bytes())
}

/// The sixteen bytes of a UUID in the order in which it is written.
pub fn from_be(bytes: [u8; 16]) -> [u8; 16] {
    u128::from_be_bytes(bytes).rotate_left(64).to_le_bytes()
}

/// The number that 16 digits stand for, in as many parts as they have.
fn number(parts: &[&[u8]]) -> Option<u64> {
    let mut value = 0;
    // Digits are below 16, so a byte that is none leaves a trace in the high bits.
    let mut wrong = 0;
    for part in parts {
        for &byte in *part {
            let digit = DIGITS[byte as usize];
            wrong |= digit;
            value = value << 4 | u64::from(digit);
        }
    }
    if wrong < 16 { Some(value) } else { None }
}

const DIGITS: [u8; 256] = {
    let mut digits = [0xFF; 256];
    let mut value = 0;
    while value < 16 {
        let lower = b"0123456789abcdef"[value];
        digits[lower as usize] = value as u8;
        digits[lower.to_ascii_uppercase() as usize] = value as u8;
        value += 1;
    }
    digits
};
