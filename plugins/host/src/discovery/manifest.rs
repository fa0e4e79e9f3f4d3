//! The optional `plugin.toml` beside a library: what its maker promises, checked before the library runs.
use super::candidates::Candidate;
use crate::{ConnectorKind, Reason};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// What a manifest says; nothing when there is none.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    /// Lower case.
    pub sha256: Option<String>,
    pub warning: Option<String>,
}

/// The file's keys. All are optional; unknown ones are for other readers.
#[derive(Deserialize)]
struct Keys {
    #[serde(rename = "name")]
    _name: Option<String>,
    #[serde(rename = "kinds")]
    _kinds: Option<Vec<ConnectorKind>>,
    #[serde(rename = "version")]
    _version: Option<String>,
    abi: Option<u32>,
    #[serde(rename = "licence", alias = "license")]
    _licence: Option<String>,
    sha256: Option<String>,
}

const NAME: &str = "plugin.toml";
const MANIFEST_BYTES_MAX: u64 = 64 << 10;

impl Manifest {
    pub fn beside(candidate: &Candidate) -> Result<Self, Reason> {
        let Some(folder) = candidate.path.parent() else { return Ok(Self::default()) };
        let Some(text) = read(&folder.join(NAME))? else { return Ok(Self::default()) };
        if candidate.neighbours > 1 {
            let count = candidate.neighbours;
            let warning = format!("{NAME} is not used: it describes one library, its folder holds {count}");
            return Ok(Self { sha256: None, warning: Some(warning) });
        }
        Self::parse(&text).map_err(Reason::new)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let keys: Keys = toml::from_str(text).map_err(|error| format!("{NAME}: {}", error.message()))?;
        if let Some(major) = keys.abi.filter(|major| *major != abi::MAJOR) {
            let ours = abi::MAJOR;
            return Err(format!("{NAME}: abi: the plugin is built for {major}, this worker speaks {ours}"));
        }
        let sha256 = keys.sha256.map(|text| text.trim().to_ascii_lowercase());
        match &sha256 {
            Some(text) if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) => {
                Err(format!("{NAME}: sha256: expected 64 hexadecimal digits, got {text:?}"))
            }
            _ => Ok(Self { sha256, warning: None }),
        }
    }

    /// The file's digest against the promised one.
    pub fn check_digest(&self, path: &Path) -> Result<(), Reason> {
        let Some(expected) = &self.sha256 else { return Ok(()) };
        let digest = digest(path).map_err(|error| Reason::new(format!("it cannot be read: {error}")))?;
        if digest == *expected {
            return Ok(());
        }
        Err(Reason::new(format!("its sha256 is {digest}, {NAME} promises {expected}")))
    }
}

fn read(path: &Path) -> Result<Option<String>, Reason> {
    let failed = |error: std::io::Error| Reason::new(format!("{NAME} cannot be read: {error}"));
    let size = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
        Ok(metadata) if !metadata.is_file() => {
            return Err(Reason::new(format!("{NAME} is not a regular file")));
        }
        Ok(metadata) => metadata.len(),
    };
    if size > MANIFEST_BYTES_MAX {
        return Err(Reason::new(format!("{NAME} has {size} bytes, expected at most {MANIFEST_BYTES_MAX}")));
    }
    fs::read_to_string(path).map(Some).map_err(failed)
}

fn digest(path: &Path) -> std::io::Result<String> {
    let mut file = fs::File::open(path)?;
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; 1 << 20];
    loop {
        match file.read(&mut chunk)? {
            0 => break,
            read => hasher.update(&chunk[..read]),
        }
    }
    Ok(hasher.finalize().iter().fold(String::new(), |mut text, byte| {
        use std::fmt::Write;
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_manifest_names_its_key() {
        let check = |text: &str, expected: &str| {
            let reason = Manifest::parse(text).unwrap_err();
            assert!(reason.contains(expected), "{reason}");
        };
        check("abi = 99", "abi: the plugin is built for 99, this worker speaks 1");
        check("sha256 = 'abc'", "sha256: expected 64 hexadecimal digits, got \"abc\"");
        check("kinds = ['both']", "both");
        check("name = ", "plugin.toml: ");
    }

    #[test]
    fn the_digest_is_compared_with_the_files_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.so");
        fs::write(&path, "abc").unwrap();
        // The well-known digest of these three letters.
        let right = "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD";
        let manifest = Manifest::parse(&format!("name = 'a'\nkinds = ['sink']\nsha256 = '{right}'")).unwrap();
        assert_eq!(manifest.check_digest(&path), Ok(()));
        fs::write(&path, "abd").unwrap();
        let reason = manifest.check_digest(&path).unwrap_err();
        assert!(reason.as_str().contains("plugin.toml promises ba7816bf"), "{reason}");
    }
}
