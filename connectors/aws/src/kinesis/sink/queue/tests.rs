//! A stream that refuses whatever it likes, and what must hold of the order in which it took the rest.
use proptest::prelude::*;

use super::*;
use crate::kinesis::aggregate::unpack;

const PLAIN: Rules = Rules { keeps_order: true, packed_bytes: None, request_bytes: 1 << 20 };
const PACKED: Rules = Rules { packed_bytes: Some(400), ..PLAIN };

fn items<'a>(keys: &[Option<&'a str>]) -> Vec<Item<'a>> {
    let item = |(index, key): (usize, Option<&'a str>)| Item {
        index,
        key: key.map(Cow::Borrowed),
        hash_key: None,
        data: Cow::Owned(index.to_string().into_bytes()),
    };
    keys.iter().copied().enumerate().map(item).collect()
}

/// The numbers in what an entry holds, one after the other.
fn numbers(entry: &Entry) -> Vec<usize> {
    let number = |bytes: &[u8]| std::str::from_utf8(bytes).unwrap().parse().unwrap();
    match unpack(&entry.data) {
        Some(packed) => packed.parts().map(|part| number(part.data)).collect(),
        None => vec![number(&entry.data)],
    }
}

/// Sends all of it to a stream that refuses by `refuses`; the answer is each record as it was taken, by key.
fn send(mut queue: Queue<'_>, mut refuses: impl FnMut() -> bool, at_once: usize) -> Vec<(String, usize)> {
    let (mut now, mut taken) = (Instant::now(), Vec::new());
    while !queue.is_done() {
        let requests: Vec<Vec<Parcel>> = (0..at_once).map(|_| queue.take(now)).collect();
        let mut bytes = Vec::new();
        for request in &requests {
            assert!(request.len() <= ENTRIES_MAX);
            bytes.push(request.iter().map(|parcel| parcel.bytes).sum::<usize>());
            for parcel in request {
                let entry = queue.entry(parcel);
                assert_eq!(numbers(&entry), queue.indices(parcel).collect::<Vec<_>>());
                assert!(entry.data.len() + entry.key.len() <= parcel.bytes);
                if refuses() {
                    queue.refused(parcel, now, 0.5);
                } else {
                    taken.extend(numbers(&entry).into_iter().map(|number| (entry.key.clone(), number)));
                    queue.taken(parcel);
                }
            }
        }
        now = queue.due().unwrap_or(now).max(now);
    }
    taken
}

proptest! {
    #[test]
    fn every_record_is_taken_once_and_in_the_order_of_its_key(
        keys in prop::collection::vec(prop::option::weighted(0.9, 0..7_usize), 1..200),
        refusals in prop::collection::vec(any::<bool>(), 1..50),
        at_once in 1..4_usize,
        is_packed in any::<bool>(),
    ) {
        const NAMES: [&str; 7] = ["a", "b", "c", "d", "e", "f", "g"];
        let named: Vec<Option<&str>> = keys.iter().map(|key| key.map(|key| NAMES[key])).collect();
        let queue = Queue::new(items(&named), if is_packed { PACKED } else { PLAIN });
        // The last word is yes: nothing is refused for ever.
        let mut words = refusals.into_iter();
        let taken = send(queue, || words.next().unwrap_or(false), at_once);
        let mut all: Vec<usize> = taken.iter().map(|(_, number)| *number).collect();
        all.sort_unstable();
        prop_assert_eq!(all, (0..keys.len()).collect::<Vec<_>>());
        for name in NAMES {
            let of_key: Vec<usize> = taken.iter().filter(|(key, _)| key == name).map(|(_, n)| *n).collect();
            prop_assert!(of_key.is_sorted(), "{name}: {of_key:?}");
            prop_assert_eq!(of_key.len(), named.iter().filter(|key| **key == Some(name)).count());
        }
    }
}

#[test]
fn of_a_key_one_parcel_is_on_its_way_and_others_go_on() {
    let mut queue = Queue::new(items(&[Some("a"), Some("a"), Some("b"), Some("b")]), PLAIN);
    let now = Instant::now();
    let first = queue.take(now);
    let sent = |queue: &Queue<'_>, parcels: &[Parcel]| -> Vec<usize> {
        parcels.iter().flat_map(|parcel| queue.indices(parcel)).collect()
    };
    assert_eq!(sent(&queue, &first), [0, 2]);
    assert_eq!(queue.take(now), []);
    queue.refused(&first[0], now, 1.0);
    queue.taken(&first[1]);
    let second = queue.take(now);
    assert_eq!(sent(&queue, &second), [3]);
    queue.taken(&second[0]);
    assert_eq!(queue.take(now), []);
    let third = queue.take(queue.due().unwrap());
    assert_eq!(sent(&queue, &third), [0]);
}

#[test]
fn records_without_order_travel_at_once() {
    let keys = [Some("a"), Some("a"), None, None];
    let mut queue = Queue::new(items(&keys), Rules { keeps_order: false, ..PLAIN });
    assert_eq!(queue.take(Instant::now()).len(), 4);
    let mut queue = Queue::new(items(&keys), PACKED);
    let parcels = queue.take(Instant::now());
    assert_eq!(parcels.iter().map(|parcel| parcel.count).collect::<Vec<_>>(), [2, 2]);
}

#[test]
fn a_request_has_500_entries_and_its_bytes_at_most() {
    let keys = vec![None; 1200];
    let mut queue = Queue::new(items(&keys), PLAIN);
    let now = Instant::now();
    let sizes: Vec<usize> = (0..4).map(|_| queue.take(now).len()).collect();
    assert_eq!(sizes, [500, 500, 200, 0]);
    // Of 17 bytes, with the key, one fits and two do not; one that fits nowhere goes alone.
    let mut queue = Queue::new(items(&[None, None]), Rules { request_bytes: 20, ..PLAIN });
    assert_eq!((queue.take(now).len(), queue.take(now).len()), (1, 1));
    let mut queue = Queue::new(items(&[None]), Rules { request_bytes: 1, ..PLAIN });
    assert_eq!(queue.take(now).len(), 1);
}

#[test]
fn parts_of_different_hash_keys_are_not_packed_together() {
    let mut all = items(&[Some("a"), Some("a"), Some("a")]);
    all[1].hash_key = Some("7");
    let mut queue = Queue::new(all, PACKED);
    let mut hash_keys = Vec::new();
    while !queue.is_done() {
        for parcel in queue.take(Instant::now()) {
            hash_keys.push(queue.entry(&parcel).hash_key);
            queue.taken(&parcel);
        }
    }
    assert_eq!(hash_keys, [None, Some("7".to_owned()), None]);
}

#[test]
fn pauses_grow_to_a_bound() {
    let mut queue = Queue::new(items(&[Some("a")]), PLAIN);
    let mut now = Instant::now();
    let mut pauses = Vec::new();
    for _ in 0..9 {
        let parcel = queue.take(now)[0];
        queue.refused(&parcel, now, 1.0);
        let due = queue.due().unwrap();
        pauses.push((due - now).as_millis());
        now = due;
    }
    assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 6400, 6400, 6400]);
}
