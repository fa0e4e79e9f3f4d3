//! A message's bytes, field by field.
use formats::varint;

use crate::binary::{Fault, Taken};
use crate::json::DEPTH_MAX;

/// What a field has, by the way in which it is written: a number's bits, or where the bytes lie in the record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Payload {
    pub wire: Wire,
    bits: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wire {
    Varint,
    Fixed64,
    Fixed32,
    /// Bytes with their length, or a group between its two marks.
    Sized,
}

impl Payload {
    pub fn number(wire: Wire, bits: u64) -> Self {
        Payload { wire, bits }
    }

    /// Records are shorter than 4 GB, which [`whole`] has checked.
    pub fn sized(start: usize, length: usize) -> Self {
        Payload { wire: Wire::Sized, bits: (start as u64) << 32 | length as u64 }
    }

    pub fn bits(self) -> u64 {
        self.bits
    }

    /// Where the bytes lie. Nowhere, if it is a number.
    pub fn range(self) -> std::ops::Range<usize> {
        if self.wire != Wire::Sized {
            return 0..0;
        }
        let start = (self.bits >> 32) as usize;
        start..start + (self.bits & 0xFFFF_FFFF) as usize
    }
}

/// A whole record as the payload that it is.
pub fn whole(body: &[u8]) -> Taken<Payload> {
    if u32::try_from(body.len()).is_err() {
        return Err(Fault::broken("the record is too large"));
    }
    Ok(Payload::sized(0, body.len()))
}

/// Tells the fields of a message, which lies in this part of a record, in the order of its bytes.
#[inline]
pub fn fields(body: &[u8], message: Payload, mut tell: impl FnMut(u32, Payload) -> Taken<()>) -> Taken<()> {
    if message.wire != Wire::Sized {
        return Err(mismatch("a message"));
    }
    let range = message.range();
    let end = range.end;
    let mut rest = body.get(range).ok_or_else(cut)?;
    while !rest.is_empty() {
        let (number, kind) = tag(&mut rest)?;
        let payload = match kind {
            VARINT => Payload::number(Wire::Varint, varint::take(&mut rest).ok_or_else(cut)?),
            SIZED => {
                let length = varint::take(&mut rest).and_then(|length| usize::try_from(length).ok());
                let length = length.ok_or_else(cut)?;
                let start = end - rest.len();
                rest = rest.get(length..).ok_or_else(cut)?;
                Payload::sized(start, length)
            }
            FIXED64 => Payload::number(Wire::Fixed64, u64::from_le_bytes(chunk(&mut rest)?)),
            FIXED32 => Payload::number(Wire::Fixed32, u32::from_le_bytes(chunk(&mut rest)?).into()),
            GROUP => {
                let start = end - rest.len();
                let length = group(number, &mut rest)?;
                Payload::sized(start, length)
            }
            other => return Err(strange(other)),
        };
        tell(number, payload)?;
    }
    Ok(())
}

/// Takes the next of many numbers without tags.
#[inline]
pub fn packed(wire: Wire, rest: &mut &[u8]) -> Taken<Payload> {
    Ok(match wire {
        Wire::Fixed64 => Payload::number(wire, u64::from_le_bytes(chunk(rest)?)),
        Wire::Fixed32 => Payload::number(wire, u32::from_le_bytes(chunk(rest)?).into()),
        _ => Payload::number(Wire::Varint, varint::take(rest).ok_or_else(cut)?),
    })
}

#[inline]
fn tag(rest: &mut &[u8]) -> Taken<(u32, u32)> {
    let tag = varint::take(rest).and_then(|tag| u32::try_from(tag).ok()).ok_or_else(cut)?;
    if tag >> 3 == 0 {
        return Err(Fault::broken("a field has the number 0"));
    }
    Ok((tag >> 3, tag & 7))
}

#[inline]
fn chunk<const N: usize>(rest: &mut &[u8]) -> Taken<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or_else(cut)?;
    *rest = tail;
    Ok(*head)
}

/// How many bytes the group has that was just begun. It and its end are taken.
#[cold]
fn group(number: u32, rest: &mut &[u8]) -> Taken<usize> {
    let whole = rest.len();
    let mut open = vec![number];
    loop {
        let before = rest.len();
        let (number, kind) = tag(rest)?;
        match kind {
            GROUP if open.len() >= DEPTH_MAX as usize => return Err(too_deep()),
            GROUP => open.push(number),
            GROUP_END if open.pop() != Some(number) => return Err(strange(GROUP_END)),
            GROUP_END if open.is_empty() => return Ok(whole - before),
            GROUP_END => {}
            VARINT => drop(varint::take(rest).ok_or_else(cut)?),
            FIXED64 => drop(chunk::<8>(rest)?),
            FIXED32 => drop(chunk::<4>(rest)?),
            SIZED => {
                let length = varint::take(rest).and_then(|length| usize::try_from(length).ok());
                *rest = rest.get(length.ok_or_else(cut)?..).ok_or_else(cut)?;
            }
            other => return Err(strange(other)),
        }
    }
}

#[cold]
pub fn cut() -> Fault {
    Fault::broken("the value is cut off, or its numbers are too long")
}

#[cold]
pub fn mismatch(expected: &str) -> Fault {
    Fault::broken(format!("its bytes are of another type than {expected}"))
}

#[cold]
pub fn too_deep() -> Fault {
    Fault::broken(format!("the value is nested deeper than {DEPTH_MAX}"))
}

#[cold]
fn strange(kind: u32) -> Fault {
    Fault::broken(match kind {
        GROUP_END => "a group ends that never began".to_owned(),
        other => format!("a field is written in the way {other}, which does not exist"),
    })
}

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const SIZED: u32 = 2;
const GROUP: u32 = 3;
const GROUP_END: u32 = 4;
const FIXED32: u32 = 5;
