//! Reads JSON strings: borrowed when they have no escapes.
use std::borrow::Cow;

use super::{Cursor, Fault};

impl<'a> Cursor<'a> {
    /// Reads a string.
    pub fn string(&mut self) -> Result<Cow<'a, str>, Fault> {
        if let Some(text) = self.plain()? {
            Ok(Cow::Borrowed(text))
        } else {
            let mut out = Vec::new();
            self.escaped(&mut out)?;
            String::from_utf8(out).map(Cow::Owned).map_err(|_| self.fault("UTF-8"))
        }
    }

    /// Reads a string without escapes. `None`, with nothing read, if it has any.
    #[inline]
    pub fn plain(&mut self) -> Result<Option<&'a str>, Fault> {
        if self.peek() != b'"' {
            return Err(self.fault("a string"));
        }
        let start = self.at + 1;
        let end = special(self.bytes, start);
        match self.bytes.get(end) {
            Some(b'"') => {
                self.at = end + 1;
                Ok(Some(&self.text[start..end]))
            }
            Some(b'\\') => Ok(None),
            _ => Err(Fault::Syntax { at: end, expected: "the end of a string" }),
        }
    }

    /// Reads a string and appends it with its escapes resolved.
    pub fn escaped(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        if self.peek() != b'"' {
            return Err(self.fault("a string"));
        }
        self.at += 1;
        loop {
            let end = special(self.bytes, self.at);
            out.extend_from_slice(&self.bytes[self.at..end]);
            self.at = end;
            match self.byte() {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => {
                    self.at += 1;
                    let char = self.escape()?;
                    out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                }
                _ => return Err(self.fault("the end of a string")),
            }
        }
    }

    pub(super) fn skip_string(&mut self) -> Result<(), Fault> {
        if self.plain()?.is_some() {
            return Ok(());
        }
        self.at += 1;
        loop {
            self.at = special(self.bytes, self.at);
            match self.byte() {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => {
                    self.at += 1;
                    self.escape()?;
                }
                _ => return Err(self.fault("the end of a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Fault> {
        let char = match self.byte() {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return Err(self.fault("an escape")),
        };
        self.at += 1;
        Ok(char)
    }

    /// Reads the four digits after `\u`, and the second half of a surrogate pair.
    fn unicode(&mut self) -> Result<char, Fault> {
        let first = self.hex()?;
        let code = match first {
            0xD800..=0xDBFF => {
                if !self.bytes[self.at..].starts_with(b"\\u") {
                    return Err(self.fault("the second half of a surrogate pair"));
                }
                self.at += 1;
                let second = self.hex()?;
                if !(0xDC00..=0xDFFF).contains(&second) {
                    return Err(self.fault("the second half of a surrogate pair"));
                }
                0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00)
            }
            code => code,
        };
        char::from_u32(code).ok_or_else(|| self.fault("a character, not half of a surrogate pair"))
    }

    fn hex(&mut self) -> Result<u32, Fault> {
        let mut code = 0;
        for offset in 1..=4 {
            let digit = self.bytes.get(self.at + offset).and_then(|&byte| char::from(byte).to_digit(16));
            code = code << 4 | digit.ok_or_else(|| self.fault("four hexadecimal digits"))?;
        }
        self.at += 5;
        Ok(code)
    }
}

/// The first quote, backslash or control byte from `at` on, or the end. Eight bytes at a time: a byte is
/// special if subtracting borrows into its high bit.
#[inline]
fn special(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (ONES * u64::from(b'"'));
        let slash = word ^ (ONES * u64::from(b'\\'));
        let found = (quote.wrapping_sub(ONES) & !quote
            | slash.wrapping_sub(ONES) & !slash
            | word.wrapping_sub(ONES * 0x20) & !word)
            & HIGHS;
        if found != 0 {
            // The lowest set bit is exact; borrows only disturb bytes above it.
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|&byte| byte != b'"' && byte != b'\\' && byte >= 0x20) {
        at += 1;
    }
    at
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;
