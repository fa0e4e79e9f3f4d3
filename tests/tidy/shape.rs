//! Size, first line and name of source files, and that the linter keeps the limits of functions.

use crate::checkout::{Checkout, File, assert_clean, assert_finds, code_lines, has_extension};

const LINES_MAX: usize = 500;
const NOUNLESS: &[&str] = &["utils", "util", "common", "helpers", "helper", "manager", "misc"];
/// Lines of clippy.toml that hold the limits of a function.
const CLIPPY: &[&str] = &["too-many-lines-threshold = 60", "too-many-arguments-threshold = 5"];
const LINTS: &[&str] = &["too_many_lines", "too_many_arguments"];

fn too_long(checkout: &Checkout) -> Vec<String> {
    let long = checkout.rust().filter(|file| file.text.lines().count() > LINES_MAX);
    let what = "lines are more than a reader holds: split it by subject";
    long.map(|file| format!("{}:{LINES_MAX}: {} {what}", file.path, file.text.lines().count())).collect()
}

fn without_subject(checkout: &Checkout) -> Vec<String> {
    let bare = checkout.rust().filter(|file| {
        !file.text.lines().next().is_some_and(|line| line.starts_with("//! ") && line.trim_end().len() > 12)
    });
    let what = "the first line must be a `//! ` sentence on the file's subject";
    bare.map(|file| format!("{}:1: {what}", file.path)).collect()
}

fn nounless(checkout: &Checkout) -> Vec<String> {
    let mut findings = Vec::new();
    for file in checkout.rust() {
        let stem = file.path.trim_end_matches(".rs");
        if let Some(name) = stem.split('/').find(|part| NOUNLESS.contains(part)) {
            findings.push(format!("{}:1: `{name}` names no subject: move the code to its caller", file.path));
        }
        for (at, line) in code_lines(&file.text).iter().enumerate() {
            let module = line.trim().trim_start_matches("pub ").trim_start_matches("pub(crate) ");
            let inline = module.strip_prefix("mod ").and_then(|rest| rest.strip_suffix('{')).map(str::trim);
            if inline.is_some_and(|name| NOUNLESS.contains(&name)) {
                findings.push(format!("{}:{}: a module that names no subject: {line}", file.path, at + 1));
            }
        }
    }
    findings
}

/// The linter counts the lines of functions exactly; this rule keeps it counting.
fn unlinted(checkout: &Checkout) -> Vec<String> {
    let mut findings = Vec::new();
    let text_of =
        |path: &str| checkout.files.iter().find(|file| file.path == path).map_or("", |file| &file.text);
    for limit in CLIPPY.iter().filter(|limit| !text_of("clippy.toml").lines().any(|line| line == **limit)) {
        findings.push(format!("clippy.toml:1: the line `{limit}` is missing: put it back"));
    }
    for lint in LINTS.iter().filter(|lint| !text_of("Cargo.toml").contains(&format!("{lint} = \"deny\""))) {
        findings
            .push(format!("Cargo.toml:1: the workspace's lint `{lint} = \"deny\"` is missing: put it back"));
    }
    for (file, toml) in checkout.crates() {
        let inherits = toml.get("lints").and_then(|lints| lints.get("workspace")?.as_bool());
        if inherits != Some(true) {
            findings.push(format!("{}:1: add `[lints]` with `workspace = true`", file.path));
        }
    }
    for file in checkout.rust() {
        findings.extend(LINTS.iter().filter_map(|lint| switched_off(file, lint)));
    }
    findings
}

fn switched_off(file: &File, lint: &str) -> Option<String> {
    let at = code_lines(&file.text).iter().position(|line| line.contains(&format!("clippy::{lint}")))?;
    Some(format!("{}:{}: `{lint}` is switched off: split the function instead", file.path, at + 1))
}

#[test]
fn files_are_short_enough_to_hold_in_mind() {
    assert_clean(&too_long(&Checkout::of_this_project()));
}

#[test]
fn every_file_says_its_subject_first() {
    assert_clean(&without_subject(&Checkout::of_this_project()));
}

#[test]
fn no_module_is_a_drawer_for_odds_and_ends() {
    assert_clean(&nounless(&Checkout::of_this_project()));
}

#[test]
fn the_linter_keeps_the_limits_of_functions() {
    assert_clean(&unlinted(&Checkout::of_this_project()));
}

#[test]
fn a_file_of_501_lines_is_found() {
    let checkout = Checkout::of(&[("a.rs", &"x\n".repeat(501)), ("b.rs", &"x\n".repeat(500))]);
    assert_finds(&too_long(&checkout), &["a.rs:500: 501 lines"]);
}

#[test]
fn a_file_without_a_subject_is_found() {
    let good = "//! Counts the rows that arrived.\n";
    let checkout = Checkout::of(&[("a.rs", good), ("b.rs", "use x;\n"), ("c.rs", "//!\n"), ("d.rs", "")]);
    assert_finds(&without_subject(&checkout), &["b.rs:1", "c.rs:1", "d.rs:1"]);
}

#[test]
fn a_nounless_module_is_found() {
    let inline = "//! A.\npub mod misc {\n}\n";
    let checkout =
        Checkout::of(&[("x/utils.rs", ""), ("x/helpers/a.rs", ""), ("x/b.rs", inline), ("x/commons.rs", "")]);
    assert_finds(&nounless(&checkout), &["x/utils.rs:1", "x/helpers/a.rs:1", "x/b.rs:2"]);
}

#[test]
fn a_limit_that_was_lifted_is_found() {
    let root = "[workspace]\nmembers = [\"x\"]\n[workspace.lints.clippy]\ntoo_many_lines = \"deny\"\n";
    let allowed = "//! A.\n#[allow(clippy::too_many_lines)]\nfn f() {}\n";
    let checkout = Checkout::of(&[
        ("Cargo.toml", root),
        ("clippy.toml", "too-many-lines-threshold = 600\ntoo-many-arguments-threshold = 5\n"),
        ("x/Cargo.toml", "[package]\nname = \"x\"\n"),
        ("x/src/lib.rs", allowed),
    ]);
    let expected = ["clippy.toml:1", "too_many_arguments", "x/Cargo.toml:1", "x/src/lib.rs:2"];
    assert_finds(&unlinted(&checkout), &expected);
    assert!(has_extension("a/b.rs", "rs") && !has_extension("a/rs", "rs"));
}
