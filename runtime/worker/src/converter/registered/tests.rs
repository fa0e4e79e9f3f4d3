//! What the converters read, write and refuse, against a registry on loopback.

use super::super::loopback::registry;
use super::super::{Converter, Value};
use crate::definition::ConverterConfig;
use penstock_sdk::flat::Writer;

const PROTOBUF: &str = "io.confluent.connect.protobuf.ProtobufConverter";
const JSON_SCHEMA: &str = "io.confluent.connect.json.JsonSchemaConverter";
const PLACES: &str = r#"{"id":1,"schemaType":"PROTOBUF","schema":"syntax = \"proto3\"; import \"in.proto\"; message P { int32 x = 1; } message Q { in.In in = 1; message R { string s = 1; } }","references":[{"name":"in.proto","subject":"in","version":3}]}"#;
const INNER: &str = r#"{"id":8,"schemaType":"PROTOBUF","schema":"syntax = \"proto3\"; package in; message In { bool b = 1; }"}"#;

fn open(class: &str, part: &'static str, settings: &[(&str, &str)]) -> Result<Converter, String> {
    let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let config = ConverterConfig { class: class.to_owned(), settings };
    Converter::open_for(part, &config).map_err(|error| error.to_string())
}

fn shown(converter: &mut Converter, bytes: &[u8]) -> Result<String, (formats::Kind, String)> {
    let mut arena = Vec::new();
    let read =
        converter.to_value(Some(bytes), &mut arena).map_err(|error| (error.kind(), error.to_string()))?;
    let Value::Flat(flat) = read.value(bytes, &arena) else { panic!("a flat value") };
    Ok(penstock_sdk::flat::Value::parse(flat).unwrap().to_string())
}

fn point() -> Vec<u8> {
    let mut flat = Vec::new();
    Writer::new(&mut flat).structure(|w| {
        w.name("x");
        w.int64(1);
        1
    });
    flat
}

#[test]
fn protobuf_is_read_by_the_message_that_its_header_names() {
    let url = registry(&[
        ("/schemas/ids/1", PLACES),
        ("/subjects/in/versions/3", INNER),
        ("/schemas/ids/2", r#"{"schema":"\"int\""}"#),
    ]);
    let mut converter = open(PROTOBUF, "value", &[("schema.registry.url", &url)]).unwrap();
    assert_eq!(shown(&mut converter, &[0, 0, 0, 0, 1, 0, 8, 7]).unwrap(), "Struct{x=7}");
    assert!(converter.schema_text(Some(b"")).unwrap().ends_with(r#""optional":false,"name":"P"}"#));
    assert_eq!(
        shown(&mut converter, &[0, 0, 0, 0, 1, 2, 2, 10, 2, 8, 1]).unwrap(),
        "Struct{in=Struct{b=true}}"
    );
    assert_eq!(shown(&mut converter, &[0, 0, 0, 0, 1, 4, 2, 0, 10, 1, b's']).unwrap(), "Struct{s=s}");
    assert_eq!(converter.format_name(), "protobuf-confluent");
    for (bytes, part) in [
        (&[0, 0, 0, 0, 9, 0][..], "schema 9: HTTP 404"),
        (&[0, 0, 0, 0, 1], "the indexes of the Protobuf message are cut off"),
        (&[0, 0, 0, 0, 1, 2, 8], "schema 1: the Protobuf schema has no message at [4]"),
        (&[0, 0, 0, 0, 1, 0, 8], "schema 1: protobuf: the value is cut off"),
        (&[0, 0, 0, 0, 2, 0], "schema 2: expected PROTOBUF, the registry has it as AVRO"),
        (b"{}", "the first byte is 123"),
    ] {
        let (kind, sentence) = shown(&mut converter, bytes).unwrap_err();
        assert!(kind == formats::Kind::Record && sentence.contains(part), "{sentence}");
        assert_eq!(converter.schema_text(Some(b"")), None, "the schema of a value that could not be read");
    }
}

#[test]
fn protobuf_is_written_behind_its_id_and_message() {
    let url = registry(&[
        ("/subjects/t-key/versions", r#"{"id":5}"#),
        ("/subjects/n.R/versions", r#"{"id":6}"#),
        ("/subjects/t-value/versions/latest", PLACES),
        ("/schemas/ids/1", PLACES),
        ("/subjects/in/versions/3", INNER),
    ]);
    let mut key = open(PROTOBUF, "key", &[("schema.registry.url", &url)]).unwrap();
    key.set_topic("t");
    let mut out = Vec::new();
    // The wrapper of strings is the eighth message of its file.
    assert_eq!(key.to_bytes(Value::Text("a"), None, &mut out).unwrap(), Some(0..10));
    assert_eq!(out, [0, 0, 0, 0, 5, 2, 14, 10, 1, b'a']);
    assert_eq!(key.to_bytes(Value::Null, None, &mut out).unwrap(), None);
    let optional = Some(r#"{"type":"string","optional":true}"#);
    assert_eq!(key.to_bytes(Value::Null, optional, &mut out).unwrap(), None, "Protobuf has no null");
    assert_eq!(out.len(), 10);
    let schema = r#"{"type":"struct","name":"n.R","fields":[{"type":"int64","field":"x"}]}"#;
    let strategy =
        ("value.subject.name.strategy", "io.confluent.kafka.serializers.subject.RecordNameStrategy");
    let mut value = open(PROTOBUF, "value", &[("schema.registry.url", &url), strategy]).unwrap();
    out.clear();
    value.to_bytes(Value::Flat(&point()), Some(schema), &mut out).unwrap();
    assert_eq!(out, [0, 0, 0, 0, 6, 0, 8, 1]);
    let latest = [
        ("schema.registry.url", url.as_str()),
        ("auto.register.schemas", "false"),
        ("use.latest.version", "true"),
    ];
    let mut latest = open(PROTOBUF, "value", &latest).unwrap();
    latest.set_topic("t");
    out.clear();
    latest.to_bytes(Value::Flat(&point()), Some(schema), &mut out).unwrap();
    assert_eq!(out, [0, 0, 0, 0, 1, 0, 8, 1], "a name that the file does not have means its first message");
    let schemaless = value.to_bytes(Value::Flat(&point()), None, &mut out).unwrap_err();
    assert!(
        schemaless.to_string().contains("ProtobufConverter: a value of type struct came without a schema"),
        "{schemaless}"
    );
}

#[test]
fn json_is_read_and_written_behind_its_id() {
    let url = registry(&[
        (
            "/schemas/ids/1",
            r#"{"id":1,"schemaType":"JSON","schema":"{\"type\":\"object\",\"title\":\"P\",\"properties\":{\"x\":{\"type\":\"integer\"}}}"}"#,
        ),
        ("/subjects/t-value/versions", r#"{"id":4}"#),
    ]);
    let mut converter = open(JSON_SCHEMA, "value", &[("schema.registry.url", &url)]).unwrap();
    assert_eq!(shown(&mut converter, b"\0\0\0\0\x01{\"x\":7}").unwrap(), "Struct{x=7}");
    assert!(converter.schema_text(Some(b"")).unwrap().ends_with(r#""optional":false,"name":"P"}"#));
    assert_eq!(converter.format_name(), "json-confluent");
    let (kind, sentence) = shown(&mut converter, b"\0\0\0\0\x01{}").unwrap_err();
    assert!(
        kind == formats::Kind::Record && sentence.starts_with("schema 1: json: field x: it is not there"),
        "{sentence}"
    );
    converter.set_topic("t");
    let mut out = Vec::new();
    let schema = r#"{"type":"struct","fields":[{"type":"int64","field":"x"}]}"#;
    converter.to_bytes(Value::Flat(&point()), Some(schema), &mut out).unwrap();
    assert_eq!(out, b"\0\0\0\0\x04{\"x\":1}");
    out.clear();
    let optional = Some(r#"{"type":"string","optional":true}"#);
    assert_eq!(converter.to_bytes(Value::Null, optional, &mut out).unwrap(), Some(0..9));
    assert_eq!(converter.to_bytes(Value::Null, None, &mut out).unwrap(), None);
}

#[test]
fn settings_that_cannot_be_kept_are_named() {
    let url = ("schema.registry.url", "http://a");
    for (class, settings, part) in [
        (PROTOBUF, &[][..], "schema.registry.url"),
        (PROTOBUF, &[url, ("flatten.unions", "true")], "flatten.unions"),
        (PROTOBUF, &[url, ("optional.for.nullables", "maybe")], "optional.for.nullables"),
        (
            PROTOBUF,
            &[url, ("optional.for.nullables", "true"), ("wrapper.for.nullables", "true")],
            "together with",
        ),
        (
            "io.apicurio.registry.utils.converter.ProtobufConverter",
            &[url],
            "use io.confluent.connect.protobuf.ProtobufConverter",
        ),
    ] {
        let error = open(class, "value", settings).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}
