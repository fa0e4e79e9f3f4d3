//! Translates Java's key and trust stores into librdkafka's certificates.

use std::collections::BTreeMap;

use crate::Error;

type Map = BTreeMap<String, String>;

pub(super) fn translate(given: &Map, out: &mut Map) -> Result<(), Error> {
    truststore(given, out)?;
    keystore(given, out)?;
    copy(given, "ssl.key.password", out, "ssl.key.password");
    if let Some(value) = given.get("ssl.endpoint.identification.algorithm") {
        let value = if value.is_empty() { "none" } else { value };
        out.insert("ssl.endpoint.identification.algorithm".into(), value.to_lowercase());
    }
    if let Some(value) = given.get("ssl.cipher.suites") {
        if value.contains(',') || value.starts_with("TLS_") {
            return Err(Error::config(
                "ssl.cipher.suites: expected OpenSSL's names separated by colons, got Java's names",
            ));
        }
        out.insert("ssl.cipher.suites".into(), value.clone());
    }
    Ok(())
}

fn truststore(given: &Map, out: &mut Map) -> Result<(), Error> {
    let kind = given.get("ssl.truststore.type").map_or("JKS", String::as_str);
    if let Some(location) = given.get("ssl.truststore.location") {
        if !kind.eq_ignore_ascii_case("PEM") {
            return Err(Error::config(format!(
                "ssl.truststore.location: a store of type {kind} cannot be read without Java; export it by \
                 `keytool -exportcert -rfc` and set ssl.truststore.type=PEM"
            )));
        }
        out.insert("ssl.ca.location".into(), location.clone());
    }
    copy(given, "ssl.truststore.certificates", out, "ssl.ca.pem");
    Ok(())
}

fn keystore(given: &Map, out: &mut Map) -> Result<(), Error> {
    // librdkafka has a key of this name too, for PKCS#12: without a type Java means its own format.
    let kind = given.get("ssl.keystore.type").map_or("JKS", String::as_str);
    if let Some(location) = given.get("ssl.keystore.location") {
        if kind.eq_ignore_ascii_case("PEM") {
            // One file holds both the key and the chain, and each reader picks its own part.
            out.insert("ssl.certificate.location".into(), location.clone());
            out.insert("ssl.key.location".into(), location.clone());
        } else if kind.eq_ignore_ascii_case("PKCS12") {
            out.insert("ssl.keystore.location".into(), location.clone());
            copy(given, "ssl.keystore.password", out, "ssl.keystore.password");
        } else {
            return Err(Error::config(format!(
                "ssl.keystore.location: a store of type {kind} cannot be read without Java; convert it by \
                 `keytool -importkeystore -deststoretype PKCS12` and set ssl.keystore.type=PKCS12, or use PEM"
            )));
        }
    }
    copy(given, "ssl.keystore.certificate.chain", out, "ssl.certificate.pem");
    copy(given, "ssl.keystore.key", out, "ssl.key.pem");
    Ok(())
}

fn copy(given: &Map, from: &str, out: &mut Map, to: &str) {
    if let Some(value) = given.get(from) {
        out.insert(to.to_owned(), value.clone());
    }
}
