//! Makes Connect's types of a JSON Schema.

use super::documents::Documents;
use super::schema::{Kind, Node, Schema, Use};
use super::{ENUM, INDEX, ONE_OF, Options, PARAMETERS, TYPE, VERSION, merge};
use crate::connect::{DECIMAL, SCALE};
use crate::registry::Reference;
use crate::{Error, Result};
use serde_json::{Map, Value};
use std::collections::HashMap;

pub fn compile(text: &str, references: &[Reference], options: Options) -> Result<Schema> {
    let documents = Documents::parse(text, references)?;
    let mut compiling = Compiling {
        documents: &documents,
        options,
        nodes: Vec::new(),
        places: HashMap::new(),
        budget: SCHEMAS_MAX,
    };
    let at = At { document: 0, pointer: String::new(), depth: DEPTH_MAX };
    let root = compiling.used(&at, documents.root())?;
    Ok(Schema { nodes: compiling.nodes, root })
}

struct Compiling<'a> {
    documents: &'a Documents,
    options: Options,
    nodes: Vec<Node>,
    /// By document and pointer: a type may be used in many places, and in itself.
    places: HashMap<(usize, String), usize>,
    /// What may yet be looked at.
    budget: usize,
}

/// Where a schema stands, and how many may yet stand in it.
struct At {
    document: usize,
    pointer: String,
    depth: usize,
}

impl At {
    fn inner(&self, more: &str) -> Result<Self> {
        let depth = self.depth.checked_sub(1);
        let depth =
            depth.ok_or_else(|| Error::record(format!("JSON schema: nests deeper than {DEPTH_MAX}")))?;
        Ok(Self { document: self.document, pointer: format!("{}/{more}", self.pointer), depth })
    }
}

impl Compiling<'_> {
    fn used(&mut self, at: &At, schema: &Value) -> Result<Use> {
        self.budget =
            self.budget.checked_sub(1).ok_or_else(|| Error::record("JSON schema: it is too large"))?;
        let Value::Object(object) = schema else {
            return Ok(Use { place: self.add(Node::new(Kind::Any)), optional: false });
        };
        if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
            let (part, target) = self.documents.resolve(at.document, reference)?;
            let depth = at.inner("")?.depth;
            return self.used(&At { document: part.document, pointer: part.pointer, depth }, target);
        }
        if object.contains_key("allOf") {
            let merged = merge::all_of(self.documents, at.document, object, &mut self.budget)?;
            return self.used(&at.inner("allOf")?, &merged);
        }
        if let Some(choice) = choice(object) {
            let others: Vec<(usize, &Value)> =
                choice.iter().enumerate().filter(|(_, member)| !is_null(member)).collect();
            let optional = others.len() < choice.len();
            if let ([(place, only)], true) = (&others[..], optional) {
                let inner = self.used(&at.inner(&format!("oneOf/{place}"))?, only)?;
                return Ok(Use { optional: true, ..inner });
            }
            let place = self.place(at, object, |compiling| compiling.one_of(at, &others))?;
            return Ok(Use { place, optional });
        }
        let (types, optional) = types(object);
        let place = match &types[..] {
            [] | [_] => {
                self.place(at, object, |compiling| compiling.kind(at, object, types.first().copied()))?
            }
            several => {
                // Each type on its own, as if they were the members of `oneOf`.
                let member = |name: &&str| {
                    let mut single = object.clone();
                    single.insert("type".to_owned(), (*name).into());
                    Value::Object(single)
                };
                let members: Vec<Value> = several.iter().map(member).collect();
                let others: Vec<(usize, &Value)> = members.iter().enumerate().collect();
                self.place(at, object, |compiling| compiling.one_of(at, &others))?
            }
        };
        Ok(Use { place, optional })
    }

    fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// The place of a type, which is made if it is new; it may be used while it is made.
    fn place(
        &mut self,
        at: &At,
        object: &Map<String, Value>,
        make: impl FnOnce(&mut Self) -> Result<Kind>,
    ) -> Result<usize> {
        let key = (at.document, at.pointer.clone());
        if let Some(place) = self.places.get(&key) {
            return Ok(*place);
        }
        let place = self.add(Node::new(Kind::Any));
        self.places.insert(key, place);
        let kind = make(self)?;
        if let Some(node) = self.nodes.get_mut(place) {
            *node = described(kind, object);
        }
        Ok(place)
    }

    fn one_of(&mut self, at: &At, members: &[(usize, &Value)]) -> Result<Kind> {
        let members = members.iter().map(|(place, member)| {
            let inner = self.used(&at.inner(&format!("oneOf/{place}"))?, member)?;
            Ok(Use { optional: true, ..inner })
        });
        members.collect::<Result<_>>().map(Kind::OneOf)
    }

    fn kind(&mut self, at: &At, object: &Map<String, Value>, of: Option<&str>) -> Result<Kind> {
        let own = object.get(TYPE).and_then(Value::as_str);
        Ok(match (of.or_else(|| implied(object)), own) {
            (Some("boolean"), _) => Kind::Boolean,
            (Some("integer" | "number"), Some("int8")) => Kind::Int8,
            (Some("integer" | "number"), Some("int16")) => Kind::Int16,
            (Some("integer" | "number"), Some("int32")) => Kind::Int32,
            (Some("integer" | "number"), Some("float32")) => Kind::Float32,
            (Some("integer" | "number"), Some("float64")) => Kind::Float64,
            (Some("integer" | "number" | "string"), Some("bytes"))
                if text(object, "title") == Some(DECIMAL) =>
            {
                let scale = object.get(PARAMETERS).and_then(|parameters| parameters.get(SCALE));
                let scale = scale.and_then(|scale| scale.as_str()?.parse().ok()).unwrap_or(0);
                Kind::Decimal { scale }
            }
            (Some("integer"), _) | (Some("number"), Some("int64")) => Kind::Int64,
            (Some("number"), _) => Kind::Float64,
            (Some("string"), Some("bytes")) => Kind::Bytes,
            (Some("string"), _) => match object.get("enum").and_then(Value::as_array) {
                Some(symbols) => Kind::Enum(
                    symbols.iter().filter_map(|symbol| symbol.as_str().map(str::to_owned)).collect(),
                ),
                None => Kind::Text,
            },
            (Some("array"), own) => self.array(at, object, own == Some("map"))?,
            (Some("object"), own) => self.object(at, object, own == Some("map"))?,
            _ => Kind::Any,
        })
    }

    fn array(&mut self, at: &At, object: &Map<String, Value>, is_map: bool) -> Result<Kind> {
        let Some(items) = object.get("items") else {
            return Ok(Kind::Array(Use { place: self.add(Node::new(Kind::Any)), optional: true }));
        };
        let entry =
            |key: &str| items.get("properties").and_then(|properties| properties.get(key)).filter(|_| is_map);
        if let (Some(key), Some(value)) = (entry("key"), entry("value")) {
            let key = self.used(&at.inner("items/properties/key")?, key)?;
            return Ok(Kind::Entries(key, self.used(&at.inner("items/properties/value")?, value)?));
        }
        Ok(Kind::Array(self.used(&at.inner("items")?, items)?))
    }

    fn object(&mut self, at: &At, object: &Map<String, Value>, is_map: bool) -> Result<Kind> {
        let properties = object.get("properties").and_then(Value::as_object);
        let Some(properties) = properties.filter(|properties| !is_map && !properties.is_empty()) else {
            // An object that says nothing of its properties is a map.
            return Ok(Kind::Map(match object.get("additionalProperties") {
                Some(values @ Value::Object(_)) => self.used(&at.inner("additionalProperties")?, values)?,
                _ => Use { place: self.add(Node::new(Kind::Any)), optional: true },
            }));
        };
        let required =
            object.get("required").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut fields = Vec::with_capacity(properties.len());
        for (place, (name, schema)) in properties.iter().enumerate() {
            let escaped = name.replace('~', "~0").replace('/', "~1");
            let inner = self.used(&at.inner(&format!("properties/{escaped}"))?, schema);
            let mut inner = inner.map_err(|error| error.during(format_args!("property {name}")))?;
            inner.optional |= self.options.needs_only_required && !required.iter().any(|known| known == name);
            let index = schema.get(INDEX).and_then(Value::as_u64).unwrap_or(place as u64);
            fields.push((index, (name.clone(), inner)));
        }
        fields.sort_by_key(|(index, _)| *index);
        Ok(Kind::Struct(fields.into_iter().map(|(_, field)| field).collect()))
    }
}

/// The members of a choice, unless the schema says what it is beside it.
fn choice(object: &Map<String, Value>) -> Option<&Vec<Value>> {
    let members = object.get("oneOf").or_else(|| object.get("anyOf"))?.as_array()?;
    (!object.contains_key("properties") && !object.contains_key("type")).then_some(members)
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").is_some_and(|of| of == "null")
}

/// The types that a schema names but null, and whether null is one of them.
fn types(object: &Map<String, Value>) -> (Vec<&str>, bool) {
    let all: Vec<&str> = match object.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let others: Vec<&str> = all.iter().copied().filter(|of| *of != "null").collect();
    let optional = others.len() < all.len();
    (others, optional)
}

/// The type that a schema means without naming it.
fn implied(object: &Map<String, Value>) -> Option<&'static str> {
    let of = |value: &Value| match value {
        Value::String(_) => Some("string"),
        Value::Bool(_) => Some("boolean"),
        Value::Number(number) if number.is_f64() => Some("number"),
        Value::Number(_) => Some("integer"),
        _ => None,
    };
    if object.contains_key("properties") {
        return Some("object");
    }
    if object.contains_key("items") {
        return Some("array");
    }
    if let Some(value) = object.get("const") {
        return of(value);
    }
    let values = object.get("enum")?.as_array()?;
    let first = of(values.first()?)?;
    values.iter().all(|value| of(value) == Some(first)).then_some(first)
}

/// A type with its name and what else Connect's writers left.
fn described(kind: Kind, object: &Map<String, Value>) -> Node {
    let mut parameters = Vec::new();
    if let Kind::Enum(symbols) = &kind {
        parameters.push((ENUM.to_owned(), String::new()));
        parameters.extend(symbols.iter().map(|symbol| (format!("{ENUM}.{symbol}"), symbol.clone())));
    }
    let given = object.get(PARAMETERS).and_then(Value::as_object).into_iter().flatten();
    parameters.extend(given.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))));
    let name = match &kind {
        Kind::OneOf(_) => Some(ONE_OF.to_owned()),
        _ => text(object, "title").map(str::to_owned),
    };
    Node {
        kind,
        name,
        version: object.get(VERSION).and_then(Value::as_i64),
        doc: text(object, "description").map(str::to_owned),
        parameters,
        default: object.get("default").filter(|default| !default.is_null()).cloned(),
    }
}

fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str)
}

/// Far above what people write.
const SCHEMAS_MAX: usize = 100_000;
const DEPTH_MAX: usize = 200;
