//! Faults of login and TLS: every kind of client says what is wrong, with whom, and what to do, within seconds.

use std::time::{Duration, Instant};

use kafka::{Admin, ClientSettings, CompactedLog, Error, Kind, Outgoing};
use openssl::ssl::SslVersion;

use crate::broker::{
    PATIENCE, block_on, consumer, file, java, log, producer, sasl, sasl_ssl, spec, ssl, unique,
};
use crate::impostor::{Issued, Wanted, issue, serve_text, serve_tls};

/// What `request_timeout` and `delivery.timeout.ms` would let pass is far more.
const SOON: Duration = Duration::from_secs(20);

fn of_admin(client: &ClientSettings) -> Error {
    block_on(async { Admin::open(client, PATIENCE).unwrap().describe_topic("any").await.unwrap_err() })
}

fn of_creation(client: &ClientSettings) -> Error {
    block_on(async { Admin::open(client, PATIENCE).unwrap().create_topic(&spec("any")).await.unwrap_err() })
}

fn of_producer(client: &ClientSettings) -> Error {
    let (producer, outcomes) = producer(client);
    producer.send(&Outgoing { topic: "any", token: 1, ..Outgoing::default() }).unwrap();
    outcomes.of(1).unwrap_err()
}

fn of_consumer(client: &ClientSettings) -> Error {
    let mut consumer = consumer(client, &unique("any"));
    let until = Instant::now() + PATIENCE;
    loop {
        match consumer.fetch(1, Duration::from_millis(200)) {
            Err(error) if error.kind != Kind::Retry => break error,
            _ => assert!(Instant::now() < until, "the consumer says nothing"),
        }
    }
}

fn of_log(client: &ClientSettings) -> Error {
    block_on(CompactedLog::open(log(client), |_| {})).err().expect("the log opens")
}

fn check(client: &ClientSettings, parts: &[&str]) {
    type Ask = fn(&ClientSettings) -> Error;
    let all: [(&str, Ask); 5] = [
        ("describe", of_admin),
        ("create", of_creation),
        ("consumer", of_consumer),
        ("log", of_log),
        ("producer", of_producer),
    ];
    std::thread::scope(|scope| {
        for (name, ask) in all {
            scope.spawn(move || {
                let start = Instant::now();
                let error = ask(client);
                assert!(start.elapsed() < SOON, "{name}: {:?}", start.elapsed());
                assert_eq!(error.kind, Kind::Config, "{name}: {error}");
                for part in parts {
                    assert!(error.message.contains(part), "{name}: {part} is not in: {error}");
                }
                assert!(!error.message.contains("hunter2"), "{name}: {error}");
            });
        }
    });
}

fn password(address: &str, protocol: &str, mechanism: &str) -> Vec<(String, String)> {
    [
        ("bootstrap.servers", address),
        ("security.protocol", protocol),
        ("sasl.mechanism", mechanism),
        ("sasl.jaas.config", "a.ScramLoginModule required username=\"alice\" password=\"hunter2\";"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .to_vec()
}

#[test]
fn a_wrong_password_is_told() {
    let address = sasl();
    for mechanism in ["PLAIN", "SCRAM-SHA-512"] {
        let client = java(&password(&address, "SASL_PLAINTEXT", mechanism));
        check(&client, &[&address, "refused the login", "sasl.jaas.config"]);
    }
}

#[test]
fn a_wrong_password_over_tls_is_told() {
    let mut given = password(&sasl_ssl(), "SASL_SSL", "SCRAM-SHA-256");
    given.push(("ssl.truststore.type".into(), "PEM".into()));
    given.push(("ssl.truststore.location".into(), file("ca.crt")));
    check(&java(&given), &[&sasl_ssl(), "refused the login"]);
}

fn tls(address: &str, trusted: &Issued) -> ClientSettings {
    java(&[
        ("bootstrap.servers", address),
        ("security.protocol", "SSL"),
        ("ssl.truststore.certificates", &trusted.pem()),
    ])
}

fn own(host: &str, until: i64, issuer: Option<&Issued>) -> Issued {
    issue(&Wanted { host, until, issuer })
}

#[test]
fn a_ca_that_signed_nothing_is_told() {
    let other = own("other CA", 30, None);
    check(
        &tls(&ssl(), &other),
        &[&ssl(), "its certificate is not trusted: self-signed certificate in", "ssl.truststore"],
    );
}

#[test]
fn an_expired_certificate_is_told() {
    let ca = own("CA", 30, None);
    let address = format!("localhost:{}", serve_tls(&own("localhost", -1, Some(&ca)), None));
    check(
        &tls(&address, &ca),
        &[&address, "its certificate is not trusted: certificate has expired; renew it"],
    );
}

#[test]
fn a_certificate_that_signed_itself_is_told() {
    let ca = own("CA", 30, None);
    let address = format!("localhost:{}", serve_tls(&own("localhost", 30, None), None));
    check(&tls(&address, &ca), &[&address, "its certificate is not trusted: self-signed certificate; name"]);
}

#[test]
fn a_certificate_for_another_host_is_told_unless_names_do_not_matter() {
    let ca = own("CA", 30, None);
    let address = format!("localhost:{}", serve_tls(&own("elsewhere", 30, Some(&ca)), None));
    check(
        &tls(&address, &ca),
        &[&address, "its certificate is not trusted: hostname mismatch; connect by a name"],
    );
    // The impostor speaks no Kafka, so all that can be told is that this is no fault of TLS any more.
    let any = tls(&address, &ca).with("ssl.endpoint.identification.algorithm", "none");
    let brief = Duration::from_secs(3);
    let error =
        block_on(async { Admin::open(&any, brief).unwrap().describe_topic("any").await.unwrap_err() });
    assert_eq!(error.kind, Kind::Retry, "{error}");
}

#[test]
fn a_missing_client_certificate_is_told() {
    let client = java(&[
        ("bootstrap.servers", ssl()),
        ("security.protocol", "SSL".into()),
        ("ssl.truststore.type", "PEM".into()),
        ("ssl.truststore.location", file("ca.crt")),
    ]);
    check(&client, &[&ssl(), "ssl.keystore"]);
}

#[test]
fn a_server_without_tls_is_told() {
    let ca = own("CA", 30, None);
    let address = format!("localhost:{}", serve_text());
    check(&tls(&address, &ca), &[&address, "does not speak TLS", "security.protocol"]);
}

#[test]
fn a_server_that_is_too_old_for_the_versions_given_is_told() {
    let ca = own("CA", 30, None);
    let address =
        format!("localhost:{}", serve_tls(&own("localhost", 30, Some(&ca)), Some(SslVersion::TLS1_2)));
    let client = java(&[
        ("bootstrap.servers", address.as_str()),
        ("security.protocol", "SSL"),
        ("ssl.truststore.certificates", &ca.pem()),
        ("ssl.enabled.protocols", "TLSv1.3"),
    ]);
    check(&client, &[&address]);
}
