//! Generated schemas and values against the `jsonschema` crate: what it takes is taken here, and nothing else.

use super::Validator;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-4_i64..12).prop_map(Value::from),
        prop::sample::select(&[0.5, 1.0, 2.5, -3.0, 0.1, 0.3, 1e18][..]).prop_map(Value::from),
        prop::sample::select(&["", "a", "b", "ab", "aä", "a1", "2024-02-30", "2024-02-28"][..])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(&["a", "b", "c", "ab"][..]).prop_map(str::to_owned)
}

fn any_schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({})),
        any::<bool>().prop_map(Value::from),
        prop::sample::select(&["null", "boolean", "object", "array", "number", "integer", "string"][..])
            .prop_map(|of| json!({ "type": of })),
        prop::collection::vec(any_value(), 1..4).prop_map(|values| json!({ "enum": values })),
        any_value().prop_map(|value| json!({ "const": value })),
        (0_u64..3, 0_u64..4, prop::sample::select(
            &[("minLength", "maxLength"), ("minItems", "maxItems"), ("minProperties", "maxProperties")][..]
        ))
            .prop_map(|(least, most, (min, max))| json!({ (min): least, (max): most })),
        (-3_i64..5, prop::sample::select(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"][..]))
            .prop_map(|(limit, name)| json!({ (name): limit })),
        prop::sample::select(&[0.1, 0.5, 2.0, 3.0][..]).prop_map(|of| json!({ "multipleOf": of })),
        prop::sample::select(&["^a", "b$", r"^\w+$", r"\d", "^[a-b]+$", "a(?!b)"][..])
            .prop_map(|pattern| json!({ "pattern": pattern })),
        Just(json!({ "format": "date" })),
        Just(json!({ "uniqueItems": true })),
        prop::collection::vec(name(), 0..3).prop_map(|names| json!({ "required": distinct(names) })),
        (name(), name()).prop_map(|(name, needed)| json!({ "dependencies": { (name): [needed] } })),
        Just(json!({ "$ref": "#" })),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let several = || prop::collection::vec(inner.clone(), 1..4);
        let named = || prop::collection::vec((name(), inner.clone()), 0..4);
        let object = |entries: Vec<(String, Value)>| Value::Object(entries.into_iter().collect::<Map<_, _>>());
        prop_oneof![
            (several(), prop::sample::select(&["allOf", "anyOf", "oneOf"][..]))
                .prop_map(|(members, name)| json!({ (name): members })),
            (inner.clone(), prop::sample::select(&["not", "contains", "propertyNames", "items", "additionalProperties"][..]))
                .prop_map(|(schema, name)| json!({ (name): schema })),
            (several(), inner.clone()).prop_map(|(first, rest)| json!({ "items": first, "additionalItems": rest })),
            (named(), inner.clone()).prop_map(move |(known, rest)| {
                json!({ "properties": object(known), "patternProperties": { "^ab": rest.clone() }, "additionalProperties": rest })
            }),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(of, then, other)| json!({ "if": of, "then": then, "else": other })),
            (name(), inner.clone()).prop_map(|(name, schema)| json!({ "dependencies": { (name): schema } })),
            // Several keywords beside each other.
            several().prop_map(|schemas| {
                let objects = schemas.into_iter().filter_map(|schema| schema.as_object().cloned());
                Value::Object(objects.flatten().filter(|(name, _)| name != "$ref").collect())
            }),
        ]
    })
}

fn distinct(mut names: Vec<String>) -> Vec<String> {
    names.sort_unstable();
    names.dedup();
    names
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn values_fit_alike(schema in any_schema(), values in prop::collection::vec(any_value(), 4)) {
        // A reference that leads to itself means nothing: there it is passed over, here given up.
        let ours = Validator::new(&schema.to_string(), &[]).unwrap();
        let theirs = jsonschema::options().with_draft(jsonschema::Draft::Draft7).build(&schema).unwrap();
        for value in values {
            let own = ours.check(value.to_string().as_bytes());
            if own.as_ref().is_err_and(|error| error.message().contains("json.fail.invalid.schema:")) {
                continue;
            }
            prop_assert_eq!(own.is_ok(), theirs.is_valid(&value), "{}: {:?}", value, own);
        }
    }

    #[test]
    fn any_text_is_a_schema_or_refused(text in r#"(\{|\}|\[|\]|,|:|"(type|items|\$ref|#|allOf|not|a|properties)"|1|true){0,40}"#) {
        if let Ok(validator) = Validator::new(&text, &[]) {
            let _ = validator.check(text.as_bytes());
        }
    }
}
