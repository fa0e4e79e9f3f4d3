//! Items and changes as they are, and as they are not.
use penstock_sdk::Config;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn reader(more: &[(&str, &str)]) -> Reader {
    let config: Config = more.iter().copied().collect();
    Reader::new(Shape::parse(&config).unwrap(), "Orders", &["id".into(), "no".into()])
}

fn item(more: &[(&str, &str)], item: &Value) -> String {
    let mut reader = reader(more);
    reader.item(json!({ "Item": item }).to_string().as_bytes(), "1").unwrap();
    reader.row().to_owned()
}

const META: &str = r#","_version":1,"_is_deleted":false}"#;

fn check(more: &[(&str, &str)], given: &Value, expected: &str) {
    let mut whole = json!({ "id": { "S": "a" }, "no": { "N": "7" } });
    whole.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
    assert_eq!(item(more, &whole), format!(r#"{{"id":"a","no":7{expected}{META}"#));
}

#[test]
fn every_type_has_its_form() {
    check(
        &[],
        &json!({
            "s": { "S": "q\"uote \\ \n \u{1} 🚚" },
            "n": { "N": "99999999999999999999999999999999999999" },
            "e": { "N": "1.0E-30" },
            "b": { "B": "AAEC/w==" },
            "t": { "BOOL": true },
            "z": { "NULL": true },
            "l": { "L": [{ "N": "1" }, { "L": [] }, { "M": { "x": { "S": "" } } }] },
            "m": { "M": { "a": { "M": {} }, "b": { "NULL": true } } },
            "ss": { "SS": ["x", "y"] },
            "ns": { "NS": ["1", "-2.5"] },
            "bs": { "BS": ["AQ=="] },
        }),
        concat!(
            r#","s":"q\"uote \\ \n \u0001 🚚","n":99999999999999999999999999999999999999,"e":1.0E-30,"b":"AAEC/w==","#,
            r#""t":true,"z":null,"l":[1,[],{"x":""}],"m":{"a":{},"b":null},"ss":["x","y"],"ns":[1,-2.5],"bs":["AQ=="]"#
        ),
    );
}

#[test]
fn maps_are_flattened_fields_renamed_and_numbers_made_text() {
    let given = json!({ "m": { "M": { "a": { "M": { "x": { "N": "1" } } }, "b": { "L": [{ "M": {} }] }, "e": { "M": {} } } }, "q": { "S": "" } });
    check(&[("dynamodb.flatten.separator", "_")], &given, r#","m_a_x":1,"m_b":[{}],"q":"""#);
    let more = [("dynamodb.flatten.separator", "."), ("dynamodb.columns", "m.a.x=deep,q=")];
    check(&more, &given, r#","deep":1,"m.b":[{}]"#);
    let more = [("dynamodb.columns", "m=k"), ("dynamodb.numbers", "text")];
    let expected = r#"{"id":"a","no":"7","k":{"x":"1","y":["2"]}"#.to_owned() + META;
    let given = json!({ "id": { "S": "a" }, "no": { "N": "7" }, "m": { "M": { "x": { "N": "1" }, "y": { "NS": ["2"] } } } });
    assert_eq!(item(&more, &given), expected);
}

#[test]
fn the_key_has_the_order_of_the_table() {
    let mut reader = reader(&[("dynamodb.columns", "no=number")]);
    reader.item(br#"{"Item":{"x":{"S":"1"},"no":{"N":"7"},"id":{"S":"\u00e4\n"}}}"#, "0").unwrap();
    assert_eq!(reader.key(), "{\"id\":\"ä\\n\",\"number\":7}");
    assert_eq!(
        reader.row(),
        "{\"x\":\"1\",\"number\":7,\"id\":\"ä\\n\",\"_version\":0,\"_is_deleted\":false}"
    );
    let error = reader.item(br#"{"Item":{"id":{"S":"a"}}}"#, "0").unwrap_err();
    assert_eq!(error, "expected the key attribute \"no\" of table Orders, got none");
}

fn change(name: &str, dynamodb: &Value) -> String {
    json!({ "eventName": name, "tableName": "Orders", "dynamodb": dynamodb, "userIdentity": null })
        .to_string()
}

fn keys() -> Value {
    json!({ "no": { "N": "7" }, "id": { "S": "a" } })
}

#[test]
fn changes_have_the_new_image_and_removals_the_key() {
    let mut reader = reader(&[]);
    let image = json!({ "no": { "N": "7" }, "id": { "S": "a" }, "x": { "N": "1" } });
    let body = json!({ "ApproximateCreationDateTime": 1_760_000_000_000_001_u64, "ApproximateCreationDateTimePrecision": "MICROSECOND",
        "OldImage": { "x": { "WRONG": 1 } }, "NewImage": image, "Keys": keys(), "SizeBytes": 5 });
    let at_us = 1_760_000_000_000_001;
    assert_eq!(
        reader.change(change("MODIFY", &body).as_bytes()),
        Ok(Some(Change { event: Event::Modify, at_us }))
    );
    reader.finish("12", false);
    assert_eq!(reader.key(), r#"{"id":"a","no":7}"#);
    assert_eq!(reader.row(), r#"{"no":7,"id":"a","x":1,"_version":12,"_is_deleted":false}"#);
    let body =
        json!({ "ApproximateCreationDateTime": 1_760_000_000_123_u64, "Keys": keys(), "OldImage": image });
    assert_eq!(
        reader.change(change("REMOVE", &body).as_bytes()),
        Ok(Some(Change { event: Event::Remove, at_us: 1_760_000_000_123_000 }))
    );
    reader.finish("13", true);
    assert_eq!(reader.row(), r#"{"no":7,"id":"a","_version":13,"_is_deleted":true}"#);
    let other = change("REMOVE", &body).replace("Orders", "Invoices");
    assert_eq!(reader.change(other.as_bytes()), Ok(None));
}

#[test]
fn times_are_read_at_their_precision() {
    let read = |at: &str, precision: Option<&str>| microseconds(&at.parse().unwrap(), precision);
    assert_eq!(read("1760000000", None), Ok(1_760_000_000_000_000));
    assert_eq!(read("1760000000.5", None), Ok(1_760_000_000_500_000));
    assert_eq!(read("1760000000123", None), Ok(1_760_000_000_123_000));
    assert_eq!(read("1760000000123456", None), Ok(1_760_000_000_123_456));
    assert_eq!(read("1760000000123", Some("MILLISECOND")), Ok(1_760_000_000_123_000));
    assert_eq!(read("1760000000123456", Some("MICROSECOND")), Ok(1_760_000_000_123_456));
    for (at, precision) in [
        ("-1", None),
        ("1e30", None),
        ("1.5", Some("MICROSECOND")),
        ("18446744073709551615", None),
        ("18446744073709551615", Some("MILLISECOND")),
    ] {
        let error = read(at, precision).unwrap_err();
        assert!(error.contains("to be a time since 1970"), "{at}: {error}");
    }
    assert!(read("1", Some("HOUR")).unwrap_err().contains("MILLISECOND or MICROSECOND"));
}

#[test]
fn what_is_no_change_is_told_with_what_was_expected() {
    let check = |record: &str, expected: &str| {
        let error = reader(&[]).change(record.as_bytes()).unwrap_err();
        assert!(error.contains(expected), "{record}: {error}");
    };
    let at = 1_760_000_000_000_u64;
    check("", "EOF while parsing");
    check("[]", "expected a change of a DynamoDB table");
    check("{}", "expected eventName");
    check("{} {}", "trailing characters");
    check(&change("DROP", &json!({})), "got \"DROP\"");
    check(&change("INSERT", &json!({ "Keys": keys() })), "expected dynamodb.ApproximateCreationDateTime");
    check(&change("INSERT", &json!({ "ApproximateCreationDateTime": at })), "expected dynamodb.Keys");
    check(
        &change("INSERT", &json!({ "ApproximateCreationDateTime": at, "Keys": keys() })),
        "expected dynamodb.NewImage",
    );
    let body = |keys: Value| json!({ "ApproximateCreationDateTime": at, "Keys": keys });
    check(&change("REMOVE", &body(json!({ "id": { "S": "a" } }))), "expected the key attribute \"no\"");
    check(&change("REMOVE", &body(json!({ "id": { "N": "x" } }))), "expected a number, got \"x\"");
    check(&change("REMOVE", &body(json!({ "id": { "B": "x" } }))), "expected Base64, got \"x\"");
    check(&change("REMOVE", &body(json!({ "id": { "Q": "x" } }))), "expected one of S, N, B");
    check(&change("REMOVE", &body(json!({ "id": {} }))), "expected a value with its type");
    check(&change("REMOVE", &body(json!({ "id": { "S": "a", "N": "1" } }))), "expected one type for a value");
    check(&change("REMOVE", &body(json!({ "id": { "S": 5 } }))), "expected text behind S");
    check(&change("REMOVE", &body(json!({ "id": "a" }))), "expected a value with its type");
}

#[test]
fn nesting_is_bounded() {
    let nest = |depth: usize| {
        let value = format!("{}{{\"N\":\"1\"}}{}", "{\"L\":[".repeat(depth), "]}".repeat(depth));
        format!("{{\"Item\":{{\"id\":{{\"S\":\"a\"}},\"no\":{{\"N\":\"1\"}},\"x\":{value}}}}}")
    };
    // DynamoDB's own limit.
    reader(&[]).item(nest(32).as_bytes(), "0").unwrap();
    let error = reader(&[]).item(nest(100_000).as_bytes(), "0").unwrap_err();
    assert!(error.contains("recursion limit"), "{error}");
}

/// The same by way of a tree.
fn plain(typed: &Value) -> Value {
    let (kind, value) = typed.as_object().unwrap().iter().next().unwrap();
    let all = |make: &dyn Fn(&Value) -> Value| {
        value.as_array().unwrap().iter().map(make).collect::<Vec<_>>().into()
    };
    match kind.as_str() {
        "N" => serde_json::from_str(value.as_str().unwrap()).unwrap(),
        "NULL" => Value::Null,
        "L" => all(&plain),
        "NS" => all(&|number| serde_json::from_str(number.as_str().unwrap()).unwrap()),
        "M" => value.as_object().unwrap().iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
        _ => value.clone(),
    }
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        ".{0,6}".prop_map(|text| json!({ "S": text })),
        (-1000_i32..1000).prop_map(|number| json!({ "N": number.to_string() })),
        any::<bool>().prop_map(|flag| json!({ "BOOL": flag })),
        Just(json!({ "NULL": true })),
        Just(json!({ "B": "AAEC" })),
        proptest::collection::vec(".{0,3}", 0..3).prop_map(|all| json!({ "SS": all })),
        proptest::collection::vec(0_u8..9, 0..3)
            .prop_map(|all| json!({ "NS": all.iter().map(ToString::to_string).collect::<Vec<_>>() })),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|all| json!({ "L": all })),
            proptest::collection::btree_map(".{0,4}", inner, 0..4).prop_map(|all| json!({ "M": all })),
        ]
    })
}

proptest! {
    #[test]
    fn rows_are_what_a_tree_would_give(x in values(), y in values()) {
        let typed = json!({ "id": { "S": "a" }, "no": { "N": "7" }, "x": x, "y": y });
        let row: Value = serde_json::from_str(&item(&[], &typed)).unwrap();
        let expected = plain(&json!({ "M": typed }));
        for name in ["id", "no", "x", "y"] {
            prop_assert_eq!(&row[name], &expected[name]);
        }
    }

    #[test]
    fn bytes_from_outside_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = reader(&[]).item(&bytes, "0");
        let _ = reader(&[]).change(&bytes);
    }
}
