//! Writes values as JSON text, for columns that keep whole objects.
use std::io::Write;

use formats::avro::{Schema, Type};

use super::scalar::Scalar;
use super::skip::too_deep;
use super::wire::{self, Fault, Taken};
use crate::columns::Given;
use crate::json::DEPTH_MAX;

/// For each type of a schema, how its values are written.
#[derive(Debug)]
pub struct Texts(Vec<Text>);

#[derive(Debug)]
enum Text {
    Null,
    Scalar(Scalar),
    Names(Vec<Box<str>>),
    Array(usize),
    Map(usize),
    /// Names with quotes and colon.
    Fields(Vec<(Box<[u8]>, usize)>),
    Union(Vec<usize>),
    /// No value of the type has a text.
    Wordless,
}

impl Texts {
    pub fn new(schema: &Schema) -> Self {
        Texts((0..schema.places()).map(|place| text(schema, place)).collect())
    }

    /// Appends the value that comes next, and takes the bytes that it has off the budget.
    pub fn write(&self, place: usize, rest: &mut &[u8], out: &mut Vec<u8>, budget: &mut usize) -> Taken<()> {
        let start = out.len();
        let limit = start.saturating_add(*budget);
        Writing { texts: &self.0, out, limit }.value(place, rest, DEPTH_MAX)?;
        *budget = budget.saturating_sub(out.len() - start);
        Ok(())
    }
}

struct Writing<'a> {
    texts: &'a [Text],
    out: &'a mut Vec<u8>,
    limit: usize,
}

impl Writing<'_> {
    fn value(&mut self, place: usize, rest: &mut &[u8], depth: u32) -> Taken<()> {
        let depth = depth.checked_sub(1).ok_or_else(too_deep)?;
        if self.out.len() > self.limit {
            return Err(Fault::broken("the value becomes too large as text"));
        }
        match self.texts.get(place).ok_or_else(wire::cut)? {
            Text::Null => self.out.extend_from_slice(b"null"),
            Text::Scalar(scalar) => self.scalar(&scalar.take(rest)?),
            Text::Names(names) => {
                let index = wire::index(rest, names.len(), "symbol")?;
                quoted(&names[index], self.out);
            }
            Text::Array(items) => {
                self.blocks(rest, *b"[]", |writing, rest| writing.value(*items, rest, depth))?;
            }
            Text::Map(values) => self.blocks(rest, *b"{}", |writing, rest| {
                quoted(wire::text(rest)?, writing.out);
                writing.out.push(b':');
                writing.value(*values, rest, depth)
            })?,
            Text::Fields(fields) => {
                self.out.push(b'{');
                for (number, (name, field)) in fields.iter().enumerate() {
                    if number > 0 {
                        self.out.push(b',');
                    }
                    self.out.extend_from_slice(name);
                    self.value(*field, rest, depth)?;
                }
                self.out.push(b'}');
            }
            Text::Union(branches) => {
                let branch = wire::index(rest, branches.len(), "branch")?;
                self.value(branches[branch], rest, depth)?;
            }
            Text::Wordless => return Err(Fault::broken("a decimal with more places than any column has")),
        }
        Ok(())
    }

    fn blocks(
        &mut self,
        rest: &mut &[u8],
        brackets: [u8; 2],
        mut item: impl FnMut(&mut Self, &mut &[u8]) -> Taken<()>,
    ) -> Taken<()> {
        self.out.push(brackets[0]);
        let start = self.out.len();
        loop {
            let (count, _) = wire::block(rest)?;
            if count == 0 {
                break;
            }
            for _ in 0..count {
                if self.out.len() > start {
                    self.out.push(b',');
                }
                item(self, rest)?;
            }
        }
        self.out.push(brackets[1]);
        Ok(())
    }

    /// JSON has no infinite numbers.
    fn scalar(&mut self, given: &Given<'_>) {
        match given {
            Given::Text(text) => quoted(text, self.out),
            Given::Bytes(bytes) => {
                self.out.push(b'"');
                base64(bytes, self.out);
                self.out.push(b'"');
            }
            Given::Float(_) | Given::Double(_) if !given.is_bare() => self.out.extend_from_slice(b"null"),
            // Writing into memory cannot fail.
            bare if bare.is_bare() && !bare.is_number_without_text() => drop(write!(self.out, "{bare}")),
            other => drop(write!(self.out, "\"{other}\"")),
        }
    }
}

fn text(schema: &Schema, place: usize) -> Text {
    let node = schema.node(place);
    match &node.kind {
        Type::Null => Text::Null,
        Type::Array(items) => Text::Array(*items),
        Type::Map(values) => Text::Map(*values),
        Type::Union(branches) => Text::Union(branches.clone()),
        Type::Enum(symbols) => Text::Names(symbols.iter().map(|symbol| symbol.as_str().into()).collect()),
        Type::Record(fields) => Text::Fields(
            fields
                .iter()
                .map(|field| {
                    let mut name = Vec::new();
                    quoted(&field.name, &mut name);
                    name.push(b':');
                    (name.into(), field.node)
                })
                .collect(),
        ),
        _ => Scalar::of(node).map_or(Text::Wordless, Text::Scalar),
    }
}

fn quoted(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            0..0x20 => drop(write!(out, "\\u{byte:04x}")),
            byte => out.push(byte),
        }
    }
    out.push(b'"');
}

fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    for chunk in bytes.chunks(3) {
        let byte = |place: usize| u32::from(chunk.get(place).copied().unwrap_or(0));
        let all = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = DIGITS[(all >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= chunk.len() { digit } else { b'=' });
        }
    }
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
