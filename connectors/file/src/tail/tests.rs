//! Lines of files that grow, wait, are cut and are replaced; time stands still.
use super::{Progress, Tail};
use crate::lines::{Bounds, Lines};
use crate::tests::Place;
use penstock_sdk::Kind;
use proptest::prelude::*;
use std::fs::{self, File};
use std::io::Write;

const SMALL: Bounds = Bounds { chunk: 8, line_max: 64 };

fn open(place: &Place, position: u64) -> Tail {
    Tail::new(&place.name(), position, SMALL)
}

/// All lines until the file has no more, and why it has no more.
fn drain(tail: &mut Tail) -> (Vec<String>, Progress) {
    let mut lines = Vec::new();
    loop {
        while let Some(line) = tail.line() {
            lines.push(String::from_utf8(line.to_vec()).unwrap());
        }
        match tail.read().unwrap() {
            Progress::More => {}
            other => return (lines, other),
        }
    }
}

fn split(chunks: &[&[u8]], bounds: Bounds) -> Vec<(String, usize)> {
    let mut lines = Lines::new(bounds);
    let mut found = Vec::new();
    for chunk in chunks {
        let mut rest = *chunk;
        while !rest.is_empty() {
            let room = lines.room().expect("the line fits");
            let count = room.len().min(rest.len());
            room[..count].copy_from_slice(&rest[..count]);
            lines.filled(count);
            rest = &rest[count..];
            while let Some((line, taken)) = lines.next() {
                found.push((String::from_utf8_lossy(line).into_owned(), taken));
            }
        }
    }
    found
}

#[test]
fn lines_end_as_in_java() {
    let check = |given: &str, expected: &[&str]| {
        let found: Vec<String> =
            split(&[given.as_bytes()], SMALL).into_iter().map(|(line, _)| line).collect();
        assert_eq!(found, expected, "{given:?}");
    };
    check("", &[]);
    check("a", &[]);
    check("a\n", &["a"]);
    check("a\nb", &["a"]);
    check("a\r\nb\r\n", &["a", "b"]);
    check("a\rb\rc", &["a", "b"]);
    // The last \r may be half of \r\n.
    check("a\r", &[]);
    check("a\r\r", &["a"]);
    check("a\n\rb\n", &["a", "", "b"]);
    check("\n\n\r\n", &["", "", ""]);
    check("a\0b\u{feff}\u{2028}c\n", &["a\0b\u{feff}\u{2028}c"]);
}

proptest! {
    #[test]
    fn any_chunks_give_the_lines_of_the_whole(
        text in "([a-cä]{0,40}(\n|\r\n|\r)?){0,20}",
        cuts in proptest::collection::vec(0_usize..900, 0..12),
        chunk in 1_usize..90,
    ) {
        let bounds = Bounds { chunk, line_max: 10_000 };
        let bytes = text.as_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
        let found = split(&chunks, bounds);

        let whole = text.replace("\r\n", "\n").replace('\r', "\n");
        let mut expected: Vec<&str> = whole.split('\n').collect();
        expected.pop();
        if text.ends_with('\r') {
            expected.pop();
        }
        prop_assert_eq!(found.iter().map(|(line, _)| line.as_str()).collect::<Vec<_>>(), expected);

        // Every position is one to resume from: the rest of the file gives the rest of the lines.
        let mut position = 0;
        for (index, (_, taken)) in found.iter().enumerate() {
            position += taken;
            let rest = split(&[&bytes[position..]], bounds);
            prop_assert_eq!(&rest[..], &found[index + 1..]);
        }
    }
}

#[test]
fn a_line_waits_for_its_end() {
    let place = Place::new();
    place.add("one\ntw");
    let mut tail = open(&place, 0);
    assert_eq!(drain(&mut tail), (vec!["one".into()], Progress::End));
    assert_eq!(tail.position(), 4);
    place.add("o\r");
    assert_eq!(drain(&mut tail).0, Vec::<String>::new());
    place.add("\nthree\n");
    assert_eq!(drain(&mut tail).0, ["two", "three"]);
    assert_eq!(tail.position(), place.text().len() as u64);
}

#[test]
fn a_restart_goes_on_behind_the_stored_byte() {
    let place = Place::new();
    place.add("ä\nzwei\ndrei\n");
    let mut first = open(&place, 0);
    while first.line().is_none() {
        first.read().unwrap();
    }
    assert_eq!(first.position(), 3, "positions count bytes, and ä has two");
    assert_eq!(drain(&mut open(&place, first.position())).0, ["zwei", "drei"]);
}

#[test]
fn a_missing_file_is_waited_for() {
    let place = Place::new();
    let mut tail = open(&place, 0);
    assert_eq!(tail.read().unwrap(), Progress::Missing);
    place.add("here\n");
    assert_eq!(drain(&mut tail).0, ["here"]);
}

#[test]
fn a_file_that_was_cut_is_read_from_its_beginning() {
    let place = Place::new();
    place.add("one\ntwo\n");
    let mut tail = open(&place, 0);
    assert_eq!(drain(&mut tail).0.len(), 2);
    File::options().write(true).open(place.path()).unwrap().set_len(0).unwrap();
    place.add("new\n");
    assert!(matches!(drain(&mut tail).1, Progress::StartedOver(why) if why.contains("from 8 to 4 bytes")));
    assert_eq!(drain(&mut tail).0, ["new"]);
    assert_eq!(tail.position(), 4);
}

#[test]
fn a_stored_position_behind_the_end_starts_over() {
    let place = Place::new();
    place.add("one\n");
    let mut tail = open(&place, 99);
    let why = "it has 4 bytes and was read up to 99";
    assert_eq!(tail.read().unwrap(), Progress::StartedOver(why.into()));
    assert_eq!(drain(&mut tail).0, ["one"]);
}

#[test]
fn a_rotated_file_is_read_to_its_end_before_the_new_one() {
    let place = Place::new();
    place.add("one\n");
    let mut tail = open(&place, 0);
    assert_eq!(drain(&mut tail), (vec!["one".into()], Progress::End));
    let old = place.folder.path().join("in.txt.1");
    fs::rename(place.path(), &old).unwrap();
    assert_eq!(tail.read().unwrap(), Progress::End, "without a name it may still be written to");
    place.add("new\n");
    assert_eq!(tail.read().unwrap(), Progress::End, "the writer may not have changed over yet");
    File::options().append(true).open(old).unwrap().write_all(b"late\nhalf").unwrap();
    assert_eq!(drain(&mut tail), (vec!["late".into()], Progress::End));
    let (lines, progress) = drain(&mut tail);
    assert_eq!(lines, ["half"], "its end will not come any more");
    assert!(matches!(progress, Progress::StartedOver(why) if why.contains("another file")));
    assert_eq!(drain(&mut tail).0, ["new"]);
    assert_eq!(tail.position(), 4);
}

#[test]
fn a_line_up_to_the_bound_is_read_and_a_longer_one_is_named() {
    for end in ["\n", "\r\n"] {
        let place = Place::new();
        place.add(&format!("short\n{}{end}more\n", "x".repeat(64)));
        assert_eq!(drain(&mut open(&place, 0)).0[1].len(), 64);
    }
    let place = Place::new();
    place.add(&format!("short\n{}\n", "x".repeat(67)));
    let mut tail = open(&place, 0);
    let error = loop {
        while tail.line().is_some() {}
        if let Err(error) = tail.read() {
            break error;
        }
    };
    assert_eq!(*error.kind(), Kind::Fatal);
    assert_eq!(error.message(), format!("{}: the line at byte 6 has no end within 66 bytes", place.name()));
    assert_eq!(tail.read().unwrap_err(), error, "a second look finds the same");
}
