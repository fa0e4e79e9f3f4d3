//! Logins by name and password, with every kind of client.

use crate::broker::{file, java, round_trip, sasl, sasl_ssl};

fn line(module: &str) -> String {
    format!(
        "org.apache.kafka.common.security.{module} required username=\"alice\" password=\"alice-secret\";"
    )
}

fn check(mechanism: &str, module: &str) {
    round_trip(&java(&[
        ("bootstrap.servers", sasl().as_str()),
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", mechanism),
        ("sasl.jaas.config", &line(module)),
    ]));
}

#[test]
fn plain_works() {
    check("PLAIN", "plain.PlainLoginModule");
}

#[test]
fn scram_256_works() {
    check("SCRAM-SHA-256", "scram.ScramLoginModule");
}

#[test]
fn scram_512_works() {
    check("SCRAM-SHA-512", "scram.ScramLoginModule");
}

#[test]
fn scram_over_tls_with_a_ca_of_ones_own_works() {
    round_trip(&java(&[
        ("bootstrap.servers", sasl_ssl().as_str()),
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanism", "SCRAM-SHA-512"),
        ("sasl.jaas.config", &line("scram.ScramLoginModule")),
        ("ssl.truststore.type", "PEM"),
        ("ssl.truststore.location", &file("ca.crt")),
    ]));
}
