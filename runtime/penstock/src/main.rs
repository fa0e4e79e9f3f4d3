//! The binary: reads what it is told, wires the crates, waits for a signal, drains.

mod args;
mod failure;
mod logs;
mod memory;
mod plugin;
mod quickstart;
mod run;
mod scaffold;
mod settings;
mod signals;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    memory::give_back();
    let done = match args::Arguments::parse().command {
        args::Command::Run(args) => run::run(args),
        args::Command::Quickstart(args) => quickstart::run(&args),
        args::Command::Plugin { command } => plugin::run(command),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            terminal::complain(&failure.to_string());
            ExitCode::from(failure.code())
        }
    }
}
