//! Reads Avro schemas from their JSON and checks them.

use super::schema::{Field, Logical, Node, Schema, Type};
use crate::{Error, Result};
use serde_json::{Map, Value};
use std::collections::HashMap;

pub fn parse(text: &str, references: &[&str]) -> Result<Schema> {
    let mut parser = Parser { nodes: Vec::new(), names: HashMap::new() };
    for reference in references {
        parser.read(reference).map_err(|why| Error::record(format!("referenced avro schema: {why}")))?;
    }
    let root = parser.read(text).map_err(|why| Error::record(format!("avro schema: {why}")))?;
    Ok(Schema { nodes: parser.nodes, root })
}

struct Parser {
    nodes: Vec<Node>,
    names: HashMap<String, usize>,
}

impl Parser {
    fn read(&mut self, text: &str) -> std::result::Result<usize, String> {
        // The JSON parser's own limit of 128 levels bounds what follows.
        let json = match serde_json::from_str(text) {
            Ok(json) => json,
            // A bare name is what some registries hand out for primitive types.
            Err(_) if text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.') => {
                Value::String(text.to_owned())
            }
            Err(error) => return Err(error.to_string()),
        };
        self.schema(&json, "")
    }

    fn schema(&mut self, json: &Value, namespace: &str) -> std::result::Result<usize, String> {
        match json {
            Value::String(name) => self.by_name(name, namespace),
            Value::Array(branches) => self.union(branches, namespace),
            Value::Object(object) => self.object(object, namespace),
            other => Err(format!("expected a type, got {other}")),
        }
    }

    fn by_name(&mut self, name: &str, namespace: &str) -> std::result::Result<usize, String> {
        if let Some(kind) = primitive(name) {
            return self.add(Node::new(kind));
        }
        let full = full_name(name, namespace);
        let found = self.names.get(&full).or_else(|| self.names.get(name));
        found.copied().ok_or_else(|| format!("unknown type {name:?}"))
    }

    fn add(&mut self, node: Node) -> std::result::Result<usize, String> {
        if self.nodes.len() >= NODES_MAX {
            return Err(format!("more than {NODES_MAX} types"));
        }
        self.nodes.push(node);
        Ok(self.nodes.len() - 1)
    }

    fn union(&mut self, branches: &[Value], namespace: &str) -> std::result::Result<usize, String> {
        let mut places: Vec<usize> = Vec::new();
        for branch in branches {
            let place = self.schema(branch, namespace)?;
            let new = &self.nodes[place];
            if matches!(new.kind, Type::Union(_)) {
                return Err("a union directly inside a union".to_owned());
            }
            if places.iter().any(|known| self.nodes[*known].type_name() == new.type_name()) {
                return Err(format!("a union with {} twice", new.type_name()));
            }
            places.push(place);
        }
        if places.is_empty() {
            return Err("a union of nothing".to_owned());
        }
        self.add(Node::new(Type::Union(places)))
    }

    fn object(&mut self, object: &Map<String, Value>, namespace: &str) -> std::result::Result<usize, String> {
        let kind = match object.get("type") {
            Some(Value::String(kind)) => kind.as_str(),
            // `{"type": {…}}` wraps a type that is written out.
            Some(inner @ (Value::Object(_) | Value::Array(_))) => return self.schema(inner, namespace),
            _ => return Err("expected a \"type\"".to_owned()),
        };
        match kind {
            "record" | "error" | "enum" | "fixed" => return self.named(kind, object, namespace),
            "array" => {
                let items = object.get("items").ok_or("an array needs \"items\"")?;
                let items = self.schema(items, namespace)?;
                return self.finish(Type::Array(items), object);
            }
            "map" => {
                let values = object.get("values").ok_or("a map needs \"values\"")?;
                let values = self.schema(values, namespace)?;
                return self.finish(Type::Map(values), object);
            }
            _ => {}
        }
        match primitive(kind) {
            Some(primitive) => self.finish(primitive, object),
            None => self.by_name(kind, namespace),
        }
    }

    fn finish(&mut self, kind: Type, object: &Map<String, Value>) -> std::result::Result<usize, String> {
        let node = with_attributes(Node::new(kind), object);
        self.add(node)
    }

    fn named(
        &mut self,
        kind: &str,
        object: &Map<String, Value>,
        outer: &str,
    ) -> std::result::Result<usize, String> {
        let name =
            object.get("name").and_then(Value::as_str).ok_or_else(|| format!("a {kind} needs a \"name\""))?;
        let own = object.get("namespace").and_then(Value::as_str).unwrap_or(outer);
        let full = full_name(name, own);
        if !full.split('.').all(is_name) {
            return Err(format!("{full:?} is no name"));
        }
        let namespace = full.rsplit_once('.').map_or("", |(namespace, _)| namespace).to_owned();
        // Registered before its fields, which may refer to it.
        let stand_in = Node { name: Some(full.clone()), ..Node::new(Type::Record(Vec::new())) };
        let place = self.add(stand_in)?;
        if self.names.insert(full.clone(), place).is_some() {
            return Err(format!("{full} is defined twice"));
        }
        let kind = match kind {
            "enum" => Type::Enum(symbols(object)?),
            "fixed" => Type::Fixed(size(object)?),
            _ => Type::Record(self.fields(object, &namespace).map_err(|why| format!("{full}: {why}"))?),
        };
        let mut node = with_attributes(Node::new(kind), object);
        node.name = Some(full);
        self.nodes[place] = node;
        Ok(place)
    }

    fn fields(
        &mut self,
        object: &Map<String, Value>,
        namespace: &str,
    ) -> std::result::Result<Vec<Field>, String> {
        let list = object.get("fields").and_then(Value::as_array).ok_or("a record needs \"fields\"")?;
        let mut fields: Vec<Field> = Vec::with_capacity(list.len());
        let mut names = std::collections::HashSet::new();
        for item in list {
            let name = item.get("name").and_then(Value::as_str).ok_or("a field needs a \"name\"")?;
            if !is_name(name) || !names.insert(name) {
                return Err(format!("field {name:?}: no name, or there twice"));
            }
            let of = item.get("type").ok_or_else(|| format!("field {name}: needs a \"type\""))?;
            let node = self.schema(of, namespace).map_err(|why| format!("field {name}: {why}"))?;
            let doc = item.get("doc").and_then(Value::as_str).map(str::to_owned);
            fields.push(Field { name: name.to_owned(), node, doc, default: item.get("default").cloned() });
        }
        Ok(fields)
    }
}

fn primitive(name: &str) -> Option<Type> {
    Some(match name {
        "null" => Type::Null,
        "boolean" => Type::Boolean,
        "int" => Type::Int,
        "long" => Type::Long,
        "float" => Type::Float,
        "double" => Type::Double,
        "bytes" => Type::Bytes,
        "string" => Type::String,
        _ => return None,
    })
}

fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() { name.to_owned() } else { format!("{namespace}.{name}") }
}

fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    // Java's library has long let letters of any alphabet pass, so such schemas exist.
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
}

fn symbols(object: &Map<String, Value>) -> std::result::Result<Vec<String>, String> {
    let list = object.get("symbols").and_then(Value::as_array).ok_or("an enum needs \"symbols\"")?;
    let mut symbols: Vec<String> = Vec::with_capacity(list.len());
    let mut known = std::collections::HashSet::new();
    for item in list {
        let symbol =
            item.as_str().filter(|symbol| is_name(symbol)).ok_or_else(|| format!("{item} is no symbol"))?;
        if !known.insert(symbol) {
            return Err(format!("symbol {symbol} is there twice"));
        }
        symbols.push(symbol.to_owned());
    }
    Ok(symbols)
}

fn size(object: &Map<String, Value>) -> std::result::Result<usize, String> {
    let size = object.get("size").and_then(Value::as_u64).and_then(|size| usize::try_from(size).ok());
    size.filter(|size| *size <= FIXED_MAX)
        .ok_or_else(|| format!("a fixed needs a \"size\" of at most {FIXED_MAX}"))
}

fn with_attributes(mut node: Node, object: &Map<String, Value>) -> Node {
    node.doc = object.get("doc").and_then(Value::as_str).map(str::to_owned);
    node.logical = logical(&node.kind, object);
    let own = object.iter().filter(|(key, _)| !ATTRIBUTES.contains(&key.as_str()));
    node.properties = own.map(|(key, value)| (key.clone(), value.clone())).collect();
    node
}

fn logical(kind: &Type, object: &Map<String, Value>) -> Option<Logical> {
    let name = object.get("logicalType").and_then(Value::as_str)?;
    Some(match (name, kind) {
        ("decimal", Type::Bytes | Type::Fixed(_)) => {
            let number = |key: &str| object.get(key).and_then(Value::as_u64);
            let (precision, scale) = (number("precision")?, number("scale").unwrap_or(0));
            if precision == 0 || scale > precision {
                return None;
            }
            Logical::Decimal { precision, scale }
        }
        ("uuid", Type::String | Type::Fixed(16)) => Logical::Uuid,
        ("date", Type::Int) => Logical::Date,
        ("time-millis", Type::Int) => Logical::TimeMillis,
        ("time-micros", Type::Long) => Logical::TimeMicros,
        ("timestamp-millis", Type::Long) => Logical::TimestampMillis,
        ("timestamp-micros", Type::Long) => Logical::TimestampMicros,
        ("timestamp-nanos", Type::Long) => Logical::TimestampNanos,
        ("local-timestamp-millis", Type::Long) => Logical::LocalTimestampMillis,
        ("local-timestamp-micros", Type::Long) => Logical::LocalTimestampMicros,
        ("local-timestamp-nanos", Type::Long) => Logical::LocalTimestampNanos,
        ("duration", Type::Fixed(12)) => Logical::Duration,
        _ => return None,
    })
}

const ATTRIBUTES: [&str; 13] = [
    "type",
    "name",
    "namespace",
    "doc",
    "aliases",
    "fields",
    "symbols",
    "size",
    "items",
    "values",
    "logicalType",
    "precision",
    "scale",
];
/// Both far above what schemas of people have; a schema is other people's text.
const NODES_MAX: usize = 100_000;
const FIXED_MAX: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_resolve_in_their_namespace_and_across_references() {
        let address = r#"{"type":"record","name":"Address","namespace":"a.b","fields":[{"name":"city","type":"string"}]}"#;
        let person = r#"{"type":"record","name":"Person","namespace":"a.b","fields":[
            {"name":"home","type":"Address"},{"name":"work","type":["null","a.b.Address"]},{"name":"boss","type":["null","Person"]}]}"#;
        let schema = Schema::parse(person, &[address]).unwrap();
        let Type::Record(fields) = &schema.root().kind else { panic!("a record") };
        assert_eq!(schema.node(fields[0].node).name.as_deref(), Some("a.b.Address"));
        let Type::Union(branches) = &schema.node(fields[2].node).kind else { panic!("a union") };
        assert_eq!(schema.node(branches[1]), schema.root());
    }

    #[test]
    fn wrong_schemas_are_refused_with_a_reason() {
        for (text, part) in [
            ("", "unknown type"),
            ("{", "EOF"),
            ("1", "expected a type"),
            (r#""Address""#, "unknown type \"Address\""),
            (r#"{"type":"array"}"#, "needs \"items\""),
            (r#"["null","null"]"#, "null twice"),
            (r#"["null",["int"]]"#, "inside a union"),
            ("[]", "a union of nothing"),
            (r#"{"type":"enum","name":"E","symbols":["A","A"]}"#, "A is there twice"),
            (r#"{"type":"fixed","name":"F"}"#, "needs a \"size\""),
            (r#"{"type":"fixed","name":"F","size":99999999999}"#, "at most"),
            (r#"{"type":"record","name":"R-1","fields":[]}"#, "is no name"),
            (
                r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}"#,
                "there twice",
            ),
            (
                r#"{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"record","name":"R","fields":[]}}]}"#,
                "defined twice",
            ),
        ] {
            let error = Schema::parse(text, &[]).unwrap_err();
            assert!(error.message().contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn a_logical_type_that_does_not_fit_counts_as_none() {
        let of = |text: &str| Schema::parse(text, &[]).unwrap().root().logical;
        assert_eq!(of(r#"{"type":"int","logicalType":"date"}"#), Some(Logical::Date));
        assert_eq!(of(r#"{"type":"string","logicalType":"date"}"#), None);
        assert_eq!(of(r#"{"type":"bytes","logicalType":"decimal","precision":2,"scale":3}"#), None);
    }
}
