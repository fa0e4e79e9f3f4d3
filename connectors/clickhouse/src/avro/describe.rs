//! Avro types in words.
use formats::avro::{Logical, Schema, Type};

use super::scalar::Scalar;

/// A type as a message names it, such as `array of long` or `union of int and string`.
pub fn describe(schema: &Schema, place: usize) -> String {
    told(schema, place, LEVELS_MAX)
}

fn told(schema: &Schema, place: usize, levels: usize) -> String {
    let node = schema.node(place);
    let Some(levels) = levels.checked_sub(1) else { return "…".to_owned() };
    match &node.kind {
        Type::Array(items) => format!("array of {}", told(schema, *items, levels)),
        Type::Map(values) => format!("map of {}", told(schema, *values, levels)),
        Type::Record(_) => format!("record {}", shortened(node.type_name())),
        Type::Enum(_) => format!("enum {}", shortened(node.type_name())),
        Type::Fixed(size) => match Scalar::of(node) {
            Some(Scalar::Fixed(_)) | None => format!("fixed({size})"),
            Some(_) => logical(schema, place),
        },
        Type::Union(branches) => {
            let names: Vec<_> =
                branches.iter().take(BRANCHES_MAX).map(|branch| told(schema, *branch, levels)).collect();
            let more = if branches.len() > BRANCHES_MAX { " and others" } else { "" };
            match names.split_last() {
                Some((last, rest)) if !rest.is_empty() && more.is_empty() => {
                    format!("union of {} and {last}", rest.join(", "))
                }
                _ => format!("union of {}{more}", names.join(", ")),
            }
        }
        _ => logical(schema, place),
    }
}

fn logical(schema: &Schema, place: usize) -> String {
    let node = schema.node(place);
    match (node.logical, Scalar::of(node)) {
        (Some(Logical::Decimal { precision, scale }), _) => format!("decimal({precision}, {scale})"),
        (Some(Logical::Uuid), _) => "uuid".to_owned(),
        (_, Some(scalar)) => scalar.name().to_owned(),
        _ => node.type_name().to_owned(),
    }
}

fn shortened(name: &str) -> String {
    name.chars().take(NAME_MAX).collect()
}

const LEVELS_MAX: usize = 4;
const BRANCHES_MAX: usize = 8;
const NAME_MAX: usize = 100;
