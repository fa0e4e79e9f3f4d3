//! What `tests/fuzz` calls: bytes from outside, and what must hold whatever they are.

use crate::avro::{Decoder, Encoder, Options, Schema, from_connect};
use crate::{json, protobuf, wire};
use penstock_sdk::flat::Value;
use std::sync::LazyLock;

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

/// The first byte says which options and message, the rest is a value. What was read can be written, and reads the same.
pub fn protobuf_value(bytes: &[u8]) {
    let Some((choice, value)) = bytes.split_first() else { return };
    let options = protobuf::Options {
        wraps_nullables: choice & 1 != 0,
        marks_nullables: choice & 2 != 0,
        counts_enums: choice & 4 != 0,
        unwraps_root: choice & 8 != 0,
        ..protobuf::Options::default()
    };
    let Ok(message) = SCHEMA.message(&[usize::from(choice >> 7)]) else { panic!("two messages") };
    let decoder = protobuf::Decoder::new(&message, options);
    let mut flat = b"before".to_vec();
    if decoder.read(value, &mut flat).is_err() {
        assert_eq!(flat, b"before");
        return;
    }
    let Ok(read) = Value::parse(&flat[6..]) else { panic!("the flat encoding is broken") };
    let Some(connect) = message.to_connect(options) else { return };
    let Ok(encoder) = protobuf::Encoder::new(&message, options, &connect) else { return };
    let mut written = Vec::new();
    if encoder.write(read, &mut written).is_err() {
        return;
    }
    let mut again = Vec::new();
    match decoder.read(&written, &mut again) {
        Ok(()) => assert_eq!(again, flat[6..]),
        Err(error) => panic!("what was written cannot be read: {error:?}"),
    }
}

/// A schema that can be read gives its messages, and these compile.
pub fn protobuf_schema(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(schema) = protobuf::Schema::parse(text, &[]) else { return };
    for index in 0..4 {
        let Ok(message) = schema.message(&[index]) else { return };
        let options = protobuf::Options::default();
        drop(protobuf::Decoder::new(&message, options));
        if let Some(connect) = message.to_connect(options) {
            drop(protobuf::from_connect(&connect, options));
        }
    }
}

/// A schema up to the first zero byte, a value after it. The value is held against all that the schema says; what was
/// read can be written and read again.
pub fn json_schema_value(bytes: &[u8]) {
    let Some(cut) = bytes.iter().position(|byte| *byte == 0) else { return };
    let Ok(text) = std::str::from_utf8(&bytes[..cut]) else { return };
    if let Ok(validator) = json::Validator::new(text, &[]) {
        let _ = validator.check(&bytes[cut + 1..]);
    }
    let options = json::Options::default();
    let Ok(schema) = json::Schema::parse(text, &[], options) else { return };
    let connect = schema.to_connect();
    if let Some(connect) = &connect {
        drop(json::from_connect(connect, options));
    }
    let decoder = json::Decoder::new(&schema);
    let mut flat = b"before".to_vec();
    if decoder.read(&bytes[cut + 1..], &mut flat).is_err() {
        assert_eq!(flat, b"before");
        return;
    }
    let Ok(read) = Value::parse(&flat[6..]) else { panic!("the flat encoding is broken") };
    let (mut written, Some(connect)) = (Vec::new(), connect) else { return };
    if json::Encoder::new(&connect, options).write(read, &mut written).is_ok()
        && let Err(error) = decoder.read(&written, &mut Vec::new())
    {
        panic!("what was written cannot be read: {error:?}");
    }
}

/// Compiled once: a million values a minute are read with it.
static SCHEMA: LazyLock<protobuf::Schema> = LazyLock::new(|| match protobuf::Schema::parse(PROTOBUF, &[]) {
    Ok(schema) => schema,
    Err(error) => panic!("the schema of this file: {error}"),
});

const PROTOBUF: &str = r#"
    syntax = "proto3";
    import "google/protobuf/timestamp.proto";
    import "google/protobuf/wrappers.proto";
    message Wide {
      double a = 1; float b = 2; int32 c = 3; sint64 d = 4; fixed32 e = 5; sfixed64 f = 6; bool g = 7; string h = 8;
      bytes i = 9; Kind j = 10; uint64 k = 11; optional int32 l = 12; repeated sint32 m = 13; repeated string n = 14;
      map<string, Wide> o = 15; oneof p { int64 q = 16; Narrow r = 17; } google.protobuf.Timestamp s = 18;
      google.protobuf.StringValue t = 19; map<int32, bytes> u = 20; repeated Narrow v = 21;
    }
    message Narrow { repeated Wide a = 1; Kind b = 2; }
    enum Kind { NONE = 0; SOME = 1; ALL = -1; }
"#;
