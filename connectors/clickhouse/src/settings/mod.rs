//! The sink's settings, parsed and checked against each other.
mod connection;
mod declare;
mod flush;
mod import;
mod parts;
mod rows;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::Duration;

use penstock_sdk::{Config, Error, Problem, Result, Task};

use crate::values::Loss;
pub use connection::{CERTIFICATE, Connection, Host, KEY, Login, Pem, Proxy, ROOT, SERVER_NAME, Trust};
pub use declare::{connection, declare};
pub use flush::Flush;
pub use import::StateImport;
use parts::{Properties, async_insert, pairs, server_settings, token_settings};

use crate::error_table::ErrorTable;
use crate::evolution::{Evolution, Mode};
use crate::proposal::Wishes;
use crate::shape::{KeyForm, Shape};
use crate::table::Name;

/// What the sink works with.
#[derive(Clone, Debug)]
pub struct Settings {
    pub connection: Connection,
    pub database: String,
    /// Tables of topics that are not named like their table.
    pub tables: HashMap<String, String>,
    /// What stands between database and table in a topic's name.
    pub split: Option<String>,
    /// Settings of the server for every query and insert.
    pub parameters: Vec<(String, String)>,
    /// How long the columns of a table are believed; `None` for as long as inserts succeed.
    pub refresh: Option<Duration>,
    pub query_timeout: Duration,
    pub insert_timeout: Duration,
    /// Inserts that are on their way at the same time.
    pub inserts_max: usize,
    /// Key and value of a record have no more bytes, or it is refused.
    pub record_bytes_max: usize,
    /// The server may gather rows of several inserts.
    pub async_insert: bool,
    pub skip_missing_tables: bool,
    pub loss: Loss,
    /// How a record becomes a row.
    pub shape: Shape,
    /// Where rejected records go, beside the worker's dead letters.
    pub errors: Option<ErrorTable>,
    pub exactly_once: bool,
    /// What is taken over from clickhouse-kafka-connect.
    pub state_import: Option<StateImport>,
    /// What tables are like that do not exist yet.
    pub wishes: Wishes,
    pub evolution: Evolution,
    /// How often the connector's tasks insert.
    pub flush: Flush,
    /// The task's number.
    pub task: u32,
    /// Topics that the connector names one by one.
    pub topics: Vec<String>,
}

impl Settings {
    pub fn parse(config: &Config) -> Result<Self> {
        if let Some(problem) = problems(config).into_iter().next() {
            return Err(Error::config(format!("{}: {}", problem.setting, problem.message)));
        }
        let properties = Properties::parse(config)?;
        let connection = Connection::parse(config, &properties)?;
        let seconds =
            |key, default| config.parsed(key).map(|value| Duration::from_secs(value.unwrap_or(default)));
        let insert_timeout = config.parsed("clickhouseClientInsertTimeoutMs")?.or(properties.timeout_ms);
        let text = |key: &str, default: &str| match config.get(key).map(str::trim) {
            None | Some("") => default.to_owned(),
            Some(value) => value.to_owned(),
        };
        let tables = tables::parse(config)?;
        let shape = Shape {
            overflow: tables.overflow,
            every_field: tables.evolution.mode != Mode::Off,
            ..rows::shape(config)?
        };
        Ok(Settings {
            connection,
            database: text("database", properties.database.as_deref().unwrap_or("default")),
            tables: pairs(config, "topic2TableMap")?.into_iter().collect(),
            split: split(config)?,
            parameters: server_settings(config)?,
            refresh: Some(seconds("tableRefreshInterval", 0)?).filter(|interval| !interval.is_zero()),
            query_timeout: seconds("timeoutSeconds", 30)?.max(Duration::from_secs(1)),
            insert_timeout: Duration::from_millis(insert_timeout.unwrap_or(INSERT_TIMEOUT_MS)),
            inserts_max: config.parsed("insertConnections")?.unwrap_or(INSERTS_MAX),
            record_bytes_max: config.parsed(RECORD_BYTES)?.unwrap_or(RECORD_BYTES_MAX),
            async_insert: async_insert(config)?,
            skip_missing_tables: config.flag("suppressTableExistenceException", false)?,
            loss: match text("precisionLoss", "times").to_ascii_lowercase().as_str() {
                "refuse" => Loss::Refused,
                "allow" => Loss::Allowed,
                _ => Loss::Times,
            },
            shape,
            errors: rows::error_table(config)?.then(|| ErrorTable {
                cluster: Some(text("clusterName", "")).filter(|name| !name.is_empty()),
                ..ErrorTable::default()
            }),
            exactly_once: config.flag("exactlyOnce", false)?,
            state_import: StateImport::parse(config)?,
            wishes: tables.wishes,
            evolution: tables.evolution,
            flush: Flush::parse(config)?,
            task: 0,
            topics: config.list("topics").into_iter().map(str::to_owned).collect(),
        })
    }

    /// The table that a topic's records go to.
    pub fn table(&self, topic: &str) -> Name {
        let split = self.split.as_deref().and_then(|separator| topic.split_once(separator));
        let (database, rest) = split.unwrap_or((&self.database, topic));
        let mapped = self.tables.get(topic).or_else(|| self.tables.get(rest));
        Name { database: database.to_owned(), table: mapped.map_or(rest, String::as_str).to_owned() }
    }

    /// Takes in what the task knows: its place, and what keys and values are in Kafka.
    pub fn open(&mut self, task: &Task, envelope: bool) {
        self.shape.envelope = envelope;
        self.task = task.number();
        if let Some(import) = &mut self.state_import {
            task.connector().clone_into(&mut import.connector);
        }
        if let Some(upserts) = &mut self.shape.upserts {
            upserts.key = KeyForm::parse(task.key_format());
        }
        if let Some(errors) = &mut self.errors {
            task.connector().clone_into(&mut errors.connector);
            errors.task = task.number();
        }
    }
}

/// What no single setting can tell: settings that exclude or need each other, and settings of
/// clickhouse-kafka-connect that ask for what this sink does not do. Ignoring those would break a promise that
/// the user relies on.
pub fn problems(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut add = |setting: &str, message: &str| {
        problems.push(Problem { setting: setting.to_owned(), message: message.to_owned() });
    };
    let given = |key: &str| config.get(key).map(str::trim).filter(|value| !value.is_empty());
    if given("hostname").is_none() && given("url").is_none() {
        add("hostname", "a value is required, or a value of url");
    }
    for (setting, accepted, message) in REFUSED_UNLESS {
        if given(setting).is_some_and(|value| !accepted.iter().any(|word| word.eq_ignore_ascii_case(value))) {
            add(setting, message);
        }
    }
    for result in [
        Properties::parse(config)
            .and_then(|properties| Connection::parse(config, &properties))
            .and_then(|connection| tables::check_hosts(config, connection.hosts.len())),
        async_insert(config).map(drop),
        Flush::parse(config).map(drop),
        pairs(config, "topic2TableMap").map(drop),
        server_settings(config).map(drop),
        split(config).map(drop),
        rows::shape(config).map(drop),
        rows::error_table(config).map(drop),
        tables::parse(config).map(drop),
        tables::check_lines(config),
        token_settings(config),
        StateImport::parse(config).map(drop),
    ] {
        if let Err(error) = result {
            let (setting, message) =
                error.message().split_once(": ").unwrap_or(("hostname", error.message()));
            if !(setting == "hostname" && given("hostname").is_none()) {
                add(setting, message);
            }
        }
    }
    problems
}

fn split(config: &Config) -> Result<Option<String>> {
    if !config.flag("enableDbTopicSplit", false)? {
        return Ok(None);
    }
    match config.get("dbTopicSplitChar") {
        Some(separator) if !separator.is_empty() => Ok(Some(separator.to_owned())),
        _ => Err(Error::config("dbTopicSplitChar: a value is required when enableDbTopicSplit is true")),
    }
}

const INSERT_TIMEOUT_MS: u64 = 240_000;
pub const RECORD_BYTES: &str = "recordBytesMax";
const RECORD_BYTES_MAX: usize = 16 << 20;
/// Enough to hide the server's answers behind each other.
const INSERTS_MAX: usize = 4;

const REFUSED_UNLESS: &[(&str, &[&str], &str)] =
    &[("dateTimeFormats", &[], "this sink reads ISO 8601 and numbers; leave it empty")];
