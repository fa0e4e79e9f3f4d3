//! Keeps the table of settings complete and its defaults valid.

use super::{Default, Effect, Kind, all, find, nearest, slip, split_prefix};
use crate::settings::check;

#[test]
fn every_key_of_java_is_known_once() {
    let java = all().filter(|key| !key.name.starts_with("penstock.") && !key.name.ends_with(".allowlist"));
    assert_eq!(java.count(), 51 + 82 + 1);
    let mut names: Vec<_> = all().map(|key| key.name).collect();
    names.sort_unstable();
    let before = names.len();
    names.dedup();
    assert_eq!(names.len(), before);
}

#[test]
fn every_key_has_a_default_of_its_type_or_is_required_or_may_be_absent() {
    for key in all() {
        match key.default {
            Default::Value(value) => assert_eq!(check::value(key.kind, value), Ok(()), "{}", key.name),
            Default::Required => assert_eq!(key.effect, Effect::Used, "{}", key.name),
            Default::Unset => {}
        }
        assert!(key.name.contains('.') || key.name == "listeners", "{}", key.name);
    }
}

#[test]
fn every_password_of_java_has_that_type() {
    let passwords: Vec<_> = all().filter(|key| key.kind == Kind::Password).map(|key| key.name).collect();
    for name in ["ssl.key.password", "sasl.jaas.config", "ssl.keystore.key"] {
        assert!(passwords.contains(&name), "{name}");
    }
    assert_eq!(passwords.len(), 9);
}

#[test]
fn the_longest_prefix_owns_a_key() {
    let check = |given: &str, expected: Option<(&str, &str)>| {
        let split = split_prefix(given).map(|(prefix, rest, _)| (prefix, rest));
        assert_eq!(split, expected, "{given}");
    };
    check("producer.acks", Some(("producer.", "acks")));
    check("admin.listeners.https.ssl.protocol", Some(("admin.listeners.https.", "ssl.protocol")));
    check("producer.", None);
    check("products.acks", None);
}

#[test]
fn a_slip_of_the_pen_finds_the_key_that_was_meant() {
    let check = |given: &str, expected: Option<&str>| assert_eq!(nearest(given), expected, "{given}");
    check("gruop.id", Some("group.id"));
    check("offset.flush.intervall.ms", Some("offset.flush.interval.ms"));
    check("plugins.path", Some("plugin.path"));
    check("confluent.license", None);
    check("a", None);
    check("", None);
    assert_eq!(slip("offset.storage.partition"), Some("offset.storage.partitions"));
    assert_eq!(slip("offset.storage.retention.ms"), None);
    assert!(find("offset.storage.partition").is_none());
}
