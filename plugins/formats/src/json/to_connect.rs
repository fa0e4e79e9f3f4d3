//! JSON Schemas in Connect's terms, as Confluent's converter maps them.

use super::schema::{Kind, Node, Schema, Use};
use super::{Decoder, member};
use crate::base64;
use crate::connect::{self, Shape};
use penstock_sdk::flat;
use serde_json::Value;

impl Schema {
    /// The schema in Connect's terms; `None` where these have no word for it: types that contain themselves, and
    /// types that can be anything.
    pub fn to_connect(&self) -> Option<connect::Schema> {
        let mut budget = SCHEMAS_MAX;
        self.mapped(self.root, &mut Vec::new(), &mut budget)
    }

    fn mapped(&self, of: Use, open: &mut Vec<usize>, budget: &mut usize) -> Option<connect::Schema> {
        *budget = budget.checked_sub(1)?;
        if open.contains(&of.place) {
            return None;
        }
        open.push(of.place);
        let node = self.node(of.place);
        let mut inner = |of: Use| self.mapped(of, open, budget);
        let shape = match &node.kind {
            Kind::Any => return None,
            Kind::Boolean => Shape::Boolean,
            Kind::Int8 => Shape::Int8,
            Kind::Int16 => Shape::Int16,
            Kind::Int32 => Shape::Int32,
            Kind::Int64 => Shape::Int64,
            Kind::Float32 => Shape::Float32,
            Kind::Float64 => Shape::Float64,
            Kind::Text | Kind::Enum(_) => Shape::Text,
            Kind::Bytes | Kind::Decimal { .. } => Shape::Bytes,
            Kind::Array(items) => Shape::Array(Box::new(inner(*items)?)),
            Kind::Map(values) => {
                Shape::Map(Box::new(connect::Schema::new(Shape::Text)), Box::new(inner(*values)?))
            }
            Kind::Entries(keys, values) => Shape::Map(Box::new(inner(*keys)?), Box::new(inner(*values)?)),
            Kind::Struct(fields) => {
                let fields = fields.iter().map(|(name, of)| Some((name.clone(), inner(*of)?)));
                Shape::Struct(fields.collect::<Option<_>>()?)
            }
            Kind::OneOf(members) => {
                let members =
                    members.iter().enumerate().map(|(place, of)| Some((member(place), inner(*of)?)));
                Shape::Struct(members.collect::<Option<_>>()?)
            }
        };
        open.pop();
        Some(connect::Schema {
            shape,
            optional: of.optional,
            name: node.name.clone(),
            version: node.version,
            doc: node.doc.clone(),
            parameters: node.parameters.clone(),
            default: self.default(node, of),
        })
    }

    /// The default as Connect's `JsonConverter` writes values, if it is one of the type.
    fn default(&self, node: &Node, of: Use) -> Option<Value> {
        let default = node.default.as_ref()?;
        let mut flat = Vec::new();
        Decoder::of(self, of).read(default.to_string().as_bytes(), &mut flat).ok()?;
        json(flat::Value::parse(&flat).ok()?)
    }
}

fn json(value: flat::Value<'_>) -> Option<Value> {
    Some(match value {
        flat::Value::Null => Value::Null,
        flat::Value::Boolean(value) => value.into(),
        flat::Value::Int8(value) => value.into(),
        flat::Value::Int16(value) => value.into(),
        flat::Value::Int32(value) => value.into(),
        flat::Value::Int64(value) => value.into(),
        flat::Value::Float32(value) => value.into(),
        flat::Value::Float64(value) => value.into(),
        flat::Value::Text(value) => value.into(),
        flat::Value::Bytes(value) => base64::text(value).into(),
        flat::Value::Array(items) => {
            items.iter().map(|item| json(item.ok()?)).collect::<Option<Vec<_>>>()?.into()
        }
        flat::Value::Struct(fields) => {
            let field = |field: Result<(&str, flat::Value<'_>), flat::Malformed>| {
                let (name, value) = field.ok()?;
                Some((name.to_owned(), json(value)?))
            };
            Value::Object(fields.iter().map(field).collect::<Option<_>>()?)
        }
        flat::Value::Map(_) => return None,
    })
}

/// A few types that each name the one before twice stand for a tree without end.
const SCHEMAS_MAX: usize = 100_000;
