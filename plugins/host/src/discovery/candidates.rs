//! Walks the folders of `plugin.path`: which files may be plugins, and what can be said of them from outside.
use crate::Reason;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file that can be looked into.
pub(super) struct Candidate {
    /// As found.
    pub path: PathBuf,
    /// Without symbolic links.
    pub real_path: PathBuf,
    pub identity: Identity,
    /// Libraries in the same folder, this one included.
    pub neighbours: usize,
    pub warnings: Vec<String>,
}

/// Says that bytes are the same as last time, without reading them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Identity {
    path: PathBuf,
    size: u64,
    inode: u64,
    mtime_ns: i64,
    /// Unlike the time of modification, nobody can set this one back.
    ctime_ns: i64,
}

type Found = Result<Candidate, (PathBuf, Reason)>;

/// Far above any plugin: an unoptimised one with everything linked in has a few hundred megabytes.
const FILE_BYTES_MAX: u64 = 2 << 30;
/// A folder with more is not one of plugins.
const ENTRIES_MAX: usize = 10_000;

/// Every library of the folders, those that cannot be used with the reason.
pub(super) fn find(paths: &[PathBuf]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for path in paths {
        if path.is_file() {
            add(std::slice::from_ref(path), &mut seen, &mut found);
            continue;
        }
        match list(path) {
            Ok((libraries, folders)) => {
                add(&libraries, &mut seen, &mut found);
                for folder in folders {
                    match list(&folder) {
                        Ok((libraries, _)) => add(&libraries, &mut seen, &mut found),
                        Err(error) => found.push(Err((folder, unreadable(&error)))),
                    }
                }
            }
            Err(error) => found.push(Err((path.clone(), unreadable(&error)))),
        }
    }
    found
}

fn add(libraries: &[PathBuf], seen: &mut HashSet<PathBuf>, found: &mut Vec<Found>) {
    for path in libraries {
        match examine(path, libraries.len()) {
            // The same file by another way is one plugin.
            Ok(candidate) if seen.insert(candidate.real_path.clone()) => found.push(Ok(candidate)),
            Ok(_) => {}
            Err(reason) => found.push(Err((path.clone(), reason))),
        }
    }
}

/// Libraries and folders of a folder, by name.
fn list(folder: &Path) -> io::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (mut libraries, mut folders) = (Vec::new(), Vec::new());
    for (count, entry) in fs::read_dir(folder)?.enumerate() {
        let path = entry?.path();
        if count == ENTRIES_MAX {
            return Err(io::Error::other(format!("it holds more than {ENTRIES_MAX} files")));
        }
        if path.extension().is_some_and(|extension| extension == "so") {
            libraries.push(path);
        } else if path.is_dir() {
            folders.push(path);
        }
    }
    libraries.sort();
    folders.sort();
    Ok((libraries, folders))
}

fn examine(path: &Path, neighbours: usize) -> Result<Candidate, Reason> {
    let real_path = fs::canonicalize(path).map_err(|error| unreadable(&error))?;
    let metadata = fs::metadata(&real_path).map_err(|error| unreadable(&error))?;
    if metadata.is_dir() {
        return Err(Reason::new("it is a folder, not a library"));
    }
    // Opening a pipe or a device could wait for ever.
    if !metadata.is_file() {
        return Err(Reason::new("it is not a regular file"));
    }
    match metadata.len() {
        0 => return Err(Reason::new("the file is empty")),
        size if size > FILE_BYTES_MAX => {
            return Err(Reason::new(format!("the file has {size} bytes, expected at most {FILE_BYTES_MAX}")));
        }
        _ => {}
    }
    fs::File::open(&real_path).map_err(|error| unreadable(&error))?;
    let warnings = writable_by_others(&real_path, &metadata);
    let identity = Identity::new(&real_path, &metadata);
    Ok(Candidate { path: path.to_owned(), identity, real_path, neighbours, warnings })
}

fn unreadable(error: &io::Error) -> Reason {
    Reason::new(match error.kind() {
        io::ErrorKind::NotFound => "there is nothing at this path".to_owned(),
        io::ErrorKind::PermissionDenied => "it cannot be read: permission denied".to_owned(),
        _ if error.raw_os_error() == Some(libc::ELOOP) => "it is a loop of symbolic links".to_owned(),
        _ => format!("it cannot be read: {error}"),
    })
}

/// Whoever may change a plugin runs code as the worker.
fn writable_by_others(real_path: &Path, metadata: &Metadata) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut look = |what: &str, metadata: &Metadata| {
        let mode = metadata.mode();
        // In a folder with the sticky bit, only its owner replaces a file.
        let is_open = mode & 0o022 != 0 && !(metadata.is_dir() && mode & 0o1000 != 0);
        if is_open {
            let mode = mode & 0o7777;
            warnings.push(format!("{what} can be changed by other users (mode {mode:04o}): chmod go-w"));
        }
    };
    look("the file", metadata);
    if let Some(Ok(folder)) = real_path.parent().map(fs::metadata) {
        look("its folder", &folder);
    }
    warnings
}

impl Identity {
    fn new(real_path: &Path, metadata: &Metadata) -> Self {
        let ns = |seconds: i64, ns: i64| seconds.saturating_mul(1_000_000_000).saturating_add(ns);
        Self {
            path: real_path.to_owned(),
            size: metadata.len(),
            inode: metadata.ino(),
            mtime_ns: ns(metadata.mtime(), metadata.mtime_nsec()),
            ctime_ns: ns(metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl Candidate {
    pub fn is_unchanged(&self) -> bool {
        fs::metadata(&self.real_path).is_ok_and(|now| Identity::new(&self.real_path, &now) == self.identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn reason(found: &[Found], name: &str) -> String {
        let reason = found.iter().find_map(|found| match found {
            Err((path, reason)) if path.ends_with(name) => Some(reason.to_string()),
            _ => None,
        });
        reason.unwrap_or_else(|| panic!("{name} is not listed with a reason"))
    }

    #[test]
    fn what_is_no_readable_file_is_listed_with_its_reason() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("empty.so"), "").unwrap();
        fs::create_dir(at("folder.so")).unwrap();
        symlink(at("loop.so"), at("loop.so")).unwrap();
        symlink(at("nowhere"), at("broken.so")).unwrap();
        symlink("/dev/null", at("device.so")).unwrap();
        fs::write(at("notes.txt"), "ignored").unwrap();
        let found = find(&[dir.path().to_owned(), at("missing")]);
        assert_eq!(reason(&found, "empty.so"), "the file is empty");
        assert_eq!(reason(&found, "folder.so"), "it is a folder, not a library");
        assert_eq!(reason(&found, "loop.so"), "it is a loop of symbolic links");
        assert_eq!(reason(&found, "broken.so"), "there is nothing at this path");
        assert_eq!(reason(&found, "device.so"), "it is not a regular file");
        assert_eq!(reason(&found, "missing"), "there is nothing at this path");
        assert_eq!(found.len(), 6);
    }

    #[test]
    fn files_one_level_below_are_found_once_and_in_order() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("one/two")).unwrap();
        for name in ["b.so", "a.so", "one/c.so", "one/two/too-deep.so"] {
            fs::write(dir.path().join(name), "bytes").unwrap();
        }
        symlink(dir.path().join("a.so"), dir.path().join("same-as-a.so")).unwrap();
        let paths = [dir.path().to_owned(), dir.path().to_owned()];
        let names: Vec<_> = find(&paths)
            .into_iter()
            .map(|found| found.ok().unwrap().path.strip_prefix(dir.path()).unwrap().to_owned())
            .collect();
        assert_eq!(names, [Path::new("a.so"), Path::new("b.so"), Path::new("one/c.so")]);
    }

    #[test]
    fn a_file_that_others_may_change_carries_a_warning() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.so");
        fs::write(&path, "bytes").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        let found = find(&[dir.path().to_owned()]);
        let candidate = found[0].as_ref().ok().unwrap();
        assert_eq!(candidate.warnings, ["the file can be changed by other users (mode 0666): chmod go-w"]);
    }
}
