//! Settings that are made of parts: addresses, lists of pairs, properties of a query string.
use penstock_sdk::{Config, Error, Result};

use crate::server::{INSERT_SETTINGS, TOKEN_SETTINGS};

/// What is understood of `jdbcConnectionProperties`.
#[derive(Default)]
pub struct Properties {
    pub ssl: Option<bool>,
    pub database: Option<String>,
    pub timeout_ms: Option<u64>,
}

impl Properties {
    pub fn parse(config: &Config) -> Result<Self> {
        let mut properties = Properties::default();
        let text = config.get(PROPERTIES).unwrap_or_default().trim();
        for part in text.trim_start_matches('?').split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or_else(|| {
                Error::config(format!("{PROPERTIES}: expected name=value between &, got {part:?}"))
            })?;
            let wrong =
                || Error::config(format!("{PROPERTIES}: {name} has no value that this sink understands"));
            match name {
                "ssl" => properties.ssl = Some(value.parse().map_err(|_| wrong())?),
                "database" => properties.database = Some(value.to_owned()),
                "socket_timeout" => properties.timeout_ms = Some(value.parse().map_err(|_| wrong())?),
                // These steer the Java driver's own connections and compression.
                "compress" | "compress_algorithm" | "client_name" | "connection_timeout"
                | "connect_timeout" => {}
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

/// The URL of the server, and its host and port for messages.
pub fn address(config: &Config, ssl_property: Option<bool>) -> Result<(String, String)> {
    if let Some(url) = config.get("url").map(str::trim).filter(|url| !url.is_empty()) {
        return url_address(url);
    }
    let host = config.required("hostname")?;
    let is_name =
        |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-' | '_' | ':' | '[' | ']');
    if !host.chars().all(is_name) {
        return Err(Error::config(format!("hostname: expected a host name or an IP address, got {host:?}")));
    }
    let ssl = match config.get("ssl").map(str::trim) {
        None | Some("") => ssl_property.unwrap_or(false),
        Some(_) => config.flag("ssl", false)?,
    };
    let port: u16 = config.parsed("port")?.unwrap_or(if ssl { 8443 } else { 8123 });
    let host =
        if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
    let scheme = if ssl { "https" } else { "http" };
    Ok((format!("{scheme}://{host}:{port}"), format!("{host}:{port}")))
}

/// A password in a URL would end up in messages, so it is refused; a path has no meaning to `ClickHouse`.
fn url_address(url: &str) -> Result<(String, String)> {
    let expected = "url: expected http://host:port or https://host:port, without user, password and path";
    let (scheme, rest) = url.split_once("://").ok_or_else(|| Error::config(expected))?;
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    let is_plain = !authority.is_empty() && !authority.contains(['/', '@', '?', '#', ' ']);
    if !is_plain || !matches!(scheme, "http" | "https") {
        return Err(Error::config(expected));
    }
    Ok((format!("{scheme}://{authority}"), authority.to_owned()))
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
        if let Some((_, needed)) = own.filter(|(_, needed)| needed != value) {
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
