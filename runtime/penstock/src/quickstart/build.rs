//! Builds the connectors of the checkout with the cargo and the profile that built this binary.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

use super::checkout::Checkout;
use super::program;
use crate::failure::Failure;
use crate::terminal;

/// The libraries, which lie among others in the build's folder.
pub async fn connectors(checkout: &Checkout, executable: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut cargo = command(checkout, executable);
    let build = program::run(&mut cargo);
    let mut build = pin!(build);
    let ended = tokio::select! {
        ended = &mut build => ended,
        () = tokio::time::sleep(PATIENCE) => {
            terminal::write("building the connectors (once)\n");
            build.await
        }
    };
    let failed = |reason: String| Failure::Failed(format!("building the connectors: {reason}"));
    let ended = ended.map_err(|error| {
        failed(format!("cargo cannot be run ({error}), name a folder of built ones with --plugin-path"))
    })?;
    if !ended.status.success() {
        return Err(failed(format!("cargo ended with {}", ended.status)));
    }
    let libraries: Vec<_> = ended.stdout.lines().filter_map(library).collect();
    if libraries.len() == PACKAGES.len() {
        Ok(libraries)
    } else {
        Err(failed(format!("expected {} libraries, cargo made {libraries:?}", PACKAGES.len())))
    }
}

fn command(checkout: &Checkout, executable: &Path) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(&checkout.root).args([
        "build",
        "--quiet",
        "--message-format=json-render-diagnostics",
    ]);
    for package in PACKAGES {
        command.args(["--package", package]);
    }
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    if let Some(folder) = target(executable) {
        command.arg("--target-dir").arg(folder);
    }
    command
}

/// Where this binary's build keeps its files: what it compiled already is not compiled again elsewhere.
fn target(executable: &Path) -> Option<&Path> {
    let profile = executable.parent()?;
    let is_cargos = profile.ends_with("release") || profile.ends_with("debug");
    profile.parent().filter(|_| is_cargos)
}

/// The file of a finished library, from one line of what cargo tells machines.
fn library(line: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(line).ok()?;
    let is_library = message["reason"] == "compiler-artifact"
        && message["target"]["crate_types"].as_array()?.iter().any(|kind| kind == "cdylib");
    let files = message["filenames"].as_array().filter(|_| is_library)?;
    let file =
        files.iter().filter_map(Value::as_str).find(|file| file.ends_with(std::env::consts::DLL_SUFFIX));
    file.map(PathBuf::from)
}

const PACKAGES: [&str; 3] = ["penstock-datagen", "penstock-file", "penstock-clickhouse"];

/// When everything is built already cargo needs less.
const PATIENCE: Duration = Duration::from_millis(1500);

#[cfg(test)]
mod tests {
    use super::{library, target};
    use std::path::{Path, PathBuf};

    #[test]
    fn only_finished_libraries_are_taken() {
        let line = |kind: &str, file: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","target":{{"crate_types":["{kind}"]}},"filenames":["{file}"]}}"#
            )
        };
        let so = format!("/t/libpenstock_file{}", std::env::consts::DLL_SUFFIX);
        assert_eq!(library(&line("cdylib", &so)), Some(PathBuf::from(&so)));
        assert_eq!(library(&line("lib", "/t/libserde.rlib")), None);
        assert_eq!(library(&line("proc-macro", &so)), None);
        assert_eq!(library(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(library("no json"), None);
    }

    #[test]
    fn the_folder_of_the_build_is_reused() {
        let check = |given: &str, expected: Option<&str>| {
            assert_eq!(target(Path::new(given)), expected.map(Path::new), "{given}");
        };
        check("/c/target/release/penstock", Some("/c/target"));
        check("/elsewhere/debug/penstock", Some("/elsewhere"));
        check("/usr/bin/penstock", None);
    }
}
