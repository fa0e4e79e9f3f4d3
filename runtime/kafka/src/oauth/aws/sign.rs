//! AWS Signature Version 4 in a URL's query, which is all that tokens and role sessions need.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;

use super::credentials::Keys;
use super::time;
use crate::oauth::endpoint::percent_encode;

/// A GET request to be.
pub(super) struct Request<'a> {
    pub host: &'a str,
    /// Encoded already.
    pub path: &'a str,
    pub query: &'a [(&'a str, &'a str)],
    pub service: &'a str,
    pub region: &'a str,
    pub life: Duration,
    pub payload_hash: &'a str,
}

/// The URL with its signature.
pub(super) fn presign(request: &Request<'_>, keys: &Keys, now: SystemTime) -> Result<String, String> {
    let stamp = time::basic(now);
    let day = stamp.get(..8).unwrap_or_default();
    let scope = format!("{day}/{}/{}/aws4_request", request.region, request.service);
    let (credential, life) = (format!("{}/{scope}", keys.id), request.life.as_secs().to_string());
    let mut query = request.query.to_vec();
    query.extend([
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
        ("X-Amz-Credential", &credential),
        ("X-Amz-Date", &stamp),
        ("X-Amz-Expires", &life),
        ("X-Amz-SignedHeaders", "host"),
    ]);
    query.extend(keys.session.as_deref().map(|session| ("X-Amz-Security-Token", session)));
    let mut query: Vec<(String, String)> =
        query.into_iter().map(|(name, value)| (percent_encode(name), percent_encode(value))).collect();
    query.sort();
    let query: Vec<String> = query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let query = query.join("&");
    let canonical =
        format!("GET\n{}\n{query}\nhost:{}\n\nhost\n{}", request.path, request.host, request.payload_hash);
    let to_sign = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}", hash(canonical.as_bytes()));
    let signature = signing_key(&keys.secret, day, request.region, request.service)
        .and_then(|key| hmac(&key, to_sign.as_bytes()))
        .map_err(|error| format!("signing for AWS: {error}"))?;
    Ok(format!("https://{}{}?{query}&X-Amz-Signature={}", request.host, request.path, hex(&signature)))
}

pub(super) fn hash(bytes: &[u8]) -> String {
    hex(&openssl::sha::sha256(bytes))
}

type Outcome = Result<Vec<u8>, openssl::error::ErrorStack>;

fn signing_key(secret: &str, day: &str, region: &str, service: &str) -> Outcome {
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [day, region, service, "aws4_request"] {
        key = hmac(&key, part.as_bytes())?;
    }
    Ok(key)
}

fn hmac(key: &[u8], data: &[u8]) -> Outcome {
    let key = PKey::hmac(key)?;
    Signer::new(MessageDigest::sha256(), &key)?.sign_oneshot_to_vec(data)
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    #[test]
    fn the_signing_key_is_the_one_of_awss_example() {
        let key = signing_key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20120215", "us-east-1", "iam");
        assert_eq!(hex(&key.unwrap()), "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d");
    }

    #[test]
    fn a_url_is_signed_as_in_awss_example() {
        let keys = Keys {
            id: "AKIAIOSFODNN7EXAMPLE".into(),
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
            session: None,
        };
        let request = Request {
            host: "examplebucket.s3.amazonaws.com",
            path: "/test.txt",
            query: &[],
            service: "s3",
            region: "us-east-1",
            life: Duration::from_secs(86_400),
            payload_hash: "UNSIGNED-PAYLOAD",
        };
        let url = presign(&request, &keys, UNIX_EPOCH + Duration::from_secs(1_369_353_600)).unwrap();
        let expected = "X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
        assert!(url.ends_with(expected), "{url}");
    }
}
