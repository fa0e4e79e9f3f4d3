//! Who may ask: users with passwords, by HTTP's basic authentication.
use hyper::header::{AUTHORIZATION, HeaderMap};
use ring::hmac::{self, HMAC_SHA256, Key, Tag};
use ring::rand::SystemRandom;
use std::collections::HashMap;
use worker::converter::base64;

/// Passwords are kept as tags under a key of this process, so none can be read out of its memory, and comparing
/// takes the same time whatever was sent.
pub struct Users {
    key: Key,
    passwords: HashMap<String, Tag>,
    /// Stands in for the password of users that do not exist: they take as long as others.
    nobody: Tag,
}

impl Users {
    /// `None` when the system has no random numbers to give.
    pub fn new(users: impl IntoIterator<Item = (String, String)>) -> Option<Self> {
        let key = Key::generate(HMAC_SHA256, &SystemRandom::new()).ok()?;
        let tag = |(name, password): (String, String)| (name, hmac::sign(&key, password.as_bytes()));
        let passwords = users.into_iter().map(tag).collect();
        let nobody = hmac::sign(&key, b"");
        Some(Self { key, passwords, nobody })
    }

    /// Whether the header names one of the users with its password.
    pub(crate) fn admit(&self, headers: &HeaderMap) -> bool {
        let Some((name, password)) = credentials(headers) else { return false };
        let known = self.passwords.get(&name);
        let tag = known.unwrap_or(&self.nobody);
        let is_right = hmac::verify(&self.key, password.as_bytes(), tag.as_ref()).is_ok();
        is_right && known.is_some()
    }
}

/// The scheme in any case, then Base64 of `user:password`; a password may hold colons.
fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let (scheme, text) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let mut bytes = Vec::new();
    base64::decode(text.trim().as_bytes(), &mut bytes)?;
    let (name, password) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(value: &[u8]) -> HeaderMap {
        let value = hyper::header::HeaderValue::from_bytes(value).unwrap();
        HeaderMap::from_iter([(AUTHORIZATION, value)])
    }

    fn basic(scheme: &str, credentials: &str) -> HeaderMap {
        let mut value = format!("{scheme} ").into_bytes();
        base64::encode(credentials.as_bytes(), &mut value);
        header(&value)
    }

    #[test]
    fn users_are_admitted_with_their_passwords_alone() {
        let given = [("alice", "alice-secret"), ("bob", "a:b"), ("žluť", "kůň"), ("empty", "")];
        let users = Users::new(given.map(|(name, password)| (name.into(), password.into()))).unwrap();
        let check = |headers: HeaderMap, expected| assert_eq!(users.admit(&headers), expected, "{headers:?}");
        check(basic("Basic", "alice:alice-secret"), true);
        check(basic("basic", "alice:alice-secret"), true);
        check(basic("Basic", "bob:a:b"), true);
        check(basic("Basic", "žluť:kůň"), true);
        check(basic("Basic", "empty:"), true);
        check(basic("Basic", "alice:wrong"), false);
        check(basic("Basic", "alice:"), false);
        check(basic("Basic", "carol:alice-secret"), false);
        // The stand-in for unknown users has an empty password.
        check(basic("Basic", "carol:"), false);
        check(basic("Basic", "alice"), false);
        check(basic("Basic", ":"), false);
        check(basic("Bearer", "alice:alice-secret"), false);
        check(header(b"Basic ???"), false);
        check(header(b"Basic"), false);
        check(header(b"Basic \xff"), false);
        check(header(b"x"), false);
        check(HeaderMap::new(), false);
    }
}
