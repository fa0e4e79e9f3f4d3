//! What records become, what refused ones leave behind, and what is said of them.
use proptest::prelude::*;

use super::rows::BLOCK_ROWS_MAX;
use super::*;
use crate::values::Zones;

fn column(name: &str, type_text: &str, has_default: bool) -> Column {
    Column { name: name.into(), type_text: type_text.into(), has_default }
}

fn decoder(columns: &[Column]) -> Decoder {
    Decoder::new(columns, &Zones::utc(), false)
}

fn bytes(decoder: &mut Decoder) -> Vec<u8> {
    decoder.insert().pieces.concat()
}

fn refused(columns: &[Column], value: &str, expected: &str) {
    let error = decoder(columns).append(value.as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[test]
fn fields_come_in_any_order_and_unknown_ones_are_stepped_over() {
    let columns = [column("a", "UInt8", false), column("b", "String", false)];
    let mut decoder = decoder(&columns);
    for record in [
        r#"{"a":1,"b":"x"}"#,
        r#"{"b":"y","c":[{"a":9}],"a":2}"#,
        r#" { "a" : 3 } "#,
        r#"{"\u0061":4,"b":null}"#,
    ] {
        assert_eq!(decoder.append(record.as_bytes()), Ok(Appended::Row), "{record}");
    }
    let insert = decoder.insert();
    assert_eq!(insert.columns, ["a", "b"]);
    assert_eq!(
        insert.pieces.concat(),
        b"\x02\x04\x01a\x05UInt8\x01\x02\x03\x04\x01b\x06String\x01x\x01y\x00\x00"
    );
}

#[test]
fn of_a_field_that_comes_twice_the_last_value_counts() {
    let columns = [column("a", "UInt8", false), column("b", "Array(String)", false)];
    let mut twice = decoder(&columns);
    twice.append(br#"{"a":1,"b":["x"],"a":2,"b":["y","z"]}"#).unwrap();
    twice.append(br#"{"a":1,"a":null,"b":["w"]}"#).unwrap();
    let mut once = decoder(&columns);
    once.append(br#"{"a":2,"b":["y","z"]}"#).unwrap();
    once.append(br#"{"b":["w"]}"#).unwrap();
    assert_eq!(bytes(&mut twice), bytes(&mut once));
}

#[test]
fn rows_without_a_value_take_the_default_by_null_or_by_absence() {
    let columns = [column("a", "UInt8", false), column("d", "Int8", true)];
    let mut mixed = decoder(&columns);
    mixed.append(br#"{"a":1}"#).unwrap();
    mixed.append(br#"{"a":2,"d":5}"#).unwrap();
    assert_eq!(bytes(&mut mixed), b"\x02\x02\x01a\x05UInt8\x01\x02\x01d\x0eNullable(Int8)\x01\x00\x00\x05");
    let mut never = decoder(&columns);
    never.append(br#"{"a":1}"#).unwrap();
    assert_eq!(never.insert().columns, ["a"]);
    let mut always = decoder(&columns);
    always.append(br#"{"d":5,"a":2}"#).unwrap();
    assert_eq!(bytes(&mut always), b"\x02\x01\x01a\x05UInt8\x02\x01d\x04Int8\x05");
}

#[test]
fn a_default_that_null_cannot_stand_for_cuts_the_batch_into_blocks() {
    let columns = [column("a", "UInt8", false), column("l", "Array(UInt8)", true)];
    let mut decoder = decoder(&columns);
    for record in ["{\"a\":1}", "{\"a\":2}", "{\"a\":3,\"l\":[7]}", "{\"a\":4}"] {
        decoder.append(record.as_bytes()).unwrap();
    }
    let expected = [
        &b"\x01\x02\x01a\x05UInt8\x01\x02"[..],
        b"\x02\x01\x01a\x05UInt8\x03\x01l\x0cArray(UInt8)\x01\0\0\0\0\0\0\0\x07",
        b"\x01\x01\x01a\x05UInt8\x04",
    ];
    assert_eq!(bytes(&mut decoder), expected.concat());
}

#[test]
fn records_without_any_known_field_are_rows_of_defaults() {
    let columns = [column("a", "UInt8", false)];
    let mut decoder = decoder(&columns);
    decoder.append(b"{}").unwrap();
    decoder.append(br#"{"x":1}"#).unwrap();
    let insert = decoder.insert();
    assert_eq!(insert.columns, ["a"]);
    assert_eq!(insert.pieces.concat(), b"\x01\x02\x12penstock_no_column\x05UInt8\x00\x00");
}

#[test]
fn a_long_batch_becomes_blocks_of_bounded_length() {
    let columns = [column("a", "UInt8", false), column("b", "UInt8", false)];
    let mut decoder = decoder(&columns);
    for _ in 0..BLOCK_ROWS_MAX {
        decoder.append(br#"{"a":1}"#).unwrap();
    }
    decoder.append(br#"{"a":2,"b":3}"#).unwrap();
    let sent = bytes(&mut decoder);
    assert!(
        sent.ends_with(b"\x02\x01\x01a\x05UInt8\x02\x01b\x05UInt8\x03"),
        "the second block holds one row"
    );
    assert!(sent.len() > 2 * BLOCK_ROWS_MAX, "the first block holds the rest");
    decoder.clear();
    decoder.append(br#"{"a":9}"#).unwrap();
    assert_eq!(bytes(&mut decoder), b"\x01\x01\x01a\x05UInt8\x09");
}

#[test]
fn an_envelope_is_opened() {
    let mut decoder = Decoder::new(&[column("a", "UInt8", false)], &Zones::utc(), true);
    assert_eq!(decoder.append(br#"{"schema":{"type":"struct"},"payload":{"a":1}}"#), Ok(Appended::Row));
    assert_eq!(decoder.append(br#"{"payload":{"a":2},"schema":null}"#), Ok(Appended::Row));
    assert_eq!(decoder.append(br#"{"schema":null,"payload":null}"#), Ok(Appended::Tombstone));
    assert_eq!(decoder.append(b"null"), Ok(Appended::Tombstone));
    assert!(decoder.append(br#"{"a":1}"#).unwrap_err().to_string().contains("payload"));
    assert_eq!(bytes(&mut decoder), b"\x01\x02\x01a\x05UInt8\x01\x02");
}

#[test]
fn a_refusal_names_field_value_and_column() {
    let columns = [
        column("price", "Decimal(10, 2)", false),
        column("tags", "Array(LowCardinality(String))", false),
        column("odd", "IntervalDay", false),
        column("any", "Variant(Int8, UUID)", false),
    ];
    let long = format!(r#"{{"price":"{}"}}"#, "é".repeat(100));
    refused(
        &columns,
        r#"{"price":"abc"}"#,
        "field price: string \"abc\" does not fit column price Decimal(10, 2)",
    );
    refused(
        &columns,
        &long,
        &format!("field price: string \"{}… does not fit column price Decimal(10, 2)", "é".repeat(62)),
    );
    refused(
        &columns,
        r#"{"tags":{"a":1}}"#,
        "field tags: object {\"a\":1} does not fit column tags Array(LowCardinality(String))",
    );
    refused(
        &columns,
        r#"{"odd":1}"#,
        "field odd: number 1 cannot be inserted, because column odd IntervalDay has a type that this sink does not \
         write: keep the number in an Int64 column and make the interval in queries",
    );
    refused(
        &columns,
        r#"{"any":{"x":2}}"#,
        "field any: object {\"x\":2} does not fit column any Variant(Int8, UUID)",
    );
    refused(
        &columns,
        r#"{"price":1"#,
        "the value is not JSON: expected \",\" or the closing bracket at byte 10",
    );
    refused(&columns, r#"{"price":}"#, "field price: the value is not JSON: expected a value at byte 9");
    refused(&columns, r"{} {}", "the value is not JSON: expected the end at byte 3");
    refused(&columns, "[1]", "array [1] is no JSON object, so it has no fields to insert");
    let deep = format!(r#"{{"x":{}"#, "[".repeat(500));
    refused(&columns, &deep, "arrays and objects are nested deeper than 128");
    let error = decoder(&columns).append(b"{\"price\":\"\xff\"}").unwrap_err();
    assert_eq!(error.to_string(), "the value is not UTF-8 at byte 10");
}

#[test]
fn a_column_of_an_unknown_type_takes_null_and_absence() {
    let mut decoder =
        decoder(&[column("odd", "AggregateFunction(sum, UInt64)", true), column("a", "UInt8", false)]);
    decoder.append(br#"{"a":1,"odd":null}"#).unwrap();
    decoder.append(br#"{"a":2}"#).unwrap();
    assert_eq!(decoder.insert().columns, ["a"]);
}

/// Columns of every family, with and without defaults.
fn wide_table() -> Vec<Column> {
    [
        ("a", "UInt8", true),
        ("b", "String", false),
        ("c", "Array(Nullable(Int16))", true),
        ("d", "Map(String, Array(String))", false),
        ("e", "Tuple(x Decimal(9, 3), y String)", true),
        ("f", "Nullable(DateTime64(3))", true),
        ("g", "Float64", false),
        ("x", "Dynamic", false),
        ("y", "Array(Variant(Array(Int16), Float64, LowCardinality(String), Map(String, Dynamic)))", true),
    ]
    .map(|(name, ty, has_default)| column(name, ty, has_default))
    .into()
}

fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<i16>().prop_map(|number| number.to_string()),
        any::<f64>()
            .prop_filter("JSON has no such number", |number| number.is_finite())
            .prop_map(|number| format!("{number:e}")),
        ".{0,6}".prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec(("[a-gxy]", inner), 0..6).prop_map(|fields| {
                let fields: Vec<_> =
                    fields.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_panic(value in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = decoder(&wide_table()).append(&value);
    }

    #[test]
    fn no_broken_json_panics(value in any_json(), cut in any::<prop::sample::Index>(), junk in any::<u8>()) {
        let mut bytes = value.into_bytes();
        let at = cut.index(bytes.len());
        bytes[at] = junk;
        let mut decoder = decoder(&wide_table());
        let _ = decoder.append(&bytes);
        bytes.truncate(at);
        let _ = decoder.append(&bytes);
        let _ = decoder.insert();
    }

    /// Refused records leave no trace: the rest of the batch is sent as if they had never come.
    #[test]
    fn good_rows_are_sent_as_if_the_bad_ones_had_never_come(values in prop::collection::vec(any_json(), 0..20)) {
        let mut all = decoder(&wide_table());
        let good: Vec<_> = values.iter().filter(|value| all.append(value.as_bytes()) == Ok(Appended::Row)).collect();
        let mut only = decoder(&wide_table());
        for value in good {
            prop_assert_eq!(only.append(value.as_bytes()), Ok(Appended::Row));
        }
        prop_assert_eq!(all.rows(), only.rows());
        prop_assert_eq!(bytes(&mut all), bytes(&mut only));
    }
}
