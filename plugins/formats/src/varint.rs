//! Integers of variable length, as Avro and Protobuf have them both: seven bits a byte, lowest first.

/// Takes one of at most 64 bits; `None` when it is cut off or longer.
#[inline]
pub fn take(bytes: &mut &[u8]) -> Option<u64> {
    // Most lengths and many numbers are one byte.
    if let [first, rest @ ..] = *bytes
        && *first < 0x80
    {
        *bytes = rest;
        return Some(u64::from(*first));
    }
    let mut value = 0_u64;
    for (place, &byte) in bytes.iter().take(10).enumerate() {
        let bits = u64::from(byte & 0x7f);
        if place == 9 && bits > 1 {
            return None;
        }
        value |= bits << (7 * place);
        if byte < 0x80 {
            *bytes = bytes.get(place + 1..)?;
            return Some(value);
        }
    }
    None
}

/// As [`take`], of a signed integer whose small values are small in either direction.
#[inline]
pub fn take_signed(bytes: &mut &[u8]) -> Option<i64> {
    take(bytes).map(unzigzag)
}

pub fn put(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub fn put_signed(value: i64, out: &mut Vec<u8>) {
    put(zigzag(value), out);
}

pub fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[inline]
pub fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_integers_have_known_bytes() {
        for (value, bytes) in [
            (0, &[0][..]),
            (-1, &[1]),
            (1, &[2]),
            (-64, &[0x7f]),
            (64, &[0x80, 1]),
            (i64::MIN, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
        ] {
            let mut out = Vec::new();
            put_signed(value, &mut out);
            assert_eq!(out, bytes, "{value}");
        }
    }

    #[test]
    fn what_is_cut_off_or_too_long_is_none() {
        for bytes in [
            &[][..],
            &[0x80],
            &[0xff; 9],
            &[0xff; 10],
            &[0xff; 11],
            &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2],
        ] {
            assert_eq!(take(&mut &*bytes), None, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_integer_survives(value in any::<i64>(), more in any::<Vec<u8>>()) {
            let mut out = Vec::new();
            put_signed(value, &mut out);
            out.extend_from_slice(&more);
            let mut rest = &out[..];
            prop_assert_eq!(take_signed(&mut rest), Some(value));
            prop_assert_eq!(rest, &more[..]);
        }
    }
}
