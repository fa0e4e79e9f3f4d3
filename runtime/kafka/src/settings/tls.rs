//! Translates what Java's keys say about TLS: stores, host names, versions, ciphers.

use super::login::Map;
use super::{Untranslated, stores};
use crate::Error;

/// Whether a key is this module's.
pub(super) fn has(key: &str) -> bool {
    const KEYS: [&str; 5] = [
        "ssl.key.password",
        "ssl.endpoint.identification.algorithm",
        "ssl.cipher.suites",
        "ssl.enabled.protocols",
        "ssl.protocol",
    ];
    key.starts_with("ssl.truststore.") || key.starts_with("ssl.keystore.") || KEYS.contains(&key)
}

pub(super) fn translate(given: &Map, out: &mut Map, left_out: &mut Vec<Untranslated>) -> Result<(), Error> {
    let protocol = given.get("security.protocol").map_or("PLAINTEXT", String::as_str);
    if !protocol.trim().to_uppercase().ends_with("SSL") {
        let reason = "security.protocol is neither SSL nor SASL_SSL";
        let keys = given.keys().filter(|key| has(key));
        left_out.extend(keys.map(|key| Untranslated { key: key.clone(), reason }));
        return Ok(());
    }
    match stores::trusted(given)? {
        Some(pem) => drop(out.insert("ssl.ca.pem".into(), pem)),
        // As Java takes the authorities that came with it. The OpenSSL inside has no folder of its own.
        None if !given.contains_key("ssl.ca.location") && !given.contains_key("ssl.ca.pem") => {
            out.insert("ssl.ca.location".into(), "probe".into());
        }
        None => {}
    }
    keystore(given, out)?;
    if let Some(value) = given.get("ssl.endpoint.identification.algorithm") {
        let value = value.trim().to_lowercase();
        let value = if value.is_empty() { "none".to_owned() } else { value };
        if !["https", "none"].contains(&value.as_str()) {
            return Err(Error::config(format!(
                "ssl.endpoint.identification.algorithm: expected https, or nothing to accept any host, got \"{value}\""
            )));
        }
        out.insert("ssl.endpoint.identification.algorithm".into(), value);
    }
    ciphers(given, out)
}

fn keystore(given: &Map, out: &mut Map) -> Result<(), Error> {
    let inline = ["ssl.keystore.key", "ssl.keystore.certificate.chain"].map(|key| given.get(key));
    let location = given.get("ssl.keystore.location").map(|path| path.trim()).filter(|path| !path.is_empty());
    let password = given.get("ssl.key.password").filter(|password| !password.is_empty());
    match (location, inline) {
        (None, [None, None]) => {}
        (None, [Some(key), Some(chain)]) => {
            out.insert("ssl.key.pem".into(), stores::lines(key));
            out.insert("ssl.certificate.pem".into(), stores::lines(chain));
        }
        (None, [None, Some(_)]) => return Err(missing("ssl.keystore.key")),
        (None, [Some(_), None]) => return Err(missing("ssl.keystore.certificate.chain")),
        (Some(_), [Some(_), _] | [_, Some(_)]) => {
            return Err(Error::config(
                "ssl.keystore.location: expected either this or ssl.keystore.key and \
                 ssl.keystore.certificate.chain, got both",
            ));
        }
        (Some(path), [None, None]) => {
            if let Some(identity) = stores::identity(given)? {
                out.insert("ssl.key.pem".into(), identity.key);
                out.insert("ssl.certificate.pem".into(), identity.chain);
                return Ok(());
            }
            // One file holds both the key and the chain, and each reader picks its own part.
            out.insert("ssl.certificate.location".into(), path.to_owned());
            out.insert("ssl.key.location".into(), path.to_owned());
        }
    }
    if let Some(password) = password {
        out.insert("ssl.key.password".into(), password.clone());
    }
    Ok(())
}

fn missing(key: &str) -> Error {
    Error::config(format!("{key}: expected, since the other half of the certificate is given"))
}

/// A cipher that needs a key agreed on before, which this client never has: with nothing else left, TLS 1.2 is
/// never spoken.
const NO_OLD_CIPHER: &str = "PSK-AES256-GCM-SHA384";

/// Java's names become OpenSSL's. Those of TLS 1.3 are all on offer, always.
fn ciphers(given: &Map, out: &mut Map) -> Result<(), Error> {
    let is_only_13 = is_only_13(given)?;
    let value = given.get("ssl.cipher.suites").map(|value| value.trim()).filter(|value| !value.is_empty());
    let old = match value {
        // OpenSSL's own form of list.
        Some(value) if value.contains(':') || !value.contains('_') => Some(value.to_owned()),
        Some(value) => {
            let mut names = Vec::new();
            for name in value.split(',').map(str::trim).filter(|name| !name.is_empty()) {
                if ["TLS_AES_", "TLS_CHACHA20_POLY1305_SHA256"].iter().any(|new| name.starts_with(new)) {
                    continue;
                }
                match openssl::ssl::cipher_name(name) {
                    "(NONE)" => {
                        return Err(Error::config(format!(
                            "ssl.cipher.suites: \"{name}\" is not known to OpenSSL; expected names such as \
                             TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
                        )));
                    }
                    name => names.push(name),
                }
            }
            Some(if names.is_empty() { NO_OLD_CIPHER.to_owned() } else { names.join(":") })
        }
        None => None,
    };
    match (is_only_13, old) {
        (true, _) => drop(out.insert("ssl.cipher.suites".into(), NO_OLD_CIPHER.into())),
        (false, Some(list)) => drop(out.insert("ssl.cipher.suites".into(), list)),
        (false, None) => {}
    }
    Ok(())
}

/// True when TLS 1.2 was left out. Older versions are never spoken, and TLS 1.3 always is.
fn is_only_13(given: &Map) -> Result<bool, Error> {
    const KEY: &str = "ssl.enabled.protocols";
    let Some(value) = given.get(KEY).map(|value| value.trim()).filter(|value| !value.is_empty()) else {
        return Ok(false);
    };
    let names: Vec<&str> = value.split(',').map(str::trim).collect();
    match (names.contains(&"TLSv1.2"), names.contains(&"TLSv1.3")) {
        (true, _) => Ok(false),
        (false, true) => Ok(true),
        (false, false) => Err(Error::config(format!(
            "{KEY}: expected TLSv1.2 or TLSv1.3, older ones are not safe, got \"{value}\""
        ))),
    }
}
