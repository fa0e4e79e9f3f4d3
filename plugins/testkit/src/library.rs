//! Finds the shared library of a package, building it when nobody did.
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// What this process built already.
static BUILT: Mutex<Option<HashMap<String, PathBuf>>> = Mutex::new(None);

/// The library of a package of this workspace: from the folder that `PENSTOCK_PLUGINS` names if it is there, or
/// built by cargo in the profile of the running test. The folder need not have every library: the plugin that fails
/// on demand does not belong where workers look.
pub fn library(package: &str) -> PathBuf {
    if let Some(folder) = std::env::var_os("PENSTOCK_PLUGINS") {
        let path = Path::new(&folder).join(file_name(package));
        if path.is_file() {
            return path;
        }
    }
    // The lock is held while cargo runs: it would build one thing at a time anyway.
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let built = built.get_or_insert_default();
    built.entry(package.to_owned()).or_insert_with(|| build(package)).clone()
}

fn file_name(package: &str) -> String {
    format!("lib{}.so", package.replace('-', "_"))
}

fn build(package: &str) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let profile = profile();
    let output = Command::new(cargo)
        .args(["build", "--package", package, "--profile", &profile])
        .args(["--message-format", "json-render-diagnostics"])
        // Cargo sets these for the package under test; they would make it build everything anew.
        .env_remove("CARGO_MANIFEST_DIR")
        .env_remove("CARGO_PKG_NAME")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    let output = output.unwrap_or_else(|error| panic!("starting cargo for {package}: {error}"));
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "building {package} failed:\n{complaints}");
    let messages = String::from_utf8_lossy(&output.stdout);
    let found = messages.lines().filter_map(|line| artifact(line, package)).next_back();
    found.unwrap_or_else(|| panic!("{package} has no shared library: crate-type has to be cdylib"))
}

/// The library in one line of what cargo says.
fn artifact(line: &str, package: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    if message["reason"] != "compiler-artifact" {
        return None;
    }
    let name = file_name(package);
    let files = message["filenames"].as_array()?.iter().filter_map(|file| file.as_str());
    files.map(PathBuf::from).find(|path| path.file_name().is_some_and(|file| file == name.as_str()))
}

/// Of the running test, which lies in `target/PROFILE/deps`.
fn profile() -> String {
    let own = std::env::current_exe().unwrap_or_default();
    let folder = own.parent().and_then(Path::parent).and_then(Path::file_name).and_then(|name| name.to_str());
    match folder {
        None | Some("debug") => "dev".into(),
        Some(profile) => profile.into(),
    }
}
