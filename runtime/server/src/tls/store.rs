//! Reads keys and certificates from PKCS12 and PEM, as files or written into the settings.
use crate::listener::Error;
use openssl::error::ErrorStack;
use openssl::pkcs12::{ParsedPkcs12_2, Pkcs12};
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use std::fmt::Display;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use worker::settings::Tls as Settings;

/// A store of certificates is some kilobytes, one with all authorities of the world some hundred.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// A key, and its certificate followed by those that vouch for it.
pub(super) struct Identity {
    pub(super) key: PrivateKeyDer<'static>,
    pub(super) chain: Vec<CertificateDer<'static>>,
}

/// The files that the settings name.
pub(super) fn files(settings: &Settings) -> impl Iterator<Item = PathBuf> {
    let keys = ["ssl.keystore.location", "ssl.truststore.location"];
    keys.into_iter().filter_map(|key| text(settings, key)).map(PathBuf::from)
}

/// Who this worker is; `None` when the settings do not say.
pub(super) fn identity(settings: &Settings) -> Result<Option<Identity>, Error> {
    let (key, certificates) = if let Some(path) = text(settings, "ssl.keystore.location") {
        let place = Place { settings, key: "ssl.keystore.location", path: Some(Path::new(path)) };
        from_file(&place)?
    } else if let Some(pem) = text(settings, "ssl.keystore.key") {
        let place = Place { settings, key: "ssl.keystore.key", path: None };
        let chain = text(settings, "ssl.keystore.certificate.chain").unwrap_or(pem);
        let certificates = X509::stack_from_pem(chain.as_bytes());
        let chain = Place { key: "ssl.keystore.certificate.chain", ..place };
        (place.private_key(pem.as_bytes())?, certificates.map_err(|error| chain.broken(&error))?)
    } else {
        return Ok(None);
    };
    let place = Place { settings, key: "ssl.keystore.location", path: None };
    let der = key.private_key_to_pkcs8().map_err(|error| place.broken(&error))?;
    let key = PrivateKeyDer::try_from(der).map_err(|error| place.broken(&error))?;
    let chain = chain(certificates).map_err(|error| place.broken(&error))?;
    if chain.is_empty() {
        return Err(place.broken(&"expected a certificate beside the key"));
    }
    Ok(Some(Identity { key, chain }))
}

/// Whom this worker trusts; `None` when the settings do not say.
pub(super) fn trusted(settings: &Settings) -> Result<Option<Vec<CertificateDer<'static>>>, Error> {
    let key = "ssl.truststore.location";
    let (place, certificates) = if let Some(path) = text(settings, key) {
        let place = Place { settings, key, path: Some(Path::new(path)) };
        let certificates = match place.read()? {
            Content::Pem(pem) => X509::stack_from_pem(&pem).map_err(|error| place.broken(&error))?,
            Content::Pkcs12(der) => certificates_of(place.open(&der, "ssl.truststore.password")?),
        };
        (place, certificates)
    } else if let Some(pem) = text(settings, "ssl.truststore.certificates") {
        let place = Place { settings, key: "ssl.truststore.certificates", path: None };
        (place, X509::stack_from_pem(pem.as_bytes()).map_err(|error| place.broken(&error))?)
    } else {
        return Ok(None);
    };
    if certificates.is_empty() {
        return Err(place.broken(&"expected at least one certificate"));
    }
    let ders = certificates.iter().map(|certificate| certificate.to_der().map(CertificateDer::from));
    ders.collect::<Result<_, _>>().map(Some).map_err(|error| place.broken(&error))
}

/// A value that says something.
pub(super) fn text<'a>(settings: &'a Settings, key: &str) -> Option<&'a str> {
    settings.settings.get(key).filter(|value| !value.trim().is_empty())
}

enum Content {
    Pem(Vec<u8>),
    Pkcs12(Vec<u8>),
}

/// Where something was read, for the sentence that says why it cannot be used.
#[derive(Clone, Copy)]
struct Place<'a> {
    settings: &'a Settings,
    key: &'static str,
    path: Option<&'a Path>,
}

impl Place<'_> {
    fn broken(&self, reason: &dyn Display) -> Error {
        let key = format!("{}{}", self.settings.prefix, self.key);
        match self.path {
            Some(path) => Error::new(format!("{key}: {}: {reason}", path.display())),
            None => Error::new(format!("{key}: {reason}")),
        }
    }

    /// Java finds the format by itself as well, whatever the type says.
    fn read(&self) -> Result<Content, Error> {
        let path = self.path.unwrap_or(Path::new(""));
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(|error| self.broken(&error))?;
        file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(|error| self.broken(&error))?;
        if bytes.starts_with(&[0xfe, 0xed, 0xfe, 0xed]) || bytes.starts_with(&[0xce, 0xce, 0xce, 0xce]) {
            return Err(self.broken(&format!("expected PKCS12 or PEM, got JKS: {}", conversion(path))));
        }
        let is_pem = bytes.windows(10).any(|window| window == b"-----BEGIN");
        Ok(if is_pem { Content::Pem(bytes) } else { Content::Pkcs12(bytes) })
    }

    fn open(&self, der: &[u8], password: &'static str) -> Result<ParsedPkcs12_2, Error> {
        let secret = text(self.settings, password).unwrap_or_default();
        let store = Pkcs12::from_der(der).map_err(|_| self.broken(&"expected PKCS12 or PEM"))?;
        store.parse2(secret).map_err(|error| {
            let prefix = self.settings.prefix;
            if is_about(&error, "mac verify failure") {
                self.broken(&format!("{prefix}{password} does not open it"))
            } else {
                let hint = conversion(self.path.unwrap_or(Path::new("")));
                self.broken(&format!(
                    "its cipher is not known ({}), as of an old store: {hint}",
                    words(&error)
                ))
            }
        })
    }

    fn private_key(&self, pem: &[u8]) -> Result<PKey<Private>, Error> {
        let secret = text(self.settings, "ssl.key.password").unwrap_or_default();
        let mut was_asked = false;
        let key = PKey::private_key_from_pem_callback(pem, |buffer| {
            was_asked = true;
            let Some(target) = buffer.get_mut(..secret.len()) else { return Ok(0) };
            target.copy_from_slice(secret.as_bytes());
            Ok(secret.len())
        });
        key.map_err(|_| {
            let prefix = self.settings.prefix;
            if was_asked {
                self.broken(&format!("{prefix}ssl.key.password does not open the private key"))
            } else {
                self.broken(&"expected a private key in PEM")
            }
        })
    }
}

/// What a person does about a store of Java's own or of an old Java.
fn conversion(path: &Path) -> String {
    let path = path.display();
    let command = "keytool -importkeystore -deststoretype PKCS12";
    format!("convert it with `{command} -srckeystore {path} -destkeystore {path}.new`")
}

fn from_file(place: &Place<'_>) -> Result<(PKey<Private>, Vec<X509>), Error> {
    match place.read()? {
        Content::Pem(pem) => {
            let certificates = X509::stack_from_pem(&pem).map_err(|error| place.broken(&error))?;
            Ok((place.private_key(&pem)?, certificates))
        }
        Content::Pkcs12(der) => {
            let mut store = place.open(&der, "ssl.keystore.password")?;
            let key = store.pkey.take().ok_or_else(|| place.broken(&"expected a private key, got none"))?;
            Ok((key, certificates_of(store)))
        }
    }
}

/// The key's own first.
fn certificates_of(store: ParsedPkcs12_2) -> Vec<X509> {
    store.cert.into_iter().chain(store.ca.into_iter().flatten()).collect()
}

/// From the first certificate, each followed by the one that vouches for it; others are left out.
fn chain(mut certificates: Vec<X509>) -> Result<Vec<CertificateDer<'static>>, ErrorStack> {
    let mut chain = Vec::new();
    if certificates.is_empty() {
        return Ok(chain);
    }
    let mut last = certificates.remove(0);
    loop {
        chain.push(CertificateDer::from(last.to_der()?));
        let issuer = last.issuer_name().to_der()?;
        let is_issuer = |other: &X509| other.subject_name().to_der().is_ok_and(|subject| subject == issuer);
        match certificates.iter().position(is_issuer) {
            Some(at) => last = certificates.remove(at),
            None => return Ok(chain),
        }
    }
}

fn is_about(error: &ErrorStack, reason: &str) -> bool {
    error.errors().iter().any(|error| error.reason().is_some_and(|found| found.contains(reason)))
}

fn words(error: &ErrorStack) -> String {
    let reasons: Vec<_> = error.errors().iter().filter_map(openssl::error::Error::reason).collect();
    reasons.join(", ")
}
