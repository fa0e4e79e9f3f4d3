//! Known schemas, values and texts, and generated ones there and back.

use super::{Decoder, Encoder, Options, Schema, from_connect};
use crate::connect;
use crate::registry::Reference;
use penstock_sdk::flat::{Value, Writer};
use proptest::prelude::*;

fn parsed(schema: &str) -> Schema {
    Schema::parse(schema, &[], Options::default()).unwrap_or_else(|error| panic!("{schema}: {error}"))
}

fn shown(schema: &Schema, text: &str) -> String {
    let mut flat = vec![9];
    match Decoder::new(schema).read(text.as_bytes(), &mut flat) {
        Ok(()) => Value::parse(&flat[1..]).unwrap().to_string(),
        Err(error) => {
            assert_eq!(flat, [9]);
            error.to_string()
        }
    }
}

#[track_caller]
fn check(schema: &str, cases: &[(&str, &str)]) {
    let schema = parsed(schema);
    for (text, expected) in cases {
        assert_eq!(shown(&schema, text), *expected, "{text}");
    }
}

#[test]
fn types_map_as_confluents_converter_maps_them() {
    for (json, connect) in [
        (r#"{"type":"integer"}"#, r#"{"type":"int64","optional":false}"#),
        (r#"{"type":"number"}"#, r#"{"type":"double","optional":false}"#),
        (r#"{"type":"integer","connect.type":"int8"}"#, r#"{"type":"int8","optional":false}"#),
        (r#"{"type":"number","connect.type":"float32"}"#, r#"{"type":"float","optional":false}"#),
        (r#"{"type":"string","connect.type":"bytes"}"#, r#"{"type":"bytes","optional":false}"#),
        (r#"{"oneOf":[{"type":"null"},{"type":"string"}]}"#, r#"{"type":"string","optional":true}"#),
        (
            r#"{"type":["boolean","null"],"default":true}"#,
            r#"{"type":"boolean","optional":true,"default":true}"#,
        ),
        (
            r#"{"type":"number","connect.type":"bytes","title":"org.apache.kafka.connect.data.Decimal","connect.version":1,"connect.parameters":{"scale":"2"}}"#,
            r#"{"type":"bytes","optional":false,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"}}"#,
        ),
        (
            r#"{"type":"string","enum":["A","B"]}"#,
            r#"{"type":"string","optional":false,"parameters":{"io.confluent.connect.json.Enum":"","io.confluent.connect.json.Enum.A":"A","io.confluent.connect.json.Enum.B":"B"}}"#,
        ),
        (
            r#"{"type":"object","connect.type":"map","additionalProperties":{"type":"integer"}}"#,
            r#"{"type":"map","keys":{"type":"string","optional":false},"values":{"type":"int64","optional":false},"optional":false}"#,
        ),
        (
            r#"{"type":"object","title":"P","description":"about","properties":{"b":{"type":"string","connect.index":1},"a":{"type":"integer","connect.index":0}}}"#,
            r#"{"type":"struct","fields":[{"type":"int64","optional":false,"field":"a"},{"type":"string","optional":false,"field":"b"}],"optional":false,"name":"P","doc":"about"}"#,
        ),
        (
            r#"{"oneOf":[{"type":"null"},{"type":"integer"},{"type":"string"}]}"#,
            r#"{"type":"struct","fields":[{"type":"int64","optional":true,"field":"io.confluent.connect.json.OneOf.field.0"},{"type":"string","optional":true,"field":"io.confluent.connect.json.OneOf.field.1"}],"optional":true,"name":"io.confluent.connect.json.OneOf"}"#,
        ),
    ] {
        assert_eq!(parsed(json).to_connect().unwrap().text(), connect, "{json}");
    }
    let optional = Options { needs_only_required: true, ..Options::default() };
    let text =
        r#"{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"required":["b"]}"#;
    let schema = Schema::parse(text, &[], optional).unwrap();
    assert_eq!(shown(&schema, r#"{"b":"x"}"#), "Struct{b=x}");
    assert_eq!(
        shown(&schema, "{}"),
        "json: field b: it is not there: if the schema does not require it, set use.optional.for.nonrequired=true"
    );
}

#[test]
fn values_are_read_as_their_schema_says() {
    check(
        r#"{"type":"object","properties":{
            "i":{"type":"integer","connect.type":"int8","default":3},
            "d":{"type":"number","connect.type":"bytes","title":"org.apache.kafka.connect.data.Decimal","connect.parameters":{"scale":"1"},"default":0},
            "u":{"oneOf":[{"type":"integer"},{"type":"object","properties":{"x":{"type":"boolean"}}}],"default":1},
            "e":{"oneOf":[{"type":"null"},{"enum":["A"]}]}}}"#,
        &[
            (
                r#"{"e":"A","i":-1,"u":{"x":true},"more":[1]}"#,
                "Struct{i=-1,d=\0,u=Struct{io.confluent.connect.json.OneOf.field.1=Struct{x=true}},e=A}",
            ),
            (
                r#"{"i":1,"i":2.0,"d":6.5}"#,
                "Struct{i=2,d=A,u=Struct{io.confluent.connect.json.OneOf.field.0=1}}",
            ),
            (r#"{"d":"QQ=="}"#, "Struct{i=3,d=A,u=Struct{io.confluent.connect.json.OneOf.field.0=1}}"),
            (r#"{"d":6.55}"#, "json: field d: expected a decimal of scale 1, got a number"),
            (r#"{"i":128}"#, "json: field i: expected an integer of 8 bits, got a number"),
            (r#"{"i":"1"}"#, "json: field i: expected an integer of 8 bits, got a string"),
            (r#"{"e":"B"}"#, "json: field e: \"B\" is none of the 1 values of its enum"),
            (r#"{"u":true}"#, "json: field u: none of 2 types of a choice takes a boolean"),
            ("[]", "json: expected an object, got an array"),
            ("null", "json: null, where the schema has no null"),
            ("{", "json: EOF while parsing an object at line 1 column 1"),
        ],
    );
    check(
        r#"{"type":"array","connect.type":"map","items":{"type":"object","properties":{"key":{"type":"integer"},"value":{"type":"string"}}}}"#,
        &[(r#"[{"key":1,"value":"a"},{"value":"b","key":2}]"#, "{1=a, 2=b}")],
    );
    let many = (0..40).map(|place| format!("\"p{place}\":{place}")).collect::<Vec<_>>().join(",");
    check(
        r#"{"type":"object","properties":{"p7":{"type":"integer"},"p1":{"type":"integer"}}}"#,
        &[(&format!("{{{many},\"p1\":99}}"), "Struct{p7=7,p1=99}")],
    );
    check(r#"{"type":"object"}"#, &[(r#"{"a":[1,2.5,{"b":null}]}"#, "{a=[1, 2.5, {b=null}]}")]);
}

#[test]
fn references_lead_to_definitions_documents_and_back_to_themselves() {
    let reference = |name: &str, text: &str| Reference { name: name.to_owned(), text: text.to_owned() };
    let references = [
        reference(
            "city.json",
            r##"{"$id":"http://x/city.json","definitions":{"name":{"type":"string"}},"type":"object","properties":{"name":{"$ref":"#/definitions/name"}}}"##,
        ),
        reference("http://x/address.json", r#"{"type":"object","properties":{"city":{"$ref":"city.json"}}}"#),
    ];
    let text = r##"{"type":"object","properties":{"to":{"$ref":"http://x/address.json"},"zip":{"$ref":"#/definitions/z%7E1p"},"city":{"allOf":[{"$ref":"http://x/city.json"},{"properties":{"size":{"type":"integer"}}}]}},
        "definitions":{"z/p":{"$anchor":"z","type":["integer","null"]}}}"##;
    let schema = Schema::parse(text, &references, Options::default()).unwrap();
    assert_eq!(
        shown(&schema, r#"{"to":{"city":{"name":"Oslo"}},"zip":1,"city":{"size":5,"name":"Bern"}}"#),
        "Struct{to=Struct{city=Struct{name=Oslo}},zip=1,city=Struct{name=Bern,size=5}}"
    );
    let list = r##"{"type":"object","properties":{"next":{"oneOf":[{"type":"null"},{"$ref":"#"}]}}}"##;
    let list = parsed(list);
    assert_eq!(list.to_connect(), None, "a type that contains itself");
    assert_eq!(shown(&list, r#"{"next":{"next":null}}"#), "Struct{next=Struct{}}");
    for (text, part) in [
        (r##"{"$ref":"#/definitions/none"}"##, "leads nowhere"),
        (r#"{"$ref":"other.json"}"#, "leads nowhere"),
        (r##"{"$ref":"#"}"##, "nests deeper"),
        (r##"{"allOf":[{"$ref":"#"}]}"##, "too much"),
        ("{", "JSON schema: EOF"),
    ] {
        let error = Schema::parse(text, &[], Options::default()).unwrap_err();
        assert!(error.message().contains(part), "{text}: {error}");
    }
    let mut text =
        r#"{"definitions":{"a0":{"type":"object","properties":{"x":{"type":"string"}}}"#.to_owned();
    for level in 1..40 {
        let level = format!(
            r##","a{level}":{{"allOf":[{{"$ref":"#/definitions/a{0}"}},{{"$ref":"#/definitions/a{0}"}}]}}"##,
            level - 1
        );
        text += &level;
    }
    text += r##"},"$ref":"#/definitions/a39"}"##;
    assert!(Schema::parse(&text, &[], Options::default()).is_err(), "two to the power of forty");
}

#[test]
fn a_choice_in_a_choice_is_not_tried_without_end() {
    // Each level has two types that look alike from outside, and the innermost value is neither's.
    let schema = parsed(
        r##"{"oneOf":[{"$ref":"#/definitions/a"},{"$ref":"#/definitions/b"}],"definitions":{
            "a":{"type":"object","properties":{"n":{"$ref":"#"},"v":{"oneOf":[{"type":"null"},{"type":"string"}]}}},
            "b":{"type":"object","properties":{"n":{"$ref":"#"},"v":{"oneOf":[{"type":"null"},{"type":"boolean"}]}}}}}"##,
    );
    let nested = |levels: usize| format!("{}7{}", "{\"v\":null,\"n\":".repeat(levels), "}".repeat(levels));
    assert!(shown(&schema, &nested(3)).contains("none of 2 types of a choice takes an object"));
    let error = shown(&schema, &nested(60));
    assert!(error.contains("gives up trying types of oneOf"), "{error}");
    // What grows with the value alone is within the bound.
    let list = parsed(
        r#"{"type":"array","items":{"oneOf":[
            {"type":"object","title":"A","properties":{"x":{"type":"integer"}}},
            {"type":"object","title":"B","properties":{"x":{"type":"number"}}},
            {"type":"object","title":"C","properties":{"x":{"type":"string"}}}]}}"#,
    );
    let many = format!("[{}{{\"x\":1}}]", r#"{"x":"a"},"#.repeat(100_000));
    assert!(shown(&list, &many).starts_with("[Struct{io.confluent.connect.json.OneOf.field.2=Struct{x=a}}"));
}

#[test]
fn a_schema_with_many_names_is_looked_through_once() {
    let count = 20_000;
    let field = |n: usize| format!(r##""f{n}":{{"$ref":"#n{n}"}}"##);
    let named = |n: usize| format!(r#""d{n}":{{"$anchor":"n{n}","type":"integer"}}"#);
    let (fields, named): (Vec<_>, Vec<_>) = (0..count).map(|n| (field(n), named(n))).unzip();
    let text = format!(
        r#"{{"type":"object","properties":{{{}}},"definitions":{{{}}}}}"#,
        fields.join(","),
        named.join(",")
    );
    let optional = Options { needs_only_required: true, ..Options::default() };
    let schema = Schema::parse(&text, &[], optional).unwrap();
    assert!(shown(&schema, r#"{"f19999":7}"#).contains("f19999=7"));
}

const ORDER: &str = r#"{"type":"struct","name":"shop.Order","fields":[
  {"field":"id","type":"int64"},
  {"field":"note","type":"string","optional":true},
  {"field":"price","type":"bytes","name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"}},
  {"field":"by","type":"map","keys":{"type":"int32"},"values":{"type":"boolean"}},
  {"field":"raw","type":"bytes","optional":true},
  {"field":"part","type":"float","default":0.5}]}"#;

#[test]
fn a_schema_is_written_as_confluents_converter_writes_it() {
    let schema = connect::Schema::parse(ORDER).unwrap();
    assert_eq!(
        from_connect(&schema, Options::default()).to_string(),
        concat!(
            r#"{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"#,
            r#""id":{"type":"integer","connect.type":"int64","connect.index":0},"#,
            r#""note":{"oneOf":[{"type":"null"},{"type":"string"}],"connect.index":1},"#,
            r#""price":{"type":"number","connect.type":"bytes","title":"org.apache.kafka.connect.data.Decimal","connect.version":1,"connect.parameters":{"scale":"2"},"connect.index":2},"#,
            r#""by":{"type":"array","connect.type":"map","items":{"type":"object","properties":{"key":{"type":"integer","connect.type":"int32","connect.index":0},"value":{"type":"boolean","connect.index":1}}},"connect.index":3},"#,
            r#""raw":{"oneOf":[{"type":"null"},{"type":"string","connect.type":"bytes"}],"connect.index":4},"#,
            r#""part":{"type":"number","connect.type":"float32","default":0.5,"connect.index":5}},"title":"shop.Order"}"#
        )
    );
    let closed = from_connect(&schema, Options { closes_objects: true, ..Options::default() });
    assert_eq!(closed["additionalProperties"], false);
    let again = Schema::parse(&closed.to_string(), &[], Options::default()).unwrap();
    assert_eq!(again.to_connect(), Some(schema));
    assert_eq!(again.title(), Some("shop.Order"));
}

fn order() -> Vec<u8> {
    let mut flat = Vec::new();
    Writer::new(&mut flat).structure(|w| {
        w.name("id");
        w.int64(i64::MIN);
        w.name("by");
        w.map(|w| {
            w.int32(1);
            w.boolean(true);
            w.int32(2);
            w.boolean(false);
            2
        });
        w.name("note");
        w.text("a\"b");
        w.name("price");
        w.bytes(&[0xff]);
        w.name("raw");
        w.null();
        5
    });
    flat
}

#[test]
fn values_are_written_as_their_schema_says() {
    let schema = connect::Schema::parse(ORDER).unwrap();
    let write = |options: Options, flat: &[u8]| {
        let mut out = vec![9];
        match Encoder::new(&schema, options).write(Value::parse(flat).unwrap(), &mut out) {
            Ok(()) => String::from_utf8(out[1..].to_vec()).unwrap(),
            Err(error) => {
                assert_eq!(out, [9]);
                error.to_string()
            }
        }
    };
    let plain = r#"{"id":-9223372036854775808,"note":"a\"b","price":"/w==","by":[{"key":1,"value":true},{"key":2,"value":false}],"raw":null,"part":0.5}"#;
    assert_eq!(write(Options::default(), &order()), plain);
    let numeric = Options { writes_numbers: true, ..Options::default() };
    assert!(write(numeric, &order()).contains(r#""price":-0.01,"#));
    let mut flat = Vec::new();
    Writer::new(&mut flat).structure(|_| 0);
    assert_eq!(write(Options::default(), &flat), "field id: null, where the schema has no null");
    flat.clear();
    Writer::new(&mut flat).text("x");
    assert_eq!(write(Options::default(), &flat), "expected struct, got a value of type string");
    for options in [Options::default(), numeric] {
        let json = Schema::parse(&from_connect(&schema, options).to_string(), &[], options).unwrap();
        assert_eq!(
            shown(&json, &write(options, &order())),
            "Struct{id=-9223372036854775808,note=a\"b,price=\u{fffd},by={1=true, 2=false},part=0.5}"
        );
    }
}

/// One of Connect's schemas, and a value of it.
fn any_sample() -> impl Strategy<Value = (connect::Schema, Vec<u8>)> {
    use connect::{Schema, Shape};
    fn flat(write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
        let mut flat = Vec::new();
        write(&mut Writer::new(&mut flat));
        flat
    }
    let leaf = prop_oneof![
        any::<bool>().prop_map(|v| (Schema::new(Shape::Boolean), flat(|w| w.boolean(v)))),
        any::<i8>().prop_map(|v| (Schema::new(Shape::Int8), flat(|w| w.int8(v)))),
        any::<i16>().prop_map(|v| (Schema::new(Shape::Int16), flat(|w| w.int16(v)))),
        any::<i32>().prop_map(|v| (Schema::logical(Shape::Int32, connect::DATE), flat(|w| w.int32(v)))),
        any::<i64>().prop_map(|v| (Schema::new(Shape::Int64), flat(|w| w.int64(v)))),
        any::<f32>()
            .prop_filter("finite", |v| v.is_finite())
            .prop_map(|v| (Schema::new(Shape::Float32), flat(|w| w.float32(v)))),
        any::<f64>()
            .prop_filter("finite", |v| v.is_finite())
            .prop_map(|v| (Schema::new(Shape::Float64), flat(|w| w.float64(v)))),
        any::<String>().prop_map(|v| (Schema::new(Shape::Text), flat(|w| w.text(&v)))),
        any::<Vec<u8>>().prop_map(|v| (Schema::new(Shape::Bytes), flat(|w| w.bytes(&v)))),
        any::<i64>().prop_map(|v| (Schema::decimal(3), flat(|w| w.bytes(&crate::decimal::digits(v.into()))))),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        let list = |(schema, value): (Schema, Vec<u8>)| {
            let mut out = flat(|w| w.array(|_| 0));
            out.extend_from_slice(&value);
            let length = (out.len() - 5) as u32;
            out[1..5].copy_from_slice(&length.to_le_bytes());
            out[5..9].copy_from_slice(&1_u32.to_le_bytes());
            (Schema::new(Shape::Array(Box::new(schema))), out)
        };
        prop_oneof![
            inner.clone().prop_map(list),
            inner.clone().prop_map(|(schema, value)| (schema.optional(), value)),
            inner.clone().prop_map(|(schema, _)| (schema.optional(), vec![penstock_sdk::flat::NULL])),
            prop::collection::vec((any::<String>(), inner), 0..5).prop_map(|fields| {
                let mut out = Vec::new();
                let open = Writer::new(&mut out).begin(penstock_sdk::flat::STRUCT);
                let mut schemas: Vec<(String, Schema)> = Vec::new();
                for (place, (name, (schema, value))) in fields.into_iter().enumerate() {
                    let name = format!("{place}{name}");
                    Writer::new(&mut out).name(&name);
                    out.extend_from_slice(&value);
                    schemas.push((name, schema));
                }
                // An object without properties is a map.
                Writer::new(&mut out).name("last");
                Writer::new(&mut out).boolean(true);
                schemas.push(("last".to_owned(), Schema::new(Shape::Boolean)));
                Writer::new(&mut out).end(&open, schemas.len() as u32);
                (Schema::new(Shape::Struct(schemas)).named("S"), out)
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(384))]

    #[test]
    fn what_is_written_is_read((connect, flat) in any_sample(), writes_numbers in any::<bool>()) {
        let options = Options { writes_numbers, ..Options::default() };
        let text = from_connect(&connect, options).to_string();
        let schema = Schema::parse(&text, &[], options).unwrap();
        prop_assert_eq!(schema.to_connect(), Some(connect.clone()), "{}", text);
        let (mut json, mut again) = (Vec::new(), Vec::new());
        Encoder::new(&connect, options).write(Value::parse(&flat).unwrap(), &mut json).unwrap();
        Decoder::new(&schema).read(&json, &mut again).unwrap();
        prop_assert_eq!(again, flat, "{}", String::from_utf8_lossy(&json));
    }

    #[test]
    fn any_text_is_read_or_refused((connect, _) in any_sample(), text in "([\\[\\]{}\":,]|null|true|\"a\"|\"last\"|1|-2.5e3|9{20}| )*") {
        let schema = Schema::parse(&from_connect(&connect, Options::default()).to_string(), &[], Options::default()).unwrap();
        let mut flat = vec![9];
        if Decoder::new(&schema).read(text.as_bytes(), &mut flat).is_ok() {
            Value::parse(&flat[1..]).unwrap();
        } else {
            prop_assert_eq!(flat, vec![9]);
        }
    }

    #[test]
    fn any_schema_is_taken_or_refused(text in "\\{(\"(type|oneOf|allOf|properties|items|\\$ref|enum|required|connect.type)\":(\"#\"|\"object\"|\"map\"|\\[\\{\"type\":\"null\"\\},\\{\\}\\]|\\{\"a\":\\{\\}\\}|1),){0,4}\"x\":1\\}") {
        if let Ok(schema) = Schema::parse(&text, &[], Options::default()) {
            let _ = schema.to_connect();
            let _ = Decoder::new(&schema).read(b"{\"a\":[1]}", &mut Vec::new());
        }
    }
}
