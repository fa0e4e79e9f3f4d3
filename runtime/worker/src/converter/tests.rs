//! Converters in both directions: what Java writes, and what is refused with which words.

use indexmap::IndexMap;
use penstock_sdk::flat;

use super::*;

pub(super) fn open(class: &str, settings: &[(&str, &str)]) -> Converter {
    let settings: IndexMap<String, String> =
        settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Converter::open(&ConverterConfig { class: class.to_owned(), settings }).unwrap()
}

pub(super) fn plain() -> Converter {
    open("JsonConverter", &[("schemas.enable", "false")])
}

/// The flat value of some bytes, behind something that is in the arena already.
pub(super) fn read(converter: &mut Converter, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut arena = b"before".to_vec();
    let result = converter.to_value(Some(bytes), &mut arena);
    assert!(arena.starts_with(b"before"));
    match result {
        Ok(made) => match made.value(bytes, &arena) {
            Value::Flat(flat) => Ok(flat.to_vec()),
            other => panic!("{other:?}"),
        },
        Err(error) => {
            assert_eq!(arena, b"before", "an error leaves nothing behind");
            Err(error.to_string())
        }
    }
}

pub(super) fn written(
    converter: &mut Converter,
    value: Value<'_>,
    schema: Option<&str>,
) -> Result<Option<String>, String> {
    let mut out = b"before".to_vec();
    match converter.to_bytes(value, schema, &mut out) {
        Ok(range) => Ok(range.map(|r| String::from_utf8_lossy(&out[r]).into_owned())),
        Err(error) => {
            assert_eq!(out, b"before", "an error leaves nothing behind");
            Err(error.to_string())
        }
    }
}

pub(super) fn flat(write: impl FnOnce(&mut flat::Writer<'_>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut flat::Writer::new(&mut bytes));
    bytes
}

/// JSON to flat and back, without schema.
pub(super) fn there_and_back(json: &str) -> String {
    let flat = read(&mut plain(), json.as_bytes()).unwrap();
    // Null without a schema is a tombstone.
    written(&mut plain(), Value::Flat(&flat), None).unwrap().unwrap_or_else(|| "null".to_owned())
}

fn enveloped(schema: &str, payload: &str) -> Result<String, String> {
    let record = format!(r#"{{"schema":{schema},"payload":{payload}}}"#);
    let flat = read(&mut open("JsonConverter", &[]), record.as_bytes())?;
    Ok(flat::Value::parse(&flat).unwrap().to_string())
}

#[test]
fn json_is_written_as_java_writes_it() {
    for (given, java) in [
        (r#"{ "b" : 1, "a" : [ true, null, "x" ] }"#, r#"{"b":1,"a":[true,null,"x"]}"#),
        ("1.0", "1.0"),
        ("1e7", "1.0E7"),
        ("0.0001", "1.0E-4"),
        ("-5", "-5"),
        ("9223372036854775807", "9223372036854775807"),
        ("18446744073709551615", "1.8446744073709552E19"),
        (r#""\u0001\n\t\"\\\/é\u007f""#, "\"\\u0001\\n\\t\\\"\\\\/é\u{7f}\""),
        (r#""\ud83d\ude00""#, "\"😀\""),
    ] {
        assert_eq!(there_and_back(given), java, "{given}");
    }
}

#[test]
fn bad_json_says_where_and_what() {
    for (json, error) in [
        ("", "JSON at byte 0: EOF while parsing a value"),
        ("{\"a\":1", "JSON at byte 6: EOF while parsing an object"),
        ("{\"a\":\n tru}", "JSON at byte 11: expected ident"),
        ("1 2", "JSON at byte 3: trailing characters"),
        ("\"\u{1}\"", "JSON at byte 2: control character (\\u0000-\\u001F) found while parsing a string"),
    ] {
        assert_eq!(read(&mut plain(), json.as_bytes()).unwrap_err(), error, "{json}");
    }
    let invalid_utf8 = read(&mut plain(), b"\"a\xff\"").unwrap_err();
    assert!(invalid_utf8.starts_with("JSON at byte "), "{invalid_utf8}");
}

#[test]
fn nesting_has_a_limit_in_both_directions() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(read(&mut plain(), nested(120).as_bytes()).is_ok());
    assert!(read(&mut plain(), nested(200).as_bytes()).unwrap_err().contains("recursion limit"));
    let mut value = vec![flat::NULL];
    for _ in 0..200 {
        let mut outer = flat(|w| w.array(|_| 1));
        outer.extend_from_slice(&value);
        let length = (outer.len() - 5) as u32;
        outer[1..5].copy_from_slice(&length.to_le_bytes());
        value = outer;
    }
    for converter in [&mut plain(), &mut open("String", &[])] {
        let error = written(converter, Value::Flat(&value), None).unwrap_err();
        assert_eq!(error, "value nests deeper than 128");
    }
}

#[test]
fn a_payload_is_read_by_its_schema() {
    let point = r#"{"type":"struct","fields":[
        {"field":"x","type":"int32"},
        {"field":"y","type":"int16","optional":true},
        {"field":"z","type":"string","default":"deep"}]}"#;
    for (schema, payload, shown) in [
        (r#"{"type":"int8"}"#, "127", "127"),
        (r#"{"type":"int64"}"#, "-9223372036854775808", "-9223372036854775808"),
        (r#"{"type":"float"}"#, "1", "1.0"),
        (r#"{"type":"double"}"#, "\"NaN\"", "NaN"),
        (r#"{"type":"boolean"}"#, "true", "true"),
        (r#"{"type":"bytes"}"#, "\"aGk=\"", "hi"),
        (r#"{"type":"string","optional":true}"#, "null", "null"),
        (r#"{"type":"int32","default":7}"#, "null", "7"),
        (r#"{"type":"int32","name":"org.apache.kafka.connect.data.Date","version":1}"#, "19000", "19000"),
        (r#"{"type":"array","items":{"type":"int32"}}"#, "[1, 2]", "[1, 2]"),
        (
            r#"{"type":"map","keys":{"type":"string"},"values":{"type":"int32"}}"#,
            r#"{"b":1,"a":2}"#,
            "{b=1, a=2}",
        ),
        (
            r#"{"type":"map","keys":{"type":"int32"},"values":{"type":"int32"}}"#,
            "[[1,2],[3,4]]",
            "{1=2, 3=4}",
        ),
        (point, r#"{"x":1,"y":2,"z":"a"}"#, "Struct{x=1,y=2,z=a}"),
        (point, r#"{"z":"a","other":[{}],"x":1}"#, "Struct{x=1,z=a}"),
        (point, r#"{"x":1,"x":3}"#, "Struct{x=3,z=deep}"),
        ("null", r#"{"free":[1]}"#, "{free=[1]}"),
    ] {
        assert_eq!(enveloped(schema, payload).unwrap(), shown, "{schema} {payload}");
    }
}

#[test]
fn a_payload_that_does_not_fit_says_where_and_why() {
    let inner = r#"{"type":"struct","fields":[{"field":"a","type":"struct","fields":[{"field":"b","type":"int8"}]}]}"#;
    for (schema, payload, part) in [
        (r#"{"type":"int8"}"#, "128", "expected int8, got 128"),
        (r#"{"type":"int32"}"#, "1.5", "expected int32, got 1.5"),
        (r#"{"type":"int32"}"#, "\"1\"", "expected int32, got text"),
        (r#"{"type":"string"}"#, "null", "expected string, got null, which only an optional value may be"),
        (r#"{"type":"bytes"}"#, "\"*\"", "expected bytes (Base64), got other text"),
        (r#"{"type":"array","items":{"type":"int8"}}"#, "{}", "expected array, got an object"),
        (
            r#"{"type":"map","keys":{"type":"int8"},"values":{"type":"int8"}}"#,
            "[[1]]",
            "a pair of key and value",
        ),
        (inner, r#"{"a":{"b":true}}"#, "field a: field b: expected int8, got true"),
        (inner, r#"{"a":{}}"#, "field a: field b: missing, and not optional"),
        (r#"{"type":"int33"}"#, "1", "schema: unknown type \"int33\""),
        (
            r#"{"type":"struct","fields":[{"field":"a"}]}"#,
            "1",
            "schema: field a: expected an object with a \"type\"",
        ),
        (r#"{"type":"int8","default":"x"}"#, "1", "schema: default: expected int8, got text"),
        ("1", "1", "schema: expected an object with a \"type\""),
    ] {
        let error = enveloped(schema, payload).unwrap_err();
        assert!(error.contains(part), "{schema} {payload}: {error}");
    }
    let at = enveloped(r#"{"type":"int8"}"#, "  true").unwrap_err();
    assert_eq!(at, "JSON at byte 42: expected int8, got true");
}

#[test]
fn an_envelope_is_exactly_schema_and_payload() {
    let mut converter = open("JsonConverter", &[]);
    for json in [
        "1",
        "{}",
        r#"{"payload":1}"#,
        r#"{"schema":null,"payload":1,"x":2}"#,
        r#"{"schema":null,"schema":null,"payload":1}"#,
        r#"{"schema":null,"payload":1} x"#,
        r#"{"schema":null,"payload":}"#,
    ] {
        assert!(read(&mut converter, json.as_bytes()).is_err(), "{json}");
    }
    let swapped =
        read(&mut converter, br#" {"payload" : [1] , "schema":{"type":"array","items":{"type":"int8"}}} "#);
    assert_eq!(
        swapped.unwrap(),
        flat(|w| w.array(|w| {
            w.int8(1);
            1
        }))
    );
}

#[test]
fn an_envelope_is_written_with_its_schema() {
    let mut converter = open("JsonConverter", &[]);
    let schema = r#"{"type":"int32","optional":true}"#;
    let seven = flat(|w| w.int32(7));
    let with = written(&mut converter, Value::Flat(&seven), Some(schema));
    assert_eq!(with.unwrap().unwrap(), r#"{"schema":{"type":"int32","optional":true},"payload":7}"#);
    let without = written(&mut converter, Value::Text("x"), None);
    assert_eq!(without.unwrap().unwrap(), r#"{"schema":null,"payload":"x"}"#);
    let null = written(&mut converter, Value::Null, Some(schema));
    assert_eq!(null.unwrap().unwrap(), r#"{"schema":{"type":"int32","optional":true},"payload":null}"#);
    assert_eq!(written(&mut converter, Value::Null, None).unwrap(), None);
    let broken = written(&mut converter, Value::Flat(&seven), Some("{\"type\":"));
    assert!(broken.unwrap_err().starts_with("schema: "));
}

#[test]
fn a_fixed_schema_reads_plain_payloads() {
    let mut converter = open("JsonConverter", &[("schema.content", r#"{"type":"int8"}"#)]);
    assert_eq!(converter.format_name(), "json");
    assert_eq!(read(&mut converter, b"5").unwrap(), flat(|w| w.int8(5)));
}

#[test]
fn maps_with_other_keys_are_pairs() {
    let map = flat(|w| {
        w.map(|w| {
            w.int32(1);
            w.text("a");
            w.int32(2);
            w.bytes(b"hi");
            2
        });
    });
    assert_eq!(written(&mut plain(), Value::Flat(&map), None).unwrap().unwrap(), r#"[[1,"a"],[2,"aGk="]]"#);
}

#[test]
fn scalars_have_kafkas_sizes() {
    for (class, bytes, value, name) in [
        ("Short", &[1_u8, 2][..], flat(|w| w.int16(0x102)), "short"),
        ("Integer", &[0, 0, 0, 7], flat(|w| w.int32(7)), "integer"),
        ("Long", &[0xff; 8], flat(|w| w.int64(-1)), "long"),
        ("Float", &[0x3f, 0xc0, 0, 0], flat(|w| w.float32(1.5)), "float"),
        ("Double", &[0xbf, 0xf8, 0, 0, 0, 0, 0, 0], flat(|w| w.float64(-1.5)), "double"),
        ("Boolean", &[1], flat(|w| w.boolean(true)), "boolean"),
    ] {
        let mut converter = open(class, &[]);
        assert_eq!(converter.format_name(), name);
        assert_eq!(read(&mut converter, bytes).unwrap(), value, "{class}");
        let mut out = Vec::new();
        assert_eq!(converter.to_bytes(Value::Flat(&value), None, &mut out).unwrap(), Some(0..bytes.len()));
        assert_eq!(out, bytes, "{class}");
        let long = [0; 9];
        let error = read(&mut converter, &long).unwrap_err();
        assert!(error.contains(&format!("{class}Converter: expected {} byte", bytes.len())), "{error}");
        let error = written(&mut converter, Value::Text("1"), None).unwrap_err();
        assert!(
            error.contains(&format!("{class}Converter: expected a value of type {name}, got string")),
            "{error}"
        );
        assert_eq!(written(&mut converter, Value::Null, None).unwrap(), None);
    }
    assert!(read(&mut open("Boolean", &[]), &[2]).unwrap_err().contains("0 or 1, got 2"));
}

#[test]
fn text_and_bytes_stay_where_they_lie() {
    let mut arena = Vec::new();
    assert_eq!(
        open("String", &[]).to_value(Some("é".as_bytes()), &mut arena),
        Ok(Converted::Text(Place::Input))
    );
    assert_eq!(open("ByteArray", &[]).to_value(Some(b"\xff"), &mut arena), Ok(Converted::Bytes));
    assert_eq!(open("Json", &[]).to_value(None, &mut arena), Ok(Converted::Null));
    assert!(arena.is_empty());
    let broken = open("String", &[]).to_value(Some(b"a\xffb"), &mut arena).unwrap();
    assert_eq!(broken.value(b"a\xffb", &arena), Value::Text("a\u{fffd}b"));
    let mut latin = open("String", &[("converter.encoding", "ISO-8859-1")]);
    let e = latin.to_value(Some(b"\xe9"), &mut arena).unwrap();
    assert_eq!(e.value(b"\xe9", &arena), Value::Text("é"));
    let mut out = Vec::new();
    latin.to_bytes(Value::Text("é€"), None, &mut out).unwrap();
    assert_eq!(out, b"\xe9?");
}

#[test]
fn other_values_become_text_as_in_java() {
    let value = flat(|w| {
        w.structure(|w| {
            w.name("f");
            w.float64(1e10);
            w.name("gone");
            w.null();
            w.name("m");
            w.map(|w| {
                w.text("k");
                w.array(|w| {
                    w.int8(1);
                    w.null();
                    2
                });
                1
            });
            3
        });
    });
    let text = written(&mut open("String", &[]), Value::Flat(&value), None).unwrap().unwrap();
    assert_eq!(text, "Struct{f=1.0E10,m={k=[1, null]}}");
}

#[test]
fn settings_that_cannot_be_kept_are_named() {
    for (class, key, value) in [
        ("JsonConverter", "schemas.enable", "maybe"),
        ("JsonConverter", "schemas.cache.size", "-1"),
        ("JsonConverter", "schema.content", "{"),
        ("JsonConverter", "decimal.format", "HEX"),
        ("StringConverter", "converter.encoding", "EBCDIC"),
    ] {
        let settings = IndexMap::from([(key.to_owned(), value.to_owned())]);
        let error = Converter::open(&ConverterConfig { class: class.to_owned(), settings }).unwrap_err();
        assert!(error.to_string().starts_with(key), "{error}");
    }
    let unknown = ConverterConfig { class: "ThriftConverter".to_owned(), settings: IndexMap::new() };
    assert!(Converter::open(&unknown).unwrap_err().to_string().contains("ThriftConverter"));
}

#[test]
fn defaults_cannot_multiply_without_bound() {
    let default = "d".repeat(1 << 20);
    let schema = format!(
        r#"{{"type":"array","items":{{"type":"struct","fields":[{{"field":"a","type":"string","default":"{default}"}}]}}}}"#
    );
    let payload = format!("[{}{{}}]", "{},".repeat(1_100));
    assert!(enveloped(&schema, &payload).unwrap_err().contains("too large"));
}
