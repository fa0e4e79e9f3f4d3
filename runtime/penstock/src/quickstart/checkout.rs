//! Finds the checkout that this binary was built from, if it still stands there.

use std::path::{Path, PathBuf};

/// The folder of the workspace's Cargo.toml.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    pub root: PathBuf,
}

impl Checkout {
    /// Above the executable, else where `cargo run` says that the crate is: a build may keep its files elsewhere.
    pub fn find(program: &Path) -> Option<Self> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        Self::above(program).or_else(|| Self::above(&manifest?))
    }

    fn above(path: &Path) -> Option<Self> {
        let root = path.ancestors().find(|folder| is_checkout(folder))?;
        Some(Self { root: root.to_owned() })
    }
}

/// Another project's workspace is none of ours, even when the binary lies in it.
fn is_checkout(folder: &Path) -> bool {
    MEMBERS.iter().all(|member| folder.join(member).is_file())
}

const MEMBERS: [&str; 3] = ["Cargo.toml", "runtime/penstock/Cargo.toml", "connectors/datagen/Cargo.toml"];

#[cfg(test)]
mod tests {
    use super::{Checkout, MEMBERS};
    use std::fs;
    use std::path::Path;

    #[test]
    fn it_is_found_from_any_depth_below_it() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("penstock");
        for member in MEMBERS {
            fs::create_dir_all(root.join(member).parent().unwrap()).unwrap();
            fs::write(root.join(member), "").unwrap();
        }
        let found = Some(Checkout { root: root.clone() });
        assert_eq!(Checkout::above(&root.join("target/release/penstock")), found);
        assert_eq!(Checkout::above(&root.join("runtime/penstock")), found);
        assert_eq!(Checkout::above(&dir.path().join("bin/penstock")), None);
    }

    #[test]
    fn another_workspace_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("Cargo.toml"), "[workspace]").unwrap();
        assert_eq!(Checkout::above(&dir.path().join("target/debug/penstock")), None);
    }

    #[test]
    fn these_tests_run_from_one() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(Checkout::above(here).unwrap().root, here.ancestors().nth(2).unwrap());
    }
}
