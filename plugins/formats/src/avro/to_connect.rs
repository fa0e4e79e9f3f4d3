//! Avro schemas in Connect's terms, as Confluent's converter maps them.

use super::program::{entry, member};
use super::schema::{Field, Logical, Node, Schema, Type};
use super::{ENUM, FIXED_SIZE, PRECISION, PRECISION_DEFAULT, UNION, defaults};
use crate::connect::{self, Shape};
use serde_json::Value;

impl Schema {
    /// The schema in Connect's terms; `None` when a type contains itself, which these cannot say.
    pub fn to_connect(&self, is_enhanced: bool) -> Option<connect::Schema> {
        let mapping = Mapping { schema: self, is_enhanced };
        let mut budget = SCHEMAS_MAX;
        mapping.schema(self.root, &mut Vec::new(), &mut budget)
    }
}

struct Mapping<'a> {
    schema: &'a Schema,
    is_enhanced: bool,
}

impl Mapping<'_> {
    /// `open` are the types around this one; `budget` what may yet be made, as a name stands for a whole tree.
    fn schema(&self, place: usize, open: &mut Vec<usize>, budget: &mut usize) -> Option<connect::Schema> {
        *budget = budget.checked_sub(1)?;
        if open.contains(&place) {
            return None;
        }
        open.push(place);
        let node = self.schema.node(place);
        let mapped = match &node.kind {
            Type::Union(branches) => self.union(branches, open, budget),
            _ => self.plain(node, open, budget).map(|schema| Self::attributed(schema, node)),
        };
        open.pop();
        mapped
    }

    fn plain(&self, node: &Node, open: &mut Vec<usize>, budget: &mut usize) -> Option<connect::Schema> {
        let shape = match &node.kind {
            // A null alone is a string that is never there.
            Type::Null => return Some(connect::Schema::new(Shape::Text).optional()),
            Type::Boolean => Shape::Boolean,
            Type::Int => return Some(int(node)),
            Type::Long if node.logical == Some(Logical::TimestampMillis) => {
                return Some(connect::Schema::logical(Shape::Int64, connect::TIMESTAMP));
            }
            Type::Long => Shape::Int64,
            Type::Float => Shape::Float32,
            Type::Double => Shape::Float64,
            Type::Bytes | Type::Fixed(_) => return Some(bytes(node)),
            Type::String => Shape::Text,
            Type::Enum(symbols) => {
                let plain = connect::Schema::new(Shape::Text).parameter(ENUM, node.type_name());
                let with = |schema: connect::Schema, symbol: &String| {
                    schema.parameter(format!("{ENUM}.{symbol}"), symbol.as_str())
                };
                return Some(symbols.iter().fold(plain, with));
            }
            Type::Array(items) => match entry(self.schema, *items) {
                Some((key, value)) => Shape::Map(
                    Box::new(self.schema(key, open, budget)?),
                    Box::new(self.schema(value, open, budget)?),
                ),
                None => Shape::Array(Box::new(self.schema(*items, open, budget)?)),
            },
            Type::Map(values) => Shape::Map(
                Box::new(connect::Schema::new(Shape::Text)),
                Box::new(self.schema(*values, open, budget)?),
            ),
            Type::Record(fields) => {
                let fields =
                    fields.iter().map(|field| Some((field.name.clone(), self.field(field, open, budget)?)));
                Shape::Struct(fields.collect::<Option<_>>()?)
            }
            Type::Union(_) => return None,
        };
        Some(connect::Schema::new(shape))
    }

    fn field(&self, field: &Field, open: &mut Vec<usize>, budget: &mut usize) -> Option<connect::Schema> {
        let mut schema = self.schema(field.node, open, budget)?;
        if let Some(doc) = &field.doc {
            schema.doc = Some(doc.clone());
        }
        if let Some(default) = field.default.as_ref().filter(|default| !default.is_null()) {
            schema.default = defaults::to_connect(self.schema, field.node, default);
        }
        Some(schema)
    }

    fn union(
        &self,
        branches: &[usize],
        open: &mut Vec<usize>,
        budget: &mut usize,
    ) -> Option<connect::Schema> {
        let is_null = |place: &&usize| self.schema.node(**place).kind == Type::Null;
        let others: Vec<usize> = branches.iter().filter(|place| !is_null(place)).copied().collect();
        let optional = others.len() < branches.len();
        if let [inner] = others[..]
            && optional
        {
            return self.schema(inner, open, budget).map(connect::Schema::optional);
        }
        let mut fields = Vec::with_capacity(others.len());
        for place in others {
            let name = member(self.schema.node(place), self.is_enhanced).to_owned();
            fields.push((name, self.schema(place, open, budget)?.optional()));
        }
        let schema = connect::Schema::new(Shape::Struct(fields)).named(UNION);
        Some(connect::Schema { optional, ..schema })
    }

    /// What Connect's writers left in a type's attributes, and its name.
    fn attributed(mut schema: connect::Schema, node: &Node) -> connect::Schema {
        if let Some(version) = node.properties.get("connect.version").and_then(Value::as_i64) {
            schema.version = Some(version);
        }
        if let Some(doc) = node.text("connect.doc").or(node.doc.as_deref()) {
            schema.doc = Some(doc.to_owned());
        }
        for (key, value) in
            node.properties.get("connect.parameters").and_then(Value::as_object).into_iter().flatten()
        {
            if let Some(value) = value.as_str()
                && schema.given(key).is_none()
            {
                schema = schema.parameter(key, value);
            }
        }
        let own = node.text("connect.name").map(str::to_owned);
        let is_record = matches!(node.kind, Type::Record(_) | Type::Fixed(_));
        let named =
            node.name.clone().filter(|name| is_record && !name.starts_with(super::from_connect::UNNAMED));
        if let Some(name) = own.or_else(|| schema.name.take()).or(named) {
            schema.name = Some(name);
        }
        if let Some(default) = node.properties.get("connect.default") {
            schema.default = Some(default.clone());
        }
        schema
    }
}

fn int(node: &Node) -> connect::Schema {
    match (node.logical, node.text("connect.type")) {
        (Some(Logical::Date), _) => connect::Schema::logical(Shape::Int32, connect::DATE),
        (Some(Logical::TimeMillis), _) => connect::Schema::logical(Shape::Int32, connect::TIME),
        (_, Some("int8")) => connect::Schema::new(Shape::Int8),
        (_, Some("int16")) => connect::Schema::new(Shape::Int16),
        _ => connect::Schema::new(Shape::Int32),
    }
}

fn bytes(node: &Node) -> connect::Schema {
    let mut schema = match node.logical {
        Some(Logical::Decimal { precision, scale }) => {
            let decimal = connect::Schema::decimal(scale as i64);
            if precision == PRECISION_DEFAULT {
                decimal
            } else {
                decimal.parameter(PRECISION, precision.to_string())
            }
        }
        _ => connect::Schema::new(Shape::Bytes),
    };
    if let Type::Fixed(size) = node.kind {
        schema = schema.parameter(FIXED_SIZE, size.to_string());
    }
    schema
}

/// A few types that each name the one before twice stand for a tree without end.
const SCHEMAS_MAX: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(text: &str) -> String {
        Schema::parse(text, &[]).unwrap().to_connect(false).unwrap().text()
    }

    #[test]
    fn types_map_as_confluents_converter_maps_them() {
        for (avro, connect) in [
            (r#""int""#, r#"{"type":"int32","optional":false}"#),
            (r#"["null","long"]"#, r#"{"type":"int64","optional":true}"#),
            (r#"{"type":"int","connect.type":"int8"}"#, r#"{"type":"int8","optional":false}"#),
            (
                r#"{"type":"int","logicalType":"date"}"#,
                r#"{"type":"int32","optional":false,"name":"org.apache.kafka.connect.data.Date","version":1}"#,
            ),
            (
                r#"{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}"#,
                r#"{"type":"bytes","optional":false,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2","connect.decimal.precision":"10"}}"#,
            ),
            (
                r#"{"type":"fixed","name":"a.F","size":4}"#,
                r#"{"type":"bytes","optional":false,"name":"a.F","parameters":{"connect.fixed.size":"4"}}"#,
            ),
            (
                r#"{"type":"enum","name":"a.E","symbols":["X"]}"#,
                r#"{"type":"string","optional":false,"parameters":{"io.confluent.connect.avro.Enum":"a.E","io.confluent.connect.avro.Enum.X":"X"}}"#,
            ),
            (
                r#"["null","int","string"]"#,
                r#"{"type":"struct","fields":[{"type":"int32","optional":true,"field":"int"},{"type":"string","optional":true,"field":"string"}],"optional":true,"name":"io.confluent.connect.avro.Union"}"#,
            ),
            (
                r#"{"type":"record","name":"R","namespace":"n","doc":"d","connect.version":3,"fields":[
                    {"name":"a","type":"bytes","default":"\u00ff","doc":"about a"},{"name":"b","type":["null","int"],"default":null}]}"#,
                r#"{"type":"struct","fields":[{"type":"bytes","optional":false,"doc":"about a","default":"/w==","field":"a"},{"type":"int32","optional":true,"field":"b"}],"optional":false,"name":"n.R","version":3,"doc":"d"}"#,
            ),
        ] {
            assert_eq!(mapped(avro), connect, "{avro}");
        }
    }

    #[test]
    fn what_contains_itself_or_never_ends_has_no_schema_in_connect() {
        let list = r#"{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}"#;
        assert_eq!(Schema::parse(list, &[]).unwrap().to_connect(false), None);
        let mut text = r#"{"type":"record","name":"R0","fields":[]}"#.to_owned();
        for level in 1..40 {
            text = format!(
                r#"{{"type":"record","name":"R{level}","fields":[{{"name":"a","type":{text}}},{{"name":"b","type":"R{}"}}]}}"#,
                level - 1
            );
        }
        assert_eq!(Schema::parse(&text, &[]).unwrap().to_connect(false), None);
    }
}
