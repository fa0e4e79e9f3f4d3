//! Makes TLS configurations from Java's settings: versions, ciphers, whom to ask for a certificate.
use super::store::{self, text};
use crate::listener::Error;
use std::sync::Arc;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    self, CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig,
    SignatureScheme, SupportedProtocolVersion,
};
use worker::settings::Tls as Settings;

/// For a listener, and for requests to other workers.
pub(super) fn both(settings: &Settings) -> Result<(Arc<ServerConfig>, Arc<ClientConfig>), Error> {
    let ground = Ground::new(settings)?;
    Ok((Arc::new(ground.server()?), Arc::new(ground.client()?)))
}

pub(super) fn client_alone(settings: &Settings) -> Result<Arc<ClientConfig>, Error> {
    Ground::new(settings)?.client().map(Arc::new)
}

/// What both directions stand on.
struct Ground<'a> {
    settings: &'a Settings,
    provider: Arc<CryptoProvider>,
    versions: Vec<&'static SupportedProtocolVersion>,
    trusted: Option<Arc<RootCertStore>>,
}

impl<'a> Ground<'a> {
    fn new(settings: &'a Settings) -> Result<Self, Error> {
        let versions = versions(settings)?;
        let provider = Arc::new(provider(settings, &versions)?);
        let trusted = store::trusted(settings)?.map(|found| roots(settings, found)).transpose()?;
        Ok(Self { settings, provider, versions, trusted })
    }

    fn server(&self) -> Result<ServerConfig, Error> {
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.provider));
        let builder =
            builder.with_protocol_versions(&self.versions).map_err(|error| self.unusable(&error))?;
        let builder = builder.with_client_cert_verifier(self.client_verifier()?);
        let Some(identity) = store::identity(self.settings)? else {
            return Err(wrong(
                self.settings,
                "ssl.keystore.location",
                "expected key and certificate, got none",
            ));
        };
        let config = builder.with_single_cert(identity.chain, identity.key);
        let mut config = config.map_err(|error| self.unusable(&error))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    fn client(&self) -> Result<ClientConfig, Error> {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider));
        let builder =
            builder.with_protocol_versions(&self.versions).map_err(|error| self.unusable(&error))?;
        let trusted = self
            .trusted
            .clone()
            .unwrap_or_else(|| Arc::new(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }));
        let verifier = WebPkiServerVerifier::builder_with_provider(trusted, Arc::clone(&self.provider));
        let verifier = verifier.build().map_err(|error| self.unusable(&error))?;
        let verifier: Arc<dyn ServerCertVerifier> = match self.settings.settings.get(NAME_CHECK) {
            Some("") => Arc::new(AnyName(verifier)),
            _ => verifier,
        };
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
        let config = match store::identity(self.settings)? {
            Some(identity) => builder.with_client_auth_cert(identity.chain, identity.key),
            None => Ok(builder.with_no_client_auth()),
        };
        config.map_err(|error| self.unusable(&error))
    }

    fn client_verifier(&self) -> Result<Arc<dyn ClientCertVerifier>, Error> {
        let key = "ssl.client.auth";
        let asked = text(self.settings, key).unwrap_or("none").trim().to_ascii_lowercase();
        let is_required = match asked.as_str() {
            "none" => return Ok(WebPkiClientVerifier::no_client_auth()),
            "requested" => false,
            "required" => true,
            other => {
                let expected = format!("expected none, requested or required, got {other:?}");
                return Err(wrong(self.settings, key, &expected));
            }
        };
        let Some(trusted) = self.trusted.clone() else {
            let what = format!("expected the authorities of clients, because {key} is {asked}");
            return Err(wrong(self.settings, "ssl.truststore.location", &what));
        };
        let builder = WebPkiClientVerifier::builder_with_provider(trusted, Arc::clone(&self.provider));
        let builder = if is_required { builder } else { builder.allow_unauthenticated() };
        builder.build().map_err(|error| self.unusable(&error))
    }

    fn unusable(&self, reason: &dyn std::fmt::Display) -> Error {
        wrong(self.settings, "ssl.keystore.location", &format!("cannot be used: {reason}"))
    }
}

/// Empty means that any name will do, as in Java.
const NAME_CHECK: &str = "ssl.endpoint.identification.algorithm";

fn wrong(settings: &Settings, key: &str, what: &str) -> Error {
    Error::new(format!("{}{key}: {what}", settings.prefix))
}

fn list<'a>(settings: &'a Settings, key: &str) -> Option<Vec<&'a str>> {
    let parts = text(settings, key)?.split(',').map(str::trim).filter(|part| !part.is_empty());
    Some(parts.collect())
}

/// Older versions than TLS 1.2 are left out, as Java does by default.
fn versions(settings: &Settings) -> Result<Vec<&'static SupportedProtocolVersion>, Error> {
    let key = "ssl.enabled.protocols";
    let Some(names) = list(settings, key) else { return Ok(vec![&TLS13, &TLS12]) };
    let known = |name: &&str| match *name {
        "TLSv1.3" => Some(&TLS13),
        "TLSv1.2" => Some(&TLS12),
        _ => None,
    };
    let found: Vec<_> = names.iter().filter_map(known).collect();
    if found.is_empty() {
        return Err(wrong(settings, key, &format!("expected TLSv1.3 or TLSv1.2, got {}", names.join(","))));
    }
    Ok(found)
}

/// Only the ciphers that are named; those that are not known here are nothing that could be used.
fn provider(
    settings: &Settings,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<CryptoProvider, Error> {
    let key = "ssl.cipher.suites";
    let mut provider = ring::default_provider();
    let Some(names) = list(settings, key) else { return Ok(provider) };
    // Suites of TLS 1.3 carry its version in their names here, and nowhere else.
    let java = |suite: rustls::CipherSuite| format!("{suite:?}").replacen("TLS13_", "TLS_", 1);
    provider
        .cipher_suites
        .retain(|suite| versions.contains(&suite.version()) && names.contains(&java(suite.suite()).as_str()));
    let covers = |version| provider.cipher_suites.iter().any(|suite| suite.version() == version);
    if versions.iter().any(|version| covers(*version)) {
        return Ok(provider);
    }
    let known: Vec<_> = ring::default_provider().cipher_suites.iter().map(|s| java(s.suite())).collect();
    Err(wrong(settings, key, &format!("expected some of {}", known.join(", "))))
}

fn roots(settings: &Settings, trusted: Vec<CertificateDer<'static>>) -> Result<Arc<RootCertStore>, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in trusted {
        let added = roots.add(certificate);
        added.map_err(|error| wrong(settings, "ssl.truststore.location", &error.to_string()))?;
    }
    Ok(Arc::new(roots))
}

/// Trusts a certificate that an authority vouches for, whatever name it was given to.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        use CertificateError::{NotValidForName, NotValidForNameContext};
        // The name is looked at last, so nothing else is wrong.
        match self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })) => {
                Ok(ServerCertVerified::assertion())
            }
            outcome => outcome,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
