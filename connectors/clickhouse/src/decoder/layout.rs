//! Makes a decoder from the columns of a table: which are virtual, which take which field, which keep versions.
use std::sync::Arc;

use formats::registry::Format;

use super::avro::Avro;
use super::event::{self, Events};
use super::lines::Lines;
use super::overflow::Overflow;
use super::paths::{Paths, Plan};
use super::protobuf::Protobuf;
use super::rows::Rows;
use super::{Column, Decoder, Slot, Source, Unknown, Virtual};
use crate::binary::Schemas;
use crate::shape::{Mapping, Shape, Upserts, Version};
use crate::types;
use crate::values::Zones;

/// How a table tells the rows of a key apart, where it keeps only the newest one.
#[derive(Clone, Debug, PartialEq)]
pub struct Keys {
    pub version: String,
    pub deleted: String,
    /// Columns that a delete must have to reach the rows it deletes: those that the table is sorted and
    /// partitioned by.
    pub required: Vec<String>,
}

/// Columns by what fills them.
#[derive(Default)]
struct Parts<'a> {
    virtuals: Vec<Virtual>,
    rest: Vec<&'a Column>,
}

impl Decoder {
    #[cfg(test)]
    pub fn new(columns: &[Column], zones: &Zones, envelope: bool) -> Self {
        Decoder::open(columns, zones, &Shape { envelope, ..Shape::default() }, None).unwrap()
    }

    /// An error is a sentence on the settings and the table, which do not go together.
    pub fn open(
        columns: &[Column],
        zones: &Zones,
        shape: &Shape,
        keys: Option<&Keys>,
    ) -> Result<Self, String> {
        for Mapping { column, .. } in &shape.map {
            if !columns.iter().any(|known| known.name == *column) {
                return Err(format!(
                    "field2ColumnMap: the table has no column {column} that can be inserted into"
                ));
            }
        }
        let upserts = shape.upserts.as_ref().zip(keys);
        let mut parts = parts(columns, shape, upserts)?;
        if shape.raw_only {
            parts.rest.clear();
            if parts.virtuals.is_empty() {
                return Err(NO_VIRTUALS.to_owned());
            }
        }
        let slots = parts.rest.iter().map(|column| Slot::new(column, zones)).collect();
        let mut rows = Rows::new(slots);
        let mut paths = Paths::new(&plan(&parts, shape, upserts, &mut rows.slots));
        let overflow = shape.overflow.as_ref().map(|name| Overflow::open(name, &rows)).transpose()?;
        let events =
            upserts.map(|(upserts, keys)| event::open(upserts, keys, &mut rows, &mut paths)).transpose()?;
        let lines = shape.lines.as_ref().map(|lines| Box::new(Lines::open(lines, &rows, &paths)));
        let avro = |schemas: &Option<Arc<Schemas>>| {
            let schemas = schemas.clone().filter(|schemas| schemas.format() == Format::Avro);
            schemas.map(|schemas| Box::new(Avro::new(schemas)))
        };
        let protobuf = |schemas: &Option<Arc<Schemas>>| {
            let schemas = schemas.clone().filter(|schemas| schemas.format() == Format::Protobuf);
            schemas.map(|schemas| Box::new(Protobuf::new(schemas)))
        };
        Ok(Decoder {
            lines,
            raw_only: rows.slots.is_empty()
                && !parts.virtuals.is_empty()
                && events.as_ref().is_none_or(Events::reads_no_values),
            rows,
            paths,
            virtuals: parts.virtuals,
            events,
            overflow,
            unknown: Unknown::default(),
            has_stray: false,
            envelope: shape.envelope,
            avro: avro(&shape.schemas),
            avro_key: avro(&shape.key_schemas),
            protobuf: protobuf(&shape.schemas),
            protobuf_key: protobuf(&shape.key_schemas),
        })
    }
}

/// What fills a column in place of a field, and whether the user said so.
fn source(column: &Column, shape: &Shape, upserts: Option<(&Upserts, &Keys)>) -> Option<(Source, bool)> {
    let virtual_of = |mapping: &Mapping| match mapping.path.as_slice() {
        [name] => Source::named(name),
        _ => None,
    };
    if let Some(mapping) = shape.map.iter().find(|mapping| mapping.column == column.name) {
        return virtual_of(mapping).map(|source| (source, true));
    }
    if let Some((upserts, keys)) = upserts {
        if column.name == keys.deleted {
            return Some((Source::Deleted, true));
        }
        if column.name == keys.version {
            return match upserts.version {
                Version::Offset => Some((Source::Offset, true)),
                Version::Timestamp => Some((Source::Timestamp, true)),
                Version::Source | Version::Field(_) => None,
            };
        }
    }
    let named = Source::named(&column.name)?;
    let is_taken = shape.map.iter().any(|mapping| virtual_of(mapping) == Some(named));
    (!is_taken).then_some((named, false))
}

fn parts<'a>(
    columns: &'a [Column],
    shape: &Shape,
    upserts: Option<(&Upserts, &Keys)>,
) -> Result<Parts<'a>, String> {
    let mut parts = Parts::default();
    for column in columns {
        let Column { name, type_text, .. } = column;
        let Some((source, is_wanted)) = source(column, shape, upserts) else {
            parts.rest.push(column);
            continue;
        };
        let made = types::parse(type_text).ok().and_then(|ty| Virtual::new(name, source, &ty));
        match made {
            Some(made) => parts.virtuals.push(made),
            // A column that only happens to have the name takes the field of its name.
            None if !is_wanted => parts.rest.push(column),
            None => {
                let what = source.what();
                return Err(format!(
                    "column {name} is to hold {what} and has type {type_text}: expected {}",
                    source.expected()
                ));
            }
        }
    }
    Ok(parts)
}

fn plan<'a>(
    parts: &'a Parts<'a>,
    shape: &'a Shape,
    upserts: Option<(&Upserts, &Keys)>,
    slots: &mut [Slot],
) -> Plan<'a> {
    let mut plan =
        Plan { separator: shape.separator.as_deref(), every_field: shape.every_field, ..Plan::default() };
    plan.ignored.extend(parts.virtuals.iter().map(|column| column.name.as_str()));
    for (index, column) in parts.rest.iter().enumerate() {
        let is_version = upserts.is_some_and(|(_, keys)| keys.version == column.name);
        if let Some(mapping) = shape.map.iter().find(|mapping| mapping.column == column.name) {
            plan.mapped.push((mapping.path.as_slice(), index));
            slots[index].field = mapping.source();
        } else if is_version {
            plan.ignored.push(&column.name);
        } else if shape.overflow.as_ref() != Some(&column.name) {
            plan.own.push((&column.name, index));
        }
    }
    plan
}

const NO_VIRTUALS: &str =
    "rawOnly: the table has no column for what Kafka knows of a record, such as _raw_message String";
