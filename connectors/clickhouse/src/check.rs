//! Looks at the tables while a configuration is validated, so that what they cannot keep is told before it runs.
use std::time::Duration;

use penstock_sdk::{Config, Problem};

use crate::failure::{Cause, Failure};
use crate::server::Server;
use crate::settings::Settings;
use crate::upsert;

/// Problems of the tables that `topics` names. Without upserts nothing is asked. A server that is away, or a table
/// that is yet to be created, is no problem of the configuration.
pub fn tables(config: &Config) -> Vec<Problem> {
    let Ok(mut settings) = Settings::parse(config) else { return Vec::new() };
    let Some(upserts) = settings.shape.upserts.clone() else { return Vec::new() };
    settings.query_timeout = settings.query_timeout.min(TIMEOUT);
    let Ok(server) = Server::new(&settings) else { return Vec::new() };
    let mut problems = Vec::new();
    for topic in config.list("topics") {
        match upsert::keys(&server, &settings.table(topic), &upserts) {
            Err(Failure { cause: Cause::Schema, sentence }) => {
                let message = sentence.strip_prefix("upsertMode: ").unwrap_or(&sentence).to_owned();
                problems.push(Problem { setting: "upsertMode".to_owned(), message });
            }
            // The others would wait for the same server in vain.
            Err(Failure { cause: Cause::Busy, .. }) => break,
            Ok(_) | Err(_) => {}
        }
    }
    problems
}

/// A person waits for the answer.
const TIMEOUT: Duration = Duration::from_secs(3);
