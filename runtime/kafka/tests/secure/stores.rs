//! Client certificates from every format of store, as keytool and OpenSSL write them.

use crate::broker::{file, java, round_trip, ssl};

fn check(pairs: &[(&str, &str)]) {
    let given: Vec<(String, String)> = pairs
        .iter()
        .map(|(key, value)| {
            let value = if key.ends_with(".location") { file(value) } else { (*value).to_owned() };
            ((*key).to_owned(), value)
        })
        .chain([("bootstrap.servers".to_owned(), ssl()), ("security.protocol".to_owned(), "SSL".to_owned())])
        .collect();
    round_trip(&java(&given));
}

#[test]
fn jks_is_read_with_a_key_password_of_its_own() {
    check(&[
        ("ssl.keystore.location", "client.jks"),
        ("ssl.keystore.password", "jks-secret"),
        ("ssl.key.password", "key-secret"),
        ("ssl.truststore.location", "trust.jks"),
        ("ssl.truststore.password", "jks-secret"),
    ]);
}

#[test]
fn pkcs12_of_java_is_read() {
    check(&[
        ("ssl.keystore.type", "PKCS12"),
        ("ssl.keystore.location", "client.p12"),
        ("ssl.keystore.password", "p12-secret"),
        ("ssl.truststore.type", "PKCS12"),
        ("ssl.truststore.location", "trust.p12"),
        ("ssl.truststore.password", "p12-secret"),
    ]);
}

#[test]
fn pkcs12_of_openssl_is_read_and_a_trust_store_needs_no_password() {
    check(&[
        // Java, too, opens PKCS#12 under the name of JKS.
        ("ssl.keystore.location", "openssl.p12"),
        ("ssl.keystore.password", "p12-secret"),
        ("ssl.truststore.location", "trust.jks"),
    ]);
}

#[test]
fn pem_files_are_read_also_with_an_encrypted_key() {
    check(&[
        ("ssl.keystore.type", "PEM"),
        ("ssl.keystore.location", "encrypted.pem"),
        ("ssl.key.password", "key-secret"),
        ("ssl.truststore.type", "PEM"),
        ("ssl.truststore.location", "ca.crt"),
    ]);
}

#[test]
fn pem_stands_in_the_settings_in_one_line() {
    let read = |name: &str| std::fs::read_to_string(file(name)).unwrap().replace('\n', " ");
    check(&[
        ("ssl.keystore.type", "PEM"),
        ("ssl.keystore.key", &read("encrypted.key")),
        ("ssl.key.password", "key-secret"),
        ("ssl.keystore.certificate.chain", &read("client.crt")),
        ("ssl.truststore.type", "PEM"),
        ("ssl.truststore.certificates", &read("ca.crt")),
    ]);
}

#[test]
fn tls_1_3_alone_and_a_chosen_cipher_work() {
    let pem = [
        ("ssl.keystore.type", "PEM"),
        ("ssl.keystore.location", "client.pem"),
        ("ssl.truststore.type", "PEM"),
        ("ssl.truststore.location", "ca.crt"),
    ];
    let mut only_13 = pem.to_vec();
    only_13.push(("ssl.enabled.protocols", "TLSv1.3"));
    check(&only_13);
    let mut chosen = pem.to_vec();
    chosen.push(("ssl.cipher.suites", "TLS_AES_256_GCM_SHA384,TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"));
    check(&chosen);
}

#[test]
fn a_wrong_password_for_a_store_is_told_at_once() {
    for (key, store) in [("ssl.keystore.password", "client.jks"), ("ssl.keystore.password", "client.p12")] {
        let given = [
            ("security.protocol".to_owned(), "SSL".to_owned()),
            ("ssl.keystore.location".to_owned(), file(store)),
            (key.to_owned(), "hunter2".to_owned()),
        ];
        let error = kafka::ClientSettings::from_java(given).unwrap_err();
        assert!(error.message.starts_with(&format!("{key}: ")), "{error}");
        assert!(!error.message.contains("hunter2"), "{error}");
    }
}

#[test]
fn ciphers_that_openssl_gave_up_are_told_with_the_way_out() {
    let given = [
        ("security.protocol".to_owned(), "SSL".to_owned()),
        ("ssl.keystore.location".to_owned(), file("old.p12")),
        ("ssl.keystore.password".to_owned(), "p12-secret".to_owned()),
    ];
    let error = kafka::ClientSettings::from_java(given).unwrap_err();
    assert!(error.message.starts_with("ssl.keystore.location: "), "{error}");
    assert!(error.message.contains("keytool -importkeystore"), "{error}");
}
