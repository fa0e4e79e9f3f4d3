//! Counts how often each number is in the file that a sink appends to.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

pub struct Tally {
    pub path: PathBuf,
    read: u64,
    /// What is not a whole line yet.
    rest: Vec<u8>,
    counts: Vec<u32>,
    /// The greatest number of each partition: number `n` belongs to partition `n % partitions`.
    newest: Vec<Option<u64>>,
}

impl Tally {
    pub fn new(path: PathBuf, partitions: usize) -> Self {
        Self { path, read: 0, rest: Vec::new(), counts: Vec::new(), newest: vec![None; partitions] }
    }

    /// Takes in what was appended since the last look.
    pub fn look(&mut self) {
        // A sink that has not started yet has made no file.
        let Ok(mut file) = File::open(&self.path) else { return };
        file.seek(SeekFrom::Start(self.read)).unwrap();
        self.read += file.read_to_end(&mut self.rest).unwrap() as u64;
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else { return };
        let rest = self.rest.split_off(end + 1);
        let lines = std::mem::replace(&mut self.rest, rest);
        for line in String::from_utf8_lossy(&lines).lines() {
            self.count(
                number(line).unwrap_or_else(|| panic!("{}: a torn line: {line:?}", self.path.display())),
            );
        }
    }

    fn count(&mut self, number: u64) {
        let index = number as usize;
        if self.counts.len() <= index {
            self.counts.resize(index + 1, 0);
        }
        self.counts[index] += 1;
        let partition = index % self.newest.len();
        self.newest[partition] = self.newest[partition].max(Some(number));
    }

    /// Whether a number from `mark` on has arrived in every partition.
    pub fn has_moved_past(&self, mark: u64) -> bool {
        self.newest.iter().all(|newest| newest.is_some_and(|newest| newest >= mark))
    }

    pub fn missing(&self, expected: impl Iterator<Item = u64>) -> Vec<u64> {
        expected.filter(|number| self.counts.get(*number as usize).is_none_or(|count| *count == 0)).collect()
    }

    /// How many lines there are beyond one for each number.
    pub fn doubled(&self) -> u64 {
        self.counts.iter().map(|count| u64::from(count.saturating_sub(1))).sum()
    }

    /// Numbers that nobody sent.
    pub fn strange(&self, is_known: impl Fn(u64) -> bool) -> Vec<u64> {
        let seen = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        seen.map(|(number, _)| number as u64).filter(|number| !is_known(*number)).collect()
    }
}

/// The number of `17` and of `{"id":17}`; none of what is no whole record, or more than one.
pub fn number(line: &str) -> Option<u64> {
    let inner = match line.strip_prefix("{\"id\":") {
        Some(rest) => rest.strip_suffix('}')?,
        None => line,
    };
    inner.parse().ok()
}

#[test]
fn a_torn_or_glued_line_is_no_number() {
    let check = |line: &str, expected| assert_eq!(number(line), expected, "{line}");
    check("17", Some(17));
    check("{\"id\":17}", Some(17));
    check("{\"id\":17", None);
    check("{\"id\":1{\"id\":17}", None);
    check("", None);
}

#[test]
fn what_is_missing_doubled_and_strange_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut tally = Tally::new(dir.path().join("out"), 2);
    tally.look();
    std::fs::write(&tally.path, "0\n1\n1\n3\n9").unwrap();
    tally.look();
    assert_eq!((tally.missing(0..5), tally.doubled()), (vec![2, 4], 1));
    assert_eq!(tally.strange(|number| number < 3), vec![3]);
    assert!(!tally.has_moved_past(1), "partition 0 is at 0");
    std::fs::write(&tally.path, "0\n1\n1\n3\n92\n").unwrap();
    tally.look();
    assert!(tally.has_moved_past(3) && !tally.has_moved_past(4));
}
