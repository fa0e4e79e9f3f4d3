//! What lies in plugin.path besides good libraries is listed with its reason and hurts nobody.

use penstock_tests::{Worker, command, services};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

const GOOD: &str = "libpenstock_file.so";

/// A folder with one good library and one of everything that can be wrong with a file.
fn folder(dir: &Path) -> Vec<&'static str> {
    let good = fs::read(services::plugins().join(GOOD)).unwrap();
    fs::write(dir.join(GOOD), &good).unwrap();
    fs::write(dir.join("libempty.so"), "").unwrap();
    fs::write(dir.join("libtext.so"), "I am not a library\n").unwrap();
    fs::write(dir.join("libtruncated.so"), &good[..good.len() / 2]).unwrap();
    let mut corrupted = good;
    // Program headers and the dynamic section's neighbourhood: what the loader reads first.
    let end = corrupted.len().min(4096);
    corrupted[48..end].fill(0xff);
    fs::write(dir.join("libcorrupted.so"), &corrupted).unwrap();
    fs::create_dir(dir.join("libdirectory.so")).unwrap();
    symlink(dir.join("libloop.so"), dir.join("libloop.so")).unwrap();
    fs::write(dir.join("libunreadable.so"), "secret\n").unwrap();
    fs::set_permissions(dir.join("libunreadable.so"), fs::Permissions::from_mode(0o000)).unwrap();
    fs::copy(foreign(), dir.join("libforeign.so")).unwrap();
    vec![
        "libempty.so",
        "libtext.so",
        "libtruncated.so",
        "libcorrupted.so",
        "libloop.so",
        "libunreadable.so",
        "libforeign.so",
    ]
}

/// A healthy library that is no plugin: the C library of this very process.
fn foreign() -> PathBuf {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let path =
        maps.lines().filter_map(|line| line.split_whitespace().nth(5)).find(|path| path.contains("libc.so"));
    path.expect("this process has a C library").into()
}

#[test]
fn broken_files_are_listed_with_their_reason() {
    let dir = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let broken = folder(dir.path());
    let mut command = command::penstock(&["plugin", "list", "--plugin-path"]);
    let output = command::output(command.arg(dir.path()).env("XDG_CACHE_HOME", home.path()), home.path());
    assert!(output.status.success(), "{output:?}");
    let all = format!("{}{}", output.stdout, output.stderr);
    assert!(output.stdout.contains("FileStreamSink"), "the good library's connectors are listed:\n{all}");
    for name in broken {
        let line = all
            .lines()
            .find(|line| line.contains(name))
            .unwrap_or_else(|| panic!("{name} is missing:\n{all}"));
        let reason = line.split_once(name).map_or("", |(_, reason)| reason.trim());
        assert!(reason.len() > 8, "{name} is listed without a reason: {line:?}");
    }
}

#[test]
fn broken_files_do_not_stop_the_worker() {
    let dir = tempfile::tempdir().unwrap();
    let broken = folder(dir.path());
    let path = format!("{},{}", dir.path().display(), services::plugins().display());
    let builder = Worker::distributed().set("plugin.path", &path);
    let mut worker = broken
        .iter()
        .fold(builder, |builder, name| builder.allow(name))
        .allow("libdirectory.so")
        .allow("is a duplicate of")
        .start();
    let plugins = worker.rest.get("/connector-plugins").expect(200).to_string();
    for class in ["FileStreamSource", "FileStreamSink", "ClickHouse"] {
        assert!(plugins.contains(class), "{class} is missing in {plugins}");
    }
    worker.stop();
}

#[test]
fn a_library_that_is_copied_in_appears_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut worker = Worker::distributed().set("plugin.path", &dir.path().to_string_lossy()).start();
    let plugins = |worker: &Worker| worker.rest.get("/connector-plugins").expect(200).to_string();
    assert!(!plugins(&worker).contains("FileStreamSink"));
    fs::copy(services::plugins().join(GOOD), dir.path().join(GOOD)).unwrap();
    worker.stop();
    worker.start();
    assert!(plugins(&worker).contains("FileStreamSink"), "{}", plugins(&worker));
    worker.stop();
}

/// As docs/architecture.md says: what stands in the way of one optimisation over a whole library makes it grow by a quarter.
#[test]
fn libraries_stay_small() {
    let libraries = fs::read_dir(services::plugins()).unwrap().map(|entry| entry.unwrap());
    let sizes: Vec<_> = libraries.map(|entry| (entry.file_name(), entry.metadata().unwrap().len())).collect();
    assert!(sizes.len() >= 4, "{sizes:?}");
    let large: Vec<_> = sizes.iter().filter(|(_, size)| *size > 15_000_000).collect();
    assert!(large.is_empty(), "expected at most 15 MB each: {large:?}");
}
