//! Small requests to token endpoints: bounded in time and size, without redirects.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use super::source::Failure;

/// Whom an endpoint's certificate has to come from.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Roots {
    /// The machine's bundle, or Mozilla's when it has none.
    System,
    /// PEM text.
    Only(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub connect: Duration,
    pub whole: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), whole: Duration::from_secs(30) }
    }
}

/// What came back.
pub(super) struct Answer {
    pub status: u16,
    pub body: String,
}

pub(super) enum Request<'a> {
    Get,
    Put,
    PostForm(&'a str),
}

pub(super) struct Call<'a> {
    pub url: &'a str,
    pub request: Request<'a>,
    pub headers: &'a [(&'a str, &'a str)],
    pub limits: Limits,
    pub roots: &'a Roots,
}

const BODY_BYTES_MAX: u64 = 256 * 1024;

impl Call<'_> {
    /// An error says what went wrong, never where to: the caller knows how its address may be shown.
    pub(super) fn send(&self) -> Result<Answer, Failure> {
        let agent = agent(self.limits, self.roots)?;
        let sent = match self.request {
            Request::Get => with_headers(agent.get(self.url), self.headers).call(),
            Request::Put => with_headers(agent.put(self.url), self.headers).send_empty(),
            Request::PostForm(body) => with_headers(agent.post(self.url), self.headers)
                .header("content-type", "application/x-www-form-urlencoded")
                .send(body),
        };
        let mut answer = sent.map_err(|error| describe(&error))?;
        let body = answer.body_mut().with_config().limit(BODY_BYTES_MAX).read_to_string();
        Ok(Answer { status: answer.status().as_u16(), body: body.map_err(|error| describe(&error))? })
    }
}

fn with_headers<T>(request: ureq::RequestBuilder<T>, headers: &[(&str, &str)]) -> ureq::RequestBuilder<T> {
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
}

fn agent(limits: Limits, roots: &Roots) -> Result<ureq::Agent, Failure> {
    let roots = match roots {
        Roots::System => system_roots(),
        Roots::Only(pem) => RootCerts::Specific(Arc::new(certificates(pem)?)),
    };
    Ok(ureq::Agent::config_builder()
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .timeout_connect(Some(limits.connect))
        .timeout_global(Some(limits.whole))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("penstock/", env!("CARGO_PKG_VERSION")))
        .build()
        .into())
}

/// Where distributions keep the certificates that the whole machine trusts.
const BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

fn system_roots() -> RootCerts {
    let named = std::env::var("SSL_CERT_FILE").ok();
    let mut bundles = named.as_deref().into_iter().chain(BUNDLES);
    let read = |path: &str| {
        let pem = std::fs::read_to_string(Path::new(path)).ok()?;
        certificates(&pem).ok().filter(|found| !found.is_empty())
    };
    bundles.find_map(read).map_or(RootCerts::WebPki, |found| RootCerts::Specific(Arc::new(found)))
}

fn certificates(pem: &str) -> Result<Vec<Certificate<'static>>, Failure> {
    let mut found = Vec::new();
    for item in parse_pem(pem.as_bytes()) {
        match item {
            Ok(PemItem::Certificate(certificate)) => found.push(certificate),
            Ok(_) => {}
            Err(_) => return Err(Failure::lasting("a trusted certificate is not in PEM format")),
        }
    }
    Ok(found)
}

fn describe(error: &ureq::Error) -> Failure {
    match error {
        ureq::Error::Rustls(reason) => of_tls(reason),
        // What goes wrong in a handshake comes as this kind.
        ureq::Error::Io(reason) if reason.kind() == std::io::ErrorKind::InvalidData => of_tls(reason),
        ureq::Error::RedirectFailed | ureq::Error::TooManyRedirects => {
            Failure::lasting("redirects are not followed, give the final address")
        }
        ureq::Error::BadUri(_) => Failure::lasting("expected an http or https URL"),
        ureq::Error::Io(reason) => Failure::passing(format!("no connection: {reason}")),
        ureq::Error::Timeout(_) => Failure::passing("no answer in time"),
        ureq::Error::HostNotFound => Failure::passing("its host name is not known"),
        ureq::Error::BodyExceedsLimit(_) => Failure::passing("its answer is longer than 256 KiB"),
        other => Failure::passing(format!("no usable answer: {other}")),
    }
}

fn of_tls(reason: &impl std::fmt::Display) -> Failure {
    Failure::lasting(format!(
        "its certificate is not trusted, or it speaks no TLS: {reason}; name its authority by ssl.truststore.location in \
         sasl.jaas.config"
    ))
}
