//! Makes the settings of the REST server: where it listens, whom it trusts, which headers it sends.

use std::path::PathBuf;

use worker::settings::{
    Admin, Advertised, CrossOrigin, HeaderRule, Listener, Properties, Rest, Signatures, Tls,
};

use super::read::Reader;
use super::{headers, listeners};

pub fn rest(read: &mut Reader<'_>) -> Rest {
    let users = users(read);
    let main = listeners(read, "listeners");
    if main.is_empty() && read.problems.iter().all(|problem| problem.key.as_deref() != Some("listeners")) {
        read.refuse("listeners", "at least one address such as http://127.0.0.1:8083");
    }
    let admin = admin(read);
    let (tls, admin_tls) = (tls(read, "listeners.https."), tls(read, "admin.listeners.https."));
    require_certificate(read, &main, &tls);
    if let Admin::At(listeners) = &admin {
        require_certificate(read, listeners, &admin_tls);
    }
    warn_of_reach(read, "listeners", &main, users.is_some() || asks_certificates(&tls));
    if users.is_some() && main.iter().any(|listener| !listener.is_tls && !listeners::is_loopback(listener)) {
        read.warn("listeners", "passwords cross the network readable, https would hide them");
    }
    if let Admin::At(listeners) = &admin {
        warn_of_reach(read, "admin.listeners", listeners, asks_certificates(&admin_tls));
    }
    Rest {
        listeners: main,
        admin,
        advertised: Advertised {
            host: read.name("rest.advertised.host.name"),
            port: read.int("rest.advertised.port").and_then(|port| u16::try_from(port).ok()),
            scheme: read.name("rest.advertised.listener").map(|scheme| scheme.to_lowercase()),
        },
        tls,
        admin_tls,
        cross_origin: CrossOrigin {
            origins: read.list("access.control.allow.origin"),
            methods: read.list("access.control.allow.methods"),
        },
        response_headers: response_headers(read),
        users,
        signatures: signatures(read),
    }
}

fn listeners(read: &mut Reader<'_>, key: &str) -> Vec<Listener> {
    let mut found = Vec::new();
    for text in read.list(key) {
        match listeners::parse(&text) {
            Ok(parsed) => {
                if !parsed.had_host {
                    let (scheme, port) = (parsed.listener.scheme(), parsed.listener.port);
                    let every = format!("{scheme}://0.0.0.0:{port} would be every interface");
                    read.warn(key, &format!("{text} has no host and is served on loopback, {every}"));
                }
                found.push(parsed.listener);
            }
            Err(expected) => read.refuse(key, &expected),
        }
    }
    found
}

/// Unset and empty are different things here, as in Java.
fn admin(read: &mut Reader<'_>) -> Admin {
    if !read.raw.contains_key("admin.listeners") {
        return Admin::Beside;
    }
    let listeners = listeners(read, "admin.listeners");
    if listeners.is_empty() { Admin::Nowhere } else { Admin::At(listeners) }
}

/// Settings under the prefix count alone once there is one of them; else those without it are meant.
fn tls(read: &Reader<'_>, prefix: &'static str) -> Tls {
    let own = read.under(prefix);
    if !own.is_empty() {
        return Tls { prefix, settings: own };
    }
    let plain = read.raw.iter().filter(|(key, _)| key.starts_with("ssl."));
    let settings: Properties =
        plain.map(|(key, entry)| (key.clone(), entry.value.trim().to_owned())).collect();
    Tls { prefix: "", settings }
}

fn require_certificate(read: &mut Reader<'_>, listeners: &[Listener], tls: &Tls) {
    let has = |key: &str| tls.settings.get(key).is_some_and(|value| !value.is_empty());
    let is_wanted = listeners.iter().any(|listener| listener.is_tls);
    if is_wanted && !has("ssl.keystore.location") && !has("ssl.keystore.key") {
        let key = format!("{}ssl.keystore.location", tls.prefix);
        read.refuse(&key, "a PKCS12 or PEM file with key and certificate, because a listener is https");
    }
}

fn asks_certificates(tls: &Tls) -> bool {
    tls.settings.get("ssl.client.auth").is_some_and(|auth| auth.trim().eq_ignore_ascii_case("required"))
}

fn warn_of_reach(read: &mut Reader<'_>, key: &str, listeners: &[Listener], asks: bool) {
    for listener in listeners.iter().filter(|listener| !asks && !listeners::is_loopback(listener)) {
        let (scheme, host, port) = (listener.scheme(), &listener.host, listener.port);
        let what = if key == "listeners" { "run connectors" } else { "change log levels" };
        let nobody = "nothing asks who they are";
        let sentence =
            format!("{scheme}://{host}:{port} lets everybody who reaches this machine {what}, {nobody}");
        read.warn(key, &sentence);
    }
}

/// Extensions are Java classes and guard a worker more often than not: one that is left out opens a door.
fn users(read: &mut Reader<'_>) -> Option<PathBuf> {
    const KEY: &str = "rest.extension.classes";
    const BASIC: &str = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension";
    let classes = read.list(KEY);
    let is_basic = |class: &String| class == BASIC || BASIC.ends_with(&format!(".{class}"));
    if !classes.iter().all(is_basic) {
        read.refuse(KEY, &format!("nothing or {BASIC}, other extensions cannot be loaded"));
    }
    if classes.is_empty() {
        return None;
    }
    let file = read.required(JAAS_FILE, "basic authentication finds its users by this file");
    Some(PathBuf::from(file))
}

/// Java names this file by the system property `java.security.auth.login.config`.
pub const JAAS_FILE: &str = "penstock.rest.auth.jaas.file";

fn response_headers(read: &mut Reader<'_>) -> Vec<HeaderRule> {
    const KEY: &str = "response.http.headers.config";
    match headers::parse(read.text(KEY).unwrap_or_default()) {
        Ok(rules) => rules,
        Err(expected) => {
            read.refuse(KEY, &expected);
            Vec::new()
        }
    }
}

fn signatures(read: &mut Reader<'_>) -> Signatures {
    const KNOWN: [&str; 4] = ["HmacSHA1", "HmacSHA256", "HmacSHA384", "HmacSHA512"];
    const ACCEPTED: &str = "inter.worker.verification.algorithms";
    let known = |name: &String| KNOWN.iter().any(|known| known.eq_ignore_ascii_case(name));
    let accepted = read.list(ACCEPTED);
    if accepted.is_empty() || !accepted.iter().all(known) {
        read.refuse(ACCEPTED, &format!("some of {}", KNOWN.join(", ")));
    }
    let algorithm = read.name("inter.worker.signature.algorithm").unwrap_or_default();
    if !accepted.contains(&algorithm) {
        read.refuse("inter.worker.signature.algorithm", &format!("one that {ACCEPTED} lists"));
    }
    Signatures { algorithm, accepted }
}

#[cfg(test)]
#[path = "rest_tests.rs"]
mod tests;
