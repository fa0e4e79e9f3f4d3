//! Files of Avro: blocks of rows, each row written as the text of a JSON object.
mod value;

use std::io::{BufRead, Read};
use std::sync::Arc;

use formats::avro::Schema;

use super::{Fault, Form, Place, Rows};
use value::Values;
pub use value::uuid;

/// What stands before the first block.
#[derive(Clone)]
pub struct Header {
    values: Arc<Values>,
    codec: Codec,
    sync: [u8; 16],
    /// Its length.
    bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Codec {
    Null,
    Deflate,
    Snappy,
    Zstd,
    Bzip2,
}

pub struct Avro<R> {
    input: R,
    header: Header,
    form: Form,
    /// Where the block begins whose rows are being given.
    at: u64,
    row: u64,
    skip: u64,
    packed: Vec<u8>,
    block: Vec<u8>,
    /// Bytes of the block that have been read.
    read: usize,
    left: u64,
    /// Where the next block begins.
    next: u64,
}

impl Header {
    /// Reads it; `input` is at the file's beginning.
    pub fn read(input: &mut impl BufRead) -> Result<Self, Fault> {
        let mut magic = [0; 4];
        input.read_exact(&mut magic).map_err(|error| cut(&error))?;
        if magic != *b"Obj\x01" {
            return Err(Fault::File("expected an Avro file, which begins with \"Obj\" and 1".into()));
        }
        let (mut bytes, mut schema, mut codec) = (4, None, Codec::Null);
        loop {
            let count = long(input, &mut bytes)?;
            if count == 0 {
                break;
            }
            if count < 0 {
                long(input, &mut bytes)?;
            }
            for _ in 0..count.unsigned_abs() {
                let name = field(input, &mut bytes)?;
                let value = field(input, &mut bytes)?;
                match name.as_slice() {
                    b"avro.schema" => schema = Some(value),
                    b"avro.codec" => codec = Codec::of(&value)?,
                    _ => {}
                }
            }
        }
        let mut sync = [0; 16];
        input.read_exact(&mut sync).map_err(|error| cut(&error))?;
        let schema = schema.ok_or_else(|| Fault::File("the Avro file has no schema".into()))?;
        let schema =
            String::from_utf8(schema).map_err(|_| Fault::File("the Avro schema is not UTF-8".into()))?;
        let schema = Schema::parse(&schema, &[]);
        let schema = schema.map_err(|error| Fault::File(format!("the Avro schema: {error}")))?;
        Ok(Self { values: Arc::new(Values::new(schema)), codec, sync, bytes: bytes + 16 })
    }
}

impl Codec {
    fn of(name: &[u8]) -> Result<Self, Fault> {
        Ok(match name {
            b"null" | b"" => Self::Null,
            b"deflate" => Self::Deflate,
            b"snappy" => Self::Snappy,
            b"zstandard" => Self::Zstd,
            b"bzip2" => Self::Bzip2,
            other => {
                let name = String::from_utf8_lossy(other);
                let expected = "expected null, deflate, snappy, zstandard or bzip2";
                return Err(Fault::File(format!("the Avro file is compressed by {name}, {expected}")));
            }
        })
    }

    fn unpack(self, packed: &mut Vec<u8>, block: &mut Vec<u8>) -> Result<(), String> {
        block.clear();
        let text = |error: &dyn std::fmt::Display| error.to_string();
        match self {
            Self::Null => std::mem::swap(packed, block),
            Self::Deflate => all(flate2::bufread::DeflateDecoder::new(packed.as_slice()), block)?,
            Self::Zstd => {
                let reader = zstd::stream::read::Decoder::with_buffer(packed.as_slice());
                all(reader.map_err(|error| text(&error))?, block)?;
            }
            Self::Bzip2 => all(bzip2::bufread::BzDecoder::new(packed.as_slice()), block)?,
            Self::Snappy => {
                let data = packed.len().checked_sub(4).ok_or("it is shorter than its checksum")?;
                let size = snap::raw::decompress_len(&packed[..data]).map_err(|error| text(&error))?;
                if size as u64 > BLOCK_MAX {
                    return Err(too_large());
                }
                block.resize(size, 0);
                let mut decoder = snap::raw::Decoder::new();
                decoder.decompress(&packed[..data], block).map_err(|error| text(&error))?;
                let mut sum = flate2::Crc::new();
                sum.update(block);
                if packed[data..] != sum.sum().to_be_bytes() {
                    return Err("its checksum is wrong".into());
                }
            }
        }
        Ok(())
    }
}

fn all(reader: impl Read, block: &mut Vec<u8>) -> Result<(), String> {
    let read = reader.take(BLOCK_MAX + 1).read_to_end(block).map_err(|error| error.to_string())?;
    if read as u64 > BLOCK_MAX { Err(too_large()) } else { Ok(()) }
}

impl<R: BufRead + Send> Avro<R> {
    /// `input` begins at the block of `place`, or behind the header.
    pub fn new(input: R, header: Header, place: Place, form: Form) -> Self {
        let at = place.at.max(header.bytes);
        let row = place.row - place.skip.min(place.row);
        let (packed, block) = (Vec::new(), Vec::new());
        Self { input, header, form, at, row, skip: place.skip, packed, block, read: 0, left: 0, next: at }
    }

    /// Reads a block; false at the end of the file.
    fn block(&mut self) -> Result<bool, Fault> {
        if self.input.fill_buf()?.is_empty() {
            return Ok(false);
        }
        self.at = self.next;
        let wrong = |at: u64, reason: &str| Fault::File(format!("the block at byte {at}: {reason}"));
        let rows = long(&mut self.input, &mut self.next)?;
        let size = long(&mut self.input, &mut self.next)?;
        let (Ok(rows), Ok(size)) = (u64::try_from(rows), u64::try_from(size)) else {
            return Err(wrong(self.at, "expected a number of rows and of bytes"));
        };
        if size > BLOCK_MAX {
            return Err(wrong(self.at, &too_large()));
        }
        self.packed.clear();
        let read = self.input.by_ref().take(size).read_to_end(&mut self.packed)?;
        let mut sync = [0; 16];
        if (read as u64) < size {
            return Err(wrong(self.at, "the file ends in it"));
        }
        self.input.read_exact(&mut sync).map_err(|error| cut(&error))?;
        if sync != self.header.sync {
            return Err(wrong(self.at, "the mark behind it is not the one of the file"));
        }
        self.next += size + 16;
        let unpacked = self.header.codec.unpack(&mut self.packed, &mut self.block);
        unpacked.map_err(|reason| wrong(self.at, &reason))?;
        (self.read, self.left) = (0, rows);
        Ok(true)
    }

    fn value(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        let mut rest = &self.block[self.read..];
        let before = rest.len();
        let written = self.header.values.write(&mut rest, out, self.form);
        self.read += before - rest.len();
        self.left -= 1;
        self.row += 1;
        written
    }
}

impl<R: BufRead + Send> Rows for Avro<R> {
    fn next(&mut self, out: &mut Vec<u8>) -> Result<Option<Place>, Fault> {
        let start = out.len();
        loop {
            if self.left == 0 {
                if !self.block()? {
                    return Ok(None);
                }
                let given = std::mem::take(&mut self.skip);
                for _ in 0..given.min(self.left) {
                    match self.value(out) {
                        // It was told when it was met first.
                        Ok(()) | Err(Fault::Record(_)) => {}
                        Err(other) => return Err(other),
                    }
                    out.truncate(start);
                }
                self.skip = if self.left == 0 { 0 } else { given };
                continue;
            }
            self.skip += 1;
            let written = self.value(out);
            if self.left == 0 {
                (self.at, self.skip) = (self.next, 0);
            }
            return written.map(|()| Some(self.place()));
        }
    }

    fn place(&self) -> Place {
        Place { at: self.at, row: self.row, skip: self.skip }
    }
}

fn long(input: &mut impl BufRead, bytes: &mut u64) -> Result<i64, Fault> {
    let (mut value, mut byte) = (0_u64, [0]);
    for shift in (0..64).step_by(7) {
        input.read_exact(&mut byte).map_err(|error| cut(&error))?;
        *bytes += 1;
        value |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] & 0x80 == 0 {
            return Ok(formats::varint::unzigzag(value));
        }
    }
    Err(Fault::File("a number that has no end in the Avro file".into()))
}

fn field(input: &mut impl BufRead, bytes: &mut u64) -> Result<Vec<u8>, Fault> {
    let size = u64::try_from(long(input, bytes)?).ok().filter(|size| *size <= FIELD_MAX);
    let size = size.ok_or_else(|| Fault::File("the header of the Avro file is too large".into()))?;
    let mut value = Vec::new();
    let read = input.take(size).read_to_end(&mut value)? as u64;
    *bytes += read;
    if read < size { Err(Fault::File(CUT.into())) } else { Ok(value) }
}

fn cut(error: &std::io::Error) -> Fault {
    match Fault::of(error) {
        Fault::File(_) => Fault::File(CUT.into()),
        other => other,
    }
}

fn too_large() -> String {
    format!("it has more than {BLOCK_MAX} bytes")
}

const CUT: &str = "the Avro file ends too early";
/// Of the schema, mostly.
const FIELD_MAX: u64 = 16 << 20;
/// Writers take some kilobytes to a few megabytes.
const BLOCK_MAX: u64 = 128 << 20;
