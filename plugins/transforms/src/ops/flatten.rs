//! `Flatten`: brings the fields of inner structs or maps up, under names made of all names on the way.
use crate::entries::{Cursor, Entries, Maker, is_null};
use crate::memo::Memo;
use crate::ops::NULL;
use crate::record::Slot;
use crate::schema::{Fields, Schema, Shape};
use crate::settings::Settings;
use crate::{Error, Result};
use penstock_sdk::flat::{DEPTH_MAX, MAP, STRUCT};
use std::sync::Arc;

#[derive(Debug)]
pub struct Flatten {
    delimiter: String,
    plans: Memo<Plan>,
    /// The name of the field at hand; reused.
    name: String,
}

#[derive(Debug)]
struct Plan {
    schema: Arc<Schema>,
    fields: Vec<Node>,
}

/// A field of the schema that comes in.
#[derive(Debug)]
struct Node {
    name: String,
    default: Option<Vec<u8>>,
    what: What,
}

#[derive(Debug)]
enum What {
    /// The name that it gets.
    Leaf(String),
    Inner(Vec<Node>),
}

impl Flatten {
    pub fn open(settings: &Settings<'_>) -> Self {
        let delimiter = settings.required("delimiter").to_owned();
        Self { delimiter, plans: Memo::default(), name: String::new() }
    }

    pub fn apply(&mut self, slot: &mut Slot) -> Result<()> {
        if slot.is_null() {
            return Ok(());
        }
        let Self { delimiter, plans, name } = self;
        let Some(schema) = slot.schema.clone() else {
            name.clear();
            return slot
                .rebuild(PURPOSE, |entries, maker| schemaless(entries, delimiter, name, maker, DEPTH_MAX));
        };
        let plan = plans.get(&schema, |schema| plan(schema, delimiter))?;
        slot.rebuild(PURPOSE, |entries, maker| flatten(&plan.fields, Some(entries), maker))?;
        slot.set_schema(Arc::clone(&plan.schema));
        Ok(())
    }
}

const PURPOSE: &str = "flattening";

fn schemaless(
    entries: Entries<'_>,
    delimiter: &str,
    prefix: &mut String,
    maker: &mut Maker<'_>,
    depth: usize,
) -> Result<()> {
    let depth = depth.checked_sub(1).ok_or_else(|| Error::new("flattening: the value nests too deep"))?;
    let length = prefix.len();
    for entry in entries.iter() {
        let (name, value) = entry?;
        if length > 0 {
            prefix.push_str(delimiter);
        }
        prefix.push_str(name);
        match Entries::of(value)? {
            Some(inner) => schemaless(inner, delimiter, prefix, maker, depth)?,
            None => maker.entry(prefix, value),
        }
        maker.check_size()?;
        prefix.truncate(length);
    }
    Ok(())
}

fn flatten(nodes: &[Node], entries: Option<Entries<'_>>, maker: &mut Maker<'_>) -> Result<()> {
    let mut cursor = entries.map(Cursor::new);
    for node in nodes {
        let given = match &mut cursor {
            Some(cursor) => cursor.find(&node.name)?.unwrap_or(NULL),
            None => NULL,
        };
        let value = match &node.default {
            Some(default) if is_null(given) => default,
            _ => given,
        };
        match &node.what {
            What::Leaf(name) => maker.entry(name, value),
            What::Inner(inner) if is_null(value) => flatten(inner, None, maker)?,
            What::Inner(inner) => {
                let entries = Entries::of(value)?
                    .filter(|_| value.first() == Some(&STRUCT) || value.first() == Some(&MAP));
                let wrong = || Error::new(format!("flattening: field {} is no struct", node.name));
                flatten(inner, Some(entries.ok_or_else(wrong)?), maker)?;
            }
        }
        maker.check_size()?;
    }
    Ok(())
}

fn plan(schema: &Schema, delimiter: &str) -> Result<Plan> {
    let mut fields = Fields::default();
    let top = schema.fields(PURPOSE)?;
    let outer = Outer { prefix: "", optional: schema.optional, default: schema.default.as_deref() };
    let nodes = nodes(top, &outer, delimiter, &mut fields)?;
    let mut names_bytes = 0;
    for (name, _) in fields.iter() {
        names_bytes += name.len();
    }
    if names_bytes > NAMES_BYTES_MAX {
        return Err(Error::new("flattening: the names of the new fields are too long"));
    }
    Ok(Plan { schema: Arc::new(schema.reshaped(Shape::Struct(fields))), fields: nodes })
}

/// A schema comes with a record, and each inner name repeats the outer ones.
const NAMES_BYTES_MAX: usize = 16 << 20;

/// What the structs around a field say about it.
struct Outer<'a> {
    prefix: &'a str,
    optional: bool,
    default: Option<&'a [u8]>,
}

fn nodes(fields: &Fields, outer: &Outer<'_>, delimiter: &str, flat: &mut Fields) -> Result<Vec<Node>> {
    let defaults = match outer.default {
        Some(default) => Entries::of(default)?,
        None => None,
    };
    let mut nodes = Vec::new();
    for (name, field) in fields.iter() {
        let path = match outer.prefix {
            "" => name.to_owned(),
            prefix => format!("{prefix}{delimiter}{name}"),
        };
        let optional = outer.optional || field.optional;
        let inherited = match defaults {
            Some(defaults) => defaults.get(name)?.filter(|default| !is_null(default)),
            None => None,
        };
        let default = field.default.as_deref().or(inherited);
        let what = match &field.shape {
            Shape::Struct(inner) => {
                let outer = Outer { prefix: &path, optional, default };
                What::Inner(self::nodes(inner, &outer, delimiter, flat)?)
            }
            Shape::Map(..) => {
                return Err(Error::new(format!(
                    "flattening: field {path} is a map, and those cannot be flattened"
                )));
            }
            _ => {
                let mut leaf = field.reshaped(field.shape.clone());
                leaf.optional = optional;
                leaf.default = default.map(<[u8]>::to_vec);
                flat.add(&path, Arc::new(leaf))?;
                What::Leaf(path)
            }
        };
        nodes.push(Node { name: name.to_owned(), default: field.default.clone(), what });
    }
    Ok(nodes)
}
