//! Partition keys: what Kinesis chooses a shard by, made of the keys of Kafka's records.
use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use penstock_sdk::Value;

/// `None` for a record without a key. `format` is what keys are in Kafka.
pub fn partition_key<'a>(key: Value<'a>, format: &str) -> Option<Cow<'a, str>> {
    match key {
        Value::Null => None,
        Value::Text(text) => Some(fitting(text)),
        Value::Flat(value) => Some(Cow::Owned(fitting(&value.to_string()).into_owned())),
        Value::Bytes(bytes) => Some(match (number(bytes, format), std::str::from_utf8(bytes)) {
            (Some(number), _) => Cow::Owned(number.to_string()),
            (None, Ok(text)) => fitting(text),
            (None, Err(_)) if bytes.len() <= LETTERS_MAX / 4 * 3 => Cow::Owned(STANDARD.encode(bytes)),
            (None, Err(_)) => Cow::Owned(sum(bytes)),
        }),
    }
}

/// For a record that any shard may take.
pub fn any_key() -> String {
    format!("{:016x}", fastrand::u64(..))
}

/// Whether Kinesis takes it as an explicit hash key.
pub fn is_hash_key(text: &str) -> bool {
    let has_no_sign = text.bytes().all(|byte| byte.is_ascii_digit());
    has_no_sign && (text == "0" || !text.starts_with('0')) && text.parse::<u128>().is_ok()
}

/// As Kafka's serialisers of numbers write them.
fn number(bytes: &[u8], format: &str) -> Option<i64> {
    match format {
        "short" => bytes.try_into().ok().map(|bytes| i16::from_be_bytes(bytes).into()),
        "integer" => bytes.try_into().ok().map(|bytes| i32::from_be_bytes(bytes).into()),
        "long" => bytes.try_into().ok().map(i64::from_be_bytes),
        _ => None,
    }
}

/// A text that is too long, or empty, stands by its sum: records of one key stay together all the same.
fn fitting(text: &str) -> Cow<'_, str> {
    // A letter has one byte at least.
    let is_long = text.len() > LETTERS_MAX && text.chars().nth(LETTERS_MAX).is_some();
    if is_long || text.is_empty() { Cow::Owned(sum(text.as_bytes())) } else { Cow::Borrowed(text) }
}

fn sum(bytes: &[u8]) -> String {
    format!("{:032x}", u128::from_be_bytes(Md5::digest(bytes).into()))
}

/// As AWS has it.
const LETTERS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &[u8], format: &str, expected: &str) {
        assert_eq!(
            partition_key(Value::Bytes(key), format).as_deref(),
            Some(expected),
            "{key:?} as {format}"
        );
    }

    #[test]
    fn a_key_is_its_text_its_number_or_its_base64() {
        assert_eq!(partition_key(Value::Null, "text"), None);
        check(b"order-1", "text", "order-1");
        check(&7_i64.to_be_bytes(), "long", "7");
        check(&(-7_i32).to_be_bytes(), "integer", "-7");
        check(b"seven", "long", "seven");
        check(&[0xff, 0xfe], "bytes", "//4=");
    }

    #[test]
    fn a_key_is_never_longer_than_kinesis_takes_and_never_empty() {
        check(b"", "text", "d41d8cd98f00b204e9800998ecf8427e");
        check(&[b'a'; 256], "text", &"a".repeat(256));
        check("ä".repeat(256).as_bytes(), "text", &"ä".repeat(256));
        for long in ["ä".repeat(257).into_bytes(), vec![0xff; 193], vec![b'a'; 100_000]] {
            assert_eq!(partition_key(Value::Bytes(&long), "bytes").unwrap().len(), 32);
        }
        assert_eq!(partition_key(Value::Bytes(&[0xff; 192]), "bytes").unwrap().len(), 256);
    }

    #[test]
    fn a_hash_key_is_a_decimal_number_below_2_to_the_128() {
        let largest = u128::MAX.to_string();
        for right in ["0", "10", largest.as_str()] {
            assert!(is_hash_key(right), "{right}");
        }
        for wrong in ["", "-1", "+1", "01", "x", "340282366920938463463374607431768211456"] {
            assert!(!is_hash_key(wrong), "{wrong}");
        }
    }
}
