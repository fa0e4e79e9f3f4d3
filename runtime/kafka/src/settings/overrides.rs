//! Lays a connector's own client settings over the worker's, and keeps the worker's secrets where they belong.

use super::login::Map;

/// Keys that decide where a client's login goes, and who may see it on the way.
fn decides_whom_to_trust(key: &str) -> bool {
    const KEYS: [&str; 6] = [
        "bootstrap.servers",
        "metadata.broker.list",
        "security.protocol",
        "ssl.endpoint.identification.algorithm",
        "enable.ssl.certificate.verification",
        "ssl.ca.pem",
    ];
    KEYS.contains(&key) || key.starts_with("ssl.truststore.")
}

fn is_of_identity(key: &str) -> bool {
    key.starts_with("ssl.keystore.")
        || [
            "ssl.key.password",
            "ssl.key.pem",
            "ssl.key.location",
            "ssl.certificate.pem",
            "ssl.certificate.location",
        ]
        .contains(&key)
}

fn is_of_trust(key: &str) -> bool {
    key.starts_with("ssl.truststore.") || key.starts_with("ssl.ca.")
}

/// What decides how to log in, apart from time limits and where tokens come from.
fn is_of_login(key: &str) -> bool {
    const KEYS: [&str; 8] = [
        "sasl.jaas.config",
        "sasl.username",
        "sasl.password",
        "sasl.login.callback.handler.class",
        "sasl.client.callback.handler.class",
        "sasl.login.class",
        "sasl.oauthbearer.scope",
        "sasl.oauthbearer.jwt.retriever.class",
    ];
    KEYS.contains(&key) || key.starts_with("sasl.oauthbearer.client.credentials.")
}

/// The settings of a connector's client. What belongs together is replaced together.
pub(super) fn lay_over(mut worker: Map, own: Map) -> Map {
    let differs = |key: &str, value: &str| {
        worker.get(key).is_none_or(|worker| !worker.trim().eq_ignore_ascii_case(value.trim()))
    };
    let redirects = own.iter().any(|(key, value)| decides_whom_to_trust(key) && differs(key, value));
    let brings = |is_of: fn(&str) -> bool| own.keys().any(|key| is_of(key));
    let logs_in = brings(is_of_login)
        || own.get("sasl.mechanism").is_some_and(|mechanism| differs("sasl.mechanism", mechanism));
    let (has_identity, has_trust) = (brings(is_of_identity), brings(is_of_trust));
    worker.retain(|key, _| {
        // A connector that chooses another cluster, or weaker protection, is not lent the worker's login.
        let is_withheld = redirects && (is_of_login(key) || is_of_identity(key));
        let is_replaced = (logs_in && is_of_login(key))
            || (has_identity && is_of_identity(key))
            || (has_trust && is_of_trust(key));
        !is_withheld && !is_replaced
    });
    if redirects && worker.get("sasl.mechanism").is_some_and(|mechanism| mechanism == "AWS_MSK_IAM") {
        worker.remove("sasl.mechanism");
    }
    worker.extend(own);
    worker
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> Map {
        pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
    }

    fn check(worker: &[(&str, &str)], own: &[(&str, &str)], expected: &[(&str, &str)]) {
        assert_eq!(lay_over(map(worker), map(own)), map(expected), "{own:?}");
    }

    const WORKER: [(&str, &str); 4] = [
        ("bootstrap.servers", "a:1"),
        ("sasl.jaas.config", "worker"),
        ("sasl.mechanism", "PLAIN"),
        ("security.protocol", "SASL_SSL"),
    ];

    #[test]
    fn tuning_keeps_the_workers_login() {
        let mut expected = WORKER.to_vec();
        expected.push(("linger.ms", "1"));
        check(&WORKER, &[("linger.ms", "1")], &expected);
        check(
            &WORKER,
            &[("security.protocol", "sasl_ssl")],
            &[
                ("bootstrap.servers", "a:1"),
                ("sasl.jaas.config", "worker"),
                ("sasl.mechanism", "PLAIN"),
                ("security.protocol", "sasl_ssl"),
            ],
        );
    }

    #[test]
    fn a_login_of_ones_own_replaces_the_workers() {
        check(
            &WORKER,
            &[("sasl.jaas.config", "mine"), ("sasl.mechanism", "SCRAM-SHA-512")],
            &[
                ("bootstrap.servers", "a:1"),
                ("sasl.jaas.config", "mine"),
                ("sasl.mechanism", "SCRAM-SHA-512"),
                ("security.protocol", "SASL_SSL"),
            ],
        );
    }

    #[test]
    fn whoever_goes_elsewhere_does_not_take_the_workers_login_along() {
        for (key, value) in [
            ("bootstrap.servers", "evil:1"),
            ("security.protocol", "SASL_PLAINTEXT"),
            ("ssl.endpoint.identification.algorithm", ""),
            ("ssl.truststore.certificates", "mine"),
        ] {
            let mut worker = WORKER.to_vec();
            worker.extend([
                ("ssl.keystore.location", "/worker.jks"),
                ("ssl.keystore.password", "worker"),
                ("sasl.oauthbearer.client.credentials.client.secret", "worker"),
            ]);
            let laid = lay_over(map(&worker), map(&[(key, value)]));
            assert!(laid.values().all(|value| !value.contains("worker")), "{key}: {laid:?}");
            assert_eq!(laid.get(key).map(String::as_str), Some(value));
        }
        let laid =
            lay_over(map(&[("sasl.mechanism", "AWS_MSK_IAM")]), map(&[("bootstrap.servers", "evil:1")]));
        assert!(!laid.contains_key("sasl.mechanism"));
    }

    #[test]
    fn a_store_is_replaced_as_a_whole() {
        check(
            &[
                ("ssl.truststore.location", "/ca.jks"),
                ("ssl.truststore.password", "p"),
                ("ssl.keystore.location", "/k"),
            ],
            &[
                ("ssl.truststore.certificates", "pem"),
                ("ssl.keystore.key", "k"),
                ("ssl.keystore.certificate.chain", "c"),
            ],
            &[
                ("ssl.truststore.certificates", "pem"),
                ("ssl.keystore.key", "k"),
                ("ssl.keystore.certificate.chain", "c"),
            ],
        );
    }
}
