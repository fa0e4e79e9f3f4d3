//! `penstock plugin new` writes crates that build and keep the contract, with no edit.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Writes a crate and runs its tests, in folders that stay, so that a second run builds nothing anew.
fn check(name: &str, kind: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(kind);
    let package = folder.join(name);
    fs::create_dir_all(&folder).unwrap();
    if package.exists() {
        fs::remove_dir_all(&package).unwrap();
    }
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let mut new = Command::new(env!("CARGO_BIN_EXE_penstock"));
    let new = new.args(["plugin", "new", name, "--kind", kind, "--sdk"]).arg(checkout).current_dir(&folder);
    assert!(new.status().unwrap().success());

    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("target");
    let mut test = Command::new(env!("CARGO"));
    // Cargo's own variables would make the inner cargo build everything anew.
    for (variable, _) in
        std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_PKG"))
    {
        test.env_remove(variable);
    }
    let test = test.arg("test").env_remove("CARGO_MANIFEST_DIR").env("CARGO_TARGET_DIR", target);
    let output = test.env("RUSTFLAGS", "-Dwarnings").current_dir(&package).output().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    assert!(said.contains(&format!("test the_{kind}_keeps_the_contract ... ok")), "{said}");
}

#[test]
fn a_new_source_builds_and_keeps_the_contract() {
    check("hello-source", "source");
}

#[test]
fn a_new_sink_builds_and_keeps_the_contract() {
    check("hello-sink", "sink");
}

#[test]
fn what_is_written_is_formatted() {
    let dir = tempfile::tempdir().unwrap();
    let checkout: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    // The longest and the shortest name: lines grow and shrink with it.
    for (name, kind) in
        [("a", "source"), ("b", "sink"), ("orders-of-last-year", "sink"), ("measurements", "source")]
    {
        let mut new = Command::new(env!("CARGO_BIN_EXE_penstock"));
        let new = new.args(["plugin", "new", name, "--kind", kind, "--sdk"]).arg(&checkout).current_dir(&dir);
        assert!(new.status().unwrap().success());
        let mut format = Command::new("rustfmt");
        let format = format.args(["--check", "--edition", "2024", "src/lib.rs", "tests/contract.rs"]);
        let output = format.current_dir(dir.path().join(name)).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stdout));
    }
}
