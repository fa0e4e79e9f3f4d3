//! Generated schemas and values, written by the other writer: they become what their JSON becomes, and no bytes are
//! too strange.
use apache_avro::types::Value;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::tests::body;
use crate::binary::fake::{Fake, framed};
use crate::decoder::{Appended, Decoder, trial};
use crate::shape::Shape;

/// A type of Avro with a value, the type of a column for it, and what JSON says instead.
#[derive(Clone, Debug)]
struct Sample {
    schema: Json,
    value: Value,
    column: String,
    json: String,
}

#[allow(clippy::needless_pass_by_value, reason = "samples are written as literals")]
fn sample(schema: Json, value: Value, column: &str, json: impl std::fmt::Display) -> Sample {
    Sample { schema, value, column: column.to_owned(), json: json.to_string() }
}

fn leaf() -> BoxedStrategy<Sample> {
    let text = "[a-zA-Z\"\\\\\n é]{0,9}";
    prop_oneof![
        any::<bool>().prop_map(|v| sample(json!("boolean"), Value::Boolean(v), "Bool", v)),
        any::<i32>().prop_map(|v| sample(json!("int"), Value::Int(v), "Int32", v)),
        any::<i32>().prop_map(|v| sample(json!("int"), Value::Int(v), "String", format!("\"{v}\""))),
        any::<i64>().prop_map(|v| sample(json!("long"), Value::Long(v), "Int64", v)),
        any::<i64>().prop_map(|v| sample(json!("long"), Value::Long(v), "Int256", v)),
        any::<i64>().prop_map(|v| sample(json!("long"), Value::Long(v), "Decimal(38, 5)", v)),
        any::<i64>().prop_map(|v| sample(json!("long"), Value::Long(v), "Float64", v)),
        any::<f64>().prop_filter("JSON has none", |v| v.is_finite()).prop_map(|v| sample(
            json!("double"),
            Value::Double(v),
            "Float64",
            format!("{v:?}")
        )),
        any::<f32>().prop_filter("JSON has none", |v| v.is_finite()).prop_map(|v| sample(
            json!("float"),
            Value::Float(v),
            "Float32",
            format!("{v:?}")
        )),
        text.prop_map(|v| {
            let json = serde_json::to_string(&v).unwrap();
            sample(json!("string"), Value::String(v), "String", json)
        }),
        text.prop_map(|v| {
            let json = serde_json::to_string(&v).unwrap();
            sample(json!("bytes"), Value::Bytes(v.into_bytes()), "FixedString(30)", json)
        }),
        any::<u16>().prop_map(|v| sample(
            json!({"type": "int", "logicalType": "date"}),
            Value::Date(i32::from(v)),
            "Date",
            v
        )),
        (0..100_000_000_000_i64).prop_map(|v| sample(
            json!({"type": "long", "logicalType": "timestamp-millis"}),
            Value::TimestampMillis(v),
            "DateTime64(3)",
            format!("{}.{:03}", v / 1000, v % 1000)
        )),
        (any::<i64>(), 0_u32..9).prop_map(|(v, scale)| {
            let schema = json!({"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": scale});
            let value = Value::Decimal(v.to_be_bytes().to_vec().into());
            sample(schema, value, "Decimal(40, 9)", format!("\"{v}e-{scale}\""))
        }),
        any::<u128>().prop_map(|v| {
            let schema = json!({"type": "fixed", "name": "NAME", "size": 16});
            let value = Value::Fixed(16, v.to_be_bytes().to_vec());
            sample(schema, value, "UUID", format!("\"{v:032x}\""))
        }),
        (0_u32..2).prop_map(|v| {
            let (schema, name) =
                (json!({"type": "enum", "name": "NAME", "symbols": ["A", "B"]}), ["A", "B"][v as usize]);
            sample(schema, Value::Enum(v, name.into()), "Enum8('B' = -3, 'A' = 7)", format!("\"{name}\""))
        }),
    ]
    .boxed()
}

fn any_sample() -> impl Strategy<Value = Sample> {
    leaf().prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            (inner.clone(), 0_usize..4).prop_map(|(item, count)| sample(
                json!({"type": "array", "items": item.schema}),
                Value::Array(vec![item.value; count]),
                &format!("Array({})", item.column),
                format!("[{}]", vec![item.json; count].join(","))
            )),
            (inner.clone(), "[a-z]{1,4}").prop_map(|(item, key)| {
                let json = format!("{{\"{key}\":{}}}", item.json);
                let column = format!("Map(String, {})", item.column);
                sample(
                    json!({"type": "map", "values": item.schema}),
                    Value::Map([(key, item.value)].into()),
                    &column,
                    json,
                )
            }),
            (leaf(), any::<bool>(), any::<bool>()).prop_map(|(item, is_null, is_first)| {
                let branches =
                    if is_first { json!(["null", item.schema]) } else { json!([item.schema, "null"]) };
                let place = u32::from(is_null != is_first);
                let value = if is_null { Value::Null } else { item.value };
                let json = if is_null { "null".to_owned() } else { item.json };
                sample(
                    branches,
                    Value::Union(place, Box::new(value)),
                    &format!("Nullable({})", item.column),
                    json,
                )
            }),
            prop::collection::vec((inner, any::<bool>()), 1..5).prop_map(|items| {
                let named =
                    items.iter().enumerate().map(|(at, (item, kept))| (format!("f{at}"), item, *kept));
                let fields: Vec<_> =
                    named.clone().map(|(name, item, _)| json!({"name": name, "type": item.schema})).collect();
                let values = named.clone().map(|(name, item, _)| (name, item.value.clone())).collect();
                // Some fields are not in the tuple, and one of the tuple is not in the record.
                let kept = named.clone().filter(|(.., kept)| *kept);
                let elements: Vec<_> =
                    kept.map(|(name, item, _)| format!("{name} {}, ", item.column)).rev().collect();
                let json: Vec<_> = named.map(|(name, item, _)| format!("\"{name}\":{}", item.json)).collect();
                let schema = json!({"type": "record", "name": "NAME", "fields": fields});
                let column = format!("Tuple({}other Array(UInt8))", elements.concat());
                sample(schema, Value::Record(values), &column, format!("{{{}}}", json.join(",")))
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

/// A record with one field `v` of this type.
fn row(schema: &Json) -> String {
    let mut schema = json!({"type": "record", "name": "Row", "fields": [{"name": "v", "type": schema}]});
    named(&mut schema, &mut 0);
    schema.to_string()
}

fn decoder(column: &str, is_avro: bool) -> Decoder {
    let schemas = is_avro.then(|| Fake::shared().schemas(""));
    trial::decoder(&[("v", column)], &Shape { schemas, ..Shape::default() })
}

fn sent(decoder: &mut Decoder) -> Vec<u8> {
    decoder.insert().pieces.concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_value_becomes_what_its_json_becomes(sample in any_sample(), cut in any::<prop::sample::Index>()) {
        let text = row(&sample.schema);
        let body = body(&text, Value::Record(vec![("v".into(), sample.value)]));
        let id = Fake::shared().register(&text);
        let (mut ours, mut json) = (decoder(&sample.column, true), decoder(&sample.column, false));
        let record = format!("{{\"v\":{}}}", sample.json);
        for _ in 0..2 {
            prop_assert_eq!(ours.append(&framed(id, &body)), Ok(Appended::Row), "{} in {}", text, sample.column);
            json.append(record.as_bytes()).unwrap();
            if !body.is_empty() {
                // What is cut off leaves nothing behind.
                ours.append(&framed(id, &body[..cut.index(body.len())])).unwrap_err();
            }
        }
        prop_assert_eq!(sent(&mut ours), sent(&mut json), "{} in {}: {}", text, sample.column, record);
    }

    #[test]
    fn any_bytes_are_read_or_refused(
        sample in any_sample(),
        other in any_sample(),
        bytes in prop::collection::vec(any::<u8>(), 0..60),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let text = row(&sample.schema);
        let mut body = body(&text, Value::Record(vec![("v".into(), sample.value)]));
        for (at, byte) in flips.iter().filter(|_| !body.is_empty()).map(|(at, byte)| (at.index(body.len()), *byte)).collect::<Vec<_>>() {
            body[at] = byte;
        }
        let id = Fake::shared().register(&text);
        for column in [&*sample.column, &other.column, "String", "Dynamic", "JSON"] {
            let mut ours = decoder(column, true);
            let mut rows = 0;
            for body in [&bytes, &body] {
                rows += usize::from(ours.append(&framed(id, body)).is_ok());
                let _ = ours.append(body);
            }
            prop_assert!(ours.rows() >= rows);
            let _ = sent(&mut ours);
        }
    }
}
