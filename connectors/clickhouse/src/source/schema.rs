//! The schema that records carry: Connect's, in the form of its JSON converter.
use formats::connect::{DATE, Schema, Shape, TIMESTAMP};

use super::program::{Exact, Field, Node};

/// The schema of a struct of these fields.
pub fn of_fields(fields: &[Field], name: Option<&str>) -> Schema {
    let parts = fields.iter().map(|field| (field.name.clone(), of(&field.node))).collect();
    let schema = Schema::new(Shape::Struct(parts));
    match name {
        Some(name) => schema.named(name),
        None => schema,
    }
}

/// The schema of one value.
pub fn of(node: &Node) -> Schema {
    let plain = Schema::new;
    match node {
        Node::Boolean => plain(Shape::Boolean),
        Node::Signed(1) => plain(Shape::Int8),
        Node::Signed(2) | Node::Unsigned(1) => plain(Shape::Int16),
        Node::Signed(4) | Node::Unsigned(2) => plain(Shape::Int32),
        Node::Signed(_) | Node::Unsigned(_) => plain(Shape::Int64),
        Node::Wide { bytes, form, .. } => exact(*form, &plain(Shape::Int64), digits(*bytes), 0),
        Node::Decimal { precision, scale, form, .. } => {
            exact(*form, &plain(Shape::Float64), *precision, *scale)
        }
        Node::BFloat16 | Node::Float32 => plain(Shape::Float32),
        Node::Float64 => plain(Shape::Float64),
        Node::Bytes | Node::FixedBytes(_) => plain(Shape::Bytes),
        Node::Date | Node::Date32 => Schema::logical(Shape::Int32, DATE),
        Node::DateTime | Node::DateTime64(0..=3) => Schema::logical(Shape::Int64, TIMESTAMP),
        Node::DateTime64(4..=6) => Schema::logical(Shape::Int64, MICROS),
        Node::DateTime64(_) => Schema::logical(Shape::Int64, NANOS),
        Node::Text
        | Node::FixedText(_)
        | Node::Time
        | Node::Time64(_)
        | Node::Uuid
        | Node::Ipv4
        | Node::Ipv6
        | Node::Enum(_) => plain(Shape::Text),
        Node::Nullable(inner) => of(inner).optional(),
        Node::Array(inner) => plain(Shape::Array(Box::new(of(inner)))),
        Node::Map(_, value) => plain(Shape::Map(Box::new(plain(Shape::Text)), Box::new(of(value)))),
        Node::Tuple(fields) => of_fields(fields, None),
        Node::Point => plain(Shape::Array(Box::new(plain(Shape::Float64)))),
    }
}

fn exact(form: Exact, machine: &Schema, precision: usize, scale: usize) -> Schema {
    match form {
        Exact::Text => Schema::new(Shape::Text),
        Exact::Machine => machine.clone(),
        Exact::Logical => {
            Schema::decimal(scale as i64).parameter("connect.decimal.precision", precision.to_string())
        }
    }
}

/// Digits of the greatest number.
fn digits(bytes: usize) -> usize {
    match bytes {
        8 => 20,
        16 => 39,
        _ => 78,
    }
}

/// Connect's own `Timestamp` counts milliseconds. These are the names that other sources and many sinks use for
/// finer ones.
const MICROS: &str = "io.debezium.time.MicroTimestamp";
const NANOS: &str = "io.debezium.time.NanoTimestamp";
