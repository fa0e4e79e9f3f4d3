//! Columns in `ClickHouse`'s Native layout, filled value by value from JSON or a binary format.
mod admit;
mod array;
mod buffer;
mod dynamic;
mod given;
mod low_cardinality;
mod map;
mod nullable;
mod scalar;
#[cfg(test)]
mod tests;
mod text;
mod tuple;
mod variant;

use std::borrow::Cow;

pub use buffer::Buffer;
pub use given::{Given, Kind};
pub use text::push_varint;
pub use tuple::Tuple;

use crate::json::{Cursor, Fault};
use crate::types::Type;
use crate::values::Zones;

/// The values of one column, or of one part of a nested column.
///
/// A row is written between `mark` and the next `mark`; `rollback` takes it back whole, whatever depth it had
/// reached.
pub enum Column {
    Scalar(scalar::Scalar),
    Text(text::Text),
    Nullable(Box<nullable::Nullable>),
    Array(Box<array::Array>),
    Map(Box<map::Map>),
    Tuple(tuple::Tuple),
    LowCardinality(Box<low_cardinality::LowCardinality>),
    Variant(Box<variant::Variant>),
    Dynamic(Box<dynamic::Dynamic>),
}

/// Calls the same method on whatever the column is.
macro_rules! each {
    ($column:expr, $inner:ident => $call:expr) => {
        match $column {
            Column::Scalar($inner) => $call,
            Column::Text($inner) => $call,
            Column::Nullable($inner) => $call,
            Column::Array($inner) => $call,
            Column::Map($inner) => $call,
            Column::Tuple($inner) => $call,
            Column::LowCardinality($inner) => $call,
            Column::Variant($inner) => $call,
            Column::Dynamic($inner) => $call,
        }
    };
}

impl Column {
    pub fn new(ty: &Type, zones: &Zones) -> Self {
        match ty {
            Type::String => Column::Text(text::Text::new(text::Kind::Plain)),
            Type::Json(None) => Column::Text(text::Text::new(text::Kind::Object)),
            Type::Json(Some(_)) => Column::Text(text::Text::new(text::Kind::Json)),
            Type::Nullable(inner) => {
                Column::Nullable(Box::new(nullable::Nullable::new(Column::new(inner, zones))))
            }
            Type::Array(inner) => Column::Array(Box::new(array::Array::new(Column::new(inner, zones)))),
            Type::Map(key, value) => {
                Column::Map(Box::new(map::Map::new(Column::new(key, zones), Column::new(value, zones))))
            }
            Type::Tuple(elements) => Column::Tuple(tuple::Tuple::new(elements, zones)),
            Type::Geo(_, inner) => Column::new(inner, zones),
            Type::LowCardinality(inner) => {
                Column::LowCardinality(Box::new(low_cardinality::LowCardinality::new(inner, zones)))
            }
            Type::Variant(variant) => Column::Variant(Box::new(variant::Variant::new(variant, zones))),
            Type::Dynamic(_) => Column::Dynamic(Box::new(dynamic::Dynamic::new(zones))),
            scalar => Column::Scalar(scalar::Scalar::new(scalar, zones)),
        }
    }

    /// Appends the next JSON value. `null` becomes NULL, or the zero value where there is no NULL. After a
    /// fault the column holds part of a row, which `rollback` removes.
    #[inline]
    pub fn append(&mut self, json: &mut Cursor<'_>) -> Result<(), Fault> {
        each!(self, column => column.append(json))
    }

    /// Appends a value of a binary format. `None` if it does not fit; then the column may hold part of a row, which
    /// `rollback` removes.
    #[inline]
    pub fn put(&mut self, given: Given<'_>) -> Option<()> {
        match self {
            Column::Scalar(column) => column.put_given(given),
            Column::Text(column) => column.put_given(given),
            Column::Nullable(column) => column.some().put(given),
            Column::LowCardinality(column) => column.some().put(given),
            Column::Array(_)
            | Column::Map(_)
            | Column::Tuple(_)
            | Column::Variant(_)
            | Column::Dynamic(_) => None,
        }
    }

    /// Appends the name of an object's field, as the key of a map. `None` if it does not fit.
    pub fn append_name(&mut self, name: &str) -> Option<()> {
        match self {
            Column::Scalar(column) => column.append_text(name),
            Column::Text(column) => {
                column.put(name);
                Some(())
            }
            Column::LowCardinality(column) => column.append_name(name),
            Column::Nullable(_)
            | Column::Array(_)
            | Column::Map(_)
            | Column::Tuple(_)
            | Column::Variant(_)
            | Column::Dynamic(_) => None,
        }
    }

    /// Appends zero values, or NULLs.
    pub fn fill(&mut self, rows: usize) {
        each!(self, column => column.fill(rows));
    }

    #[inline]
    pub fn mark(&mut self) {
        each!(self, column => column.mark());
    }

    pub fn rollback(&mut self) {
        each!(self, column => column.rollback());
    }

    pub fn cut(&mut self, row_written: bool) {
        each!(self, column => column.cut(row_written));
    }

    pub fn clear(&mut self) {
        each!(self, column => column.clear());
    }

    /// What Native has of a block before the bytes of all its values: the ways in which they are laid out.
    pub fn prefix(&self, block: usize, out: &mut Vec<u8>) {
        match self {
            Column::Scalar(_) => {}
            Column::Text(column) => column.prefix(out),
            Column::Nullable(column) => column.prefix(block, out),
            Column::Array(column) => column.prefix(block, out),
            Column::Map(column) => column.prefix(block, out),
            Column::Tuple(column) => column.prefix(block, out),
            Column::LowCardinality(column) => column.prefix(out),
            Column::Variant(column) => column.prefix(block, out),
            Column::Dynamic(column) => column.prefix(block, out),
        }
    }

    /// The bytes of a block, in the order in which Native has them.
    pub fn pieces<'a>(&'a self, block: usize, out: &mut Vec<Cow<'a, [u8]>>) {
        each!(self, column => column.pieces(block, out));
    }

    /// Bytes of one zero value.
    pub fn zero_size(&self) -> usize {
        each!(self, column => column.zero_size())
    }
}
