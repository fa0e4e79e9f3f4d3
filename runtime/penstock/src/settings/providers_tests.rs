//! A worker's own settings refer to files and variables; what is printed does not show what they hold.

use crate::settings::{Flag, Loaded, Sources, load, print};
use std::path::Path;

fn loaded(dir: &Path, given: &[(&str, &str)]) -> Loaded {
    let flag = |key: &str, value: &str| Flag { name: "--set", key: key.to_owned(), value: value.to_owned() };
    let mut flags = vec![
        flag("config.providers", "file, env"),
        flag("config.providers.file.class", "org.apache.kafka.common.config.provider.FileConfigProvider"),
        flag("config.providers.file.param.allowed.paths", dir.to_str().unwrap()),
        flag("config.providers.env.class", "EnvVarConfigProvider"),
        flag("config.providers.env.param.allowlist.pattern", "CANARY_.*"),
        flag("bootstrap.servers", "a:1"),
    ];
    flags.extend(given.iter().map(|(key, value)| flag(key, &value.replace("DIR", dir.to_str().unwrap()))));
    let environment = vec![("CANARY_USER".into(), "canary-user".into()), ("OTHER".into(), "canary".into())];
    load(Sources { file: None, environment, flags })
}

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.properties"), "password=canary-file\nsoon=canary-soon\n").unwrap();
    dir
}

#[test]
fn settings_get_values_and_printing_shows_references() {
    let dir = folder();
    let jaas = "u=\"${env:CANARY_USER}\" p=\"${file:DIR/a.properties:password}\"";
    let given = [("sasl.jaas.config", jaas), ("producer.client.id", "${env:CANARY_USER}")];
    let loaded = loaded(dir.path(), &given);
    let printed = print(&loaded.raw);
    let settings = loaded.settings.unwrap();
    assert_eq!(settings.kafka.producer.get("client.id"), Some("canary-user"));
    assert_eq!(settings.kafka.common.get("sasl.jaas.config"), Some("u=\"canary-user\" p=\"canary-file\""));
    assert!(printed.contains("producer.client.id = ${env:CANARY_USER}  (flag --set)\n"), "{printed}");
    assert!(printed.contains("sasl.jaas.config = ***"), "{printed}");
    assert!(!printed.contains("without effect") && !printed.contains("canary-"), "{printed}");
    assert!(!format!("{settings:?}").contains("canary-"));
    assert_eq!(
        loaded.scrubber.text("no canary-file"),
        format!("no ${{file:{}/a.properties:password}}", dir.path().display())
    );
}

#[test]
fn problems_never_show_what_a_reference_stands_for() {
    let dir = folder();
    let given = [
        ("offset.flush.interval.ms", "${file:DIR/a.properties:soon}"),
        ("group.id", "${env:OTHER}"),
        ("client.id", "${file:/etc/passwd:root}"),
        ("producer.acks", "${nope:a:b}"),
    ];
    let loaded = loaded(dir.path(), &given);
    let problems = loaded.settings.unwrap_err();
    let all = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(!all.contains("canary-"), "{all}");
    for part in [
        "offset.flush.interval.ms: expected a whole number from 1, got \"${file:",
        "group.id: provider env has no value for key \"OTHER\": not set, or kept out by allowlist.pattern (flag --set)",
        "client.id: provider file has no value for key \"root\" in path \"/etc/passwd\": the path is outside",
    ] {
        assert!(all.contains(part), "{part} in {all}");
    }
    assert!(!all.contains("nope"), "{all}");
}

#[test]
fn a_wrong_provider_keeps_the_worker_from_starting() {
    let dir = folder();
    let check = |key: &str, value: &str, expected: &str| {
        let problems = loaded(dir.path(), &[(key, value)]).settings.unwrap_err();
        assert_eq!(problems[0].to_string(), expected);
    };
    check(
        "config.providers.file.class",
        "Vault",
        "config.providers.file.class: expected one of FileConfigProvider, DirectoryConfigProvider, \
         EnvVarConfigProvider, got \"Vault\" (flag --set)",
    );
    check(
        "config.providers.file.param.allowed.paths",
        " ",
        "config.providers.file.param.allowed.paths: expected the paths it may read, separated by commas, got \" \" \
         (flag --set)",
    );
}
