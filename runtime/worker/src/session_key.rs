//! The key that the workers of a cluster share to sign requests among themselves.

use std::fmt;

/// Made by the leader, spread through the config log.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionKey {
    /// What the key was made for, `HmacSHA256` by default.
    pub algorithm: String,
    pub bytes: Vec<u8>,
}

impl SessionKey {
    /// A new one, of the length that the algorithm's tags have.
    pub fn make(algorithm: &str) -> Result<Self, String> {
        let length = match algorithm {
            "HmacSHA1" => 20,
            "HmacSHA384" => 48,
            "HmacSHA512" => 64,
            _ => 32,
        };
        let mut bytes = vec![0; length];
        getrandom::fill(&mut bytes).map_err(|error| format!("no random bytes: {error}"))?;
        Ok(Self { algorithm: algorithm.to_owned(), bytes })
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::SessionKey;

    #[test]
    fn every_key_is_new_and_as_long_as_its_algorithm_wants() {
        let (one, other) = (SessionKey::make("HmacSHA512").unwrap(), SessionKey::make("HmacSHA512").unwrap());
        assert_eq!((one.bytes.len(), one == other), (64, false));
    }

    #[test]
    fn debug_output_hides_the_key() {
        let key = SessionKey { algorithm: "HmacSHA256".into(), bytes: b"canary".to_vec() };
        let shown = format!("{key:?}");
        assert!(
            shown.contains("HmacSHA256") && !shown.contains("canary") && !shown.contains("99"),
            "{shown}"
        );
    }
}
