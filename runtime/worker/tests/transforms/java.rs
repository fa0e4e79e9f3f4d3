//! What Java's classes make of the cases, from the jars that the tests' Connect worker has.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::Case;

/// One answer for each case.
pub fn answers(cases: &[Case]) -> Vec<Value> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transforms/Oracle.java");
    // A program of one source file is compiled by `java` itself, if that is a JDK's.
    let mut java = Command::new("java")
        .args([
            "-XX:TieredStopAtLevel=1",
            "-Duser.language=en",
            "-Duser.country=US",
            "-Duser.timezone=UTC",
            "-cp",
        ])
        .arg(format!("{}/*", jars().display()))
        .arg(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("java: expected a JDK on the PATH");
    let mut input = java.stdin.take().unwrap();
    let lines = cases.iter().map(|case| case.json().to_string() + "\n").collect::<Vec<_>>().concat();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = java.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the oracle ended with {}: {errors}", output.status);
    writer.join().unwrap().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Fetched once, as for the Connect worker that the tests compare with.
fn jars() -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/services/kafka/kafka.sh");
    let resolved = Command::new(script).arg("resolve").stderr(Stdio::inherit()).output().unwrap();
    assert!(resolved.status.success(), "kafka.sh resolve ended with {}", resolved.status);
    PathBuf::from(String::from_utf8(resolved.stdout).unwrap().trim())
}
