//! Reads flat values in place. Bytes come from the other side of the boundary: every length is checked.
use super::{
    ARRAY, BYTES, FALSE, FLOAT32, FLOAT64, INT8, INT16, INT32, INT64, MAP, NULL, STRUCT, TEXT, TRUE,
};
use std::fmt;

/// The bytes are not a flat value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed structured value")
    }
}

impl std::error::Error for Malformed {}

/// One value, borrowed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    Null,
    Boolean(bool),
    Int8(i8),
    Int16(i16),
    Int32(i32),
    Int64(i64),
    Float32(f32),
    Float64(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    Array(Array<'a>),
    Map(Map<'a>),
    Struct(Struct<'a>),
}

/// The items of an array.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Array<'a>(Items<'a>);
/// The pairs of a map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Map<'a>(Items<'a>);
/// The named fields of a struct.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Struct<'a>(Items<'a>);

#[derive(Debug, Clone, Copy, PartialEq)]
struct Items<'a> {
    rest: &'a [u8],
    count: u32,
}

impl<'a> Value<'a> {
    /// Reads one value that fills `bytes`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut rest = bytes;
        let value = Self::take(&mut rest)?;
        if rest.is_empty() { Ok(value) } else { Err(Malformed) }
    }

    fn take(rest: &mut &'a [u8]) -> Result<Self, Malformed> {
        Ok(match number::<1>(rest)?[0] {
            NULL => Self::Null,
            FALSE => Self::Boolean(false),
            TRUE => Self::Boolean(true),
            INT8 => Self::Int8(i8::from_le_bytes(number(rest)?)),
            INT16 => Self::Int16(i16::from_le_bytes(number(rest)?)),
            INT32 => Self::Int32(i32::from_le_bytes(number(rest)?)),
            INT64 => Self::Int64(i64::from_le_bytes(number(rest)?)),
            FLOAT32 => Self::Float32(f32::from_le_bytes(number(rest)?)),
            FLOAT64 => Self::Float64(f64::from_le_bytes(number(rest)?)),
            TEXT => Self::Text(text(rest)?),
            BYTES => Self::Bytes(sized(rest)?),
            ARRAY => Self::Array(Array(items(rest)?)),
            MAP => Self::Map(Map(items(rest)?)),
            STRUCT => Self::Struct(Struct(items(rest)?)),
            _ => return Err(Malformed),
        })
    }
}

impl<'a> Array<'a> {
    pub fn len(&self) -> usize {
        self.0.count as usize
    }

    pub fn is_empty(&self) -> bool {
        self.0.count == 0
    }

    pub fn iter(&self) -> impl Iterator<Item = Result<Value<'a>, Malformed>> + use<'a> {
        each(self.0, Value::take)
    }
}

impl<'a> Map<'a> {
    pub fn len(&self) -> usize {
        self.0.count as usize
    }

    pub fn is_empty(&self) -> bool {
        self.0.count == 0
    }

    pub fn iter(&self) -> impl Iterator<Item = Result<(Value<'a>, Value<'a>), Malformed>> + use<'a> {
        each(self.0, |rest| Ok((Value::take(rest)?, Value::take(rest)?)))
    }
}

impl<'a> Struct<'a> {
    pub fn len(&self) -> usize {
        self.0.count as usize
    }

    pub fn is_empty(&self) -> bool {
        self.0.count == 0
    }

    pub fn iter(&self) -> impl Iterator<Item = Result<(&'a str, Value<'a>), Malformed>> + use<'a> {
        each(self.0, |rest| Ok((text(rest)?, Value::take(rest)?)))
    }

    /// The field with this name, if it is there and readable.
    pub fn get(&self, name: &str) -> Option<Value<'a>> {
        self.iter().map_while(Result::ok).find(|(field, _)| *field == name).map(|(_, value)| value)
    }
}

/// Walks the items; ends after the first malformed one.
fn each<'a, T: 'a>(
    items: Items<'a>,
    take: impl Fn(&mut &'a [u8]) -> Result<T, Malformed> + 'a,
) -> impl Iterator<Item = Result<T, Malformed>> + 'a {
    let (mut rest, mut left) = (items.rest, items.count);
    std::iter::from_fn(move || {
        left = left.checked_sub(1)?;
        let item = take(&mut rest);
        if item.is_err() {
            left = 0;
        }
        Some(item)
    })
}

fn number<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Malformed> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or(Malformed)?;
    *rest = tail;
    Ok(*head)
}

fn sized<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Malformed> {
    let length = u32::from_le_bytes(number(rest)?) as usize;
    let (head, tail) = rest.split_at_checked(length).ok_or(Malformed)?;
    *rest = tail;
    Ok(head)
}

fn text<'a>(rest: &mut &'a [u8]) -> Result<&'a str, Malformed> {
    std::str::from_utf8(sized(rest)?).map_err(|_| Malformed)
}

fn items<'a>(rest: &mut &'a [u8]) -> Result<Items<'a>, Malformed> {
    let mut body = sized(rest)?;
    let count = u32::from_le_bytes(number(&mut body)?);
    // An item takes a byte at least, so a larger count is a lie that would make loops run for nothing.
    if count as usize > body.len() { Err(Malformed) } else { Ok(Items { rest: body, count }) }
}
