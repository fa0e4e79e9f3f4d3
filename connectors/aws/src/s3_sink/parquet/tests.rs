//! Files that are written here are read by the crate's own reader of records, and hold what was put in.
use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field as Read, Row};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::s3_sink::cell::Cell;
use crate::s3_sink::settings::Compression;

fn fields(kind: Kind) -> Vec<Field> {
    let Kind::Struct(fields) = kind else { panic!("records are objects") };
    fields
}

fn written(kind: Kind, values: &[Json], compression: Compression) -> Vec<u8> {
    let mut file = File::new(fields(kind), compression).unwrap();
    let mut bytes = Vec::new();
    for value in values {
        file.push(&[], Cell::Json(value)).unwrap();
        bytes.append(file.out());
    }
    bytes.extend(file.finish().unwrap());
    bytes
}

fn rows(bytes: Vec<u8>) -> Vec<Row> {
    let reader = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
    reader.get_row_iter(None).unwrap().map(Result::unwrap).collect()
}

fn inferred(values: &[Json]) -> Kind {
    let (mut kind, mut room) = (Kind::Unknown, FIELDS_MAX);
    for value in values {
        kind.absorb(Cell::Json(value), &mut room).unwrap();
    }
    kind.settled()
}

/// As JSON, with a null for whatever has no value.
fn shown(field: &Read, kind: &Kind) -> Json {
    match (field, kind) {
        (Read::Null, _) => Json::Null,
        (Read::Str(text), Kind::Json) => serde_json::from_str(text).unwrap(),
        (Read::Bytes(bytes), Kind::Json) => serde_json::from_slice(bytes.data()).unwrap(),
        (Read::Group(row), Kind::Struct(fields)) => row_shown(row, fields),
        (Read::ListInternal(list), Kind::List(kind)) => {
            list.elements().iter().map(|item| shown(item, kind)).collect()
        }
        (Read::MapInternal(map), Kind::Map(_, kind)) => {
            let pairs = map.entries().iter();
            Json::Object(pairs.map(|(key, value)| (text(key), shown(value, kind))).collect())
        }
        (Read::Double(number), _) => json!(number),
        (Read::Long(number), _) => json!(number),
        (Read::Bool(value), _) => json!(value),
        (Read::Str(text), _) => json!(text),
        (other, kind) => panic!("{other:?} as {kind:?}"),
    }
}

fn text(key: &Read) -> String {
    match key {
        Read::Str(text) => text.clone(),
        other => other.to_string(),
    }
}

fn row_shown(row: &Row, fields: &[Field]) -> Json {
    let columns = row.get_column_iter().zip(fields);
    Json::Object(columns.map(|((name, value), field)| (name.clone(), shown(value, &field.kind))).collect())
}

/// What a value is expected to be: each field of its kind, numbers as the column has them.
fn expected(value: &Json, kind: &Kind) -> Json {
    match (value, kind) {
        (Json::Null, _) => Json::Null,
        (value, Kind::Struct(fields)) => {
            let member = |field: &Field| {
                (field.name.clone(), expected(value.get(&field.name).unwrap_or(&Json::Null), &field.kind))
            };
            Json::Object(fields.iter().map(member).collect())
        }
        (Json::Array(items), Kind::List(kind)) => items.iter().map(|item| expected(item, kind)).collect(),
        (Json::Number(number), Kind::Float64) => json!(number.as_f64()),
        (value, _) => value.clone(),
    }
}

fn check(values: &[Json]) {
    let kind = inferred(values);
    for value in values {
        assert_eq!(fits(&kind, Cell::Json(value)), Ok(()), "{value} as {kind:?}");
    }
    let read = rows(written(kind.clone(), values, Compression::Zstd));
    let own = fields(kind.clone());
    let read: Vec<Json> = read.iter().map(|row| row_shown(row, &own)).collect();
    let wanted: Vec<Json> = values.iter().map(|value| expected(value, &kind)).collect();
    assert_eq!(read, wanted, "{kind:?}");
}

#[test]
fn nested_values_come_back_as_they_were() {
    check(&[json!({"a": 1, "b": "x"}), json!({"a": null}), json!({"b": "ü", "c": true})]);
    check(&[json!({"l": [1, null, 3]}), json!({"l": []}), json!({"l": null}), json!({"l": [null]})]);
    check(&[
        json!({"o": {"p": [{"q": [1, 2]}, {"q": []}, {}, null]}}),
        json!({"o": {"p": []}}),
        json!({"o": null}),
        json!({"o": {"p": [{"q": null}]}}),
    ]);
    check(&[json!({"m": 1}), json!({"m": "one"}), json!({"m": [{"x": 1}]})]);
    check(&[json!({"n": [[1], [], [2, 3]]}), json!({"n": [[]]})]);
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        (-1e9..1e9_f64).prop_map(|number| json!(number)),
        "[a-zü]{0,4}".prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::vec(("[a-d]", inner), 0..4)
                .prop_map(|fields| Json::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_was_put_in_comes_out(
        records in prop::collection::vec(prop::collection::vec(("[a-d]", any_json()), 1..4), 1..8)
    ) {
        let values: Vec<Json> =
            records.into_iter().map(|fields| Json::Object(fields.into_iter().collect())).collect();
        check(&values);
    }
}

#[test]
fn the_same_records_make_the_same_bytes() {
    let values: Vec<Json> = (0..2000).map(|number| json!({"n": number, "t": number.to_string()})).collect();
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd, Compression::Snappy] {
        let bytes = written(inferred(&values), &values, compression);
        assert!(bytes == written(inferred(&values), &values, compression), "{compression:?}");
        assert_eq!(rows(bytes).len(), 2000, "{compression:?}");
    }
}

#[test]
fn a_schema_decides_and_what_does_not_fit_is_told_with_its_place() {
    let kind = declared(
        r#"{"type":"struct","fields":[{"field":"id","type":"int32"},
        {"field":"at","type":"int64","name":"org.apache.kafka.connect.data.Timestamp"},
        {"field":"tags","type":"map","keys":{"type":"string"},"values":{"type":"int64"}}]}"#,
    )
    .unwrap();
    let fit = |value: &Json| fits(&kind, Cell::Json(value));
    let good = json!({"id": 1, "at": 1_767_225_600_000_i64, "tags": {"a": 1, "b": null}, "more": "left out"});
    assert_eq!(fit(&good), Ok(()));
    assert_eq!(fit(&json!({"id": "x"})), Err("id: expected a value of type Int32, got text".into()));
    assert!(fit(&json!({"id": 3_000_000_000_i64})).unwrap_err().starts_with("id: "));
    assert_eq!(
        fit(&json!({"tags": {"a": "x"}})),
        Err("tags: expected a value of type Int64, got text".into())
    );
    assert_eq!(fit(&json!([1])), Err("expected an object, got a list".into()));
    let read = rows(written(kind, &[good], Compression::Snappy));
    let told = read[0].to_string();
    assert_eq!(told, "{id: 1, at: 2026-01-01 00:00:00.000 +00:00, tags: {\"a\" -> 1, \"b\" -> null}}");
}

#[test]
fn decimals_keep_sign_and_scale() {
    let kind =
        Kind::Struct(vec![Field { name: "d".into(), kind: Kind::Decimal { scale: 2, precision: 38 } }]);
    let mut file = File::new(fields(kind.clone()), Compression::None).unwrap();
    for unscaled in [&[0x30, 0x39][..], &[0xff], &[0x00, 0x80], &[0x80; 16]] {
        let mut bytes = Vec::new();
        penstock_sdk::flat::Writer::new(&mut bytes).structure(|writer| {
            writer.name("d");
            writer.bytes(unscaled);
            1
        });
        let value = Cell::Flat(penstock_sdk::flat::Value::parse(&bytes).unwrap());
        assert_eq!(fits(&kind, value), Ok(()));
        file.push(&[], value).unwrap();
    }
    let read: Vec<String> = rows(file.finish().unwrap()).iter().map(ToString::to_string).collect();
    let largest = "{d: -1694739631331732739601904907601355406.08}";
    assert_eq!(read, ["{d: 123.45}", "{d: -0.01}", "{d: 1.28}", largest]);
}

#[test]
fn a_large_file_goes_out_in_row_groups_meanwhile() {
    let text = "x".repeat(10_000);
    let values = json!({ "t": text });
    let mut file = File::new(fields(inferred(std::slice::from_ref(&values))), Compression::None).unwrap();
    let mut bytes = Vec::new();
    for number in 0..10_000 {
        file.push(&[], Cell::Json(&json!({ "t": format!("{number}{text}") }))).unwrap();
        assert!(file.out().len() < 64 << 20);
        bytes.append(file.out());
    }
    bytes.extend(file.finish().unwrap());
    let reader = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
    assert!(reader.num_row_groups() > 2);
    assert_eq!(reader.metadata().file_metadata().num_rows(), 10_000);
}
