//! Reads Java's key and trust stores, whatever their format, into PEM.

use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;

use super::jks::{self, Fault};
use super::login::Map;
use crate::Error;

/// What is in a store.
#[derive(Default)]
pub(super) struct Store {
    pub key: Option<PKey<Private>>,
    /// Of the key, the client's own certificate first.
    pub chain: Vec<X509>,
    pub trusted: Vec<X509>,
}

/// A key with its certificates.
pub(super) struct Identity {
    pub key: String,
    pub chain: String,
}

/// A store of many authorities has some hundred kilobytes.
const STORE_BYTES_MAX: u64 = 16 << 20;

/// The certificates of `ssl.truststore.*`, if a store or certificates are named.
pub(super) fn trusted(given: &Map) -> Result<Option<String>, Error> {
    const LOCATION: &str = "ssl.truststore.location";
    let inline = given.get("ssl.truststore.certificates").filter(|pem| !pem.trim().is_empty());
    let Some(path) = location(given, LOCATION) else {
        return Ok(inline.map(|pem| lines(pem)));
    };
    if inline.is_some() {
        return Err(Error::config(format!(
            "{LOCATION}: expected either this or ssl.truststore.certificates, got both"
        )));
    }
    let named = Named { location: LOCATION, password: "ssl.truststore.password", key_password: None, given };
    let bytes = named.load(path, "ssl.truststore.type")?;
    let pem = if let Format::Pem(text) = sniff(&bytes) {
        text
    } else {
        let store = named.open(path, &bytes)?;
        let all = store.trusted.iter().chain(&store.chain);
        to_pem(all).ok_or_else(|| named.fault(path, "a certificate in it cannot be read"))?
    };
    if pem.contains("-----BEGIN") {
        Ok(Some(pem))
    } else {
        Err(named.fault(path, "expected a store with a certificate in it"))
    }
}

/// The key and chain of a store in `ssl.keystore.*`; none when it is PEM, which needs no translation.
pub(super) fn identity(given: &Map) -> Result<Option<Identity>, Error> {
    const LOCATION: &str = "ssl.keystore.location";
    let Some(path) = location(given, LOCATION) else { return Ok(None) };
    let named = Named {
        location: LOCATION,
        password: "ssl.keystore.password",
        key_password: Some("ssl.key.password"),
        given,
    };
    let bytes = named.load(path, "ssl.keystore.type")?;
    if matches!(sniff(&bytes), Format::Pem(_)) {
        return Ok(None);
    }
    let store = named.open(path, &bytes)?;
    let key = store.key.ok_or_else(|| named.fault(path, "expected a store with a private key in it"))?;
    let key = key.private_key_to_pem_pkcs8().ok().and_then(|pem| String::from_utf8(pem).ok());
    match (key, to_pem(store.chain.iter())) {
        (Some(key), Some(chain)) => Ok(Some(Identity { key, chain })),
        _ => Err(named.fault(path, "its key or certificate cannot be read")),
    }
}

/// Java takes PEM in one line too, as it stands in properties files.
pub(super) fn lines(pem: &str) -> String {
    if pem.trim().contains('\n') {
        return pem.to_owned();
    }
    // Line ends that a shell or a Compose file left as two characters.
    let pem = pem.trim().replace("\\n", "\n");
    if pem.contains('\n') {
        return pem;
    }
    let mut out = String::new();
    let mut rest = pem.as_str();
    while let Some((label, body, after)) = next_block(rest) {
        let body: String = body.split_whitespace().collect();
        out.push_str("-----BEGIN ");
        out.push_str(label);
        out.push_str("-----\n");
        let mut body = body.as_str();
        while !body.is_empty() {
            let (line, more) = body.split_at_checked(64).unwrap_or((body, ""));
            out.push_str(line);
            out.push('\n');
            body = more;
        }
        out.push_str("-----END ");
        out.push_str(label);
        out.push_str("-----\n");
        rest = after;
    }
    if out.is_empty() { pem } else { out }
}

fn next_block(text: &str) -> Option<(&str, &str, &str)> {
    let (_, text) = text.split_once("-----BEGIN ")?;
    let (label, text) = text.split_once("-----")?;
    let (body, text) = text.split_once("-----END ")?;
    let (_, after) = text.split_once("-----")?;
    Some((label, body, after))
}

/// A blank location counts as none, as with Java.
fn location<'a>(given: &'a Map, key: &str) -> Option<&'a str> {
    given.get(key).map(|path| path.trim()).filter(|path| !path.is_empty())
}

enum Format {
    Jks,
    Pkcs12,
    Pem(String),
    Other,
}

/// Java, too, goes by the contents where JKS and PKCS#12 are confused.
fn sniff(bytes: &[u8]) -> Format {
    match bytes {
        _ if bytes.starts_with(&jks::MAGIC) => Format::Jks,
        [0x30, ..] => Format::Pkcs12,
        _ => match std::str::from_utf8(bytes) {
            Ok(text) if text.contains("-----BEGIN ") => Format::Pem(text.to_owned()),
            _ => Format::Other,
        },
    }
}

/// The keys that a store's settings go by.
struct Named<'a> {
    location: &'static str,
    password: &'static str,
    key_password: Option<&'static str>,
    given: &'a Map,
}

impl Named<'_> {
    fn load(&self, path: &str, kind: &str) -> Result<Vec<u8>, Error> {
        let kind_given = self.given.get(kind).map_or("JKS", |kind| kind.trim());
        if !["JKS", "PKCS12", "PEM"].iter().any(|known| known.eq_ignore_ascii_case(kind_given)) {
            return Err(Error::config(format!(
                "{kind}: expected JKS, PKCS12 or PEM, got \"{kind_given}\"; convert the store by \
                 `keytool -importkeystore -srckeystore STORE -destkeystore NEW -deststoretype PKCS12`"
            )));
        }
        let size = std::fs::metadata(path).map_err(|error| self.fault(path, &error.to_string()))?.len();
        if size > STORE_BYTES_MAX {
            return Err(self.fault(path, "expected a store of at most 16 MiB"));
        }
        std::fs::read(path).map_err(|error| self.fault(path, &error.to_string()))
    }

    fn open(&self, path: &str, bytes: &[u8]) -> Result<Store, Error> {
        let password = self.given.get(self.password).map(String::as_str);
        let key_password = self.key_password.and_then(|key| self.given.get(key)).map(String::as_str);
        let wrong = |key: &str| Error::config(format!("{key}: it does not open {path}"));
        match sniff(bytes) {
            Format::Jks => jks::read(bytes, password, key_password).map_err(|fault| match fault {
                Fault::Damaged => self.fault(path, "the file is damaged"),
                Fault::StorePassword => wrong(self.password),
                Fault::KeyPassword => wrong(self.key_password.unwrap_or(self.password)),
                Fault::Protection => self.fault(path, &format!("its key is not protected as keytool does; {CONVERT}")),
            }),
            Format::Pkcs12 => pkcs12(bytes, password.unwrap_or_default()).map_err(|fault| match fault {
                Unreadable::Password => wrong(self.password),
                Unreadable::Old => self.fault(
                    path,
                    "it uses ciphers that OpenSSL gave up; write it anew by `keytool -importkeystore -srckeystore \
                     STORE -destkeystore NEW -deststoretype PKCS12` of Java 17 or later",
                ),
                Unreadable::Damaged => self.fault(path, "the file is damaged"),
            }),
            Format::Pem(_) | Format::Other => {
                Err(self.fault(path, &format!("expected JKS, PKCS12 or PEM; {CONVERT}")))
            }
        }
    }

    fn fault(&self, path: &str, why: &str) -> Error {
        Error::config(format!("{}: {path}: {why}", self.location))
    }
}

const CONVERT: &str =
    "convert it by `keytool -importkeystore -srckeystore STORE -destkeystore NEW -deststoretype PKCS12`";

enum Unreadable {
    Password,
    /// Protected in a way that is not there any more.
    Old,
    Damaged,
}

fn pkcs12(bytes: &[u8], password: &str) -> Result<Store, Unreadable> {
    let store = Pkcs12::from_der(bytes).map_err(|_| Unreadable::Damaged)?;
    if password.contains('\0') {
        return Err(Unreadable::Password);
    }
    let parsed = store.parse2(password).map_err(|errors| {
        let says = |mark: &str| {
            errors.errors().iter().any(|error| error.reason().is_some_and(|reason| reason.contains(mark)))
        };
        if says("unsupported") {
            Unreadable::Old
        } else if says("mac") || says("decrypt") || says("password") {
            Unreadable::Password
        } else {
            Unreadable::Damaged
        }
    })?;
    let others = parsed.ca.into_iter().flatten();
    Ok(match (parsed.pkey, parsed.cert) {
        (Some(key), own) => {
            Store { key: Some(key), chain: in_order(own, others.collect()), trusted: Vec::new() }
        }
        (None, own) => {
            Store { key: None, chain: Vec::new(), trusted: own.into_iter().chain(others).collect() }
        }
    })
}

/// Each certificate before the one that signed it: a store keeps them in any order.
fn in_order(own: Option<X509>, mut others: Vec<X509>) -> Vec<X509> {
    let mut chain: Vec<X509> = own.into_iter().collect();
    while let Some(issuer) = chain.last().and_then(|last| last.issuer_name().to_der().ok()) {
        let next =
            others.iter().position(|other| other.subject_name().to_der().is_ok_and(|name| name == issuer));
        match next {
            Some(at) => chain.push(others.remove(at)),
            None => break,
        }
    }
    chain
}

fn to_pem<'a>(certificates: impl Iterator<Item = &'a X509>) -> Option<String> {
    let mut text = String::new();
    for certificate in certificates {
        text.push_str(std::str::from_utf8(&certificate.to_pem().ok()?).ok()?);
    }
    Some(text)
}

#[cfg(test)]
#[path = "stores_tests.rs"]
mod tests;
