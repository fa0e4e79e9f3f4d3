//! Follows a program through a value's bytes and writes the flat encoding.

use super::program::{Branch, Program, Step, compile};
use super::schema::Schema;
use crate::decimal::shortened;
use crate::fault::{Fault, Read};
use crate::{Error, FLAT_BYTES_MAX, Result, varint};
use penstock_sdk::flat::{ARRAY, DEPTH_MAX, MAP, STRUCT, Writer};

/// Reads the values of one schema.
#[derive(Debug)]
pub struct Decoder {
    program: Program,
}

impl Decoder {
    /// `is_enhanced` is `enhanced.avro.schema.support`: members of unions are known by their full names.
    pub fn new(schema: &Schema, is_enhanced: bool) -> Self {
        Self { program: compile(schema, is_enhanced) }
    }

    /// Appends the value that fills `bytes`.
    pub fn read(&self, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let mut rest = bytes;
        let start = out.len();
        let mut reading =
            Reading { steps: &self.program.steps, out, limit: start.saturating_add(FLAT_BYTES_MAX) };
        let read = reading.value(self.program.root, &mut rest, DEPTH_MAX);
        let read =
            read.and_then(|()| if rest.is_empty() { Ok(()) } else { Err(Fault::new("bytes are left over")) });
        read.map_err(|fault| {
            out.truncate(start);
            let at = bytes.len() - rest.len();
            Error::record(format!("avro at byte {at}: {fault}"))
        })
    }
}

struct Reading<'a> {
    steps: &'a [Step],
    out: &'a mut Vec<u8>,
    limit: usize,
}

impl Reading<'_> {
    fn value(&mut self, place: usize, rest: &mut &[u8], depth: usize) -> Read {
        let depth =
            depth.checked_sub(1).ok_or_else(|| Fault::new(format!("nests deeper than {DEPTH_MAX}")))?;
        if self.out.len() > self.limit {
            return Err(Fault::new("the value becomes too large"));
        }
        let step = self.steps.get(place).ok_or_else(cut)?;
        match step {
            Step::Array(_) | Step::Map(_) | Step::Entries(..) => self.blocks(step, rest, depth)?,
            Step::Struct(fields) => self.structure(fields, rest, depth)?,
            Step::Optional { null, inner } => match long(rest)? {
                index @ (0 | 1) if index == i64::from(*null) => self.writer().null(),
                0 | 1 => self.value(*inner, rest, depth)?,
                index => return Err(Fault::new(format!("branch {index} of a union of 2"))),
            },
            Step::Union(branches) => self.union(branches, rest, depth)?,
            scalar => self.scalar(scalar, rest)?,
        }
        Ok(())
    }

    fn scalar(&mut self, step: &Step, rest: &mut &[u8]) -> Read {
        match step {
            Step::Null => self.writer().null(),
            Step::Boolean => match take(rest, 1)? {
                [0] => self.writer().boolean(false),
                [1] => self.writer().boolean(true),
                other => return Err(Fault::new(format!("a boolean is 0 or 1, got {other:?}"))),
            },
            Step::Int8 | Step::Int16 | Step::Int32 => self.int(step, rest)?,
            Step::Int64 => {
                let long = long(rest)?;
                self.writer().int64(long);
            }
            Step::Float32 => {
                let bytes = chunk(rest)?;
                self.writer().float32(f32::from_le_bytes(bytes));
            }
            Step::Float64 => {
                let bytes = chunk(rest)?;
                self.writer().float64(f64::from_le_bytes(bytes));
            }
            Step::Text => {
                let text = text(rest)?;
                self.writer().text(text);
            }
            Step::Bytes => {
                let bytes = sized(rest)?;
                self.writer().bytes(bytes);
            }
            Step::Decimal(size) => {
                let bytes = match size {
                    Some(size) => take(rest, *size)?,
                    None => sized(rest)?,
                };
                self.writer().bytes(shortened(bytes));
            }
            Step::Fixed(size) => {
                let bytes = take(rest, *size)?;
                self.writer().bytes(bytes);
            }
            Step::Enum(symbols) => {
                let index = long(rest)?;
                let symbol = usize::try_from(index).ok().and_then(|index| symbols.get(index));
                let symbol = symbol.ok_or_else(|| {
                    Fault::new(format!("symbol {index} of an enum that has {}", symbols.len()))
                })?;
                self.writer().text(symbol);
            }
            _ => return Err(cut()),
        }
        Ok(())
    }

    fn writer(&mut self) -> Writer<'_> {
        Writer::new(self.out)
    }

    fn int(&mut self, step: &Step, rest: &mut &[u8]) -> Read {
        let long = long(rest)?;
        let wide = || Fault::new(format!("{long} does not fit its type"));
        match step {
            Step::Int8 => self.writer().int8(i8::try_from(long).map_err(|_| wide())?),
            Step::Int16 => self.writer().int16(i16::try_from(long).map_err(|_| wide())?),
            _ => self.writer().int32(i32::try_from(long).map_err(|_| wide())?),
        }
        Ok(())
    }

    fn structure(&mut self, fields: &[(Box<str>, usize)], rest: &mut &[u8], depth: usize) -> Read {
        let open = self.writer().begin(STRUCT);
        for (name, step) in fields {
            self.writer().name(name);
            self.value(*step, rest, depth).map_err(|fault| fault.within(name))?;
        }
        self.writer().end(&open, fields.len() as u32);
        Ok(())
    }

    /// Arrays and maps come in blocks, each with its count; one of zero ends them.
    fn blocks(&mut self, step: &Step, rest: &mut &[u8], depth: usize) -> Read {
        let open = self.writer().begin(if matches!(step, Step::Array(_)) { ARRAY } else { MAP });
        let (mut total, mut empty) = (0_u32, 0_u32);
        loop {
            let mut count = long(rest)?;
            if count == 0 {
                break;
            }
            if count < 0 {
                // The block's size follows, for readers that skip it.
                long(rest)?;
                count = count.checked_neg().ok_or_else(cut)?;
            }
            for _ in 0..count {
                let left = rest.len();
                self.item(step, rest, depth)?;
                total = total.checked_add(1).ok_or_else(|| Fault::new("too many items"))?;
                // Items of no bytes would let a few bytes stand for any number of them.
                empty += u32::from(rest.len() == left);
                if empty > EMPTY_MAX {
                    return Err(Fault::new(format!("more than {EMPTY_MAX} items without bytes")));
                }
            }
        }
        self.writer().end(&open, total);
        Ok(())
    }

    fn item(&mut self, step: &Step, rest: &mut &[u8], depth: usize) -> Read {
        match step {
            Step::Map(values) => {
                let key = text(rest)?;
                self.writer().text(key);
                self.value(*values, rest, depth)
            }
            Step::Entries(keys, values) => {
                self.value(*keys, rest, depth)?;
                self.value(*values, rest, depth)
            }
            Step::Array(items) => self.value(*items, rest, depth),
            _ => Err(cut()),
        }
    }

    fn union(&mut self, branches: &[Branch], rest: &mut &[u8], depth: usize) -> Read {
        let index = long(rest)?;
        let chosen = usize::try_from(index).ok().and_then(|index| Some((index, branches.get(index)?)));
        let (index, chosen) =
            chosen.ok_or_else(|| Fault::new(format!("branch {index} of a union of {}", branches.len())))?;
        if chosen.field.is_none() {
            self.writer().null();
            return Ok(());
        }
        let open = self.writer().begin(STRUCT);
        let mut count = 0;
        for (place, branch) in branches.iter().enumerate() {
            let Some(field) = &branch.field else { continue };
            self.writer().name(field);
            if place == index {
                self.value(branch.step, rest, depth).map_err(|fault| fault.within(field))?;
            } else {
                self.writer().null();
            }
            count += 1;
        }
        self.writer().end(&open, count);
        Ok(())
    }
}

#[cold]
fn cut() -> Fault {
    Fault::new("the value is cut off, or its numbers are too long")
}

fn long(rest: &mut &[u8]) -> std::result::Result<i64, Fault> {
    varint::take_signed(rest).ok_or_else(cut)
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> std::result::Result<&'a [u8], Fault> {
    let (head, tail) = rest.split_at_checked(count).ok_or_else(cut)?;
    *rest = tail;
    Ok(head)
}

fn chunk<const N: usize>(rest: &mut &[u8]) -> std::result::Result<[u8; N], Fault> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or_else(cut)?;
    *rest = tail;
    Ok(*head)
}

fn sized<'a>(rest: &mut &'a [u8]) -> std::result::Result<&'a [u8], Fault> {
    let length = usize::try_from(long(rest)?).map_err(|_| Fault::new("a length below zero"))?;
    take(rest, length)
}

fn text<'a>(rest: &mut &'a [u8]) -> std::result::Result<&'a str, Fault> {
    std::str::from_utf8(sized(rest)?).map_err(|_| Fault::new("a string that is not UTF-8"))
}

/// Of a null, or a record of nulls, nobody needs more in an array.
const EMPTY_MAX: u32 = 1 << 20;
