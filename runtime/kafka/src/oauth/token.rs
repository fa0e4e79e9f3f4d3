//! Tokens, and what can be read from one without its issuer's key.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

/// What a client shows to a broker. It is a secret: there is no way to print it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub value: String,
    pub principal: String,
    pub expires: SystemTime,
    pub extensions: Vec<(String, String)>,
}

/// What a JWT says about itself.
#[derive(Debug, PartialEq)]
pub(super) struct Claims {
    pub expires: Option<SystemTime>,
    pub principal: Option<String>,
}

/// None when the token is no JWT, which a broker may accept all the same.
pub(super) fn claims(token: &str, principal: &str) -> Option<Claims> {
    let mut parts = token.split('.');
    let (_header, payload) = (parts.next()?, parts.next()?);
    let claims: Value = serde_json::from_slice(&from_base64url(payload)?).ok()?;
    let seconds = claims.get("exp").and_then(Value::as_f64).filter(|s| (0.0..1e11).contains(s));
    Some(Claims {
        expires: seconds.map(|seconds| UNIX_EPOCH + Duration::from_secs_f64(seconds)),
        principal: claims.get(principal).and_then(Value::as_str).map(ToOwned::to_owned),
    })
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    Text(String),
    /// A number, as it was written.
    Number(String),
}

/// Tokens that nobody signs, as Java makes them when nothing but claims is given. Brokers take them in
/// development only.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Unsecured {
    pub claims: BTreeMap<String, Claim>,
    pub life: Duration,
    pub principal_claim: String,
    pub extensions: Vec<(String, String)>,
}

impl Unsecured {
    pub(super) fn token(&self, now: SystemTime) -> Result<Token, String> {
        let Some(Claim::Text(principal)) = self.claims.get(&self.principal_claim) else {
            return Err(format!(
                "sasl.jaas.config: expected unsecuredLoginStringClaim_{}, which names the user",
                self.principal_claim
            ));
        };
        let expires = now + self.life;
        let mut claims = serde_json::Map::new();
        for (name, claim) in &self.claims {
            let value = match claim {
                Claim::Text(text) => Value::from(text.as_str()),
                Claim::Number(number) => number
                    .parse::<f64>()
                    .map(Value::from)
                    .map_err(|_| format!("sasl.jaas.config: expected a number as claim {name}"))?,
            };
            claims.insert(name.clone(), value);
        }
        claims.entry("iat").or_insert_with(|| seconds(now).into());
        claims.insert("exp".into(), seconds(expires).into());
        let body = to_base64url(Value::Object(claims).to_string().as_bytes());
        Ok(Token {
            value: format!("{}.{body}.", to_base64url(br#"{"alg":"none"}"#)),
            principal: principal.clone(),
            expires,
            extensions: self.extensions.clone(),
        })
    }
}

/// The part of a second counts with tokens that live for seconds.
fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as f64 / 1000.0
}

pub(super) fn to_base64url(bytes: &[u8]) -> String {
    let text = openssl::base64::encode_block(bytes);
    text.trim_end_matches('=').replace('+', "-").replace('/', "_")
}

fn from_base64url(text: &str) -> Option<Vec<u8>> {
    let mut text = text.trim_end_matches('=').replace('-', "+").replace('_', "/");
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    openssl::base64::decode_block(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_jwt_tells_its_end_and_its_user() {
        let check = |payload: &str, expires: Option<SystemTime>, principal: Option<&str>| {
            let token = format!("e30.{}.sig", to_base64url(payload.as_bytes()));
            let principal = principal.map(ToOwned::to_owned);
            assert_eq!(claims(&token, "sub"), Some(Claims { expires, principal }), "{payload}");
        };
        check(r#"{"exp":1700000000,"sub":"bob"}"#, Some(at(1_700_000_000)), Some("bob"));
        check(r#"{"sub":"bo?b>>"}"#, None, Some("bo?b>>"));
        check(r#"{"exp":"soon","sub":7}"#, None, None);
        check(r#"{"exp":1e300}"#, None, None);
        check(r#"{"exp":-5}"#, None, None);
    }

    #[test]
    fn what_is_no_jwt_is_none() {
        for token in ["", "opaque", "a.b.c", "a.!!!!.c", "e30.bm9qc29u.x"] {
            assert_eq!(claims(token, "sub"), None, "{token}");
        }
    }

    #[test]
    fn an_unsecured_token_reads_back() {
        let unsecured = Unsecured {
            claims: BTreeMap::from([("sub".to_owned(), Claim::Text("bob".into()))]),
            life: Duration::from_secs(60),
            principal_claim: "sub".into(),
            extensions: Vec::new(),
        };
        let token = unsecured.token(at(1_000)).unwrap_or_else(|error| panic!("{error}"));
        let read = claims(&token.value, "sub").unwrap();
        assert_eq!(read, Claims { expires: Some(at(1_060)), principal: Some("bob".into()) });
        assert!(token.value.ends_with('.'));
    }
}
