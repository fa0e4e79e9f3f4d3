//! What the bytes of a row are: compiled from the types that an answer names.
#[cfg(test)]
use penstock_sdk::flat::Writer;
use penstock_sdk::{Error, NewRecord, Result};

use super::cursor::{Column, Value};
use super::measure::Lack;
use super::program::{Field, Forms, Node, compile};
use super::relation::{Relation, Selection};
use super::settings::{Format, Settings};
use super::value::{Fault, write, write_fields};
use super::{fingerprint, schema};
use crate::types;

/// Value, key, cursor and tie breakers of each row.
#[derive(Debug)]
pub struct Layout {
    /// As the answer named them.
    types: Vec<String>,
    value: Vec<Field>,
    key: Vec<Field>,
    cursor: Column,
    cursor_node: Node,
    ties: Vec<Node>,
    format: Format,
    value_schema: String,
    key_schema: String,
}

/// Where the parts of a row begin behind the value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cuts {
    key: usize,
    cursor: usize,
    ties: usize,
}

/// The bytes of a row from each of its parts on.
#[derive(Debug)]
pub struct Parts<'a> {
    row: &'a [u8],
    value: &'a [u8],
    key: &'a [u8],
    ties: &'a [u8],
    pub at: Value,
}

impl Layout {
    /// `types` has one more, the token's.
    pub fn new(
        types: Vec<String>,
        selection: &Selection,
        relation: &Relation,
        settings: &Settings,
    ) -> Result<Self> {
        let mut nodes = Vec::with_capacity(types.len());
        for text in &types {
            let ty = types::parse(text)
                .map_err(|_| Error::config(format!("a column has the type {text}, which is not read")))?;
            nodes.push((compile(&ty, settings.forms), ty));
        }
        let raw = usize::from(settings.format == Format::Json);
        let values = selection.names.len() + raw;
        if nodes.len() != values + selection.keys.len() + 2 + selection.ties {
            return Err(Error::fatal("the answer has other columns than asked for"));
        }
        let field = |name: &String, node: Node| {
            let node = if settings.binary.contains(name) { node.binary() } else { node };
            Field { name: name.clone(), node }
        };
        let mut rest = nodes.into_iter();
        let unnamed = vec![String::new(); raw];
        let mut fields = |names: &[String]| -> Vec<Field> {
            names.iter().zip(rest.by_ref()).map(|(name, (node, _))| field(name, node)).collect()
        };
        let value = fields(if raw == 1 { &unnamed } else { &selection.names });
        let key = fields(&selection.keys);
        let (cursor_node, ty) = rest.next().ok_or_else(|| Error::fatal("the answer has no cursor"))?;
        let cursor = Column::new(&selection.cursor.name, &ty)
            .map_err(|reason| Error::config(format!("cursorColumn: {reason}")))?;
        let ties = rest.take(selection.ties).map(|(node, _)| node).collect();
        let (value_schema, key_schema) = schemas(&value, &key, relation, settings.format);
        let format = settings.format;
        Ok(Layout { types, value, key, cursor, cursor_node, ties, format, value_schema, key_schema })
    }

    /// Of rows that have nothing but the cursor.
    pub fn of_cursor(types: Vec<String>, selection: &Selection) -> Result<Self> {
        let ty = types.first().and_then(|text| types::parse(text).ok());
        let ty = ty.ok_or_else(|| Error::fatal("the answer has no cursor"))?;
        let cursor = Column::new(&selection.cursor.name, &ty)
            .map_err(|reason| Error::config(format!("cursorColumn: {reason}")))?;
        Ok(Layout {
            types,
            value: Vec::new(),
            key: Vec::new(),
            cursor,
            cursor_node: compile(&ty, Forms::default()),
            ties: Vec::new(),
            format: Format::Struct,
            value_schema: String::new(),
            key_schema: String::new(),
        })
    }

    pub fn is_of(&self, types: &[String]) -> bool {
        self.types == types
    }

    pub fn cursor(&self) -> &Column {
        &self.cursor
    }

    /// Steps over all of a row but its token, and finds its parts.
    pub fn measure(&self, rest: &mut &[u8]) -> Result<Cuts, Lack> {
        let length = rest.len();
        self.value.iter().try_for_each(|field| field.node.skip(rest))?;
        let key = length - rest.len();
        self.key.iter().try_for_each(|field| field.node.skip(rest))?;
        let cursor = length - rest.len();
        self.cursor_node.skip(rest)?;
        let ties = length - rest.len();
        self.ties.iter().try_for_each(|node| node.skip(rest))?;
        Ok(Cuts { key, cursor, ties })
    }

    /// The parts of a row that was measured.
    pub fn parts<'a>(&self, row: &'a [u8], cuts: Cuts) -> Result<Parts<'a>, Fault> {
        let part = |from: usize| row.get(from..).ok_or_else(|| Fault("the row is cut off".to_owned()));
        let (key, ties) = (part(cuts.key)?, part(cuts.ties)?);
        let at = row.get(cuts.cursor..cuts.ties).and_then(|cursor| self.cursor.read(cursor));
        let at = at.ok_or_else(|| {
            Fault(format!("column {}: the text is not UTF-8, and no position can hold it", self.cursor.name))
        })?;
        Ok(Parts { row, value: row, key, ties, at })
    }

    /// What tells a row apart from those that share its cursor value.
    pub fn fingerprint(&self, parts: &Parts<'_>) -> u64 {
        fingerprint::of(if self.ties.is_empty() { parts.row } else { parts.ties })
    }

    /// The value alone, as it is when it is a struct.
    #[cfg(test)]
    pub fn write_value(&self, parts: &Parts<'_>, out: &mut Writer<'_>) -> Result<(), Fault> {
        let mut rest = parts.value;
        match (self.format, self.value.as_slice()) {
            (Format::Json, [raw]) => write(&raw.node, &mut rest, out),
            _ => write_fields(&self.value, &mut rest, out),
        }
    }

    #[cfg(test)]
    pub fn value_schema(&self) -> &str {
        &self.value_schema
    }

    pub fn write(&self, parts: &Parts<'_>, record: &mut NewRecord<'_>) -> Result<(), Fault> {
        let mut fault = Ok(());
        let mut rest = parts.value;
        match (self.format, self.value.as_slice()) {
            (Format::Json, [raw]) => {
                record.value_text(text(&raw.node, rest, "read the row with valueFormat=struct")?);
            }
            _ => {
                record.value_flat(|out| fault = write_fields(&self.value, &mut rest, out));
            }
        }
        record.value_schema(&self.value_schema);
        fault?;
        let (mut fault, mut rest) = (Ok(()), parts.key);
        let told = |name: &str, Fault(reason)| Fault(format!("key column {name}: {reason}"));
        match self.key.as_slice() {
            [] => return Ok(()),
            // Converters of plain text take plain text.
            [Field { node: node @ Node::Text, name }] => {
                let text = text(node, rest, "name the column in binaryColumns");
                record.key_text(text.map_err(|fault| told(name, fault))?);
            }
            [one] => {
                record.key_flat(|out| fault = write(&one.node, &mut rest, out));
                fault = fault.map_err(|fault| told(&one.name, fault));
            }
            several => {
                record.key_flat(|out| fault = write_fields(several, &mut rest, out));
            }
        }
        record.key_schema(&self.key_schema);
        fault
    }
}

/// What could be done about text that is none, is `advice`.
fn text<'a>(node: &Node, bytes: &'a [u8], advice: &str) -> Result<&'a str, Fault> {
    let text = match node {
        Node::Text => super::measure::sized(bytes).map(|(_, text)| text),
        _ => None,
    };
    let text = text.ok_or_else(|| Fault("the value is no text".to_owned()))?;
    std::str::from_utf8(text).map_err(|_| Fault(format!("the text is not UTF-8; {advice}")))
}

fn schemas(value: &[Field], key: &[Field], relation: &Relation, format: Format) -> (String, String) {
    let name = match relation {
        Relation::Table(name) => Some(identifier(&name.table)),
        Relation::Query { .. } => None,
    };
    let of = |fields: &[Field]| match fields {
        [one] => schema::of(&one.node),
        several => schema::of_fields(several, None),
    };
    let value = match format {
        Format::Json => of(value),
        Format::Struct => schema::of_fields(value, name.as_deref()),
    };
    (value.text(), of(key).text())
}

/// Avro takes letters, digits and lines in names, and no digit at the start.
fn identifier(name: &str) -> String {
    let plain = |char: char| if char.is_ascii_alphanumeric() { char } else { '_' };
    let name: String = name.chars().map(plain).collect();
    if name.starts_with(|char: char| char.is_ascii_digit()) { format!("_{name}") } else { name }
}
