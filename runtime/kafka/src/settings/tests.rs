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
    check(&[("security.protocol", "PLAINTEXT")], &[("security.protocol", "plaintext")]);
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
    let protocol = ("security.protocol", "SASL_PLAINTEXT");
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        check(
            &[
                protocol,
                ("sasl.mechanism", mechanism),
                ("sasl.jaas.config", "a.b.ScramLoginModule required username=\"u\" password=\"p\";"),
            ],
            &[
                ("security.protocol", "sasl_plaintext"),
                ("sasl.mechanism", mechanism),
                ("sasl.username", "u"),
                ("sasl.password", "p"),
            ],
        );
    }
    check(
        &[protocol, ("sasl.mechanisms", "PLAIN"), ("sasl.username", "u"), ("sasl.password", "p")],
        &[
            ("security.protocol", "sasl_plaintext"),
            ("sasl.mechanism", "PLAIN"),
            ("sasl.username", "u"),
            ("sasl.password", "p"),
        ],
    );
}

#[test]
fn a_login_without_a_protocol_that_logs_in_is_listed() {
    let given = [
        ("sasl.mechanism", "GSSAPI"),
        ("sasl.kerberos.service.name", "kafka"),
        ("ssl.truststore.location", "/x"),
    ];
    let (settings, left_out) = ClientSettings::from_java(java(&given)).unwrap();
    assert_eq!((settings.iter().count(), left_out.len()), (0, 3));
}

#[test]
fn oauth_and_msk_become_logins_of_ours() {
    let check = |given: &[(&str, &str)]| {
        let (settings, _) = ClientSettings::from_java(java(given)).unwrap();
        assert_eq!(settings.get("sasl.mechanism"), Some("OAUTHBEARER"));
        let key = settings.get(LOGIN_KEY).unwrap();
        assert!(Login::find(key).is_some());
        assert!(settings.iter().all(|(_, value)| !value.contains("hunter2")));
    };
    let protocol = ("security.protocol", "SASL_SSL");
    check(&[
        protocol,
        ("sasl.mechanism", "OAUTHBEARER"),
        ("sasl.oauthbearer.token.endpoint.url", "https://id.example.com/token"),
        ("sasl.jaas.config", "OAuthBearerLoginModule required clientId=\"me\" clientSecret=\"hunter2\";"),
    ]);
    check(&[
        protocol,
        ("sasl.mechanism", "AWS_MSK_IAM"),
        ("bootstrap.servers", "b-1.demo.a1.c2.kafka.eu-west-1.amazonaws.com:9098"),
        ("sasl.jaas.config", "software.amazon.msk.auth.iam.IAMLoginModule required;"),
        ("sasl.client.callback.handler.class", "software.amazon.msk.auth.iam.IAMClientCallbackHandler"),
    ]);
    check(&[
        protocol,
        ("sasl.mechanism", "OAUTHBEARER"),
        ("bootstrap.servers", "b-1.demo.a1.c2.kafka.eu-west-1.amazonaws.com:9098"),
        ("sasl.jaas.config", "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;"),
        (
            "sasl.login.callback.handler.class",
            "software.amazon.msk.auth.iam.IAMOAuthBearerLoginCallbackHandler",
        ),
    ]);
}

#[test]
fn certificates_in_the_settings_become_pem() {
    let check = |given: &[(&str, &str)], expected: &[(&str, &str)]| {
        let mut given = given.to_vec();
        given.push(("security.protocol", "SSL"));
        let mut expected = expected.to_vec();
        expected.push(("security.protocol", "ssl"));
        check(&given, &expected);
    };
    check(&[("ssl.truststore.certificates", "-----B")], &[("ssl.ca.pem", "-----B")]);
    check(
        &[("ssl.keystore.key", "K"), ("ssl.keystore.certificate.chain", "C"), ("ssl.key.password", "s")],
        &[
            ("ssl.key.pem", "K"),
            ("ssl.certificate.pem", "C"),
            ("ssl.key.password", "s"),
            ("ssl.ca.location", "probe"),
        ],
    );
    check(
        &[("ssl.endpoint.identification.algorithm", ""), ("ssl.ca.location", "/ca")],
        &[("ssl.endpoint.identification.algorithm", "none"), ("ssl.ca.location", "/ca")],
    );
}

#[test]
fn ciphers_and_versions_are_translated() {
    let protocol = ("security.protocol", "SSL");
    let check = |given: &[(&str, &str)], expected: Option<&str>| {
        let mut given = given.to_vec();
        given.push(protocol);
        let (settings, _) = ClientSettings::from_java(java(&given)).unwrap();
        assert_eq!(settings.get("ssl.cipher.suites"), expected, "{given:?}");
    };
    let (suites, versions) = ("ssl.cipher.suites", "ssl.enabled.protocols");
    check(
        &[(
            suites,
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_AES_256_GCM_SHA384,TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        )],
        Some("ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256"),
    );
    check(&[(suites, "ECDHE-RSA-AES256-GCM-SHA384:HIGH")], Some("ECDHE-RSA-AES256-GCM-SHA384:HIGH"));
    check(&[(suites, "TLS_AES_256_GCM_SHA384")], Some("PSK-AES256-GCM-SHA384"));
    check(&[(versions, "TLSv1.3")], Some("PSK-AES256-GCM-SHA384"));
    check(&[(versions, "TLSv1.2,TLSv1.3")], None);
    check(&[(versions, "TLSv1.2")], None);
    check_refused(&[protocol, (versions, "TLSv1.1,TLSv1")], versions);
    check_refused(&[protocol, (suites, "TLS_NO_SUCH_CIPHER")], suites);
}

#[test]
fn what_decides_and_cannot_be_translated_is_refused_by_name() {
    let sasl = ("security.protocol", "SASL_SSL");
    let plain = ("sasl.mechanism", "PLAIN");
    check_refused(
        &[("security.protocol", "SSL"), ("ssl.truststore.location", "/ca.jks")],
        "ssl.truststore.location",
    );
    check_refused(
        &[("security.protocol", "SSL"), ("ssl.keystore.location", "/me.jks")],
        "ssl.keystore.location",
    );
    check_refused(
        &[("security.protocol", "SSL"), ("ssl.keystore.key", "K")],
        "ssl.keystore.certificate.chain",
    );
    check_refused(&[sasl, ("sasl.mechanism", "GSSAPI")], "sasl.mechanism");
    check_refused(&[sasl], "sasl.mechanism");
    check_refused(&[sasl, ("sasl.mechanism", "DIGEST-MD5")], "sasl.mechanism");
    check_refused(&[sasl, plain], "sasl.jaas.config");
    check_refused(&[sasl, plain, ("sasl.jaas.config", "JndiLoginModule required x=y;")], "sasl.jaas.config");
    check_refused(&[sasl, ("sasl.mechanism", "OAUTHBEARER")], "sasl.oauthbearer.token.endpoint.url");
    check_refused(
        &[sasl, plain, ("sasl.login.callback.handler.class", "x.Y")],
        "sasl.login.callback.handler.class",
    );
    check_refused(&[("partitioner.class", "my.Own")], "partitioner.class");
    check_refused(&[("partition.assignment.strategy", "my.Own")], "partition.assignment.strategy");
    check_refused(&[("auto.offset.reset", "by_duration:P1D")], "auto.offset.reset");
    check_refused(&[("fetch.max.wait.ms", "1"), ("fetch.min.bytes", "many")], "fetch.min.bytes");
    check_refused(&[("ssl.engine.factory.class", "x")], "ssl.engine.factory.class");
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

/// Only what came with a connector, over a worker that says nothing.
fn untrusted(pairs: &[(&str, &str)]) -> Result<ClientSettings, Error> {
    ClientSettings::with_overrides(java(&[]), java(pairs)).map(|(settings, _)| settings)
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
        "sasl.oauthbearer.config",
        "sasl.oauthbearer.method",
        "sasl.oauthbearer.assertion.template.file",
        "sasl.login.callback.handler.class",
        "sasl.client.callback.handler.class",
        "sasl.login.class",
        "security.providers",
        "ssl.provider",
        "ssl.secure.random.implementation",
        "https.ca.location",
        "https.ca.pem",
        "log_level",
        "enable.ssl.certificate.verification",
        "ssl.engine.factory.class",
    ] {
        let error = untrusted(&[(key, "x")]).unwrap_err();
        assert!(error.message.starts_with(&format!("{key}: ")), "{error}");
        assert_eq!(override_refusal(key, "x"), Some(error.message));
    }
    let allowed = untrusted(&[("bootstrap.servers", "a:1"), ("fetch.min.bytes", "5"), ("acks", "1")]);
    assert_eq!(allowed.unwrap().iter().count(), 3);
}

#[test]
fn a_connector_cannot_borrow_code_or_identities_through_a_value() {
    for (key, value) in [
        (
            "sasl.jaas.config",
            "com.sun.security.auth.module.JndiLoginModule required user.provider.url=\"ldap://x\";",
        ),
        ("sasl.jaas.config", "software.amazon.msk.auth.iam.IAMLoginModule required;"),
        (
            "sasl.jaas.config",
            "OAuthBearerLoginModule required clientId=a ssl.truststore.location=/etc/shadow;",
        ),
        ("sasl.jaas.config", "com.sun.security.auth.module.Krb5LoginModule required keyTab=/k;"),
        ("sasl.mechanism", "AWS_MSK_IAM"),
        ("sasl.mechanism", "GSSAPI"),
    ] {
        let refusal = override_refusal(key, value).unwrap_or_else(|| panic!("{value}"));
        assert!(refusal.starts_with(&format!("{key}: not allowed")), "{refusal}");
    }
    for line in [
        "PlainLoginModule required username=a password=b;",
        "ScramLoginModule required username=a password=b;",
        "OAuthBearerLoginModule required clientId=a clientSecret=b scope=c extension_x=y;",
    ] {
        assert_eq!(override_refusal("sasl.jaas.config", line), None, "{line}");
    }
}

#[test]
fn a_connector_adds_its_own_login_to_the_workers_connection() {
    let worker = java(&[
        ("bootstrap.servers", "a:1"),
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", "SCRAM-SHA-256"),
        ("sasl.jaas.config", "ScramLoginModule required username=worker password=w;"),
    ]);
    let own = java(&[("sasl.jaas.config", "ScramLoginModule required username=mine password=m;")]);
    let (settings, _) = ClientSettings::with_overrides(worker.clone(), own).unwrap();
    assert_eq!((settings.get("sasl.username"), settings.get("sasl.password")), (Some("mine"), Some("m")));
    let own = java(&[("bootstrap.servers", "elsewhere:1")]);
    let error = ClientSettings::with_overrides(worker, own).unwrap_err();
    assert!(error.message.starts_with("sasl.jaas.config: "), "{error}");
}

#[test]
fn nobody_loads_code_into_the_client() {
    for key in ["plugin.library.paths", "ssl.engine.location", "ssl.providers", "sasl.oauthbearer.method"] {
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

#[test]
fn every_property_of_librdkafka_was_judged() {
    // A new librdkafka may bring keys that load code or read files: somebody has to look at each.
    let properties = crate::raw::properties();
    assert!(properties.len() > 150, "{} properties", properties.len());
    for name in &properties {
        let is_translated = name.starts_with("sasl.") || name.starts_with("https.") || tls::has(name);
        let judged = [
            known::scope(name).is_some(),
            is_translated && !refused::NOBODYS.contains(&name.as_str()),
            refused::NOBODYS.contains(&name.as_str()),
            known::NO_SETTINGS.contains(&name.as_str()),
        ];
        assert_eq!(judged.iter().filter(|is_so| **is_so).count(), 1, "{name}: {judged:?}");
    }
    // What is judged and not there any more, or not in this build, is refused by a reader of these lists.
    for name in known::all().chain(known::NO_SETTINGS.iter().copied()) {
        let elsewhere = ["ssl.ca.certificate.stores", "log.queue", "log.thread.name"];
        assert!(properties.iter().any(|known| known == name) || elsewhere.contains(&name), "{name}");
    }
}

#[test]
fn a_connector_reaches_no_property_that_names_files_code_or_addresses() {
    for name in crate::raw::properties() {
        if known::NO_SETTINGS.contains(&name.as_str()) {
            continue;
        }
        let is_dangerous = [
            ".location",
            ".file",
            ".path",
            ".paths",
            ".keytab",
            ".url",
            "engine",
            "providers",
            "plugin",
            "kinit",
            "method",
            "debug",
            "sasl.oauthbearer.config",
            "metadata.authentication",
        ];
        let is_dangerous = is_dangerous.iter().any(|mark| name.contains(mark));
        let is_allowed = override_refusal(&name, "x").is_none();
        assert!(!(is_dangerous && is_allowed), "{name}");
    }
}
