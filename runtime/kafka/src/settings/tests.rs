//! Checks what Java's keys become.

use super::*;
use crate::Kind;

fn java(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn check(given: &[(&str, &str)], expected: &[(&str, &str)]) {
    let (settings, _) = ClientSettings::from_java(java(given)).unwrap();
    let found: Vec<(&str, &str)> = settings.iter().collect();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected, "{given:?}");
}

fn check_refused(given: &[(&str, &str)], key: &str) {
    let error = ClientSettings::from_java(java(given)).unwrap_err();
    assert_eq!(error.kind, Kind::Config);
    assert!(error.message.starts_with(&format!("{key}: ")), "{error}");
}

#[test]
fn the_same_key_passes() {
    for (key, value) in [
        ("bootstrap.servers", "a:1,b:2"),
        ("client.id", "x"),
        ("acks", "all"),
        ("compression.type", "zstd"),
        ("queued.min.messages", "7"),
        ("client.dns.lookup", "use_all_dns_ips"),
    ] {
        check(&[(key, value)], &[(key, value)]);
    }
}

#[test]
fn names_that_differ_are_translated() {
    check(&[("fetch.max.wait.ms", "9")], &[("fetch.wait.max.ms", "9")]);
    check(&[("max.request.size", "2000000")], &[("message.max.bytes", "2000000")]);
    check(&[("buffer.memory", "33554432")], &[("queue.buffering.max.kbytes", "32768")]);
    check(&[("request.timeout.ms", "30000")], &[("socket.timeout.ms", "30000")]);
    check(&[("receive.buffer.bytes", "-1")], &[("socket.receive.buffer.bytes", "0")]);
    check(&[("metadata.max.age.ms", "5000")], &[("topic.metadata.refresh.interval.ms", "5000")]);
    check(
        &[("compression.type", "lz4"), ("compression.lz4.level", "3"), ("compression.zstd.level", "9")],
        &[("compression.type", "lz4"), ("compression.level", "3")],
    );
}

#[test]
fn values_that_differ_are_translated() {
    check(&[("security.protocol", "SASL_SSL")], &[("security.protocol", "sasl_ssl")]);
    check(&[("auto.offset.reset", "none")], &[("auto.offset.reset", "error")]);
    check(&[("batch.size", "0")], &[("batch.size", "1")]);
    check(&[("delivery.timeout.ms", "2147483647")], &[("delivery.timeout.ms", "2147483647")]);
    let strategy = "partition.assignment.strategy";
    let package = "org.apache.kafka.clients.consumer";
    check(
        &[(strategy, &format!("{package}.RangeAssignor,{package}.CooperativeStickyAssignor"))],
        &[(strategy, "range")],
    );
    check(
        &[(strategy, &format!("{package}.CooperativeStickyAssignor"))],
        &[(strategy, "cooperative-sticky")],
    );
    check(&[("partitioner.ignore.keys", "true")], &[("partitioner", "random")]);
}

#[test]
fn logins_become_name_and_password() {
    check(
        &[
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("sasl.jaas.config", "a.b.ScramLoginModule required username=\"u\" password=\"p\";"),
        ],
        &[("sasl.mechanism", "SCRAM-SHA-512"), ("sasl.username", "u"), ("sasl.password", "p")],
    );
}

#[test]
fn stores_of_certificates_become_files_of_pem() {
    check(
        &[("ssl.truststore.type", "PEM"), ("ssl.truststore.location", "/ca.pem")],
        &[("ssl.ca.location", "/ca.pem")],
    );
    check(
        &[("ssl.keystore.type", "PEM"), ("ssl.keystore.location", "/me.pem"), ("ssl.key.password", "s")],
        &[
            ("ssl.certificate.location", "/me.pem"),
            ("ssl.key.location", "/me.pem"),
            ("ssl.key.password", "s"),
        ],
    );
    check(
        &[
            ("ssl.keystore.type", "PKCS12"),
            ("ssl.keystore.location", "/me.p12"),
            ("ssl.keystore.password", "s"),
        ],
        &[("ssl.keystore.location", "/me.p12"), ("ssl.keystore.password", "s")],
    );
    check(&[("ssl.truststore.certificates", "-----B")], &[("ssl.ca.pem", "-----B")]);
    check(
        &[("ssl.endpoint.identification.algorithm", "")],
        &[("ssl.endpoint.identification.algorithm", "none")],
    );
}

#[test]
fn what_decides_and_cannot_be_translated_is_refused_by_name() {
    check_refused(&[("ssl.truststore.location", "/ca.jks")], "ssl.truststore.location");
    check_refused(&[("ssl.keystore.location", "/me.jks")], "ssl.keystore.location");
    check_refused(&[("sasl.mechanism", "GSSAPI")], "sasl.mechanism");
    check_refused(&[("sasl.mechanism", "OAUTHBEARER")], "sasl.mechanism");
    check_refused(&[("sasl.login.callback.handler.class", "x.Y")], "sasl.login.callback.handler.class");
    check_refused(&[("partitioner.class", "my.Own")], "partitioner.class");
    check_refused(&[("partition.assignment.strategy", "my.Own")], "partition.assignment.strategy");
    check_refused(&[("auto.offset.reset", "by_duration:P1D")], "auto.offset.reset");
    check_refused(&[("fetch.max.wait.ms", "1"), ("fetch.min.bytes", "many")], "fetch.min.bytes");
    check_refused(&[("ssl.cipher.suites", "TLS_AES_128_GCM_SHA256")], "ssl.cipher.suites");
}

#[test]
fn what_means_nothing_here_is_listed() {
    let given = java(&[
        ("max.poll.records", "5"),
        ("key.deserializer", "x"),
        ("metric.reporters", "y"),
        ("no.such.key", "z"),
        ("client.id", "c"),
    ]);
    let (settings, left_out) = ClientSettings::from_java(given).unwrap();
    let keys: Vec<&str> = left_out.iter().map(|left| left.key.as_str()).collect();
    assert_eq!(keys, ["key.deserializer", "max.poll.records", "metric.reporters", "no.such.key"]);
    assert_eq!(settings.iter().count(), 1);
}

#[test]
fn a_connector_cannot_name_files_or_code() {
    for key in [
        "plugin.library.paths",
        "ssl.engine.location",
        "ssl.providers",
        "sasl.kerberos.kinit.cmd",
        "sasl.kerberos.keytab",
        "offset.store.path",
        "debug",
        "ssl.ca.location",
        "ssl.truststore.location",
        "ssl.keystore.location",
        "ssl.crl.location",
        "ssl.key.location",
        "sasl.oauthbearer.assertion.file",
        "sasl.oauthbearer.assertion.private.key.file",
        "sasl.oauthbearer.assertion.jwt.template.file",
        "sasl.oauthbearer.metadata.authentication.type",
        "sasl.oauthbearer.token.endpoint.url",
        "ssl.engine.factory.class",
    ] {
        let error = ClientSettings::from_untrusted(java(&[(key, "x")])).unwrap_err();
        assert!(error.message.starts_with(&format!("{key}: ")), "{error}");
    }
    let allowed =
        java(&[("bootstrap.servers", "a:1"), ("ssl.truststore.certificates", "pem"), ("acks", "1")]);
    assert_eq!(ClientSettings::from_untrusted(allowed).unwrap().0.iter().count(), 3);
}

#[test]
fn nobody_loads_code_into_the_client() {
    for key in ["plugin.library.paths", "ssl.engine.location", "ssl.providers", "sasl.kerberos.kinit.cmd"] {
        check_refused(&[(key, "x")], key);
    }
}

#[test]
fn debugging_output_hides_secrets() {
    let settings = ClientSettings::new()
        .with("sasl.username", "bob")
        .with("sasl.password", "hunter2")
        .with("ssl.key.pem", "hunter2")
        .with("ssl.key.password", "hunter2")
        .with("ssl.keystore.password", "hunter2");
    let text = format!("{settings:?}");
    assert!(text.contains("bob") && !text.contains("hunter2"), "{text}");
}

#[test]
fn later_settings_win() {
    let mut base = ClientSettings::new().with("acks", "all").with("client.id", "worker");
    base.overlay(&ClientSettings::new().with("acks", "1"));
    assert_eq!((base.get("acks"), base.get("client.id")), (Some("1"), Some("worker")));
}

#[test]
fn every_known_key_is_one_of_librdkafka() {
    // A key that is misspelt in the lists would be refused by the first client that is given it.
    let numbers = ["1", "1000", "1024", "true", "range", "all", "none", "plaintext", "ipv4", "x"];
    for key in known::all().filter(|key| *key != "debug") {
        let unknown = numbers.iter().all(|value| {
            let refused = ClientConfig::new().set(key, *value).create_native_config().err();
            refused.is_some_and(|error| format!("{error}").contains("No such configuration property"))
        });
        assert!(!unknown, "{key}");
    }
}
