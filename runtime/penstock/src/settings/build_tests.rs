//! Checks what settings mean once they are read, from flags alone.

use std::path::PathBuf;
use std::time::Duration;

use worker::Settings;
use worker::settings::{ExactlyOnceSource, Listener, LogFormat, Mode, OverridePolicy};

use crate::settings::{Flag, Loaded, Sources, load};

fn loaded(given: &[(&str, &str)]) -> Loaded {
    let flag = |(key, value): &(&str, &str)| Flag {
        name: "--set",
        key: (*key).to_owned(),
        value: (*value).to_owned(),
    };
    load(Sources { flags: given.iter().map(flag).collect(), ..Sources::default() })
}

fn settings(given: &[(&str, &str)]) -> Settings {
    loaded(given).settings.unwrap()
}

/// The problems that `given` has, in their order.
fn check(given: &[(&str, &str)], expected: &[&str]) {
    let problems = loaded(given).settings.err().unwrap_or_default();
    let sentences: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(sentences, expected);
}

fn check_warning(given: &[(&str, &str)], expected: &str) {
    let warnings = loaded(given).warnings;
    assert!(warnings.iter().any(|warning| warning == expected), "{warnings:#?}");
}

const DISTRIBUTED: [(&str, &str); 5] = [
    ("group.id", "g"),
    ("bootstrap.servers", "a:1, b:2"),
    ("config.storage.topic", "c"),
    ("offset.storage.topic", "o"),
    ("status.storage.topic", "s"),
];

fn distributed(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    [&DISTRIBUTED, more].concat()
}

#[test]
fn nothing_given_is_a_standalone_worker_on_loopback() {
    let settings = settings(&[]);
    assert_eq!(settings.mode, Mode::Standalone { store: PathBuf::from("penstock-data/penstock.db") });
    assert_eq!(
        settings.rest.listeners,
        [Listener { is_tls: false, host: "127.0.0.1".to_owned(), port: 8083 }]
    );
    assert_eq!(settings.plugins.cache_dir, PathBuf::from("penstock-data/plugin-cache"));
    assert_eq!(settings.delivery.memory_budget_bytes, 64 << 20);
    assert_eq!(settings.delivery.offset_flush_interval, Duration::from_secs(60));
    assert_eq!(settings.converters.value.settings.get("schemas.enable"), Some("false"));
    assert_eq!(settings.log.format, LogFormat::Text);
    assert!(settings.topics.create && settings.kafka.common.is_empty());
}

#[test]
fn a_group_makes_the_worker_distributed() {
    let settings = settings(&distributed(&[
        ("offset.storage.partitions", "-1"),
        ("offset.storage.min.insync.replicas", "2"),
        ("status.storage.replication.factor", "1"),
        ("exactly.once.source.support", "Preparing"),
        ("session.timeout.ms", "9000"),
    ]));
    let Mode::Distributed(group) = settings.mode else { panic!("expected a group") };
    assert_eq!((group.id.as_str(), group.session_timeout), ("g", Duration::from_secs(9)));
    assert_eq!((group.config_topic.partitions, group.config_topic.replication), (Some(1), Some(3)));
    assert_eq!((group.offset_topic.partitions, group.status_topic.partitions), (None, Some(5)));
    assert_eq!(group.offset_topic.settings.get("min.insync.replicas"), Some("2"));
    assert_eq!(group.offset_topic.settings.iter().count(), 1);
    assert_eq!(group.status_topic.replication, Some(1));
    assert_eq!(group.exactly_once_source, ExactlyOnceSource::Preparing);
}

#[test]
fn a_guarantee_that_is_not_kept_is_refused() {
    check(
        &[("exactly.once.source.support", "Enabled")],
        &[
            "exactly.once.source.support: expected disabled: a standalone worker keeps offsets in a file, which no \
             transaction of Kafka can span, got \"Enabled\" (flag --set)",
        ],
    );
    let settings = settings(&distributed(&[("exactly.once.source.support", "Enabled")]));
    assert_eq!(settings.exactly_once_source(), ExactlyOnceSource::Enabled);
}

#[test]
fn everything_wrong_is_told_at_once() {
    check(
        &[("group.id", "g"), ("offset.flush.interval.ms", "0"), ("config.storage.topic", "c")],
        &[
            "offset.flush.interval.ms: expected a whole number from 1, got \"0\" (flag --set)",
            "bootstrap.servers: expected a value, a distributed worker keeps its state in Kafka",
            "offset.storage.topic: expected a value, a distributed worker keeps its state there",
            "status.storage.topic: expected a value, a distributed worker keeps its state there",
        ],
    );
}

#[test]
fn values_must_agree_with_each_other() {
    check(
        &distributed(&[("heartbeat.interval.ms", "6000")]),
        &[
            "heartbeat.interval.ms: expected less than session.timeout.ms, which is 6000, got \"6000\" (flag --set)",
        ],
    );
    check(
        &distributed(&[("offset.storage.topic", "s"), ("offset.storage.partitions", "0")]),
        &[
            "offset.storage.partitions: expected a whole number from 1, or -1 for the broker's own, got \"0\" (flag --set)",
            "offset.storage.topic: expected a topic of its own, got \"s\" (flag --set)",
        ],
    );
    check(
        &[("penstock.task.restart.backoff.ms", "9"), ("penstock.task.restart.backoff.max.ms", "8")],
        &[
            "penstock.task.restart.backoff.ms: expected at most penstock.task.restart.backoff.max.ms, which is 8, got \"9\" (flag --set)",
        ],
    );
    check(
        &[("config.providers", "file")],
        &["config.providers.file.class: expected the provider's class, because config.providers lists file"],
    );
}

#[test]
fn a_wrong_value_is_not_called_missing_as_well() {
    check(
        &[("listeners", "")],
        &["listeners: expected at least one address such as http://127.0.0.1:8083, got \"\" (flag --set)"],
    );
    check(
        &[("listeners", "ftp://a:1")],
        &["listeners: expected an address such as http://127.0.0.1:8083, got \"ftp://a:1\" (flag --set)"],
    );
    check(
        &[("penstock.log.level", "loud")],
        &[
            "penstock.log.level: expected a level or a list such as info,penstock_worker=debug, got \"loud\" (flag --set)",
        ],
    );
}

#[test]
fn secrets_stay_out_of_problems_and_debug_output() {
    let settings = settings(&distributed(&[
        ("sasl.jaas.config", "canary"),
        ("producer.ssl.key.password", "canary"),
        ("value.converter.schema.registry.basic.auth.user.info", "canary"),
    ]));
    assert!(!format!("{settings:?}").contains("canary"));
    assert_eq!(settings.kafka.common.get("sasl.jaas.config"), Some("canary"));
}

#[test]
fn clients_get_what_was_set_for_them_and_nothing_else() {
    let settings = settings(&distributed(&[
        ("security.protocol", "SSL"),
        ("producer.acks", "all"),
        ("admin.retries", "3"),
        ("key.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("key.converter.plugin.version", "[1,2)"),
    ]));
    let common: Vec<_> = settings.kafka.common.iter().collect();
    assert_eq!(common, [("bootstrap.servers", "a:1, b:2"), ("security.protocol", "SSL")]);
    assert_eq!(settings.kafka.producer.get("acks"), Some("all"));
    assert_eq!(settings.kafka.admin.get("retries"), Some("3"));
    assert!(settings.kafka.consumer.is_empty());
    assert_eq!(settings.converters.key.version.as_deref(), Some("[1,2)"));
    assert!(settings.converters.key.settings.is_empty());
}

#[test]
fn override_policies_go_by_alias_and_by_class() {
    let check = |given: &str, expected: OverridePolicy| {
        let settings = settings(&[
            ("connector.client.config.override.policy", given),
            ("connector.client.config.override.allowlist", "acks,retries"),
        ]);
        assert_eq!(settings.kafka.override_policy, expected, "{given}");
    };
    check("Safe", OverridePolicy::Safe);
    check("All", OverridePolicy::All);
    check("None", OverridePolicy::None);
    assert_eq!(settings(&[]).kafka.override_policy, OverridePolicy::Safe);
    check(
        "org.apache.kafka.connect.connector.policy.PrincipalConnectorClientConfigOverridePolicy",
        OverridePolicy::Principal,
    );
    check("Allowlist", OverridePolicy::Allowlist(vec!["acks".to_owned(), "retries".to_owned()]));
}

#[test]
fn what_is_odd_but_bearable_is_a_warning() {
    check_warning(&[], "plugin.path: not set, so no connector will be found");
    check_warning(
        &[("listeners", "http://:8083")],
        "listeners: http://:8083 has no host and is served on loopback, http://0.0.0.0:8083 would be every interface",
    );
    check_warning(
        &[("listeners", "http://0.0.0.0:8083")],
        "listeners: http://0.0.0.0:8083 lets everybody who reaches this machine run connectors, nothing asks who they are",
    );
    check_warning(
        &[("gruop.id", "x")],
        "gruop.id: not a setting of a worker (flag --set), did you mean group.id?",
    );
    assert_eq!(loaded(&[("plugin.discovery", "only_scan")]).inert, ["plugin.discovery"]);
    check(
        &[("gruop.id", "x"), ("penstock.unknown.settings", "refuse")],
        &["gruop.id: not a setting of a worker (flag --set), did you mean group.id?"],
    );
}

#[test]
fn the_longest_time_java_can_write_is_ten_years() {
    let settings = settings(&[("task.shutdown.graceful.timeout.ms", "9223372036854775807")]);
    assert_eq!(settings.delivery.shutdown_timeout.as_secs(), 315_360_000);
}
