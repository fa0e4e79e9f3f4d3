//! The rows of one answer, whole and checked, from bytes that come in pieces.
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::ops::Range;
use std::time::{Duration, Instant};

use crate::failure::{Cause, Failure};
use crate::server::{Piece, Server, Stream};

use super::layout::{Cuts, Layout};
use super::measure::{Lack, length};

/// An answer that is being read. Nothing in it but one row, what came with it, and a piece more is in memory.
pub struct Page {
    stream: Stream,
    buffer: Vec<u8>,
    /// What of the buffer was read.
    at: usize,
    /// The buffer is worth another look at this length: a row of many pieces is not measured after each of them.
    look_at: usize,
    token: String,
    has_ended: bool,
    quiet_since: Instant,
}

/// What came of asking for a row.
#[derive(Debug, PartialEq)]
pub enum Next {
    /// The row's bytes in the buffer, without the token at its end, and where its parts are.
    Row(Range<usize>, Cuts),
    /// Nothing new for now.
    Late,
    End,
}

impl Page {
    /// Each row of the answer ends with `token`, which nothing else holds: whatever a server writes behind the rows
    /// that it had when it failed is no row.
    pub fn open(server: &Server, sql: &str, token: String) -> Result<Self, Failure> {
        let stream = server.stream(sql, "RowBinaryWithNamesAndTypes", SETTINGS)?;
        let quiet_since = Instant::now();
        Ok(Page { stream, buffer: Vec::new(), at: 0, look_at: 0, token, has_ended: false, quiet_since })
    }

    /// The types of the columns, once they are there.
    pub fn header(&mut self, server: &Server, limit: Duration) -> Result<Option<Vec<String>>, Failure> {
        loop {
            let mut rest = &self.buffer[..];
            match header(&mut rest) {
                Ok(types) => {
                    self.at = self.buffer.len() - rest.len();
                    return Ok(Some(types));
                }
                Err(Lack::Sense) => return Err(self.broken(server)),
                Err(Lack::Bytes) if self.has_ended || self.buffer.len() > HEADER_MAX => {
                    return Err(self.broken(server));
                }
                Err(Lack::Bytes) => {
                    if self.fill(server, limit)? == Piece::Late {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// The next row. Waits for bytes at most for `limit`.
    pub fn next(&mut self, server: &Server, layout: &Layout, limit: Duration) -> Result<Next, Failure> {
        loop {
            if self.buffer.len() >= self.look_at || self.has_ended {
                let mut rest = &self.buffer[self.at..];
                if rest.is_empty() && self.has_ended {
                    return Ok(Next::End);
                }
                let measured = layout.measure(&mut rest);
                match measured.and_then(|cuts| end_of_row(&mut rest, &self.token).map(|()| cuts)) {
                    Ok(cuts) => {
                        let (start, end) = (self.at, self.buffer.len() - rest.len());
                        self.at = end;
                        self.look_at = 0;
                        return Ok(Next::Row(start..end - self.token.len(), cuts));
                    }
                    Err(Lack::Bytes) if !self.has_ended => self.make_room(server)?,
                    Err(Lack::Bytes | Lack::Sense) => return Err(self.broken(server)),
                }
            }
            if self.fill(server, limit)? == Piece::Late {
                // What there is may be a whole row behind which nothing comes for a while.
                self.look_at = 0;
                return Ok(Next::Late);
            }
        }
    }

    pub fn bytes(&self, row: &Range<usize>) -> &[u8] {
        &self.buffer[row.clone()]
    }

    /// Fails when nothing has come for longer than `limit`.
    pub fn check_patience(&self, server: &Server, limit: Duration) -> Result<(), Failure> {
        if self.quiet_since.elapsed() <= limit {
            return Ok(());
        }
        let sentence = format!("no more of the answer within {} ms", limit.as_millis());
        Err(self.blame(server, Failure::silence(sentence)))
    }

    /// Says whose failure it is.
    pub fn blame(&self, server: &Server, failure: Failure) -> Failure {
        server.blame(&self.stream, failure)
    }

    fn fill(&mut self, server: &Server, limit: Duration) -> Result<Piece, Failure> {
        let piece = server.piece(&mut self.stream, &mut self.buffer, limit)?;
        match piece {
            Piece::Bytes => self.quiet_since = Instant::now(),
            Piece::End => self.has_ended = true,
            Piece::Late => {}
        }
        Ok(piece)
    }

    /// Forgets what was read, and lets the row that is not whole yet come to double its size.
    fn make_room(&mut self, server: &Server) -> Result<(), Failure> {
        self.buffer.drain(..self.at);
        self.at = 0;
        if self.buffer.len() > ROW_BYTES_MAX {
            let sentence = format!("a row has more than {ROW_BYTES_MAX} bytes");
            return Err(self.blame(server, Failure::new(Cause::Other, sentence)));
        }
        self.look_at = self.buffer.len() + self.buffer.len().max(1);
        Ok(())
    }

    /// What stands where a row should: mostly the words of a server that failed on the way.
    fn broken(&self, server: &Server) -> Failure {
        let rest = &self.buffer[self.at.min(self.buffer.len())..];
        let tail = String::from_utf8_lossy(&rest[rest.len().saturating_sub(TAIL)..]);
        let failure = match tail.rfind("Code: ").filter(|_| tail.contains("DB::")) {
            Some(at) => Failure::from_answer(&tail[at..]),
            None => Failure::new(Cause::Away, "the answer broke off within a row"),
        };
        self.blame(server, failure)
    }
}

/// Text that no row of the next answer holds, unless by a chance of one in 2^64.
pub fn token() -> String {
    // The standard library's own source of randomness; each state has keys of its own.
    format!("{:016x}", RandomState::new().hash_one(TOKEN_SEED))
}

fn end_of_row(rest: &mut &[u8], token: &str) -> Result<(), Lack> {
    let (end, tail) = rest.split_at_checked(token.len()).ok_or(Lack::Bytes)?;
    if end != token.as_bytes() {
        return Err(Lack::Sense);
    }
    *rest = tail;
    Ok(())
}

/// The count of the columns, their names and their types.
fn header(rest: &mut &[u8]) -> Result<Vec<String>, Lack> {
    let count = length(rest)?;
    if count > COLUMNS_MAX {
        return Err(Lack::Sense);
    }
    let mut text = || {
        let length = length(rest)?;
        let (text, tail) = rest.split_at_checked(length).ok_or(Lack::Bytes)?;
        *rest = tail;
        Ok(String::from_utf8_lossy(text).into_owned())
    };
    for _ in 0..count {
        text()?;
    }
    (0..count).map(|_| text()).collect()
}

/// What the rows rely on, whatever a profile says.
const SETTINGS: &[(&str, &str)] = &[
    ("output_format_binary_encode_types_in_binary_format", "0"),
    ("output_format_json_quote_64bit_integers", "0"),
    ("limit", "0"),
    ("offset", "0"),
];

const TOKEN_SEED: &str = "end of row";
/// Far above the 16 MB that a broker takes.
const ROW_BYTES_MAX: usize = 256 << 20;
const HEADER_MAX: usize = 16 << 20;
const COLUMNS_MAX: usize = 100_000;
/// Where a server's words about its failure are looked for.
const TAIL: usize = 16 << 10;
