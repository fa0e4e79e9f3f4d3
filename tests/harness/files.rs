//! Text files that a test writes, and those that a connector writes.

use crate::{SOON, until};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// Writes behind what is there; makes the file if there is none.
pub fn append(file: &Path, text: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(file).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// What the file holds; nothing if there is none.
pub fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}

/// Waits until the file is as long as the text, and compares.
#[track_caller]
pub fn await_text(file: &Path, expected: &str) {
    let what = format!("{} to hold {} bytes", file.display(), expected.len());
    until(&what, SOON, || read(file).len() >= expected.len());
    assert_eq!(read(file), expected);
}
