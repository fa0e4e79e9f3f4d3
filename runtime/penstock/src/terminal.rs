//! Writes to standard output and error, and lets a reader go who has seen enough.

use std::io::Write;

/// A closed pipe (`penstock plugin list | head`) is no failure and no panic.
pub fn write(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Each line gets the name of the program, as other commands do it.
pub fn complain(text: &str) {
    let mut err = std::io::stderr().lock();
    for line in text.lines() {
        let _ = writeln!(err, "penstock: {line}");
    }
}
