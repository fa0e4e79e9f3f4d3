//! Avro records as rows: schemas that change, paths, deletes, change events, and what is no record.
use apache_avro::types::Value;
use formats::registry::Format;
use serde_json::json;

use super::tests::{record, shape};
use crate::binary::fake::{Fake, framed, open};
use crate::decoder::trial::{as_json, columns, decoder, sent};
use crate::decoder::{Appended, Decoder, Keys, Refused};
use crate::failure::Cause;
use crate::incoming::Incoming;
use crate::shape::{self, Events, KeyForm, Mapping, Shape, Upserts, Version};
use crate::values::Zones;

#[test]
fn each_record_is_read_by_its_own_schema() {
    let table = [("id", "UInt32"), ("name", "String"), ("tag", "Nullable(String)")];
    let version = |fields: serde_json::Value| json!({"type": "record", "name": "R", "fields": fields});
    let first = version(
        json!([{"name": "id", "type": "int"}, {"name": "gone", "type": {"type": "array", "items": "string"}}]),
    );
    let second = version(
        json!([{"name": "tag", "type": ["null", "string"]}, {"name": "name", "type": "string"}, {"name": "id", "type": "long"}]),
    );
    let old = |id: i32| {
        record(
            &first,
            Value::Record(vec![
                ("id".into(), Value::Int(id)),
                ("gone".into(), Value::Array(vec![Value::String("x".into())])),
            ]),
        )
    };
    let new = |id: i64| {
        record(
            &second,
            Value::Record(vec![
                ("tag".into(), Value::Union(1, Box::new(Value::String("t".into())))),
                ("name".into(), Value::String("n".into())),
                ("id".into(), Value::Long(id)),
            ]),
        )
    };
    let mut ours = decoder(&table, &shape());
    for record in [old(1), new(2), old(3), new(4)] {
        assert_eq!(ours.append(&record), Ok(Appended::Row));
    }
    let unknown = ours.take_unknown();
    assert!(unknown.any && unknown.new);
    ours.append(&old(5)).unwrap();
    let unknown = ours.take_unknown();
    assert!(unknown.any && !unknown.new, "the field is told as new once");
    let full = |id: u8| format!("{{\"id\":{id},\"name\":\"n\",\"tag\":\"t\"}}");
    let json = ["{\"id\":1}".to_owned(), full(2), "{\"id\":3}".to_owned(), full(4), "{\"id\":5}".to_owned()];
    let json: Vec<_> = json.iter().map(String::as_str).collect();
    assert_eq!(sent(&mut ours), as_json(&table, &shape(), &json));
}

#[test]
fn a_record_that_fails_half_way_leaves_no_trace() {
    let table = [
        ("a", "Array(Tuple(x UInt8, y String))"),
        ("m", "Map(String, UInt8)"),
        ("d", "Dynamic"),
        ("v", "UInt8"),
    ];
    let schema = json!({"type": "record", "name": "R", "fields": [
        {"name": "a", "type": {"type": "array", "items": {"type": "record", "name": "N", "fields": [{"name": "x", "type": "int"}, {"name": "y", "type": "string"}]}}},
        {"name": "m", "type": {"type": "map", "values": "int"}},
        {"name": "d", "type": ["int", "string"]},
        {"name": "v", "type": "int"},
    ]});
    let value = |v: i32| {
        let item = Value::Record(vec![("x".into(), Value::Int(1)), ("y".into(), Value::String("y".into()))]);
        Value::Record(vec![
            ("a".into(), Value::Array(vec![item])),
            ("m".into(), Value::Map([("k".to_owned(), Value::Int(2))].into())),
            ("d".into(), Value::Union(1, Box::new(Value::String("d".into())))),
            ("v".into(), Value::Int(v)),
        ])
    };
    let (good, bad) = (record(&schema, value(1)), record(&schema, value(256)));
    let mut ours = decoder(&table, &shape());
    for bytes in [&good[..], &bad, &good[..good.len() - 1], &[&good[..], &[0]].concat(), &good] {
        let _ = ours.append(bytes);
    }
    assert_eq!(ours.rows(), 2);
    let mut expected = decoder(&table, &shape());
    expected.append(&good).unwrap();
    expected.append(&good).unwrap();
    assert_eq!(sent(&mut ours), sent(&mut expected));
}

#[test]
fn fields_are_mapped_and_flattened_as_for_json() {
    let table = [("user_name", "String"), ("city", "String"), ("whole", "JSON"), ("user_tags_x", "UInt8")];
    let mapping = |source: &str, column: &str| Mapping {
        path: shape::path(source).unwrap(),
        column: column.to_owned(),
    };
    let shape = Shape {
        map: vec![mapping("user.address.city", "city"), mapping("user.address", "whole")],
        separator: Some("_".to_owned()),
        ..shape()
    };
    let schema = json!({"type": "record", "name": "R", "fields": [{"name": "user", "type": ["null", {"type": "record", "name": "U", "fields": [
        {"name": "name", "type": "string"},
        {"name": "address", "type": {"type": "record", "name": "A", "fields": [{"name": "zip", "type": "int"}, {"name": "city", "type": "string"}]}},
        {"name": "tags", "type": {"type": "map", "values": "int"}},
    ]}]}]});
    let address =
        Value::Record(vec![("zip".into(), Value::Int(7)), ("city".into(), Value::String("Ulm".into()))]);
    let user = Value::Record(vec![
        ("name".into(), Value::String("ann".into())),
        ("address".into(), address),
        ("tags".into(), Value::Map([("x".to_owned(), Value::Int(5))].into())),
    ]);
    let mut ours = decoder(&table, &shape);
    ours.append(&record(&schema, Value::Record(vec![("user".into(), Value::Union(1, Box::new(user)))])))
        .unwrap();
    ours.append(&record(
        &schema,
        Value::Record(vec![("user".into(), Value::Union(0, Box::new(Value::Null)))]),
    ))
    .unwrap();
    let json = r#"{"user":{"name":"ann","address":{"zip":7,"city":"Ulm"},"tags":{"x":5}}}"#;
    assert_eq!(sent(&mut ours), as_json(&table, &shape, &[json, "{\"user\":null}"]));
}

#[test]
fn a_key_that_no_column_could_take_refuses_the_records_that_have_it() {
    let table = [("h_x_a", "UInt8"), ("h_y", "UInt8")];
    let shape = Shape { separator: Some("_".to_owned()), ..shape() };
    let inner = json!({"type": "record", "name": "N", "fields": [{"name": "a", "type": "int"}]});
    let schema = json!({"type": "record", "name": "R", "fields": [{"name": "h", "type": {"type": "map", "values": inner}}]});
    let entry = |key: &str| {
        let value = Value::Record(vec![("a".into(), Value::Int(7))]);
        record(&schema, Value::Record(vec![("h".into(), Value::Map([(key.to_owned(), value)].into()))]))
    };
    let mut ours = decoder(&table, &shape);
    ours.append(&entry("x")).unwrap();
    let told = ours.append(&entry("x_a")).unwrap_err().to_string();
    assert!(told.ends_with("field h_x_a: avro record N does not fit column h_x_a UInt8"), "{told}");
    assert_eq!(sent(&mut ours), as_json(&table, &shape, &[r#"{"h":{"x":{"a":7}}}"#]));
}

#[test]
fn headers_that_name_no_schema_are_the_records_fault_and_an_absent_registry_is_not() {
    let mut ours = decoder(&[("v", "UInt8")], &shape());
    let single_object = [&[0xC3, 1][..], &[0; 8], &[2]].concat();
    for (bytes, part) in [
        (&b"{\"v\":1}"[..], "the first byte is 123"),
        (&[3, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], "AWS Glue"),
        (&single_object, "let schema.registry.url end in"),
        (&framed(2_000_000_000, &[2]), "schema 2000000000: HTTP 404"),
        (&framed(Fake::shared().register("\"long\""), &[2]), "long is no record"),
        (&framed(Fake::shared().register("{\"type\":\"x\"}"), &[2]), "unknown type"),
    ] {
        let told = ours.append(bytes).unwrap_err().to_string();
        assert!(told.contains(part), "{told}");
    }
    let away = Shape { schemas: Some(open(Format::Avro, "http://127.0.0.1:1")), ..Shape::default() };
    let value = framed(1, &[2]);
    let record = Incoming { value: Some(&value), ..Incoming::default() };
    match decoder(&[("v", "UInt8")], &away).take(&record) {
        Err(Refused::Unread(failure)) => assert_eq!(failure.cause, Cause::Busy),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_address_can_name_the_schema_of_records_that_do_not() {
    let fake = Fake::start();
    let of =
        |ty: &str| json!({"type": "record", "name": "R", "fields": [{"name": "v", "type": ty}]}).to_string();
    let prints = [of("int"), of("string")].map(|text| {
        fake.register(&text);
        formats::avro::Schema::parse(&text, &[]).unwrap().fingerprint().to_le_bytes()
    });
    let shape = Shape { schemas: Some(fake.schemas("/subjects/s")), ..Shape::default() };
    let table = [("v", "String")];
    let mut ours = decoder(&table, &shape);
    let object = |print: &[u8; 8], body: &[u8]| [&[0xC3, 1][..], print, body].concat();
    ours.append(&object(&prints[0], &[14])).unwrap();
    ours.append(&object(&prints[1], &[2, b'x'])).unwrap();
    ours.append(&[2, b'y']).unwrap();
    ours.append(&framed(1, &[16])).unwrap();
    assert_eq!(
        sent(&mut ours),
        as_json(&table, &shape, &["{\"v\":7}", "{\"v\":\"x\"}", "{\"v\":\"y\"}", "{\"v\":8}"])
    );
    let told = ours.append(&object(&[9; 8], &[2])).unwrap_err().to_string();
    assert!(told.contains("no schema at schema.registry.url has the fingerprint 0909090909090909"), "{told}");
}

fn upserts(events: Events, version: Version) -> Upserts {
    let (version_column, deleted_column, key_column) = (None, None, None);
    Upserts { events, version, version_column, deleted_column, key_column, key: KeyForm::Json }
}

const TABLE: [(&str, &str); 4] = [("id", "UInt32"), ("name", "String"), ("ver", "UInt64"), ("del", "UInt8")];

fn keyed(shape: &Shape) -> Decoder {
    let keys = Keys { version: "ver".into(), deleted: "del".into(), required: vec!["id".into()] };
    Decoder::open(&columns(&TABLE), &Zones::utc(), shape, Some(&keys)).unwrap()
}

fn row(id: i32, name: &str) -> Value {
    Value::Record(vec![("id".into(), Value::Int(id)), ("name".into(), Value::String(name.into()))])
}

#[test]
fn tombstones_delete_what_an_avro_key_names() {
    let base = Shape { upserts: Some(upserts(Events::States, Version::Offset)), ..shape() };
    let avro = Shape { key_schemas: base.schemas.clone(), ..base.clone() };
    let schema = json!({"type": "record", "name": "R", "fields": [{"name": "id", "type": "int"}, {"name": "name", "type": "string"}]});
    let key_schema = json!({"type": "record", "name": "K", "fields": [{"name": "id", "type": "int"}]});
    let value = record(&schema, row(7, "x"));
    let keys = [
        record(&key_schema, Value::Record(vec![("id".into(), Value::Int(7))])),
        record(&json!("long"), Value::Long(7)),
    ];
    let mut ours = keyed(&avro);
    let incoming = |offset, value, key| Incoming { offset, value, key, ..Incoming::default() };
    assert_eq!(ours.take(&incoming(1, Some(&value[..]), None)), Ok(Appended::Row));
    for (offset, key) in [(2, &keys[0]), (3, &keys[1])] {
        assert_eq!(ours.take(&incoming(offset, None, Some(key))), Ok(Appended::Row));
    }
    let mut json = keyed(&Shape { schemas: None, ..base });
    json.take(&incoming(1, Some(b"{\"id\":7,\"name\":\"x\"}"), None)).unwrap();
    json.take(&incoming(2, None, Some(b"{\"id\":7}"))).unwrap();
    json.take(&incoming(3, None, Some(b"7"))).unwrap();
    assert_eq!(sent(&mut ours), sent(&mut json));
    let other = record(
        &json!({"type": "record", "name": "K", "fields": [{"name": "x", "type": "int"}]}),
        Value::Record(vec![("x".into(), Value::Int(7))]),
    );
    match ours.take(&incoming(4, None, Some(&other))) {
        Err(Refused::Misfit(misfit)) => {
            assert!(misfit.to_string().contains("field id is missing"), "{misfit}");
        }
        other => panic!("{other:?}"),
    }
}

fn optional(value: Option<Value>) -> Value {
    match value {
        Some(value) => Value::Union(1, Box::new(value)),
        None => Value::Union(0, Box::new(Value::Null)),
    }
}

/// A change event as Debezium's converter writes it.
fn event(op: &str, before: Option<Value>, after: Option<Value>, lsn: i64) -> Vec<u8> {
    let fields = json!([{"name": "id", "type": "int"}, {"name": "name", "type": "string"}]);
    let image = json!({"type": "record", "name": "Value", "fields": fields});
    let fields = json!([{"name": "connector", "type": "string"}, {"name": "lsn", "type": ["null", "long"]}]);
    let source = json!({"type": "record", "name": "Source", "fields": fields});
    let envelope = json!({"type": "record", "name": "Envelope", "fields": [
        {"name": "before", "type": ["null", image]}, {"name": "after", "type": ["null", "Value"]},
        {"name": "source", "type": source}, {"name": "op", "type": "string"},
        {"name": "ts_ms", "type": ["null", "long"]},
    ]});
    let source = Value::Record(vec![
        ("connector".into(), Value::String("postgresql".into())),
        ("lsn".into(), optional(Some(Value::Long(lsn)))),
    ]);
    let value = Value::Record(vec![
        ("before".into(), optional(before)),
        ("after".into(), optional(after)),
        ("source".into(), source),
        ("op".into(), Value::String(op.into())),
        ("ts_ms".into(), optional(Some(Value::Long(lsn * 10)))),
    ]);
    record(&envelope, value)
}

#[test]
fn change_events_become_rows_as_in_json() {
    let cases = [
        (
            event("c", None, Some(row(1, "a")), 5),
            r#"{"before":null,"after":{"id":1,"name":"a"},"source":{"lsn":5},"op":"c","ts_ms":50}"#,
        ),
        (
            event("u", Some(row(1, "a")), Some(row(1, "b")), 6),
            r#"{"after":{"id":1,"name":"b"},"source":{"lsn":6},"op":"u","ts_ms":60}"#,
        ),
        (
            event("d", Some(row(1, "b")), None, 7),
            r#"{"before":{"id":1,"name":"b"},"source":{"lsn":7},"op":"d","ts_ms":70}"#,
        ),
        (event("d", None, None, 8), r#"{"before":null,"source":{"lsn":8},"op":"d","ts_ms":80}"#),
    ];
    for version in [
        Version::Source,
        Version::Offset,
        Version::Field(vec!["ts_ms".into()]),
        Version::Field(vec!["source".into(), "lsn".into()]),
    ] {
        let shape = Shape { upserts: Some(upserts(Events::Debezium, version.clone())), ..shape() };
        let (mut ours, mut json) = (keyed(&shape), keyed(&Shape { schemas: None, ..shape }));
        for (offset, (avro, text)) in (1..).zip(&cases) {
            let incoming = |value| Incoming {
                offset,
                value: Some(value),
                key: Some(b"{\"id\":1}"),
                ..Incoming::default()
            };
            assert_eq!(ours.take(&incoming(avro)), Ok(Appended::Row), "{text}");
            assert_eq!(json.take(&incoming(text.as_bytes())), Ok(Appended::Row), "{text}");
        }
        assert_eq!(sent(&mut ours), sent(&mut json), "{version:?}");
        for (bytes, part) in [
            (event("t", None, None, 9), "field op: \"t\" is no operation"),
            (event("c", None, None, 9), "field after: expected an object"),
            (event("c", None, Some(row(-1, "x")), 9), "field id: int -1 does not fit column id UInt32"),
            (
                record(&json!({"type": "record", "name": "R", "fields": []}), Value::Record(vec![])),
                "the value has no field op",
            ),
        ] {
            let told = ours.append(&bytes).unwrap_err().to_string();
            assert!(told.contains(part), "{told}");
            assert_eq!(ours.rows(), cases.len());
        }
    }
}

#[test]
fn a_few_bytes_cannot_become_many() {
    let fake = Fake::shared();
    let run = |schema: &str, table: &[(&str, &str)], body: &[u8]| {
        decoder(table, &shape()).append(&framed(fake.register(schema), body)).map_err(|told| told.to_string())
    };
    let of = |ty: &str| format!(r#"{{"type":"record","name":"R","fields":[{{"name":"v","type":{ty}}}]}}"#);
    let mut most = vec![];
    formats::varint::put_signed(i64::MAX, &mut most);
    most.push(0);
    let nulls = of(r#"{"type":"array","items":"null"}"#);
    let told = run(&nulls, &[("v", "Array(Nullable(UInt64))")], &most).unwrap_err();
    assert!(told.contains("the record becomes too large"), "{told}");
    let told = run(&nulls, &[("v", "String")], &most).unwrap_err();
    assert!(told.contains("too large as text"), "{told}");
    assert_eq!(run(&nulls, &[("w", "String")], &most), Ok(Appended::Row), "nothing is stepped over at once");
    let mut tree = r#"{"type":"record","name":"R0","fields":[]}"#.to_owned();
    for level in 1..40 {
        let below = level - 1;
        tree = format!(
            r#"{{"type":"record","name":"R{level}","fields":[{{"name":"a","type":{tree}}},{{"name":"b","type":"R{below}"}}]}}"#
        );
    }
    assert_eq!(run(&of(&tree), &[("w", "String")], &[]), Ok(Appended::Row));
    let told = run(&of(&tree), &[("v", "String")], &[]).unwrap_err();
    assert!(told.contains("too large as text"), "{told}");
    let told = run(&of(&tree), &[("v", "Dynamic")], &[]).unwrap_err();
    assert!(told.contains("more than") || told.contains("too large"), "{told}");
    let list = of(r#"["null",{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}]"#);
    let deep: Vec<u8> = [vec![2; 100_000], vec![0]].concat();
    for table in [("v", "String"), ("w", "String"), ("v", "Dynamic")] {
        let told = run(&list, &[table], &deep).unwrap_err();
        assert!(told.contains("nested deeper than 128"), "{table:?}: {told}");
    }
    assert_eq!(run(&list, &[("v", "String")], &[2, 2, 0]), Ok(Appended::Row));
}

#[test]
fn a_union_that_holds_its_own_record_ends_as_json_text_in_a_dynamic() {
    let choice = json!(["null", "R", {"type": "array", "items": "R"}, {"type": "map", "values": "R"}]);
    let schema = json!({"type": "record", "name": "R", "fields": [{"name": "v", "type": choice}]});
    let of = |branch, value| Value::Record(vec![("v".into(), Value::Union(branch, Box::new(value)))]);
    let leaf = of(0, Value::Null);
    let value = of(2, Value::Array(vec![of(1, of(1, leaf.clone())), leaf]));
    let mut ours = decoder(&[("v", "Dynamic")], &shape());
    assert_eq!(ours.append(&record(&schema, value)), Ok(Appended::Row));
    let (_, bytes) = sent(&mut ours);
    let has = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    assert!(
        has(b"Array(Tuple(`v` Dynamic))") && has(b"{\"v\":null}"),
        "{:?}",
        String::from_utf8_lossy(&bytes)
    );
    // Many records that all hold each other are more than any program: none of them hangs.
    let names: Vec<_> = (0..40).map(|number| format!("R{number}")).collect();
    let mut branches = vec![json!("null")];
    let mut types = Vec::new();
    for name in &names {
        types.push(json!({"type": "record", "name": name, "fields": [{"name": "v", "type": branches}]}));
        branches.push(json!(name));
    }
    types.insert(0, json!("null"));
    let schema = json!({"type": "record", "name": "R", "fields": [{"name": "v", "type": types}]});
    let started = std::time::Instant::now();
    let _ = decoder(&[("v", "Dynamic")], &shape()).append(&record(&schema, of(0, Value::Null)));
    assert!(started.elapsed() < std::time::Duration::from_secs(20), "{:?}", started.elapsed());
}
