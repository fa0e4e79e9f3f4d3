//! Files become records: what is compressed is unpacked, and each format cuts rows out of it.
mod avro;
mod cells;
mod columns;
mod decimal;
mod fault;
mod json;
mod lines;
mod parquet;
mod tally;
#[cfg(test)]
mod tests;
mod times;
mod unpack;

pub use avro::{Avro, Header};
pub use cells::{Cells, Dialect};
pub use fault::{Fault, Missing};
pub use lines::Lines;
pub use parquet::{Parquet, Store};
pub use unpack::{Packing, unpack};

/// Where a file goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The byte, where the format can begin at one: of a line, or of a block of Avro.
    pub at: u64,
    /// Rows before it, those that were left out included.
    pub row: u64,
    /// Rows behind `at` that were given already.
    pub skip: u64,
}

impl Place {
    /// Whether all rows up to `until` are behind it, those that were left out included.
    pub fn has_reached(&self, until: Option<Place>) -> bool {
        until.is_some_and(|until| self.row >= until.row)
    }
}

/// Cuts a file into records.
pub trait Rows: Send {
    /// Appends the next record to `out` and says where the file goes on behind it. None at the file's end. After a
    /// [`Fault::Record`] the next call goes on behind that record, and whatever was appended is to be taken away.
    fn next(&mut self, out: &mut Vec<u8>) -> Result<Option<Place>, Fault>;

    /// Where it goes on.
    fn place(&self) -> Place;
}

/// How values that JSON has no form for are written, and how large a record may be.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    pub bytes_max: usize,
    /// Bytes are text; otherwise they become Base64.
    pub binary_is_text: bool,
}

impl Form {
    pub fn too_large(&self) -> Fault {
        Fault::Record(format!("message.bytes.max: a record is larger than {} bytes", self.bytes_max))
    }
}
