//! Looks at the tables while a configuration is validated, so that what they cannot keep is told before it runs.
use std::time::{Duration, Instant};

use penstock_sdk::{Config, Problem};

use crate::exact::Guarantee;
use crate::failure::{Cause, Failure};
use crate::handover;
use crate::server::Server;
use crate::settings::Settings;
use crate::table::{self, Name};
use crate::upsert;

/// Problems of certificates that the settings name, and of the tables that `topics` names, as far as upserts and
/// `exactlyOnce` ask something of them. A server that is away, or a table that is yet to be created, is no problem of
/// the configuration.
pub fn outside(config: &Config) -> Vec<Problem> {
    let Ok(settings) = Settings::parse(config) else { return Vec::new() };
    let server = match server(&settings) {
        Ok(server) if settings.shape.upserts.is_some() || settings.exactly_once => server,
        Ok(_) => return Vec::new(),
        Err(problems) => return problems,
    };
    let server = server.until(Instant::now() + PATIENCE);
    let mut problems = Vec::new();
    if let Err(failure) = handover::look(&server, &settings)
        && failure.cause == Cause::Unfit
    {
        problems.push(problem(&failure.sentence));
    }
    for topic in &settings.topics {
        match table_of(&server, &settings, &settings.table(topic)) {
            Err(failure) if matches!(failure.cause, Cause::Schema | Cause::Unfit) => {
                problems.push(problem(&failure.sentence));
            }
            // The others would wait for the same server in vain.
            Err(failure) if failure.cause.passes() => break,
            Ok(()) | Err(_) => {}
        }
    }
    problems
}

/// The way to the server, or what is wrong with the certificates that the settings name. It is not connected yet.
pub fn server(settings: &Settings) -> Result<Server, Vec<Problem>> {
    Server::new(settings).map_err(|failure| match failure.cause {
        Cause::Unfit => vec![problem(&failure.sentence)],
        // The worker has no more threads or files, which is not the configuration's fault.
        _ => Vec::new(),
    })
}

fn table_of(server: &Server, settings: &Settings, name: &Name) -> Result<(), Failure> {
    if let Some(upserts) = &settings.shape.upserts {
        upsert::keys(server, name, upserts)?;
    }
    if settings.exactly_once {
        let columns = table::columns(server, name)?;
        Guarantee::look(server, name, &columns, settings.flush)?;
    }
    Ok(())
}

/// The sentence begins with the setting.
fn problem(sentence: &str) -> Problem {
    let (setting, message) = sentence.split_once(": ").unwrap_or(("hostname", sentence));
    Problem { setting: setting.to_owned(), message: message.to_owned() }
}

/// A person waits for the answer, and the contract allows no more.
pub const PATIENCE: Duration = Duration::from_secs(3);
