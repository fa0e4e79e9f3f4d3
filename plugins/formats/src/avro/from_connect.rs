//! Connect's schemas as Avro, as Confluent's converter writes them.

use super::{ENUM, FIXED_SIZE, MAP_ENTRY, NAMESPACE, PRECISION, PRECISION_DEFAULT, UNION};
use crate::connect::{DATE, Schema, Shape, TIME, TIMESTAMP};
use crate::{Error, Result, base64};
use serde_json::{Map, Value, json};

/// What the settings say about schemas that are written.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// `enhanced.avro.schema.support`: enums and unions come back as what they were.
    pub is_enhanced: bool,
    /// `connect.meta.data`: Connect's own names, versions and parameters are kept in attributes.
    pub keeps_metadata: bool,
}

/// The Avro schema for a schema of Connect, as JSON.
pub fn from_connect(schema: &Schema, options: Options) -> Result<Value> {
    let mut writing = Writing { options, named: Vec::new(), unnamed: 0 };
    writing.schema(schema)
}

struct Writing<'a> {
    options: Options,
    /// Names and the structs they stand for: a second use is the name alone.
    named: Vec<(String, &'a Schema)>,
    unnamed: usize,
}

impl<'a> Writing<'a> {
    fn schema(&mut self, schema: &'a Schema) -> Result<Value> {
        let plain = self.required(schema)?;
        let default = Self::default(schema);
        if !schema.optional {
            return Ok(plain);
        }
        // A default is of the first type of a union.
        let nulls_first = default.is_none();
        match plain {
            Value::Array(mut branches) => {
                branches.insert(if nulls_first { 0 } else { branches.len() }, "null".into());
                Ok(Value::Array(branches))
            }
            plain if nulls_first => Ok(json!(["null", plain])),
            plain => Ok(json!([plain, "null"])),
        }
    }

    fn required(&mut self, schema: &'a Schema) -> Result<Value> {
        let mut object = Map::new();
        let mut put = |key: &str, value: Value| drop(object.insert(key.to_owned(), value));
        match &schema.shape {
            Shape::Boolean => put("type", "boolean".into()),
            Shape::Int8 | Shape::Int16 => {
                put("type", "int".into());
                put("connect.type", schema.shape.name().into());
            }
            Shape::Int32 | Shape::Int64 => {
                put("type", if schema.shape == Shape::Int32 { "int" } else { "long" }.into());
                if let Some(logical) = logical(schema) {
                    put("logicalType", logical.into());
                }
            }
            Shape::Float32 => put("type", "float".into()),
            Shape::Float64 => put("type", "double".into()),
            Shape::Text => return self.text(schema),
            Shape::Bytes => self.bytes(schema, &mut object)?,
            Shape::Array(items) => {
                let items = self.schema(items)?;
                put("type", "array".into());
                put("items", items);
            }
            Shape::Map(keys, values) => {
                let values = self.schema(values)?;
                if keys.shape == Shape::Text && !keys.optional {
                    put("type", "map".into());
                    put("values", values);
                } else {
                    let keys = self.schema(keys)?;
                    let entry = self.entry_name();
                    put("type", "array".into());
                    put(
                        "items",
                        json!({"type": "record", "name": entry, "namespace": NAMESPACE,
                        "fields": [{"name": "key", "type": keys}, {"name": "value", "type": values}],
                        "connect.internal.type": MAP_ENTRY}),
                    );
                }
            }
            Shape::Struct(fields) if schema.name.as_deref() == Some(UNION) => return self.union(fields),
            Shape::Struct(fields) => return self.record(schema, fields),
        }
        self.describe(schema, &mut object);
        Ok(simple(object))
    }

    fn text(&mut self, schema: &'a Schema) -> Result<Value> {
        if let Some(name) = schema.given(ENUM).filter(|_| self.options.is_enhanced) {
            let prefix = format!("{ENUM}.");
            let symbols = schema.parameters.iter().filter(|(key, _)| key.starts_with(&prefix));
            let symbols: Vec<&str> = symbols.map(|(_, symbol)| symbol.as_str()).collect();
            if self.is_known(name, schema)? {
                return Ok(name.into());
            }
            return Ok(json!({"type": "enum", "name": name, "symbols": symbols}));
        }
        let mut object = Map::from_iter([("type".to_owned(), "string".into())]);
        self.describe(schema, &mut object);
        Ok(simple(object))
    }

    fn bytes(&mut self, schema: &'a Schema, object: &mut Map<String, Value>) -> Result<()> {
        let mut put = |key: &str, value: Value| drop(object.insert(key.to_owned(), value));
        let size: Option<u64> = schema.given(FIXED_SIZE).and_then(|size| size.parse().ok());
        match (size, &schema.name) {
            (Some(size), Some(name)) if schema.scale().is_none() => {
                if self.is_known(name, schema)? {
                    put("type", name.as_str().into());
                    return Ok(());
                }
                put("type", "fixed".into());
                put("name", name.as_str().into());
                put("size", size.into());
            }
            _ => put("type", "bytes".into()),
        }
        if let Some(scale) = schema.scale() {
            let precision =
                schema.given(PRECISION).and_then(|digits| digits.parse().ok()).unwrap_or(PRECISION_DEFAULT);
            put("logicalType", "decimal".into());
            put("scale", scale.into());
            put("precision", precision.into());
        }
        Ok(())
    }

    fn union(&mut self, fields: &'a [(String, Schema)]) -> Result<Value> {
        fields.iter().map(|(_, member)| self.required(member)).collect::<Result<Vec<_>>>().map(Value::Array)
    }

    fn record(&mut self, schema: &'a Schema, fields: &'a [(String, Schema)]) -> Result<Value> {
        let name = match &schema.name {
            Some(name) => name.clone(),
            None => self.unnamed_name(),
        };
        if schema.name.is_some() && self.is_known(&name, schema)? {
            return Ok(name.into());
        }
        let (namespace, simple) = name.rsplit_once('.').unwrap_or(("", &name));
        let mut object = Map::from_iter([("type".to_owned(), Value::from("record"))]);
        object.insert("name".to_owned(), simple.into());
        if !namespace.is_empty() {
            object.insert("namespace".to_owned(), namespace.into());
        }
        let mut list = Vec::with_capacity(fields.len());
        for (name, field) in fields {
            let of = self.schema(field).map_err(|error| error.during(format_args!("field {name}")))?;
            let mut entry =
                Map::from_iter([("name".to_owned(), name.as_str().into()), ("type".to_owned(), of)]);
            if let Some(doc) = &field.doc {
                entry.insert("doc".to_owned(), doc.as_str().into());
            }
            match Self::default(field) {
                Some(default) => drop(entry.insert("default".to_owned(), default)),
                None if field.optional => drop(entry.insert("default".to_owned(), Value::Null)),
                None => {}
            }
            list.push(Value::Object(entry));
        }
        object.insert("fields".to_owned(), list.into());
        self.describe(schema, &mut object);
        Ok(Value::Object(object))
    }

    /// Whether a name was given to this very type before; another type of the same name cannot be written.
    fn is_known(&mut self, name: &str, schema: &'a Schema) -> Result<bool> {
        match self.named.iter().find(|(known, _)| known == name) {
            Some((_, known)) if known.shape == schema.shape => Ok(true),
            Some(_) => Err(Error::record(format!("two different schemas have the name {name}"))),
            None => {
                self.named.push((name.to_owned(), schema));
                Ok(false)
            }
        }
    }

    fn unnamed_name(&mut self) -> String {
        self.unnamed += 1;
        if self.unnamed == 1 { UNNAMED.to_owned() } else { format!("{UNNAMED}{}", self.unnamed) }
    }

    fn entry_name(&mut self) -> String {
        self.unnamed += 1;
        if self.unnamed == 1 { MAP_ENTRY.to_owned() } else { format!("{MAP_ENTRY}{}", self.unnamed) }
    }

    /// What Avro has no word for.
    fn describe(&self, schema: &Schema, object: &mut Map<String, Value>) {
        if !self.options.keeps_metadata {
            return;
        }
        if let Some(doc) = &schema.doc {
            object.insert("connect.doc".to_owned(), doc.as_str().into());
        }
        if let Some(version) = schema.version {
            object.insert("connect.version".to_owned(), version.into());
        }
        if !schema.parameters.is_empty() {
            let entries = schema.parameters.iter().map(|(k, v)| (k.clone(), Value::from(v.as_str())));
            object.insert("connect.parameters".to_owned(), Value::Object(entries.collect()));
        }
        if let Some(name) = &schema.name {
            object.insert("connect.name".to_owned(), name.as_str().into());
        }
    }

    /// A default that Avro can have; structures and maps of them stay without.
    fn default(schema: &Schema) -> Option<Value> {
        let default = schema.default.as_ref()?;
        Some(match (&schema.shape, default) {
            (Shape::Bytes, Value::String(text)) => {
                base64::bytes(text)?.into_iter().map(char::from).collect::<String>().into()
            }
            (Shape::Text, Value::String(_))
            | (Shape::Boolean, Value::Bool(_))
            | (
                Shape::Int8 | Shape::Int16 | Shape::Int32 | Shape::Int64 | Shape::Float32 | Shape::Float64,
                Value::Number(_),
            ) => default.clone(),
            _ => return None,
        })
    }
}

fn logical(schema: &Schema) -> Option<&'static str> {
    match (schema.name.as_deref()?, &schema.shape) {
        (DATE, Shape::Int32) => Some("date"),
        (TIME, Shape::Int32) => Some("time-millis"),
        (TIMESTAMP, Shape::Int64) => Some("timestamp-millis"),
        _ => None,
    }
}

/// A type without attributes is its name.
fn simple(object: Map<String, Value>) -> Value {
    match object.get("type") {
        Some(kind @ Value::String(_)) if object.len() == 1 => kind.clone(),
        _ => Value::Object(object),
    }
}

/// Structs without a name get this one.
pub(super) const UNNAMED: &str = "io.confluent.connect.avro.ConnectDefault";
