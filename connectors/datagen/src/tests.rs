//! What the generator promises: a clear grammar, records by number, tasks that share them out.
use crate::fields::{Generator, Kind};
use crate::settings::{FIELDS, Settings};
use crate::{DatagenSource, first_number, json, settings, spec};
use penstock_sdk::{Config, Fields, Source};
use proptest::prelude::*;
use serde_json::Value;

fn record(spec: &str, seed: u64, number: u64) -> String {
    let mut generator = Generator::new(spec::parse(spec).unwrap(), seed);
    let mut out = String::new();
    json::object(&mut out, &mut generator, (number, 1_700_000_000_000), &mut |_, _| {});
    out
}

fn parsed(spec: &str, number: u64) -> Value {
    serde_json::from_str(&record(spec, 7, number)).unwrap()
}

fn refused(spec: &str) -> String {
    spec::parse(spec).unwrap_err()
}

fn config() -> Config {
    Config::new().with("topic", "orders")
}

#[test]
fn every_kind_of_field_is_read() {
    let spec = " a:sequence , b:sequence(5,-2),c:int(-1..1),d:long(0..9),e:double(0.5..1.5),f:decimal(-1..2.5,2),\
                g:string(3),h:string(1..4),i:choice(x | y z),j:boolean,k:uuid,l:now";
    let kinds: Vec<Kind> = spec::parse(spec).unwrap().into_iter().map(|field| field.kind).collect();
    let expected = [
        Kind::Sequence { start: 0, step: 1 },
        Kind::Sequence { start: 5, step: -2 },
        Kind::Int { min: -1, max: 1 },
        Kind::Long { min: 0, max: 9 },
        Kind::Double { min: 0.5, max: 1.5 },
        Kind::Decimal { min: -100, max: 250, digits: 2 },
        Kind::Text { min: 3, max: 3 },
        Kind::Text { min: 1, max: 4 },
        Kind::Choice(vec!["x".into(), "y z".into()]),
        Kind::Boolean,
        Kind::Uuid,
        Kind::Now,
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn a_wrong_field_is_named_with_its_place() {
    let cases = [
        ("", "column 1: expected the name of a field, got the end"),
        ("id", "column 3: expected a colon after the name, got the end"),
        ("id:", "column 4: expected the kind of the field, got the end"),
        ("id:sequence,", "column 13: expected the name of a field, got the end"),
        ("id:sequence name:uuid", "column 13: expected a comma between fields, got \"name:uuid\""),
        ("ä:uuid", "column 1: expected the name of a field, got \"ä:uuid\""),
        ("x:choice(ä),x:now", "column 13: the name \"x\" stands twice, got \"x:now\""),
        ("x:strin(3)", "column 3: expected one of boolean, choice"),
        ("x:int", "column 3: expected bounds after int, as in int(0..100), got \"int\""),
        ("x:int(1..", "column 6: expected a closing parenthesis"),
        ("x:int(9..1)", "column 7: expected the smaller bound first"),
        ("x:int(0..3000000000)", "column 10: expected whole numbers of 32 bits, as in 1..9"),
        ("x:double(0..inf)", "column 10: expected finite bounds"),
        ("x:double(NaN..1)", "column 10: expected the smaller bound first"),
        ("x:decimal(0..1)", "column 11: expected MIN..MAX,DIGITS"),
        ("x:decimal(0..1,16)", "column 16: expected at most 15 digits"),
        ("x:decimal(0..1e300,2)", "column 11: expected bounds of at most 15 digits"),
        ("x:string(10001)", "column 10: expected a length of at most 10000"),
        ("x:string(-1)", "column 10: expected a length, as in 8 or 8..16"),
        ("x:choice(a||b)", "column 10: expected words between bars"),
        ("x:now(1)", "column 7: now takes nothing in parentheses"),
        ("x:sequence(a)", "column 12: expected a whole number to start from"),
    ];
    for (spec, expected) in cases {
        let reason = refused(spec);
        assert!(reason.starts_with(expected), "{spec:?}\n  said {reason:?}\n  not  {expected:?}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC*") {
        let _ = spec::parse(&text);
    }

    #[test]
    fn no_almost_right_text_makes_parser_or_generator_panic(
        text in "([a-c]:(int|long|double|decimal|string|choice|sequence|now)(\\([-0-9.,|ä]{0,12}\\))?,?){1,4}",
        number: u64,
    ) {
        if let Ok(fields) = spec::parse(&text) {
            let mut out = String::new();
            json::object(&mut out, &mut Generator::new(fields, 1), (number, 0), &mut |_, _| {});
            prop_assert!(serde_json::from_str::<Value>(&out).is_ok(), "{out}");
        }
    }

    #[test]
    fn values_stay_within_their_bounds(number: u64, seed: u64, a: i64, b: i64) {
        let (min, max) = (a.min(b), a.max(b));
        let spec = format!("l:long({min}..{max}),d:decimal(-0.05..0.05,2),s:string(2..5),f:double(-1..1)");
        let value: Value = serde_json::from_str(&record(&spec, seed, number)).unwrap();
        prop_assert!((min..=max).contains(&value["l"].as_i64().unwrap()));
        prop_assert!(value["d"].as_f64().unwrap().abs() <= 0.05);
        prop_assert!((2..=5).contains(&value["s"].as_str().unwrap().len()));
        prop_assert!(value["f"].as_f64().unwrap().abs() <= 1.0);
    }

    #[test]
    fn a_resumed_task_goes_on_at_its_own_next_number(stored: u32, task in 0_u64..9, more in 1_u64..9) {
        let step = task + more;
        let offset = Fields::new().with("sequence", i64::from(stored));
        let next = first_number(Some(&offset), task, step).unwrap();
        prop_assert_eq!(next % step, task);
        prop_assert!((u64::from(stored)..u64::from(stored) + step).contains(&next));
    }
}

#[test]
fn a_record_depends_on_seed_and_number_only() {
    assert_eq!(record(FIELDS, 1, 41), record(FIELDS, 1, 41));
    assert_ne!(record(FIELDS, 1, 41), record(FIELDS, 2, 41));
    // Pinned: a new version must not change the records that a stored offset stands for.
    let spec =
        "id:sequence,name:string(8),country:choice(DE|FR|US),n:long(0..999999),uid:uuid,active:boolean";
    assert_eq!(record(spec, 42, 7), PINNED);
}

const PINNED: &str = concat!(
    r#"{"id":7,"name":"nblzoxfv","country":"US","n":47249,"#,
    r#""uid":"25457321-543a-4695-9b76-9878ce158774","active":false}"#
);

#[test]
fn numbers_and_text_are_spread_over_their_range() {
    let mut seen = std::collections::BTreeSet::new();
    for number in 0..200 {
        let value = parsed("c:choice(a|b|c),b:boolean,i:int(1..3)", number);
        seen.extend([value["c"].to_string(), value["b"].to_string(), value["i"].to_string()]);
    }
    assert_eq!(
        seen.into_iter().collect::<Vec<_>>(),
        ["\"a\"", "\"b\"", "\"c\"", "1", "2", "3", "false", "true"]
    );
}

#[test]
fn json_text_is_escaped_where_it_must_be() {
    assert_eq!(record("a:choice(say \"hi\"\\\t!)", 0, 0), "{\"a\":\"say \\\"hi\\\"\\\\\\u0009!\"}");
}

#[test]
fn decimals_keep_their_digits() {
    for (spec, expected) in [
        ("a:decimal(-0.05..-0.05,2)", "{\"a\":-0.05}"),
        ("a:decimal(3..3,3)", "{\"a\":3.000}"),
        ("a:decimal(12..12,0)", "{\"a\":12}"),
    ] {
        assert_eq!(record(spec, 0, 0), expected);
    }
}

#[test]
fn a_uuid_is_of_version_four() {
    let uuid = parsed("u:uuid", 3)["u"].as_str().unwrap().to_owned();
    assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"));
    assert!(matches!(&uuid[19..20], "8" | "9" | "a" | "b"), "{uuid}");
    assert_eq!(uuid.match_indices('-').map(|(at, _)| at).collect::<Vec<_>>(), [8, 13, 18, 23]);
}

#[test]
fn the_default_record_is_an_order_of_about_244_bytes() {
    let bytes: usize = (0..1000).map(|number| record(FIELDS, 0, 100_000 + number).len()).sum();
    assert!((240..=248).contains(&(bytes / 1000)), "{}: {}", bytes / 1000, record(FIELDS, 0, 100_000));
    assert_eq!(parsed(FIELDS, 0).as_object().unwrap().len(), 10);
}

#[test]
fn the_schema_names_every_field_with_its_type() {
    let spec = "a:sequence,b:int(0..1),c:double(0..1),d:decimal(0..1,1),e:string(1),f:boolean,g:now";
    let schema: Value = serde_json::from_str(&json::schema(&spec::parse(spec).unwrap())).unwrap();
    let types: Vec<_> =
        schema["fields"].as_array().unwrap().iter().map(|field| field["type"].clone()).collect();
    assert_eq!(types, ["int64", "int32", "double", "double", "string", "boolean", "int64"]);
    assert_eq!(schema["fields"][6]["name"], "org.apache.kafka.connect.data.Timestamp");
}

#[test]
fn tasks_share_the_records_and_none_is_idle() {
    let tasks = |total: &str, tasks_max| {
        let plan = DatagenSource::plan(&config().with("total", total), tasks_max).unwrap();
        assert!(plan.iter().all(|task| task.get("task.count") == Some(plan.len().to_string().as_str())));
        plan.len()
    };
    assert_eq!((tasks("0", 4), tasks("100", 4), tasks("3", 4)), (4, 4, 3));
    let first: Vec<u64> = (0..4).map(|task| first_number(None, task, 4).unwrap()).collect();
    assert_eq!(first, [0, 1, 2, 3]);
}

#[test]
fn a_stored_offset_that_is_no_number_is_refused() {
    for offset in [Fields::new(), Fields::new().with("sequence", -1), Fields::new().with("sequence", "7")] {
        let reason = first_number(Some(&offset), 0, 1).unwrap_err();
        assert!(
            reason.message().starts_with("stored offset: sequence: expected a number from 0"),
            "{reason}"
        );
    }
}

#[test]
fn settings_that_do_not_fit_together_are_found_before_a_task_starts() {
    let problem = |config: &Config| match settings::problems(config).as_slice() {
        [one] => one.setting.clone(),
        other => format!("{other:?}"),
    };
    assert_eq!(problem(&config().with("fields", "id:sequense")), "fields");
    assert_eq!(problem(&config().with("key.field", "nope")), "key.field");
    let json = config().with("format", "json");
    assert_eq!(problem(&json.clone().with("value.converter", "org.x.JsonConverter")), "format");
    assert_eq!(settings::problems(&json.with("value.converter", "org.x.StringConverter")), []);
    assert_eq!(Settings::parse(&config().with("key.field", "country")).unwrap().key_field, Some(3));
}
