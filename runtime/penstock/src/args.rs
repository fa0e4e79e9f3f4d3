//! What the command line can say.

// Doc comments are the help text here, read on a terminal and not as Markdown.
#![expect(clippy::doc_markdown)]

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Runs Kafka Connect-style connectors that are dropped into a directory.
#[derive(Debug, Parser)]
#[command(name = "penstock", version)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a worker
    Run(Run),
    /// Show records moving from a generator to a sink within seconds
    Quickstart(Quickstart),
    /// Look at connector libraries, or write a new one
    Plugin {
        #[command(subcommand)]
        command: Plugin,
    },
}

#[derive(Debug, Default, Args)]
pub struct Run {
    /// Worker settings with the keys of Kafka Connect: a .yaml or .toml file, any other is Java's .properties
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Insist on a worker by itself, which keeps what it knows in a file and needs no Kafka of its own
    #[arg(long)]
    pub standalone: bool,
    /// Create this connector, or bring it up to date, when the worker has started: a .json or .properties file as for
    /// Connect's standalone worker; may be repeated
    #[arg(long = "connector", value_name = "FILE")]
    pub connectors: Vec<PathBuf>,
    /// Set one key, stronger than file and environment; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub set: Vec<(String, String)>,
    /// Where to serve REST, such as http://127.0.0.1:8083
    #[arg(long, value_name = "URL")]
    pub listen: Option<String>,
    /// Folders of connector libraries, with commas between them
    #[arg(long, value_name = "FOLDERS")]
    pub plugin_path: Option<String>,
    /// text or json
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// A level, or directives such as info,penstock_worker=debug
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// Print every setting and where it comes from, then stop; secrets are masked
    #[arg(long)]
    pub print_config: bool,
}

#[derive(Debug, Args)]
pub struct Quickstart {
    /// Use these brokers instead of the embedded one
    #[arg(long, value_name = "BROKERS")]
    pub kafka: Option<String>,
    /// Write to this ClickHouse instead of a file
    #[arg(long, value_name = "URL")]
    pub clickhouse: Option<String>,
    /// From a checkout: install and start a real Kafka and a real ClickHouse
    #[arg(long, conflicts_with_all = ["kafka", "clickhouse"])]
    pub real: bool,
    /// Where to serve REST
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8083")]
    pub listen: String,
    /// Folders of connector libraries, with commas between them; built from the checkout otherwise
    #[arg(long, value_name = "FOLDERS")]
    pub plugin_path: Option<String>,
    /// Stop after so many seconds instead of at Ctrl-C
    #[arg(long, value_name = "N")]
    pub seconds: Option<u64>,
}

#[derive(Debug, Subcommand)]
pub enum Plugin {
    /// List the connectors found in the plugin path, and what is wrong with the others
    List(PluginPath),
    /// Show what one library offers
    Inspect {
        /// The library file
        file: PathBuf,
    },
    /// Write the crate of a new connector
    New(NewPlugin),
    /// Open one library and say what happened; a broken one ends this process, not the worker
    #[command(hide = true)]
    Try { file: PathBuf },
}

#[derive(Debug, Args)]
pub struct PluginPath {
    /// Folders of connector libraries, with commas between them; what the worker's settings say otherwise
    #[arg(long, value_name = "FOLDERS")]
    pub plugin_path: Option<String>,
    /// Worker settings whose plugin.path to look through
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct NewPlugin {
    /// The name of the connector and its folder: small letters, digits and dashes
    pub name: String,
    /// What the connector does
    #[arg(long)]
    pub kind: Kind,
    /// The folder of the SDK, if it is not found from here
    #[arg(long, value_name = "PATH")]
    pub sdk: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Brings records from elsewhere into Kafka
    Source,
    /// Brings records from Kafka elsewhere
    Sink,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Arguments, Command, key_value};
    use clap::{CommandFactory, Parser};

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn only_the_first_equals_sign_separates() {
        assert_eq!(key_value("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(key_value("a="), Ok(("a".to_owned(), String::new())));
        assert_eq!(key_value("=b"), Err("expected KEY=VALUE".to_owned()));
        assert_eq!(key_value("a"), Err("expected KEY=VALUE".to_owned()));
    }

    #[test]
    fn flags_may_be_repeated() {
        let given = ["penstock", "run", "--set", "a=1", "--set", "b=2", "--listen", "http://127.0.0.1:0"];
        let Command::Run(run) = Arguments::try_parse_from(given).unwrap().command else {
            panic!("expected run");
        };
        assert_eq!(run.set.len(), 2);
        assert_eq!(run.listen.as_deref(), Some("http://127.0.0.1:0"));
    }
}
