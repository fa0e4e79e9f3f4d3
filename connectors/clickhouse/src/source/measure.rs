//! How long the values of a row are: a row is written only when all of it is there.
use super::program::Node;

/// Why a value cannot be measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lack {
    /// More bytes have to come.
    Bytes,
    /// No value is like this.
    Sense,
}

impl Node {
    /// Steps over one value.
    pub fn skip(&self, rest: &mut &[u8]) -> Result<(), Lack> {
        if let Some(width) = self.width() {
            return step(rest, width);
        }
        match self {
            Node::Text | Node::Bytes => {
                let length = length(rest)?;
                step(rest, length)
            }
            Node::Nullable(inner) => match byte(rest)? {
                0 => inner.skip(rest),
                1 => Ok(()),
                _ => Err(Lack::Sense),
            },
            Node::Array(inner) => {
                let count = length(rest)?;
                many(rest, count, |rest| inner.skip(rest), inner.width())
            }
            Node::Map(key, value) => {
                let count = length(rest)?;
                let width = key.width().zip(value.width()).map(|(key, value)| key + value);
                let both = |rest: &mut &[u8]| key.skip(rest).and_then(|()| value.skip(rest));
                many(rest, count, both, width)
            }
            Node::Tuple(fields) => fields.iter().try_for_each(|field| field.node.skip(rest)),
            // All others have a width.
            _ => Err(Lack::Sense),
        }
    }
}

fn many(
    rest: &mut &[u8],
    count: usize,
    one: impl Fn(&mut &[u8]) -> Result<(), Lack>,
    width: Option<usize>,
) -> Result<(), Lack> {
    match width {
        Some(width) => step(rest, count.checked_mul(width).ok_or(Lack::Sense)?),
        // Every value has a byte at least, so a count that lies ends with the bytes.
        None => (0..count).try_for_each(|_| one(rest)),
    }
}

fn step(rest: &mut &[u8], width: usize) -> Result<(), Lack> {
    *rest = rest.get(width..).ok_or(Lack::Bytes)?;
    Ok(())
}

fn byte(rest: &mut &[u8]) -> Result<u8, Lack> {
    let (first, tail) = rest.split_first().ok_or(Lack::Bytes)?;
    *rest = tail;
    Ok(*first)
}

/// A count before text, arrays and maps.
pub fn length(rest: &mut &[u8]) -> Result<usize, Lack> {
    let mut value = 0_usize;
    for shift in (0..=56).step_by(7) {
        let byte = byte(rest)?;
        value |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(Lack::Sense)
}

/// What follows a length, and the bytes of that length. `None` if they are not all there.
pub fn sized(mut bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = length(&mut bytes).ok()?;
    let (text, rest) = bytes.split_at_checked(length)?;
    Some((rest, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::program::{Forms, compile};
    use crate::types::parse;

    fn check(ty: &str, bytes: &[u8], expected: Result<usize, Lack>) {
        let node = compile(&parse(ty).unwrap(), Forms::default());
        let mut rest = bytes;
        assert_eq!(node.skip(&mut rest).map(|()| bytes.len() - rest.len()), expected, "{ty} {bytes:?}");
    }

    #[test]
    fn a_value_ends_where_it_ends_and_lacks_what_is_not_there() {
        check("UInt32", &[1, 2, 3, 4, 5], Ok(4));
        check("UInt32", &[1, 2, 3], Err(Lack::Bytes));
        check("String", &[2, b'a', b'b', b'c'], Ok(3));
        check("String", &[3, b'a', b'b'], Err(Lack::Bytes));
        check("Nullable(UInt8)", &[1, 9], Ok(1));
        check("Nullable(UInt8)", &[0, 9], Ok(2));
        check("Nullable(UInt8)", &[2, 9], Err(Lack::Sense));
        check("Array(Array(UInt8))", &[2, 1, 7, 0, 9], Ok(4));
        check("Map(String, UInt16)", &[1, 1, b'k', 1, 2, 9], Ok(5));
        check("Tuple(UInt8, String)", &[1, 0, 9], Ok(2));
    }

    #[test]
    fn a_count_without_end_is_no_loop_without_end() {
        check("Array(String)", &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0], Err(Lack::Bytes));
        check("Array(UInt64)", &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0], Err(Lack::Sense));
        check("String", &[0xff; 10], Err(Lack::Sense));
    }
}
