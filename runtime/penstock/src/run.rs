//! Starts a worker from its settings and stops it when told to.

mod address;
mod connectors;
pub mod serve;
mod users;

use tracing::{info, warn};

use crate::args;
use crate::failure::Failure;
use crate::settings::{self, Flag, Loaded, Sources};
use crate::{logs, terminal};

pub fn run(args: args::Run) -> Result<(), Failure> {
    let is_printed = args.print_config;
    let is_alone = args.standalone;
    let connectors = connectors::read(&args.connectors)?;
    let loaded = settings::load(sources(args));
    if is_printed {
        return print(loaded);
    }
    let settings = loaded.settings.map_err(|problems| settings::refuse(&problems))?;
    check_alone(&settings, is_alone, !connectors.is_empty())?;
    let mut levels = logs::start(settings.log.format).map_err(Failure::Failed)?;
    levels.set(&settings.log.level).map_err(Failure::Failed)?;
    for reason in loaded.warnings {
        warn!(%reason, "settings");
    }
    if !loaded.inert.is_empty() {
        info!(keys = loaded.inert.join(","), "settings accepted without effect");
    }
    let scrubber = loaded.scrubber;
    serve::until_stopped(settings, connectors, levels).map_err(|failure| failure.scrubbed(&scrubber))
}

/// Which mode it is, is the settings' to say; what the command line asks for has to fit.
fn check_alone(settings: &worker::Settings, is_wanted: bool, has_connectors: bool) -> Result<(), Failure> {
    let worker::settings::Mode::Distributed(group) = &settings.mode else { return Ok(()) };
    let what = match (is_wanted, has_connectors) {
        (true, _) => "--standalone",
        (false, true) => "--connector, which is for a worker by itself",
        (false, false) => return Ok(()),
    };
    Err(Failure::Usage(format!(
        "{what}: the settings have group.id={}, which makes this one of the workers of a cluster: leave one of both out",
        group.id
    )))
}

fn sources(args: args::Run) -> Sources {
    let set = args.set.into_iter().map(|(key, value)| Flag { name: "--set", key, value });
    let named = [
        ("--listen", "listeners", args.listen),
        ("--plugin-path", "plugin.path", args.plugin_path),
        ("--log-format", "penstock.log.format", args.log_format),
        ("--log-level", "penstock.log.level", args.log_level),
    ];
    let named = named.into_iter().filter_map(|(name, key, value)| {
        let key = key.to_owned();
        value.map(|value| Flag { name, key, value })
    });
    let flags = set.chain(named).collect();
    Sources { file: args.config, environment: std::env::vars_os().collect(), flags }
}

fn print(loaded: Loaded) -> Result<(), Failure> {
    terminal::write(&settings::print(&loaded.raw));
    for warning in &loaded.warnings {
        terminal::complain(&format!("warning: {warning}"));
    }
    loaded.settings.map(drop).map_err(|problems| settings::refuse(&problems))
}
