//! Checks what is written for a new connector, short of building it.

use super::{Name, Sdk, files, write};
use crate::args::Kind;

fn written(name: &str, kind: Kind) -> Vec<(&'static str, String)> {
    files(&Name::parse(name, kind).unwrap(), &Sdk::Git("https://example.com/penstock"))
}

#[test]
fn hello_world_is_thirty_lines_without_unsafe() {
    for kind in [Kind::Source, Kind::Sink] {
        let files = written("hello-world", kind);
        let (_, lib) = files.iter().find(|(path, _)| *path == "src/lib.rs").unwrap();
        assert!(lib.lines().count() <= 30, "{} lines", lib.lines().count());
        assert!(!lib.contains("unsafe"));
    }
}

#[test]
fn no_placeholder_is_left_open() {
    for kind in [Kind::Source, Kind::Sink] {
        for (path, text) in written("hello-world", kind) {
            assert!(!text.contains("{{"), "{path}: {text}");
        }
    }
}

#[test]
fn what_an_author_has_is_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let name = Name::parse("orders", Kind::Sink).unwrap();
    let sdk = Sdk::Git("https://example.com/penstock");
    let folder = dir.path().join("orders");
    write(&folder, &name, &sdk).unwrap();
    std::fs::write(folder.join("src/lib.rs"), "mine").unwrap();
    let reason = write(&folder, &name, &sdk).unwrap_err();
    assert!(reason.ends_with("orders exists already, expected a new name"), "{reason}");
    assert_eq!(std::fs::read_to_string(folder.join("src/lib.rs")).unwrap(), "mine");
}
