//! The key that the workers of a cluster share to sign requests among themselves.

use std::fmt;

/// Made by the leader, spread through the config log.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionKey {
    /// What the key was made for, `HmacSHA256` by default.
    pub algorithm: String,
    pub bytes: Vec<u8>,
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
    fn debug_output_hides_the_key() {
        let key = SessionKey { algorithm: "HmacSHA256".into(), bytes: b"canary".to_vec() };
        let shown = format!("{key:?}");
        assert!(
            shown.contains("HmacSHA256") && !shown.contains("canary") && !shown.contains("99"),
            "{shown}"
        );
    }
}
