//! Tells faults of login and TLS, which a person has to repair, from connections that come and go.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::types::RDKafkaErrorCode as Code;

use crate::error::kind_of;
use crate::oauth::TRYING_AGAIN;
use crate::probe::Probe;
use crate::{Error, Kind};

/// What librdkafka puts before the reason why a client has no token.
pub(crate) const NO_TOKEN: &str = "Failed to acquire SASL OAUTHBEARER token: ";

/// Rewords what librdkafka reports of a connection: what is wrong, with whom, and what to change. The code tells
/// whether it passes by itself.
pub(crate) fn judge(code: Code, reason: &str, probe: &Probe) -> (Code, String) {
    match code {
        Code::Authentication | Code::SaslAuthenticationFailed => of_login(reason),
        Code::SSL | Code::BrokerTransportFailure => of_tls(code, reason, probe),
        _ => (code, reason.to_owned()),
    }
}

fn of_login(reason: &str) -> (Code, String) {
    // A broker that goes down in the middle of a login is reported as a failed login.
    const AWAY: [&str; 6] =
        ["Disconnected", "hung up", "timed out", "Timed out", "transport failure", "Connection "];
    if reason.contains(TRYING_AGAIN) || AWAY.iter().any(|mark| reason.contains(mark)) {
        return (Code::BrokerTransportFailure, reason.to_owned());
    }
    if let Some((_, why)) = reason.split_once(NO_TOKEN) {
        return (Code::Authentication, format!("no OAuth token: {why}"));
    }
    let (broker, said) = split(reason);
    let advice = if said.contains("mechanism handshake failed") {
        "set sasl.mechanism to one that the broker supports"
    } else {
        "check sasl.mechanism and the user and password, or the token, in sasl.jaas.config"
    };
    (Code::Authentication, format!("{broker} refused the login: {said}; {advice}"))
}

/// When the broker cannot be asked again.
const UNTRUSTED: &str = "it has expired, is for another host name, or comes from an authority that ssl.truststore.* does \
                         not name (keytool -printcert -sslserver shows it)";

fn of_tls(code: Code, reason: &str, probe: &Probe) -> (Code, String) {
    let (broker, said) = split(reason);
    let lasting = |what: &str| (Code::Authentication, format!("{broker}: {what}"));
    if said.contains("certificate verify failed") || said.contains("Failed to verify broker certificate") {
        let fault = probe.fault(broker).unwrap_or_else(|| UNTRUSTED.to_owned());
        return lasting(&format!("its certificate is not trusted: {fault}"));
    }
    if said.contains("alert") && said.contains("certificate") || said.contains("alert unknown ca") {
        return lasting(
            "it does not accept our certificate: set ssl.keystore.* to a certificate that it trusts and that \
             has not expired",
        );
    }
    if said.contains("wrong version number") || said.contains("packet length too long") {
        return lasting("it does not speak TLS on this port: check security.protocol and bootstrap.servers");
    }
    if code == Code::SSL && said.contains("alert protocol version") {
        return lasting("it takes neither TLS 1.2 nor TLS 1.3: check ssl.enabled.protocols on both sides");
    }
    if code == Code::SSL && said.contains("alert handshake failure") {
        return lasting(
            "it shares no cipher with us, or wants a certificate: check ssl.cipher.suites and ssl.keystore.*",
        );
    }
    if code == Code::SSL && said.contains("handshake") {
        return lasting(said);
    }
    // Whatever TLS says of a connection that stood already, as of one that was cut, passes.
    (Code::BrokerTransportFailure, reason.to_owned())
}

/// `sasl_ssl://host:9093/bootstrap: what happened (after 5ms in state X)` in its parts.
fn split(reason: &str) -> (&str, &str) {
    let told = reason.split(" (after ").next().unwrap_or(reason);
    let (broker, said) = match told.find("://") {
        Some(scheme) => match told[scheme..].find(": ") {
            Some(end) => (&told[..scheme + end], &told[scheme + end + 2..]),
            None => return ("the broker", told),
        },
        None => return ("the broker", told),
    };
    let broker = broker.rsplit("://").next().unwrap_or(broker);
    (broker.split('/').next().unwrap_or(broker), said)
}

/// The fault that a safe client stands before, if any. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trouble(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// Spares the lock for each record that is delivered.
    stands: AtomicBool,
    standing: Mutex<Option<Standing>>,
}

#[derive(Clone, Debug)]
struct Standing {
    error: Error,
    since: Instant,
}

impl Trouble {
    /// True when it is a fault, and another one than before.
    pub(crate) fn report(&self, code: Code, reason: &str) -> bool {
        if kind_of(code) != Kind::Config {
            return false;
        }
        let mut standing = self.0.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = standing.as_ref().is_none_or(|standing| standing.error.message != reason);
        let since = standing.as_ref().map_or_else(Instant::now, |standing| standing.since);
        self.0.stands.store(true, Ordering::Release);
        *standing = Some(Standing { error: Error::config(reason), since });
        is_new
    }

    /// Something worked: the fault is gone, or is not everybody's.
    pub(crate) fn clear(&self) {
        if !self.0.stands.load(Ordering::Acquire) {
            return;
        }
        let mut standing = self.0.standing.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.stands.store(false, Ordering::Release);
        *standing = None;
    }

    /// The fault, when it has stood for so long since `start`.
    pub(crate) fn standing(&self, start: Instant, grace: Duration) -> Option<Error> {
        let standing = self.0.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let standing = standing.as_ref()?;
        (standing.since.max(start).elapsed() >= grace).then(|| standing.error.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: Code, reason: &str, kind: Kind, expected: &str) {
        let (code, told) = judge(code, reason, &Probe::default());
        assert_eq!(kind_of(code), kind, "{told}");
        assert!(told.starts_with(expected), "{told}");
    }

    #[test]
    fn a_refused_login_names_the_broker_and_what_to_check() {
        check(
            Code::Authentication,
            "sasl_ssl://kafka:9093/bootstrap: SASL authentication error: Authentication failed: Invalid username or password (after 311ms in state AUTH_REQ)",
            Kind::Config,
            "kafka:9093 refused the login: SASL authentication error: Authentication failed: Invalid username or password; check sasl.mechanism",
        );
        check(
            Code::Authentication,
            "sasl_plaintext://[::1]:9/1: SASL GSSAPI mechanism handshake failed: Broker: Unsupported: broker's supported mechanisms: PLAIN (after 1ms in state AUTH_HANDSHAKE)",
            Kind::Config,
            "[::1]:9 refused the login: SASL GSSAPI mechanism",
        );
    }

    #[test]
    fn a_broker_that_goes_down_in_a_login_passes() {
        for reason in [
            "sasl_ssl://a:1/1: SASL PLAIN mechanism handshake failed: Local: Broker transport failure: broker's supported mechanisms: ",
            "sasl_ssl://a:1/1: Disconnected: hung up from peer in state AUTH_LEGACY",
            "Failed to acquire SASL OAUTHBEARER token: token endpoint http://a: no answer in time; trying again",
        ] {
            check(Code::Authentication, reason, Kind::Retry, &reason[..10]);
        }
        check(Code::SSL, "ssl://a:1/1: SSL_read failed: unexpected eof", Kind::Retry, "ssl://a");
        check(
            Code::BrokerTransportFailure,
            "ssl://a:1/1: SSL handshake failed: Disconnected",
            Kind::Retry,
            "ssl:",
        );
        check(Code::Resolve, "x", Kind::Retry, "x");
    }

    #[test]
    fn faults_of_certificates_say_whose_and_what_to_set() {
        check(
            Code::SSL,
            "ssl://localhost:9094/bootstrap: SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: broker certificate could not be verified, verify that ssl.ca.location is correctly configured (after 5ms in state SSL_HANDSHAKE)",
            Kind::Config,
            "localhost:9094: its certificate is not trusted: ",
        );
        check(
            Code::SSL,
            "ssl://a:1/1: SSL handshake failed: error:0A00045C:SSL routines::tlsv13 alert certificate required (after 1ms)",
            Kind::Config,
            "a:1: it does not accept our certificate: ",
        );
        check(
            Code::SSL,
            "ssl://a:1/1: SSL handshake failed: error:0A00010B:SSL routines::wrong version number",
            Kind::Config,
            "a:1: it does not speak TLS",
        );
    }

    #[test]
    fn a_fault_stands_until_something_works() {
        let trouble = Trouble::default();
        let start = Instant::now();
        assert!(!trouble.report(Code::BrokerTransportFailure, "away"));
        assert!(trouble.report(Code::Authentication, "no"));
        assert!(!trouble.clone().report(Code::Authentication, "no"));
        assert_eq!(trouble.standing(start, Duration::ZERO), Some(Error::config("no")));
        assert_eq!(trouble.standing(start, Duration::from_secs(60)), None);
        trouble.clear();
        assert_eq!(trouble.standing(start, Duration::ZERO), None);
    }
}
