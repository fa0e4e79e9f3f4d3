//! Decides what may be shown: a value nobody vouches for is hidden.

use super::keys::{self, Kind};

/// The value as a person may see it.
pub fn shown(key: &str, value: &str) -> String {
    if is_secret(key) && !value.is_empty() { MASK.to_owned() } else { without_userinfo(value) }
}

/// A known key is what its type says; under a prefix the client's key counts; unknown keys are secrets.
pub fn is_secret(key: &str) -> bool {
    if let Some(known) = keys::find(key) {
        return known.kind == Kind::Password;
    }
    match keys::split_prefix(key) {
        Some((_, rest, _)) => match keys::find(rest) {
            Some(known) => known.kind == Kind::Password,
            None => smells(rest),
        },
        None => true,
    }
}

fn smells(key: &str) -> bool {
    let key = key.to_lowercase();
    SMELLS.iter().any(|smell| key.contains(smell))
        || key.rsplit('.').next() == Some("key")
        || key.contains("key.pem")
}

/// `http://user:password@host` shows `http://***@host`, for each address in a list.
fn without_userinfo(value: &str) -> String {
    let one = |part: &str| {
        let Some((scheme, rest)) = part.split_once("://") else { return part.to_owned() };
        let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        match rest[..authority_end].rfind('@') {
            Some(at) => format!("{scheme}://{MASK}{}", &rest[at..]),
            None => part.to_owned(),
        }
    };
    value.split(',').map(one).collect::<Vec<_>>().join(",")
}

const MASK: &str = "***";

const SMELLS: [&str; 14] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "jaas",
    "credential",
    "private",
    "user.info",
    "userinfo",
    "apikey",
    "api.key",
    "access.key",
    "keystore.key",
];

#[cfg(test)]
mod tests {
    use super::shown;

    fn check(key: &str, value: &str, expected: &str) {
        assert_eq!(shown(key, value), expected, "{key}");
    }

    #[test]
    fn passwords_by_type_by_name_and_unknown_values_are_hidden() {
        check("ssl.keystore.password", "canary", "***");
        check("sasl.jaas.config", "canary", "***");
        check("producer.sasl.jaas.config", "canary", "***");
        check("value.converter.basic.auth.user.info", "canary", "***");
        check("value.converter.api.KEY", "canary", "***");
        check("consumer.ssl.keystore.key", "canary", "***");
        check("no.such.setting", "canary", "***");
        check("ssl.key.password", "", "");
    }

    #[test]
    fn everything_else_is_shown() {
        check("group.id", "g", "g");
        check("sasl.oauthbearer.token.endpoint.url", "https://a/b@c", "https://a/b@c");
        check("producer.acks", "all", "all");
        check("key.converter.schemas.enable", "false", "false");
    }

    #[test]
    fn an_address_loses_the_password_in_it() {
        check(
            "value.converter.schema.registry.url",
            "http://u:p@a:1/x,http://b",
            "http://***@a:1/x,http://b",
        );
        check("listeners", "http://u:p@w@127.0.0.1:1", "http://***@127.0.0.1:1");
    }
}
