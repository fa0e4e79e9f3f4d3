//! Splits bytes into lines as they come in: `\n`, `\r\n` and `\r` end a line.

/// Bytes that were read and not yet handed out. Grows with the longest line, up to a bound.
#[derive(Debug)]
pub struct Lines {
    bytes: Vec<u8>,
    /// What was read and not handed out stands in `start..end`.
    start: usize,
    end: usize,
    /// No line ends before this place, so a long line is not searched again from its beginning at every read.
    searched: usize,
    /// Nothing will follow, so what is left is a line as well.
    is_last: bool,
    bounds: Bounds,
}

/// Sizes of the buffer.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Bytes at the beginning, and again after a long line.
    pub chunk: usize,
    /// A line of more bytes than this is refused.
    pub line_max: usize,
}

impl Lines {
    pub fn new(bounds: Bounds) -> Self {
        Self { bytes: vec![0; bounds.chunk], start: 0, end: 0, searched: 0, is_last: false, bounds }
    }

    /// The next whole line without its end, and the bytes it took with it.
    pub fn next(&mut self) -> Option<(&[u8], usize)> {
        let from = self.start;
        let (at, after) = match find_end(&self.bytes[self.searched..self.end]) {
            Some(offset) => self.end_of(self.searched + offset)?,
            None if self.is_last && from < self.end => (self.end, self.end),
            None => {
                self.searched = self.end;
                return None;
            }
        };
        (self.start, self.searched) = (after, after);
        Some((&self.bytes[from..at], after - from))
    }

    /// Room to read into; `None` when a single line fills the whole bound.
    pub fn room(&mut self) -> Option<&mut [u8]> {
        if self.start == self.end {
            self.clear();
        } else if self.end == self.bytes.len() && self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.searched -= self.start;
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.bytes.len() {
            // The end of a line that is just as long as the bound has to fit in as well.
            let most = self.bounds.line_max + 2;
            if self.bytes.len() >= most {
                return None;
            }
            self.bytes.resize((self.bytes.len() * 2).min(most), 0);
        }
        Some(&mut self.bytes[self.end..])
    }

    /// So many bytes were read into the room.
    pub fn filled(&mut self, bytes: usize) {
        self.end += bytes;
    }

    /// Bytes that were read and not handed out.
    pub fn pending(&self) -> usize {
        self.end - self.start
    }

    /// What is pending is complete, although no line end follows.
    pub fn finish(&mut self) {
        self.is_last = true;
    }

    /// Forgets what is pending.
    pub fn clear(&mut self) {
        (self.start, self.end, self.searched, self.is_last) = (0, 0, 0, false);
        if self.bytes.len() > self.bounds.chunk {
            self.bytes.truncate(self.bounds.chunk);
            self.bytes.shrink_to_fit();
        }
    }

    /// Where the line ends and where the next one begins, for a `\n` or `\r` at `at`. A `\r` that is the last
    /// byte so far may be half of `\r\n`: it waits.
    fn end_of(&mut self, at: usize) -> Option<(usize, usize)> {
        if self.bytes[at] == b'\n' {
            return Some((at, at + 1));
        }
        match self.bytes[at + 1..self.end].first() {
            Some(b'\n') => Some((at, at + 2)),
            Some(_) => Some((at, at + 1)),
            None if self.is_last => Some((at, at + 1)),
            None => {
                self.searched = at;
                None
            }
        }
    }
}

fn find_end(bytes: &[u8]) -> Option<usize> {
    let ends = |byte: &u8| *byte == b'\n' || *byte == b'\r';
    // Blocks without early exit compile to vector instructions: ten times the speed of a search byte by byte.
    let is_clear = |block: &&[u8]| !block.iter().fold(false, |found, byte| found | ends(byte));
    let skipped = bytes.chunks_exact(BLOCK).take_while(is_clear).count() * BLOCK;
    bytes[skipped..].iter().position(ends).map(|at| skipped + at)
}

const BLOCK: usize = 32;
