//! Values of Avro, written as JSON straight from their bytes.
use formats::avro::{Logical, Schema, Type};
use formats::varint;

use super::super::times::{self, Unit};
use super::super::{Fault, Form, decimal, json};

/// A schema with the names that its values are written with.
pub struct Values {
    schema: Schema,
    /// Of records their fields with colon, of enums their symbols, by the place of the type.
    names: Vec<Vec<Box<[u8]>>>,
}

impl Values {
    pub fn new(schema: Schema) -> Self {
        let names = |place: usize| match &schema.node(place).kind {
            Type::Record(fields) => fields.iter().map(|field| json::name(&field.name)).collect(),
            Type::Enum(symbols) => symbols.iter().map(|symbol| quoted(symbol)).collect(),
            _ => Vec::new(),
        };
        let names = (0..schema.places()).map(names).collect();
        Self { schema, names }
    }

    /// Appends the value that comes next, and takes its bytes. What is no value of the schema ends the file: nobody knows
    /// where the next one begins.
    pub fn write(&self, rest: &mut &[u8], out: &mut Vec<u8>, form: Form) -> Result<(), Fault> {
        let mut writing =
            Writing { values: self, limit: out.len() + form.bytes_max, out, form, record: None };
        writing.value(self.schema.root_place(), rest, DEPTH_MAX).map_err(Fault::File)?;
        let is_large = writing.out.len() > writing.limit;
        match writing.record {
            Some(reason) => Err(Fault::Record(reason)),
            None if is_large => Err(form.too_large()),
            None => Ok(()),
        }
    }
}

struct Writing<'a> {
    values: &'a Values,
    out: &'a mut Vec<u8>,
    limit: usize,
    form: Form,
    /// Why the record cannot be used, though the bytes behind it can be found.
    record: Option<String>,
}

impl Writing<'_> {
    fn value(&mut self, place: usize, rest: &mut &[u8], depth: u32) -> Result<(), String> {
        let depth = depth.checked_sub(1).ok_or("a value is nested too deep")?;
        self.keep_small();
        let values = self.values;
        let node = values.schema.node(place);
        match &node.kind {
            Type::Null => self.out.extend_from_slice(b"null"),
            Type::Boolean => {
                let is_true = take(rest, 1)?[0] != 0;
                self.out.extend_from_slice(if is_true { b"true" } else { b"false" });
            }
            Type::Int | Type::Long => self.number(node.logical, rest)?,
            Type::Float => json::float(f32::from_le_bytes(array(rest)?), self.out),
            Type::Double => json::double(f64::from_le_bytes(array(rest)?), self.out),
            Type::String => {
                let text = sized(rest)?;
                match std::str::from_utf8(text) {
                    Ok(text) => json::quote(text, self.out),
                    Err(_) => self.unfit("a string is not UTF-8".into()),
                }
            }
            Type::Bytes => {
                let bytes = sized(rest)?;
                self.bytes(node.logical, bytes);
            }
            Type::Fixed(size) => {
                let bytes = take(rest, *size)?;
                self.bytes(node.logical, bytes);
            }
            Type::Enum(symbols) => {
                let index = index(rest, symbols.len(), "symbol")?;
                self.out.extend_from_slice(&values.names[place][index]);
            }
            Type::Union(branches) => {
                let branch = branches[index(rest, branches.len(), "branch")?];
                self.value(branch, rest, depth)?;
            }
            Type::Array(items) => self.blocks(rest, *b"[]", |this, rest| this.value(*items, rest, depth))?,
            Type::Map(items) => self.blocks(rest, *b"{}", |this, rest| {
                let key = std::str::from_utf8(sized(rest)?).map_err(|_| "a key is not UTF-8")?;
                json::quote(key, this.out);
                this.out.push(b':');
                this.value(*items, rest, depth)
            })?,
            Type::Record(fields) => {
                self.out.push(b'{');
                for (at, field) in fields.iter().enumerate() {
                    if at > 0 {
                        self.out.push(b',');
                    }
                    self.out.extend_from_slice(&values.names[place][at]);
                    self.value(field.node, rest, depth)?;
                }
                self.out.push(b'}');
            }
        }
        Ok(())
    }

    /// What is too large is read on, and thrown away from time to time.
    fn keep_small(&mut self) {
        if self.out.len() > self.limit + SPARE {
            let bytes_max = self.form.bytes_max;
            self.unfit(format!("message.bytes.max: a record is larger than {bytes_max} bytes"));
            self.out.truncate(self.limit);
        }
    }

    fn number(&mut self, logical: Option<Logical>, rest: &mut &[u8]) -> Result<(), String> {
        let value = varint::take_signed(rest).ok_or(CUT)?;
        let out = &mut *self.out;
        match logical {
            Some(Logical::Date) => times::date(value, out),
            Some(Logical::TimeMillis) => times::time(value, Unit::Millis, out),
            Some(Logical::TimeMicros) => times::time(value, Unit::Micros, out),
            Some(Logical::TimestampMillis) => times::timestamp(value, Unit::Millis, true, out),
            Some(Logical::TimestampMicros) => times::timestamp(value, Unit::Micros, true, out),
            Some(Logical::TimestampNanos) => times::timestamp(value, Unit::Nanos, true, out),
            Some(Logical::LocalTimestampMillis) => times::timestamp(value, Unit::Millis, false, out),
            Some(Logical::LocalTimestampMicros) => times::timestamp(value, Unit::Micros, false, out),
            Some(Logical::LocalTimestampNanos) => times::timestamp(value, Unit::Nanos, false, out),
            Some(Logical::Decimal { .. } | Logical::Uuid | Logical::Duration) | None => {
                json::number(value, out);
            }
        }
        Ok(())
    }

    fn bytes(&mut self, logical: Option<Logical>, bytes: &[u8]) {
        let written = match logical {
            Some(Logical::Decimal { scale, .. }) => {
                let written = decimal::write(bytes, i64::try_from(scale).unwrap_or(i64::MAX), self.out);
                written.ok_or_else(|| "a decimal with more digits than any column has".to_owned())
            }
            Some(Logical::Uuid) if bytes.len() == 16 => {
                uuid(bytes, self.out);
                Ok(())
            }
            Some(Logical::Duration) if bytes.len() == 12 => {
                duration(bytes, self.out);
                Ok(())
            }
            _ => json::bytes(bytes, self.form.binary_is_text, self.out),
        };
        if let Err(reason) = written {
            self.unfit(reason);
        }
    }

    fn unfit(&mut self, reason: String) {
        self.record.get_or_insert(reason);
    }

    fn blocks(
        &mut self,
        rest: &mut &[u8],
        brackets: [u8; 2],
        mut item: impl FnMut(&mut Self, &mut &[u8]) -> Result<(), String>,
    ) -> Result<(), String> {
        self.out.push(brackets[0]);
        let mut is_first = true;
        loop {
            let count = varint::take_signed(rest).ok_or(CUT)?;
            if count == 0 {
                break;
            }
            if count < 0 {
                varint::take_signed(rest).ok_or(CUT)?;
            }
            // Values without bytes could go on for ever.
            if count.unsigned_abs() > rest.len() as u64 + NOTHINGS_MAX {
                return Err("an array or a map with more elements than the block has bytes".into());
            }
            for _ in 0..count.unsigned_abs() {
                if !std::mem::take(&mut is_first) {
                    self.out.push(b',');
                }
                item(self, rest)?;
            }
        }
        self.out.push(brackets[1]);
        Ok(())
    }
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Result<&'a [u8], String> {
    let (taken, left) = rest.split_at_checked(count).ok_or(CUT)?;
    *rest = left;
    Ok(taken)
}

fn array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], String> {
    take(rest, N)?.try_into().map_err(|_| CUT.to_owned())
}

fn sized<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], String> {
    let size = varint::take_signed(rest).and_then(|size| usize::try_from(size).ok()).ok_or(CUT)?;
    take(rest, size)
}

fn index(rest: &mut &[u8], count: usize, what: &str) -> Result<usize, String> {
    let found = varint::take_signed(rest).ok_or(CUT)?;
    let index = usize::try_from(found).ok().filter(|index| *index < count);
    index.ok_or_else(|| format!("{what} {found} of {count}"))
}

fn quoted(text: &str) -> Box<[u8]> {
    let mut out = Vec::new();
    json::quote(text, &mut out);
    out.into()
}

pub fn uuid(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        out.extend_from_slice(format!("{byte:02x}").as_bytes());
    }
    out.push(b'"');
}

/// Months, days and milliseconds, each a small number of its own.
fn duration(bytes: &[u8], out: &mut Vec<u8>) {
    let part =
        |at: usize| bytes[at..at + 4].iter().rev().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
    let (months, days, millis) = (part(0), part(4), part(8));
    out.extend_from_slice(
        format!("\"P{months}M{days}DT{}.{:03}S\"", millis / 1000, millis % 1000).as_bytes(),
    );
}

const CUT: &str = "a value goes beyond its block";
const DEPTH_MAX: u32 = 128;
/// Elements without any bytes, such as nulls.
const NOTHINGS_MAX: u64 = 1 << 20;
/// How far a value that is too large grows before it is thrown away.
const SPARE: usize = 64 << 10;
