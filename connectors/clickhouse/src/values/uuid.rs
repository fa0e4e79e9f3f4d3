//! UUIDs from text.

/// Reads 32 hexadecimal digits, with or without the four dashes. `ClickHouse` keeps the two halves of a UUID as
/// two little-endian numbers.
pub fn parse(text: &str) -> Option<[u8; 16]> {
    let bytes = text.as_bytes();
    let mut value = 0_u128;
    match bytes.len() {
        32 => {
            for &byte in bytes {
                value = value << 4 | u128::from(char::from(byte).to_digit(16)?);
            }
        }
        36 => {
            for (index, &byte) in bytes.iter().enumerate() {
                match index {
                    8 | 13 | 18 | 23 if byte == b'-' => {}
                    8 | 13 | 18 | 23 => return None,
                    _ => value = value << 4 | u128::from(char::from(byte).to_digit(16)?),
                }
            }
        }
        _ => return None,
    }
    Some(value.rotate_left(64).to_le_bytes())
}
