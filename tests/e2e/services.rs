//! The scripts that start real services say clearly what they lack, and leave alone what they were given.

use penstock_tests::services::checkout;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn up(arguments: &[&str], state: &Path) -> Command {
    let mut command = Command::new(checkout().join("tests/services/up"));
    command.args(arguments).stdin(Stdio::null()).env("PENSTOCK_SERVICES_STATE", state);
    command.env_remove("PENSTOCK_TEST_KAFKA").env_remove("PENSTOCK_TEST_CLICKHOUSE");
    command
}

fn text(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_given_service_is_used_and_nothing_is_started() {
    let state = tempfile::tempdir().unwrap();
    let mut command = up(&["kafka", "clickhouse"], state.path());
    command.env("PENSTOCK_TEST_KAFKA", "broker:9092").env("PENSTOCK_TEST_CLICKHOUSE", "http://house:8123");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        text(&output).0,
        "PENSTOCK_TEST_KAFKA=broker:9092\nPENSTOCK_TEST_CLICKHOUSE=http://house:8123"
    );
    assert_eq!(std::fs::read_dir(state.path()).unwrap().count(), 0);
}

#[test]
fn an_unknown_service_is_named() {
    let state = tempfile::tempdir().unwrap();
    let output = up(&["postgres"], state.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).1.contains("'postgres'"), "{output:?}");
}

#[test]
fn a_missing_program_is_named_with_its_package() {
    let (state, bin) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let tools =
        ["bash", "env", "realpath", "dirname", "mkdir", "cat", "sed", "head", "awk", "rm", "date", "id"];
    let path = std::env::var_os("PATH").unwrap();
    for tool in tools {
        let mut found = std::env::split_paths(&path).map(|dir| dir.join(tool));
        let found = found.find(|path| path.exists()).unwrap_or_else(|| panic!("no {tool}"));
        symlink(found, bin.path().join(tool)).unwrap();
    }
    for (service, program, package) in [("kafka", "java", "openjdk"), ("clickhouse", "curl", "curl")] {
        let mut command = up(&[service], state.path());
        let output = command.env("PATH", bin.path()).env_remove("JAVA_HOME").output().unwrap();
        assert!(!output.status.success(), "{output:?}");
        let (_, said) = text(&output);
        assert!(said.contains(&format!("'{program}'")) && said.contains(package), "{said}");
    }
}
