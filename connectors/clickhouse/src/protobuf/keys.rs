//! Which entries of a map count: of those with the same key, the last one.
use std::collections::HashMap;

use super::notes::{Chain, Notes};
use super::wire::{self, Payload, Wire};
use crate::binary::Taken;

/// The places of entries that a later one replaces. Writers make none, so it is nearly always empty.
#[derive(Debug, Default)]
pub struct Replaced(Vec<usize>);

/// A key as it is written: a number's bits, or bytes.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
struct Key<'a> {
    bits: u64,
    bytes: &'a [u8],
}

impl Replaced {
    pub fn find(notes: &Notes, chain: Chain, body: &[u8]) -> Taken<Self> {
        let mut rest = chain;
        let mut prints = [0_u64; FEW];
        let mut count = 0;
        while let Some((entry, _)) = notes.next(&mut rest) {
            let print = key(entry, body)?.print();
            if count == FEW || prints[..count].contains(&print) {
                return Self::compare(notes, chain, body);
            }
            prints[count] = print;
            count += 1;
        }
        Ok(Replaced::default())
    }

    pub fn has(&self, place: usize) -> bool {
        !self.0.is_empty() && self.0.binary_search(&place).is_ok()
    }

    #[cold]
    fn compare(notes: &Notes, chain: Chain, body: &[u8]) -> Taken<Self> {
        let (mut rest, mut place) = (chain, 0);
        let mut lasts = HashMap::new();
        let mut replaced = Vec::new();
        while let Some((entry, _)) = notes.next(&mut rest) {
            replaced.extend(lasts.insert(key(entry, body)?, place));
            place += 1;
        }
        replaced.sort_unstable();
        Ok(Replaced(replaced))
    }
}

impl Key<'_> {
    fn print(&self) -> u64 {
        let step = |print: u64, byte: &u8| (print ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        self.bytes.iter().fold(self.bits ^ 0xCBF2_9CE4_8422_2325, step)
    }
}

fn key(entry: Payload, body: &[u8]) -> Taken<Key<'_>> {
    let mut key = Key::default();
    wire::fields(body, entry, |number, payload| {
        if number == 1 {
            key = match payload.wire {
                Wire::Sized => Key { bits: 0, bytes: body.get(payload.range()).ok_or_else(wire::cut)? },
                _ => Key { bits: payload.bits(), bytes: &[] },
            };
        }
        Ok(())
    })?;
    Ok(key)
}

/// Entries whose keys are compared without memory of their own.
const FEW: usize = 32;
