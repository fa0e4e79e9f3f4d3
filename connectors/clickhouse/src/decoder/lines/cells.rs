//! Takes a line apart into its cells: CSV by the `csv-core` crate, TSV as ClickHouse writes it.
use csv_core::{ReadFieldResult, Reader, ReaderBuilder};

use crate::shape::Format;

/// One cell without its quotes and escapes.
#[derive(Debug, PartialEq)]
pub struct Cell<'a> {
    pub text: &'a str,
    pub is_null: bool,
    /// An empty cell is a text of its own, not the lack of one.
    pub is_text: bool,
}

/// Why a line cannot be taken apart.
#[derive(Debug, PartialEq)]
pub enum Broken {
    NotUtf8(usize),
    SecondLine,
    Unclosed,
    /// The byte behind a backslash.
    Escape(u8),
    TooFew,
    TooMany,
}

/// Reads the cells of one line after the other.
pub struct Cells {
    /// None for TSV.
    csv: Option<Box<Reader>>,
    /// The cell at hand, if it cannot be read where it is.
    cell: Vec<u8>,
    is_over: bool,
}

impl Cells {
    pub fn new(format: Format) -> Self {
        let csv = match format {
            Format::Csv(delimiter) => Some(Box::new(ReaderBuilder::new().delimiter(delimiter).build())),
            Format::Tsv => None,
        };
        Cells { csv, cell: Vec::new(), is_over: false }
    }

    /// Begins a line; the answer is what is left of it.
    pub fn begin<'v>(&mut self, value: &'v [u8]) -> &'v [u8] {
        self.is_over = false;
        if let Some(csv) = &mut self.csv {
            csv.reset();
        }
        // A cell has no more bytes than its line.
        if self.cell.len() < value.len() {
            self.cell.resize(value.len(), 0);
        }
        value
    }

    /// The next cell of the line, if it has one.
    pub fn next<'a, 'v: 'a>(&'a mut self, rest: &mut &'v [u8]) -> Result<Option<Cell<'a>>, Broken> {
        match &mut self.csv {
            _ if self.is_over => Ok(None),
            Some(csv) => csv_cell(csv, rest, &mut self.cell, &mut self.is_over),
            None => tsv_cell(rest, &mut self.cell, &mut self.is_over).map(Some),
        }
    }

    /// Fails unless the line is over and nothing follows it.
    pub fn end(&self, rest: &[u8]) -> Result<(), Broken> {
        match rest.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            _ if !self.is_over => Err(Broken::TooMany),
            true => Ok(()),
            false => Err(Broken::SecondLine),
        }
    }
}

fn csv_cell<'a>(
    csv: &mut Reader,
    rest: &mut &[u8],
    cell: &'a mut [u8],
    is_over: &mut bool,
) -> Result<Option<Cell<'a>>, Broken> {
    let (start, mut length) = (*rest, 0);
    loop {
        // At the end of the input the reader is told so by being asked once more.
        let (result, read, written) = csv.read_field(rest, &mut cell[length..]);
        *rest = &rest[read..];
        length += written;
        match result {
            ReadFieldResult::InputEmpty => {}
            ReadFieldResult::Field { record_end } => {
                *is_over = record_end;
                break;
            }
            ReadFieldResult::End | ReadFieldResult::OutputFull => {
                *is_over = true;
                return Ok(None);
            }
        }
    }
    let is_quoted = start.first() == Some(&b'"');
    let is_odd = |odd: bool, byte: &u8| odd ^ (*byte == b'"');
    if is_quoted && start[..start.len() - rest.len()].iter().fold(false, is_odd) {
        return Err(Broken::Unclosed);
    }
    let text = text(&cell[..length])?;
    // As ClickHouse reads it: blanks around a cell without quotes are no part of it.
    let text = if is_quoted { text } else { text.trim_matches([' ', '\t']) };
    Ok(Some(Cell { text, is_null: !is_quoted && text == NULL, is_text: is_quoted }))
}

fn tsv_cell<'a, 'v: 'a>(
    rest: &mut &'v [u8],
    cell: &'a mut Vec<u8>,
    is_over: &mut bool,
) -> Result<Cell<'a>, Broken> {
    let end = rest.iter().position(|byte| matches!(byte, b'\t' | b'\n')).unwrap_or(rest.len());
    *is_over = rest.get(end) != Some(&b'\t');
    let raw = if rest.get(end) == Some(&b'\n') { rest[..end].strip_suffix(b"\r") } else { None };
    let raw = raw.unwrap_or(&rest[..end]);
    *rest = rest.get(end + 1..).unwrap_or_default();
    if raw == NULL.as_bytes() {
        return Ok(Cell { text: NULL, is_null: true, is_text: true });
    }
    let plain = if raw.contains(&b'\\') { unescaped(raw, cell)? } else { raw };
    Ok(Cell { text: text(plain)?, is_null: false, is_text: true })
}

fn unescaped<'a>(raw: &[u8], cell: &'a mut Vec<u8>) -> Result<&'a [u8], Broken> {
    cell.clear();
    let mut bytes = raw.iter();
    while let Some(&byte) = bytes.next() {
        if byte != b'\\' {
            cell.push(byte);
            continue;
        }
        cell.push(match bytes.next() {
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'0') => 0,
            Some(&byte @ (b'\\' | b'\'' | b'"')) => byte,
            other => return Err(Broken::Escape(other.copied().unwrap_or(b'\n'))),
        });
    }
    Ok(cell)
}

fn text(bytes: &[u8]) -> Result<&str, Broken> {
    std::str::from_utf8(bytes).map_err(|error| Broken::NotUtf8(error.valid_up_to()))
}

/// What ClickHouse writes for NULL, in both formats.
const NULL: &str = "\\N";
