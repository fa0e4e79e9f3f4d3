//! Where `unsafe` may be written, and that each use says who guarantees what.

use crate::checkout::{Checkout, assert_clean, assert_finds, code_lines};

/// The plugin boundary, and the fetch path that borrows from librdkafka's own memory.
const ALLOWED: &[&str] = &[
    "plugins/abi/",
    "plugins/host/",
    "plugins/sdk/src/export.rs",
    "plugins/sdk/src/export/",
    "runtime/kafka/src/fetch.rs",
    "runtime/kafka/src/raw.rs",
    "runtime/kafka/src/raw/",
    "runtime/penstock/src/memory.rs",
];

/// How far above the keyword its comment may begin.
const COMMENT_LINES: usize = 8;

fn misplaced(checkout: &Checkout) -> Vec<String> {
    let outside =
        checkout.rust().filter(|file| !ALLOWED.iter().any(|allowed| file.path.starts_with(allowed)));
    outside
        .flat_map(|file| {
            let code = code_lines(&file.text);
            let hits = code.iter().enumerate().filter(|(_, line)| has_word(line, "unsafe"));
            let finding = |(at, _)| {
                let what = "`unsafe` outside its places (ALLOWED in tests/tidy/unsafety.rs)";
                format!("{}:{}: {what}: write it safely or move it there", file.path, at + 1)
            };
            hits.map(finding).collect::<Vec<_>>()
        })
        .collect()
}

fn unexplained(checkout: &Checkout) -> Vec<String> {
    let mut findings = Vec::new();
    for file in checkout.rust() {
        let code = code_lines(&file.text);
        let lines: Vec<&str> = file.text.split('\n').collect();
        for (at, line) in code.iter().enumerate() {
            let opens = has_word(line, "unsafe")
                && (opens_block(&code, at) || line.contains("unsafe impl") || line.contains("unsafe {"));
            let above = &lines[at.saturating_sub(COMMENT_LINES)..=at];
            if opens && !above.iter().any(|line| line.contains("SAFETY:")) {
                let what = "`unsafe` without a `// SAFETY:` comment above it: say who guarantees what";
                findings.push(format!("{}:{}: {what}", file.path, at + 1));
            }
        }
    }
    findings
}

/// `unsafe` at the end of a line with the brace on the next one.
fn opens_block(code: &[String], at: usize) -> bool {
    code[at].trim_end().ends_with("unsafe")
        && code.get(at + 1).is_some_and(|next| next.trim().starts_with('{'))
}

pub fn has_word(line: &str, word: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(is_word) && !line[at + word.len()..].starts_with(is_word))
}

#[test]
fn unsafe_stays_at_the_plugin_boundary() {
    assert_clean(&misplaced(&Checkout::of_this_project()));
}

#[test]
fn every_unsafe_block_says_who_guarantees_it() {
    assert_clean(&unexplained(&Checkout::of_this_project()));
}

#[test]
fn unsafe_elsewhere_is_found() {
    let text = "//! A.\n// unsafe is fine in a comment\n#![forbid(unsafe_code)]\nunsafe { x() }\n";
    let checkout = Checkout::of(&[("runtime/worker/src/a.rs", text), ("plugins/host/src/b.rs", text)]);
    assert_finds(&misplaced(&checkout), &["runtime/worker/src/a.rs:4:"]);
}

#[test]
fn a_block_without_a_reason_is_found() {
    let good = "//! A.\n// SAFETY: the caller keeps it alive.\nunsafe { x() }\n";
    let bad = "//! A.\n// Fast.\nlet y = unsafe { x() };\n// Also.\nunsafe impl Send for Y {}\n";
    let checkout = Checkout::of(&[("plugins/host/src/a.rs", good), ("plugins/host/src/b.rs", bad)]);
    assert_finds(&unexplained(&checkout), &["plugins/host/src/b.rs:3:", "plugins/host/src/b.rs:5:"]);
}
