//! Versions stand once, in the workspace's table.

use crate::checkout::{Checkout, File, assert_clean, assert_finds};

const SECTIONS: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];
const PACKAGE: &[&str] = &["version", "edition", "rust-version", "license"];

fn own_versions(checkout: &Checkout) -> Vec<String> {
    let mut findings = Vec::new();
    for (file, toml) in checkout.crates() {
        for key in PACKAGE {
            let value = toml.get("package").and_then(|package| package.get(*key));
            if value.is_some_and(|value| !from_workspace(value)) {
                findings.push(finding(file, key, "package"));
            }
        }
        let targets = toml.get("target").and_then(toml::Value::as_table).into_iter().flatten();
        let tables: Vec<&toml::Table> =
            std::iter::once(&toml).chain(targets.filter_map(|(_, value)| value.as_table())).collect();
        for (section, table) in tables.iter().flat_map(|table| SECTIONS.iter().map(move |s| (s, table))) {
            let entries = table.get(*section).and_then(toml::Value::as_table).into_iter().flatten();
            let own = entries.filter(|(_, value)| !from_workspace(value));
            findings.extend(own.map(|(key, _)| finding(file, key, section)));
        }
    }
    findings
}

fn from_workspace(value: &toml::Value) -> bool {
    value.get("workspace").and_then(toml::Value::as_bool) == Some(true)
}

fn finding(file: &File, key: &str, section: &str) -> String {
    let line = file.text.lines().position(|line| line.trim_start().starts_with(key)).map_or(1, |at| at + 1);
    let what =
        format!("{section}.{key} must be `{key}.workspace = true`, with its value in the root Cargo.toml");
    format!("{}:{line}: {what}", file.path)
}

#[test]
fn versions_stand_once() {
    assert_clean(&own_versions(&Checkout::of_this_project()));
}

#[test]
fn a_version_in_a_crate_is_found() {
    let toml = "[package]\nname = \"x\"\nversion = \"1\"\nedition.workspace = true\n[dependencies]\nserde = \"1\"\n\
                toml.workspace = true\n[dev-dependencies]\nregex = { path = \"..\" }\n";
    let checkout = Checkout::of(&[("Cargo.toml", "[workspace]\nmembers = [\"x\"]"), ("x/Cargo.toml", toml)]);
    let expected =
        ["x/Cargo.toml:3: package.version", "x/Cargo.toml:6: dependencies.serde", "dev-dependencies.regex"];
    assert_finds(&own_versions(&checkout), &expected);
}
