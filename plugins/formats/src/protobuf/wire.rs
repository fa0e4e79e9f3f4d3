//! Fields as they lie in a message's bytes: taken one by one, and put.

use crate::varint;
use penstock_sdk::flat::DEPTH_MAX;

/// One field: its number and what it has, by its wire type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    pub number: u32,
    pub payload: Payload<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Sized(&'a [u8]),
    Group(&'a [u8]),
}

pub const VARINT: u32 = 0;
pub const FIXED64: u32 = 1;
pub const SIZED: u32 = 2;
pub const GROUP: u32 = 3;
pub const GROUP_END: u32 = 4;
pub const FIXED32: u32 = 5;

/// Takes the next field off; an error says what is wrong.
pub fn take<'a>(rest: &mut &'a [u8]) -> Result<Field<'a>, &'static str> {
    let (number, wire) = tag(rest)?;
    let payload = match wire {
        GROUP => Payload::Group(group(number, rest)?),
        GROUP_END => return Err("a group ends that never began"),
        wire => plain(wire, rest)?,
    };
    Ok(Field { number, payload })
}

pub fn put_tag(number: u32, wire: u32, out: &mut Vec<u8>) {
    varint::put(u64::from(number << 3 | wire), out);
}

fn tag(rest: &mut &[u8]) -> Result<(u32, u32), &'static str> {
    let tag = varint::take(rest).and_then(|tag| u32::try_from(tag).ok()).ok_or(CUT)?;
    match tag >> 3 {
        0 => Err("a field has the number 0"),
        number => Ok((number, tag & 7)),
    }
}

fn plain<'a>(wire: u32, rest: &mut &'a [u8]) -> Result<Payload<'a>, &'static str> {
    Ok(match wire {
        VARINT => Payload::Varint(varint::take(rest).ok_or(CUT)?),
        FIXED64 => Payload::Fixed64(u64::from_le_bytes(chunk(rest).ok_or(CUT)?)),
        FIXED32 => Payload::Fixed32(u32::from_le_bytes(chunk(rest).ok_or(CUT)?)),
        SIZED => {
            let length = varint::take(rest).and_then(|length| usize::try_from(length).ok()).ok_or(CUT)?;
            let (head, tail) = rest.split_at_checked(length).ok_or(CUT)?;
            *rest = tail;
            Payload::Sized(head)
        }
        _ => return Err("a field has a wire type that does not exist"),
    })
}

/// The fields up to the end of a group that was just begun.
fn group<'a>(number: u32, rest: &mut &'a [u8]) -> Result<&'a [u8], &'static str> {
    let whole = *rest;
    let mut open = vec![number];
    loop {
        let before = rest.len();
        let (number, wire) = tag(rest)?;
        match wire {
            GROUP if open.len() >= DEPTH_MAX => return Err("groups nest too deep"),
            GROUP => open.push(number),
            GROUP_END => {
                if open.pop() != Some(number) {
                    return Err("a group ends that never began");
                }
                if open.is_empty() {
                    return Ok(&whole[..whole.len() - before]);
                }
            }
            wire => drop(plain(wire, rest)?),
        }
    }
}

pub fn chunk<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

pub const CUT: &str = "the value is cut off, or its numbers are too long";
