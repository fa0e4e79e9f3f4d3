//! Tests wait for a condition, never for a length of time: sleeping is kept to polling functions named `until…`.

use crate::checkout::{Checkout, File, assert_clean, assert_finds, code_lines};

fn sleeping_tests(checkout: &Checkout) -> Vec<String> {
    checkout.rust().flat_map(sleeps).collect()
}

fn sleeps(file: &File) -> Vec<String> {
    // With tokio's paused clock a sleep is a value of time and takes none.
    if file.text.contains("start_paused = true") {
        return Vec::new();
    }
    let all_test =
        file.path.starts_with("tests/") || file.path.contains("/tests/") || file.path.ends_with("/tests.rs");
    let mut in_test = all_test;
    let mut function = String::new();
    let mut findings = Vec::new();
    for (at, line) in code_lines(&file.text).iter().enumerate() {
        in_test |= line.trim() == "#[cfg(test)]";
        if let Some(name) = line.split("fn ").nth(1).filter(|_| line.trim_end().ends_with('{')) {
            name.chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect::<String>()
                .clone_into(&mut function);
        }
        if in_test && line.contains("sleep(") && !function.starts_with("until") {
            let what = "a test must not sleep: poll for the condition with `until`";
            findings.push(format!("{}:{}: {what}", file.path, at + 1));
        }
    }
    findings
}

#[test]
fn no_test_sleeps() {
    assert_clean(&sleeping_tests(&Checkout::of_this_project()));
}

#[test]
fn a_sleeping_test_is_found() {
    let inline =
        "//! A.\nfn real() {\n sleep(1);\n}\n#[cfg(test)]\nmod tests {\n fn f() {\n  sleep(1);\n }\n}\n";
    let polling = "//! A.\npub fn until_ready(x: u8) {\n sleep(1);\n}\n";
    let paused = "#[tokio::test(start_paused = true)]\nfn f() {\n sleep(1);\n}\n";
    let checkout = Checkout::of(&[("x/src/a.rs", inline), ("tests/b.rs", polling), ("tests/c.rs", paused)]);
    assert_finds(&sleeping_tests(&checkout), &["x/src/a.rs:8"]);
}
