//! What a person who validates a configuration would like to know of its tables, though none of it is wrong.
use std::time::Instant;

use penstock_sdk::Config;

use super::{registered, settings, text};
use crate::check::{self, PATIENCE};
use crate::creation::with_proposal;
use crate::failure::{Cause, Failure};
use crate::proposal::Proposal;
use crate::server::Server;
use crate::settings::Settings;
use crate::table;

/// A list of settings and sentences: tables that are missing and would not be made, each with the statement that makes
/// it where a registry has the schema. A server or a registry that is away has none to give.
pub fn advice(config: &Config) -> String {
    let found = settings(config).map(|settings| missing(config, &settings)).unwrap_or_default();
    let told: Vec<_> = found
        .iter()
        .map(|sentence| format!("{{\"setting\":\"topics\",\"message\":{}}}", text(sentence)))
        .collect();
    format!("[{}]", told.join(","))
}

fn missing(config: &Config, settings: &Settings) -> Vec<String> {
    let is_asked = !settings.wishes.creates && !settings.topics.is_empty();
    let Ok(server) = check::server(settings) else { return Vec::new() };
    let server = server.until(Instant::now() + PATIENCE);
    let mut found = Vec::new();
    for topic in settings.topics.iter().filter(|_| is_asked) {
        match look(&server, config, settings, topic) {
            Err(failure) if failure.cause == Cause::MissingTable => found.push(failure.sentence),
            // The others would wait for the same server in vain.
            Err(failure) if failure.cause.passes() => break,
            Ok(()) | Err(_) => {}
        }
    }
    found
}

fn look(server: &Server, config: &Config, settings: &Settings, topic: &str) -> Result<(), Failure> {
    let name = settings.table(topic);
    let missing = match table::columns(server, &name) {
        Err(failure) if failure.cause == Cause::MissingTable => failure,
        other => return other.map(|_| ()),
    };
    let sample = match registered::given(config, topic) {
        Ok(Some(given)) => given.sample(config, &settings.shape),
        _ => return Err(missing),
    };
    let proposal =
        sample.ok().and_then(|sample| Proposal::make(&name, &sample, &settings.shape, &settings.wishes).ok());
    Err(match proposal {
        Some(proposal) => with_proposal(&missing, &proposal.statement),
        None => missing,
    })
}
