//! Writes the crate of a new connector: it builds and keeps the contract before its author changes a line.

mod name;
mod sdk;

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

pub use name::Name;
pub use sdk::Sdk;

use crate::args::Kind;

/// Makes the folder, which must not exist: nothing of an author's is ever overwritten.
pub fn write(folder: &Path, name: &Name, sdk: &Sdk) -> Result<(), String> {
    let shown = folder.display();
    fs::create_dir(folder).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => format!("{shown} exists already, expected a new name"),
        _ => format!("making the folder {shown}: {error}"),
    })?;
    for (path, text) in files(name, sdk) {
        let path = folder.join(path);
        let parent = path.parent().map_or(Ok(()), fs::create_dir_all);
        parent
            .and_then(|()| fs::write(&path, text))
            .map_err(|error| format!("writing {}: {error}", path.display()))?;
    }
    format(folder);
    sdk.copy_lock(folder)
}

/// A long name makes lines longer than they should be. As with `cargo new`, a machine without rustfmt does
/// without.
fn format(folder: &Path) {
    let mut rustfmt = Command::new("rustfmt");
    rustfmt.args(["--quiet", "--edition", "2024", "src/lib.rs", "tests/contract.rs"]);
    let _ =
        rustfmt.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
}

fn files(name: &Name, sdk: &Sdk) -> Vec<(&'static str, String)> {
    let (lib, contract, readme) = match name.kind_of() {
        Kind::Source => (
            include_str!("scaffold/templates/source.rs.tmpl"),
            include_str!("scaffold/templates/source_contract.rs.tmpl"),
            include_str!("scaffold/templates/source_readme.md.tmpl"),
        ),
        Kind::Sink => (
            include_str!("scaffold/templates/sink.rs.tmpl"),
            include_str!("scaffold/templates/sink_contract.rs.tmpl"),
            include_str!("scaffold/templates/sink_readme.md.tmpl"),
        ),
    };
    let filled = |template: &str| {
        template
            .replace("{{package}}", name.package())
            .replace("{{library}}", &name.library())
            .replace("{{class}}", name.class())
            .replace("{{sdk}}", &sdk.dependency("penstock-sdk"))
            .replace("{{testkit}}", &sdk.dependency("penstock-testkit"))
    };
    vec![
        ("Cargo.toml", filled(include_str!("scaffold/templates/Cargo.toml.tmpl"))),
        ("src/lib.rs", filled(lib)),
        ("tests/contract.rs", filled(contract)),
        ("README.md", filled(readme)),
        ("rustfmt.toml", "max_width = 110\nuse_small_heuristics = \"Max\"\n".to_owned()),
        (".gitignore", "/target\n".to_owned()),
    ]
}

#[cfg(test)]
mod tests;
