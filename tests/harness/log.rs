//! A worker's log: kept in a file, searched by tests, and free of warnings nobody expected.

use std::path::PathBuf;

#[derive(Debug, Clone)]
pub struct Log {
    pub path: PathBuf,
    /// Texts that a WARN or ERROR line may hold.
    allowed: Vec<String>,
}

impl Log {
    pub fn new(path: PathBuf, allowed: Vec<String>) -> Self {
        Self { path, allowed }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.path).unwrap_or_default()).into_owned()
    }

    /// Warnings, errors and panics that the test did not announce.
    pub fn unexpected(&self) -> Vec<String> {
        let text = self.text();
        let alarming = text.lines().map(plain).filter(|line| is_alarming(line));
        alarming.filter(|line| !self.allowed.iter().any(|allowed| line.contains(allowed))).collect()
    }

    /// The end of the log, for a person who reads why a test failed.
    pub fn tail(&self) -> String {
        let text = self.text();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }
}

fn is_alarming(line: &str) -> bool {
    let leveled = ["WARN", "ERROR"].iter().any(|level| {
        line.contains(&format!("\"level\":\"{level}\""))
            || line.split_whitespace().take(3).any(|word| word == *level)
    });
    leveled || (line.contains("thread '") && line.contains("panicked at"))
}

/// Without the escapes that colour a line on a terminal.
fn plain(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once('m').map_or("", |(_, rest)| rest));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::{is_alarming, plain};

    #[test]
    fn a_level_is_seen_in_text_and_json_and_colour() {
        let check = |line: &str, expected: bool| assert_eq!(is_alarming(&plain(line)), expected, "{line}");
        check("2026-01-01T00:00:00Z  WARN worker: slow", true);
        check("2026-01-01T00:00:00Z \u{1b}[31mERROR\u{1b}[0m worker: lost", true);
        check("{\"timestamp\":\"x\",\"level\":\"ERROR\",\"fields\":{}}", true);
        check("2026-01-01T00:00:00Z  INFO worker: WARN is only a word here", false);
        check("thread 'main' (1) panicked at src/main.rs:1:1:", true);
        check("", false);
    }
}
