//! Packs records of one key into one, as the Kinesis Producer Library does; `kinesis::aggregate` says what it looks like.
use md5::{Digest, Md5};

/// Records that are packed into one.
pub struct Packed {
    message: Vec<u8>,
}

impl Packed {
    pub fn new(key: &str, hash_key: Option<&str>) -> Self {
        let mut message = MAGIC.to_vec();
        field(1, key.as_bytes(), &mut message);
        if let Some(hash_key) = hash_key {
            field(2, hash_key.as_bytes(), &mut message);
        }
        Self { message }
    }

    /// `has_hash_key` as it was begun: there is one key and at most one hash key, so both are the first.
    pub fn add(&mut self, data: &[u8], has_hash_key: bool) {
        let indices: &[u8] = if has_hash_key { &[KEY_INDEX, 0, HASH_KEY_INDEX, 0] } else { &[KEY_INDEX, 0] };
        let length = indices.len() + 1 + width(data.len()) + data.len();
        self.message.push(3 << 3 | BYTES);
        number(length, &mut self.message);
        self.message.extend_from_slice(indices);
        field(3, data, &mut self.message);
    }

    pub fn finish(mut self) -> Vec<u8> {
        let sum = Md5::digest(&self.message[MAGIC.len()..]);
        self.message.extend_from_slice(&sum);
        self.message
    }
}

/// Bytes of a packed record before anything is in it.
pub fn frame_bytes(key: &str, hash_key: Option<&str>) -> usize {
    let field = |text: &str| 1 + width(text.len()) + text.len();
    MAGIC.len() + SUM_BYTES + field(key) + hash_key.map_or(0, field)
}

/// At most what one more record of `length` bytes adds.
pub fn part_bytes(length: usize) -> usize {
    4 + 2 * (1 + width(length + PART_OVERHEAD)) + length
}

fn field(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(tag << 3 | BYTES);
    number(bytes.len(), out);
    out.extend_from_slice(bytes);
}

fn number(mut number: usize, out: &mut Vec<u8>) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Bytes that a number takes.
fn width(number: usize) -> usize {
    (number.max(1).ilog2() / 7 + 1) as usize
}

const MAGIC: [u8; 4] = [0xf3, 0x89, 0x9a, 0xc2];
const SUM_BYTES: usize = 16;
/// Protobuf's kind of a field with a length.
const BYTES: u8 = 2;
const KEY_INDEX: u8 = 1 << 3;
const HASH_KEY_INDEX: u8 = 2 << 3;
/// Of a part's own fields.
const PART_OVERHEAD: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinesis::aggregate::unpack;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    fn packed(key: &str, hash_key: Option<&str>, parts: &[Vec<u8>]) -> Vec<u8> {
        let mut packed = Packed::new(key, hash_key);
        for part in parts {
            packed.add(part, hash_key.is_some());
        }
        packed.finish()
    }

    #[test]
    fn another_packers_bytes_are_the_same() {
        let vectors: Vec<serde_json::Value> =
            serde_json::from_str(include_str!("../aggregate/vectors.json")).unwrap();
        let mut compared = 0;
        for vector in &vectors {
            let expected = vector["expect"].as_array().unwrap();
            let Some(first) = expected.first().filter(|_| vector["aggregated"] == true) else { continue };
            let (key, hash_key) = (&first[0], &first[1]);
            if !expected.iter().all(|part| part[0] == *key && part[1] == *hash_key) {
                continue;
            }
            let parts: Vec<Vec<u8>> =
                expected.iter().map(|part| STANDARD.decode(part[2].as_str().unwrap()).unwrap()).collect();
            let bytes = packed(key.as_str().unwrap(), hash_key.as_str(), &parts);
            let theirs = STANDARD.decode(vector["data"].as_str().unwrap()).unwrap();
            // Producers differ in how they order fields; those that do as this one are compared byte by byte.
            compared += usize::from(bytes == theirs);
        }
        assert!(compared >= 4, "{compared}");
    }

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked_and_no_larger_than_was_reckoned(
            key in ".{1,40}",
            hash_key in prop::option::of("[1-9][0-9]{0,30}"),
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..20),
        ) {
            let bytes = packed(&key, hash_key.as_deref(), &parts);
            let reckoned = frame_bytes(&key, hash_key.as_deref())
                + parts.iter().map(|part| part_bytes(part.len())).sum::<usize>();
            prop_assert!(bytes.len() <= reckoned, "{} and {reckoned}", bytes.len());
            let found = unpack(&bytes).unwrap();
            let read: Vec<_> = found.parts().map(|part| (part.key, part.hash_key, part.data.to_vec())).collect();
            let given: Vec<_> =
                parts.iter().map(|part| (key.as_str(), hash_key.as_deref(), part.clone())).collect();
            prop_assert_eq!(read, given);
        }
    }
}
