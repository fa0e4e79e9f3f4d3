//! Translates who a client is: mechanism, JAAS line, and where OAuth tokens come from.

use std::collections::BTreeMap;
use std::time::Duration;

use super::jaas::{self, Module, bad};
use super::{Untranslated, oauth, stores};
use crate::Error;
use crate::oauth::{Pace, Source};

pub(super) type Map = BTreeMap<String, String>;

/// Where OAuth tokens come from, and how often.
pub(super) type Tokens = Option<(Source, Pace)>;

const MECHANISMS: &str = "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or AWS_MSK_IAM";

/// Every key that starts with `sasl.` is this module's.
pub(super) fn translate(
    given: &Map,
    out: &mut Map,
    left_out: &mut Vec<Untranslated>,
) -> Result<Tokens, Error> {
    let keys = given.keys().filter(|key| key.starts_with("sasl."));
    let mut ignore = |reason: &'static str, used: &dyn Fn(&str) -> bool| {
        let unused = keys.clone().filter(|key| !used(key));
        left_out.extend(unused.map(|key| Untranslated { key: key.clone(), reason }));
    };
    let protocol = given.get("security.protocol").map_or("PLAINTEXT", String::as_str);
    if !protocol.trim().to_uppercase().starts_with("SASL") {
        ignore("security.protocol is neither SASL_SSL nor SASL_PLAINTEXT", &|_| false);
        return Ok(None);
    }
    let mechanism = given.get("sasl.mechanism").or_else(|| given.get("sasl.mechanisms"));
    let mechanism = mechanism.map_or("GSSAPI", |mechanism| mechanism.trim());
    let module = given.get("sasl.jaas.config").map(|line| jaas::parse(line)).transpose()?;
    match mechanism {
        "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512" => {
            password(given, out, module.as_ref())?;
            out.insert("sasl.mechanism".into(), mechanism.to_owned());
            ignore("this mechanism has no use for it", &|key| OF_PASSWORDS.contains(&key));
            Ok(None)
        }
        "OAUTHBEARER" | "AWS_MSK_IAM" => {
            let source = if mechanism == "AWS_MSK_IAM" || oauth::is_msk(given, module.as_ref()) {
                oauth::msk(given, module.as_ref())?
            } else {
                oauth::source(given, module.as_ref())?
            };
            out.insert("sasl.mechanism".into(), "OAUTHBEARER".into());
            let pace = oauth::pace(given)?;
            ignore("it tunes Java's own implementation", &oauth::is_used);
            Ok(Some((source, pace)))
        }
        "GSSAPI" => Err(Error::config(format!(
            "sasl.mechanism: GSSAPI (Kerberos), which is Java's default, is not part of this build; expected {MECHANISMS}"
        ))),
        other => Err(Error::config(format!("sasl.mechanism: expected {MECHANISMS}, got \"{other}\""))),
    }
}

const OF_PASSWORDS: [&str; 5] =
    ["sasl.mechanism", "sasl.mechanisms", "sasl.jaas.config", "sasl.username", "sasl.password"];

fn password(given: &Map, out: &mut Map, module: Option<&Module>) -> Result<(), Error> {
    refuse_handlers(given, &[])?;
    let (username, password) = match module {
        Some(module) if ["PlainLoginModule", "ScramLoginModule"].contains(&module.name.as_str()) => {
            if module.option("tokenauth").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
                return Err(bad(
                    "tokenauth (delegation tokens) is not part of this build; expected a password",
                ));
            }
            (module.require("username")?, module.require("password")?)
        }
        Some(_) => {
            return Err(bad(
                "expected PlainLoginModule or ScramLoginModule for this sasl.mechanism; other login modules are Java code",
            ));
        }
        None => match (given.get("sasl.username"), given.get("sasl.password")) {
            (Some(username), Some(password)) => (username.clone(), password.clone()),
            _ => return Err(bad("expected a login module with username=\"…\" and password=\"…\"")),
        },
    };
    out.insert("sasl.username".into(), username);
    out.insert("sasl.password".into(), password);
    Ok(())
}

/// Java code cannot run here; that of Kafka itself and of AWS is known by what it does.
pub(super) fn refuse_handlers(given: &Map, known: &[&str]) -> Result<(), Error> {
    const KEYS: [&str; 3] =
        ["sasl.login.callback.handler.class", "sasl.client.callback.handler.class", "sasl.login.class"];
    for key in KEYS {
        let Some(class) = given.get(key).filter(|class| !class.trim().is_empty()) else { continue };
        if !class.rsplit('.').next().is_some_and(|name| known.contains(&name)) {
            return Err(Error::config(format!(
                "{key}: it names Java code that decides about security, which cannot run here; expected {}",
                if known.is_empty() { "nothing".to_owned() } else { known.join(" or ") }
            )));
        }
    }
    Ok(())
}

/// A number of milliseconds.
pub(super) fn millis(given: &Map, key: &str) -> Result<Option<Duration>, Error> {
    let Some(value) = given.get(key).map(|value| value.trim()) else { return Ok(None) };
    let millis: u64 =
        value.parse().map_err(|_| Error::config(format!("{key}: expected milliseconds, got \"{value}\"")))?;
    Ok(Some(Duration::from_millis(millis)))
}

/// The authorities that a JAAS line names for the token endpoint, as PEM.
pub(super) fn roots_of(module: &Module) -> Result<Option<String>, Error> {
    let named: Map = module.below("ssl.truststore.").into_iter().collect();
    let named: Map = named.into_iter().map(|(key, value)| (format!("ssl.truststore.{key}"), value)).collect();
    stores::trusted(&named)
}
