//! What a schema's values become, compiled once: the decoder follows it, byte by byte, without looking at the schema.

use super::schema::{Node, Schema, Type};
use super::{MAP_ENTRY, NAMESPACE};

/// Steps lie side by side, as types may contain themselves; numbers are places in the list.
#[derive(Debug)]
pub struct Program {
    pub steps: Vec<Step>,
    pub root: usize,
}

#[derive(Debug)]
pub enum Step {
    Null,
    Boolean,
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Text,
    Bytes,
    /// Bytes of a number: shortened, as Java's are.
    Decimal(Option<usize>),
    Fixed(usize),
    Enum(Vec<Box<str>>),
    Array(usize),
    Map(usize),
    /// An array of records of key and value.
    Entries(usize, usize),
    Struct(Vec<(Box<str>, usize)>),
    /// A union of null and one other type, and which of the two null is.
    Optional {
        null: u8,
        inner: usize,
    },
    Union(Vec<Branch>),
}

/// One type of a union: the field that holds it, none for null.
#[derive(Debug)]
pub struct Branch {
    pub field: Option<Box<str>>,
    pub step: usize,
}

/// Places of steps are those of the schema's types.
pub fn compile(schema: &Schema, is_enhanced: bool) -> Program {
    let steps = (0..schema.nodes.len()).map(|place| step(schema, place, is_enhanced)).collect();
    Program { steps, root: schema.root }
}

fn step(schema: &Schema, place: usize, is_enhanced: bool) -> Step {
    let node = schema.node(place);
    let is_decimal = matches!(node.logical, Some(super::Logical::Decimal { .. }));
    match &node.kind {
        Type::Null => Step::Null,
        Type::Boolean => Step::Boolean,
        Type::Int => match node.text("connect.type") {
            Some("int8") => Step::Int8,
            Some("int16") => Step::Int16,
            _ => Step::Int32,
        },
        Type::Long => Step::Int64,
        Type::Float => Step::Float32,
        Type::Double => Step::Float64,
        Type::Bytes if is_decimal => Step::Decimal(None),
        Type::Bytes => Step::Bytes,
        Type::String => Step::Text,
        Type::Fixed(size) if is_decimal => Step::Decimal(Some(*size)),
        Type::Fixed(size) => Step::Fixed(*size),
        Type::Enum(symbols) => Step::Enum(symbols.iter().map(|symbol| symbol.as_str().into()).collect()),
        Type::Array(items) => {
            entry(schema, *items).map_or(Step::Array(*items), |(key, value)| Step::Entries(key, value))
        }
        Type::Map(values) => Step::Map(*values),
        Type::Record(fields) => {
            Step::Struct(fields.iter().map(|field| (field.name.as_str().into(), field.node)).collect())
        }
        Type::Union(branches) => union(schema, branches, is_enhanced),
    }
}

fn union(schema: &Schema, branches: &[usize], is_enhanced: bool) -> Step {
    let is_null = |place: &usize| schema.node(*place).kind == Type::Null;
    match branches {
        [null, inner] if is_null(null) => Step::Optional { null: 0, inner: *inner },
        [inner, null] if is_null(null) => Step::Optional { null: 1, inner: *inner },
        _ => Step::Union(
            branches
                .iter()
                .map(|place| Branch {
                    field: (!is_null(place)).then(|| member(schema.node(*place), is_enhanced).into()),
                    step: *place,
                })
                .collect(),
        ),
    }
}

/// The name of a union's member among the fields of its struct.
pub fn member(node: &Node, is_enhanced: bool) -> &str {
    let name = node.type_name();
    if is_enhanced { name } else { name.rsplit('.').next().unwrap_or(name) }
}

/// Types of key and value, when an array's items are entries of a map.
pub fn entry(schema: &Schema, items: usize) -> Option<(usize, usize)> {
    let node = schema.node(items);
    let Type::Record(fields) = &node.kind else { return None };
    let name = node.name.as_deref()?;
    let is_marked = node.text("connect.internal.type") == Some(MAP_ENTRY)
        || name.strip_prefix(NAMESPACE).is_some_and(|rest| rest.trim_start_matches('.') == MAP_ENTRY);
    match &fields[..] {
        [key, value] if is_marked && key.name == "key" && value.name == "value" => {
            Some((key.node, value.node))
        }
        _ => None,
    }
}
