//! Takes Avro's plain values off a record's bytes.
use formats::varint;

use crate::binary::{Fault, Taken};

#[cold]
pub fn cut() -> Fault {
    Fault::broken("the value is cut off, or its numbers are too long")
}

#[inline]
pub fn long(rest: &mut &[u8]) -> Taken<i64> {
    varint::take_signed(rest).ok_or_else(cut)
}

#[inline]
pub fn int(rest: &mut &[u8]) -> Taken<i64> {
    let value = long(rest)?;
    if i32::try_from(value).is_ok() { Ok(value) } else { Err(no_int(value)) }
}

#[cold]
fn no_int(value: i64) -> Fault {
    Fault::broken(format!("{value} is no int"))
}

#[inline]
pub fn take<'a>(rest: &mut &'a [u8], count: usize) -> Taken<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(count).ok_or_else(cut)?;
    *rest = tail;
    Ok(head)
}

#[inline]
pub fn chunk<const N: usize>(rest: &mut &[u8]) -> Taken<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or_else(cut)?;
    *rest = tail;
    Ok(*head)
}

#[inline]
pub fn sized<'a>(rest: &mut &'a [u8]) -> Taken<&'a [u8]> {
    let length = usize::try_from(long(rest)?).map_err(|_| Fault::broken("a length below zero"))?;
    take(rest, length)
}

#[inline]
pub fn text<'a>(rest: &mut &'a [u8]) -> Taken<&'a str> {
    std::str::from_utf8(sized(rest)?).map_err(|_| Fault::broken("a string that is not UTF-8"))
}

pub fn boolean(rest: &mut &[u8]) -> Taken<bool> {
    match chunk::<1>(rest)? {
        [0] => Ok(false),
        [1] => Ok(true),
        [other] => Err(Fault::broken(format!("a boolean is 0 or 1, got {other}"))),
    }
}

/// Which of `count` types or names comes.
#[inline]
pub fn index(rest: &mut &[u8], count: usize, of: &str) -> Taken<usize> {
    let index = long(rest)?;
    let found = usize::try_from(index).ok().filter(|index| *index < count);
    found.ok_or_else(|| no_such(of, index, count))
}

#[cold]
fn no_such(of: &str, index: i64, count: usize) -> Fault {
    Fault::broken(format!("{of} {index} of {count}"))
}

/// How many items the next block of an array or map has; none ends it. The block's bytes are told where the writer
/// thought that somebody might want to step over them.
#[inline]
pub fn block(rest: &mut &[u8]) -> Taken<(u64, Option<usize>)> {
    let count = long(rest)?;
    if count >= 0 {
        return Ok((count.unsigned_abs(), None));
    }
    let bytes = usize::try_from(long(rest)?).map_err(|_| Fault::broken("a block of less than no bytes"))?;
    Ok((count.unsigned_abs(), Some(bytes)))
}
