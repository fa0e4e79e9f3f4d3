//! Types inside each other, made by chance, against the same JSON read by the server itself.
use proptest::prelude::*;

use super::given::json;
use super::{Lab, oracle, seeded};
use crate::types::parse;

#[test]
fn types_inside_each_other_read_as_the_server_reads_them() {
    let lab = Lab::new();
    let strategy = nested().prop_flat_map(|ty| {
        let value = json(&parse(&ty).unwrap());
        (Just(ty), prop::collection::vec(value, 1..6))
    });
    seeded(80)
        .run(&strategy, |(ty, values)| {
            oracle::check(&lab, &ty, &values);
            Ok(())
        })
        .unwrap();
}

/// The text of a type of up to four levels.
fn nested() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(LEAVES).prop_map(str::to_owned);
    let keyed = prop::sample::select(KEYS);
    leaf.prop_recursive(4, 10, 3, move |inner| {
        prop_oneof![
            2 => inner.clone().prop_map(|ty| format!("Array({ty})")),
            2 => (keyed.clone(), inner.clone()).prop_map(|(key, ty)| format!("Map({key}, {ty})")),
            1 => inner.clone().prop_map(|ty| format!("Tuple(a {ty}, `b c` UInt8)")),
            1 => (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("Tuple({left}, {right})")),
            1 => inner.clone().prop_map(|ty| format!("Nested(a {ty}, b String)")),
            1 => inner.prop_map(variant),
        ]
    })
}

/// A `Variant` has no members that can be NULL or are variants themselves: those stand in an array there. Beside
/// others, the server reads a decimal only where nothing follows it; the sink reads it in an array as well.
fn variant(member: String) -> String {
    if member.contains("Decimal") {
        return member;
    }
    let direct = ["Array(", "Map(", "Tuple("].iter().any(|start| member.starts_with(start));
    let member = if direct { member } else { format!("Array({member})") };
    format!("Variant({member}, Float64, String)")
}

const KEYS: &[&str] = &["String", "LowCardinality(String)", "UInt8", "Int64"];

const LEAVES: &[&str] = &[
    "Int8",
    "UInt64",
    "Int256",
    "Float64",
    "BFloat16",
    "Bool",
    "String",
    "FixedString(3)",
    "Date",
    "DateTime",
    "DateTime64(3, 'UTC')",
    "Time64(3)",
    "UUID",
    "IPv6",
    "Decimal(18, 4)",
    "Enum8('a' = -3, 'it''s' = 4)",
    "LowCardinality(String)",
    "LowCardinality(Nullable(String))",
    "Nullable(Int32)",
    "Nullable(Decimal(38, 10))",
    "Point",
    "Variant(Bool, Float64, String)",
    "Variant(LowCardinality(String), UInt64)",
    "Dynamic",
    "JSON",
];
