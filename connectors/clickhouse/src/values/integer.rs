//! Integers of 1 to 32 bytes from their digits.
use super::decimal;

/// Appends a signed integer. `None`, with nothing appended, if the text is no whole number of this width.
#[inline]
pub fn signed(text: &str, width: usize, out: &mut Vec<u8>) -> Option<()> {
    if let Some(value) = small(text) {
        push_signed(value, width, out)
    } else {
        let wide = decimal::whole(text).filter(|wide| wide.fits_signed(width))?;
        wide.push(width, out);
        Some(())
    }
}

/// Appends an unsigned integer. `None`, with nothing appended, if the text is no whole number of this width.
#[inline]
pub fn unsigned(text: &str, width: usize, out: &mut Vec<u8>) -> Option<()> {
    match small(text).map(u64::try_from) {
        Some(Ok(value)) => push_unsigned(value, width, out),
        Some(Err(_)) => None,
        None => {
            let wide = decimal::whole(text).filter(|wide| wide.fits_unsigned(width))?;
            wide.push(width, out);
            Some(())
        }
    }
}

/// Appends a number. `None`, with nothing appended, if it does not fit this width.
#[inline]
pub fn push_signed(value: i64, width: usize, out: &mut Vec<u8>) -> Option<()> {
    match width {
        1 => out.push(i8::try_from(value).ok()? as u8),
        2 => out.extend_from_slice(&i16::try_from(value).ok()?.to_le_bytes()),
        4 => out.extend_from_slice(&i32::try_from(value).ok()?.to_le_bytes()),
        8 => out.extend_from_slice(&value.to_le_bytes()),
        _ => {
            out.extend_from_slice(&value.to_le_bytes());
            let sign = if value < 0 { 0xFF } else { 0 };
            out.resize(out.len() + width - 8, sign);
        }
    }
    Some(())
}

/// Appends a number. `None`, with nothing appended, if it does not fit this width.
#[inline]
pub fn push_unsigned(value: u64, width: usize, out: &mut Vec<u8>) -> Option<()> {
    match width {
        1 => out.push(u8::try_from(value).ok()?),
        2 => out.extend_from_slice(&u16::try_from(value).ok()?.to_le_bytes()),
        4 => out.extend_from_slice(&u32::try_from(value).ok()?.to_le_bytes()),
        8 => out.extend_from_slice(&value.to_le_bytes()),
        _ => {
            out.extend_from_slice(&value.to_le_bytes());
            out.resize(out.len() + width - 8, 0);
        }
    }
    Some(())
}

/// Nearly every integer: an optional minus and up to 18 digits.
#[inline]
pub fn small(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let (negative, digits) = match bytes.first()? {
        b'-' => (true, &bytes[1..]),
        _ => (false, bytes),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut value = 0_i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if negative { -value } else { value })
}
