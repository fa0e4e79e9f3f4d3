//! Known schemas, values and bytes: what they map to, and which sentence refuses them.

use super::{Decoder, Encoder, Message, Options, Schema, from_connect};
use crate::connect;
use crate::registry::Reference;
use penstock_sdk::flat::{Value, Writer};

fn message(body: &str) -> Message {
    let schema = Schema::parse(&format!("syntax = \"proto3\";\npackage shop;\n{body}"), &[]);
    schema.unwrap_or_else(|error| panic!("{error}")).message(&[0]).unwrap()
}

fn shown(message: &Message, options: Options, bytes: &[u8]) -> Result<String, String> {
    let mut flat = Vec::new();
    Decoder::new(message, options).read(bytes, &mut flat).map_err(|error| error.to_string())?;
    Ok(Value::parse(&flat).unwrap().to_string())
}

#[track_caller]
fn check(body: &str, cases: &[(&[u8], &str)]) {
    let message = message(body);
    for (bytes, expected) in cases {
        let read = shown(&message, Options::default(), bytes).unwrap_or_else(|error| error);
        assert_eq!(read, *expected, "{bytes:?}");
    }
}

#[test]
fn of_several_names_for_a_number_the_first_in_the_file_is_shown() {
    let body = "message M { E e = 1; } enum E { option allow_alias = true; ZERO = 0; NEW = 5; NONE = 0; FRESH = 5; OLD = 5; A = 0; }";
    check(body, &[(&[], "Struct{e=ZERO}"), (&[8, 5], "Struct{e=NEW}")]);
}

const WELL_KNOWN: &str = r#"
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import "google/type/date.proto";
import "google/type/timeofday.proto";
import "confluent/meta.proto";
import "confluent/type/decimal.proto";
message M {
  google.protobuf.Timestamp at = 1;
  google.type.Date day = 2;
  google.type.TimeOfDay time = 3;
  confluent.type.Decimal price = 4 [(confluent.field_meta) = { params: [{ key: "scale", value: "2" }, { key: "precision", value: "9" }] }];
  google.protobuf.Int32Value count = 5;
  int32 small = 6 [(confluent.field_meta) = { params: [{ key: "connect.type", value: "int8" }] }];
}
"#;

#[test]
fn well_known_messages_are_connects_logical_types() {
    check(
        WELL_KNOWN,
        &[
            (&[10, 6, 8, 1, 16, 0xc0, 0x84, 0x3d], "Struct{at=1001,small=0}"),
            // A millisecond before 1970.
            (
                &[
                    10, 17, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 16, 0xc0, 0x8f, 0xae,
                    0xdc, 3,
                ],
                "Struct{at=-1,small=0}",
            ),
            (&[18, 7, 8, 0xe8, 0x0f, 16, 3, 24, 1], "Struct{day=19783,small=0}"),
            (&[18, 5, 8, 0xe8, 0x0f, 16, 3], "protobuf: field day: 2024-3-0 is no full date"),
            (&[26, 6, 8, 1, 16, 2, 24, 3], "Struct{time=3723000,small=0}"),
            (&[26, 2, 8, 24], "protobuf: field time: 24:0:0 is no time of a day"),
            (&[42, 2, 8, 7], "Struct{count=Struct{value=7},small=0}"),
            (&[48, 127], "Struct{small=127}"),
            (&[48, 0x80, 1], "protobuf: field small: 128 does not fit its type"),
        ],
    );
}

#[test]
fn decimals_have_the_scale_of_the_field() {
    let message = message(WELL_KNOWN);
    let digits = |bytes: &[u8]| {
        let mut flat = Vec::new();
        Decoder::new(&message, Options::default())
            .read(bytes, &mut flat)
            .map_err(|error| error.to_string())?;
        let Ok(Value::Struct(fields)) = Value::parse(&flat) else { panic!("a struct") };
        let Some(Value::Bytes(digits)) = fields.get("price") else { panic!("a decimal") };
        Ok::<_, String>(digits.to_vec())
    };
    assert_eq!(digits(&[34, 5, 10, 1, 7, 24, 2]), Ok(vec![7]));
    assert_eq!(digits(&[34, 3, 10, 1, 7]), Ok(vec![2, 0xbc]));
    assert!(
        digits(&[34, 5, 10, 1, 7, 24, 3]).unwrap_err().contains("scale 3 does not fit the field's scale 2")
    );
}

#[test]
fn small_integers_come_in_every_form_of_32_bits() {
    let small = |of: &str| {
        format!("[(confluent.field_meta) = {{ params: [{{ key: \"connect.type\", value: \"{of}\" }}] }}]")
    };
    let body = format!(
        "import \"confluent/meta.proto\"; message M {{ int32 a = 1 {0}; sint32 b = 2 {0}; sfixed32 c = 3 {0};\
         repeated sint32 d = 4 {1}; repeated sfixed32 e = 5 {1}; optional sint32 f = 6 {1}; }}",
        small("int8"),
        small("int16")
    );
    let minus_two = [0xfe, 0xff, 0xff, 0xff];
    let mut bytes = vec![8, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 16, 3, 29];
    bytes.extend_from_slice(&minus_two);
    bytes.extend_from_slice(&[34, 3, 3, 0xd0, 0x0f, 42, 8]);
    bytes.extend_from_slice(&minus_two);
    bytes.extend_from_slice(&[0xe8, 3, 0, 0, 48, 1]);
    let all = "Struct{a=-2,b=-2,c=-2,d=[-2, 1000],e=[-2, 1000],f=-1}";
    check(
        &body,
        &[
            (&bytes, all),
            (&[16, 0xff, 1], "Struct{a=0,b=-128,c=0,d=[],e=[]}"),
            (&[16, 0x80, 2], "protobuf: field b: 128 does not fit its type"),
            (&[29, 0x7f, 0xff, 0xff, 0xff], "protobuf: field c: -129 does not fit its type"),
            (&[24, 1], "protobuf: field c: its bytes are of another type than the schema's"),
        ],
    );
    let message = message(&body);
    let given = message.to_connect(Options::default()).unwrap();
    let (mut flat, mut written) = (Vec::new(), Vec::new());
    Decoder::new(&message, Options::default()).read(&bytes, &mut flat).unwrap();
    let encoder = Encoder::new(&message, Options::default(), &given).unwrap();
    encoder.write(Value::parse(&flat).unwrap(), &mut written).unwrap();
    assert_eq!(written, bytes);
}

#[test]
fn wrappers_are_plain_values_where_the_settings_say_so() {
    let options = Options { wraps_nullables: true, ..Options::default() };
    let message = message(WELL_KNOWN);
    assert_eq!(shown(&message, options, &[42, 2, 8, 7]).unwrap(), "Struct{count=7,small=0}");
    assert_eq!(shown(&message, options, &[42, 0]).unwrap(), "Struct{count=0,small=0}");
    assert_eq!(shown(&message, options, &[]).unwrap(), "Struct{small=0}");
    let schema = message.to_connect(options).unwrap().text();
    assert!(schema.contains(r#"{"type":"int32","optional":true,"parameters":{"io.confluent.connect.protobuf.Tag":"5"},"field":"count"}"#), "{schema}");
    assert!(schema.contains(r#"{"type":"int8","optional":false,"parameters":{"io.confluent.connect.protobuf.Tag":"6"},"field":"small"}"#), "{schema}");
}

#[test]
fn the_last_of_several_counts() {
    let body = "message M { int32 a = 1; repeated int32 list = 2; map<string, int32> map = 3;\
                oneof u { int32 x = 4; In y = 5; } In in = 6; optional int32 o = 7; message In { int32 p = 1; int32 q = 2; } }";
    check(
        body,
        &[
            (&[], "Struct{a=0,list=[],map={}}"),
            (&[8, 1, 8, 2], "Struct{a=2,list=[],map={}}"),
            (&[10, 2, 5, 6], "Struct{a=6,list=[],map={}}"),
            (&[16, 1, 8, 3, 18, 2, 2, 3, 16, 4], "Struct{a=3,list=[1, 2, 3, 4],map={}}"),
            (&[26, 5, 10, 1, b'k', 16, 1, 26, 5, 10, 1, b'k', 16, 2], "Struct{a=0,list=[],map={k=2}}"),
            (&[26, 0], "Struct{a=0,list=[],map={=0}}"),
            (&[32, 9, 42, 2, 8, 1, 42, 2, 16, 2], "Struct{u_0=Struct{y=Struct{p=1,q=2}},a=0,list=[],map={}}"),
            (&[42, 2, 8, 1, 32, 0, 42, 2, 16, 2], "Struct{u_0=Struct{y=Struct{p=0,q=2}},a=0,list=[],map={}}"),
            (&[50, 2, 8, 1, 8, 5, 50, 2, 16, 2], "Struct{a=5,list=[],map={},in=Struct{p=1,q=2}}"),
            (&[56, 0], "Struct{a=0,list=[],map={},o=0}"),
        ],
    );
}

#[test]
fn what_does_not_fit_says_where() {
    let body = "message M { string s = 1; In in = 2; message In { bool b = 1; M more = 2; } }";
    check(
        body,
        &[
            (&[10, 5, 1], "protobuf: the value is cut off, or its numbers are too long"),
            (
                &[10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
                "protobuf: the value is cut off, or its numbers are too long",
            ),
            (&[10, 1, 0xff], "protobuf: field s: a string that is not UTF-8"),
            (&[8, 1], "protobuf: field s: its bytes are of another type than the schema's"),
            (&[16, 1], "protobuf: field in: expected a message, got a number"),
            (&[18, 3, 10, 1, 1], "Struct{s=,in=Struct{b=true}}"),
            (&[18, 2, 13, 1], "protobuf: field in: the value is cut off, or its numbers are too long"),
            (&[0, 1], "protobuf: a field has the number 0"),
            (&[14, 1], "protobuf: a field has a wire type that does not exist"),
            (&[12], "protobuf: a group ends that never began"),
            (&[35, 43, 36], "protobuf: a group ends that never began"),
        ],
    );
    let mut deep = Vec::new();
    for _ in 0..200 {
        let mut outer = vec![18];
        crate::varint::put(deep.len() as u64, &mut outer);
        outer.append(&mut deep);
        deep = outer;
    }
    let message = message(body);
    assert!(shown(&message, Options::default(), &deep).unwrap_err().contains("nests deeper than 128"));
    assert!(shown(&message, Options::default(), &[35; 10_000]).unwrap_err().contains("groups nest too deep"));
    assert_eq!(message.to_connect(Options::default()), None, "a message that contains itself");
    let many = [10, 0].repeat((1 << 22) + 1);
    assert!(shown(&message, Options::default(), &many).unwrap_err().contains("more than 4194304 fields"));
}

#[test]
fn the_older_syntax_has_groups_defaults_and_required_fields() {
    let text = "syntax = \"proto2\"; message M { required int32 id = 1; optional string name = 2 [default = \"x\"]; optional int32 n = 3; repeated group G = 4 { optional int32 a = 1; } }";
    let message = Schema::parse(text, &[]).unwrap().message(&[0]).unwrap();
    let read = |bytes: &[u8]| shown(&message, Options::default(), bytes).unwrap_or_else(|error| error);
    assert_eq!(read(&[8, 1]), "Struct{id=1,name=x,g=[]}");
    assert_eq!(read(&[8, 1, 35, 8, 5, 36, 35, 36]), "Struct{id=1,name=x,g=[Struct{a=5}, Struct{}]}");
    assert_eq!(read(&[24, 1]), "protobuf: field id: it is required, and is not there");
}

#[test]
fn messages_map_as_confluents_converter_maps_them() {
    let message = message(
        "message M { uint32 a = 1; E e = 2; repeated string tags = 3; map<string, int64> counts_by_name = 4;\
         oneof choice { bytes x = 5; } optional double o = 6; enum E { ZERO = 0; ONE = 1; } }",
    );
    let tag = |number: u32| format!(r#""io.confluent.connect.protobuf.Tag":"{number}""#);
    let expected = format!(
        concat!(
            r#"{{"type":"struct","fields":["#,
            r#"{{"type":"struct","fields":[{{"type":"bytes","optional":true,"parameters":{{{}}},"field":"x"}}],"optional":true,"name":"io.confluent.connect.protobuf.Union.choice","field":"choice_0"}},"#,
            r#"{{"type":"int64","optional":true,"parameters":{{{}}},"field":"a"}},"#,
            r#"{{"type":"string","optional":true,"name":"E","parameters":{{"io.confluent.connect.protobuf.Enum":"E","io.confluent.connect.protobuf.Enum.ZERO":"0","io.confluent.connect.protobuf.Enum.ONE":"1",{}}},"field":"e"}},"#,
            r#"{{"type":"array","items":{{"type":"string","optional":true}},"optional":true,"parameters":{{{}}},"field":"tags"}},"#,
            r#"{{"type":"map","keys":{{"type":"string","optional":true,"parameters":{{{}}}}},"values":{{"type":"int64","optional":true,"parameters":{{{}}}}},"optional":true,"name":"counts_by_name","parameters":{{{}}},"field":"counts_by_name"}},"#,
            r#"{{"type":"double","optional":true,"parameters":{{{}}},"field":"o"}}],"optional":false,"name":"M"}}"#
        ),
        tag(5),
        tag(1),
        tag(2),
        tag(3),
        tag(1),
        tag(2),
        tag(4),
        tag(6)
    );
    assert_eq!(message.to_connect(Options::default()).unwrap().text(), expected);
    let enhanced =
        message.to_connect(Options { is_enhanced: true, numbers_unions: false, ..Options::default() });
    let text = enhanced.unwrap().text();
    assert!(text.ends_with(r#""name":"shop.M"}"#) && text.contains(r#""field":"choice"}"#), "{text}");
    assert!(text.contains(r#""io.confluent.connect.protobuf.Enum":"shop.M.E""#), "{text}");
    let marked = message.to_connect(Options { marks_nullables: true, ..Options::default() }).unwrap().text();
    assert!(
        marked.contains(r#"{"type":"int64","optional":false,"#)
            && marked.contains(r#"{"type":"double","optional":true,"#),
        "{marked}"
    );
}

#[test]
fn imports_come_from_references_by_their_names() {
    let reference = |name: &str, text: &str| Reference { name: name.to_owned(), text: text.to_owned() };
    let references = [
        reference("c.proto", "syntax = \"proto3\"; package c; message C { int32 n = 1; }"),
        reference(
            "dir/b.proto",
            "syntax = \"proto3\"; package b; import \"c.proto\"; message B { c.C c = 1; }",
        ),
    ];
    let text = "syntax = \"proto3\"; import \"dir/b.proto\"; message Other {} message A { b.B b = 1; message In { int32 z = 1; } }";
    let schema = Schema::parse(text, &references).unwrap();
    let read = |indexes: &[usize], bytes: &[u8]| {
        shown(&schema.message(indexes).unwrap(), Options::default(), bytes).unwrap()
    };
    assert_eq!(read(&[1], &[10, 4, 10, 2, 8, 5]), "Struct{b=Struct{c=Struct{n=5}}}");
    assert_eq!(read(&[1, 0], &[8, 5]), "Struct{z=5}");
    assert_eq!(schema.indexes("A.In"), [1, 0]);
    assert_eq!(schema.indexes("Nowhere"), [0]);
    for indexes in [&[2][..], &[1, 1], &[]] {
        assert!(schema.message(indexes).is_err(), "{indexes:?}");
    }
    let missing = Schema::parse(text, &references[1..]).unwrap_err();
    assert!(missing.message().contains("c.proto"), "{missing}");
    let round = [reference("x.proto", "syntax = \"proto3\"; import \"x.proto\";")];
    assert!(Schema::parse("syntax = \"proto3\"; import \"x.proto\";", &round).is_err());
}

#[test]
fn a_compiled_schema_in_base64_is_read_as_well() {
    let file = prost_reflect::prost_types::FileDescriptorProto {
        name: Some("own.proto".to_owned()),
        syntax: Some("proto3".to_owned()),
        message_type: vec![prost_reflect::prost_types::DescriptorProto {
            name: Some("M".to_owned()),
            ..Default::default()
        }],
        ..Default::default()
    };
    let text = crate::base64::text(&prost_reflect::prost::Message::encode_to_vec(&file));
    assert_eq!(Schema::parse(&text, &[]).unwrap().message(&[0]).unwrap().full_name(), "M");
}

#[test]
fn what_is_no_schema_is_refused_in_a_sentence() {
    for text in
        ["message", "message M { int32 a = 0; }", "message M { Unknown a = 1; }", &"message M {".repeat(1000)]
    {
        let error = Schema::parse(text, &[]).unwrap_err();
        assert!(error.message().contains("Protobuf schema"), "{error}");
    }
}

fn written(connect: &str, options: Options) -> Result<String, String> {
    let schema = connect::Schema::parse(connect).unwrap();
    let written = from_connect(&schema, options).map_err(|error| error.to_string())?;
    Schema::parse(&written.text, &[]).unwrap_or_else(|error| panic!("{}\n{error}", written.text));
    Ok(written.text)
}

const ORDER: &str = r#"{"type":"struct","name":"shop.eu.Order","fields":[
  {"field":"id","type":"int64","optional":false},
  {"field":"note","type":"string","optional":true},
  {"field":"price","type":"bytes","name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2","connect.decimal.precision":"9"}},
  {"field":"at","type":"int64","name":"org.apache.kafka.connect.data.Timestamp","version":1},
  {"field":"tags","type":"array","items":{"type":"string"}},
  {"field":"to","type":"struct","name":"Address","fields":[{"field":"city","type":"string"}]},
  {"field":"old","type":"struct","name":"Address","fields":[{"field":"zip","type":"int16","parameters":{"io.confluent.connect.protobuf.Tag":"7"}}]},
  {"field":"by","type":"map","keys":{"type":"int32"},"values":{"type":"boolean"}}]}"#;

#[test]
fn a_schema_is_written_as_people_write_it() {
    assert_eq!(
        written(ORDER, Options::default()).unwrap(),
        r#"syntax = "proto3";
package shop.eu;

import "confluent/meta.proto";
import "confluent/type/decimal.proto";
import "google/protobuf/timestamp.proto";

message Order {
  int64 id = 1;
  string note = 2;
  .confluent.type.Decimal price = 3 [(confluent.field_meta) = { params: [{ key: "precision", value: "9" }, { key: "scale", value: "2" }] }];
  .google.protobuf.Timestamp at = 4;
  repeated string tags = 5;
  Address to = 6;
  Address2 old = 7;
  map<int32, bool> by = 8;
  message Address {
    string city = 1;
  }
  message Address2 {
    int32 zip = 7 [(confluent.field_meta) = { params: [{ key: "connect.type", value: "int16" }] }];
  }
}
"#
    );
    let marked = written(ORDER, Options { marks_nullables: true, ..Options::default() }).unwrap();
    assert!(marked.contains("  optional string note = 2;"), "{marked}");
    let wrapped = written(ORDER, Options { wraps_nullables: true, ..Options::default() }).unwrap();
    assert!(wrapped.contains("  .google.protobuf.StringValue note = 2;"), "{wrapped}");
}

#[test]
fn what_protobuf_cannot_say_is_refused_in_a_sentence() {
    let field = |field: &str| format!(r#"{{"type":"struct","name":"S","fields":[{field}]}}"#);
    for (schema, part) in [
        (field(r#"{"field":"a b","type":"int32"}"#), "scrub.invalid.names"),
        (
            field(r#"{"field":"a","type":"array","items":{"type":"array","items":{"type":"int32"}}}"#),
            "field a: a list or map of values of type array",
        ),
        (
            field(r#"{"field":"a","type":"map","keys":{"type":"double"},"values":{"type":"int32"}}"#),
            "keys of type double",
        ),
        (r#"{"type":"array","items":{"type":"int32"}}"#.to_owned(), "on its own"),
    ] {
        let error = written(&schema, Options::default()).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
    let scrubs = Options { scrubs_names: true, ..Options::default() };
    let text = written(
        &field(r#"{"field":"a b","type":"int32"},{"field":"ä","type":"int32"},{"field":"1","type":"int32"}"#),
        scrubs,
    )
    .unwrap();
    assert!(
        text.contains(" a_b = 1;") && text.contains(" x_C3_A4 = 2;") && text.contains(" x1 = 3;"),
        "{text}"
    );
}

fn round(connect: &str, options: Options, write: impl FnOnce(&mut Writer<'_>)) -> Result<String, String> {
    let given = connect::Schema::parse(connect).unwrap();
    let text = from_connect(&given, options).map_err(|error| error.to_string())?;
    let schema = Schema::parse(&text.text, &[]).unwrap();
    let message = schema.message(&schema.indexes(&text.message)).unwrap();
    let (mut flat, mut bytes) = (Vec::new(), Vec::new());
    write(&mut Writer::new(&mut flat));
    let encoder = Encoder::new(&message, options, &given).map_err(|error| error.to_string())?;
    encoder.write(Value::parse(&flat).unwrap(), &mut bytes).map_err(|error| error.to_string())?;
    shown(&message, options, &bytes)
}

#[test]
fn plain_values_are_written_in_wrappers() {
    let options = Options::default();
    assert_eq!(round(r#"{"type":"string"}"#, options, |w| w.text("a")).unwrap(), "a");
    assert_eq!(round(r#"{"type":"string"}"#, options, |w| w.text("")).unwrap(), "");
    assert_eq!(round(r#"{"type":"int8"}"#, options, |w| w.int8(-3)).unwrap(), "-3");
    assert_eq!(round(r#"{"type":"double"}"#, options, |w| w.float64(0.5)).unwrap(), "0.5");
    let error = round(r#"{"type":"string"}"#, options, |w| w.int8(1)).unwrap_err();
    assert_eq!(error, "expected string, got a value of type int8");
}

#[test]
fn names_that_were_scrubbed_and_unions_that_moved_keep_their_values() {
    let schema = r#"{"type":"struct","fields":[{"field":"a b","type":"int32"},
        {"field":"choice_3","type":"struct","name":"io.confluent.connect.protobuf.Union.choice","optional":true,"fields":[
            {"field":"x","type":"int32","optional":true},{"field":"y","type":"string","optional":true}]}]}"#;
    let read = round(schema, Options { scrubs_names: true, ..Options::default() }, |w| {
        w.structure(|w| {
            w.name("a b");
            w.int32(7);
            w.name("choice_3");
            w.structure(|w| {
                w.name("x");
                w.null();
                w.name("y");
                w.text("Y");
                2
            });
            2
        });
    });
    assert_eq!(read.unwrap(), "Struct{choice_0=Struct{y=Y},a_b=7}");
}

#[test]
fn what_does_not_fit_a_message_is_refused_and_leaves_nothing() {
    let message = message("message M { uint32 a = 1; repeated int32 list = 2; E e = 3; enum E { Z = 0; } }");
    let given = message.to_connect(Options::default()).unwrap();
    let encoder = Encoder::new(&message, Options::default(), &given).unwrap();
    let refused = |name: &str, write: &dyn Fn(&mut Writer<'_>)| {
        let (mut flat, mut out) = (Vec::new(), vec![9]);
        Writer::new(&mut flat).structure(|w| {
            w.name(name);
            write(w);
            1
        });
        let error = encoder.write(Value::parse(&flat).unwrap(), &mut out).unwrap_err();
        assert_eq!(out, [9]);
        error.to_string()
    };
    assert_eq!(refused("a", &|w| w.int64(-1)), "field a: -1 does not fit its type");
    assert_eq!(refused("a", &|w| w.text("x")), "field a: expected integer, got a value of type string");
    assert_eq!(
        refused("list", &|w| w.array(|w| {
            w.null();
            1
        })),
        "field list: expected integer, got a value of type null"
    );
    assert_eq!(refused("e", &|w| w.text("Q")), "field e: \"Q\" is no symbol of E");
    let mut other = given.clone();
    let connect::Shape::Struct(fields) = &mut other.shape else { panic!("a struct") };
    fields[0].1 = connect::Schema::decimal(2);
    assert!(Encoder::new(&message, Options::default(), &other).is_ok(), "only decimals have scales");
}
