//! Opens files below the allowed folders only, whatever `..` and symbolic links make of a path.
use std::fs::{File, Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

/// The folders or files of `allowed.paths`, as they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed(Vec<PathBuf>);

/// What a provider reads is a password, a certificate or a list of them.
pub const BYTES_MAX: u64 = 1 << 20;

const OUTSIDE: &str = "the path is outside allowed.paths";
const CHANGED: &str = "the path changed while it was opened";

impl Allowed {
    /// Paths between commas. They have to exist: a slip shows when the worker starts, not when a task does.
    pub fn parse(list: &str) -> Result<Self, String> {
        let paths: Vec<_> =
            list.split(',').map(str::trim).filter(|path| !path.is_empty()).map(PathBuf::from).collect();
        if paths.is_empty() {
            return Err("the paths it may read, separated by commas".to_owned());
        }
        for path in &paths {
            let is_plain = path.is_absolute() && !path.components().any(|part| part == Component::ParentDir);
            if !is_plain {
                return Err(format!("absolute paths without .., not {}", path.display()));
            }
            path.canonicalize().map_err(|error| format!("paths that exist, {}: {error}", path.display()))?;
        }
        Ok(Self(paths))
    }

    /// The text of a file. An error is the end of a sentence, and has nothing of what the file holds.
    pub fn read(&self, path: &Path) -> Result<String, String> {
        let file = self.open(path)?;
        let mut bytes = Vec::new();
        let read = file.take(BYTES_MAX + 1).read_to_end(&mut bytes);
        read.map_err(|error| reason(&error))?;
        if bytes.len() as u64 > BYTES_MAX {
            return Err(format!("the file has more than {BYTES_MAX} bytes"));
        }
        String::from_utf8(bytes).map_err(|_| "the file is not UTF-8 text".to_owned())
    }

    fn open(&self, path: &Path) -> Result<File, String> {
        // Looked at before the file system is asked, which would tell what exists elsewhere.
        if !self.holds(&lexical(path)?) {
            return Err(OUTSIDE.to_owned());
        }
        let real = path.canonicalize().map_err(|error| reason(&error))?;
        if !self.holds(&real) {
            return Err(OUTSIDE.to_owned());
        }
        // A named pipe would wait for its writer, and a device may do anything.
        let before = std::fs::symlink_metadata(&real).map_err(|error| reason(&error))?;
        if !before.is_file() {
            return Err("not a regular file".to_owned());
        }
        let mut options = OpenOptions::new();
        let file = options.read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(&real);
        let file = file.map_err(|error| reason(&error))?;
        // Somebody who may write there could have put a link into the path in the meantime.
        let opened = file.metadata().map_err(|error| reason(&error))?;
        let real_after = path.canonicalize().map_err(|error| reason(&error))?;
        if real_after == real && same(&before, &opened) { Ok(file) } else { Err(CHANGED.to_owned()) }
    }

    /// The allowed paths may be links themselves, to a place that changes with each rollout.
    fn holds(&self, path: &Path) -> bool {
        self.0.iter().any(|allowed| {
            path.starts_with(allowed) || allowed.canonicalize().is_ok_and(|real| path.starts_with(real))
        })
    }
}

fn same(one: &Metadata, other: &Metadata) -> bool {
    other.is_file() && one.dev() == other.dev() && one.ino() == other.ino()
}

/// The path without `.` and `..`, by its text alone.
fn lexical(path: &Path) -> Result<PathBuf, String> {
    if !path.is_absolute() {
        return Err("the path is not absolute".to_owned());
    }
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    Ok(plain)
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => "no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "the worker may not read it".to_owned(),
        _ => error.to_string().to_lowercase(),
    }
}

#[cfg(test)]
#[path = "allowed_tests.rs"]
mod tests;
