//! Remembers which files were tried and what came of it, so that a start tries only new ones.
use super::candidates::Identity;
use crate::ConnectorInfo;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

/// What a trial of a file showed. A good file is loaded anyway and asked again; what it offered is for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Verdict {
    /// The digest that the file was found to have, when its manifest promised one.
    pub sha256: Option<String>,
    pub result: Result<Vec<ConnectorInfo>, String>,
}

/// Verdicts of the last start, and those that this one keeps.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    old: HashMap<Identity, Verdict>,
    kept: Vec<(Identity, Verdict)>,
    is_stored: bool,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    /// A worker that loads otherwise tries again.
    worker: String,
    files: Vec<(Identity, Verdict)>,
}

const NAME: &str = "plugins.json";
const BYTES_MAX: u64 = 64 << 20;

impl Verdicts {
    /// What is there; nothing when it is damaged or from another worker.
    pub fn read(cache_dir: &Path) -> Self {
        let stored = match stored(&cache_dir.join(NAME)) {
            Ok(stored) => stored,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    let path = cache_dir.join(NAME);
                    tracing::warn!(path = %path.display(), %error, "trying every plugin again");
                }
                return Self::default();
            }
        };
        if stored.worker != worker() {
            return Self::default();
        }
        Self { old: stored.files.into_iter().collect(), kept: Vec::new(), is_stored: true }
    }

    pub fn get(&self, file: &Identity) -> Option<&Verdict> {
        self.old.get(file)
    }

    pub fn keep(&mut self, file: Identity, verdict: Verdict) {
        self.kept.push((file, verdict));
    }

    /// Replaces the store by what was kept, unless nothing changed. A store that cannot be written costs time only.
    pub fn write(self, cache_dir: &Path) {
        let is_known = |(file, verdict): &(_, _)| self.old.get(file) == Some(verdict);
        if self.is_stored && self.kept.len() == self.old.len() && self.kept.iter().all(is_known) {
            return;
        }
        let stored = Stored { worker: worker(), files: self.kept };
        if let Err(error) = replace(cache_dir, &stored) {
            let path = cache_dir.display();
            tracing::warn!(%path, %error, "plugins are tried again at the next start");
        }
    }
}

fn worker() -> String {
    let (major, minor, layout) = (abi::MAJOR, abi::MINOR, abi::LAYOUT_HASH);
    format!("{} {major}.{minor} {layout:016x}", env!("CARGO_PKG_VERSION"))
}

fn stored(path: &Path) -> io::Result<Stored> {
    if fs::metadata(path)?.len() > BYTES_MAX {
        return Err(io::Error::other("larger than any worker writes it"));
    }
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

fn replace(cache_dir: &Path, stored: &Stored) -> io::Result<()> {
    fs::create_dir_all(cache_dir)?;
    let draft = cache_dir.join(format!("{NAME}.{}", std::process::id()));
    fs::write(&draft, serde_json::to_vec(stored)?)?;
    fs::rename(&draft, cache_dir.join(NAME))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn identity(size: u64) -> Identity {
        let text = format!(r#"{{"path":"/p/a.so","size":{size},"inode":2,"mtime_ns":3,"ctime_ns":4}}"#);
        serde_json::from_str(&text).unwrap()
    }

    fn bad() -> Verdict {
        Verdict { sha256: None, result: Err("it crashed".into()) }
    }

    fn store(dir: &Path) -> PathBuf {
        let mut verdicts = Verdicts::read(dir);
        verdicts.keep(identity(1), bad());
        verdicts.write(dir);
        dir.join(NAME)
    }

    #[test]
    fn a_verdict_is_remembered_for_the_same_file_only() {
        let dir = tempfile::tempdir().unwrap();
        store(dir.path());
        let verdicts = Verdicts::read(dir.path());
        assert_eq!(verdicts.get(&identity(1)), Some(&bad()));
        assert_eq!(verdicts.get(&identity(2)), None);
    }

    #[test]
    fn a_damaged_or_foreign_store_starts_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = store(dir.path());
        let whole = fs::read_to_string(&path).unwrap();
        fs::write(&path, whole.replace(env!("CARGO_PKG_VERSION"), "0.0.0-other")).unwrap();
        assert_eq!(Verdicts::read(dir.path()).get(&identity(1)), None);
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert_eq!(Verdicts::read(dir.path()).get(&identity(1)), None);
        store(dir.path());
        assert_eq!(Verdicts::read(dir.path()).get(&identity(1)), Some(&bad()));
    }

    #[test]
    fn files_that_are_gone_are_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        store(dir.path());
        Verdicts::read(dir.path()).write(dir.path());
        assert_eq!(Verdicts::read(dir.path()).get(&identity(1)), None);
    }
}
