//! Keys that nobody may set, and keys that no policy lets a connector set.

use super::jaas;
use super::login::Map;
use crate::Error;

/// librdkafka's keys that load code, run commands, write files or replace the login: not even the operator needs
/// them here.
pub(super) const NOBODYS: &[&str] = &[
    "builtin.features",
    "enable.sasl.oauthbearer.unsecure.jwt",
    "offset.store.method",
    "offset.store.path",
    "offset.store.sync.interval.ms",
    "plugin.library.paths",
    "sasl.kerberos.kinit.cmd",
    "sasl.oauthbearer.config",
    "sasl.oauthbearer.grant.type",
    "sasl.oauthbearer.metadata.authentication.type",
    "sasl.oauthbearer.method",
    "ssl.engine.id",
    "ssl.engine.location",
    "ssl.providers",
];

pub(super) fn check_operator(given: &Map) -> Result<(), Error> {
    // Java has a key of this name, with a harmless default that people write down.
    let is_refused = |key: &&String| NOBODYS.contains(&key.as_str()) && *key != "sasl.kerberos.kinit.cmd";
    match given.keys().find(is_refused) {
        Some(key) => Err(Error::config(format!(
            "{key}: not allowed, it loads code, runs a command, writes a file or replaces the login"
        ))),
        None => Ok(()),
    }
}

pub(super) fn check_connector(given: &Map) -> Result<(), Error> {
    match given.iter().find_map(|(key, value)| override_refusal(key, value)) {
        Some(refusal) => Err(Error::config(refusal)),
        None => Ok(()),
    }
}

/// Why no policy lets a connector set this, if so. The sentence starts with the key and repeats no value.
pub fn override_refusal(key: &str, value: &str) -> Option<String> {
    reason(key)
        .or_else(|| reason_in(key, value))
        .map(|reason| format!("{key}: not allowed in a connector's configuration, {reason}"))
}

const OAUTH_ALLOWED: [&str; 3] = [
    "sasl.oauthbearer.client.credentials.client.id",
    "sasl.oauthbearer.client.credentials.client.secret",
    "sasl.oauthbearer.scope",
];

fn reason(key: &str) -> Option<&'static str> {
    const OF_FILES: [&str; 6] = ["location", "file", "path", "paths", "keytab", "dir"];
    const OF_CODE: [&str; 6] = ["class", "classes", "providers", "provider", "reporters", "implementation"];
    const OF_TRUST: [&str; 4] = [
        "enable.ssl.certificate.verification",
        "ssl.ca.certificate.stores",
        "ssl.trustmanager.algorithm",
        "ssl.keymanager.algorithm",
    ];
    let last = key.rsplit('.').next().unwrap_or_default();
    if NOBODYS.contains(&key) {
        Some("it loads code, runs a command, writes a file or replaces the login")
    } else if OF_FILES.contains(&last) {
        Some(
            "it names a file of the worker's machine; give certificates inline, for example by ssl.truststore.certificates",
        )
    } else if OAUTH_ALLOWED.contains(&key) {
        None
    } else if ["sasl.oauthbearer.", "sasl.kerberos.", "https."].iter().any(|prefix| key.starts_with(prefix)) {
        Some("it makes the worker read files, call addresses or use its own identity")
    } else if ["debug", "log_level", "log.queue", "log.thread.name", "statistics.interval.ms"].contains(&key)
    {
        Some("it floods the worker's log, in which it may show secrets")
    } else if OF_TRUST.contains(&key) {
        Some("it chooses whom the worker trusts")
    } else if OF_CODE.contains(&last) && !HARMLESS_CLASSES.contains(&key) {
        Some("it names code")
    } else if key == "ssl.engine" || key.starts_with("ssl.engine.") {
        Some("it names code that checks certificates")
    } else {
        None
    }
}

/// Java's names of what is built in here; others are refused when they are translated.
const HARMLESS_CLASSES: [&str; 5] = [
    "interceptor.classes",
    "metric.reporters",
    "partitioner.class",
    "sasl.oauthbearer.jwt.retriever.class",
    "sasl.oauthbearer.jwt.validator.class",
];

fn reason_in(key: &str, value: &str) -> Option<&'static str> {
    match key {
        "sasl.jaas.config" => reason_in_jaas(value),
        "sasl.mechanism" | "sasl.mechanisms" if value.trim() == "AWS_MSK_IAM" => {
            Some("it would use the worker's own identity at AWS")
        }
        "sasl.mechanism" | "sasl.mechanisms" if value.trim() == "GSSAPI" => {
            Some("it would use the worker's own Kerberos login")
        }
        _ => None,
    }
}

fn reason_in_jaas(line: &str) -> Option<&'static str> {
    // A line that cannot be read is refused with its reason when it is translated.
    let module = jaas::parse(line).ok()?;
    let is_login =
        ["PlainLoginModule", "ScramLoginModule", "OAuthBearerLoginModule"].contains(&module.name.as_str());
    if !is_login {
        return Some(
            "its login module runs code or uses the worker's own identity; expected PlainLoginModule, ScramLoginModule or OAuthBearerLoginModule",
        );
    }
    // Stores for the token endpoint are files.
    let reaches_out =
        |name: &String| name.starts_with("ssl.") || name.starts_with("sasl.") || name.ends_with("file");
    module
        .options
        .keys()
        .any(reaches_out)
        .then_some("an option of its login module names a file or an address")
}
