//! Encoded values taken apart and put together without decoding what only passes through.
use crate::{Error, Result};
use penstock_sdk::flat::{self, MAP, Malformed, NULL, STRUCT, TEXT};

/// The name of an encoded value's type, for messages.
pub fn kind(value: &[u8]) -> &'static str {
    match value.first() {
        Some(&NULL) => "null",
        Some(&(flat::FALSE | flat::TRUE)) => "a boolean",
        Some(&(flat::INT8 | flat::INT16 | flat::INT32 | flat::INT64)) => "an integer",
        Some(&(flat::FLOAT32 | flat::FLOAT64)) => "a floating point number",
        Some(&TEXT) => "a string",
        Some(&flat::BYTES) => "bytes",
        Some(&flat::ARRAY) => "an array",
        Some(&MAP) => "a map",
        Some(&STRUCT) => "a struct",
        _ => "nothing",
    }
}

pub fn is_null(value: &[u8]) -> bool {
    value == [NULL]
}

/// The text of an encoded string.
pub fn text(value: &[u8]) -> Option<&str> {
    match value {
        [TEXT, _, _, _, _, text @ ..] => std::str::from_utf8(text).ok(),
        _ => None,
    }
}

/// The names and encoded values of a struct, or of a map whose keys are text.
#[derive(Debug, Clone, Copy)]
pub struct Entries<'a> {
    body: &'a [u8],
    count: u32,
    is_struct: bool,
}

impl<'a> Entries<'a> {
    /// `None` for a value that has no names.
    pub fn of(value: &'a [u8]) -> Result<Option<Self>, Malformed> {
        let Some((&(MAP | STRUCT), mut rest)) = value.split_first() else { return Ok(None) };
        let mut body = sized(&mut rest)?;
        let count = number(&mut body)?;
        if !rest.is_empty() || count as usize > body.len() {
            return Err(Malformed);
        }
        Ok(Some(Self { body, count, is_struct: value[0] == STRUCT }))
    }

    pub fn iter(&self) -> impl Iterator<Item = Result<(&'a str, &'a [u8])>> + use<'a> {
        let (mut rest, mut left, is_struct) = (self.body, self.count, self.is_struct);
        std::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let entry = entry(&mut rest, is_struct);
            if entry.is_err() {
                left = 0;
            }
            Some(entry)
        })
    }

    /// The encoded value of a name; of a name that is there twice the last one.
    pub fn get(&self, name: &str) -> Result<Option<&'a [u8]>> {
        let mut found = None;
        for entry in self.iter() {
            let (known, value) = entry?;
            if known == name {
                found = Some(value);
            }
        }
        Ok(found)
    }
}

/// Looks for names that come mostly in the order of the entries.
#[derive(Debug)]
pub struct Cursor<'a> {
    entries: Entries<'a>,
    rest: &'a [u8],
    left: u32,
}

impl<'a> Cursor<'a> {
    pub fn new(entries: Entries<'a>) -> Self {
        Self { entries, rest: entries.body, left: entries.count }
    }

    /// As [`Entries::get`], where the next entry is looked at first; names do not repeat in a struct.
    pub fn find(&mut self, name: &str) -> Result<Option<&'a [u8]>> {
        if self.left > 0 {
            let mut rest = self.rest;
            let (next, value) = entry(&mut rest, self.entries.is_struct)?;
            if next == name {
                (self.rest, self.left) = (rest, self.left - 1);
                return Ok(Some(value));
            }
        }
        self.entries.get(name)
    }
}

fn entry<'a>(rest: &mut &'a [u8], is_struct: bool) -> Result<(&'a str, &'a [u8])> {
    if !is_struct && number_of::<1>(rest)?[0] != TEXT {
        return Err(Error::new("a map's key is no text, and only such keys are names"));
    }
    let name = std::str::from_utf8(sized(rest)?).map_err(|_| Malformed)?;
    Ok((name, split(rest)?))
}

/// Splits the next encoded value off.
pub fn split<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Malformed> {
    let start = *rest;
    let size = match number_of::<1>(rest)?[0] {
        NULL | flat::FALSE | flat::TRUE => 0,
        flat::INT8 => 1,
        flat::INT16 => 2,
        flat::INT32 | flat::FLOAT32 => 4,
        flat::INT64 | flat::FLOAT64 => 8,
        TEXT | flat::BYTES | flat::ARRAY | MAP | STRUCT => number(rest)? as usize,
        _ => return Err(Malformed),
    };
    *rest = rest.get(size..).ok_or(Malformed)?;
    Ok(&start[..start.len() - rest.len()])
}

fn number_of<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Malformed> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or(Malformed)?;
    *rest = tail;
    Ok(*head)
}

fn number(rest: &mut &[u8]) -> Result<u32, Malformed> {
    number_of(rest).map(u32::from_le_bytes)
}

fn sized<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Malformed> {
    let length = number(rest)? as usize;
    let (head, tail) = rest.split_at_checked(length).ok_or(Malformed)?;
    *rest = tail;
    Ok(head)
}

/// A struct or map in the making.
#[derive(Debug)]
pub struct Maker<'a> {
    pub out: &'a mut Vec<u8>,
    open: flat::Open,
    count: u32,
    is_struct: bool,
}

impl<'a> Maker<'a> {
    /// Starts it at the end of `out`: a struct where there is a schema, a map where there is none.
    pub fn new(out: &'a mut Vec<u8>, is_struct: bool) -> Self {
        let open = flat::Writer::new(out).begin(if is_struct { STRUCT } else { MAP });
        Self { out, open, count: 0, is_struct }
    }

    /// The name of the next entry, whose value the caller appends to [`Self::out`].
    pub fn name(&mut self, name: &str) -> &mut Vec<u8> {
        let mut writer = flat::Writer::new(self.out);
        if self.is_struct {
            writer.name(name);
        } else {
            writer.text(name);
        }
        self.count += 1;
        self.out
    }

    pub fn entry(&mut self, name: &str, value: &[u8]) {
        self.name(name).extend_from_slice(value);
    }

    /// All entries of another one as they are.
    pub fn all(&mut self, entries: Entries<'_>) -> Result<()> {
        if entries.is_struct == self.is_struct {
            self.out.extend_from_slice(entries.body);
            self.count += entries.count;
            return Ok(());
        }
        for entry in entries.iter() {
            let (name, value) = entry?;
            self.entry(name, value);
        }
        Ok(())
    }

    /// Refuses to grow further: names of inner fields repeat those of outer ones.
    pub fn check_size(&self) -> Result<()> {
        if self.out.len() <= BYTES_MAX {
            return Ok(());
        }
        Err(Error::new("the transformed value is too large"))
    }

    pub fn finish(self) -> Result<()> {
        self.check_size()?;
        flat::Writer::new(self.out).end(&self.open, self.count);
        Ok(())
    }
}

/// Lengths are 32 bits wide, and Kafka takes far less.
const BYTES_MAX: usize = 1 << 30;
