//! `String` columns: the length as a varint, then the bytes. JSON columns are sent the same way.
use std::borrow::Cow;

use super::Buffer;
use super::given::{Given, Line};
use crate::json::{Cursor, Fault};

pub struct Text {
    buffer: Buffer,
    kind: Kind,
    /// Only objects fit, as the server demands of a JSON column.
    objects_only: bool,
}

#[derive(PartialEq)]
pub enum Kind {
    Plain,
    /// Sent as text, which the server parses into its JSON column.
    Object,
    /// Sent as JSON that is written as text.
    Json,
}

impl Text {
    pub fn new(kind: Kind) -> Self {
        Text { buffer: Buffer::default(), objects_only: kind != Kind::Plain, kind }
    }

    #[inline]
    pub fn append(&mut self, json: &mut Cursor<'_>) -> Result<(), Fault> {
        let at = json.position();
        match json.peek() {
            b'n' => {
                json.literal("null")?;
                self.fill(1);
            }
            b'{' => self.put(json.raw()?),
            _ if self.objects_only => return Err(Fault::Misfit { at }),
            b'"' => match json.plain()? {
                Some(text) => self.put(text),
                None => self.append_escaped(json)?,
            },
            // Numbers keep their digits and nested values their text: nothing is rounded or reordered.
            _ => self.put(json.raw()?),
        }
        Ok(())
    }

    #[inline]
    pub fn put(&mut self, text: &str) {
        push_varint(&mut self.buffer.bytes, text.len());
        self.buffer.push(text.as_bytes());
    }

    /// As [`Self::put`], of a value that a binary format has. A JSON column takes the text of an object.
    #[inline]
    pub fn put_given(&mut self, given: Given<'_>) -> Option<()> {
        match given {
            Given::Text(text) if !self.objects_only => self.put(text),
            other => return self.put_other(other),
        }
        Some(())
    }

    /// Text gets here in a JSON column only.
    fn put_other(&mut self, given: Given<'_>) -> Option<()> {
        match given {
            Given::Text(text) => {
                let mut json = Cursor::new(text);
                if json.peek() != b'{' {
                    return None;
                }
                let object = json.raw().ok()?;
                json.end().ok()?;
                self.put(object);
            }
            _ if self.objects_only => return None,
            Given::Bytes(bytes) => {
                push_varint(&mut self.buffer.bytes, bytes.len());
                self.buffer.push(bytes);
            }
            other if other.is_number_without_text() => return None,
            other => self.put(Line::new().write(other)?),
        }
        Some(())
    }

    /// Appends a value whose text is written by `write`, which may fail.
    pub fn write<E>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        let bytes = &mut self.buffer.bytes;
        let start = bytes.len();
        write(bytes)?;
        end_text(bytes, start);
        Ok(())
    }

    /// The length is known only after the escapes are resolved: its bytes are moved in front then.
    fn append_escaped(&mut self, json: &mut Cursor<'_>) -> Result<(), Fault> {
        let bytes = &mut self.buffer.bytes;
        let start = bytes.len();
        json.escaped(bytes)?;
        end_text(bytes, start);
        Ok(())
    }

    pub fn fill(&mut self, rows: usize) {
        if self.objects_only {
            (0..rows).for_each(|_| self.put("{}"));
        } else {
            self.buffer.fill(0, rows);
        }
    }

    #[inline]
    pub fn mark(&mut self) {
        self.buffer.mark();
    }

    pub fn rollback(&mut self) {
        self.buffer.rollback();
    }

    pub fn cut(&mut self, row_written: bool) {
        self.buffer.cut(row_written);
    }

    pub fn clear(&mut self) {
        self.buffer.clear();
    }

    pub fn prefix(&self, out: &mut Vec<u8>) {
        if self.kind == Kind::Json {
            out.extend_from_slice(&WRITTEN_AS_TEXT.to_le_bytes());
        }
    }

    pub fn pieces<'a>(&'a self, block: usize, out: &mut Vec<Cow<'a, [u8]>>) {
        out.push(Cow::Borrowed(self.buffer.block(block)));
    }

    pub fn zero_size(&self) -> usize {
        if self.objects_only { 3 } else { 1 }
    }
}

/// Appends a length as Native writes it: seven bits a byte, lowest first.
#[inline]
pub fn push_varint(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Puts the length before what was written since `start`.
fn end_text(bytes: &mut Vec<u8>, start: usize) {
    let length = bytes.len() - start;
    push_varint(bytes, length);
    bytes[start..].rotate_right(varint_len(length));
}

fn varint_len(value: usize) -> usize {
    let bits = usize::BITS - (value | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

/// The way in which the server finds the JSON of a `Json` column.
const WRITTEN_AS_TEXT: u64 = 1;
