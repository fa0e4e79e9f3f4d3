//! Builds plugins that are written in C, the good ones and those that no Rust crate could be.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Compiles C against the contract's header, every warning an error, to `folder/libNAME.so`.
pub fn compile_c(folder: &Path, name: &str, source: &str) -> PathBuf {
    let header = folder.join("penstock.h");
    let (from, library) = (folder.join(format!("{name}.c")), folder.join(format!("lib{name}.so")));
    for (path, text) in [(&header, abi::c_header().as_str()), (&from, source)] {
        fs::write(path, text).unwrap_or_else(|error| panic!("writing {}: {error}", path.display()));
    }
    let output = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", "-O1", "-shared", "-fPIC"])
        .arg("-o")
        .args([&library, &from])
        .output();
    let output = output.unwrap_or_else(|error| panic!("starting cc: {error}"));
    assert!(output.status.success(), "cc failed:\n{}", String::from_utf8_lossy(&output.stderr));
    library
}
