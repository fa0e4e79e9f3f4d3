//! A position in JSON text, with the steps that a schema-driven decoder takes.
use super::{DEPTH_MAX, Fault};

/// A name that is expected next, ready to be compared eight bytes at once.
pub struct Expected {
    text: Box<str>,
    word: u64,
    mask: u64,
}

impl Expected {
    pub fn new(text: &str) -> Self {
        let mut word = [0; 8];
        let length = text.len().min(8);
        word[..length].copy_from_slice(&text.as_bytes()[..length]);
        let mask = if length == 8 { u64::MAX } else { (1 << (length * 8)) - 1 };
        Expected { text: text.into(), word: u64::from_le_bytes(word), mask }
    }

    /// Whether `bytes` begin with the name.
    #[inline]
    fn is(&self, bytes: &[u8]) -> bool {
        match bytes.first_chunk::<8>() {
            Some(first) if u64::from_le_bytes(*first) & self.mask != self.word => false,
            Some(_) if self.text.len() <= 8 => true,
            _ => bytes.starts_with(self.text.as_bytes()),
        }
    }
}

/// Reads one JSON document. Every method skips white space before what it reads. A clone looks ahead.
#[derive(Clone)]
pub struct Cursor<'a> {
    pub(super) text: &'a str,
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) depth: u32,
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a str) -> Self {
        Cursor { text, bytes: text.as_bytes(), at: 0, depth: 0 }
    }

    /// The byte that decides what comes next; 0 at the end, which begins no value.
    #[inline]
    pub fn peek(&mut self) -> u8 {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(&byte) => return byte,
                None => return 0,
            }
        }
    }

    /// Where the next token begins.
    #[inline]
    pub fn position(&mut self) -> usize {
        self.peek();
        self.at
    }

    #[inline]
    pub fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == byte;
        self.at += usize::from(found);
        found
    }

    #[inline]
    pub fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), Fault> {
        if self.take(byte) { Ok(()) } else { Err(self.fault(expected)) }
    }

    /// Steps into an array or object whose opening bracket comes next.
    pub fn enter(&mut self) -> Result<(), Fault> {
        self.peek();
        self.at += 1;
        self.depth += 1;
        if self.depth > DEPTH_MAX { Err(Fault::TooDeep) } else { Ok(()) }
    }

    /// After a value inside brackets: true if another one follows, false if `close` was read.
    #[inline]
    pub fn more(&mut self, close: u8) -> Result<bool, Fault> {
        if self.take(b',') {
            return Ok(true);
        }
        self.close(close, "\",\" or the closing bracket")
    }

    /// Right after an opening bracket: true if a value follows, false if `close` was read.
    #[inline]
    pub fn any(&mut self, close: u8) -> Result<bool, Fault> {
        if self.peek() == close { self.close(close, "the closing bracket") } else { Ok(true) }
    }

    fn close(&mut self, close: u8, expected: &'static str) -> Result<bool, Fault> {
        self.expect(close, expected)?;
        self.depth = self.depth.saturating_sub(1);
        Ok(false)
    }

    /// Reads `null`, `true` or `false`.
    #[inline]
    pub fn literal(&mut self, literal: &'static str) -> Result<(), Fault> {
        self.peek();
        if self.bytes[self.at..].starts_with(literal.as_bytes()) {
            self.at += literal.len();
            Ok(())
        } else {
            Err(self.fault("a value"))
        }
    }

    /// Reads a number and returns its text, untouched.
    #[inline]
    pub fn number(&mut self) -> Result<&'a str, Fault> {
        self.peek();
        let start = self.at;
        self.at += usize::from(self.byte() == b'-');
        if self.byte() == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if self.byte() | 0x20 == b'e' {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), b'+' | b'-'));
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    /// Reads a name between quotes and the colon after it, if it is this very name, without escapes.
    #[inline]
    pub fn take_name(&mut self, name: &Expected) -> bool {
        if self.peek() != b'"' {
            return false;
        }
        let start = self.at + 1;
        let end = start + name.text.len();
        if self.bytes.get(end) != Some(&b'"') || !name.is(&self.bytes[start..]) {
            return false;
        }
        let before = self.at;
        self.at = end + 1;
        if self.take(b':') {
            return true;
        }
        self.at = before;
        false
    }

    /// Fails unless nothing but white space is left.
    pub fn end(&mut self) -> Result<(), Fault> {
        self.peek();
        if self.at == self.bytes.len() { Ok(()) } else { Err(self.fault("the end")) }
    }

    pub fn fault(&self, expected: &'static str) -> Fault {
        Fault::Syntax { at: self.at, expected }
    }

    #[inline]
    pub(super) fn byte(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    #[inline]
    fn digits(&mut self) -> Result<(), Fault> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { Err(self.fault("a digit")) } else { Ok(()) }
    }
}
