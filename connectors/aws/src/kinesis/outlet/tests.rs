//! Chunks given in small polls, with packed, late, known and large records.
use std::sync::Arc;

use aws_sdk_kinesis::primitives::{Blob, DateTime};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use penstock_sdk::Config;

use super::super::lineage::Shard;
use super::*;

#[derive(Default)]
struct Held {
    messages: Vec<(String, String, String)>,
    positions: Vec<(Fields, Fields)>,
    most: usize,
}

impl Basket for Held {
    fn put(&mut self, message: &Message<'_>) -> Result<()> {
        let data = String::from_utf8_lossy(message.data).into_owned();
        self.messages.push((message.key.to_owned(), message.number.to_owned(), data));
        Ok(())
    }

    fn position(&mut self, partition: Fields, offset: Fields) {
        self.positions.push((partition, offset));
    }

    fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    fn is_full(&self) -> bool {
        self.messages.len() >= self.most
    }
}

fn outlet(more: &[(&str, &str)]) -> Outlet {
    let config: Config = [("kinesis.stream", "s")].iter().chain(more).copied().collect();
    Outlet::new(&Settings::parse(&config).unwrap())
}

fn record(sequence: &str, data: &[u8], time_ms: i64) -> Record {
    Record::builder()
        .sequence_number(sequence)
        .partition_key("own")
        .data(Blob::new(data))
        .approximate_arrival_timestamp(DateTime::from_millis(time_ms))
        .build()
        .unwrap()
}

/// Three parts with the key p1.
fn packed(sequence: &str) -> Record {
    let data = STANDARD
        .decode("84mawgoCcDEaCwgAGgd7ImkiOjB9GgsIABoHeyJpIjoxfRoLCAAaB3siaSI6Mn0RDBo1ZTtHpfHwgocyBJ5M");
    record(sequence, &data.unwrap(), 5_000)
}

fn chunk(records: Vec<Record>) -> Chunk {
    let shard = Shard { id: "shard-1".into(), parents: Vec::new(), hash_keys: (0, u128::MAX), is_open: true };
    Chunk { records, ..Chunk::of(&Arc::new(shard)) }
}

/// Gives a chunk in polls of `most` messages: numbers of the messages, and the position after each poll.
fn given(outlet: &mut Outlet, chunk: Chunk, most: usize) -> (Vec<String>, Vec<Stored>) {
    let (mut numbers, mut positions) = (Vec::new(), Vec::new());
    let mut pending = Pending::new(chunk);
    for _ in 0..100 {
        let mut held = Held { most, ..Held::default() };
        let is_whole = outlet.give(&mut pending, &mut held).unwrap();
        numbers.extend(held.messages.into_iter().map(|(_, number, _)| number));
        positions.extend(held.positions.iter().map(|(_, offset)| position::read(offset).unwrap()));
        if is_whole {
            return (numbers, positions);
        }
    }
    panic!("it does not end: {numbers:?}")
}

fn behind(sequence: &str, part: Option<u64>) -> Stored {
    Stored::From(Start::Behind { sequence: sequence.into(), part })
}

#[test]
fn a_poll_may_end_within_a_packed_record_and_the_next_goes_on_there() {
    let records = || vec![record("1", b"a", 0), packed("2"), record("3", b"b", 0)];
    let all = ["1", "2/0", "2/1", "2/2", "3"];
    let (numbers, positions) = given(&mut outlet(&[]), chunk(records()), 2);
    assert_eq!(numbers, all);
    assert_eq!(positions, [behind("2", Some(0)), behind("2", None), behind("3", None)]);
    let (numbers, positions) = given(&mut outlet(&[]), chunk(records()), 100);
    assert_eq!((numbers, positions), (all.map(str::to_owned).to_vec(), vec![behind("3", None)]));
    let (numbers, _) = given(&mut outlet(&[("kinesis.deaggregate", "false")]), chunk(records()), 100);
    assert_eq!(numbers, ["1", "2", "3"]);
}

#[test]
fn parts_that_were_given_before_a_restart_are_not_given_again() {
    for (part, expected) in
        [(0, vec!["2/1", "2/2", "3"]), (1, vec!["2/2", "3"]), (2, vec!["3"]), (9, vec!["3"])]
    {
        let given_before = Some(("2".to_owned(), part));
        let chunk = Chunk { given: given_before, ..chunk(vec![packed("2"), record("3", b"b", 0)]) };
        let (numbers, positions) = given(&mut outlet(&[]), chunk, 1);
        assert_eq!(numbers, expected, "behind part {part}");
        assert_eq!(positions.last(), Some(&behind("3", None)));
    }
}

#[test]
fn keys_and_data_are_those_of_the_parts() {
    let mut held = Held { most: 100, ..Held::default() };
    let mut pending = Pending::new(chunk(vec![packed("2"), record("3", b"b", 0)]));
    assert_eq!(outlet(&[]).give(&mut pending, &mut held), Ok(true));
    let (key, _, data) = &held.messages[1];
    assert_eq!((key.as_str(), data.as_str()), ("p1", "{\"i\":1}"));
    assert_eq!(held.messages[3].0, "own");
    let partition = Fields::new().with("stream", "s").with("shard", "shard-1");
    assert_eq!(held.positions[0].0, partition);
}

#[test]
fn the_end_of_a_shard_comes_after_its_records() {
    let last = Chunk { is_end: true, ..chunk(vec![record("1", b"a", 0), record("2", b"b", 0)]) };
    let (numbers, positions) = given(&mut outlet(&[]), last, 1);
    assert_eq!((numbers.len(), positions), (2, vec![behind("1", None), Stored::End]));
    let (_, positions) = given(&mut outlet(&[]), Chunk { is_end: true, ..chunk(vec![]) }, 1);
    assert_eq!(positions, [Stored::End]);
}

#[test]
fn a_beginning_that_is_no_place_becomes_one() {
    let begun = Chunk { begun: Some(Start::Since(17)), ..chunk(vec![]) };
    assert_eq!(given(&mut outlet(&[]), begun, 1).1, [Stored::From(Start::Since(17))]);
}

#[test]
fn records_from_before_the_wanted_time_are_passed_over() {
    let records = vec![record("1", b"a", 3_999), record("2", b"b", 4_000), record("3", b"c", 9_000)];
    let since = Chunk { since_ms: Some(4_700), ..chunk(records) };
    assert_eq!(given(&mut outlet(&[]), since, 9).0, ["2", "3"]);
}

#[test]
fn a_message_that_is_too_large_fails_alone_or_is_left_out_aloud() {
    let records = || vec![record("1", b"a", 0), record("2", b"much too large", 0), record("3", b"b", 0)];
    let limit = ("message.bytes.max", "8");
    let (mut strict, mut pending) = (outlet(&[limit]), Pending::new(chunk(records())));
    let mut held = Held { most: 100, ..Held::default() };
    assert_eq!(strict.give(&mut pending, &mut held), Ok(false));
    assert_eq!(position::read(&held.positions[0].1), Ok(behind("1", None)));
    let error = strict.give(&mut pending, &mut Held { most: 100, ..Held::default() }).unwrap_err();
    assert_eq!(
        error.message(),
        "message.bytes.max: a message of 17 bytes is larger than 8: stream s, shard shard-1, sequence number 2"
    );
    let mut lenient = outlet(&[limit, ("errors.tolerance", "all")]);
    let (numbers, positions) = given(&mut lenient, chunk(records()), 100);
    assert_eq!((numbers, positions), (vec!["1".to_owned(), "3".to_owned()], vec![behind("3", None)]));
    assert_eq!(lenient.tally.large.len(), 1);
}

#[test]
fn records_given_again_end_at_the_part_at_which_they_ended() {
    let ends = |until: Until| Chunk { until: Some(until), ..chunk(vec![record("1", b"a", 0), packed("2")]) };
    let until = |part| Until { sequence: "2".into(), part };
    for most in [1, 2, 10] {
        let (numbers, positions) = given(&mut outlet(&[]), ends(until(Some(1))), most);
        assert_eq!(numbers, ["1", "2/0", "2/1"]);
        assert_eq!(positions.last(), Some(&behind("2", Some(1))));
        let (numbers, positions) = given(&mut outlet(&[]), ends(until(None)), most);
        assert_eq!(numbers, ["1", "2/0", "2/1", "2/2"]);
        assert_eq!(positions.last(), Some(&behind("2", None)));
    }
}
