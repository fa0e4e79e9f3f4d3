//! The source's settings, parsed and checked against each other.
use std::time::Duration;

use penstock_sdk::{Config, Error, Problem, Result};

use crate::settings::Settings as Connection;
use crate::table::Name;

use super::program::{Exact, Forms};
use super::relation::Relation;

/// What a task works with.
#[derive(Clone, Debug)]
pub struct Settings {
    pub connection: Connection,
    pub relations: Vec<Relation>,
    topic: String,
    /// The growing column, then what tells apart the rows that share its value.
    pub cursor: Vec<String>,
    pub keys: Vec<String>,
    /// Empty for all.
    pub columns: Vec<String>,
    pub binary: Vec<String>,
    pub mode: Mode,
    pub start_from: Option<String>,
    pub lag_ms: Option<u64>,
    pub poll_interval: Duration,
    pub batch_rows: usize,
    pub query_timeout: Duration,
    pub ties_max: usize,
    pub format: Format,
    pub forms: Forms,
}

/// Which rows are read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    /// Those that are there, then none.
    Snapshot,
    /// Those that come from now on.
    Follow,
    Both,
}

/// What values are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Format {
    Struct,
    /// The server's JSON, as text.
    Json,
}

impl Settings {
    pub fn parse(config: &Config) -> Result<Self> {
        if let Some(problem) = problems(config).into_iter().next() {
            return Err(Error::config(format!("{}: {}", problem.setting, problem.message)));
        }
        let mut connection = Connection::parse(config)?;
        // Tables of a query that name no database.
        connection.parameters.push(("database".to_owned(), connection.database.clone()));
        let list = |key: &str| config.list(key).into_iter().map(str::to_owned).collect::<Vec<_>>();
        let number = |key: &str, default: u64| Ok::<_, Error>(config.parsed(key)?.unwrap_or(default));
        let table = |table: &&str| {
            Relation::Table(Name { database: connection.database.clone(), table: (*table).to_owned() })
        };
        let relations = match given(config, "query") {
            Some(query) => vec![Relation::Query { text: query.to_owned() }],
            None => tables(config).iter().map(table).collect(),
        };
        Ok(Settings {
            relations,
            topic: config.required("topic")?.to_owned(),
            cursor: list("cursorColumn"),
            keys: list("keyColumns"),
            columns: list("columns"),
            binary: list("binaryColumns"),
            mode: match word(config, "mode").as_str() {
                "snapshot" => Mode::Snapshot,
                "follow" => Mode::Follow,
                _ => Mode::Both,
            },
            // Blanks may be part of a text.
            start_from: given(config, "startFrom").map(str::to_owned),
            lag_ms: config.parsed("lagMs")?,
            poll_interval: Duration::from_millis(number("pollIntervalMs", 1000)?),
            batch_rows: number("batchRows", 10_000)? as usize,
            query_timeout: Duration::from_millis(number("queryTimeoutMs", 300_000)?),
            ties_max: number("tiesMax", 1000)? as usize,
            format: if word(config, "valueFormat") == "json" { Format::Json } else { Format::Struct },
            forms: Forms {
                integers: exact(&word(config, "wideIntegers"), Exact::Text),
                decimals: exact(&word(config, "decimals"), Exact::Logical),
            },
            connection,
        })
    }

    /// Of a task: tasks begin with different hosts, by their number.
    pub fn of_task(config: &Config, number: u32) -> Result<Self> {
        let mut settings = Self::parse(config)?;
        settings.connection.task = number;
        Ok(settings)
    }

    /// The topic of a relation's records.
    pub fn topic(&self, relation: &Relation) -> String {
        match relation {
            Relation::Table(name) => self.topic.replace(PLACEHOLDER, &name.table),
            Relation::Query { .. } => self.topic.clone(),
        }
    }

    #[cfg(test)]
    pub fn test(pairs: &[(&str, &str)]) -> Self {
        let config: Config = pairs.iter().copied().collect();
        let url = std::env::var("PENSTOCK_TEST_CLICKHOUSE").unwrap_or_else(|_| "http://127.0.0.1:1".into());
        let config = if config.get("url").is_some() { config } else { config.with("url", url) };
        let config = if config.get("topic").is_some() { config } else { config.with("topic", "t") };
        Self::parse(&config).unwrap()
    }
}

/// The settings of each task: the tables are dealt out.
pub fn plan(config: &Config, tasks_max: usize) -> Vec<Config> {
    let tables = tables(config);
    let tasks = tables.len().min(tasks_max);
    if tasks < 2 {
        return vec![config.clone()];
    }
    let share = |task: usize| {
        let own: Vec<_> = tables.iter().skip(task).step_by(tasks).copied().collect();
        config.clone().with(OWN_TABLES, own.join(","))
    };
    (0..tasks).map(share).collect()
}

/// What no single setting can tell.
pub fn problems(config: &Config) -> Vec<Problem> {
    let mut problems = crate::settings::problems(config);
    let mut add = |setting: &str, message: String| {
        problems.push(Problem { setting: setting.to_owned(), message });
    };
    let named: Vec<_> = RELATIONS.iter().copied().filter(|key| given(config, key).is_some()).collect();
    match named.as_slice() {
        [] => add("table", "a value is required, or a value of tables or query".to_owned()),
        [_] => {}
        [_, second, ..] => {
            add(second, format!("expected one of table, tables and query, got {}", named.join(" and ")));
        }
    }
    let tables = config.list("tables");
    if let Some(twice) = tables.iter().enumerate().find(|(at, name)| tables[..*at].contains(name)) {
        add("tables", format!("{} comes twice", twice.1));
    }
    if config.list("cursorColumn").is_empty() {
        let message =
            "a value is required: the column whose values grow, and behind it those that tell its rows apart";
        add("cursorColumn", message.to_owned());
    }
    let topic = given(config, "topic").unwrap_or_default();
    if tables.len() > 1 && !topic.contains(PLACEHOLDER) {
        add("topic", format!("expected {PLACEHOLDER} in it, as tables names several, got {topic:?}"));
    }
    if given(config, "query").is_some() && topic.contains(PLACEHOLDER) {
        add("topic", format!("{PLACEHOLDER} stands for a table, and query has none"));
    }
    if tables.len() > 1 && given(config, "startFrom").is_some() {
        add("startFrom", "tables of one connector start alike; give each table that starts elsewhere a connector of its own".to_owned());
    }
    if word(config, "valueFormat") == "json" {
        let keys = config.list("keyColumns");
        let of_values = config.list("binaryColumns").iter().any(|name| !keys.contains(name));
        let is_given = |key: &str, default: &str| !["", default].contains(&word(config, key).as_str());
        for (key, is_given) in [
            ("binaryColumns", of_values),
            ("wideIntegers", is_given("wideIntegers", "string")),
            ("decimals", is_given("decimals", "decimal")),
        ] {
            if is_given {
                add(key, "valueFormat=json takes values as the server prints them; leave it out".to_owned());
            }
        }
        let class = config.get("value.converter").unwrap_or_default();
        if class.ends_with("JsonConverter") || class.ends_with("AvroConverter") {
            add(
                "valueFormat",
                "json is finished text, which this converter would quote once more; set value.converter to \
                 org.apache.kafka.connect.storage.StringConverter, or valueFormat to struct"
                    .to_owned(),
            );
        }
    }
    problems
}

/// Tables of this task, or of the connector.
fn tables(config: &Config) -> Vec<&str> {
    let own = config.list(OWN_TABLES);
    if !own.is_empty() {
        return own;
    }
    // A single table's name may hold a comma.
    match given(config, "table") {
        Some(table) => vec![table],
        None => config.list("tables"),
    }
}

fn given<'a>(config: &'a Config, key: &str) -> Option<&'a str> {
    config.get(key).map(str::trim).filter(|value| !value.is_empty())
}

fn word(config: &Config, key: &str) -> String {
    given(config, key).unwrap_or_default().to_ascii_lowercase()
}

fn exact(word: &str, default: Exact) -> Exact {
    match word {
        "string" => Exact::Text,
        "decimal" => Exact::Logical,
        "long" | "double" => Exact::Machine,
        _ => default,
    }
}

const RELATIONS: [&str; 3] = ["table", "tables", "query"];
/// In a topic, the name of the table.
pub const PLACEHOLDER: &str = "{table}";
/// Given by `plan` to each task, and by nobody else.
const OWN_TABLES: &str = "task.tables";

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &[(&str, &str)] =
        &[("hostname", "a"), ("table", "orders"), ("cursorColumn", "ts, id"), ("topic", "o")];

    fn config(more: &[(&str, &str)]) -> Config {
        let least: Config = LEAST.iter().copied().collect();
        more.iter().fold(least, |config, (key, value)| config.with(*key, *value))
    }

    fn refused(more: &[(&str, &str)], setting: &str, expected: &str) {
        let found = problems(&config(more));
        let told =
            found.iter().any(|problem| problem.setting == setting && problem.message.contains(expected));
        assert!(told, "{more:?}: {found:?}");
    }

    #[test]
    fn the_least_configuration_snapshots_and_follows() {
        let settings = Settings::parse(&config(&[])).unwrap();
        assert_eq!((settings.mode, settings.format), (Mode::Both, Format::Struct));
        assert_eq!(settings.cursor, ["ts", "id"]);
        assert_eq!(settings.forms, Forms { integers: Exact::Text, decimals: Exact::Logical });
        assert_eq!(settings.topic(&settings.relations[0]), "o");
    }

    #[test]
    fn settings_that_do_not_fit_together_are_named() {
        refused(&[("table", "")], "table", "a value is required");
        refused(&[("query", "SELECT 1")], "query", "got table and query");
        refused(&[("cursorColumn", " , ")], "cursorColumn", "a value is required");
        refused(&[("hostname", "")], "hostname", "a value is required");
        let several = [("table", ""), ("tables", "a,b")];
        refused(&several, "topic", "expected {table} in it");
        refused(&[("table", ""), ("tables", "a,a"), ("topic", "{table}")], "tables", "a comes twice");
        refused(&[("valueFormat", "json"), ("decimals", "double")], "decimals", "as the server prints them");
        for (key, value) in [("wideIntegers", "decimal"), ("decimals", "string"), ("binaryColumns", "v")] {
            refused(&[("valueFormat", "json"), (key, value)], key, "as the server prints them");
        }
        let defaults = [("wideIntegers", "string"), ("decimals", "decimal"), ("binaryColumns", "")];
        assert_eq!(problems(&config(&[&[("valueFormat", "json")], &defaults[..]].concat())), []);
        let json = ("value.converter", "org.apache.kafka.connect.json.JsonConverter");
        refused(&[("valueFormat", "json"), json], "valueFormat", "StringConverter");
    }

    #[test]
    fn tasks_begin_with_different_hosts() {
        let config = config(&[("hostname", "a,b")]);
        assert_eq!(Settings::of_task(&config, 1).unwrap().connection.task, 1);
    }

    #[test]
    fn tables_are_dealt_out_to_tasks() {
        let config = config(&[("table", ""), ("tables", "a,b,c"), ("topic", "ch.{table}")]);
        let own = |tasks| -> Vec<Vec<String>> {
            let planned = plan(&config, tasks);
            let read = |config: &Config| Settings::parse(config).unwrap();
            planned
                .iter()
                .map(|task| {
                    let settings = read(task);
                    settings.relations.iter().map(|relation| settings.topic(relation)).collect()
                })
                .collect()
        };
        assert_eq!(own(1), [["ch.a", "ch.b", "ch.c"]]);
        assert_eq!(own(2), [vec!["ch.a", "ch.c"], vec!["ch.b"]]);
        assert_eq!(own(8).len(), 3);
    }
}
