//! Batches on full disks, locked files and files that others move and write.
use super::{Appender, Means, write};
use crate::tests::Place;
use penstock_sdk::Kind;
use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, Write};

const NO_WAIT: Means<'_> = Means { wait: &|_| false, write: &write };

fn open(place: &Place) -> Appender {
    Appender::open(&place.name(), false).unwrap()
}

#[test]
fn batches_are_appended_to_what_is_there() {
    let place = Place::new();
    place.add("before\n");
    open(&place).append(b"one\ntwo\n", &NO_WAIT).unwrap();
    Appender::open(&place.name(), true).unwrap().append(b"three\n", &NO_WAIT).unwrap();
    assert_eq!(place.text(), "before\none\ntwo\nthree\n");
}

#[test]
fn a_batch_that_fails_half_way_leaves_nothing_and_its_retry_repeats_nothing() {
    let place = Place::new();
    let mut file = open(&place);
    file.append(b"one\n", &NO_WAIT).unwrap();
    let room = Cell::new(5_usize);
    let disk = |file: &mut File, bytes: &[u8]| {
        let count = bytes.len().min(room.get());
        if count == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        room.set(room.get() - count);
        file.write(&bytes[..count])
    };
    let full = Means { write: &disk, ..NO_WAIT };
    let error = file.append(b"two\nthree\n", &full).unwrap_err();
    assert_eq!(*error.kind(), Kind::Retry { after: None });
    assert!(error.message().starts_with(&format!("{}: cannot be written: ", place.name())), "{error}");
    assert_eq!(place.text(), "one\n");
    file.append(b"two\nthree\n", &NO_WAIT).unwrap();
    assert_eq!(place.text(), "one\ntwo\nthree\n");
}

#[test]
fn lines_that_a_stranger_wrote_meanwhile_are_not_cut_away() {
    let place = Place::new();
    let calls = Cell::new(0);
    let disk = |file: &mut File, bytes: &[u8]| {
        calls.set(calls.get() + 1);
        if calls.get() == 1 {
            return file.write(&bytes[..3]);
        }
        place.add("stranger\n");
        Err(io::ErrorKind::StorageFull.into())
    };
    let error = open(&place).append(b"mine\n", &Means { write: &disk, ..NO_WAIT }).unwrap_err();
    assert!(
        error.message().ends_with("3 bytes of the batch stay in it: someone else wrote behind them"),
        "{error}"
    );
    assert_eq!(place.text(), "minstranger\n");
}

#[test]
fn half_a_line_of_a_killed_worker_is_not_glued_to_the_next_record() {
    let place = Place::new();
    place.add("whole\nhal");
    let mut file = open(&place);
    file.append(b"half\n", &NO_WAIT).unwrap();
    file.append(b"next\n", &NO_WAIT).unwrap();
    assert_eq!(place.text(), "whole\nhal\nhalf\nnext\n");
}

#[test]
fn a_file_that_was_moved_away_is_made_anew() {
    let place = Place::new();
    let mut file = open(&place);
    file.append(b"one\n", &NO_WAIT).unwrap();
    fs::rename(place.path(), place.folder.path().join("old.txt")).unwrap();
    file.append(b"two\n", &NO_WAIT).unwrap();
    assert_eq!(place.text(), "two\n");
}

#[test]
fn a_full_device_asks_for_a_retry() {
    let mut file = Appender::open("/dev/full", false).unwrap();
    assert_eq!(*file.append(b"one\n", &NO_WAIT).unwrap_err().kind(), Kind::Retry { after: None });
}

#[test]
fn a_file_that_stays_locked_asks_for_a_retry() {
    let place = Place::new();
    let mut file = open(&place);
    let stranger = File::open(place.path()).unwrap();
    stranger.lock().unwrap();
    let error = file.append(b"one\n", &NO_WAIT).unwrap_err();
    assert_eq!(error.message(), format!("{}: another process keeps it locked", place.name()));
    let waits = Cell::new(0);
    let ending = Means { wait: &|_| waits.replace(waits.get() + 1) == 0, ..NO_WAIT };
    assert!(file.append(b"one\n", &ending).is_err(), "a task that is to end waits no longer");
    assert_eq!(waits.get(), 1);
    stranger.unlock().unwrap();
    file.append(b"one\n", &NO_WAIT).unwrap();
    assert_eq!(place.text(), "one\n");
}

#[test]
fn batches_of_several_tasks_stay_whole() {
    let place = Place::new();
    std::thread::scope(|scope| {
        for task in 0..4 {
            let mut file = open(&place);
            scope.spawn(move || {
                let yielding = Means {
                    wait: &|_| {
                        std::thread::yield_now();
                        false
                    },
                    write: &short_write,
                };
                for batch in 0..50 {
                    let lines = format!("{task} {batch} 0\n{task} {batch} 1\n{task} {batch} 2\n");
                    while file.append(lines.as_bytes(), &yielding).is_err() {}
                }
            });
        }
    });
    let text = place.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4 * 50 * 3);
    for batch in lines.chunks(3) {
        let (first, _) = batch[0].rsplit_once(' ').unwrap();
        let expected: Vec<String> = (0..3).map(|line| format!("{first} {line}")).collect();
        assert_eq!(batch, expected);
    }
}

/// A system that takes few bytes at once, so that batches need the lock to stay together.
fn short_write(file: &mut File, bytes: &[u8]) -> io::Result<usize> {
    file.write(&bytes[..bytes.len().min(7)])
}
