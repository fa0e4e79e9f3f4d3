//! Decides which records of a batch go with the next request, so that those of one key never overtake each other.
//!
//! Records of one key form a lane. Of a lane one parcel is on its way at a time: `PutRecords` takes some entries of a
//! request and refuses others, so what follows in the same request may be stored before what goes ahead of it.
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::key::any_key;
use super::pack::{Packed, frame_bytes, part_bytes};

/// A record that is to be sent.
#[derive(Debug)]
pub struct Item<'a> {
    /// Its place in the batch.
    pub index: usize,
    /// `None`: any shard may take it.
    pub key: Option<Cow<'a, str>>,
    pub hash_key: Option<&'a str>,
    pub data: Cow<'a, [u8]>,
}

/// How lanes and requests are made.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Records of one key wait for each other.
    pub keeps_order: bool,
    /// Records of one key travel as one, up to so many bytes.
    pub packed_bytes: Option<usize>,
    pub request_bytes: usize,
}

/// Records of a lane that travel as one entry of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parcel {
    lane: usize,
    first: usize,
    pub count: usize,
    /// With its key, as AWS counts.
    pub bytes: usize,
}

/// What a request says of a parcel.
#[derive(Debug, PartialEq)]
pub struct Entry {
    pub key: String,
    pub hash_key: Option<String>,
    pub data: Vec<u8>,
}

/// The records of a batch that are still to be sent.
pub struct Queue<'a> {
    items: Vec<Item<'a>>,
    /// Of each item the next one of its lane.
    next: Vec<Option<usize>>,
    lanes: Vec<Lane>,
    rules: Rules,
    ready: VecDeque<usize>,
    /// Lanes that wait after a failure, and until when.
    late: BinaryHeap<Reverse<(Instant, usize)>>,
    on_the_way: usize,
}

struct Lane {
    key: String,
    /// What is to be sent next.
    head: Option<usize>,
    failures: u32,
}

impl<'a> Queue<'a> {
    pub fn new(items: Vec<Item<'a>>, rules: Rules) -> Self {
        let (next, lanes) = lanes(&items, rules);
        let ready = (0..lanes.len()).collect();
        Self { items, next, lanes, rules, ready, late: BinaryHeap::new(), on_the_way: 0 }
    }

    /// The parcels of one request, none when there is nothing to send now.
    pub fn take(&mut self, now: Instant) -> Vec<Parcel> {
        while let Some(Reverse((due, lane))) = self.late.peek().copied()
            && due <= now
        {
            self.late.pop();
            self.ready.push_back(lane);
        }
        let (mut parcels, mut bytes) = (Vec::new(), 0);
        while parcels.len() < ENTRIES_MAX {
            let Some(lane) = self.ready.pop_front() else { break };
            let Some(parcel) = self.parcel(lane) else { continue };
            bytes += parcel.bytes;
            if bytes > self.rules.request_bytes && !parcels.is_empty() {
                self.ready.push_front(lane);
                break;
            }
            parcels.push(parcel);
        }
        self.on_the_way += parcels.len();
        parcels
    }

    pub fn entry(&self, parcel: &Parcel) -> Entry {
        let (key, first) = (self.lanes[parcel.lane].key.clone(), &self.items[parcel.first]);
        let hash_key = first.hash_key.map(str::to_owned);
        if parcel.count == 1 {
            return Entry { key, hash_key, data: first.data.to_vec() };
        }
        let mut packed = Packed::new(&key, first.hash_key);
        for item in self.of(parcel) {
            packed.add(&self.items[item].data, first.hash_key.is_some());
        }
        Entry { key, hash_key, data: packed.finish() }
    }

    /// The places of a parcel's records in the batch.
    pub fn indices(&self, parcel: &Parcel) -> impl Iterator<Item = usize> {
        self.of(parcel).map(|item| self.items[item].index)
    }

    pub fn taken(&mut self, parcel: &Parcel) {
        let last = self.of(parcel).last().unwrap_or(parcel.first);
        let lane = &mut self.lanes[parcel.lane];
        (lane.head, lane.failures) = (self.next[last], 0);
        self.on_the_way -= 1;
        if lane.head.is_some() {
            self.ready.push_back(parcel.lane);
        }
    }

    /// It is sent again after a pause, and what is behind it in its lane waits. `dice` is in 0..1.
    pub fn refused(&mut self, parcel: &Parcel, now: Instant, dice: f64) {
        let lane = &mut self.lanes[parcel.lane];
        let pause = PAUSE_FIRST * 2_u32.pow(lane.failures.min(DOUBLINGS));
        lane.failures += 1;
        self.on_the_way -= 1;
        let due = now + pause.mul_f64(0.5 + dice.clamp(0.0, 1.0) / 2.0);
        self.late.push(Reverse((due, parcel.lane)));
    }

    /// When the next of the lanes that wait may go on.
    pub fn due(&self) -> Option<Instant> {
        self.late.peek().map(|Reverse((due, _))| *due)
    }

    pub fn is_done(&self) -> bool {
        self.on_the_way == 0 && self.ready.is_empty() && self.late.is_empty()
    }

    fn parcel(&self, lane: usize) -> Option<Parcel> {
        let Lane { key, head, .. } = &self.lanes[lane];
        let first = (*head)?;
        let item = &self.items[first];
        let mut parcel = Parcel { lane, first, count: 1, bytes: item.data.len() + key.len() };
        let Some(most) = self.rules.packed_bytes else { return Some(parcel) };
        let mut packed = key.len() + frame_bytes(key, item.hash_key) + part_bytes(item.data.len());
        for at in self.chain(first).skip(1) {
            packed += part_bytes(self.items[at].data.len());
            if packed > most || self.items[at].hash_key != item.hash_key {
                break;
            }
            (parcel.count, parcel.bytes) = (parcel.count + 1, packed);
        }
        Some(parcel)
    }

    fn of(&self, parcel: &Parcel) -> impl Iterator<Item = usize> {
        self.chain(parcel.first).take(parcel.count)
    }

    fn chain(&self, first: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(first), |at| self.next[*at])
    }
}

/// Puts each item behind the last one of its lane.
fn lanes(items: &[Item<'_>], rules: Rules) -> (Vec<Option<usize>>, Vec<Lane>) {
    let (mut next, mut lanes) = (vec![None; items.len()], Vec::new());
    // Of each key the last item of its lane, and the bytes in it.
    let mut open: HashMap<Option<&str>, (usize, usize)> = HashMap::new();
    for (at, item) in items.iter().enumerate() {
        let key = item.key.as_deref();
        // Lanes are as long as a parcel where nothing waits for anything: then many travel at once.
        let room = match rules.packed_bytes {
            _ if rules.keeps_order && key.is_some() => usize::MAX,
            Some(most) => most,
            None => 0,
        };
        let size = part_bytes(item.data.len());
        match open.get_mut(&key) {
            Some((last, bytes)) if bytes.saturating_add(size) <= room => {
                next[*last] = Some(at);
                (*last, *bytes) = (at, *bytes + size);
            }
            _ => {
                open.insert(key, (at, size));
                let key = key.map_or_else(any_key, str::to_owned);
                lanes.push(Lane { key, head: Some(at), failures: 0 });
            }
        }
    }
    (next, lanes)
}

/// Of one request, as AWS has it.
const ENTRIES_MAX: usize = 500;
/// A shard counts by the second.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const DOUBLINGS: u32 = 6;

#[cfg(test)]
mod tests;
