//! The column type that says all of an Avro type, for columns that take any.
use formats::avro::{Logical, Node, Schema, Type as Avro};

use super::scalar::Scalar;
use crate::types::{Element, Type};

/// `budget` is how many types may yet be made: a name in a schema can stand for a whole tree.
pub fn natural(schema: &Schema, place: usize, budget: &mut usize) -> Type {
    Naming { schema, budget, open: Vec::new() }.of(place)
}

struct Naming<'a> {
    schema: &'a Schema,
    budget: &'a mut usize,
    /// The types around this one.
    open: Vec<usize>,
}

impl Naming<'_> {
    fn of(&mut self, place: usize) -> Type {
        *self.budget = self.budget.saturating_sub(1);
        // What contains itself, or is without end, becomes JSON text.
        if *self.budget == 0 || self.open.contains(&place) || self.open.len() >= LEVELS_MAX {
            return Type::String;
        }
        self.open.push(place);
        let ty = self.within(place);
        self.open.pop();
        ty
    }

    fn within(&mut self, place: usize) -> Type {
        let schema = self.schema;
        let node = schema.node(place);
        match &node.kind {
            Avro::Null => Type::Nullable(Box::new(Type::String)),
            Avro::Array(items) => Type::Array(Box::new(self.of(*items))),
            Avro::Map(values) => Type::Map(Box::new(Type::String), Box::new(self.of(*values))),
            Avro::Record(fields) if fields.is_empty() || fields.iter().any(|field| field.name == "null") => {
                Type::String
            }
            Avro::Record(fields) => {
                let element = |field: &formats::avro::Field| Element {
                    name: Some(field.name.clone()),
                    ty: self.of(field.node),
                };
                Type::Tuple(fields.iter().map(element).collect())
            }
            Avro::Union(branches) => self.union(branches),
            Avro::Enum(_) => Type::String,
            _ => scalar(schema, place),
        }
    }

    fn union(&mut self, branches: &[usize]) -> Type {
        let is_null = |place: &usize| self.schema.node(*place).kind == Avro::Null;
        let others: Vec<_> = branches.iter().filter(|place| !is_null(place)).copied().collect();
        let [inner] = others[..] else { return Type::Dynamic("Dynamic".into()) };
        let ty = self.of(inner);
        let has_null = others.len() < branches.len();
        if has_null && ty.can_be_nullable() && !matches!(ty, Type::Nullable(_)) {
            Type::Nullable(Box::new(ty))
        } else {
            ty
        }
    }
}

/// Whether values are points in time, wherever they were written.
pub fn is_instant(node: &Node) -> bool {
    matches!(Scalar::of(node), Some(Scalar::Timestamp(_)))
}

/// The type of values without parts.
pub fn scalar(schema: &Schema, place: usize) -> Type {
    let node = schema.node(place);
    match Scalar::of(node) {
        Some(Scalar::Boolean) => Type::Bool,
        Some(Scalar::Int) => Type::Int(4),
        Some(Scalar::Long) => Type::Int(8),
        Some(Scalar::Float) => Type::Float32,
        Some(Scalar::Double) => Type::Float64,
        Some(Scalar::Decimal(_) | Scalar::FixedDecimal(..)) => match node.logical {
            Some(Logical::Decimal { precision, scale }) if precision <= DIGITS_MAX => {
                Type::Decimal { precision: precision as usize, scale: scale as usize }
            }
            _ => Type::String,
        },
        Some(Scalar::FixedUuid) => Type::Uuid,
        Some(Scalar::Text) if node.logical == Some(Logical::Uuid) => Type::Uuid,
        Some(Scalar::Date) => Type::Date32,
        Some(Scalar::TimeMillis) => Type::Time64(3),
        Some(Scalar::TimeMicros) => Type::Time64(6),
        Some(Scalar::Timestamp(scale) | Scalar::Local(scale)) => Type::DateTime64(scale, None),
        Some(Scalar::Bytes | Scalar::Text | Scalar::Fixed(_) | Scalar::Duration) | None => Type::String,
    }
}

/// The most that a `Decimal` has.
const DIGITS_MAX: u64 = 76;
/// Above what tables have, below what a server reads.
const LEVELS_MAX: usize = 32;
