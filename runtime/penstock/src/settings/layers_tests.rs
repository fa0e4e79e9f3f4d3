//! Checks how file, environment and flags are read and which of them wins.

use std::ffi::OsString;

use proptest::prelude::*;

use super::{Flag, Sources, collect};

/// What a file of this name and content says, as `key=value` lines, and what is wrong with it.
fn read(name: &str, content: impl AsRef<[u8]>) -> (String, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, content).unwrap();
    let (raw, problems) = collect(Sources { file: Some(path), ..Sources::default() });
    let lines: Vec<_> = raw.iter().map(|(key, entry)| format!("{key}={}", entry.value)).collect();
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    let shown = problems.join("\n").replace(&format!("{}/", dir.path().display()), "");
    (lines.join("\n"), shown)
}

fn check(name: &str, content: &str, expected: &str) {
    assert_eq!(read(name, content), (expected.to_owned(), String::new()), "{name}: {content}");
}

fn check_problem(name: &str, content: &str, expected: &str) {
    let (_, problems) = read(name, content);
    assert_eq!(problems, expected, "{name}: {content}");
}

#[test]
fn three_formats_say_the_same() {
    let expected = "group.id=g\nkey.converter=K\nkey.converter.schemas.enable=false\nplugin.path=/a,/b";
    check(
        "w.properties",
        "group.id=g\nkey.converter=K\nkey.converter.schemas.enable=false\nplugin.path=/a,/b",
        expected,
    );
    check(
        "w.yaml",
        "group: {id: g}\nkey.converter: K\nkey:\n  converter.schemas.enable: false\nplugin.path:\n  - /a\n  - /b",
        expected,
    );
    check("worker.conf", "group.id=g", "group.id=g");
    check(
        "w.TOML",
        "group.id = 'g'\n'key.converter' = 'K'\n'key.converter.schemas.enable' = false\nplugin.path = ['/a', '/b']",
        expected,
    );
}

#[test]
fn empty_files_and_empty_values_are_no_settings() {
    check("w.properties", "", "");
    check("w.yaml", "", "");
    check("w.toml", "# nothing", "");
    check("w.yaml", "group.id:\n", "");
    check("w.properties", "group.id=\n", "group.id=");
}

#[test]
fn bytes_that_are_no_utf8_are_javas_latin1() {
    assert_eq!(read("w.properties", b"group.id=caf\xe9").0, "group.id=café");
    assert_eq!(read("w.properties", "group.id=café").0, "group.id=café");
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    check_problem("w.json", "{}", "file w.json: expected .properties, .yaml, .yml or .toml, got JSON");
    check_problem(
        "w.properties",
        "a=\\u1",
        "file w.properties: line 1: expected four hexadecimal digits after \\u",
    );
    check_problem(
        "w.yaml",
        "group.id: [[1]]",
        "group.id: expected a list of plain values, got a nested one (file w.yaml)",
    );
    check_problem(
        "w.yaml",
        "group.id: a\ngroup: {id: b}",
        "group.id: expected it once, got it twice, nested and dotted (file w.yaml)",
    );
    let missing = Sources { file: Some("no/such.properties".into()), ..Sources::default() };
    let (_, problems) = collect(missing);
    assert_eq!(problems[0].to_string(), "file no/such.properties: no such file or directory (os error 2)");
}

#[test]
fn a_password_is_quoted_or_refused_and_never_shown() {
    check("w.yaml", "ssl.key.password: '0123'", "ssl.key.password=0123");
    check_problem(
        "w.yaml",
        "ssl.key.password: 0123",
        "ssl.key.password: expected a text in quotes, got a bare value (file w.yaml)",
    );
    let (_, problems) = read("w.toml", "ssl.key.password = 'canary' oops\n");
    assert!(!problems.is_empty() && !problems.contains("canary"), "{problems}");
}

#[test]
fn a_file_without_end_is_not_read_to_its_end() {
    let (_, problems) = read("w.properties", vec![b'#'; (1 << 20) + 1]);
    assert_eq!(problems, "file w.properties: expected at most 1048576 bytes of settings");
}

#[test]
fn flags_win_over_environment_over_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.properties");
    std::fs::write(&path, "group.id=file\nclient.id=file\nplugin.path=file\nlisteners=file").unwrap();
    let variable = |name: &str, value: &str| (OsString::from(name), OsString::from(value));
    let (raw, problems) = collect(Sources {
        file: Some(path.clone()),
        environment: vec![
            variable("PENSTOCK_CLIENT_ID", "penstock"),
            variable("CONNECT_CLIENT_ID", "connect"),
            variable("CONNECT_GROUP_ID", "connect"),
            variable("CONNECT_LISTENERS", "connect"),
        ],
        flags: vec![Flag { name: "--listen", key: "listeners".to_owned(), value: "flag".to_owned() }],
    });
    assert!(problems.is_empty());
    let shown = |key: &str| format!("{} from {}", raw[key].value, raw[key].origin);
    assert_eq!(shown("plugin.path"), format!("file from file {}", path.display()));
    assert_eq!(shown("group.id"), "connect from environment CONNECT_GROUP_ID");
    assert_eq!(shown("client.id"), "penstock from environment PENSTOCK_CLIENT_ID");
    assert_eq!(shown("listeners"), "flag from flag --listen");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_file_of_any_format_makes_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[a.:= {}\\[\\]\"'&*\n-]{0,60}") {
        for name in ["w.properties", "w.yaml", "w.toml"] {
            read(name, &bytes);
            read(name, &text);
        }
    }
}
