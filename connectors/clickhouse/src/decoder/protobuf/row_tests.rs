//! Protobuf records as rows: schemas that change, what is missing, paths, deletes, change events, and what is none.
use formats::registry::Format;

use super::tests::{Written, file, id, new, record, refused, shape};
use crate::binary::fake::{Fake, framed};
use crate::decoder::trial::{as_json, columns, decoder, sent};
use crate::decoder::{Appended, Decoder, Keys, Refused};
use crate::incoming::Incoming;
use crate::shape::{self, Events, KeyForm, Mapping, Shape, Upserts, Version};
use crate::values::Zones;

#[test]
fn each_record_is_read_by_its_own_message() {
    let table = [("id", "UInt32"), ("name", "String"), ("tag", "Nullable(String)")];
    let first = file("message M { int32 id = 1; repeated string gone = 2; }");
    let second = file(
        "message A { message B { int64 unused = 1; } message C { optional string tag = 1; string name = 2; int64 id = 9; } }",
    );
    let old = |value: u64| record(&first, &new().varint(1, value).sized(2, "x"));
    // The second message within the first one.
    let new_one = |value: u64| {
        let message = new().sized(1, "t").sized(2, "n").varint(9, value);
        framed(id(&second), &[&[4, 0, 2], &message.0[..]].concat())
    };
    let mut ours = decoder(&table, &shape());
    for record in [old(1), new_one(2), old(3), new_one(4)] {
        assert_eq!(ours.append(&record), Ok(Appended::Row));
    }
    let unknown = ours.take_unknown();
    assert!(unknown.any && unknown.new);
    ours.append(&old(5)).unwrap();
    let unknown = ours.take_unknown();
    assert!(unknown.any && !unknown.new, "the field is told as new once");
    assert!(ours.has_stray());
    ours.append(&record(&first, &new().varint(1, 6))).unwrap();
    assert!(!ours.has_stray(), "what a record does not have is no stray of its");
    let full = |id: u8| format!("{{\"id\":{id},\"name\":\"n\",\"tag\":\"t\"}}");
    let json = ["{\"id\":1}", &full(2), "{\"id\":3}", &full(4), "{\"id\":5}", "{\"id\":6}"];
    assert_eq!(sent(&mut ours), as_json(&table, &shape(), &json));
}

#[test]
fn what_is_missing_is_what_its_declaration_says() {
    let table = [
        ("default_a", "UInt8"),
        ("default_b", "Array(UInt8)"),
        ("b", "Nullable(UInt8)"),
        ("c", "Nullable(UInt8)"),
        ("default_d", "Nullable(UInt8)"),
        ("default_e", "Tuple(x UInt8)"),
    ];
    let file = file(
        "message M { int32 default_a = 1; repeated int32 default_b = 2; int32 b = 3; optional int32 c = 4; \
         optional int32 default_d = 5; N default_e = 6; } message N { int32 x = 1; }",
    );
    let mut ours = decoder(&table, &shape());
    ours.append(&record(&file, &new())).unwrap();
    ours.append(&record(&file, &new().varint(1, 7).varint(5, 0).message(6, &new()))).unwrap();
    let json = [
        r#"{"default_a":0,"default_b":[],"b":0}"#,
        r#"{"default_a":7,"default_b":[],"b":0,"default_d":0,"default_e":{"x":0}}"#,
    ];
    assert_eq!(sent(&mut ours), as_json(&table, &shape(), &json));
}

#[test]
fn the_older_syntax_has_defaults_groups_and_fields_that_are_required() {
    let text = "syntax = \"proto2\"; package old; message M { optional int32 a = 1 [default = 41]; \
        optional E e = 2 [default = B]; required string r = 3; repeated group G = 4 { optional int32 x = 1; } \
        repeated int32 l = 5; optional string n = 6; } enum E { A = 1; B = 2; }";
    let table = [
        ("a", "UInt8"),
        ("e", "Enum8('A' = 1, 'B' = 2)"),
        ("r", "String"),
        ("g", "Array(Tuple(x UInt8))"),
        ("l", "Array(UInt8)"),
        ("n", "Nullable(String)"),
    ];
    let record = |message: &Written| framed(id(text), &[&[0], &message.0[..]].concat());
    let mut ours = decoder(&table, &shape());
    ours.append(&record(&new().sized(3, "r"))).unwrap();
    // 35 and 36 are the marks of group 4.
    let group = new().sized(3, "s").varint(2, 1).raw(&[35, 8, 9, 36, 35, 36]).varint(5, 1).varint(5, 2);
    ours.append(&record(&group)).unwrap();
    let json = [
        r#"{"a":41,"e":"B","r":"r","g":[],"l":[]}"#,
        r#"{"a":41,"e":"A","r":"s","g":[{"x":9},{"x":0}],"l":[1,2]}"#,
    ];
    assert_eq!(sent(&mut ours), as_json(&table, &shape(), &json));
    let told = ours.append(&record(&new())).unwrap_err().to_string();
    assert!(told.ends_with("field r: it is required, and is not there"), "{told}");
    for (bytes, part) in [
        (&[36][..], "a group ends that never began"),
        (&[35, 8, 1], "cut off"),
        (&[35, 44], "a group ends that never began"),
        (&[7], "a field has the number 0"),
        (&[14], "in the way 6"),
        (&[10, 5, 1], "cut off"),
        (&[0x80; 11], "cut off"),
    ] {
        let told = ours.append(&record(&new().sized(3, "r").raw(bytes))).unwrap_err().to_string();
        assert!(told.contains(part), "{bytes:?}: {told}");
    }
    let groups = [35; 300];
    let told = ours.append(&record(&new().raw(&groups))).unwrap_err().to_string();
    assert!(told.contains("nested deeper"), "{told}");
}

#[test]
fn of_a_oneof_the_member_that_came_last_is_there() {
    let file = file(
        "message M { oneof u { int32 a = 1; N n = 2; string s = 3; } int32 k = 4; } message N { int32 x = 1; int32 y = 2; }",
    );
    let table = [("a", "Nullable(UInt8)"), ("n", "Tuple(x UInt8, y UInt8)"), ("k", "UInt8")];
    let (x, y) = (new().varint(1, 1), new().varint(2, 2));
    let mut ours = decoder(&table, &shape());
    for message in [
        new().varint(1, 7).varint(4, 1),
        new().varint(1, 7).message(2, &x).message(2, &y).varint(4, 2),
        new().message(2, &x).varint(1, 7).message(2, &y).varint(4, 3),
        new().message(2, &x).sized(3, "no column has it").varint(4, 4),
        new().varint(1, 0).varint(4, 5),
    ] {
        ours.append(&record(&file, &message)).unwrap();
    }
    let json = [
        r#"{"a":7,"k":1}"#,
        r#"{"n":{"x":1,"y":2},"k":2}"#,
        r#"{"n":{"x":0,"y":2},"k":3}"#,
        r#"{"k":4}"#,
        r#"{"a":0,"k":5}"#,
    ];
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
    let file = file(
        "message M { repeated N a = 1; map<string, int32> m = 2; string d = 3; int32 v = 4; } message N { int32 x = 1; string y = 2; }",
    );
    let of = |v: u64| {
        new()
            .message(1, &new().varint(1, 1).sized(2, "y"))
            .message(2, &new().sized(1, "k").varint(2, 2))
            .sized(3, "d")
            .varint(4, v)
    };
    let (good, bad) = (record(&file, &of(1)), record(&file, &of(256)));
    let mut ours = decoder(&table, &shape());
    let cut = &good[..good.len() - 1];
    for bytes in [&good[..], &bad, cut, &[&good[..], &[0]].concat(), &good] {
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
    let table = [
        ("user_name", "String"),
        ("city", "String"),
        ("whole", "JSON"),
        ("user_tags_x", "UInt8"),
        ("more", "String"),
    ];
    let mapping = |source: &str, column: &str| Mapping {
        path: shape::path(source).unwrap(),
        column: column.to_owned(),
    };
    let shape = Shape {
        map: vec![mapping("user.address.city", "city"), mapping("user.address", "whole")],
        separator: Some("_".to_owned()),
        overflow: Some("more".to_owned()),
        every_field: true,
        ..shape()
    };
    let file = file(
        "message M { U user = 1; optional int32 other = 2; } message U { string name = 1; A address = 2; map<string, int32> tags = 3; } \
         message A { int32 zip = 1; string city = 2; }",
    );
    let tag = |key: &str, value: u64| new().sized(1, key).varint(2, value);
    let nothing = new().sized(1, "x");
    let user = new()
        .sized(1, "ann")
        .message(2, &new().varint(1, 7).sized(2, "Ulm"))
        .message(3, &tag("x", 4))
        .message(3, &tag("y", 6))
        .message(3, &nothing);
    let mut ours = decoder(&table, &shape);
    ours.append(&record(&file, &new().message(1, &user).varint(2, 9))).unwrap();
    ours.append(&record(&file, &new())).unwrap();
    let json = r#"{"user":{"name":"ann","address":{"zip":7,"city":"Ulm"},"tags":{"y":6}},"other":9}"#;
    assert_eq!(sent(&mut ours), as_json(&table, &shape, &[json, "{\"user\":null}"]));
}

#[test]
fn a_key_that_no_column_could_take_refuses_the_records_that_have_it() {
    let table = [("h_x_a", "UInt8"), ("h_y", "UInt8")];
    let shape = Shape { separator: Some("_".to_owned()), ..shape() };
    let file = file("message M { map<string, N> h = 1; } message N { int32 a = 1; }");
    let entry = |key: &str| new().message(1, &new().sized(1, key).message(2, &new().varint(1, 7)));
    let mut ours = decoder(&table, &shape);
    ours.append(&record(&file, &entry("x"))).unwrap();
    let told = ours.append(&record(&file, &entry("x_a"))).unwrap_err().to_string();
    assert!(told.ends_with("field h_x_a: protobuf message a.N does not fit column h_x_a UInt8"), "{told}");
    assert_eq!(sent(&mut ours), as_json(&table, &shape, &[r#"{"h":{"x":{"a":7}}}"#]));
}

#[test]
fn enums_are_numbers_where_the_converter_says_so() {
    let config = [
        ("value.converter.schema.registry.url", Fake::shared().address()),
        ("value.converter.int.for.enums", "true"),
    ];
    let config: penstock_sdk::Config = config.into_iter().collect();
    let schemas = crate::binary::Schemas::open(&config, "value", Format::Protobuf).unwrap();
    let shape = Shape { schemas: Some(std::sync::Arc::new(schemas)), ..Shape::default() };
    let table = [("e", "String"), ("n", "Enum8('x' = 5)"), ("d", "Dynamic")];
    let mut ours = decoder(&table, &shape);
    let file = file("message M { E e = 1; E n = 2; E d = 3; }");
    ours.append(&record(&file, &new().varint(1, 5).varint(2, 5).varint(3, 5))).unwrap();
    let mut json = decoder(&[table[0], table[1], ("d", "Dynamic")], &Shape::default());
    json.append(br#"{"e":"5","n":"x","d":5}"#).unwrap();
    let (ours, json) = (sent(&mut ours).1, sent(&mut json).1);
    // A number of 32 bits is narrower than what JSON has.
    assert_eq!(ours[..3], json[..3]);
    assert!(String::from_utf8_lossy(&ours).contains("Int32"));
}

#[test]
fn headers_that_name_no_schema_are_the_records_fault_and_an_absent_registry_is_not() {
    let mut ours = decoder(&[("v", "UInt8")], &shape());
    let file = file("message M { int32 v = 1; }");
    let avro = Fake::shared().register("\"long\"");
    let broken = Fake::shared().register_as(Format::Protobuf, "message {");
    for (bytes, part) in [
        (&b"{\"v\":1}"[..], "the first byte is 123"),
        (&[0xC3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2], "an Avro single object, expected Protobuf"),
        (&framed(2_000_000_000, &[0]), "schema 2000000000: HTTP 404"),
        (&framed(avro, &[0]), "expected Protobuf, the registry has it as AVRO"),
        (&framed(broken, &[0]), "Protobuf schema: "),
        (&framed(id(&file), &[2, 14]), "has no message at [7]"),
        (&framed(id(&file), &[4, 0, 0]), "has no message at [0, 0]"),
        (&framed(id(&file), &[1]), "the indexes of the Protobuf message are cut off or negative"),
        (&framed(id(&file), &[]), "the indexes of the Protobuf message are cut off or negative"),
        (&framed(id(&file), &[0xFE, 0xFF, 0x7F]), "message indexes, at most 64"),
    ] {
        for _ in 0..2 {
            let told = ours.append(bytes).unwrap_err().to_string();
            assert!(told.contains(part), "{told}");
        }
    }
    ours.append(&framed(id(&file), &[2, 0, 8, 1])).unwrap();
    let away = [("value.converter.schema.registry.url", "http://127.0.0.1:1")].into_iter().collect();
    let away = crate::binary::Schemas::open(&away, "value", Format::Protobuf).unwrap();
    let away = Shape { schemas: Some(std::sync::Arc::new(away)), ..Shape::default() };
    let value = framed(1, &[0]);
    let record = Incoming { value: Some(&value), ..Incoming::default() };
    match decoder(&[("v", "UInt8")], &away).take(&record) {
        Err(Refused::Unread(failure)) => assert_eq!(failure.cause, crate::failure::Cause::Busy),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_address_can_name_the_schema_of_records_that_do_not() {
    let fake = Fake::start();
    fake.register_as(Format::Protobuf, &file("message M { int32 v = 1; }"));
    let shape = Shape { schemas: Some(fake.schemas_of(Format::Protobuf, "/subjects/s")), ..Shape::default() };
    let table = [("v", "UInt8")];
    let mut ours = decoder(&table, &shape);
    ours.append(&[8, 7]).unwrap();
    ours.append(&framed(1, &[0, 8, 8])).unwrap();
    assert_eq!(sent(&mut ours), as_json(&table, &shape, &["{\"v\":7}", "{\"v\":8}"]));
}

#[test]
fn a_few_bytes_cannot_stand_for_a_flood() {
    // Each empty message is two bytes, and a row of wide columns.
    let columns = (0..200).map(|place| format!("f{place} FixedString(200)")).collect::<Vec<_>>().join(", ");
    let ty = format!("Array(Tuple({columns}))");
    let empty = (0..10_000).fold(new(), |message, _| message.sized(1, []));
    refused(&ty, "repeated N", &empty, "protobuf of schema 1: field v: the record becomes too large");
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

#[test]
fn tombstones_delete_what_a_key_names() {
    let base = Shape { upserts: Some(upserts(Events::States, Version::Offset)), ..shape() };
    let protobuf = Shape { key_schemas: base.schemas.clone(), ..base.clone() };
    let value =
        record(&file("message M { int32 id = 1; string name = 2; }"), &new().varint(1, 7).sized(2, "x"));
    let plain = "syntax = \"proto3\"; package google.protobuf; message Int32Value { int32 value = 1; }";
    let keys =
        [record(&file("message K { int32 id = 1; }"), &new().varint(1, 7)), framed(id(plain), &[0, 8, 7])];
    for key in &keys {
        let (mut ours, mut json) = (keyed(&protobuf), keyed(&Shape { schemas: None, ..base.clone() }));
        for offset in [1, 2] {
            let at = |value, key| Incoming { offset, value, key: Some(key), ..Incoming::default() };
            let is_row = offset == 1;
            ours.take(&at(is_row.then_some(&value[..]), key)).unwrap();
            json.take(&at(is_row.then_some(&br#"{"id":7,"name":"x"}"#[..]), br#"{"id":7}"#)).unwrap();
        }
        assert_eq!(sent(&mut ours), sent(&mut json));
    }
    let bad = framed(id(plain), &[0, 8, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1]);
    let record = Incoming { key: Some(&bad), ..Incoming::default() };
    match keyed(&protobuf).take(&record) {
        Err(Refused::Misfit(misfit)) => {
            assert_eq!(misfit.to_string(), "key: field id: int32 -1 does not fit column id UInt32");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn change_events_are_read_as_in_json() {
    let file = file(
        "message Envelope { Value before = 1; Value after = 2; Source source = 3; string op = 4; optional int64 ts_ms = 5; } \
         message Value { int32 id = 1; string name = 2; } message Source { string connector = 1; int64 lsn = 2; }",
    );
    let image = |name: &str| new().varint(1, 7).sized(2, name);
    let source = |lsn: u64| new().sized(1, "postgresql").varint(2, lsn);
    let event = |op: &str, lsn: u64| new().message(3, &source(lsn)).sized(4, op);
    let base = Shape { upserts: Some(upserts(Events::Debezium, Version::Source)), ..shape() };
    let (mut ours, mut json) = (keyed(&base), keyed(&Shape { schemas: None, ..base.clone() }));
    for (message, text) in [
        (
            event("c", 5).message(2, &image("a")),
            r#"{"after":{"id":7,"name":"a"},"source":{"lsn":5},"op":"c"}"#,
        ),
        (
            event("u", 6).message(1, &image("a")).message(2, &image("b")),
            r#"{"before":{"id":7,"name":"a"},"after":{"id":7,"name":"b"},"source":{"lsn":6},"op":"u"}"#,
        ),
        (
            event("d", 7).message(1, &image("b")),
            r#"{"before":{"id":7,"name":"b"},"source":{"lsn":7},"op":"d"}"#,
        ),
    ] {
        assert_eq!(ours.append(&record(&file, &message)), Ok(Appended::Row));
        assert_eq!(json.append(text.as_bytes()), Ok(Appended::Row));
    }
    assert_eq!(sent(&mut ours), sent(&mut json));
    for (message, part) in [
        (event("x", 1).message(2, &image("a")), "field op: \"x\" is no operation"),
        (new().message(3, &source(1)), "the value has no field op"),
        (event("c", 1), "field after: expected an object with the row"),
        (new().sized(4, "c").message(2, &image("a")), "it is the row's version"),
    ] {
        let told = ours.append(&record(&file, &message)).unwrap_err().to_string();
        assert!(told.contains(part), "{told}");
    }
    let plain = super::tests::file("message M { int32 id = 1; }");
    let told = ours.append(&record(&plain, &new())).unwrap_err().to_string();
    assert!(told.contains("so it is no change event of Debezium"), "{told}");
}
