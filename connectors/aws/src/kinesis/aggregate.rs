//! Records of the Kinesis Producer Library, many of which travel as one: they are found in place, without a copy.
//!
//! Four bytes say that it is one, an MD5 sum of the message ends it, and in between is a Protobuf message:
//! `{1: partition keys, 2: explicit hash keys, 3: records {1: key index, 2: hash key index, 3: data, 4: tags}}`.
use md5::{Digest, Md5};

/// A record that holds others.
#[derive(Debug, PartialEq)]
pub struct Aggregate<'a> {
    keys: Vec<&'a str>,
    hash_keys: Vec<&'a str>,
    message: &'a [u8],
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    pub key: &'a str,
    pub hash_key: Option<&'a str>,
    pub data: &'a [u8],
}

/// `None` for a plain record, which a damaged aggregate is as well: whoever reads it gets its bytes as they are.
pub fn unpack(data: &[u8]) -> Option<Aggregate<'_>> {
    let message = data.strip_prefix(&MAGIC)?;
    let (message, sum) = message.split_last_chunk::<16>()?;
    if message.is_empty() || Md5::digest(message).as_slice() != sum.as_slice() {
        return None;
    }
    let mut found = Aggregate { keys: Vec::new(), hash_keys: Vec::new(), message };
    let mut fields = Fields(message);
    while !fields.0.is_empty() {
        match fields.next()? {
            (1, Value::Bytes(bytes)) => found.keys.push(std::str::from_utf8(bytes).ok()?),
            (2, Value::Bytes(bytes)) => found.hash_keys.push(std::str::from_utf8(bytes).ok()?),
            (1..=3, Value::Number(_) | Value::Other) => return None,
            _ => {}
        }
    }
    // The tables may stand behind the records, and nothing is given of a message that is broken further on.
    let mut fields = Fields(message);
    while !fields.0.is_empty() {
        if let (3, Value::Bytes(bytes)) = fields.next()? {
            found.part(bytes)?;
        }
    }
    Some(found)
}

impl<'a> Aggregate<'a> {
    pub fn parts(&self) -> impl Iterator<Item = Part<'a>> {
        let mut fields = Fields(self.message);
        std::iter::from_fn(move || {
            while !fields.0.is_empty() {
                if let (3, Value::Bytes(bytes)) = fields.next()? {
                    return self.part(bytes);
                }
            }
            None
        })
    }

    fn part(&self, bytes: &'a [u8]) -> Option<Part<'a>> {
        let (mut key, mut hash_key, mut data) = (None, None, None);
        let mut fields = Fields(bytes);
        while !fields.0.is_empty() {
            match fields.next()? {
                (1, Value::Number(index)) => key = Some(*self.keys.get(usize::try_from(index).ok()?)?),
                (2, Value::Number(index)) => {
                    hash_key = Some(*self.hash_keys.get(usize::try_from(index).ok()?)?);
                }
                (3, Value::Bytes(bytes)) => data = Some(bytes),
                (1..=3, _) => return None,
                _ => {}
            }
        }
        Some(Part { key: key?, hash_key, data: data? })
    }
}

impl Part<'_> {
    /// It belongs to another shard: its producer has sent it once more, to the right one.
    pub fn is_astray(&self, (first, last): (u128, u128)) -> bool {
        let number = self.hash_key.and_then(|text| text.parse::<u128>().ok());
        number.is_some_and(|number| number < first || number > last)
    }
}

/// Fields of a Protobuf message, one after the other.
struct Fields<'a>(&'a [u8]);

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Other,
}

impl<'a> Fields<'a> {
    /// `None` when the bytes are no field.
    fn next(&mut self) -> Option<(u64, Value<'a>)> {
        let tag = self.number()?;
        let value = match tag & 7 {
            0 => Value::Number(self.number()?),
            1 => self.take(8).map(|_| Value::Other)?,
            2 => {
                let length = usize::try_from(self.number()?).ok()?;
                Value::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Value::Other)?,
            _ => return None,
        };
        (tag >> 3 != 0).then_some((tag >> 3, value))
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for at in 0..10 {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            if at == 9 && *byte > 1 {
                return None;
            }
            number |= u64::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

const MAGIC: [u8; 4] = [0xf3, 0x89, 0x9a, 0xc2];

#[cfg(test)]
mod tests;
