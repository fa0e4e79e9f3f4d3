//! What the converters read, write and refuse, against a registry on loopback.

use super::super::loopback::registry;
use super::super::{Converter, Error, Value};
use super::{Converting, Draft, Language};
use crate::definition::{self, ConverterConfig};
use formats::connect;
use formats::registry::{Format, Registered};
use indexmap::IndexMap;
use penstock_sdk::flat::{self, Writer};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};

const AVRO: &str = "io.confluent.connect.avro.AvroConverter";
const PROTOBUF: &str = "io.confluent.connect.protobuf.ProtobufConverter";
const JSON_SCHEMA: &str = "io.confluent.connect.json.JsonSchemaConverter";
const AVRO_POINT: &str = r#"{"schema":"{\"type\":\"record\",\"name\":\"P\",\"fields\":[{\"name\":\"x\",\"type\":\"int\"}]}","id":1}"#;
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
        (&[0, 0, 0, 0, 1], "schema 1: the indexes of the Protobuf message are cut off"),
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
fn avro_is_read_by_the_schema_whose_id_it_carries() {
    let url = registry(&[
        ("/schemas/ids/1", AVRO_POINT),
        ("/schemas/ids/2", r#"{"schema":"x","schemaType":"PROTOBUF"}"#),
    ]);
    let mut converter = open(AVRO, "value", &[("schema.registry.url", &url)]).unwrap();
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
        (&[0, 0, 0, 0, 2, 1], "schema 2: expected AVRO, the registry has it as PROTOBUF"),
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
        ("/schemas/ids/1", AVRO_POINT),
        ("/subjects/s/versions", "[1]"),
        ("/subjects/s/versions/1", AVRO_POINT),
        ("/subjects/s/versions/latest", AVRO_POINT),
    ]);
    let pinned = format!("{url}/subjects/s");
    let mut converter = open(AVRO, "value", &[("schema.registry.url", &pinned)]).unwrap();
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
    let mut converter = open(AVRO, "value", &[("schema.registry.url", &url)]).unwrap();
    assert_eq!(shown(&mut converter, &[0, 0, 0, 0, 1, 14]).unwrap_err().0, formats::Kind::Away);
}

#[test]
fn avro_is_written_behind_the_id_of_its_schema() {
    let url =
        registry(&[("/subjects/t-key/versions", r#"{"id":5}"#), ("/subjects/n.R/versions", r#"{"id":6}"#)]);
    let mut key = open(AVRO, "key", &[("schema.registry.url", &url)]).unwrap();
    key.set_topic("t");
    let mut out = Vec::new();
    assert_eq!(key.to_bytes(Value::Text("a"), None, &mut out).unwrap(), Some(0..7));
    assert_eq!(out, [0, 0, 0, 0, 5, 2, b'a']);
    assert_eq!(key.to_bytes(Value::Null, None, &mut out).unwrap(), None);
    let strategy =
        ("value.subject.name.strategy", "io.confluent.kafka.serializers.subject.RecordNameStrategy");
    let mut value = open(AVRO, "value", &[("schema.registry.url", &url), strategy]).unwrap();
    let schema = r#"{"type":"struct","name":"n.R","fields":[{"type":"int64","field":"x"}]}"#;
    out.clear();
    value.to_bytes(Value::Flat(&point()), Some(schema), &mut out).unwrap();
    assert_eq!(out, [0, 0, 0, 0, 6, 2]);
    let unnamed = value.to_bytes(Value::Text("x"), None, &mut out).unwrap_err();
    assert!(
        unnamed.to_string().contains("value.subject.name.strategy: a value of type string has no name"),
        "{unnamed}"
    );
    let schemaless = value.to_bytes(Value::Flat(&point()), None, &mut out).unwrap_err();
    assert!(schemaless.to_string().contains("without a schema"), "{schemaless}");
}

/// A language that counts how often it compiles.
#[derive(Debug, Default)]
struct Counting {
    readers: AtomicUsize,
    writers: AtomicUsize,
}

impl Language for Counting {
    const CONVERTER: &'static str = "Counting";
    const FORMAT: Format = Format::Json;
    const REFUSED: &'static [&'static str] = &[];
    type Reader = ();
    type Writer = ();

    fn open(_config: &IndexMap<String, String>) -> Result<Self, definition::Error> {
        Ok(Self::default())
    }

    fn reader(&self, schema: &Registered, _path: &[u8]) -> Result<(), Error> {
        self.readers.fetch_add(1, Ordering::Relaxed);
        if schema.text == "broken" { Err(Error::new("it is broken")) } else { Ok(()) }
    }

    fn read(_reader: &(), body: &[u8], arena: &mut Vec<u8>) -> Result<(), Error> {
        arena.extend_from_slice(body);
        Ok(())
    }

    fn schema_text(_reader: &()) -> Option<&str> {
        Some("known")
    }

    fn draft(&self, schema: &connect::Schema) -> Result<Draft, Error> {
        Ok(Draft { text: schema.text(), name: None })
    }

    fn writer(&self, _: &connect::Schema, _: &Draft, _: &Registered) -> Result<(), Error> {
        self.writers.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn write(_writer: &(), value: flat::Value<'_>, _out: &mut Vec<u8>) -> Result<bool, Error> {
        if value == flat::Value::Null { Err(Error::new("no nulls")) } else { Ok(true) }
    }
}

fn counting(url: &str) -> Converting<Counting> {
    let settings = [("schema.registry.url", url), ("schemas.cache.config", "2")];
    let settings = settings.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    Converting::open(&settings, "value").unwrap()
}

#[test]
fn a_schema_is_compiled_once_also_when_it_is_broken() {
    let url = registry(&[
        ("/schemas/ids/1", r#"{"schemaType":"JSON","schema":"sound"}"#),
        ("/schemas/ids/2", r#"{"schemaType":"JSON","schema":"broken"}"#),
        ("/schemas/ids/3", r#"{"schemaType":"JSON","schema":"sound"}"#),
    ]);
    let mut converting = counting(&url);
    for _ in 0..3 {
        let mut arena = Vec::new();
        converting.read(&[0, 0, 0, 0, 1, 7], &mut arena).unwrap();
        assert_eq!((&arena[..], converting.schema_text()), (&[7][..], Some("known")));
        let error = converting.read(&[0, 0, 0, 0, 2, 7], &mut arena).unwrap_err();
        assert_eq!((error.to_string().as_str(), converting.schema_text()), ("schema 2: it is broken", None));
    }
    assert_eq!(converting.language.readers.load(Ordering::Relaxed), 2);
    converting.read(&[0, 0, 0, 0, 3], &mut Vec::new()).unwrap();
    assert_eq!(converting.readers.len(), 1, "above its bound the cache starts anew");
}

#[test]
fn as_many_writers_as_the_cache_holds_stay_in_it() {
    let url = registry(&[("/subjects/t-value/versions", r#"{"id":4}"#)]);
    let mut converting = counting(&url);
    converting.set_topic("t");
    let (plain, optional) = (r#"{"type":"string"}"#, r#"{"type":"string","optional":true}"#);
    for schema in [plain, optional, plain, optional, plain] {
        converting.write(Value::Text("a"), Some(schema), &mut Vec::new()).unwrap();
    }
    assert_eq!(converting.language.writers.load(Ordering::Relaxed), 2);
    let error = converting.write(Value::Null, Some(optional), &mut Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "schema 4: no nulls");
}

#[test]
fn json_is_held_against_its_schema_in_both_directions() {
    const LIMITED: &str = r#"{"id":1,"schemaType":"JSON","schema":"{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\",\"maximum\":7}}}"}"#;
    let url = registry(&[
        ("/schemas/ids/1", LIMITED),
        ("/schemas/ids/2", r#"{"schemaType":"JSON","schema":"{\"pattern\":\"(\"}"}"#),
        ("/subjects/t-value/versions/latest", LIMITED),
    ]);
    let latest = [
        ("schema.registry.url", url.as_str()),
        ("auto.register.schemas", "false"),
        ("use.latest.version", "true"),
    ];
    let mut lenient = open(JSON_SCHEMA, "value", &latest).unwrap();
    let mut strict =
        open(JSON_SCHEMA, "value", &[&latest[..], &[("json.fail.invalid.schema", "true")]].concat()).unwrap();
    assert_eq!(shown(&mut strict, b"\0\0\0\0\x01{\"x\":7}").unwrap(), "Struct{x=7}");
    assert_eq!(shown(&mut lenient, b"\0\0\0\0\x01{\"x\":8}").unwrap(), "Struct{x=8}");
    let (kind, sentence) = shown(&mut strict, b"\0\0\0\0\x01{\"x\":8}").unwrap_err();
    assert_eq!(kind, formats::Kind::Record);
    assert_eq!(
        sentence,
        "schema 1: json: /x: expected at most 7, by json.fail.invalid.schema and #/properties/x"
    );
    let (_, sentence) = shown(&mut strict, b"\0\0\0\0\x02{}").unwrap_err();
    assert!(sentence.starts_with("schema 2: JSON schema: #: the pattern"), "{sentence}");
    let schema = r#"{"type":"struct","fields":[{"type":"int64","field":"x"}]}"#;
    for (x, is_kept) in [(7, true), (8, false)] {
        let mut flat = Vec::new();
        Writer::new(&mut flat).structure(|w| {
            w.name("x");
            w.int64(x);
            1
        });
        for (converter, is_written) in [(&mut lenient, true), (&mut strict, is_kept)] {
            converter.set_topic("t");
            let mut out = Vec::new();
            let written = converter.to_bytes(Value::Flat(&flat), Some(schema), &mut out);
            assert_eq!(written.is_ok(), is_written, "{written:?}");
            assert_eq!(!out.is_empty(), is_written);
            if let Err(error) = written {
                assert!(error.to_string().starts_with("schema 1: json: /x: expected at most 7"), "{error}");
            }
        }
    }
}

#[test]
fn settings_that_cannot_be_kept_are_named() {
    let url = ("schema.registry.url", "http://a");
    for (class, settings, part) in [
        (PROTOBUF, &[][..], "schema.registry.url"),
        (AVRO, &[url, ("scrub.invalid.names", "true")], "scrub.invalid.names"),
        (AVRO, &[url, ("auto.register.schemas", "maybe")], "auto.register.schemas"),
        (AVRO, &[url, ("value.subject.name.strategy", "x.Own")], "got Own"),
        (AVRO, &[url, ("schemas.cache.config", "0")], "schemas.cache.config"),
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
