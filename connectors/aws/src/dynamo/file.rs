//! One file of an export: unpacked as it comes, cut at line ends, its sum and its number of rows checked at the end.
use std::io::Write;

use flate2::write::MultiGzDecoder;
use md5::{Digest, Md5};

use super::manifest::{File, sum_of};

/// Whole lines of a file.
#[derive(Debug, PartialEq)]
pub struct Lines {
    pub text: Vec<u8>,
    /// Rows of the file before them.
    pub first: u64,
    pub rows: u64,
}

/// A file on its way. It holds a piece of it at a time, however large it is, and whatever it unpacks to.
pub struct Unpacking {
    decoder: MultiGzDecoder<Vec<u8>>,
    sum: Md5,
    /// Unpacked, and not handed on.
    held: Vec<u8>,
    rows: u64,
    line_max: usize,
}

impl Unpacking {
    pub fn new(line_max: usize) -> Self {
        let (sum, held) = (Md5::new(), Vec::new());
        Self { decoder: MultiGzDecoder::new(Vec::new()), sum, held, rows: 0, line_max }
    }

    /// Takes bytes of the file, and hands lines on as soon as there are many. An error is a sentence.
    pub fn take(&mut self, bytes: &[u8], mut found: impl FnMut(Lines)) -> Result<(), String> {
        self.sum.update(bytes);
        // A byte unpacks to a thousand at most.
        for piece in bytes.chunks(PIECE) {
            self.decoder.write_all(piece).map_err(|error| self.unpacking(&error))?;
            self.held.append(self.decoder.get_mut());
            if self.held.len() >= LINES
                && let Some(lines) = self.cut()
            {
                found(lines);
            }
            if self.held.len() > self.line_max + LINES + PIECE * 1100 {
                return Err(format!(
                    "row {}: expected at most {} bytes (message.bytes.max)",
                    self.rows + 1,
                    self.line_max
                ));
            }
        }
        Ok(())
    }

    /// The rest, when the file is what the manifest says.
    pub fn finish(mut self, file: &File) -> Result<Lines, String> {
        self.decoder.try_finish().map_err(|error| self.unpacking(&error))?;
        self.held.append(self.decoder.get_mut());
        let found = sum_of(self.sum.clone().finalize().as_slice());
        if found != file.md5 {
            return Err(format!("expected the MD5 sum {} of the manifest, got {found}", file.md5));
        }
        if self.held.last().is_some_and(|last| *last != b'\n') {
            self.held.push(b'\n');
        }
        let lines = self.cut().unwrap_or(Lines { text: Vec::new(), first: self.rows, rows: 0 });
        if self.rows != file.items {
            return Err(format!("expected {} rows, as the manifest says, got {}", file.items, self.rows));
        }
        Ok(lines)
    }

    fn unpacking(&self, error: &std::io::Error) -> String {
        format!("behind row {}: expected gzip to its end: {error}", self.rows)
    }

    fn cut(&mut self) -> Option<Lines> {
        let end = self.held.iter().rposition(|b| *b == b'\n')? + 1;
        let rest = self.held.split_off(end);
        let text = std::mem::replace(&mut self.held, rest);
        let rows = text.split(|b| *b == b'\n').count() as u64 - 1;
        let first = self.rows;
        self.rows += rows;
        Some(Lines { text, first, rows })
    }
}

/// Of what is packed, at a time.
const PIECE: usize = 4096;
/// Handed on at a time, about.
const LINES: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::Compression;
    use flate2::read::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        GzEncoder::new(text, Compression::fast()).read_to_end(&mut bytes).unwrap();
        bytes
    }

    fn file(bytes: &[u8], items: u64) -> File {
        File { key: "k".into(), items, md5: sum_of(Md5::digest(bytes).as_slice()) }
    }

    fn read(bytes: &[u8], file: &File, step: usize) -> Result<Vec<u8>, String> {
        let (mut unpacking, mut whole, mut rows) = (Unpacking::new(1000), Vec::new(), 0);
        let mut add = |lines: Lines| {
            assert_eq!(lines.first, rows);
            rows += lines.rows;
            whole.extend(lines.text);
        };
        for part in bytes.chunks(step.max(1)) {
            unpacking.take(part, &mut add)?;
        }
        add(unpacking.finish(file)?);
        Ok(whole)
    }

    #[test]
    fn files_are_whole_or_refused() {
        let text = "{\"Item\":{}}\n".repeat(50_000);
        let bytes = packed(text.as_bytes());
        assert_eq!(read(&bytes, &file(&bytes, 50_000), 1000).unwrap(), text.as_bytes());
        let check = |bytes: &[u8], file: &File, expected: &str| {
            let reason = read(bytes, file, 77).unwrap_err();
            assert!(reason.contains(expected), "{expected}: {reason}");
        };
        check(&bytes, &file(b"other", 50_000), "expected the MD5 sum");
        check(&bytes, &file(&bytes, 49_999), "expected 49999 rows, as the manifest says, got 50000");
        let short = &bytes[..bytes.len() / 2];
        check(short, &file(short, 50_000), "expected gzip to its end");
        let short = &bytes[..bytes.len() - 3];
        check(short, &file(short, 50_000), "expected gzip to its end");
        check(b"", &file(b"", 0), "expected gzip to its end");
        check(text.as_bytes(), &file(text.as_bytes(), 50_000), "expected gzip to its end");
        let mut bent = bytes.clone();
        bent[bytes.len() - 6] ^= 1;
        check(&bent, &file(&bent, 50_000), "expected gzip to its end");
        let bomb = packed(&vec![b'x'; 20 << 20]);
        check(&bomb, &file(&bomb, 1), "row 1: expected at most 1000 bytes");
    }

    proptest! {
        #[test]
        fn lines_are_cut_wherever_bytes_are(lines in proptest::collection::vec("[a-z]{1,9}", 1..60), step in 1_usize..40, ends in any::<bool>()) {
            let mut text = lines.join("\n");
            if ends {
                text.push('\n');
            }
            let bytes = [packed(&text.as_bytes()[..text.len() / 2]), packed(&text.as_bytes()[text.len() / 2..])].concat();
            let whole = read(&bytes, &file(&bytes, lines.len() as u64), step).unwrap();
            prop_assert_eq!(whole, (lines.join("\n") + "\n").into_bytes());
        }

        #[test]
        fn bytes_from_outside_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes, &file(&bytes, 1), 7);
        }
    }
}
