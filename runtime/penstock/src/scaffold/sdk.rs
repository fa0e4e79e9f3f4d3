//! Finds the SDK that a new connector builds against.

use std::fs;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sdk {
    /// A checkout, by the folder that holds `sdk` and `testkit`.
    Folder(PathBuf),
    Git(&'static str),
}

impl Sdk {
    /// The folder given, or the checkout around this folder or this program, or the project's repository.
    pub fn find(given: Option<&Path>) -> Result<Self, String> {
        if let Some(given) = given {
            let expected = || format!("{}: expected the folder of the SDK or of a checkout", given.display());
            return among(&[given, &given.join(".."), &given.join("plugins")]).ok_or_else(expected);
        }
        let here = std::env::current_dir().ok();
        let program = std::env::current_exe().ok();
        let starts = here.iter().chain(&program);
        let found =
            starts.flat_map(|start| start.ancestors()).find_map(|folder| among(&[&folder.join("plugins")]));
        found
            .or_else(|| Self::published(env!("CARGO_PKG_REPOSITORY")))
            .ok_or_else(|| "no SDK around this folder or this program, expected one by --sdk PATH".to_owned())
    }

    fn published(repository: &'static str) -> Option<Self> {
        (!repository.is_empty()).then_some(Self::Git(repository))
    }

    /// The right side of a line under `[dependencies]`.
    pub fn dependency(&self, package: &str) -> String {
        match self {
            Self::Folder(plugins) => {
                let folder = plugins.join(package.strip_prefix("penstock-").unwrap_or(package));
                format!("{{ path = {:?} }}", folder.display().to_string())
            }
            Self::Git(url) => format!("{{ git = {url:?} }}"),
        }
    }

    /// With the checkout's lock file the new crate builds from the very versions that are known to work,
    /// and without a network when they were built before.
    pub fn copy_lock(&self, folder: &Path) -> Result<(), String> {
        let Self::Folder(plugins) = self else { return Ok(()) };
        let lock = plugins.join("../Cargo.lock");
        if !lock.is_file() {
            return Ok(());
        }
        let copied = fs::copy(&lock, folder.join("Cargo.lock"));
        copied.map(drop).map_err(|error| format!("copying {}: {error}", lock.display()))
    }
}

/// The first of these folders that holds the SDK.
fn among(folders: &[&Path]) -> Option<Sdk> {
    let is_sdk = |folder: &&&Path| {
        let manifest = fs::read_to_string(folder.join("sdk/Cargo.toml")).unwrap_or_default();
        manifest.lines().any(|line| line.replace(' ', "") == "name=\"penstock-sdk\"")
    };
    let folder = folders.iter().find(is_sdk)?;
    fs::canonicalize(folder).ok().map(Sdk::Folder)
}

#[cfg(test)]
mod tests {
    use super::Sdk;
    use std::path::Path;

    fn checkout() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
    }

    #[test]
    fn the_sdk_is_found_from_a_checkout_its_plugins_or_itself() {
        let expected = Sdk::Folder(checkout().join("plugins").canonicalize().unwrap());
        for given in ["", "plugins", "plugins/sdk"] {
            assert_eq!(Sdk::find(Some(&checkout().join(given))), Ok(expected.clone()), "{given}");
        }
        let lines = [expected.dependency("penstock-sdk"), expected.dependency("penstock-testkit")];
        assert!(
            lines[0].ends_with("plugins/sdk\" }") && lines[1].ends_with("plugins/testkit\" }"),
            "{lines:?}"
        );
    }

    #[test]
    fn another_folder_is_refused_by_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let reason = Sdk::find(Some(dir.path())).unwrap_err();
        assert!(reason.contains("expected the folder of the SDK"), "{reason}");
    }

    #[test]
    fn without_a_checkout_the_repository_serves() {
        assert_eq!(Sdk::published(""), None);
        let git = Sdk::published("https://example.com/penstock").unwrap();
        assert_eq!(git.dependency("penstock-sdk"), "{ git = \"https://example.com/penstock\" }");
    }
}
