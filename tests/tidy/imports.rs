//! Which of our crates may depend on which of our crates; the picture is in docs/architecture.md.

use crate::checkout::{Checkout, assert_clean, assert_finds};

const SDK: &str = "penstock-sdk";
const TESTKIT: &str = "penstock-testkit";
const FORMATS: &str = "penstock-formats";

/// Folder of a crate, what it may depend on, and what its tests may use besides.
const ALLOWED: &[(&str, &[&str], &[&str])] = &[
    // Its tests load a plugin that was written in C from the header alone.
    ("plugins/abi/", &[], &["penstock-host", SDK, TESTKIT]),
    ("plugins/sdk/", &["penstock-abi"], &[]),
    ("plugins/host/", &["penstock-abi", SDK], &[]),
    ("plugins/testkit/", &["penstock-abi", SDK, "penstock-host"], &[]),
    ("plugins/formats/", &["penstock-abi", SDK], &[TESTKIT]),
    ("plugins/transforms/", &["penstock-abi", SDK], &[TESTKIT]),
    ("connectors/", &[SDK, FORMATS], &[TESTKIT]),
    ("runtime/cluster/", &[], &[]),
    ("runtime/kafka/", &[], &[]),
    (
        "runtime/worker/",
        &["penstock-cluster", "penstock-kafka", "penstock-host", "penstock-transforms", FORMATS, SDK],
        &[],
    ),
    ("runtime/server/", &["penstock-worker", "penstock-cluster"], &[]),
    ("tests/", &[], &[]),
];

/// The only place where everything meets.
const BINARY: &str = "runtime/penstock/";

/// Crates from outside that an author's crate brings along.
const SDK_DEPENDENCIES: &[&str] = &["penstock-abi", "tokio"];

fn wrong_arrows(checkout: &Checkout) -> Vec<String> {
    let crates: Vec<_> = checkout.crates().collect();
    let ours: Vec<&str> =
        crates.iter().filter_map(|(_, toml)| toml.get("package")?.get("name")?.as_str()).collect();
    let mut findings = Vec::new();
    for (file, toml) in &crates {
        if file.path.starts_with(BINARY) {
            continue;
        }
        let Some((_, normal, test_only)) = ALLOWED.iter().find(|(folder, ..)| file.path.starts_with(folder))
        else {
            let what =
                "a crate in a folder the layout does not know: add its arrows to the table of this rule";
            findings.push(format!("{}:1: {what} and to docs/architecture.md", file.path));
            continue;
        };
        for (section, key) in dependencies(toml) {
            let name = package_of(&key);
            let allowed =
                normal.contains(&name) || (section == "dev-dependencies" && test_only.contains(&name));
            if ours.contains(&name) && !allowed {
                let line = line_of(&file.text, &key);
                let what = format!("must not depend on {name} ({section}): allowed are {normal:?}");
                findings.push(format!("{}:{line}: {what}; move the code or turn the arrow round", file.path));
            }
        }
    }
    findings
}

fn heavy_sdk(checkout: &Checkout) -> Vec<String> {
    let sdk = checkout.crates().filter(|(file, _)| file.path == "plugins/sdk/Cargo.toml");
    sdk.flat_map(|(file, toml)| {
        let outside = dependencies(&toml).into_iter().filter(|(section, key)| {
            section != "dev-dependencies" && !SDK_DEPENDENCIES.contains(&package_of(key))
        });
        let finding = |(_, key): (String, String)| {
            let line = line_of(&file.text, &key);
            format!(
                "{}:{line}: the SDK may depend on {SDK_DEPENDENCIES:?} only, not on {key}: drop it",
                file.path
            )
        };
        outside.map(finding).collect::<Vec<_>>()
    })
    .collect()
}

/// (section, key) of every dependency, target-specific ones included.
fn dependencies(toml: &toml::Table) -> Vec<(String, String)> {
    let targets = toml.get("target").and_then(toml::Value::as_table).into_iter().flatten();
    let tables = std::iter::once(toml).chain(targets.filter_map(|(_, value)| value.as_table()));
    let mut found = Vec::new();
    for table in tables {
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let keys =
                table.get(section).and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::keys);
            found.extend(keys.map(|key| (section.to_owned(), key.clone())));
        }
    }
    found
}

/// The workspace gives some of our crates a shorter key.
fn package_of(key: &str) -> &str {
    match key {
        "abi" => "penstock-abi",
        "host" => "penstock-host",
        "testkit" => TESTKIT,
        "transforms" => "penstock-transforms",
        "formats" => FORMATS,
        "cluster" => "penstock-cluster",
        "kafka" => "penstock-kafka",
        "worker" => "penstock-worker",
        "server" => "penstock-server",
        other => other,
    }
}

fn line_of(text: &str, key: &str) -> usize {
    text.lines().position(|line| line.trim_start().starts_with(key)).map_or(1, |at| at + 1)
}

#[test]
fn crates_import_only_inwards() {
    assert_clean(&wrong_arrows(&Checkout::of_this_project()));
}

#[test]
fn the_sdk_brings_only_tokio_along() {
    assert_clean(&heavy_sdk(&Checkout::of_this_project()));
}

const ROOT: &str =
    "[workspace]\nmembers = [\"plugins/sdk\", \"connectors/x\", \"runtime/kafka\", \"plugins/testkit\"]";

fn example(connector: &str) -> Checkout {
    Checkout::of(&[
        ("Cargo.toml", ROOT),
        (
            "plugins/sdk/Cargo.toml",
            "[package]\nname = \"penstock-sdk\"\n[dependencies]\nserde.workspace = true",
        ),
        ("plugins/testkit/Cargo.toml", "[package]\nname = \"penstock-testkit\""),
        ("runtime/kafka/Cargo.toml", "[package]\nname = \"penstock-kafka\""),
        ("connectors/x/Cargo.toml", connector),
    ])
}

#[test]
fn a_connector_that_imports_the_runtime_is_found() {
    let connector = "[package]\nname = \"x\"\n[dependencies]\npenstock-sdk = {}\nkafka.workspace = true\n";
    assert_finds(
        &wrong_arrows(&example(connector)),
        &["connectors/x/Cargo.toml:5: must not depend on penstock-kafka"],
    );
}

#[test]
fn the_testkit_is_for_tests_only() {
    let dev = "[package]\nname = \"x\"\n[dev-dependencies]\ntestkit.workspace = true";
    assert_finds(&wrong_arrows(&example(dev)), &[]);
    let normal = "[package]\nname = \"x\"\n[dependencies]\ntestkit.workspace = true";
    assert_finds(&wrong_arrows(&example(normal)), &["penstock-testkit (dependencies)"]);
    let target = "[package]\nname = \"x\"\n[target.'cfg(unix)'.dependencies]\ntestkit.workspace = true";
    assert_finds(&wrong_arrows(&example(target)), &["penstock-testkit (dependencies)"]);
}

#[test]
fn a_crate_in_an_unknown_folder_is_found() {
    let checkout =
        Checkout::of(&[("Cargo.toml", "[workspace]\nmembers = [\"lib/x\"]"), ("lib/x/Cargo.toml", "")]);
    assert_finds(&wrong_arrows(&checkout), &["lib/x/Cargo.toml:1"]);
}

#[test]
fn a_third_dependency_of_the_sdk_is_found() {
    assert_finds(&heavy_sdk(&example("")), &["plugins/sdk/Cargo.toml:4: the SDK may depend on"]);
}
