//! Generated schemas and values against apache-avro: what it writes is read here, and what is written here it reads.

use super::{Decoder, Encoder, Schema};
use apache_avro::types::Value as Theirs;
use penstock_sdk::flat::{Value as Ours, Writer};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// A type as Avro's JSON, and a value of it.
#[derive(Debug, Clone)]
struct Sample {
    schema: Json,
    value: Theirs,
}

fn sample(schema: Json, value: Theirs) -> Sample {
    Sample { schema, value }
}

fn leaf() -> BoxedStrategy<Sample> {
    prop_oneof![
        Just(sample(json!("null"), Theirs::Null)),
        any::<bool>().prop_map(|v| sample(json!("boolean"), Theirs::Boolean(v))),
        any::<i32>().prop_map(|v| sample(json!("int"), Theirs::Int(v))),
        any::<i64>().prop_map(|v| sample(json!("long"), Theirs::Long(v))),
        any::<f32>().prop_map(|v| sample(json!("float"), Theirs::Float(v))),
        any::<f64>().prop_map(|v| sample(json!("double"), Theirs::Double(v))),
        any::<Vec<u8>>().prop_map(|v| sample(json!("bytes"), Theirs::Bytes(v))),
        any::<String>().prop_map(|v| sample(json!("string"), Theirs::String(v))),
        any::<i32>().prop_map(|v| sample(json!({"type": "int", "logicalType": "date"}), Theirs::Date(v))),
        any::<i64>().prop_map(|v| sample(
            json!({"type": "long", "logicalType": "timestamp-millis"}),
            Theirs::TimestampMillis(v)
        )),
        any::<i64>().prop_map(|v| sample(
            json!({"type": "long", "logicalType": "time-micros"}),
            Theirs::TimeMicros(v)
        )),
        any::<[u8; 5]>().prop_map(|v| sample(
            json!({"type": "fixed", "name": "NAME", "size": 5}),
            Theirs::Fixed(5, v.to_vec())
        )),
        (0_u32..3).prop_map(|v| sample(
            json!({"type": "enum", "name": "NAME", "symbols": ["A", "B", "C"]}),
            Theirs::Enum(v, ["A", "B", "C"][v as usize].into())
        )),
    ]
    .boxed()
}

fn any_sample() -> impl Strategy<Value = Sample> {
    leaf().prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            (inner.clone(), 0_usize..4).prop_map(|(item, count)| sample(
                json!({"type": "array", "items": item.schema}),
                Theirs::Array(vec![item.value; count])
            )),
            (inner.clone(), any::<String>()).prop_map(|(item, key)| sample(
                json!({"type": "map", "values": item.schema}),
                Theirs::Map([(key, item.value)].into())
            )),
            (inner.clone(), any::<bool>(), any::<bool>())
                .prop_filter("no union in a union, no null twice", |(item, ..)| {
                    !item.schema.is_array() && item.schema != "null"
                })
                .prop_map(|(item, is_null, is_first)| {
                    let branches =
                        if is_first { json!(["null", item.schema]) } else { json!([item.schema, "null"]) };
                    let place = u32::from(is_null != is_first);
                    let value = if is_null { Theirs::Null } else { item.value };
                    sample(branches, Theirs::Union(place, Box::new(value)))
                }),
            prop::collection::vec(inner, 0..5).prop_map(|items| {
                let fields: Vec<_> = items
                    .iter()
                    .enumerate()
                    .map(|(i, item)| json!({"name": format!("f{i}"), "type": item.schema}))
                    .collect();
                let values =
                    items.into_iter().enumerate().map(|(i, item)| (format!("f{i}"), item.value)).collect();
                sample(json!({"type": "record", "name": "NAME", "fields": fields}), Theirs::Record(values))
            }),
        ]
    })
}

/// Gives each named type a name of its own.
fn named(json: &mut Json, next: &mut usize) {
    match json {
        Json::Object(object) => {
            if let Some(name) = object.get_mut("name").filter(|name| *name == "NAME") {
                *name = format!("N{next}").into();
                *next += 1;
            }
            object.values_mut().for_each(|inner| named(inner, next));
        }
        Json::Array(list) => list.iter_mut().for_each(|inner| named(inner, next)),
        _ => {}
    }
}

/// Whether a value of ours is what theirs is.
fn same(ours: Ours<'_>, theirs: &Theirs) -> bool {
    match (ours, theirs) {
        (ours, Theirs::Union(_, inner)) => same(ours, inner),
        (Ours::Null, Theirs::Null) => true,
        (Ours::Boolean(a), Theirs::Boolean(b)) => a == *b,
        (Ours::Int32(a), Theirs::Int(b) | Theirs::Date(b)) => a == *b,
        (Ours::Int64(a), Theirs::Long(b) | Theirs::TimestampMillis(b) | Theirs::TimeMicros(b)) => a == *b,
        (Ours::Float32(a), Theirs::Float(b)) => a.to_bits() == b.to_bits(),
        (Ours::Float64(a), Theirs::Double(b)) => a.to_bits() == b.to_bits(),
        (Ours::Bytes(a), Theirs::Bytes(b) | Theirs::Fixed(_, b)) => a == b,
        (Ours::Text(a), Theirs::String(b) | Theirs::Enum(_, b)) => a == b,
        (Ours::Array(a), Theirs::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a.unwrap(), b))
        }
        (Ours::Map(a), Theirs::Map(b)) => {
            a.len() == b.len()
                && a.iter().all(|entry| {
                    let (Ours::Text(key), value) = entry.unwrap() else { return false };
                    b.get(key).is_some_and(|theirs| same(value, theirs))
                })
        }
        (Ours::Struct(a), Theirs::Record(b)) => {
            a.len() == b.len()
                && a.iter().zip(b).all(|(a, (name, value))| a.unwrap().0 == name && same(a.unwrap().1, value))
        }
        _ => false,
    }
}

/// Their bytes of a value.
fn theirs_of(schema: &apache_avro::Schema, value: Theirs) -> Vec<u8> {
    let writer = apache_avro::writer::datum::GenericDatumWriter::builder(schema).build().unwrap();
    writer.write_value_to_vec(value).unwrap()
}

fn checked(sample: Sample) -> Option<(String, Schema, apache_avro::Schema, Theirs)> {
    let mut json = sample.schema;
    named(&mut json, &mut 0);
    let text = json.to_string();
    let theirs = apache_avro::Schema::parse_str(&text).ok()?;
    let ours = Schema::parse(&text, &[]).unwrap_or_else(|error| panic!("{text}: {error}"));
    Some((text, ours, theirs, sample.value))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn values_cross_in_both_directions(sample in any_sample()) {
        let Some((text, ours, theirs, value)) = checked(sample) else { panic!("a schema that they refuse") };
        let bytes = theirs_of(&theirs, value.clone());
        let mut flat = Vec::new();
        Decoder::new(&ours, false).read(&bytes, &mut flat).unwrap();
        prop_assert!(same(Ours::parse(&flat).unwrap(), &value), "{text}: {} is not {value:?}", Ours::parse(&flat).unwrap());
        let mut again = Vec::new();
        Encoder::new(&ours, false).write(Ours::parse(&flat).unwrap(), &mut again).unwrap();
        prop_assert_eq!(&again, &bytes, "{}", text);
    }

    #[test]
    fn canonical_forms_agree(sample in any_sample()) {
        let Some((text, ours, theirs, _)) = checked(sample) else { panic!("a schema that they refuse") };
        // Theirs keeps the long form of a plain type that had a logical one, against Avro's first rule.
        prop_assume!(!text.contains("logicalType"));
        prop_assert_eq!(ours.canonical(), theirs.canonical_form());
        let print = theirs.fingerprint::<apache_avro::rabin::Rabin>();
        prop_assert_eq!(ours.fingerprint().to_le_bytes().to_vec(), print.bytes);
    }

    #[test]
    fn any_bytes_are_read_or_refused(sample in any_sample(), bytes in any::<Vec<u8>>()) {
        let Some((_, ours, ..)) = checked(sample) else { panic!("a schema that they refuse") };
        let mut flat = vec![9];
        if Decoder::new(&ours, false).read(&bytes, &mut flat).is_ok() {
            Ours::parse(&flat[1..]).unwrap();
        } else {
            prop_assert_eq!(flat, vec![9]);
        }
    }

    #[test]
    fn any_text_is_a_schema_or_refused(text in any::<String>()) {
        let _ = Schema::parse(&text, &[]);
    }

    /// Connect's schema made of Avro's, and Avro's made of that, reads the same bytes.
    #[test]
    fn connects_schemas_lead_back_to_avros(sample in any_sample()) {
        let Some((text, ours, theirs, value)) = checked(sample) else { panic!("a schema that they refuse") };
        prop_assume!(!text.contains("\"null\"") || text.contains("[\"null\"") || text.contains(",\"null\"]"));
        let bytes = theirs_of(&theirs, value);
        let connect = ours.to_connect(true).unwrap();
        let parsed = crate::connect::Schema::parse(&connect.text()).unwrap();
        prop_assert_eq!(&parsed, &connect);
        let options = super::Options { is_enhanced: true, keeps_metadata: true };
        let back = super::from_connect(&connect, options).unwrap().to_string();
        apache_avro::Schema::parse_str(&back).unwrap_or_else(|error| panic!("{back}: {error}"));
        let back = Schema::parse(&back, &[]).unwrap();
        let (mut flat, mut written, mut again) = (Vec::new(), Vec::new(), Vec::new());
        Decoder::new(&ours, true).read(&bytes, &mut flat).unwrap();
        // A null alone is an optional string in Connect, so the bytes may differ while the value does not.
        Encoder::new(&back, true).write(Ours::parse(&flat).unwrap(), &mut written).unwrap();
        Decoder::new(&back, true).read(&written, &mut again).unwrap();
        prop_assert_eq!(again, flat);
    }
}

fn read(schema: &str, bytes: &[u8]) -> Result<String, String> {
    let schema = Schema::parse(schema, &[]).unwrap();
    let mut flat = Vec::new();
    Decoder::new(&schema, false).read(bytes, &mut flat).map_err(|error| error.to_string())?;
    Ok(Ours::parse(&flat).unwrap().to_string())
}

#[test]
fn unions_maps_and_decimals_become_what_connect_has_for_them() {
    let entries = r#"{"type":"array","items":{"type":"record","name":"MapEntry","namespace":"io.confluent.connect.avro","fields":[{"name":"key","type":"int"},{"name":"value","type":"string"}]}}"#;
    for (schema, bytes, shown) in [
        (r#"["null","int","string"]"#, &[2_u8, 4][..], "Struct{int=2}"),
        (r#"["null","int","string"]"#, &[0], "null"),
        (entries, &[2, 2, 2, b'a', 0], "{1=a}"),
        (entries, &[1, 6, 2, 2, b'a', 0], "{1=a}"),
        (r#"{"type":"int","connect.type":"int8"}"#, &[3], "-2"),
    ] {
        assert_eq!(read(schema, bytes).unwrap(), shown, "{schema}");
    }
    let decimal =
        Schema::parse(r#"{"type":"fixed","name":"D","size":4,"logicalType":"decimal","precision":9}"#, &[])
            .unwrap();
    let (mut flat, mut back) = (Vec::new(), Vec::new());
    Decoder::new(&decimal, false).read(&[0xff, 0xff, 0xff, 0x7f], &mut flat).unwrap();
    assert_eq!(Ours::parse(&flat), Ok(Ours::Bytes(&[0xff, 0x7f])));
    Encoder::new(&decimal, false).write(Ours::Bytes(&[0xff, 0x7f]), &mut back).unwrap();
    assert_eq!(back, [0xff, 0xff, 0xff, 0x7f]);
}

#[test]
fn what_does_not_fit_says_where() {
    let record = r#"{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"record","name":"S","fields":[{"name":"b","type":"boolean"}]}}]}"#;
    for (schema, bytes, error) in [
        (record, &[7_u8][..], "avro at byte 1: field a: field b: a boolean is 0 or 1, got [7]"),
        (record, &[], "avro at byte 0: field a: field b: the value is cut off, or its numbers are too long"),
        (record, &[1, 1], "avro at byte 1: bytes are left over"),
        (r#"["null","int"]"#, &[4], "avro at byte 1: branch 2 of a union of 2"),
        (
            r#"{"type":"array","items":"null"}"#,
            &[0xfe, 0xff, 0xff, 0xff, 0x0f],
            "avro at byte 5: more than 1048576 items without bytes",
        ),
        (r#"{"type":"int","connect.type":"int8"}"#, &[0x80, 2], "avro at byte 2: 128 does not fit its type"),
    ] {
        assert_eq!(read(schema, bytes).unwrap_err(), error);
    }
    let list = r#"{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}"#;
    assert!(read(list, &[2; 10_000]).unwrap_err().contains("nests deeper than 128"));
}

#[test]
fn a_field_that_is_not_there_takes_the_schemas_default() {
    let schema = r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":["null","string"]},{"name":"c","type":"string","default":"x"}]}"#;
    let schema = Schema::parse(schema, &[]).unwrap();
    let mut flat = Vec::new();
    Writer::new(&mut flat).structure(|w| {
        w.name("extra");
        w.null();
        w.name("a");
        w.int16(5);
        2
    });
    let mut bytes = Vec::new();
    Encoder::new(&schema, false).write(Ours::parse(&flat).unwrap(), &mut bytes).unwrap();
    assert_eq!(bytes, [10, 0, 2, b'x']);
    let error = Encoder::new(&schema, false).write(Ours::Text("x"), &mut bytes).unwrap_err();
    assert_eq!(error.message(), "expected record, got a value of type string");
    assert_eq!(bytes.len(), 4);
}

#[test]
fn a_logical_type_is_no_part_of_the_canonical_form() {
    for text in [r#""int""#, r#"{"type":"int","logicalType":"date"}"#] {
        let schema = Schema::parse(text, &[]).unwrap();
        // The fingerprint is the one that Avro's own tables give for "int".
        assert_eq!(
            (schema.canonical().as_str(), schema.fingerprint()),
            ("\"int\"", 0x7275_d51a_3f39_5c8f),
            "{text}"
        );
    }
}
