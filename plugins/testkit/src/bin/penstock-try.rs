//! The plugin trial as a program of its own, for tests that have no worker: `penstock-try try FILE`, and
//! `penstock-try list CACHE FOLDER…`, which finds plugins as a worker does and tells how long it took.
use host::{Discovery, Plugins, Trial};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    match arguments.as_slice() {
        [command, file] if command == Path::new("try") => host::trial::run(file),
        [command, cache_dir, paths @ ..] if command == Path::new("list") => list(cache_dir, paths),
        _ => {
            eprintln!("usage: penstock-try try FILE | list CACHE FOLDER…");
            ExitCode::from(2)
        }
    }
}

fn list(cache_dir: &Path, paths: &[PathBuf]) -> ExitCode {
    let program = std::env::current_exe().unwrap_or_default();
    let trial = Trial { args: vec!["try".into()], ..Trial::new(program) };
    let discovery = Discovery { paths: paths.to_vec(), cache_dir: cache_dir.to_owned(), trial };
    let started = Instant::now();
    let plugins = Plugins::discover(&discovery);
    let took = started.elapsed();
    for listed in plugins.listed() {
        match &listed.outcome {
            Ok(connectors) => {
                let classes: Vec<_> = connectors.iter().map(|connector| connector.class.as_str()).collect();
                println!("{}: {}", listed.path.display(), classes.join(", "));
            }
            Err(reason) => println!("{}: {reason}", listed.path.display()),
        }
    }
    println!("{} ms", took.as_millis());
    ExitCode::SUCCESS
}
