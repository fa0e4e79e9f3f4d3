//! Where tokens come from.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::aws::Msk;
use super::endpoint::Endpoint;
use super::token::{self, Token, Unsecured};

/// Why there is no token. The sentence holds no secret and nothing of an answer's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub sentence: String,
    /// Whether waiting may help, without anybody changing a setting.
    pub passes: bool,
}

impl Failure {
    pub(super) fn passing(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), passes: true }
    }

    pub(super) fn lasting(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), passes: false }
    }
}

/// Equal sources share their tokens.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Endpoint(Endpoint),
    /// Somebody else keeps a fresh token in a file, as Kubernetes does.
    File {
        path: PathBuf,
        principal_claim: String,
        extensions: Vec<(String, String)>,
    },
    Unsecured(Unsecured),
    Msk(Msk),
}

impl Source {
    /// May take as long as the source's own limits allow.
    pub(super) fn fetch(&self, now: SystemTime) -> Result<Token, Failure> {
        match self {
            Self::Endpoint(endpoint) => endpoint.fetch(now),
            Self::File { path, principal_claim, extensions } => of_file(path, principal_claim, extensions),
            Self::Unsecured(unsecured) => unsecured.token(now).map_err(Failure::lasting),
            Self::Msk(msk) => msk.fetch(now),
        }
    }

    /// Names the source in a log.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Endpoint(endpoint) => endpoint.shown_url(),
            Self::File { path, .. } => path.display().to_string(),
            Self::Unsecured(_) => "unsecured".into(),
            Self::Msk(msk) => format!("AWS MSK IAM in {}", msk.region),
        }
    }
}

/// A token is far smaller; a file that is not is no token.
const TOKEN_BYTES_MAX: u64 = 64 * 1024;

fn of_file(path: &Path, principal: &str, extensions: &[(String, String)]) -> Result<Token, Failure> {
    let failed = |why: &str| {
        Failure::passing(format!("sasl.oauthbearer.token.endpoint.url: {}: {why}", path.display()))
    };
    let size = std::fs::metadata(path).map_err(|error| failed(&error.to_string()))?.len();
    if size > TOKEN_BYTES_MAX {
        return Err(failed("expected a token, got a file of more than 64 KiB"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| failed(&error.to_string()))?;
    let value = text.trim().to_owned();
    let claims = token::claims(&value, principal).ok_or_else(|| failed("expected a JWT"))?;
    Ok(Token {
        value,
        principal: claims.principal.unwrap_or_default(),
        expires: claims.expires.ok_or_else(|| failed("expected a JWT with an exp claim"))?,
        extensions: extensions.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn a_file_is_read_anew_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let source =
            Source::File { path: path.clone(), principal_claim: "sub".into(), extensions: Vec::new() };
        assert!(source.fetch(SystemTime::now()).is_err_and(|failure| failure.passes));
        for exp in [1_000, 2_000] {
            let body = token::to_base64url(format!(r#"{{"exp":{exp},"sub":"me"}}"#).as_bytes());
            std::fs::write(&path, format!("e30.{body}.x\n")).unwrap();
            let token = source.fetch(SystemTime::now()).ok().unwrap();
            assert_eq!(token.expires, UNIX_EPOCH + Duration::from_secs(exp));
            assert_eq!(token.principal, "me");
            assert!(token.value.ends_with('x'));
        }
        std::fs::write(&path, "hunter2").unwrap();
        let failure = source.fetch(SystemTime::now()).err().unwrap();
        assert!(!failure.sentence.contains("hunter2"), "{}", failure.sentence);
    }
}
