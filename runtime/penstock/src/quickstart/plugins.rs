//! Finds the connectors: where the user says, built from the checkout, or installed with the binary.

use std::fs;
use std::path::{Path, PathBuf};

use super::build;
use super::checkout::Checkout;
use crate::failure::Failure;

/// The folders for `plugin.path`; `own` is one that is not there yet and may be made.
pub async fn folders(
    checkout: Option<&Checkout>,
    executable: &Path,
    own: &Path,
) -> Result<Vec<PathBuf>, Failure> {
    if let Some(checkout) = checkout {
        let libraries = build::connectors(checkout, executable).await?;
        return copy(&libraries, own).map(|()| vec![own.to_owned()]);
    }
    let beside = executable.parent().unwrap_or(Path::new("/"));
    let installed = beside.join("../lib/penstock/plugins");
    if !libraries(&installed).is_empty() {
        return Ok(vec![installed]);
    }
    let found = libraries(beside);
    if found.is_empty() {
        return Err(Failure::Failed(format!(
            "no connectors found: expected them in {} or {}, or in a folder that --plugin-path names",
            installed.display(),
            beside.display()
        )));
    }
    copy(&found, own).map(|()| vec![own.to_owned()])
}

/// Copies and no links: a build that goes on beside us may write into its own files while we have them open.
fn copy(libraries: &[PathBuf], own: &Path) -> Result<(), Failure> {
    let failed =
        |path: &Path, error| Failure::Failed(format!("copying connectors: {}: {error}", path.display()));
    fs::create_dir_all(own).map_err(|error| failed(own, error))?;
    for library in libraries {
        if let Some(name) = library.file_name() {
            fs::copy(library, own.join(name)).map_err(|error| failed(library, error))?;
        }
    }
    Ok(())
}

/// Ours, by their names: a folder of programs holds other libraries too.
fn libraries(folder: &Path) -> Vec<PathBuf> {
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("libpenstock_") && name.ends_with(std::env::consts::DLL_SUFFIX) && path.is_file()
    };
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.map(|entry| entry.path()).filter(is_ours).collect()
}

#[cfg(test)]
mod tests {
    use super::folders;
    use std::env::consts::DLL_SUFFIX;
    use std::fs;
    use std::path::{Path, PathBuf};

    fn install(folder: &Path, name: &str) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(format!("{name}{DLL_SUFFIX}")), name).unwrap();
    }

    async fn found(root: &Path) -> Result<Vec<PathBuf>, String> {
        let executable = root.join("bin/penstock");
        folders(None, &executable, &root.join("own")).await.map_err(|failure| failure.to_string())
    }

    #[tokio::test]
    async fn without_a_checkout_the_installed_ones_are_taken() {
        let root = tempfile::tempdir().unwrap();
        install(&root.path().join("bin"), "libpenstock_file");
        install(&root.path().join("lib/penstock/plugins"), "libpenstock_file");
        assert_eq!(found(root.path()).await, Ok(vec![root.path().join("bin/../lib/penstock/plugins")]));
    }

    #[tokio::test]
    async fn of_a_folder_of_programs_only_ours_are_taken() {
        let root = tempfile::tempdir().unwrap();
        install(&root.path().join("bin"), "libpenstock_file");
        install(&root.path().join("bin"), "libother");
        assert_eq!(found(root.path()).await, Ok(vec![root.path().join("own")]));
        let names: Vec<_> =
            fs::read_dir(root.path().join("own")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, [format!("libpenstock_file{DLL_SUFFIX}").as_str()]);
    }

    #[tokio::test]
    async fn none_at_all_is_one_sentence_that_says_where_they_belong() {
        let root = tempfile::tempdir().unwrap();
        let sentence = found(root.path()).await.unwrap_err();
        assert!(
            sentence.contains("bin/../lib/penstock/plugins") && sentence.contains("--plugin-path"),
            "{sentence}"
        );
        assert!(!root.path().join("own").exists());
    }
}
