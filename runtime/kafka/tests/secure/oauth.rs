//! OAUTHBEARER from a token endpoint to the broker, and tokens that are renewed while nobody asks.

use std::time::{Duration, Instant};

use kafka::{Admin, ClientSettings, Kind};

use crate::broker::{Clients, PATIENCE, block_on, file, java, round_trip, sasl, sasl_ssl};
use crate::tokens::Endpoint;

const HOUR: Duration = Duration::from_secs(3600);

fn settings(url: &str, secret: &str, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let line = format!(
        "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId=\"me\" \
         clientSecret=\"{secret}\" scope=\"kafka all\" extension_logicalCluster=\"lkc-1\";"
    );
    let address = sasl();
    let mut given = vec![
        ("bootstrap.servers", address.as_str()),
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", "OAUTHBEARER"),
        ("sasl.jaas.config", &line),
        ("sasl.oauthbearer.token.endpoint.url", url),
        (
            "sasl.login.callback.handler.class",
            "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler",
        ),
    ];
    given.retain(|(key, _)| more.iter().all(|(other, _)| other != key));
    given.extend(more);
    given.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn describe(client: &ClientSettings, timeout: Duration) -> Result<(), kafka::Error> {
    block_on(async { Admin::open(client, timeout).unwrap().describe_topic("any").await.map(drop) })
}

#[test]
fn every_kind_of_client_logs_in_with_one_token() {
    let endpoint = Endpoint::start(HOUR);
    round_trip(&java(&settings(&endpoint.url, "s3", &[])));
    assert_eq!(endpoint.given(), 1);
    let asked = endpoint.asked();
    assert!(asked[0].starts_with("POST /token "), "{}", asked[0]);
    assert!(asked[0].ends_with("grant_type=client_credentials&scope=kafka%20all"), "{}", asked[0]);
}

#[test]
fn tokens_are_renewed_for_clients_that_do_nothing() {
    let endpoint = Endpoint::start(Duration::from_secs(5));
    let mut clients = Clients::open(&java(&settings(&endpoint.url, "s3", &[])));
    clients.work();
    let before = endpoint.given();
    let until = Instant::now() + PATIENCE;
    // The broker ends each session with its token, so by then every connection had to log in again.
    while endpoint.given() < before + 3 {
        assert!(Instant::now() < until, "nobody renews the token");
        std::thread::yield_now();
        std::thread::park_timeout(Duration::from_millis(50));
    }
    clients.work();
    // One for everybody, at four fifths of its life.
    let asked_in = (endpoint.given() - before) as f64 * 4.0;
    assert!(asked_in < 2.0 * PATIENCE.as_secs_f64(), "{} tokens", endpoint.given());
}

#[test]
fn an_endpoint_that_is_away_is_waited_for() {
    let endpoint = Endpoint::start(HOUR);
    endpoint.set_away(true);
    let client = java(&settings(&endpoint.url, "s3", &[]));
    let error = describe(&client, Duration::from_secs(2)).unwrap_err();
    assert_eq!(error.kind, Kind::Retry, "{error}");
    let admin = Admin::open(&client, PATIENCE).unwrap();
    endpoint.set_away(false);
    block_on(admin.describe_topic("any")).unwrap();
}

#[test]
fn a_short_outage_of_the_endpoint_hurts_nobody() {
    let endpoint = Endpoint::start(Duration::from_secs(10));
    let mut clients = Clients::open(&java(&settings(&endpoint.url, "s3", &[])));
    clients.work();
    endpoint.set_away(true);
    let before = endpoint.asked().len();
    let until = Instant::now() + PATIENCE;
    while endpoint.asked().len() < before + 2 {
        assert!(Instant::now() < until, "nobody asks again");
        std::thread::park_timeout(Duration::from_millis(50));
    }
    // The token is still good.
    clients.work();
    endpoint.set_away(false);
    let given = endpoint.given();
    while endpoint.given() == given {
        assert!(Instant::now() < until, "nobody asks again");
        std::thread::park_timeout(Duration::from_millis(50));
    }
    clients.work();
}

#[test]
fn a_wrong_secret_is_told_without_anything_of_the_answer() {
    let endpoint = Endpoint::start(HOUR);
    let start = Instant::now();
    let error = describe(&java(&settings(&endpoint.url, "hunter2", &[])), PATIENCE).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert_eq!(error.kind, Kind::Config, "{error}");
    for part in [&endpoint.url, "401 invalid_client", "client secret"] {
        assert!(error.message.contains(part), "{error}");
    }
    assert!(!error.message.contains("hunter2"), "{error}");
}

#[test]
fn an_endpoint_with_a_ca_of_its_own_is_trusted_only_when_told_so() {
    let endpoint = Endpoint::start_tls(HOUR);
    let error = describe(&java(&settings(&endpoint.url, "s3", &[])), PATIENCE).unwrap_err();
    assert_eq!(error.kind, Kind::Config, "{error}");
    assert!(error.message.contains(&endpoint.url) && error.message.contains("certificate"), "{error}");
    let line = format!(
        "OAuthBearerLoginModule required clientId=\"me\" clientSecret=\"s3\" \
         ssl.truststore.type=\"JKS\" ssl.truststore.location=\"{}\";",
        file("trust.jks")
    );
    round_trip(&java(&settings(
        &endpoint.url,
        "s3",
        &[
            ("sasl.jaas.config", &line),
            ("bootstrap.servers", &sasl_ssl()),
            ("security.protocol", "SASL_SSL"),
            ("ssl.truststore.location", &file("trust.jks")),
        ],
    )));
}

#[test]
fn a_token_in_a_file_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let encode = |text: &str| openssl::base64::encode_block(text.as_bytes()).trim_end_matches('=').to_owned();
    let token = format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(r#"{"sub":"me","exp":4102444800}"#));
    std::fs::write(&path, token).unwrap();
    let url = format!("file://{}", path.display());
    describe(&java(&settings(&url, "s3", &[])), PATIENCE).unwrap();
}

#[test]
fn tokens_that_nobody_signs_are_made_here() {
    let line = "OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"me\";";
    let given = settings("", "s3", &[("sasl.jaas.config", line), ("sasl.login.callback.handler.class", "")]);
    round_trip(&java(&given));
}
