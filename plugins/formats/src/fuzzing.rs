//! What `tests/fuzz` calls: bytes from outside, and what must hold whatever they are.

use crate::avro::{Decoder, Encoder, Options, Schema, from_connect};
use crate::wire;
use penstock_sdk::flat::Value;

/// A schema that can be read has a canonical form, which is its own, and compiles.
pub fn avro_schema(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(schema) = Schema::parse(text, &[]) else { return };
    let canonical = schema.canonical();
    match Schema::parse(&canonical, &[]) {
        Ok(again) => assert_eq!(again.canonical(), canonical),
        Err(error) => panic!("the canonical form {canonical} cannot be read: {error:?}"),
    }
    for is_enhanced in [false, true] {
        drop(Decoder::new(&schema, is_enhanced));
        if let Some(connect) = schema.to_connect(is_enhanced) {
            let options = Options { is_enhanced, keeps_metadata: true };
            drop(from_connect(&connect, options));
        }
    }
}

/// A schema up to the first zero byte, the bytes of a value after it. What was read can be written, and reads the same.
pub fn avro_value(bytes: &[u8]) {
    let Some(cut) = bytes.iter().position(|byte| *byte == 0) else { return };
    let (text, value) = (&bytes[..cut], &bytes[cut + 1..]);
    let Ok(text) = std::str::from_utf8(text) else { return };
    let Ok(schema) = Schema::parse(text, &[]) else { return };
    let decoder = Decoder::new(&schema, false);
    let mut flat = b"before".to_vec();
    if decoder.read(value, &mut flat).is_err() {
        assert_eq!(flat, b"before");
        return;
    }
    let Ok(read) = Value::parse(&flat[6..]) else { panic!("the flat encoding is broken") };
    let mut written = Vec::new();
    if Encoder::new(&schema, false).write(read, &mut written).is_err() {
        // Values of unions whose members look alike to Connect.
        return;
    }
    let mut again = Vec::new();
    match decoder.read(&written, &mut again) {
        Ok(()) => assert_eq!(again, flat[6..]),
        Err(error) => panic!("what was written cannot be read: {error:?}"),
    }
}

pub fn wire_header(bytes: &[u8]) {
    if let Ok(wire::Framed::Registered { id, body }) = wire::split(bytes) {
        let mut again = Vec::new();
        wire::write_id(id, &mut again);
        assert_eq!(again, bytes[..bytes.len() - body.len()]);
        let mut rest = body;
        if let Ok(indexes) = wire::take_message_indexes(&mut rest) {
            let mut again = Vec::new();
            wire::write_message_indexes(&indexes, &mut again);
            let read = wire::take_message_indexes(&mut &again[..]);
            assert_eq!(read, Ok(indexes));
        }
    }
}
