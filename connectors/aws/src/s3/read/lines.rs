//! Files of lines: JSON with one value in each, or any text.
use std::io::{BufRead, Read};

use super::{Fault, Form, Place, Rows};

/// Each line is a record, as it stands.
pub struct Lines<R> {
    input: R,
    form: Form,
    /// Lines with nothing but blanks are no records.
    skips_blank: bool,
    place: Place,
}

impl<R: BufRead + Send> Lines<R> {
    /// `input` begins at `place`.
    pub fn new(input: R, place: Place, form: Form, skips_blank: bool) -> Self {
        Self { input, form, skips_blank, place }
    }

    /// Appends a line without its end. True at the end of the file.
    pub fn line(&mut self, out: &mut Vec<u8>) -> Result<bool, Fault> {
        let start = out.len();
        let limit = self.form.bytes_max as u64 + END_MAX;
        let read = self.input.by_ref().take(limit).read_until(b'\n', out)?;
        if read == 0 {
            return Ok(true);
        }
        let is_first = self.place.at == 0;
        self.place.at += read as u64;
        let is_cut = read as u64 == limit && !out.ends_with(b"\n");
        if is_cut {
            self.place.at += self.input.skip_until(b'\n')? as u64;
        }
        if out.ends_with(b"\n") {
            out.pop();
            if out.len() > start && out.ends_with(b"\r") {
                out.pop();
            }
        }
        if is_first && out.get(start..).is_some_and(|line| line.starts_with(MARK)) {
            out.drain(start..start + MARK.len());
        }
        if is_cut || out.len() - start > self.form.bytes_max {
            self.place.row += 1;
            return Err(self.form.too_large());
        }
        Ok(false)
    }
}

impl<R: BufRead + Send> Rows for Lines<R> {
    fn next(&mut self, out: &mut Vec<u8>) -> Result<Option<Place>, Fault> {
        let start = out.len();
        loop {
            if self.line(out)? {
                return Ok(None);
            }
            if !self.skips_blank || !out[start..].iter().all(u8::is_ascii_whitespace) {
                self.place.row += 1;
                return Ok(Some(self.place));
            }
            out.truncate(start);
        }
    }

    fn place(&self) -> Place {
        self.place
    }
}

/// The mark that some programs put before UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";
/// What ends a line may come behind the longest.
const END_MAX: u64 = 2;
