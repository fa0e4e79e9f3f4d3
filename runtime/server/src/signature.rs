//! Checks that a request among workers was signed with the key that only they know.
use crate::fault::Fault;
use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderName};
use ring::hmac::{self, Algorithm, Key};
use worker::SessionKey;
use worker::converter::base64;

/// Base64 of the body's HMAC.
pub(crate) const SIGNATURE: HeaderName = HeaderName::from_static("x-connect-authorization");
/// By Java's name: `HmacSHA256`.
pub(crate) const ALGORITHM: HeaderName = HeaderName::from_static("x-connect-request-signature-algorithm");

/// What a request said about itself.
pub(crate) struct Signature {
    name: String,
    algorithm: Algorithm,
    bytes: Vec<u8>,
}

impl Signature {
    /// `accepted` are the algorithms that settings allow.
    pub(crate) fn read(headers: &HeaderMap, accepted: &[String]) -> Result<Self, Fault> {
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let (Some(signature), Some(name)) = (text(&SIGNATURE), text(&ALGORITHM)) else {
            return Err(Fault::invalid("Internal request missing required signature"));
        };
        let is_accepted = accepted.iter().any(|each| each.eq_ignore_ascii_case(name));
        let Some(algorithm) = algorithm(name).filter(|_| is_accepted) else {
            let expected = accepted.join(", ");
            let message =
                format!("{ALGORITHM}: expected one of {expected}, as every worker has to be set up");
            return Err(Fault::invalid(message));
        };
        let mut bytes = Vec::new();
        let Some(()) = base64::decode(signature.as_bytes(), &mut bytes) else {
            return Err(Fault::invalid(format!("{SIGNATURE}: expected Base64")));
        };
        Ok(Self { name: name.to_owned(), algorithm, bytes })
    }

    /// Without a key nobody can have signed anything; a worker that has not read its logs yet may still find one.
    pub(crate) fn verify(&self, key: Option<&SessionKey>, is_ready: bool, body: &[u8]) -> Result<(), Fault> {
        let Some(key) = key else {
            if is_ready {
                return Err(invalid());
            }
            let message = "This worker is still starting up and knows no session key yet, try again";
            return Err(Fault::starting(message));
        };
        let key = Key::new(self.algorithm, &key.bytes);
        hmac::verify(&key, body, &self.bytes).map_err(|_| {
            tracing::debug!(algorithm = self.name, "a request of another worker has a wrong signature");
            invalid()
        })
    }
}

fn invalid() -> Fault {
    Fault::new(StatusCode::FORBIDDEN, "Internal request contained invalid signature.")
}

fn algorithm(name: &str) -> Option<Algorithm> {
    let known = [
        ("HmacSHA1", hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        ("HmacSHA256", hmac::HMAC_SHA256),
        ("HmacSHA384", hmac::HMAC_SHA384),
        ("HmacSHA512", hmac::HMAC_SHA512),
    ];
    known.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, algorithm)| algorithm)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(signature: &[u8], algorithm: &str) -> HeaderMap {
        let mut text = Vec::new();
        base64::encode(signature, &mut text);
        let text = String::from_utf8(text).unwrap();
        HeaderMap::from_iter([(SIGNATURE, text.parse().unwrap()), (ALGORITHM, algorithm.parse().unwrap())])
    }

    fn read(headers: &HeaderMap) -> Result<Signature, Fault> {
        let accepted = ["HmacSHA1", "HmacSHA256", "HmacSHA384", "HmacSHA512"].map(str::to_owned);
        Signature::read(headers, &accepted)
    }

    #[test]
    fn every_algorithm_signs_a_body_and_no_other() {
        let key = SessionKey { algorithm: "HmacSHA256".into(), bytes: b"secret".to_vec() };
        let other = SessionKey { bytes: b"other".to_vec(), ..key.clone() };
        for name in ["HmacSHA1", "HmacSHA256", "hmacsha384", "HmacSHA512"] {
            let signed = hmac::sign(&Key::new(algorithm(name).unwrap(), b"secret"), b"[]");
            let signature = read(&headers(signed.as_ref(), name)).unwrap();
            assert_eq!(signature.verify(Some(&key), true, b"[]"), Ok(()), "{name}");
            for (key, body) in [(&key, &b"[{}]"[..]), (&key, b""), (&other, b"[]")] {
                let fault = signature.verify(Some(key), true, body).unwrap_err();
                assert_eq!(fault, invalid(), "{name}");
            }
            assert_eq!(signature.verify(None, true, b"[]"), Err(invalid()));
            assert_eq!(signature.verify(None, false, b"[]").unwrap_err().status, 503);
        }
    }

    #[test]
    fn a_known_signature_of_another_implementation_fits() {
        // RFC 4231, test case 2.
        let tag = [
            0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
            0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43,
        ];
        let key = SessionKey { algorithm: "HmacSHA256".into(), bytes: b"Jefe".to_vec() };
        let signature = read(&headers(&tag, "HmacSHA256")).unwrap();
        assert_eq!(signature.verify(Some(&key), true, b"what do ya want for nothing?"), Ok(()));
    }

    #[test]
    fn what_is_no_signature_is_refused_before_the_key_is_asked_for() {
        let check = |headers: &HeaderMap, message: &str| {
            let fault = read(headers).err().unwrap();
            assert_eq!((fault.status.as_u16(), fault.message.contains(message)), (400, true), "{fault:?}");
        };
        check(&HeaderMap::new(), "Internal request missing required signature");
        let mut half = headers(b"x", "HmacSHA256");
        half.remove(ALGORITHM);
        check(&half, "Internal request missing required signature");
        check(&headers(b"x", "HmacMD5"), "expected one of HmacSHA1, HmacSHA256");
        let mut broken = headers(b"x", "HmacSHA256");
        broken.insert(SIGNATURE, "???".parse().unwrap());
        check(&broken, "expected Base64");
        let only = ["HmacSHA512".to_owned()];
        assert_eq!(Signature::read(&headers(b"x", "HmacSHA256"), &only).err().unwrap().status, 400);
    }
}
