//! `penstock run` as a process: it serves, stops at a signal, and says what is wrong by its exit code.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Without settings of whoever runs the tests.
fn penstock(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
    command.current_dir(dir).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CONNECT_") || name.starts_with("PENSTOCK_") {
            command.env_remove(&*name);
        }
    }
    command
}

fn check(args: &[&str], code: i32, stderr: &str) {
    let dir = tempfile::tempdir().unwrap();
    let output = penstock(dir.path()).args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {output:?}");
    assert!(text(&output.stderr).contains(stderr), "{args:?}: {output:?}");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Starts a standalone worker on a free port, and stops it as a service manager does.
fn served_and_stopped(dir: &Path, signal: &str) -> Output {
    fs::create_dir_all(dir.join("plugins")).unwrap();
    let mut command = penstock(dir);
    command.args([
        "run",
        "--listen",
        "http://127.0.0.1:0",
        "--plugin-path",
        "plugins",
        "--log-format",
        "json",
    ]);
    command.args(["--set", "penstock.address.file=address"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("the address file", || {
        assert_eq!(child.try_wait().unwrap(), None, "the worker ended by itself");
        dir.join("address").exists()
    });
    let url = fs::read_to_string(dir.join("address")).unwrap();
    let version = ureq::get(url.trim()).call().unwrap().body_mut().read_to_string().unwrap();
    assert!(version.contains("penstock"), "{version}");
    let kill = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
    assert!(kill.unwrap().success());
    child.wait_with_output().unwrap()
}

fn until(what: &str, mut is_there: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_there() {
        assert!(start.elapsed() < Duration::from_secs(60), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_worker_serves_until_a_signal_and_starts_again() {
    let dir = tempfile::tempdir().unwrap();
    for signal in ["TERM", "INT"] {
        let output = served_and_stopped(dir.path(), signal);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(text(&output.stdout), "");
        for line in text(&output.stderr).lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["level"], "INFO", "{line}");
        }
        fs::remove_file(dir.path().join("address")).unwrap();
    }
}

#[test]
fn wrong_arguments_and_settings_end_with_2_and_a_sentence() {
    check(&["run", "--set", "nonsense"], 2, "expected KEY=VALUE");
    check(&["run", "--listen", "somewhere"], 2, "penstock: listeners: expected an address such as");
    check(&["run", "--config", "no.properties"], 2, "penstock: file no.properties: no such file");
    check(&["run", "--log-level", "loud"], 2, "penstock: penstock.log.level: expected a level");
    check(&["plugin", "new", "Bad", "--kind", "sink"], 2, "penstock: \"Bad\" is no name");
    check(&["plugin", "list"], 2, "penstock: give the folders");
    check(&[], 2, "Usage");
}

#[test]
fn a_taken_port_ends_with_1_and_one_sentence() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", taken.local_addr().unwrap());
    let sentence = format!("penstock: {url} is already in use");
    check(&["run", "--plugin-path", ".", "--listen", &url], 1, &sentence);
}

#[test]
fn print_config_names_origins_and_masks_secrets() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("w.yaml"), "group: {id: g}\nsasl.jaas.config: canary\nodd: canary\n").unwrap();
    let mut command = penstock(dir.path());
    command.args(["run", "--config", "w.yaml", "--print-config", "--set", "offset.flush.timeout.ms=7"]);
    let output = command.env("CONNECT_BOOTSTRAP_SERVERS", "b:1").output().unwrap();
    let (shown, said) = (text(&output.stdout), text(&output.stderr));
    for line in [
        "group.id = g  (file w.yaml)",
        "sasl.jaas.config = ***  (file w.yaml)",
        "odd = ***  (file w.yaml, unknown)",
        "offset.flush.timeout.ms = 7  (flag --set)",
        "bootstrap.servers = b:1  (environment CONNECT_BOOTSTRAP_SERVERS)",
        "task.shutdown.graceful.timeout.ms = 5000  (default)",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}\n{shown}");
    }
    // Shown in full, and refused for what is missing.
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("config.storage.topic: expected a value"), "{said}");
    assert!(!shown.contains("canary") && !said.contains("canary"), "{shown}{said}");
}
