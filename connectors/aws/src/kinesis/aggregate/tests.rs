//! Aggregates that others have made, and made-up ones, whole and damaged.
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use proptest::prelude::*;

use super::*;

fn decode(text: &serde_json::Value) -> Vec<u8> {
    STANDARD.decode(text.as_str().unwrap()).unwrap()
}

#[test]
fn the_vectors_of_several_producers_are_unpacked() {
    let vectors: Vec<serde_json::Value> = serde_json::from_str(include_str!("vectors.json")).unwrap();
    assert_eq!(vectors.len(), 25);
    for vector in &vectors {
        let (name, data) = (&vector["name"], decode(&vector["data"]));
        let found = unpack(&data);
        assert_eq!(found.is_some(), vector["aggregated"] == true, "{name}");
        let Some(found) = found else { continue };
        let parts: Vec<Part<'_>> = found.parts().collect();
        let expected = vector["expect"].as_array().unwrap();
        assert_eq!(parts.len(), expected.len(), "{name}");
        for (part, expected) in parts.iter().zip(expected) {
            assert_eq!(Some(part.key), expected[0].as_str(), "{name}");
            assert_eq!(part.hash_key, expected[1].as_str(), "{name}");
            assert_eq!(part.data, decode(&expected[2]), "{name}");
        }
    }
}

fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn field(number: u64, bytes: &[u8], out: &mut Vec<u8>) {
    varint(number << 3 | 2, out);
    varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn sealed(message: &[u8]) -> Vec<u8> {
    [&MAGIC[..], message, &Md5::digest(message)].concat()
}

type Made = (String, Option<String>, Vec<u8>);

/// Tables behind the records when `is_turned`.
fn packed(records: &[Made], is_turned: bool) -> Vec<u8> {
    let (mut keys, mut hash_keys, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
    let mut hash_index = 0;
    for (index, (key, hash_key, data)) in records.iter().enumerate() {
        field(1, key.as_bytes(), &mut keys);
        let mut body = Vec::new();
        varint(8, &mut body);
        varint(index as u64, &mut body);
        if let Some(hash_key) = hash_key {
            field(2, hash_key.as_bytes(), &mut hash_keys);
            varint(16, &mut body);
            varint(hash_index, &mut body);
            hash_index += 1;
        }
        field(3, data, &mut body);
        field(3, &body, &mut bodies);
    }
    let message =
        if is_turned { [bodies, hash_keys, keys].concat() } else { [keys, hash_keys, bodies].concat() };
    sealed(&message)
}

proptest! {
    #[test]
    fn whatever_was_packed_comes_out(
        records in prop::collection::vec((".{0,12}", prop::option::of("[0-9]{1,39}"), prop::collection::vec(any::<u8>(), 0..40)), 1..20),
        is_turned in any::<bool>(),
    ) {
        let data = packed(&records, is_turned);
        let found = unpack(&data).unwrap();
        let parts: Vec<Made> = found
            .parts()
            .map(|part| (part.key.to_owned(), part.hash_key.map(str::to_owned), part.data.to_vec()))
            .collect();
        prop_assert_eq!(parts, records);
    }

    #[test]
    fn no_byte_may_be_wrong(records in prop::collection::vec(("[a-z]{1,4}", Just(None), prop::collection::vec(any::<u8>(), 0..9)), 1..4), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut data = packed(&records, false);
        let at = at.index(data.len());
        data[at] ^= 1_u8 << bit;
        prop_assert_eq!(unpack(&data), None);
    }

    /// A message with the right sum and any content: it is a whole one or a plain record, and never a part of one.
    #[test]
    fn a_message_of_any_bytes_is_read_whole_or_not_at_all(message in prop::collection::vec(any::<u8>(), 0..200)) {
        let data = sealed(&message);
        if let Some(found) = unpack(&data) {
            let bodies = {
                let (mut count, mut fields) = (0, Fields(&message));
                while !fields.0.is_empty() {
                    count += usize::from(matches!(fields.next(), Some((3, Value::Bytes(_)))));
                }
                count
            };
            prop_assert_eq!(found.parts().count(), bodies);
        }
    }
}

#[test]
fn what_points_nowhere_makes_a_plain_record() {
    let check = |message: &[u8]| assert_eq!(unpack(&sealed(message)), None, "{message:?}");
    // A key index without a table, a record without data, without a key, a length beyond the end, an endless number.
    check(&[0x1a, 4, 8, 0, 0x1a, 0]);
    check(&[0x0a, 1, b'k', 0x1a, 2, 8, 0]);
    check(&[0x0a, 1, b'k', 0x1a, 2, 0x1a, 0]);
    check(&[0x0a, 9, b'k']);
    check(&[0xff; 12]);
    // A key that is no text.
    check(&[0x0a, 1, 0xff]);
}

#[test]
fn only_an_explicit_hash_key_tells_a_part_that_went_astray() {
    let part = |hash_key| Part { key: "k", hash_key, data: b"" };
    assert!(!part(None).is_astray((5, 9)));
    for (key, expected) in [("4", true), ("5", false), ("9", false), ("10", true), ("x", false)] {
        assert_eq!(part(Some(key)).is_astray((5, 9)), expected, "{key}");
    }
}
