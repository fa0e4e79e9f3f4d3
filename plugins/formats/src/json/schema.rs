//! A JSON Schema as far as Connect's types can say it: types in one list that refer to each other by place.

use super::{Options, compile};
use crate::Result;
use crate::registry::Reference;
use serde_json::Value;

/// Types may refer to themselves, so they lie side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    pub(super) nodes: Vec<Node>,
    pub(super) root: Use,
}

/// A type where it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    pub place: usize,
    /// Whether null takes its place.
    pub optional: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub kind: Kind,
    pub name: Option<String>,
    pub version: Option<i64>,
    pub doc: Option<String>,
    pub parameters: Vec<(String, String)>,
    /// As in the schema.
    pub default: Option<Value>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Whatever comes: the schema says nothing that Connect has a type for.
    Any,
    Boolean,
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Text,
    Bytes,
    Decimal {
        scale: i64,
    },
    Enum(Vec<String>),
    Array(Use),
    Map(Use),
    /// A map whose keys are no strings: an array of objects of key and value.
    Entries(Use, Use),
    Struct(Vec<(String, Use)>),
    OneOf(Vec<Use>),
}

impl Schema {
    /// Reads a schema; those that it refers to are found by their names.
    pub fn parse(text: &str, references: &[Reference], options: Options) -> Result<Self> {
        compile::compile(text, references, options)
    }

    pub(super) fn node(&self, place: usize) -> &Node {
        self.nodes.get(place).unwrap_or(&ANYTHING)
    }

    /// The title of the whole, which is its name in Connect.
    #[cfg(test)]
    pub(super) fn title(&self) -> Option<&str> {
        self.node(self.root.place).name.as_deref()
    }
}

impl Node {
    pub(super) const fn new(kind: Kind) -> Self {
        Self { kind, name: None, version: None, doc: None, parameters: Vec::new(), default: None }
    }
}

static ANYTHING: Node = Node::new(Kind::Any);
