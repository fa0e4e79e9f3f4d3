//! Keys that nobody may set, and keys that a connector may not set.

use std::collections::BTreeMap;

use crate::Error;

/// Keys that load code or run commands: not even the operator needs them here.
pub(super) fn check_code_loading(given: &BTreeMap<String, String>) -> Result<(), Error> {
    const KEYS: [&str; 6] = [
        "plugin.library.paths",
        "ssl.engine.location",
        "ssl.engine.id",
        "ssl.providers",
        "sasl.kerberos.kinit.cmd",
        "offset.store.path",
    ];
    match given.keys().find(|key| KEYS.contains(&key.as_str())) {
        Some(key) => {
            Err(Error::config(format!("{key}: not allowed, it loads code, runs a command or writes a file")))
        }
        None => Ok(()),
    }
}

pub(super) fn check_untrusted(given: &BTreeMap<String, String>) -> Result<(), Error> {
    check_code_loading(given)?;
    for key in given.keys() {
        if let Some(reason) = reason(key) {
            return Err(Error::config(format!(
                "{key}: not allowed in a connector's configuration, {reason}"
            )));
        }
    }
    Ok(())
}

fn reason(key: &str) -> Option<&'static str> {
    const OF_FILES: [&str; 5] = ["location", "file", "path", "paths", "keytab"];
    let names_a_file = key.rsplit('.').next().is_some_and(|last| OF_FILES.contains(&last));
    if names_a_file {
        Some(
            "it names a file of the worker's machine; give certificates inline, for example by ssl.truststore.certificates",
        )
    } else if key.starts_with("sasl.oauthbearer.") || key.starts_with("sasl.kerberos.") {
        Some("it makes the worker read files, call addresses or use its own identity")
    } else if key == "debug" || key == "log_level" || key == "statistics.interval.ms" {
        Some("it floods the worker's log")
    } else if key == "ssl.ca.certificate.stores"
        || key == "ssl.engine.factory.class"
        || key == "security.providers"
    {
        Some("it chooses whom the worker trusts or which code checks it")
    } else {
        None
    }
}
