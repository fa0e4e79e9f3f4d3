//! Files of cells, CSV and TSV: each row becomes the text of a JSON object.
use std::io::BufRead;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::lines::Lines;
use super::{Fault, Form, Place, Rows, json};

/// How a file of cells is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Dialect {
    pub delimiter: u8,
    /// None where cells have no quotes, and odd characters stand behind a backslash.
    pub quote: Option<u8>,
    /// The first row has the names of the columns.
    pub has_header: bool,
    /// Names in the place of the header's.
    pub names: Vec<String>,
    /// An empty cell is null.
    pub empty_is_null: bool,
}

/// Rows of cells. Cells are text: what reads the records knows what they shall be.
pub struct Cells<R> {
    cutter: Cutter<R>,
    dialect: Dialect,
    form: Form,
    row: u64,
    /// Names with colon, once they are known.
    names: Option<Vec<Box<[u8]>>>,
    header: Option<Vec<String>>,
    /// Text of the row's cells and where each of them ends; what is behind `count` is of another row.
    text: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
}

/// Cuts bytes into cells.
enum Cutter<R> {
    Quoted { input: R, reader: Box<Reader>, at: u64 },
    Escaped { lines: Lines<R>, delimiter: u8 },
}

impl<R: BufRead + Send> Cells<R> {
    /// `input` begins at `place`. If that is not the file's beginning, `header` is what its first row has.
    pub fn new(input: R, dialect: &Dialect, place: Place, header: Option<Vec<String>>, form: Form) -> Self {
        let cutter = match dialect.quote {
            Some(quote) => {
                let mut builder = ReaderBuilder::new();
                let reader = Box::new(builder.delimiter(dialect.delimiter).quote(quote).build());
                Cutter::Quoted { input, reader, at: place.at }
            }
            None => {
                Cutter::Escaped { lines: Lines::new(input, place, form, true), delimiter: dialect.delimiter }
            }
        };
        let mut new = Self {
            cutter,
            dialect: dialect.clone(),
            form,
            row: place.row,
            names: None,
            header,
            text: Vec::new(),
            ends: Vec::new(),
            count: 0,
        };
        if let Some(header) = new.header.clone() {
            new.name(&header);
        }
        new
    }

    /// What the first row has, if it is a header. To be asked before any row is read.
    pub fn header(&mut self) -> Result<Option<Vec<String>>, Fault> {
        if self.names.is_some() {
            return Ok(self.header.clone());
        }
        if !self.dialect.has_header {
            return Ok(None);
        }
        match self.cut() {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(Fault::Record(reason)) => return Err(Fault::File(format!("the header: {reason}"))),
            Err(other) => return Err(other),
        }
        let header: Result<Vec<String>, _> =
            (0..self.count).map(|at| std::str::from_utf8(self.cell(at)).map(str::to_owned)).collect();
        let header = header.map_err(|_| Fault::File("the header is not UTF-8".into()))?;
        self.name(&header);
        self.header = Some(header.clone());
        Ok(Some(header))
    }

    fn name(&mut self, header: &[String]) {
        let names = if self.dialect.names.is_empty() { header } else { &self.dialect.names };
        self.names = Some(names.iter().map(|name| json::name(name)).collect());
    }

    /// Reads a row of cells; false at the end of the file.
    fn cut(&mut self) -> Result<bool, Fault> {
        let found = match &mut self.cutter {
            Cutter::Quoted { input, reader, at } => {
                quoted(input, reader, at, (&mut self.text, &mut self.ends), self.form)?
            }
            Cutter::Escaped { lines, delimiter } => {
                escaped(lines, *delimiter, (&mut self.text, &mut self.ends))?
            }
        };
        self.count = found.unwrap_or(0);
        Ok(found.is_some())
    }

    fn cell(&self, at: usize) -> &[u8] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.text[start..self.ends[at]]
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), String> {
        let names = self.names.as_deref().unwrap_or_default();
        if self.count != names.len() {
            return Err(format!("expected {} cells, got {}", names.len(), self.count));
        }
        out.push(b'{');
        for (at, name) in names.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            out.extend_from_slice(name);
            let cell = self.cell(at);
            if cell == NULL || (cell.is_empty() && self.dialect.empty_is_null) {
                out.extend_from_slice(b"null");
                continue;
            }
            let text = std::str::from_utf8(cell).map_err(|_| format!("cell {} is not UTF-8", at + 1))?;
            if self.dialect.quote.is_some() {
                json::quote(text, out);
            } else {
                json::quote(&plain(text), out);
            }
        }
        out.push(b'}');
        Ok(())
    }
}

impl<R: BufRead + Send> Rows for Cells<R> {
    fn next(&mut self, out: &mut Vec<u8>) -> Result<Option<Place>, Fault> {
        self.header()?;
        let cut = self.cut();
        if matches!(cut, Ok(true) | Err(Fault::Record(_))) {
            self.row += 1;
        }
        if !cut? {
            return Ok(None);
        }
        if self.names.is_none() {
            let own: Vec<String> = (1..=self.count).map(|number| format!("c{number}")).collect();
            self.name(&own);
        }
        let start = out.len();
        self.write(out).map_err(Fault::Record)?;
        if out.len() - start > self.form.bytes_max {
            return Err(self.form.too_large());
        }
        Ok(Some(self.place()))
    }

    fn place(&self) -> Place {
        let at = match &self.cutter {
            Cutter::Quoted { at, .. } => *at,
            Cutter::Escaped { lines, .. } => lines.place().at,
        };
        Place { at, row: self.row, skip: 0 }
    }
}

fn quoted<R: BufRead>(
    input: &mut R,
    reader: &mut Reader,
    at: &mut u64,
    (cells, ends): (&mut Vec<u8>, &mut Vec<usize>),
    form: Form,
) -> Result<Option<usize>, Fault> {
    cells.resize(cells.len().max(1024), 0);
    ends.resize(ends.len().max(64), 0);
    let (mut text, mut cell, mut is_large) = (0, 0, false);
    loop {
        let bytes = input.fill_buf()?;
        let (result, read, written, ended) = reader.read_record(bytes, &mut cells[text..], &mut ends[cell..]);
        input.consume(read);
        *at += read as u64;
        (text, cell) = (text + written, cell + ended);
        match result {
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                if cells.len() > form.bytes_max || ends.len() > CELLS_MAX {
                    // It is read to its end all the same, as the next row is behind it.
                    (is_large, text, cell) = (true, 0, 0);
                } else {
                    cells.resize(cells.len() * 2, 0);
                    ends.resize(ends.len() * 2, 0);
                }
            }
            ReadRecordResult::Record if is_large => return Err(form.too_large()),
            ReadRecordResult::Record => return Ok(Some(cell)),
            ReadRecordResult::End => return Ok(None),
        }
    }
}

fn escaped<R: BufRead + Send>(
    lines: &mut Lines<R>,
    delimiter: u8,
    (cells, ends): (&mut Vec<u8>, &mut Vec<usize>),
) -> Result<Option<usize>, Fault> {
    cells.clear();
    ends.clear();
    loop {
        if lines.line(cells)? {
            return Ok(None);
        }
        if !cells.is_empty() {
            break;
        }
    }
    // Delimiters go, so that a cell ends where the next begins.
    let line = std::mem::take(cells);
    for cell in line.split(|byte| *byte == delimiter) {
        cells.extend_from_slice(cell);
        ends.push(cells.len());
    }
    Ok(Some(ends.len()))
}

/// Without backslashes.
fn plain(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains('\\') {
        return text.into();
    }
    let (mut out, mut letters) = (String::with_capacity(text.len()), text.chars());
    while let Some(letter) = letters.next() {
        out.push(match (letter, if letter == '\\' { letters.next() } else { None }) {
            ('\\', Some('n')) => '\n',
            ('\\', Some('t')) => '\t',
            ('\\', Some('r')) => '\r',
            ('\\', Some('0')) => '\0',
            ('\\', Some('b')) => '\u{8}',
            ('\\', Some('f')) => '\u{c}',
            ('\\', Some(other)) => other,
            (letter, _) => letter,
        });
    }
    out.into()
}

/// As databases write NULL into such files.
const NULL: &[u8] = b"\\N";
const CELLS_MAX: usize = 100_000;
