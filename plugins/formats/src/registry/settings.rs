//! The settings of a registry under the names that Confluent's serialisers have for them.

use super::address::{self, Address, Pin};
use crate::{Error, Result};
use std::fmt;

/// Where the registry is and how to sign in. Certificates are read when this is made.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    pub(super) roots: Vec<String>,
    pub(super) headers: Vec<(&'static str, String)>,
    /// Authorities to trust instead of the public ones, and the client's own chain and key, as PEM.
    pub(super) authorities: Option<String>,
    pub(super) identity: Option<String>,
    pin: Option<Pin>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("roots", &self.roots).finish_non_exhaustive()
    }
}

impl Settings {
    /// Reads them from wherever `get` finds a setting's value.
    pub fn parse<'a>(get: &dyn Fn(&str) -> Option<&'a str>) -> Result<Self> {
        if get("schema.registry.ssl.endpoint.identification.algorithm").is_some_and(str::is_empty) {
            return Err(Error::config(
                "schema.registry.ssl.endpoint.identification.algorithm: names of certificates are always checked",
            ));
        }
        let get = |key: &str| get(key).map(str::trim).filter(|value| !value.is_empty());
        let urls = get(URL).ok_or_else(|| Error::config(format!("{URL}: is missing, and has no default")))?;
        let addresses = urls.split(',').filter(|url| !url.trim().is_empty()).map(address::parse);
        let addresses = addresses.collect::<Result<Vec<Address>>>()?;
        if addresses.len() > URLS_MAX {
            return Err(Error::config(format!("{URL}: {} addresses, at most {URLS_MAX}", addresses.len())));
        }
        let Some(first) = addresses.first() else { return Err(Error::config(format!("{URL}: is empty"))) };
        if addresses.iter().any(|address| address.pin != first.pin) {
            return Err(Error::config(format!(
                "{URL}: the addresses have to name the same schema or subject"
            )));
        }
        refuse_foreign(&get)?;
        let mut headers = Vec::new();
        if let Some(value) = authorization(&get, first.user_info.as_deref())? {
            headers.push(("authorization", value));
        }
        for (key, header) in [
            ("bearer.auth.logical.cluster", "target-sr-cluster"),
            ("bearer.auth.identity.pool.id", "Confluent-Identity-Pool-Id"),
        ] {
            if let Some(value) = get(key) {
                headers.push((header, value.to_owned()));
            }
        }
        Ok(Self {
            roots: addresses.iter().map(|address| address.root.clone()).collect(),
            headers,
            authorities: pem(&get, "truststore", "certificates")?,
            identity: identity(&get)?,
            pin: first.pin.clone(),
        })
    }

    /// The schema that the address itself names.
    pub fn pin(&self) -> Option<&Pin> {
        self.pin.as_ref()
    }

    /// Whether whatever is known under the one holds under the other.
    pub(super) fn is_same_registry(&self, other: &Self) -> bool {
        let key =
            |of: &Self| (of.roots.clone(), of.headers.clone(), of.authorities.clone(), of.identity.clone());
        key(self) == key(other)
    }
}

type Get<'g, 'a> = &'g dyn Fn(&str) -> Option<&'a str>;

/// What would be taken for granted if it was passed over in silence.
fn refuse_foreign(get: Get<'_, '_>) -> Result<()> {
    for key in ["proxy.host", "schema.registry.ssl.engine.factory.class", "schema.registry.ssl.provider"] {
        if get(key).is_some() {
            return Err(Error::config(format!("{key}: is not supported, leave it out")));
        }
    }
    Ok(())
}

fn authorization(get: Get<'_, '_>, of_url: Option<&str>) -> Result<Option<String>> {
    let basic = |user_info: &str| format!("Basic {}", crate::base64::text(user_info.as_bytes()));
    if let Some(source) = get("bearer.auth.credentials.source") {
        let token = match source {
            "STATIC_TOKEN" => get("bearer.auth.token"),
            other => return Err(unsupported("bearer.auth.credentials.source", other, "STATIC_TOKEN")),
        };
        let missing =
            || Error::config("bearer.auth.token: is missing, and bearer.auth.credentials.source needs it");
        return token.map(|token| Some(format!("Bearer {token}"))).ok_or_else(missing);
    }
    match get("basic.auth.credentials.source") {
        None | Some("URL") => Ok(of_url.map(basic)),
        Some("USER_INFO") => {
            let given = get("basic.auth.user.info").or_else(|| get("schema.registry.basic.auth.user.info"));
            match given {
                Some(user_info) if user_info.contains(':') => Ok(Some(basic(user_info))),
                Some(_) => Err(Error::config("basic.auth.user.info: expected USER:PASSWORD")),
                None => Err(Error::config(
                    "basic.auth.user.info: is missing, and basic.auth.credentials.source=USER_INFO needs it",
                )),
            }
        }
        Some(other) => Err(unsupported("basic.auth.credentials.source", other, "URL or USER_INFO")),
    }
}

fn unsupported(key: &str, got: &str, expected: &str) -> Error {
    Error::config(format!("{key}: expected {expected}, got {got}"))
}

/// A store as PEM text: out of the setting itself or out of a file.
fn pem(get: Get<'_, '_>, store: &str, inline: &str) -> Result<Option<String>> {
    let key = |part: &str| format!("schema.registry.ssl.{store}.{part}");
    if let Some(text) = get(&key(inline)) {
        return Ok(Some(text.to_owned()));
    }
    let Some(location) = get(&key("location")) else { return Ok(None) };
    match get(&key("type")) {
        Some("PEM") => {}
        other => {
            let got = other.unwrap_or("JKS, the default");
            return Err(Error::config(format!(
                "{}: expected PEM, got {got}: convert the store to a PEM file",
                key("type")
            )));
        }
    }
    let size = std::fs::metadata(location).map_or(0, |file| file.len());
    let text = if size > PEM_BYTES_MAX { None } else { std::fs::read_to_string(location).ok() };
    let unreadable = || Error::config(format!("{}: {location} cannot be read as PEM", key("location")));
    text.filter(|text| text.contains("-----BEGIN ")).map(Some).ok_or_else(unreadable)
}

fn identity(get: Get<'_, '_>) -> Result<Option<String>> {
    if get("schema.registry.ssl.key.password").is_some() {
        return Err(Error::config(
            "schema.registry.ssl.key.password: encrypted keys are not supported, use one without a password",
        ));
    }
    match (pem(get, "keystore", "certificate.chain")?, get("schema.registry.ssl.keystore.key")) {
        (Some(chain), Some(key)) => Ok(Some(format!("{chain}\n{key}"))),
        (None, Some(_)) => Err(Error::config(
            "schema.registry.ssl.keystore.certificate.chain: is missing, and the key needs it",
        )),
        (chain, None) => Ok(chain),
    }
}

pub const URL: &str = "schema.registry.url";
const URLS_MAX: usize = 16;
const PEM_BYTES_MAX: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(settings: &[(&str, &str)]) -> Result<Settings> {
        Settings::parse(&|key| settings.iter().find(|(known, _)| *known == key).map(|(_, value)| *value))
    }

    #[test]
    fn several_addresses_and_credentials_are_read() {
        let settings = parse(&[
            (URL, "http://a:1/ , http://b:2"),
            ("basic.auth.credentials.source", "USER_INFO"),
            ("basic.auth.user.info", "me:secret"),
        ])
        .unwrap();
        assert_eq!(settings.roots, ["http://a:1", "http://b:2"]);
        assert_eq!(settings.headers, [("authorization", "Basic bWU6c2VjcmV0".to_owned())]);
        assert!(!format!("{settings:?}").contains("bWU6c2VjcmV0"));
        let of_url = parse(&[(URL, "http://me:secret@a")]).unwrap();
        assert_eq!(of_url.headers, settings.headers);
        let bearer = parse(&[
            (URL, "http://a"),
            ("bearer.auth.credentials.source", "STATIC_TOKEN"),
            ("bearer.auth.token", "t"),
        ]);
        assert_eq!(bearer.unwrap().headers, [("authorization", "Bearer t".to_owned())]);
    }

    #[test]
    fn what_cannot_be_kept_is_named() {
        for (settings, part) in [
            (&[][..], "schema.registry.url: is missing"),
            (&[(URL, ",")], "schema.registry.url: is empty"),
            (&[(URL, "http://a/schemas/ids/1,http://b")], "the same schema"),
            (
                &[(URL, "http://a"), ("basic.auth.credentials.source", "SASL_INHERIT")],
                "expected URL or USER_INFO",
            ),
            (&[(URL, "http://a"), ("basic.auth.credentials.source", "USER_INFO")], "basic.auth.user.info"),
            (
                &[(URL, "http://a"), ("bearer.auth.credentials.source", "OAUTHBEARER")],
                "expected STATIC_TOKEN",
            ),
            (&[(URL, "http://a"), ("bearer.auth.credentials.source", "STATIC_TOKEN")], "bearer.auth.token"),
            (&[(URL, "http://a"), ("proxy.host", "p")], "proxy.host"),
            (
                &[(URL, "http://a"), ("schema.registry.ssl.truststore.location", "/x.jks")],
                "truststore.type: expected PEM, got JKS",
            ),
            (
                &[
                    (URL, "http://a"),
                    ("schema.registry.ssl.keystore.location", "/nowhere.pem"),
                    ("schema.registry.ssl.keystore.type", "PEM"),
                ],
                "/nowhere.pem cannot be read",
            ),
            (
                &[(URL, "http://a"), ("schema.registry.ssl.keystore.key", "k")],
                "certificate.chain: is missing",
            ),
        ] {
            let error = parse(settings).unwrap_err();
            assert!(error.message().contains(part), "{settings:?}: {error}");
        }
    }
}
