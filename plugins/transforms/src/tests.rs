//! Chains as a worker uses them, and what holds for any bytes: they are transformed or refused.
use crate::date::DateFormat;
use crate::{Chain, Class, Condition, Given, Header, Part, Schema, Step, Value, Verdict};
use penstock_sdk::flat::{self, Writer};
use proptest::prelude::*;
use std::sync::Arc;

const PACKAGE: &str = "org.apache.kafka.connect.transforms.";

fn step(class: &str, settings: &[(&str, &str)]) -> Step {
    let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Step { alias: "t".into(), class: format!("{PACKAGE}{class}"), settings, condition: None }
}

fn bound(step: Step, predicate: &str, settings: &[(&str, &str)], is_negated: bool) -> Step {
    let condition = self::step(&format!("predicates.{predicate}"), settings);
    let condition =
        Condition { alias: "p".into(), class: condition.class, settings: condition.settings, is_negated };
    Step { condition: Some(condition), ..step }
}

fn given<'a>(topic: &'a str, value: Value<'a>, schema: Option<&'a Arc<Schema>>) -> Given<'a> {
    Given {
        topic,
        partition: Some(1),
        offset: Some(2),
        timestamp_ms: Some(1_600_000_000_000),
        key: Part { value: Value::Null, schema: None },
        value: Part { value, schema },
        headers: &["a", "b"],
    }
}

fn map(entries: &[(&str, i64)]) -> Vec<u8> {
    let mut out = Vec::new();
    Writer::new(&mut out).map(|writer| {
        for (name, value) in entries {
            writer.text(name);
            writer.int64(*value);
        }
        entries.len() as u32
    });
    out
}

#[test]
fn a_chain_passes_what_its_predicates_let_pass() {
    let mut chain = Chain::open(&[
        bound(step("Filter", &[]), "RecordIsTombstone", &[], false),
        bound(
            step("InsertHeader", &[("header", "c"), ("value.literal", "1")]),
            "HasHeaderKey",
            &[("name", "b")],
            false,
        ),
        step("DropHeaders", &[("headers", "a")]),
        bound(
            step("RegexRouter", &[("regex", "(.*)"), ("replacement", "x-$1")]),
            "TopicNameMatches",
            &[("pattern", "t.")],
            true,
        ),
    ])
    .unwrap();
    assert!(matches!(chain.apply(&given("t1", Value::Null, None)), Ok(Verdict::Dropped)));
    for (topic, expected) in [("t1", "t1"), ("other", "x-other"), ("t2", "t2")] {
        let given = given(topic, Value::Text("v"), None);
        let Ok(Verdict::Kept(record)) = chain.apply(&given) else { panic!("{topic} was dropped") };
        assert_eq!((record.topic.as_str(), record.has_new_topic), (expected, topic != expected));
        let names: Vec<_> = record.headers.iter().map(|header| header.name(given.headers)).collect();
        assert_eq!(names, ["b", "c"]);
        assert!(matches!(record.headers[0], Header::Given(1)));
        assert!(!record.value.is_changed());
    }
}

#[test]
fn what_a_chain_touches_is_known_before_any_record() {
    let touches = |steps: &[Step]| Chain::open(steps).unwrap().touches();
    let none = touches(&[
        step("RegexRouter", &[("regex", "a"), ("replacement", "b")]),
        step("TimestampRouter", &[]),
    ]);
    assert_eq!(none, crate::Touches::default());
    let key = touches(&[step("ValueToKey", &[("fields", "a")])]);
    assert!(key.value.reads && key.key.writes && !key.value.writes && !key.key.reads);
    let copy =
        touches(&[step("HeaderFrom$Value", &[("fields", "a"), ("headers", "b"), ("operation", "copy")])]);
    assert!(copy.value.reads && !copy.value.writes && copy.headers);
    let tombstones = touches(&[bound(step("Filter", &[]), "RecordIsTombstone", &[], false)]);
    assert!(tombstones.asks_for_tombstones && !tombstones.value.any());
}

#[test]
fn a_failure_names_transform_field_and_class() {
    let mut chain = Chain::open(&[step("Cast$Value", &[("spec", "a:int8"), ("unknown", "x")])]).unwrap();
    let mut value = Vec::new();
    Writer::new(&mut value).map(|writer| {
        writer.text("a");
        writer.text("many");
        1
    });
    let failed = chain.apply(&given("t", Value::Flat(&value), None)).unwrap_err();
    assert!(failed.class.ends_with("Cast$Value"));
    assert!(failed.reason.starts_with("transforms.t: field a:"), "{}", failed.reason);
    // The record after it is not the worse for it.
    let good = map(&[("a", 300)]);
    let Ok(Verdict::Kept(record)) = chain.apply(&given("t", Value::Flat(&good), None)) else {
        panic!("dropped")
    };
    assert!(record.value.is_changed());
}

#[test]
fn settings_that_do_not_fit_are_named_in_full() {
    for (step, expected) in [
        (step("Cast$Value", &[]), "transforms.t.spec: "),
        (step("RegexRouter", &[("regex", ".*"), ("replacement", "$7")]), "transforms.t.replacement: "),
        (step("TimestampConverter$Value", &[("target.type", "string")]), "transforms.t.format: "),
        (step("InsertField$Value", &[]), "transforms.t: "),
        (step("NoSuch", &[]), "transforms.t.type: "),
        (bound(step("Filter", &[]), "HasHeaderKey", &[], false), "predicates.p.name: "),
    ] {
        let error = Chain::open(std::slice::from_ref(&step)).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

/// Every transform, with settings that make it look at the fields of a record.
fn all() -> Vec<Chain> {
    let settings: &[(&str, &str)] = &[
        ("spec", "a:int32,b:string"),
        ("headers", "h"),
        ("field", "a"),
        ("fields", "a"),
        ("operation", "move"),
        ("topic.field", "x"),
        ("header", "h"),
        ("value.literal", "1"),
        ("regex", ".*"),
        ("replacement", "7"),
        ("schema.name", "n"),
        ("target.type", "Timestamp"),
        ("format", "yyyy"),
        ("renames", "a:z"),
    ];
    let open = |class: Class| {
        let mut step = step("", settings);
        step.class = class.name.to_owned();
        Chain::open(&[step]).unwrap()
    };
    Class::transforms().map(open).collect()
}

fn schema() -> Arc<Schema> {
    let fields = r#"{"type":"int64","optional":true,"field":"a"},{"type":"struct","fields":[{"type":"bytes","field":"c"}],"optional":true,"field":"b"}"#;
    Schema::parse(&format!(r#"{{"type":"struct","fields":[{fields}],"optional":true}}"#)).unwrap()
}

proptest! {
    #[test]
    fn any_bytes_are_transformed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..80), tag in 0..14u8) {
        let mut tagged = vec![tag];
        tagged.extend_from_slice(&bytes);
        let schema = schema();
        for mut chain in all() {
            for value in [&bytes, &tagged] {
                let _ = chain.apply(&given("t", Value::Flat(value), None));
                let _ = chain.apply(&given("t", Value::Flat(value), Some(&schema)));
            }
        }
    }

    #[test]
    fn a_cut_value_is_transformed_or_refused(number in any::<i64>(), cut in any::<prop::sample::Index>()) {
        let whole = map(&[("a", number), ("b", 1), ("c", 2)]);
        let cut = &whole[..cut.index(whole.len())];
        for mut chain in all() {
            let _ = chain.apply(&given("t", Value::Flat(cut), None));
            if let Ok(Verdict::Kept(record)) = chain.apply(&given("t", Value::Flat(&whole), None))
                && record.value.is_changed()
            {
                        prop_assert!(flat::Value::parse(record.value.value()).is_ok());
            }
        }
    }

    #[test]
    fn any_text_is_a_time_or_none(pattern in "[yMdHhmsSaEzXZuDwk:' -]{0,12}", text in ".{0,24}", ms in any::<i64>()) {
        if let Ok(format) = DateFormat::compile(&pattern) {
            let _ = format.parse(&text, 0);
            let mut out = String::new();
            format.format(ms, &mut out);
            let _ = format.parse(&out, 0);
        }
    }

    #[test]
    fn any_schema_text_is_read_or_refused(text in "[\\[\\]{}\":,a-z0-9 ]{0,40}") {
        let _ = Schema::parse(&text);
    }
}
