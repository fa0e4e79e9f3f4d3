//! What holds for any value and any bytes: round trips change nothing, and garbage is an error.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::tests::{flat, open, plain, read, there_and_back, written};
use super::{Class, Converter, Value};

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Json::from),
        any::<String>().prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Json::from),
            prop::collection::vec((any::<String>(), inner), 0..8)
                .prop_map(|entries| Json::Object(entries.into_iter().collect())),
        ]
    })
}

fn all() -> Vec<Converter> {
    // Those with a registry have tests of their own, and `formats` has those of their bytes.
    let alone = Class::ALL.into_iter().filter(|class| !class.needs_registry());
    let mut all: Vec<_> = alone.map(|class| open(class.name(), &[])).collect();
    all.push(plain());
    all
}

proptest! {
    #[test]
    fn json_survives_the_flat_encoding(value in any_json()) {
        let text = value.to_string();
        let back = there_and_back(&text);
        prop_assert_eq!(serde_json::from_str::<Json>(&back).unwrap(), value);
        // The order of keys is kept, which equality of objects does not see.
        prop_assert_eq!(there_and_back(&back), back);
    }

    #[test]
    fn what_a_schema_reads_is_what_was_written(x in any::<i32>(), f in any::<f32>(), s in any::<String>(),
                                               b in any::<Vec<u8>>(), swap in any::<bool>()) {
        let schema = json!({"type": "struct", "fields": [
            {"field": "x", "type": "int32"}, {"field": "f", "type": "float"},
            {"field": "s", "type": "string"}, {"field": "b", "type": "bytes"}]}).to_string();
        let ordered = flat(|w| w.structure(|w| {
            w.name("x"); w.int32(x); w.name("f"); w.float32(f); w.name("s"); w.text(&s); w.name("b"); w.bytes(&b); 4
        }));
        let swapped = flat(|w| w.structure(|w| {
            w.name("b"); w.bytes(&b); w.name("s"); w.text(&s); w.name("x"); w.int32(x); w.name("f"); w.float32(f); 4
        }));
        let mut converter = open("JsonConverter", &[]);
        let given = if swap { &swapped } else { &ordered };
        let record = written(&mut converter, Value::Flat(given), Some(&schema)).unwrap().unwrap();
        let back = read(&mut converter, record.as_bytes()).unwrap();
        if f.is_nan() {
            prop_assert_eq!(back.len(), ordered.len());
        } else {
            prop_assert_eq!(back, ordered);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        for mut converter in all() {
            let mut arena = Vec::new();
            let _ = converter.to_value(Some(&bytes), &mut arena);
            let mut out = Vec::new();
            let _ = converter.to_bytes(Value::Flat(&bytes), Some("{}"), &mut out);
        }
    }

    #[test]
    fn any_text_like_json_is_read_or_refused(
        schema in "[\\[\\]{}\":,a-z0-9 ]{0,40}|\\{\"type\":\"(int8|string|array|struct|bytes)\"[,\":a-z{}\\[\\]]{0,20}\\}",
        payload in "[\\[\\]{}\":,a-z0-9.\\\\ -]{0,40}",
    ) {
        let record = format!(r#"{{"schema":{schema},"payload":{payload}}}"#);
        let _ = read(&mut open("JsonConverter", &[]), record.as_bytes());
        let _ = read(&mut plain(), payload.as_bytes());
    }

    #[test]
    fn cut_values_are_errors(value in any_json(), cut in any::<prop::sample::Index>()) {
        let whole = read(&mut plain(), value.to_string().as_bytes()).unwrap();
        let cut = &whole[..cut.index(whole.len())];
        for converter in [&mut plain(), &mut open("String", &[])] {
            prop_assert!(written(converter, Value::Flat(cut), None).is_err());
        }
    }

    #[test]
    fn numbers_survive_their_converters(n in any::<i64>(), d in any::<f64>(), text in any::<String>(),
                                        bytes in any::<Vec<u8>>()) {
        for (class, value) in [("Long", flat(|w| w.int64(n))), ("Integer", flat(|w| w.int32(n as i32))),
                               ("Short", flat(|w| w.int16(n as i16))), ("Boolean", flat(|w| w.boolean(n > 0))),
                               ("Double", flat(|w| w.float64(d))), ("Float", flat(|w| w.float32(d as f32)))] {
            let mut out = Vec::new();
            let mut converter = open(class, &[]);
            converter.to_bytes(Value::Flat(&value), None, &mut out).unwrap();
            prop_assert_eq!(read(&mut converter, &out).unwrap(), value);
        }
        let mut out = Vec::new();
        open("String", &[]).to_bytes(Value::Text(&text), None, &mut out).unwrap();
        prop_assert_eq!(&out, text.as_bytes());
        out.clear();
        open("ByteArray", &[]).to_bytes(Value::Bytes(&bytes), None, &mut out).unwrap();
        prop_assert_eq!(&out, &bytes);
    }
}
