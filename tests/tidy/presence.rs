//! The files that a newcomer looks for are there and say something.

use crate::checkout::{Checkout, assert_clean, assert_finds};

const WANTED: &[&str] = &[
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "docs/architecture.md",
    "docs/writing-a-connector.md",
    "config/worker.properties",
    ".ci/run",
    "test",
];

fn missing(checkout: &Checkout) -> Vec<String> {
    let there =
        |path: &str| checkout.files.iter().any(|file| file.path == path && !file.text.trim().is_empty());
    WANTED
        .iter()
        .filter(|path| !there(path))
        .map(|path| format!("{path}:1: missing or empty: write it"))
        .collect()
}

/// Continuous integration runs nothing that a developer's test command does not run.
fn ci_runs_more(checkout: &Checkout) -> Vec<String> {
    let run = checkout.files.iter().filter(|file| file.path == ".ci/run");
    run.flat_map(|file| {
        let lines = file.text.lines().enumerate();
        let commands = lines.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        let other = commands.filter(|(_, line)| !(line.starts_with("exec ") && line.ends_with("/test\"")));
        let what = "only ./test may be called here: put the check into ./test";
        other.map(|(at, _)| format!("{}:{}: {what}", file.path, at + 1)).collect::<Vec<_>>()
    })
    .collect()
}

#[test]
fn the_files_a_newcomer_looks_for_are_there() {
    assert_clean(&missing(&Checkout::of_this_project()));
}

#[test]
fn continuous_integration_calls_the_test_command_and_nothing_else() {
    assert_clean(&ci_runs_more(&Checkout::of_this_project()));
}

#[test]
fn an_empty_readme_is_found() {
    let mut files: Vec<(&str, &str)> = WANTED.iter().map(|path| (*path, "text")).collect();
    assert_finds(&missing(&Checkout::of(&files)), &[]);
    files[0].1 = "\n";
    assert_finds(&missing(&Checkout::of(&files)), &["README.md:1"]);
}

#[test]
fn a_second_command_in_ci_is_found() {
    let text = "#!/bin/sh\nexec \"$d/../test\"\ncargo audit\n";
    assert_finds(&ci_runs_more(&Checkout::of(&[(".ci/run", text)])), &[".ci/run:3"]);
}
