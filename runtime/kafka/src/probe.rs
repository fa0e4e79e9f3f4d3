//! Looks at a broker's certificate once more, to say what is wrong with it: librdkafka tells only that something is.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use openssl::ssl::{HandshakeError, SslConnector, SslMethod};
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::{X509, X509VerifyResult};
use rdkafka::ClientConfig;

/// For each of looking up, connecting and the handshake: this runs where a client reports its errors.
const PATIENCE: Duration = Duration::from_secs(2);

// Of OpenSSL's numbers, which never change.
const NOT_YET_VALID: i32 = 9;
const EXPIRED: i32 = 10;
const OTHER_HOST: i32 = 62;
const OTHER_ADDRESS: i32 = 64;

/// Whom a client trusts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Probe {
    authorities: Authorities,
    checks_host: bool,
}

#[derive(Clone, Debug, Default)]
enum Authorities {
    /// Those of the machine, which librdkafka looks for by itself.
    #[default]
    Machine,
    Pem(String),
    File(String),
}

impl Probe {
    pub(crate) fn of(config: &ClientConfig) -> Self {
        Self::new(|key| config.get(key))
    }

    pub(crate) fn new<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Self {
        let file = get("ssl.ca.location").filter(|path| *path != "probe");
        let authorities = match (get("ssl.ca.pem"), file) {
            (Some(pem), _) => Authorities::Pem(pem.to_owned()),
            (None, Some(path)) => Authorities::File(path.to_owned()),
            (None, None) => Authorities::Machine,
        };
        Self { authorities, checks_host: get("ssl.endpoint.identification.algorithm") != Some("none") }
    }

    /// What is wrong with the certificate of `host:port`, and what to do. None when nothing is, or nobody answers.
    pub(crate) fn fault(&self, broker: &str) -> Option<String> {
        let result = self.verify(broker)?;
        let reason = result.error_string();
        Some(match result.as_raw() {
            EXPIRED => format!("{reason}; renew it, or set the clock of this machine"),
            NOT_YET_VALID => format!("{reason}; set the clock of this machine or of whoever issued it"),
            OTHER_HOST | OTHER_ADDRESS => format!(
                "{reason}; connect by a name that stands in it, or set ssl.endpoint.identification.algorithm to nothing"
            ),
            _ => format!("{reason}; name its authority by ssl.truststore.*"),
        })
    }

    fn verify(&self, broker: &str) -> Option<X509VerifyResult> {
        let (host, _port) = broker.rsplit_once(':')?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let address = broker.to_socket_addrs().ok()?.next()?;
        let stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        stream.set_write_timeout(Some(PATIENCE)).ok()?;
        let connector = self.connector()?.build();
        let outcome = connector.configure().ok()?.verify_hostname(self.checks_host).connect(host, stream);
        match outcome {
            Err(HandshakeError::Failure(failed)) => {
                Some(failed.ssl().verify_result()).filter(|result| *result != X509VerifyResult::OK)
            }
            _ => None,
        }
    }

    fn connector(&self) -> Option<openssl::ssl::SslConnectorBuilder> {
        let mut builder = SslConnector::builder(SslMethod::tls_client()).ok()?;
        match &self.authorities {
            Authorities::Machine => return None,
            Authorities::File(path) => builder.set_ca_file(path).ok()?,
            Authorities::Pem(pem) => {
                let mut store = X509StoreBuilder::new().ok()?;
                for certificate in X509::stack_from_pem(pem.as_bytes()).ok()? {
                    store.add_cert(certificate).ok()?;
                }
                builder.set_verify_cert_store(store.build()).ok()?;
            }
        }
        Some(builder)
    }
}
