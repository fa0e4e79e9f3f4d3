//! Whom to trust and how to show oneself under TLS, and what its errors mean for a person.
use std::io;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{AlertDescription, CertificateError, ClientConfig, Error, RootCertStore};

use super::Trouble;
use crate::failure::{Cause, Failure};
use crate::settings::{CERTIFICATE, KEY, Pem, ROOT, SERVER_NAME, Trust};

/// Reads what the settings name. Nothing of a key or a file's content gets into a message.
pub fn config(trust: &Trust) -> Result<ClientConfig, Failure> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::new(Cause::Other, error.to_string()))?
        .with_root_certificates(roots(trust.root.as_ref())?);
    let Some((chain, key)) = &trust.client else { return Ok(builder.with_no_client_auth()) };
    let chain = certificates(CERTIFICATE, chain)?;
    let key = PrivateKeyDer::from_pem_slice(&read(KEY, key)?)
        .map_err(|_| wrong(KEY, "expected a private key in PEM without a password"))?;
    let made = builder.with_client_auth_cert(chain, key);
    made.map_err(|error| wrong(KEY, &format!("does not go with {CERTIFICATE}: {error}")))
}

fn roots(own: Option<&Pem>) -> Result<RootCertStore, Failure> {
    let mut roots = RootCertStore::empty();
    let Some(own) = own else {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        return Ok(roots);
    };
    for certificate in certificates(ROOT, own)? {
        roots.add(certificate).map_err(|error| wrong(ROOT, &format!("no usable certificate: {error}")))?;
    }
    Ok(roots)
}

fn certificates(setting: &str, pem: &Pem) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let bytes = read(setting, pem)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        _ => Err(wrong(setting, "expected certificates in PEM")),
    }
}

fn read(setting: &str, pem: &Pem) -> Result<Vec<u8>, Failure> {
    match pem {
        Pem::Text(text) => Ok(text.reveal().as_bytes().to_vec()),
        Pem::File(path) => std::fs::read(path).map_err(|error| {
            // What is no file may be a key without its first line.
            let may_be_key = setting == KEY || path.contains(char::is_control);
            let named = if may_be_key { "the file" } else { path };
            wrong(setting, &format!("reading {named}: {error}"))
        }),
    }
}

fn wrong(setting: &str, reason: &str) -> Failure {
    Failure::new(Cause::Unfit, format!("{setting}: {reason}"))
}

/// The name that the server's certificate must have.
pub fn server_name(name: &str) -> Result<ServerName<'static>, Trouble> {
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    ServerName::try_from(bare.to_owned())
        .map_err(|_| Trouble { sentence: format!("{name:?} is no name for TLS"), is_settings: true })
}

/// Why no secure connection was made.
pub fn trouble(error: &io::Error, name: &str) -> Trouble {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(error) => explain(error, name),
        None => Trouble { sentence: format!("TLS: {error}"), is_settings: false },
    }
}

/// What an error of TLS means; also of one that comes after the handshake, as a refused certificate does.
pub fn explain(error: &Error, name: &str) -> Trouble {
    let sentence = match error {
        Error::InvalidCertificate(reason) => match reason {
            // A namesake of the authority, with another key.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => format!(
                "TLS: the server's certificate was issued by an authority that is not trusted here; set {ROOT} to \
                 the authority's certificate"
            ),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => format!(
                "TLS: the server's certificate is not made out to {name}; use a name that is in it, or set \
                 {SERVER_NAME} to one"
            ),
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "TLS: the server's certificate has expired".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "TLS: the server's certificate is not valid yet: compare the clocks".to_owned()
            }
            reason => format!("TLS: the server's certificate is not accepted: {reason:?}"),
        },
        Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::AccessDenied,
        ) => format!("TLS: the server does not accept this client's certificate, see {CERTIFICATE}: {error}"),
        Error::AlertReceived(AlertDescription::HandshakeFailure) => format!(
            "TLS: the server asks for a certificate, see {CERTIFICATE}, or has no cipher in common with this client, \
             which takes those of TLS 1.2 and 1.3 alone: {error}"
        ),
        Error::InvalidMessage(_) => {
            "TLS: the server does not speak TLS on this port; name its HTTPS port, or set ssl to false"
                .to_owned()
        }
        error => return Trouble { sentence: format!("TLS: {error}"), is_settings: false },
    };
    Trouble { sentence, is_settings: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(client: (&str, &str)) -> String {
        let file = |text: &str| Pem::File(text.to_owned());
        let trust = Trust { client: Some((file(client.0), file(client.1))), ..Trust::default() };
        config(&trust).unwrap_err().sentence
    }

    #[test]
    fn a_server_that_breaks_the_handshake_off_may_lack_more_than_a_certificate() {
        let told = |alert| explain(&Error::AlertReceived(alert), "a").sentence;
        let handshake = told(AlertDescription::HandshakeFailure);
        assert!(handshake.contains("no cipher in common") && handshake.contains(CERTIFICATE), "{handshake}");
        let unknown = told(AlertDescription::UnknownCA);
        assert!(
            unknown.starts_with("TLS: the server does not accept this client's certificate, see"),
            "{unknown}"
        );
    }

    #[test]
    fn what_may_be_a_key_is_no_path_that_a_message_shows() {
        let path = told(("/nowhere/c.pem", "x"));
        assert!(path.starts_with("sslClientCertificate: reading /nowhere/c.pem: "), "{path}");
        let pasted = told(("MIIs3cret\nMIIs3cret", "x"));
        assert!(pasted.starts_with("sslClientCertificate: reading the file: "), "{pasted}");
        assert!(!pasted.contains("s3cret"), "{pasted}");
        let file = std::env::temp_dir().join(format!("penstock-tls-{}.pem", std::process::id()));
        let text = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap().cert.pem();
        std::fs::write(&file, text).unwrap();
        let key = told((file.to_str().unwrap(), "MIIs3cret"));
        std::fs::remove_file(&file).unwrap();
        assert!(key.starts_with("sslClientKey: reading the file: "), "{key}");
        assert!(!key.contains("s3cret"), "{key}");
    }
}
