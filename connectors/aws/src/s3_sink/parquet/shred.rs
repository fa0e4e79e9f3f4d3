//! Takes records apart into columns: values, and for each of them how far its way was defined and where it repeats.
use parquet::data_type::{ByteArray, FixedLenByteArray};

use super::kind::{Field, Kind, members};
use crate::s3_sink::cell::{Cell, Look};
use crate::s3_sink::json;

/// One column of the row group that grows.
#[derive(Debug, Default)]
pub struct Column {
    pub data: Data,
    pub defined: Vec<i16>,
    pub repeats: Vec<i16>,
    /// Bytes that it takes in memory, about.
    pub bytes: usize,
}

#[derive(Debug)]
pub enum Data {
    Boolean(Vec<bool>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    Bytes(Vec<ByteArray>),
    /// Of [`DECIMAL_BYTES`] each.
    Decimal(Vec<FixedLenByteArray>),
}

impl Default for Data {
    fn default() -> Self {
        Self::Bytes(Vec::new())
    }
}

/// Where in the tree of columns a value stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Level {
    defined: i16,
    /// What is written for the next value, and what for those behind it.
    repeats: i16,
    depth: i16,
}

impl Level {
    fn inside(self, defined: i16) -> Self {
        Self { defined: self.defined + defined, ..self }
    }
}

/// The columns of a kind, empty.
pub fn columns(kind: &Kind) -> Vec<Column> {
    let one = |data| vec![Column { data, ..Column::default() }];
    match kind {
        Kind::Struct(fields) => fields.iter().flat_map(|field| columns(&field.kind)).collect(),
        Kind::List(kind) => columns(kind),
        Kind::Map(key, value) => [columns(key), columns(value)].into_iter().flatten().collect(),
        Kind::Boolean => one(Data::Boolean(Vec::new())),
        Kind::Int32 | Kind::Date | Kind::Time => one(Data::Int32(Vec::new())),
        Kind::Int64 | Kind::Timestamp => one(Data::Int64(Vec::new())),
        Kind::Float32 => one(Data::Float32(Vec::new())),
        Kind::Float64 => one(Data::Float64(Vec::new())),
        Kind::Unknown | Kind::Text | Kind::Bytes | Kind::Json => one(Data::Bytes(Vec::new())),
        Kind::Decimal { .. } => one(Data::Decimal(Vec::new())),
    }
}

/// The fields of a record, whose columns stand one behind the other.
pub fn record(fields: &[Field], value: Cell<'_>, columns: &mut [Column]) {
    struct_fields(fields, Some(value), Level::default(), columns);
}

/// A value of an own kind, as the records' places are.
pub fn value(kind: &Kind, value: Option<Cell<'_>>, columns: &mut [Column]) {
    any(kind, value, Level::default(), columns);
}

/// Whether a value can be written as this kind, and where it cannot.
pub fn fits(kind: &Kind, value: Cell<'_>) -> Result<(), String> {
    let unfit = |expected: &str, look: &Look<'_>| Err(format!("expected {expected}, got {}", look.name()));
    match (kind, value.look()) {
        (_, Look::Null)
        | (Kind::Json, _)
        | (Kind::Boolean, Look::Boolean(_))
        | (Kind::Int64 | Kind::Timestamp, Look::Integer(_))
        | (Kind::Float32 | Kind::Float64, Look::Integer(_) | Look::Float32(_) | Look::Float64(_))
        | (Kind::Text, Look::Text(_))
        | (Kind::Bytes, Look::Bytes(_) | Look::Text(_)) => Ok(()),
        (Kind::Int32 | Kind::Date | Kind::Time, Look::Integer(number)) if i32::try_from(number).is_ok() => {
            Ok(())
        }
        (Kind::Decimal { .. }, Look::Bytes(bytes)) if (1..=DECIMAL_BYTES).contains(&bytes.len()) => Ok(()),
        (Kind::List(kind), Look::List(items)) => items.into_iter().try_for_each(|item| fits(kind, item)),
        (Kind::Map(key, kind), Look::Map(pairs)) => {
            pairs.into_iter().try_for_each(|(k, v)| fits(key, k).and_then(|()| fits(kind, v)))
        }
        (Kind::Map(key, kind), Look::Struct(fields)) if **key == Kind::Text => {
            fields.into_iter().try_for_each(|(_, value)| fits(kind, value))
        }
        (Kind::Struct(fields), look) => {
            if !matches!(look, Look::Struct(_) | Look::Map(_)) {
                return unfit("an object", &look);
            }
            fields.iter().try_for_each(|field| match value.get(&field.name) {
                Some(member) => {
                    fits(&field.kind, member).map_err(|reason| format!("{}: {reason}", field.name))
                }
                None => Ok(()),
            })
        }
        (Kind::List(_), look) => unfit("a list", &look),
        (Kind::Map(..), look) => unfit("a map", &look),
        (kind, look) => unfit(&format!("a value of type {kind:?}"), &look),
    }
}

fn any(kind: &Kind, value: Option<Cell<'_>>, level: Level, columns: &mut [Column]) {
    let Some((value, look)) =
        value.map(|value| (value, value.look())).filter(|(_, look)| !matches!(look, Look::Null))
    else {
        return nothing(level, columns);
    };
    match (kind, look) {
        (Kind::Struct(fields), _) => struct_fields(fields, Some(value), level.inside(1), columns),
        (Kind::List(kind), Look::List(items)) => {
            each(level, items, columns, |item, level, columns| any(kind, Some(item), level, columns));
        }
        (Kind::Map(key, kind), look) => {
            let pairs = match look {
                Look::Map(pairs) => pairs.into_iter().map(|(key, value)| (Key::Cell(key), value)).collect(),
                look => {
                    let named = members(look).unwrap_or_default();
                    named.into_iter().map(|(name, value)| (Key::Name(name), value)).collect::<Vec<_>>()
                }
            };
            each(level, pairs, columns, |(name, value), level, columns| {
                let (keys, values) = columns.split_at_mut(key.columns());
                if let Some(column) = keys.first_mut() {
                    // A key is never missing, so it has one level less.
                    match name {
                        Key::Cell(cell) => column.push(key, cell, level),
                        Key::Name(name) => column.bytes(name.as_bytes(), level),
                    }
                }
                any(kind, Some(value), level, values);
            });
        }
        _ => {
            if let Some(column) = columns.first_mut() {
                column.push(kind, value, level.inside(1));
            }
        }
    }
}

/// A map's key: of an object of JSON it is a name.
enum Key<'a> {
    Cell(Cell<'a>),
    Name(&'a str),
}

fn struct_fields(fields: &[Field], value: Option<Cell<'_>>, level: Level, mut columns: &mut [Column]) {
    for field in fields {
        let (own, rest) = columns.split_at_mut(field.kind.columns());
        let member = value.and_then(|value| value.get(&field.name));
        any(&field.kind, member, level, own);
        columns = rest;
    }
}

/// Of items the first one stands where the list does, the others repeat within it.
fn each<T>(
    level: Level,
    items: Vec<T>,
    columns: &mut [Column],
    mut write: impl FnMut(T, Level, &mut [Column]),
) {
    if items.is_empty() {
        return nothing(level.inside(1), columns);
    }
    let mut inner = Level { depth: level.depth + 1, ..level.inside(2) };
    for item in items {
        write(item, inner, columns);
        inner.repeats = inner.depth;
    }
}

fn nothing(level: Level, columns: &mut [Column]) {
    for column in columns {
        column.defined.push(level.defined);
        column.repeats.push(level.repeats);
        column.bytes += LEVEL_BYTES;
    }
}

impl Column {
    /// What does not fit, against what was checked before, is missing.
    fn push(&mut self, kind: &Kind, value: Cell<'_>, level: Level) {
        let look = value.look();
        let width = match (&mut self.data, look) {
            (Data::Boolean(data), Look::Boolean(value)) => {
                data.push(value);
                1
            }
            (Data::Int32(data), Look::Integer(number)) => {
                data.push(i32::try_from(number).unwrap_or_default());
                4
            }
            (Data::Int64(data), Look::Integer(number)) => {
                data.push(number);
                8
            }
            (Data::Float32(data), look) => {
                data.push(float(&look) as f32);
                4
            }
            (Data::Float64(data), look) => {
                data.push(float(&look));
                8
            }
            (Data::Bytes(_), Look::Text(text)) if *kind != Kind::Json => {
                return self.bytes(text.as_bytes(), level);
            }
            (Data::Bytes(_), Look::Bytes(bytes)) if *kind != Kind::Json => return self.bytes(bytes, level),
            (Data::Bytes(_), _) => return self.bytes(json::text(value).as_bytes(), level),
            (Data::Decimal(data), Look::Bytes(bytes)) if bytes.len() <= DECIMAL_BYTES => {
                data.push(ByteArray::from(extended(bytes).to_vec()).into());
                DECIMAL_BYTES + BYTES_OVERHEAD
            }
            (Data::Boolean(_) | Data::Int32(_) | Data::Int64(_) | Data::Decimal(_), _) => {
                let outside = Level { defined: level.defined - 1, ..level };
                return nothing(outside, std::slice::from_mut(self));
            }
        };
        self.levels(level, width);
    }

    fn bytes(&mut self, bytes: &[u8], level: Level) {
        if let Data::Bytes(data) = &mut self.data {
            data.push(ByteArray::from(bytes));
        }
        self.levels(level, bytes.len() + BYTES_OVERHEAD);
    }

    fn levels(&mut self, level: Level, width: usize) {
        self.defined.push(level.defined);
        self.repeats.push(level.repeats);
        self.bytes += width + LEVEL_BYTES;
    }
}

/// A number of Java's, which has as many bytes as it needs.
fn extended(bytes: &[u8]) -> [u8; DECIMAL_BYTES] {
    let is_negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let mut out = [if is_negative { 0xff } else { 0 }; DECIMAL_BYTES];
    out[DECIMAL_BYTES - bytes.len()..].copy_from_slice(bytes);
    out
}

fn float(look: &Look<'_>) -> f64 {
    match look {
        Look::Float64(number) => *number,
        Look::Float32(number) => (*number).into(),
        Look::Integer(number) => *number as f64,
        _ => f64::NAN,
    }
}

/// All of 38 digits. Not every reader takes decimals of a length of their own.
pub const DECIMAL_BYTES: usize = 16;
const LEVEL_BYTES: usize = 4;
/// Of an array of bytes with its owner.
const BYTES_OVERHEAD: usize = 72;
