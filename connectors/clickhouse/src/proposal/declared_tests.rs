//! Schemas and the columns that are made of them.
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use super::declared::{Rows, join, rows};
use super::facts::{Facts, ROOM};
use super::{Found, fields as fields_of};
use crate::avro;
use crate::shape::Shape;
use crate::types::Type;
use formats::avro::{Schema, Type as Avro};

fn types(schemas: &[Value], shape: &Shape) -> String {
    let (mut all, mut room) = (Facts::default(), ROOM);
    for schema in schemas {
        let schema = Schema::parse(&schema.to_string(), &[]).unwrap();
        match rows(&schema, shape, &mut room) {
            Rows::Fields(facts) => all.merge(facts, &mut room),
            Rows::Names => return "names".to_owned(),
            Rows::Nothing => {}
        }
    }
    let column = |found: &Found<'_>| {
        let ty = found.column_type(false, found.has_null()).unwrap_or_else(|| "none".to_owned());
        format!("{} {ty}", found.name)
    };
    let found = fields_of(&all, shape, &|_| false);
    found.iter().map(column).collect::<Vec<_>>().join(", ")
}

fn record(fields: &[(&str, Value)]) -> Value {
    let fields: Vec<_> = fields.iter().map(|(name, ty)| json!({"name": name, "type": ty})).collect();
    json!({"type": "record", "name": "R", "fields": fields})
}

fn check(schemas: &[&[(&str, Value)]], expected: &str) {
    let schemas: Vec<_> = schemas.iter().map(|fields| record(fields)).collect();
    assert_eq!(types(&schemas, &Shape::default()), expected);
}

fn logical(ty: &str, logical: &str) -> Value {
    json!({"type": ty, "logicalType": logical})
}

#[test]
fn each_type_has_its_column() {
    check(
        &[&[
            ("b", json!("boolean")),
            ("i", json!("int")),
            ("l", json!("long")),
            ("f", json!("float")),
            ("d", json!("double")),
            ("s", json!("string")),
            ("x", json!("bytes")),
            ("e", json!({"type": "enum", "name": "E", "symbols": ["A", "B"]})),
            ("n", json!(["null", "long"])),
            ("ne", json!(["null", {"type": "enum", "name": "F", "symbols": ["A"]}])),
            ("nothing", json!("null")),
        ]],
        "b Bool, i Int32, l Int64, f Float32, d Float64, s String, x String, e LowCardinality(String), \
         n Nullable(Int64), ne LowCardinality(Nullable(String)), nothing none",
    );
    check(
        &[&[
            ("c", json!({"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2})),
            ("u", logical("string", "uuid")),
            ("day", logical("int", "date")),
            ("t", logical("long", "time-micros")),
            ("at", logical("long", "timestamp-millis")),
            ("local", logical("long", "local-timestamp-micros")),
        ]],
        "c Decimal(12, 2), u UUID, day Date32, t Time64(6), at DateTime64(3, 'UTC'), local DateTime64(6)",
    );
}

#[test]
fn parts_keep_their_structure() {
    let point = json!({"type": "record", "name": "P", "fields":
        [{"name": "x", "type": "double"}, {"name": "at", "type": ["null", "int"]}]});
    let list = json!({"type": "record", "name": "L", "fields":
        [{"name": "v", "type": "int"}, {"name": "next", "type": ["null", "L"]}]});
    check(
        &[&[
            ("a", json!({"type": "array", "items": ["null", "string"]})),
            ("m", json!({"type": "map", "values": {"type": "array", "items": "long"}})),
            ("p", json!(["null", point])),
            ("l", list),
            ("u", json!(["int", "string"])),
            ("two", json!(["string", {"type": "array", "items": "int"}])),
        ]],
        "a Array(Nullable(String)), m Map(String, Array(Int64)), p Tuple(`x` Float64, `at` Nullable(Int32)), \
         l Tuple(`v` Int32, `next` Nullable(String)), u String, two String",
    );
    let shape = Shape { separator: Some("_".into()), ..Shape::default() };
    let schema = record(&[("p", json!(["null", point])), ("k", json!("int"))]);
    assert_eq!(types(&[schema], &shape), "p_x Nullable(Float64), p_at Nullable(Int32), k Int32");
}

#[test]
fn several_schemas_of_a_sample_make_one_table() {
    check(
        &[
            &[("k", json!("int")), ("v", json!("string")), ("gone", json!("int"))],
            &[("k", json!("long")), ("v", json!("int")), ("new", json!("float"))],
        ],
        "k Int64, v String, gone Nullable(Int32), new Nullable(Float32)",
    );
    let inner = |fields: &[&str]| {
        let fields: Vec<_> = fields.iter().map(|name| json!({"name": name, "type": "int"})).collect();
        json!({"type": "record", "name": "I", "fields": fields})
    };
    check(
        &[&[("o", inner(&["a"]))], &[("o", inner(&["a", "b"]))]],
        "o Tuple(`a` Int32, `b` Nullable(Int32))",
    );
    check(&[&[("o", json!("int"))], &[("o", inner(&["a"]))]], "o String");
}

#[test]
fn values_without_fields_say_nothing() {
    assert_eq!(types(&[json!("string"), json!(["null", "int"])], &Shape::default()), "");
    assert_eq!(types(&[json!({"type": "map", "values": "int"})], &Shape::default()), "names");
}

#[test]
fn types_that_differ_are_joined_without_loss() {
    let decimal = |precision, scale| Type::Decimal { precision, scale };
    assert_eq!(join(decimal(5, 2), decimal(6, 0)), decimal(8, 2));
    assert_eq!(join(decimal(76, 0), decimal(1, 1)), Type::String);
    assert_eq!(join(Type::Int(8), Type::Float32), Type::Float64);
    assert_eq!(join(Type::Bool, Type::Int(4)), Type::String);
    let low = Type::LowCardinality(Box::new(Type::String));
    assert_eq!(join(low.clone(), low.clone()), low);
    assert_eq!(join(low, Type::String), Type::String);
}

/// Any schema, with names that are yet to be made different.
fn any_schema() -> impl Strategy<Value = Value> {
    let decimal = (1_u32..90, 0_u32..40).prop_map(|(precision, scale)| {
        json!({"type": "bytes", "logicalType": "decimal", "precision": precision.max(scale).max(1), "scale": scale})
    });
    let plain =
        prop::sample::select(vec!["null", "boolean", "int", "long", "float", "double", "bytes", "string"]);
    let marked = prop::sample::select(vec![
        ("string", "uuid"),
        ("int", "date"),
        ("int", "time-millis"),
        ("long", "time-micros"),
        ("long", "timestamp-millis"),
        ("long", "timestamp-nanos"),
        ("long", "local-timestamp-micros"),
    ]);
    let plain = plain.prop_map(|name| json!(name));
    let leaf = prop_oneof![
        plain.clone(),
        marked.prop_map(|(ty, name)| logical(ty, name)),
        decimal,
        Just(json!({"type": "enum", "name": "NAME", "symbols": ["A", "B"]})),
        (1_u32..20).prop_map(|size| json!({"type": "fixed", "name": "NAME", "size": size})),
        Just(json!({"type": "fixed", "name": "NAME", "size": 16, "logicalType": "uuid"})),
        Just(json!({"type": "fixed", "name": "NAME", "size": 12, "logicalType": "duration"})),
        prop::sample::subsequence(vec!["null", "int", "long", "float", "string", "bytes", "boolean"], 1..4)
            .prop_map(|names| json!(names)),
    ];
    leaf.prop_recursive(5, 24, 5, |inner| {
        let is_union = |schema: &Value| schema.is_array() || *schema == json!("null");
        prop_oneof![
            inner.clone().prop_map(|items| json!({"type": "array", "items": items})),
            inner.clone().prop_map(|values| json!({"type": "map", "values": values})),
            prop::collection::vec(
                (prop::sample::select(vec!["a", "b", "c", "size0", "null"]), inner.clone()),
                0..4
            )
            .prop_map(|fields| record(&unique(fields))),
            inner
                .prop_filter("a union has no union", move |schema| !is_union(schema))
                .prop_map(|schema| json!(["null", schema])),
        ]
    })
}

fn unique(mut fields: Vec<(&'static str, Value)>) -> Vec<(&'static str, Value)> {
    let mut met = std::collections::HashSet::new();
    fields.retain(|(name, _)| met.insert(*name));
    fields
}

/// Gives each named type a name of its own.
fn named(schema: &mut Value, number: &mut usize) {
    match schema {
        Value::Array(parts) => parts.iter_mut().for_each(|part| named(part, number)),
        Value::Object(parts) => {
            if parts.contains_key("name") && parts.contains_key("type") && parts["type"].is_string() {
                *number += 1;
                let is_type = ["record", "enum", "fixed"].iter().any(|word| parts["type"] == *word);
                if is_type {
                    parts.insert("name".into(), json!(format!("N{number}")));
                }
            }
            for (name, part) in parts {
                if name != "name" && name != "symbols" {
                    named(part, number);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn whatever_the_schemas_are_their_values_fit_the_columns() {
    let rounds = Cases { cases: 2000, failure_persistence: None, ..Cases::default() };
    let names = prop::sample::select(vec!["a", "b", "c"]);
    let fields = prop::collection::vec((names, any_schema()), 1..4).prop_map(unique);
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(rounds, seed);
    let run = runner.run(&prop::collection::vec(fields, 1..3), |samples| {
        let (mut all, mut room) = (Facts::default(), ROOM);
        let mut schemas = Vec::new();
        for fields in samples {
            let mut text = record(&fields);
            named(&mut text, &mut 0);
            let schema = Schema::parse(&text.to_string(), &[]).unwrap();
            if let Rows::Fields(facts) = rows(&schema, &Shape::default(), &mut room) {
                all.merge(facts, &mut room);
            }
            schemas.push((text, schema));
        }
        for found in fields_of(&all, &Shape::default(), &|_| false) {
            let Some(type_text) = found.column_type(false, found.has_null()) else { continue };
            let ty =
                crate::types::parse(&type_text).map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
            for (text, schema) in &schemas {
                let Avro::Record(fields) = &schema.root().kind else { continue };
                let Some(field) = fields.iter().find(|field| field.name == found.name) else { continue };
                let step = avro::Compiler::new(schema).step(field.node, &ty);
                prop_assert!(step.is_ok(), "{} of {text} does not fit {type_text}", found.name);
            }
        }
        Ok(())
    });
    run.unwrap();
}
