//! Where a registry is, in the forms in which people copy it: its root, or one schema or subject of it.

use crate::{Error, Result};

/// A registry's root, and what the address named below it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// Without a slash at its end, and without credentials.
    pub root: String,
    /// `user:password` of the address itself.
    pub user_info: Option<String>,
    pub pin: Option<Pin>,
}

/// The schema for records that carry no id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Pin {
    Id(u32),
    /// Its newest version.
    Subject(String),
    Version(String, String),
}

pub fn parse(url: &str) -> Result<Address> {
    let url = url.trim();
    // The address may hold a password, so no error shows it.
    let wrong =
        |what: &str| Error::config(format!("schema.registry.url: expected http://… or https://…, {what}"));
    let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("got something else"))?;
    if !matches!(scheme, "http" | "https") {
        return Err(wrong(&format!("got {scheme}://…")));
    }
    if rest.contains(['?', '#']) {
        return Err(wrong("without a query"));
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user_info, host) = match authority.rsplit_once('@') {
        Some((user_info, host)) => (Some(decoded(user_info)), host),
        None => (None, authority),
    };
    if host.is_empty() {
        return Err(wrong("got one without a host"));
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let (root, pin) = match parts[..] {
        [ref root @ .., "schemas", "ids", id] => {
            (root, Some(Pin::Id(id.parse().map_err(|_| wrong("got an id that is no number"))?)))
        }
        [ref root @ .., "subjects", subject, "versions", version] => {
            (root, Some(Pin::Version(decoded(subject), decoded(version))))
        }
        [ref root @ .., "subjects", subject] => (root, Some(Pin::Subject(decoded(subject)))),
        ref root => (root, None),
    };
    let mut base = format!("{scheme}://{host}");
    for part in root {
        base.push('/');
        base.push_str(part);
    }
    Ok(Address { root: base, user_info, pin })
}

/// A part of a path, everything escaped that could end it.
pub fn encoded(part: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(part.len());
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

pub fn decoded(part: &str) -> String {
    let bytes = part.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = (byte == b'%').then(|| part.get(at + 1..at + 3)).flatten();
        if let Some(byte) = escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            out.push(byte);
            at += 3;
        } else {
            out.push(byte);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_names_its_root_and_what_is_below() {
        for (url, root, pin) in [
            ("http://r:8081", "http://r:8081", None),
            ("http://r:8081/apis/ccompat/v7/", "http://r:8081/apis/ccompat/v7", None),
            ("https://r/schemas/ids/7", "https://r", Some(Pin::Id(7))),
            ("https://r/x/subjects/a%2Fb-value", "https://r/x", Some(Pin::Subject("a/b-value".into()))),
            (
                "https://r/subjects/s/versions/latest",
                "https://r",
                Some(Pin::Version("s".into(), "latest".into())),
            ),
        ] {
            let address = parse(url).unwrap();
            assert_eq!((address.root.as_str(), address.pin), (root, pin), "{url}");
        }
        let address = parse("https://me:p%40ss@r/").unwrap();
        assert_eq!((address.root.as_str(), address.user_info.as_deref()), ("https://r", Some("me:p@ss")));
    }

    #[test]
    fn what_is_no_address_is_refused_without_showing_it() {
        for url in [
            "",
            "registry:8081",
            "ftp://u:secret@r",
            "http://",
            "http://u:secret@",
            "http://r?a=secret",
            "http://r/schemas/ids/secret",
        ] {
            let error = parse(url).unwrap_err();
            assert!(
                error.message().starts_with("schema.registry.url") && !error.message().contains("secret"),
                "{error}"
            );
        }
    }

    #[test]
    fn parts_of_paths_survive() {
        for part in ["a", "a/b", "ü %41", "..", "a:b?c#d"] {
            assert_eq!(decoded(&encoded(part)), part);
        }
    }
}
