//! `penstock quickstart`: records move within seconds, Ctrl-C ends it well, and a second run works.

use penstock_tests::{SOON, command, services, unique, until};
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Child;

struct Quickstart {
    child: Child,
    output: PathBuf,
}

impl Quickstart {
    fn start(dir: &Path, arguments: &[&str]) -> Self {
        let output = dir.join(unique("quickstart.out"));
        let file = File::create(&output).unwrap();
        let mut command = command::penstock(&["quickstart", "--listen", "127.0.0.1:0"]);
        // Without the folder it would build the connectors once more, which is not what is asked here.
        let command = command.arg("--plugin-path").arg(services::plugins()).args(arguments);
        let child = command.current_dir(dir).stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        Self { child, output }
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.output).unwrap_or_default()
    }

    /// Waits until the lines on the terminal have shown growing counts three times.
    fn await_movement(&mut self) {
        until("growing counts on the terminal", SOON, || {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("quickstart ended by itself, {status}:\n{}", self.text());
            }
            let text = self.text();
            let counts: Vec<u64> = text.lines().filter_map(records_out).collect();
            counts.windows(2).filter(|pair| pair[1] > pair[0]).count() >= 3
        });
    }

    /// Ctrl-C.
    fn interrupt(mut self) -> String {
        command::signal(&self.child, "INT");
        let status = command::wait(&mut self.child, "quickstart to end after Ctrl-C");
        assert_eq!(status.code(), Some(0), "{status}:\n{}", self.text());
        self.text()
    }
}

impl Drop for Quickstart {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The count after `out` in a line of progress.
fn records_out(line: &str) -> Option<u64> {
    let rest = line.split("out").nth(1)?;
    let digits: String = rest
        .trim_start_matches([' ', ':', '='])
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == ',')
        .collect();
    digits.replace(',', "").parse().ok()
}

fn url(text: &str) -> &str {
    text.split_whitespace()
        .find(|word| word.starts_with("http://127.0.0.1:"))
        .expect("the REST address is shown")
}

#[test]
fn records_move_and_ctrl_c_ends_it_well_twice() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let mut quickstart = Quickstart::start(dir.path(), &[]);
        quickstart.await_movement();
        let text = quickstart.text();
        let rest = penstock_tests::Rest::new(url(&text));
        let connectors = rest.get("/connectors").expect(200);
        assert_eq!(connectors.as_array().map(Vec::len), Some(2), "a source and a sink: {connectors}");
        let text = quickstart.interrupt();
        assert!(text.contains("embedded"), "it says what is embedded:\n{text}");
        assert!(!text.contains("panicked"), "{text}");
    }
}

#[test]
fn real_kafka_and_clickhouse_are_used_when_they_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let (kafka, clickhouse) = (services::kafka(), services::clickhouse());
    let mut quickstart = Quickstart::start(dir.path(), &["--kafka", &kafka, "--clickhouse", &clickhouse]);
    quickstart.await_movement();
    let text = quickstart.interrupt();
    assert!(text.contains(&kafka), "it says which Kafka it uses:\n{text}");
}

#[test]
fn a_taken_port_is_one_clear_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let dir = tempfile::tempdir().unwrap();
    let mut command = command::penstock(&["quickstart", "--listen", &address, "--plugin-path", "."]);
    let output = command::output(command.current_dir(dir.path()), dir.path());
    assert!(!output.status.success(), "{output:?}");
    assert!(output.stderr.contains(&address) && output.stderr.contains("--listen"), "{output:?}");
    assert_eq!(output.stderr.trim().lines().count(), 1, "one sentence: {output:?}");
}

#[test]
fn a_line_of_progress_is_understood() {
    assert_eq!(records_out("in 1,200 (400/s)  out 1,100 (390/s)  lag 100"), Some(1_100));
    assert_eq!(records_out("out: 7"), Some(7));
    assert_eq!(records_out("the output goes to a file"), None);
}
