//! Which fields the messages at hand have. They come in any order and more than once, while columns are filled one after
//! the other, so what a message has is noted first. The notes are kept from record to record and take no memory anew.
use super::wire::{self, Payload};
use crate::binary::{Fault, Taken};

/// The fields of a message that somebody wants, by their numbers.
#[derive(Debug, Default)]
pub struct Wanted {
    /// In ascending order: the place in here is the place of a field.
    numbers: Box<[u32]>,
    /// Places of the members of each `oneof`, of which only the one that came last is there.
    unions: Box<[Box<[usize]>]>,
}

/// What the messages that are open have, those of the innermost at the end.
#[derive(Debug, Default)]
pub struct Notes {
    heads: Vec<Chain>,
    found: Vec<Found>,
}

/// One value after the other of one field. Those of a message together are one message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chain {
    first: u32,
    last: u32,
}

#[derive(Clone, Copy, Debug)]
struct Found {
    payload: Payload,
    next: u32,
}

/// The notes of one message.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    heads: usize,
    found: usize,
}

impl Wanted {
    /// Fields by number, each with the `oneof` that it is in; in ascending order.
    pub fn new(fields: &[(u32, Option<usize>)]) -> Self {
        let mut unions: Vec<Vec<usize>> = Vec::new();
        for (place, (_, union)) in fields.iter().enumerate() {
            if let Some(union) = *union {
                unions.resize(unions.len().max(union + 1), Vec::new());
                unions[union].push(place);
            }
        }
        let unions = unions.into_iter().filter(|members| members.len() > 1).map(Vec::into_boxed_slice);
        Wanted { numbers: fields.iter().map(|(number, _)| *number).collect(), unions: unions.collect() }
    }

    /// Fields mostly come in the order of their numbers: `next` is where the next one is expected.
    #[inline]
    fn find(&self, number: u32, next: &mut usize) -> Option<usize> {
        let place = match self.numbers.get(*next) {
            Some(expected) if *expected == number => *next,
            _ => self.numbers.binary_search(&number).ok()?,
        };
        *next = place + 1;
        Some(place)
    }
}

impl Chain {
    pub const EMPTY: Chain = Chain { first: NONE, last: NONE };

    pub fn is_empty(self) -> bool {
        self.first == NONE
    }
}

impl Notes {
    /// A record begins.
    pub fn begin(&mut self, body: &[u8]) -> Taken<Chain> {
        self.heads.clear();
        self.found.clear();
        if self.found.capacity() > FOUND_KEPT {
            *self = Notes::default();
        }
        self.push(wire::whole(body)?)
    }

    /// Notes a value apart from all fields.
    pub fn push(&mut self, payload: Payload) -> Taken<Chain> {
        if self.found.len() >= FOUND_MAX {
            return Err(Fault::broken(format!("more than {FOUND_MAX} fields")));
        }
        let at = self.found.len() as u32;
        self.found.push(Found { payload, next: NONE });
        Ok(Chain { first: at, last: at })
    }

    /// Forgets the value that was noted last.
    pub fn pop(&mut self) {
        self.found.pop();
    }

    /// Notes the fields of the message that these values are together.
    pub fn open(&mut self, body: &[u8], wanted: &Wanted, message: Chain) -> Taken<Frame> {
        let frame = Frame { heads: self.heads.len(), found: self.found.len() };
        self.heads.resize(frame.heads + wanted.numbers.len(), Chain::EMPTY);
        let mut rest = message;
        while let Some((payload, ..)) = self.next(&mut rest) {
            let mut next = 0;
            wire::fields(body, payload, |number, payload| match wanted.find(number, &mut next) {
                Some(place) => self.note(frame.heads + place, payload),
                None => Ok(()),
            })?;
        }
        for members in &wanted.unions {
            self.choose(frame, members);
        }
        Ok(frame)
    }

    /// The message's notes are no longer needed.
    pub fn close(&mut self, frame: Frame) {
        self.heads.truncate(frame.heads);
        self.found.truncate(frame.found);
    }

    /// The values of the field at this place; empty if it is not there.
    #[inline]
    pub fn values(&self, frame: Frame, place: usize) -> Chain {
        self.heads.get(frame.heads + place).copied().unwrap_or(Chain::EMPTY)
    }

    /// The next value, and itself as a chain of one.
    #[inline]
    pub fn next(&self, rest: &mut Chain) -> Option<(Payload, Chain)> {
        let at = rest.first;
        let found = self.found.get(at as usize)?;
        rest.first = if at == rest.last { NONE } else { found.next };
        Some((found.payload, Chain { first: at, last: at }))
    }

    /// The value that counts where there can be only one.
    #[inline]
    pub fn last(&self, chain: Chain) -> Option<Payload> {
        self.found.get(chain.last as usize).map(|found| found.payload)
    }

    #[inline]
    fn note(&mut self, head: usize, payload: Payload) -> Taken<()> {
        let added = self.push(payload)?;
        let chain = self.heads.get_mut(head).ok_or_else(wire::cut)?;
        if chain.is_empty() {
            *chain = added;
            return Ok(());
        }
        if let Some(last) = self.found.get_mut(chain.last as usize) {
            last.next = added.first;
        }
        chain.last = added.last;
        Ok(())
    }

    /// Forgets the members of a `oneof` but the one that came last, which was set anew when another was set in between.
    fn choose(&mut self, frame: Frame, members: &[usize]) {
        let there =
            |notes: &Self, place: usize| Some(notes.values(frame, place)).filter(|chain| !chain.is_empty());
        let lasts = members.iter().filter_map(|place| Some((there(self, *place)?.last, *place)));
        let Some((_, chosen)) = lasts.max() else { return };
        let mut before = None;
        for place in members.iter().filter(|place| **place != chosen) {
            before = before.max(there(self, *place).map(|chain| chain.last));
            self.heads[frame.heads + place] = Chain::EMPTY;
        }
        let Some(before) = before else { return };
        let mut chain = self.values(frame, chosen);
        while chain.first <= before {
            let mut rest = chain;
            if self.next(&mut rest).is_none() {
                break;
            }
            chain = rest;
        }
        self.heads[frame.heads + chosen] = chain;
    }
}

const NONE: u32 = u32::MAX;
/// Above any record's, and a bound for the memory that they take while it is read.
const FOUND_MAX: usize = 1 << 22;
/// What is kept of it for the next record.
const FOUND_KEPT: usize = 1 << 16;
