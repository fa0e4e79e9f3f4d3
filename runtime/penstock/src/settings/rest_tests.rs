//! Checks what settings of the REST server mean, from flags alone.

use std::path::PathBuf;

use worker::settings::{Admin, HeaderText, Listener, Rest};

use crate::settings::{Flag, Loaded, Sources, load};

fn loaded(given: &[(&str, &str)]) -> Loaded {
    let flag = |(key, value): &(&str, &str)| Flag {
        name: "--set",
        key: (*key).to_owned(),
        value: (*value).to_owned(),
    };
    load(Sources { flags: given.iter().map(flag).collect(), ..Sources::default() })
}

fn rest(given: &[(&str, &str)]) -> Rest {
    loaded(given).settings.unwrap().rest
}

fn check(given: &[(&str, &str)], expected: &[&str]) {
    let problems = loaded(given).settings.err().unwrap_or_default();
    let sentences: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(sentences, expected);
}

fn check_warnings(given: &[(&str, &str)], expected: &[&str]) {
    let mut warnings = loaded(given).warnings;
    warnings.retain(|warning| warning.starts_with("listeners") || warning.starts_with("admin.listeners"));
    assert_eq!(warnings, expected);
}

fn listener(is_tls: bool, port: u16) -> Listener {
    Listener { is_tls, host: "127.0.0.1".to_owned(), port }
}

const BASIC: (&str, &str) = (
    "rest.extension.classes",
    "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension",
);
const JAAS: (&str, &str) = ("penstock.rest.auth.jaas.file", "/etc/jaas.conf");
const KEYSTORE: (&str, &str) = ("listeners.https.ssl.keystore.location", "/k.p12");

#[test]
fn admin_listeners_are_beside_nowhere_or_their_own() {
    assert_eq!(rest(&[]).admin, Admin::Beside);
    assert_eq!(rest(&[("admin.listeners", "")]).admin, Admin::Nowhere);
    let own = rest(&[("admin.listeners", "http://127.0.0.1:1,http://127.0.0.1:2")]).admin;
    assert_eq!(own, Admin::At(vec![listener(false, 1), listener(false, 2)]));
    let given = [("admin.listeners", "nowhere")];
    check(
        &given,
        &["admin.listeners: expected an address such as http://127.0.0.1:8083, got \"nowhere\" (flag --set)"],
    );
}

#[test]
fn settings_of_https_listeners_count_alone_or_not_at_all() {
    let listeners = ("listeners", "http://127.0.0.1:1,https://127.0.0.1:2");
    let own = rest(&[listeners, KEYSTORE, ("ssl.truststore.location", "/t.p12")]);
    assert_eq!(own.listeners, [listener(false, 1), listener(true, 2)]);
    assert_eq!(own.tls.prefix, "listeners.https.");
    assert_eq!(own.tls.settings.get("ssl.keystore.location"), Some("/k.p12"));
    assert_eq!(own.tls.settings.get("ssl.truststore.location"), None);
    let plain = rest(&[listeners, ("ssl.keystore.location", " /p.p12 "), ("ssl.client.auth", "required")]);
    assert_eq!((plain.tls.prefix, plain.tls.settings.get("ssl.keystore.location")), ("", Some("/p.p12")));
    assert_eq!(plain.tls.settings.get("ssl.client.auth"), Some("required"));
    assert_eq!(plain.admin_tls.settings, plain.tls.settings);
}

#[test]
fn an_https_listener_needs_a_certificate() {
    let expected = "a PKCS12 or PEM file with key and certificate, because a listener is https";
    check(&[("listeners", "https://127.0.0.1:1")], &[&format!("ssl.keystore.location: expected {expected}")]);
    check(
        &[
            ("admin.listeners", "https://127.0.0.1:1"),
            ("admin.listeners.https.ssl.keystore.type", "PEM"),
            KEYSTORE,
        ],
        &[&format!("admin.listeners.https.ssl.keystore.location: expected {expected}")],
    );
}

#[test]
fn the_reach_of_a_listener_is_told_unless_something_guards_it() {
    let open = ("listeners", "http://0.0.0.0:1");
    let nobody = "lets everybody who reaches this machine run connectors, nothing asks who they are";
    check_warnings(&[open], &[&format!("listeners: http://0.0.0.0:1 {nobody}")]);
    let readable = "listeners: passwords cross the network readable, https would hide them";
    check_warnings(&[open, BASIC, JAAS], &[readable]);
    let secure = ("listeners", "https://0.0.0.0:1");
    check_warnings(&[secure, KEYSTORE], &[&format!("listeners: https://0.0.0.0:1 {nobody}")]);
    check_warnings(&[secure, KEYSTORE, ("listeners.https.ssl.client.auth", "required")], &[]);
    check_warnings(&[secure, KEYSTORE, BASIC, JAAS], &[]);
    let admin = "admin.listeners: http://0.0.0.0:2 lets everybody who reaches this machine change log levels, \
                 nothing asks who they are";
    check_warnings(&[("admin.listeners", "http://0.0.0.0:2"), BASIC, JAAS], &[admin]);
}

#[test]
fn the_one_extension_is_basic_authentication_with_its_file() {
    assert_eq!(rest(&[]).users, None);
    assert_eq!(rest(&[BASIC, JAAS]).users, Some(PathBuf::from("/etc/jaas.conf")));
    let short = ("rest.extension.classes", "BasicAuthSecurityRestExtension");
    assert_eq!(rest(&[short, JAAS]).users, Some(PathBuf::from("/etc/jaas.conf")));
    let absent = "expected a value, basic authentication finds its users by this file";
    check(&[BASIC], &[&format!("penstock.rest.auth.jaas.file: {absent}")]);
    let problems = loaded(&[("rest.extension.classes", "org.example.Guard"), JAAS]).settings.unwrap_err();
    assert!(problems[0].to_string().contains("other extensions cannot be loaded"), "{problems:?}");
}

#[test]
fn a_java_worker_s_options_name_the_login_file_unless_the_settings_do() {
    let options = ("KAFKA_OPTS".into(), "-Djava.security.auth.login.config=/java.conf".into());
    let flag = |(key, value): (&str, &str)| Flag { name: "--set", key: key.into(), value: value.into() };
    let users = |flags: &[(&'static str, &'static str)]| {
        let flags = flags.iter().copied().map(flag).collect();
        let sources = Sources { environment: vec![options.clone()], flags, ..Sources::default() };
        load(sources).settings.unwrap().rest.users
    };
    assert_eq!(users(&[BASIC]), Some(PathBuf::from("/java.conf")));
    assert_eq!(users(&[BASIC, JAAS]), Some(PathBuf::from("/etc/jaas.conf")));
    assert_eq!(users(&[]), None);
}

#[test]
fn origins_methods_headers_and_signatures_are_read() {
    let rest = rest(&[
        ("access.control.allow.origin", "http://ui.test, https://.*\\.example"),
        ("access.control.allow.methods", "GET,PUT"),
        ("response.http.headers.config", "set X-Frame-Options: DENY"),
        ("inter.worker.verification.algorithms", "HmacSHA256,HmacSHA512"),
        ("inter.worker.signature.algorithm", "HmacSHA512"),
    ]);
    assert_eq!(rest.cross_origin.origins, ["http://ui.test", "https://.*\\.example"]);
    assert_eq!(rest.cross_origin.methods, ["GET", "PUT"]);
    assert_eq!(rest.response_headers[0].value, HeaderText::Fixed("DENY".to_owned()));
    assert_eq!(rest.signatures.algorithm, "HmacSHA512");
    assert_eq!(rest.signatures.accepted, ["HmacSHA256", "HmacSHA512"]);
}

#[test]
fn headers_and_algorithms_that_cannot_be_used_are_refused() {
    let headers = loaded(&[("response.http.headers.config", "X: y")]).settings.unwrap_err();
    assert!(
        headers[0].to_string().starts_with("response.http.headers.config: expected rules"),
        "{headers:?}"
    );
    check(
        &[
            ("inter.worker.verification.algorithms", "HmacMD5"),
            ("inter.worker.signature.algorithm", "HmacMD5"),
        ],
        &["inter.worker.verification.algorithms: expected some of HmacSHA1, HmacSHA256, HmacSHA384, \
           HmacSHA512, got \"HmacMD5\" (flag --set)"],
    );
    check(
        &[("inter.worker.signature.algorithm", "HmacSHA512")],
        &["inter.worker.signature.algorithm: expected one that inter.worker.verification.algorithms lists, \
           got \"HmacSHA512\" (flag --set)"],
    );
}
