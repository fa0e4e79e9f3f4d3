//! The text of a plan: a prefix with its version, then Base64 of a compact form with a checksum.
use super::{Plan, TooLarge};
use crate::converter::base64;
use kafka::{OffsetRange, TopicPartition};

/// Metadata that begins otherwise is somebody else's.
const FAMILY: &str = "penstock-plan/";
const PREFIX: &str = "penstock-plan/1:";
/// What brokers accept by default (`offset.metadata.max.bytes`).
pub const BYTES_MAX: usize = 4096;
/// A plan of the maximal text cannot have more; a longer count is a mistake.
const RANGES_MAX: usize = 4096;

/// What stands in the metadata of an offset.
#[derive(Debug, PartialEq, Eq)]
pub enum Decoded {
    /// Nothing, or another program's note.
    Foreign,
    Plan(Plan),
    /// Why the plan cannot be read.
    Unreadable(String),
}

pub fn encode(plan: &Plan) -> Result<String, TooLarge> {
    let mut bytes = plan.id.to_vec();
    push(&mut bytes, plan.made_ms.max(0) as u64);
    let mut rest = plan.ranges.as_slice();
    while let Some(first) = rest.first() {
        let topic = first.at.topic.as_str();
        let count = rest.iter().take_while(|range| range.at.topic == topic).count();
        push(&mut bytes, topic.len() as u64);
        bytes.extend_from_slice(topic.as_bytes());
        push(&mut bytes, count as u64);
        let mut next = 0;
        for range in &rest[..count] {
            push(&mut bytes, (range.at.partition - next) as u64);
            push(&mut bytes, range.start as u64);
            push(&mut bytes, (range.end - range.start) as u64);
            next = range.at.partition + 1;
        }
        rest = &rest[count..];
    }
    bytes.extend_from_slice(&checksum(&bytes).to_le_bytes());
    let mut text = PREFIX.as_bytes().to_vec();
    base64::encode(&bytes, &mut text);
    if text.len() > BYTES_MAX {
        return Err(TooLarge);
    }
    // Prefix and Base64 are ASCII.
    String::from_utf8(text).map_err(|_| TooLarge)
}

pub fn decode(metadata: &str) -> Decoded {
    let Some(version) = metadata.strip_prefix(FAMILY) else { return Decoded::Foreign };
    let Some(text) = metadata.strip_prefix(PREFIX) else {
        let version: String = version.chars().take_while(|char| *char != ':').take(16).collect();
        return Decoded::Unreadable(format!("it has version {version}, and this worker knows version 1"));
    };
    let mut bytes = Vec::new();
    let whole = base64::decode(text.as_bytes(), &mut bytes)
        .and_then(|()| bytes.split_last_chunk::<4>())
        .filter(|(body, sum)| checksum(body).to_le_bytes() == **sum);
    match whole.and_then(|(body, _)| read(body)) {
        Some(plan) => Decoded::Plan(plan),
        None => Decoded::Unreadable("it is damaged".to_owned()),
    }
}

fn read(bytes: &[u8]) -> Option<Plan> {
    let (id, mut rest) = bytes.split_first_chunk::<16>()?;
    let made_ms = i64::try_from(take(&mut rest)?).ok()?;
    let mut ranges = Vec::new();
    while !rest.is_empty() {
        let length = usize::try_from(take(&mut rest)?).ok()?;
        let (topic, after) = rest.split_at_checked(length)?;
        rest = after;
        let topic = std::str::from_utf8(topic).ok()?;
        let count = usize::try_from(take(&mut rest)?).ok()?;
        let mut next = 0_i32;
        for _ in 0..count {
            let partition = next.checked_add(i32::try_from(take(&mut rest)?).ok()?)?;
            let start = i64::try_from(take(&mut rest)?).ok()?;
            let end = start.checked_add(i64::try_from(take(&mut rest)?).ok()?)?;
            if ranges.len() == RANGES_MAX {
                return None;
            }
            ranges.push(OffsetRange { at: TopicPartition::new(topic, partition), start, end });
            next = partition.checked_add(1)?;
        }
    }
    let is_sound = !ranges.is_empty()
        && ranges.iter().all(|range| range.start < range.end)
        && ranges.windows(2).all(|pair| pair[0].at < pair[1].at);
    is_sound.then_some(Plan { id: *id, made_ms, ranges })
}

/// LEB128: seven bits a byte, the lowest first.
fn push(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8 & 0x7f) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for place in 0..10_u32 {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(first & 0x7f);
        if place == 9 && bits > 1 {
            return None;
        }
        value |= bits << (7 * place);
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// FNV-1a, folded to 32 bits: against truncation and flipped bits, not against malice.
fn checksum(bytes: &[u8]) -> u32 {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (hash ^ (hash >> 32)) as u32
}

/// For `tests/fuzz`: bytes as they would be under the right checksum. What can be read is written the same.
#[cfg(fuzzing)]
pub fn fuzz(bytes: &[u8]) {
    let mut text = PREFIX.as_bytes().to_vec();
    base64::encode(&[bytes, &checksum(bytes).to_le_bytes()].concat(), &mut text);
    let Ok(text) = String::from_utf8(text) else { return };
    if let Decoded::Plan(plan) = decode(&text)
        && let Ok(text) = encode(&plan)
    {
        assert_eq!(decode(&text), Decoded::Plan(plan));
    }
}
