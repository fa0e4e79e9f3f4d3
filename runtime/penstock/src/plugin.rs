//! Looks at connector libraries, and writes the crate of a new one.

mod listing;

use std::path::{Path, PathBuf};

use host::{Discovery, Plugins, Trial};

use crate::args::{self, Plugin, PluginPath};
use crate::failure::Failure;
use crate::settings::{self, Flag, Sources};
use crate::{scaffold, terminal};

pub fn run(command: Plugin) -> Result<(), Failure> {
    match command {
        Plugin::List(path) => list(path),
        Plugin::Inspect { file } => inspect(&file),
        Plugin::New(new) => create(&new),
        // The child of a discovery: it tells its parent what it saw and ends by itself.
        Plugin::Try { file } => host::trial::run(&file),
    }
}

fn list(path: PluginPath) -> Result<(), Failure> {
    let plugins = discover(folders(path)?)?;
    terminal::write(&listing::of_all(&plugins));
    Ok(())
}

/// The flag, or what a worker with this file and environment would use.
fn folders(path: PluginPath) -> Result<Vec<PathBuf>, Failure> {
    let flag =
        path.plugin_path.map(|value| Flag { name: "--plugin-path", key: "plugin.path".to_owned(), value });
    let environment = std::env::vars_os().collect();
    let loaded =
        settings::load(Sources { file: path.config, environment, flags: flag.into_iter().collect() });
    let settings = loaded.settings.map_err(|problems| settings::refuse(&problems))?;
    if settings.plugins.path.is_empty() {
        return Err(Failure::Usage("give the folders of connector libraries with --plugin-path".to_owned()));
    }
    Ok(settings.plugins.path)
}

/// A broken file is found out in a child process, as it is for a worker.
fn inspect(file: &Path) -> Result<(), Failure> {
    if !file.is_file() {
        let reason = format!("{}: expected the file of a connector library", file.display());
        return Err(Failure::Usage(reason));
    }
    let plugins = discover(vec![file.to_owned()])?;
    let refused = plugins.listed().iter().find_map(|listed| listed.outcome.as_ref().err());
    if let Some(reason) = refused {
        return Err(Failure::Failed(format!("{}: {reason}", file.display())));
    }
    for warning in plugins.listed().iter().flat_map(|listed| &listed.warnings) {
        terminal::complain(&format!("warning: {warning}"));
    }
    terminal::write(&listing::of_one(&plugins));
    Ok(())
}

fn discover(paths: Vec<PathBuf>) -> Result<Plugins, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::Failed(format!("finding the program to try libraries with: {error}")))?;
    Ok(Plugins::discover(&Discovery { paths, cache_dir: cache_dir(), trial: Trial::new(program) }))
}

/// A person's own cache; a worker has its own beside its data.
fn cache_dir() -> PathBuf {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    home.map_or_else(|| PathBuf::from("penstock-data/plugin-cache"), |home| home.join("penstock/plugins"))
}

fn create(new: &args::NewPlugin) -> Result<(), Failure> {
    let name = scaffold::Name::parse(&new.name, new.kind).map_err(Failure::Usage)?;
    let sdk = scaffold::Sdk::find(new.sdk.as_deref()).map_err(Failure::Usage)?;
    scaffold::write(Path::new(name.package()), &name, &sdk).map_err(Failure::Failed)?;
    let package = name.package();
    terminal::write(&format!(
        "{package}: a {} that builds\n\n  cd {package} && cargo test\n\nREADME.md says how to run it\n",
        name.kind()
    ));
    Ok(())
}
