//! The client credentials grant: an id and a secret for a token.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::http::{Call, Limits, Request, Roots};
use super::source::Failure;
use super::token::{self, Token};

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub url: String,
    pub client_id: String,
    pub client_secret: String,
    pub scope: Option<String>,
    /// Whether id and secret are percent-encoded before they go into the header, as the standard has it. Java
    /// does not by default, and some servers depend on it.
    pub encodes_credentials: bool,
    pub principal_claim: String,
    pub extensions: Vec<(String, String)>,
    pub limits: Limits,
    pub roots: Roots,
}

impl Endpoint {
    pub(super) fn fetch(&self, now: SystemTime) -> Result<Token, Failure> {
        let at = |failure: Failure| Failure {
            sentence: format!("token endpoint {}: {}", self.shown_url(), failure.sentence),
            ..failure
        };
        let mut form = "grant_type=client_credentials".to_owned();
        if let Some(scope) = self.scope.as_deref().filter(|scope| !scope.is_empty()) {
            form.push_str("&scope=");
            form.push_str(&percent_encode(scope));
        }
        let authorization = self.authorization();
        let call = Call {
            url: &self.url,
            request: Request::PostForm(&form),
            headers: &[("authorization", &authorization), ("accept", "application/json")],
            limits: self.limits,
            roots: &self.roots,
        };
        let answer = call.send().map_err(at)?;
        if answer.status != 200 {
            return Err(at(refusal(answer.status, &answer.body)));
        }
        self.read(&answer.body, now).map_err(at)
    }

    /// Without a query, which may hold what should not be seen.
    pub(super) fn shown_url(&self) -> String {
        let end = self.url.find(['?', '#']).unwrap_or(self.url.len());
        let shown = &self.url[..end];
        match (shown.find("://"), shown.rfind('@')) {
            (Some(scheme), Some(at)) if at > scheme => {
                format!("{}{}", &shown[..scheme + 3], &shown[at + 1..])
            }
            _ => shown.to_owned(),
        }
    }

    fn authorization(&self) -> String {
        let encode =
            |text: &str| if self.encodes_credentials { percent_encode(text) } else { text.to_owned() };
        let pair = format!("{}:{}", encode(&self.client_id), encode(&self.client_secret));
        format!("Basic {}", openssl::base64::encode_block(pair.as_bytes()))
    }

    fn read(&self, body: &str, now: SystemTime) -> Result<Token, Failure> {
        let unusable = |why: &str| Failure::passing(format!("its answer is not usable: {why}"));
        let answer: Value = serde_json::from_str(body).map_err(|_| unusable("expected JSON"))?;
        let value = ["access_token", "id_token"].iter().find_map(|name| answer.get(*name)?.as_str());
        let value = value.ok_or_else(|| unusable("expected an access_token"))?.to_owned();
        let claims = token::claims(&value, &self.principal_claim);
        // Some servers write the number as a text.
        let seconds = answer
            .get("expires_in")
            .and_then(|life| life.as_f64().or_else(|| life.as_str()?.parse().ok()))
            .filter(|seconds| (0.0..1e9).contains(seconds));
        let expires = claims.as_ref().and_then(|claims| claims.expires);
        let expires = expires.or_else(|| seconds.map(|seconds| now + Duration::from_secs_f64(seconds)));
        Ok(Token {
            value,
            principal: claims.and_then(|claims| claims.principal).unwrap_or_else(|| self.client_id.clone()),
            expires: expires.ok_or_else(|| unusable("expected expires_in, or a JWT with an exp claim"))?,
            extensions: self.extensions.clone(),
        })
    }
}

/// Of an answer's body only the standard's error code is repeated: the rest may be anything.
fn refusal(status: u16, body: &str) -> Failure {
    let code = serde_json::from_str::<Value>(body).ok();
    let code = code.as_ref().and_then(|answer| answer.get("error")).and_then(Value::as_str);
    let code = code.filter(|code| {
        code.len() <= 40 && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    });
    let said = code.map_or_else(|| status.to_string(), |code| format!("{status} {code}"));
    let advice = match (status, code) {
        (300..=399, _) => "redirects are not followed, give the final address",
        (_, Some("invalid_scope")) => "check the scope",
        (400 | 401 | 403, _) => "check client id, client secret and scope",
        (404 | 405, _) => "check sasl.oauthbearer.token.endpoint.url",
        _ => return Failure::passing(format!("answered {said}")),
    };
    Failure::lasting(format!("answered {said}: {advice}"))
}

/// Everything but the characters that no URL ever needs encoded.
pub(super) fn percent_encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte.into());
        } else {
            // Writing to a text cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    fn endpoint(url: &str) -> Endpoint {
        Endpoint {
            url: url.into(),
            client_id: "me".into(),
            client_secret: "a b".into(),
            scope: None,
            encodes_credentials: false,
            principal_claim: "sub".into(),
            extensions: Vec::new(),
            limits: Limits::default(),
            roots: Roots::System,
        }
    }

    #[test]
    fn opaque_tokens_live_as_long_as_the_answer_says() {
        let check = |body: &str, expected: Option<(&str, u64)>| {
            let read = endpoint("http://a/t").read(body, UNIX_EPOCH).ok();
            let read = read.map(|token| (token.value, token.expires, token.principal));
            let expected = expected
                .map(|(value, life)| (value.into(), UNIX_EPOCH + Duration::from_secs(life), "me".into()));
            assert_eq!(read, expected, "{body}");
        };
        check(r#"{"access_token":"t","expires_in":60}"#, Some(("t", 60)));
        check(r#"{"access_token":"t","expires_in":"60"}"#, Some(("t", 60)));
        check(r#"{"id_token":"i","expires_in":1}"#, Some(("i", 1)));
        for body in ["", "[]", "{}", r#"{"access_token":5}"#, r#"{"access_token":"t"}"#] {
            check(body, None);
        }
        check(r#"{"access_token":"t","expires_in":1e300}"#, None);
    }

    #[test]
    fn a_refusal_repeats_the_standards_code_and_nothing_else() {
        let check = |status, body: &str, expected: &str, passes| {
            let failure = refusal(status, body);
            assert!(failure.sentence.starts_with(expected), "{}", failure.sentence);
            assert!(!failure.sentence.contains("hunter2"), "{}", failure.sentence);
            assert_eq!(failure.passes, passes, "{status}");
        };
        check(
            401,
            r#"{"error":"invalid_client","error_description":"hunter2"}"#,
            "answered 401 invalid_client: check client id",
            false,
        );
        check(400, r#"{"error":"hunter2 is wrong"}"#, "answered 400: check", false);
        check(400, r#"{"error":"invalid_scope"}"#, "answered 400 invalid_scope: check the scope", false);
        check(302, "", "answered 302: redirects", false);
        check(429, "hunter2", "answered 429", true);
        check(503, "<html>hunter2", "answered 503", true);
    }

    #[test]
    fn addresses_are_shown_without_what_may_be_secret() {
        let check = |url: &str, shown: &str| assert_eq!(endpoint(url).shown_url(), shown);
        check("https://a/t?key=hunter2", "https://a/t");
        check("https://u:hunter2@a/t", "https://a/t");
        check("https://a:1/b", "https://a:1/b");
    }

    #[test]
    fn credentials_are_encoded_only_when_asked() {
        let mut endpoint = endpoint("http://a");
        assert_eq!(endpoint.authorization(), format!("Basic {}", openssl::base64::encode_block(b"me:a b")));
        endpoint.encodes_credentials = true;
        assert_eq!(endpoint.authorization(), format!("Basic {}", openssl::base64::encode_block(b"me:a%20b")));
    }
}
