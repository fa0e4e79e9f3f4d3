//! Settings that are made of parts: lists of pairs, properties of a query string.
use penstock_sdk::{Config, Error, Result};

use crate::server::{INSERT_SETTINGS, TOKEN_SETTINGS};

/// What is understood of `jdbcConnectionProperties`.
#[derive(Default)]
pub struct Properties {
    pub ssl: Option<bool>,
    pub database: Option<String>,
    pub timeout_ms: Option<u64>,
    pub connect_timeout_ms: Option<u64>,
    /// Files in PEM.
    pub root: Option<String>,
    pub certificate: Option<String>,
    pub key: Option<String>,
    /// The client's certificate stands for a password.
    pub by_certificate: bool,
}

impl Properties {
    pub fn parse(config: &Config) -> Result<Self> {
        let mut properties = Properties::default();
        let text = config.get(PROPERTIES).unwrap_or_default().trim();
        for part in text.trim_start_matches('?').split('&').filter(|part| !part.is_empty()) {
            // What has no name may be the rest of a password with & in it.
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| Error::config(format!("{PROPERTIES}: expected name=value between &")))?;
            let wrong =
                || Error::config(format!("{PROPERTIES}: {name} has no value that this sink understands"));
            match name {
                "ssl" => properties.ssl = Some(value.parse().map_err(|_| wrong())?),
                "database" => properties.database = Some(value.to_owned()),
                // The Java driver waits without end for 0; here nothing does.
                "socket_timeout" | "connection_timeout" | "connect_timeout" => {
                    let millis: u64 = value.parse().map_err(|_| wrong())?;
                    let millis = Some(millis).filter(|millis| *millis > 0);
                    match name {
                        "socket_timeout" => properties.timeout_ms = millis,
                        _ => properties.connect_timeout_ms = millis,
                    }
                }
                "sslrootcert" => properties.root = Some(value.to_owned()),
                "sslcert" => properties.certificate = Some(value.to_owned()),
                "sslkey" => properties.key = Some(value.to_owned()),
                "ssl_authentication" => properties.by_certificate = value.parse().map_err(|_| wrong())?,
                "sslmode" if value.eq_ignore_ascii_case("strict") => {}
                "sslmode" => {
                    return Err(Error::config(format!(
                        "{PROPERTIES}: sslmode must be strict; name the server's authority in sslRootCertificate"
                    )));
                }
                // These steer the Java driver's own connections and compression.
                "compress" | "compress_algorithm" | "client_name" => {}
                _ => {
                    return Err(Error::config(format!(
                        "{PROPERTIES}: unknown property {name}; settings of the server belong into clickhouseSettings"
                    )));
                }
            }
        }
        Ok(properties)
    }
}

/// A list of `name=value`.
pub fn pairs(config: &Config, key: &str) -> Result<Vec<(String, String)>> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for item in config.list(key) {
        let (name, value) = match item.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() && !value.trim().is_empty() => {
                (name.trim(), value.trim())
            }
            _ => {
                return Err(Error::config(format!(
                    "{key}: expected name=value between commas, got {item:?}"
                )));
            }
        };
        if pairs.iter().any(|(known, _)| known == name) {
            return Err(Error::config(format!("{key}: {name} comes twice")));
        }
        pairs.push((name.to_owned(), value.to_owned()));
    }
    Ok(pairs)
}

/// `clickhouseSettings`, without what is no setting of a query and what the sink relies on.
pub fn server_settings(config: &Config) -> Result<Vec<(String, String)>> {
    let mut settings = pairs(config, SERVER_SETTINGS)?;
    for (name, value) in &settings {
        let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_word || NO_SETTINGS.contains(&name.as_str()) || name.starts_with("param_") {
            return Err(Error::config(format!("{SERVER_SETTINGS}: {name} is no setting of an insert")));
        }
        let own = INSERT_SETTINGS.iter().find(|(own, _)| own == name);
        // Java configurations ask for asynchronous inserts in this way.
        let is_async = name == "async_insert" && is_on(value);
        if let Some((_, needed)) = own.filter(|(_, needed)| needed != value && !is_async) {
            return Err(Error::config(format!(
                "{SERVER_SETTINGS}: {name} must be {needed}, because the sink relies on it"
            )));
        }
    }
    let is_own = |name: &str, own: &[(&str, &str)]| own.iter().any(|(own, _)| *own == name);
    let has_tokens = config.flag("exactlyOnce", false)?;
    settings
        .retain(|(name, _)| !(is_own(name, INSERT_SETTINGS) || has_tokens && is_own(name, TOKEN_SETTINGS)));
    Ok(settings)
}

/// Whether the server gathers rows of several inserts before it stores them.
pub fn async_insert(config: &Config) -> Result<bool> {
    let in_settings = pairs(config, SERVER_SETTINGS)?;
    let in_settings = in_settings.iter().any(|(name, value)| name == "async_insert" && is_on(value));
    let is_wanted = config.flag(ASYNC, false)? || in_settings;
    if is_wanted && config.flag("exactlyOnce", false)? {
        let setting = if in_settings { SERVER_SETTINGS } else { ASYNC };
        return Err(Error::config(format!(
            "{setting}: asynchronous inserts do not go together with exactlyOnce, whose tokens name whole inserts; \
             use one of the two"
        )));
    }
    Ok(is_wanted)
}

fn is_on(value: &str) -> bool {
    value == "1" || value.eq_ignore_ascii_case("true")
}

/// With `exactlyOnce`, settings that make a token count are not the user's.
pub fn token_settings(config: &Config) -> Result<()> {
    if !config.flag("exactlyOnce", false)? {
        return Ok(());
    }
    for (name, value) in pairs(config, SERVER_SETTINGS)? {
        let own = TOKEN_SETTINGS.iter().find(|(own, _)| *own == name);
        if let Some((_, needed)) = own.filter(|(_, needed)| *needed != value) {
            return Err(Error::config(format!(
                "{SERVER_SETTINGS}: {name} must be {needed}, because exactlyOnce relies on it"
            )));
        }
    }
    Ok(())
}

const PROPERTIES: &str = "jdbcConnectionProperties";
const SERVER_SETTINGS: &str = "clickhouseSettings";
const ASYNC: &str = "asyncInsert";

/// Parameters of `ClickHouse`'s HTTP interface that are no settings, and settings that change what is sent or
/// who sends it.
const NO_SETTINGS: &[&str] = &[
    "query",
    "database",
    "default_format",
    "user",
    "password",
    "quota_key",
    "role",
    "query_id",
    "session_id",
    "session_check",
    "session_timeout",
    "compress",
    "decompress",
    "stacktrace",
    "client_protocol_version",
    "insert_deduplication_token",
    "input_format_native_decode_types_in_binary_format",
    "readonly",
];
