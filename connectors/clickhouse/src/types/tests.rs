//! What type names mean, and that no text makes the parser panic.
use proptest::prelude::*;

use super::parse::Unsupported;
use super::*;

fn check(text: &str, expected: Type) {
    assert_eq!(parse(text), Ok(expected), "{text}");
}

#[test]
fn plain_and_parameterised_types_are_known() {
    check("UInt64", Type::UInt(8));
    check("Decimal(10, 2)", Type::Decimal { precision: 10, scale: 2 });
    check("Decimal64(4)", Type::Decimal { precision: 18, scale: 4 });
    check("DateTime", Type::DateTime(None));
    check("DateTime('Europe/Berlin')", Type::DateTime(Some("Europe/Berlin".into())));
    check("DateTime64(3, 'UTC')", Type::DateTime64(3, Some("UTC".into())));
    check("FixedString(16)", Type::FixedString(16));
    check("JSON(max_dynamic_paths=8, a.b UInt32, SKIP `x)`)", Type::Json(None));
    check("Dynamic(max_types=3)", Type::Dynamic("Dynamic(max_types=3)".into()));
    check("Time64(6)", Type::Time64(6));
}

#[test]
fn wrappers_that_the_server_casts_are_dropped() {
    check("LowCardinality(Nullable(String))", Type::Nullable(Box::new(Type::String)));
    check("Array(LowCardinality(String))", Type::Array(Box::new(Type::String)));
    check("SimpleAggregateFunction(anyLast, Nullable(Float64))", Type::Nullable(Box::new(Type::Float64)));
}

#[test]
fn names_of_enums_and_tuples_may_hold_any_character() {
    let entries = vec![("it's, (so)".into(), -1), ("b".into(), 127)];
    check(r"Enum8('it\'s, (so)' = -1, 'b' = 127)", Type::Enum(Enum { width: 1, entries }));
    let elements = vec![
        Element { name: Some("a b".into()), ty: Type::UInt(1) },
        Element { name: Some("c".into()), ty: Type::Array(Box::new(Type::Float32)) },
    ];
    check("Tuple(`a b` UInt8, c Array(Float32))", Type::Tuple(elements));
    let nameless = [Type::UInt(1), Type::String].map(|ty| Element { name: None, ty });
    check("Tuple(UInt8, String)", Type::Tuple(nameless.into()));
}

#[test]
fn a_parsed_type_prints_as_the_same_type() {
    for text in [
        "Map(String, Array(Nullable(Decimal(38, 10))))",
        "Tuple(`a` UInt8, `x``y` Enum16('q' = 300))",
        "Array(Tuple(DateTime64(6, 'Asia/Tokyo'), FixedString(3)))",
    ] {
        if let Ok(ty) = parse(text) {
            assert_eq!(parse(&ty.to_string()), Ok(ty), "{text}");
        }
    }
}

#[test]
fn unknown_broken_and_bottomless_types_are_unsupported() {
    let deep = "Array(".repeat(40) + "UInt8" + &")".repeat(40);
    for text in ["", "Int7", "Variant()", "Array(UInt8", "Enum8('a' = 200)", "Decimal(5, 6)", &deep] {
        assert_eq!(parse(text), Err(Unsupported { advice: None }), "{text}");
    }
    let variants = "Variant(Array(".repeat(5) + "UInt8" + &"))".repeat(5);
    assert_eq!(parse(&variants), Err(Unsupported { advice: None }));
}

#[test]
fn a_variant_keeps_its_members_to_the_letter() {
    for text in [
        "Variant(Array(LowCardinality(Nullable(String))), JSON(a.b UInt32, SKIP x), UInt8)",
        "Geometry",
        "Variant(MultiPolygon, Point)",
        "Variant(Dynamic(max_types=3), String)",
    ] {
        assert_eq!(parse(text).map(|ty| ty.to_string()), Ok(text.to_owned()));
    }
}

#[test]
fn a_type_that_is_known_and_not_written_comes_with_advice() {
    for text in [
        "AggregateFunction(sum, UInt64)",
        "IntervalDay",
        "Array(IntervalYear)",
        "Object('json')",
        "QBit(Float32, 4)",
    ] {
        assert!(parse(text).is_err_and(|unsupported| unsupported.advice.is_some()), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in ".*") {
        let _ = parse(&text);
    }

    #[test]
    fn no_text_made_of_type_tokens_panics(tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..40)) {
        let text = tokens.concat();
        if let Ok(ty) = parse(&text) {
            let printed = ty.to_string();
            prop_assert_eq!(parse(&printed).map(|ty| ty.to_string()), Ok(printed));
        }
    }
}

const TOKENS: &[&str] = &[
    "Array",
    "Tuple",
    "Map",
    "Nullable",
    "Enum8",
    "Decimal",
    "DateTime64",
    "JSON",
    "Variant",
    "LowCardinality",
    "Geometry",
    "Dynamic",
    "(",
    ")",
    ",",
    " ",
    "'",
    "`",
    "\\",
    "=",
    "-",
    "1",
    "99999",
    "String",
    "UInt8",
    "a",
    "é",
];
