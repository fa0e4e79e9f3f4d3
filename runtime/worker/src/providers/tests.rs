//! Providers as a worker's settings make them: classes, allow-lists, what resolves and what is said otherwise.
use super::Providers;
use crate::settings::Provider;
use cluster::Properties;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ffi::OsString;

fn provider(class: &str, params: &[(&str, &str)]) -> Provider {
    let params = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Provider { class: class.to_owned(), params }
}

fn variables() -> Vec<(OsString, OsString)> {
    [("SECRET", "canary-1234"), ("ONE", "1"), ("LIKE", "${env:SECRET}"), ("PATH_X", "hidden-canary")]
        .map(|(name, value)| (name.into(), value.into()))
        .to_vec()
}

/// One provider, `env`, with three variables.
pub fn environment() -> Providers {
    let provider = provider("EnvVarConfigProvider", &[("allowlist.pattern", "SECRET|ONE|LIKE")]);
    Providers::open([("env".to_owned(), provider)].into(), &variables()).unwrap()
}

/// `file`, `dir` and `env` over a folder that has `a.properties` and `password`.
fn all(dir: &std::path::Path) -> Providers {
    std::fs::write(
        dir.join("a.properties"),
        "# notes\nuser=me\npass\\ word = canary\\u0021\nempty=\nuser=you\n",
    )
    .unwrap();
    std::fs::write(dir.join("password"), "canary-dir\n").unwrap();
    std::fs::write(dir.join("broken.properties"), "canary=\\u00zz").unwrap();
    let paths = [("allowed.paths", dir.to_str().unwrap())];
    let declared: BTreeMap<_, _> = [
        ("file".to_owned(), provider("org.apache.kafka.common.config.provider.FileConfigProvider", &paths)),
        ("dir".to_owned(), provider("Directory", &paths)),
        ("env".to_owned(), provider("EnvVarConfigProvider", &[("allowlist.pattern", "SECRET|ONE")])),
    ]
    .into();
    Providers::open(declared, &variables()).unwrap()
}

fn check(providers: &Providers, written: &str, expected: Result<&str, &str>) {
    let config: Properties = [("k", written)].into_iter().collect();
    let resolved = providers.resolve(&config);
    let sentence = resolved.problems.first().map(|problem| problem.sentence.as_str());
    let given = sentence.map_or_else(|| Ok(resolved.config.get("k").unwrap()), Err);
    assert_eq!(given, expected, "{written}");
    if sentence.is_some() {
        assert_eq!(resolved.config.get("k"), Some(written), "without a value it stays as it was written");
    }
}

#[test]
fn values_come_from_files_folders_and_variables() {
    let dir = tempfile::tempdir().unwrap();
    let (providers, at) = (all(dir.path()), dir.path().display());
    check(&providers, &format!("${{file:{at}/a.properties:user}}"), Ok("you"));
    check(&providers, &format!("<${{file:{at}/a.properties:pass word}}>"), Ok("<canary!>"));
    check(&providers, &format!("<${{file:{at}/a.properties:empty}}>"), Ok("<>"));
    check(&providers, &format!("${{dir:{at}:password}}"), Ok("canary-dir\n"));
    check(&providers, "${env:SECRET}/${env::ONE}", Ok("canary-1234/1"));
    check(&providers, &format!("${{env:ONE}}${{file:{at}/a.properties:user}}"), Ok("1you"));
}

#[test]
fn unknown_providers_stay_text_and_values_are_not_resolved_again() {
    let dir = tempfile::tempdir().unwrap();
    let providers = all(dir.path());
    check(&providers, "${nope:a:b} ${ENV:ONE} ${env ONE}", Ok("${nope:a:b} ${ENV:ONE} ${env ONE}"));
    check(&environment(), "${env:LIKE}", Ok("${env:SECRET}"));
    check(&Providers::default(), "${env:SECRET}", Ok("${env:SECRET}"));
}

#[test]
fn what_is_missing_or_not_allowed_is_named_without_contents() {
    let dir = tempfile::tempdir().unwrap();
    let (providers, at) = (all(dir.path()), dir.path().display().to_string());
    let check = |path: &str, key: &str, provider: &str, reason: &str| {
        let written = format!("${{{provider}:{path}:{key}}}");
        let place = if path.is_empty() { String::new() } else { format!(" in path {path:?}") };
        let expected = format!("provider {provider} has no value for key {key:?}{place}: {reason}");
        check(&providers, &written, Err(&expected));
    };
    check(&format!("{at}/a.properties"), "none", "file", "the file has no such key");
    check(&format!("{at}/none"), "k", "file", "no such file");
    check(
        &format!("{at}/broken.properties"),
        "canary",
        "file",
        "line 1: expected four hexadecimal digits after \\u",
    );
    check("/etc/passwd", "root", "file", "the path is outside allowed.paths");
    check(&format!("{at}/../x"), "k", "file", "the path is outside allowed.paths");
    check("", "k", "file", "the path is missing");
    check(&at, "none", "dir", "no such file");
    check(&at, "../x", "dir", "the key is not the name of a file");
    check(&at, "..", "dir", "the key is not the name of a file");
    check(&at, "", "dir", "the key is not the name of a file");
    check("/etc", "passwd", "dir", "the path is outside allowed.paths");
    check("", "PATH_X", "env", "not set, or kept out by allowlist.pattern");
    check("", "NONE", "env", "not set, or kept out by allowlist.pattern");
    check("x", "SECRET", "env", "variables have no path");
}

#[test]
fn a_provider_without_an_allow_list_is_refused() {
    let refused = |class: &str, params: &[(&str, &str)]| {
        let wrong = Providers::open([("p".to_owned(), provider(class, params))].into(), &variables());
        let wrong = wrong.unwrap_err().remove(0);
        format!("{}: {}", wrong.key, wrong.expected)
    };
    for class in ["FileConfigProvider", "DirectoryConfigProvider", "Directory"] {
        assert_eq!(
            refused(class, &[("allowlist.pattern", ".*")]),
            "config.providers.p.param.allowed.paths: the paths it may read, separated by commas"
        );
    }
    let pattern = "config.providers.p.param.allowlist.pattern: ";
    assert!(refused("EnvVar", &[]).starts_with(pattern));
    assert!(refused("EnvVar", &[("allowlist.pattern", "(")]).starts_with(pattern));
    assert!(refused("com.example.VaultConfigProvider", &[]).starts_with("config.providers.p.class: one of"));
}

#[test]
fn nothing_printed_shows_a_value() {
    let dir = tempfile::tempdir().unwrap();
    let providers = all(dir.path());
    let written: Properties = [("k", "${env:SECRET}")].into_iter().collect();
    let resolved = providers.resolve(&written);
    assert_eq!(resolved.config.get("k"), Some("canary-1234"));
    for shown in [format!("{providers:?}"), format!("{resolved:?}"), format!("{:?}", providers.sources)] {
        assert!(!shown.contains("canary"), "{shown}");
    }
}

#[test]
fn references_cannot_make_a_config_grow_without_bound() {
    let dir = tempfile::tempdir().unwrap();
    let providers = all(dir.path());
    std::fs::write(dir.path().join("big"), vec![b'x'; 1 << 20]).unwrap();
    let written = format!("${{dir:{}:big}}", dir.path().display()).repeat(9);
    check(&providers, &written, Err("the values that are referred to make more than 8388608 bytes"));
}

#[test]
fn a_line_of_the_log_has_no_value_while_somebody_knows_it() {
    let written: Properties = [("k", "${env:SECRET}")].into_iter().collect();
    let resolved = environment().resolve(&written);
    assert_eq!(super::scrubbed_line("got canary-1234 now"), "got *** now");
    drop(resolved);
}

proptest! {
    #[test]
    fn any_config_resolves_or_says_why(values in prop::collection::vec(
        "(\\$\\{|\\}|:|env|file|dir|/|\\.\\.|SECRET|[a-z]|\u{0}|\n){0,14}", 0..4
    ), free in any::<String>()) {
        let dir = tempfile::tempdir().unwrap();
        let providers = all(dir.path());
        let keys = (0..=values.len()).map(|n| n.to_string());
        let written: Properties = keys.zip(values.iter().map(String::as_str).chain([free.as_str()])).collect();
        let resolved = providers.resolve(&written);
        for (key, value) in written.iter() {
            let is_problem = resolved.problems.iter().any(|problem| problem.key == key);
            if is_problem || !value.unwrap_or_default().contains("${") {
                prop_assert_eq!(resolved.config.get(key), value);
            }
        }
    }
}
