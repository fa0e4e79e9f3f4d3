//! An Avro schema as its author wrote it, names resolved: types in one list that refer to each other by place.

use super::{canonical, parse};
use crate::Result;
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// Types may refer to themselves, so they lie side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    pub(super) nodes: Vec<Node>,
    pub(super) root: usize,
}

/// One type.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub kind: Type,
    pub logical: Option<Logical>,
    /// Full name of a record, enum or fixed.
    pub name: Option<String>,
    pub doc: Option<String>,
    /// Attributes that Avro itself has no meaning for, Connect's among them.
    pub properties: Map<String, Value>,
}

/// What a type is made of; numbers are places for [`Schema::node`].
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Array(usize),
    Map(usize),
    Record(Vec<Field>),
    Enum(Vec<String>),
    Fixed(usize),
    Union(Vec<usize>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub name: String,
    pub node: usize,
    pub doc: Option<String>,
    /// As in the schema, JSON's null for one that is null.
    pub default: Option<Value>,
}

/// What plain values mean. A logical type on a type that it does not fit counts as none, as Avro demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logical {
    Decimal { precision: u64, scale: u64 },
    Uuid,
    Date,
    TimeMillis,
    TimeMicros,
    TimestampMillis,
    TimestampMicros,
    TimestampNanos,
    LocalTimestampMillis,
    LocalTimestampMicros,
    LocalTimestampNanos,
    Duration,
}

impl Schema {
    /// Reads a schema. The ones that it refers to by name come first, each after those that it refers to itself.
    pub fn parse(text: &str, references: &[&str]) -> Result<Self> {
        parse::parse(text, references)
    }

    pub fn root(&self) -> &Node {
        self.node(self.root)
    }

    /// Where [`Self::root`] is.
    pub fn root_place(&self) -> usize {
        self.root
    }

    /// How many types there are; places count from 0.
    pub fn places(&self) -> usize {
        self.nodes.len()
    }

    /// The type at a place that this schema gave.
    pub fn node(&self, place: usize) -> &Node {
        self.nodes.get(place).unwrap_or(&NOTHING)
    }

    /// The form in which equal schemas have equal texts.
    pub fn canonical(&self) -> String {
        canonical::text(self)
    }

    /// What the header of single objects has.
    pub fn fingerprint(&self) -> u64 {
        canonical::fingerprint(self.canonical().as_bytes())
    }
}

static NOTHING: LazyLock<Node> = LazyLock::new(|| Node::new(Type::Null));

impl Node {
    pub(super) fn new(kind: Type) -> Self {
        Self { kind, logical: None, name: None, doc: None, properties: Map::new() }
    }

    pub(super) fn text(&self, property: &str) -> Option<&str> {
        self.properties.get(property).and_then(Value::as_str)
    }

    /// The type's name in Avro, or its own.
    pub fn type_name(&self) -> &str {
        match &self.kind {
            Type::Null => "null",
            Type::Boolean => "boolean",
            Type::Int => "int",
            Type::Long => "long",
            Type::Float => "float",
            Type::Double => "double",
            Type::Bytes => "bytes",
            Type::String => "string",
            Type::Array(_) => "array",
            Type::Map(_) => "map",
            Type::Union(_) => "union",
            Type::Record(_) => self.name.as_deref().unwrap_or("record"),
            Type::Enum(_) => self.name.as_deref().unwrap_or("enum"),
            Type::Fixed(_) => self.name.as_deref().unwrap_or("fixed"),
        }
    }
}
