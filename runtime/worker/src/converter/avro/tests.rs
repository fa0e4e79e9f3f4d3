//! What the converter reads, writes and refuses, against a registry of its own making.

use super::super::loopback::registry;
use super::super::{Converter, Value};
use crate::definition::ConverterConfig;
use std::net::TcpListener;

fn open(part: &'static str, settings: &[(&str, &str)]) -> Result<Converter, String> {
    let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let config = ConverterConfig { class: "io.confluent.connect.avro.AvroConverter".to_owned(), settings };
    Converter::open_for(part, &config).map_err(|error| error.to_string())
}

fn shown(converter: &mut Converter, bytes: &[u8]) -> Result<String, (formats::Kind, String)> {
    let mut arena = Vec::new();
    let read =
        converter.to_value(Some(bytes), &mut arena).map_err(|error| (error.kind(), error.to_string()))?;
    let Value::Flat(flat) = read.value(bytes, &arena) else { panic!("a flat value") };
    Ok(penstock_sdk::flat::Value::parse(flat).unwrap().to_string())
}

const POINT: &str = r#"{"schema":"{\"type\":\"record\",\"name\":\"P\",\"fields\":[{\"name\":\"x\",\"type\":\"int\"}]}","id":1}"#;

#[test]
fn a_value_is_read_by_the_schema_whose_id_it_carries() {
    let url = registry(&[
        ("/schemas/ids/1", POINT),
        ("/schemas/ids/2", r#"{"schema":"x","schemaType":"PROTOBUF"}"#),
    ]);
    let mut converter = open("value", &[("schema.registry.url", &url)]).unwrap();
    assert_eq!(shown(&mut converter, &[0, 0, 0, 0, 1, 14]).unwrap(), "Struct{x=7}");
    assert_eq!(
        converter.schema_text(Some(b"")),
        Some(
            r#"{"type":"struct","fields":[{"type":"int32","optional":false,"field":"x"}],"optional":false,"name":"P"}"#
        )
    );
    assert_eq!(converter.format_name(), "avro-confluent");
    for (bytes, part) in [
        (&[0, 0, 0, 0, 9, 14][..], "schema 9: HTTP 404: not found"),
        (&[0, 0, 0, 0, 1], "schema 1: avro at byte 0: field x: the value is cut off"),
        (&[0, 0, 0, 0, 2, 1], "expected Avro, the registry has it as PROTOBUF"),
        (b"{}", "the first byte is 123"),
        (&[0xc3, 1, 1, 2, 3, 4, 5, 6, 7, 8], "single object"),
    ] {
        let (kind, sentence) = shown(&mut converter, bytes).unwrap_err();
        assert!(kind == formats::Kind::Record && sentence.contains(part), "{sentence}");
    }
}

#[test]
fn a_value_without_an_id_is_of_the_schema_that_the_address_names() {
    let url = registry(&[
        ("/schemas/ids/1", POINT),
        ("/subjects/s/versions", "[1]"),
        ("/subjects/s/versions/1", POINT),
        ("/subjects/s/versions/latest", POINT),
    ]);
    let pinned = format!("{url}/subjects/s");
    let mut converter = open("value", &[("schema.registry.url", &pinned)]).unwrap();
    assert_eq!(shown(&mut converter, &[14]).unwrap(), "Struct{x=7}");
    let schema = formats::avro::Schema::parse(
        r#"{"type":"record","name":"P","fields":[{"name":"x","type":"int"}]}"#,
        &[],
    );
    let mut single = vec![0xc3, 1];
    single.extend_from_slice(&schema.unwrap().fingerprint().to_le_bytes());
    single.push(14);
    assert_eq!(shown(&mut converter, &single).unwrap(), "Struct{x=7}");
    single[2] ^= 1;
    assert!(shown(&mut converter, &single).unwrap_err().1.contains("fingerprint"));
}

#[test]
fn an_unknown_id_waits_while_the_registry_is_away() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mut converter = open("value", &[("schema.registry.url", &url)]).unwrap();
    assert_eq!(shown(&mut converter, &[0, 0, 0, 0, 1, 14]).unwrap_err().0, formats::Kind::Away);
}

#[test]
fn a_value_is_written_behind_the_id_of_its_schema() {
    let url =
        registry(&[("/subjects/t-key/versions", r#"{"id":5}"#), ("/subjects/n.R/versions", r#"{"id":6}"#)]);
    let mut key = open("key", &[("schema.registry.url", &url)]).unwrap();
    key.set_topic("t");
    let mut out = Vec::new();
    assert_eq!(key.to_bytes(Value::Text("a"), None, &mut out).unwrap(), Some(0..7));
    assert_eq!(out, [0, 0, 0, 0, 5, 2, b'a']);
    assert_eq!(key.to_bytes(Value::Null, None, &mut out).unwrap(), None);
    let strategy =
        ("value.subject.name.strategy", "io.confluent.kafka.serializers.subject.RecordNameStrategy");
    let mut value = open("value", &[("schema.registry.url", &url), strategy]).unwrap();
    let mut flat = Vec::new();
    penstock_sdk::flat::Writer::new(&mut flat).structure(|w| {
        w.name("x");
        w.int64(1);
        1
    });
    let schema = r#"{"type":"struct","name":"n.R","fields":[{"type":"int64","field":"x"}]}"#;
    out.clear();
    value.to_bytes(Value::Flat(&flat), Some(schema), &mut out).unwrap();
    assert_eq!(out, [0, 0, 0, 0, 6, 2]);
    let unnamed = value.to_bytes(Value::Text("x"), None, &mut out).unwrap_err();
    assert!(unnamed.to_string().contains("only records have a name"), "{unnamed}");
    let schemaless = value.to_bytes(Value::Flat(&flat), None, &mut out).unwrap_err();
    assert!(schemaless.to_string().contains("without a schema"), "{schemaless}");
}

#[test]
fn settings_that_cannot_be_kept_are_named() {
    for (settings, part) in [
        (&[][..], "schema.registry.url"),
        (&[("schema.registry.url", "http://a"), ("scrub.invalid.names", "true")], "scrub.invalid.names"),
        (&[("schema.registry.url", "http://a"), ("auto.register.schemas", "maybe")], "auto.register.schemas"),
        (&[("schema.registry.url", "http://a"), ("value.subject.name.strategy", "x.Own")], "got Own"),
        (&[("schema.registry.url", "http://a"), ("schemas.cache.config", "0")], "schemas.cache.config"),
    ] {
        let error = open("value", settings).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}
