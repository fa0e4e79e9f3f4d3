//! The state table: rows of the Java connector, which are only read, and marks of ours beside them.
use std::collections::HashMap;
use std::fmt::Write;

use super::decide::{Mark, Theirs};
use crate::failure::{Cause, Failure};
use crate::server::{Check, Server};
use crate::settings::Settings;
use crate::table::Name;
use crate::types::Quoted;

/// What is known of a partition.
pub type State = (Option<Theirs>, Option<Mark>);

/// A problem that would stop the first write.
pub fn look(server: &Server, settings: &Settings) -> Result<(), Failure> {
    let Some(import) = &settings.state_import else { return Ok(()) };
    let table = Name { database: settings.database.clone(), table: import.table.clone() };
    match read(server, &table, std::iter::empty())? {
        None if import.is_required => Err(missing(&table)),
        None | Some(_) => Ok(()),
    }
}

/// The states of these partitions by the Java connector's keys, or nothing if there is no such table.
pub fn read<'a>(
    server: &Server,
    table: &Name,
    keys: impl Iterator<Item = &'a str>,
) -> Result<Option<HashMap<String, State>>, Failure> {
    let mut list = String::from("''");
    for key in keys {
        let _ = write!(list, ", {}, {}", Quoted(key, '\''), Quoted(&format!("{OURS}{key}"), '\''));
    }
    let sql = format!("SELECT key, minOffset, maxOffset, state FROM {} WHERE key IN ({list})", quoted(table));
    let rows = match server.query(&sql, &[]) {
        Ok(rows) => rows,
        Err(failure) if failure.cause == Cause::MissingTable => return Ok(None),
        Err(failure) => return Err(remedy(table, "reading", failure)),
    };
    let mut states: HashMap<String, State> = HashMap::new();
    for row in rows {
        let Ok([key, min, max, text]) = <[String; 4]>::try_from(row) else { continue };
        let unknown = || {
            let sentence = format!(
                "stateImport: {table} has a state of {key} that is not known: {min} to {max}, {text}"
            );
            Failure::new(Cause::Unfit, sentence)
        };
        let (Ok(min), Ok(max)) = (min.parse(), max.parse()) else { return Err(unknown()) };
        if let Some(theirs) = key.strip_prefix(OURS) {
            states.entry(theirs.to_owned()).or_default().1 = Mark::parse(min, max, &text);
            continue;
        }
        let is_begun = match text.as_str() {
            "BEFORE_PROCESSING" => true,
            "AFTER_PROCESSING" => false,
            _ => return Err(unknown()),
        };
        states.entry(key).or_default().0 = Some(Theirs { min, max, is_begun });
    }
    Ok(Some(states))
}

/// Puts marks in the place of earlier ones, with one statement.
pub fn write(server: &Server, table: &Name, marks: &[(&str, Mark)], check: Check<'_>) -> Result<(), Failure> {
    if marks.is_empty() {
        return Ok(());
    }
    let row = |(key, mark): &(&str, Mark)| {
        let (key, text) = (format!("{OURS}{key}"), mark.to_text());
        format!("({}, {}, {}, {})", Quoted(&key, '\''), mark.begin, mark.end, Quoted(&text, '\''))
    };
    let rows: Vec<_> = marks.iter().map(row).collect();
    let sql = format!(
        "INSERT INTO {} (key, minOffset, maxOffset, state) SETTINGS async_insert = 0 VALUES {}",
        quoted(table),
        rows.join(", ")
    );
    server.run(&sql, check).map_err(|failure| remedy(table, "writing a mark into", failure))
}

pub fn missing(table: &Name) -> Failure {
    let sentence = format!(
        "stateImport: table {table}, where clickhouse-kafka-connect keeps its state, does not exist: zkDatabase names it, \
         within database; with auto or off it is not needed"
    );
    Failure::new(Cause::Unfit, sentence)
}

/// What the server cannot do now passes; the rest is for a person.
fn remedy(table: &Name, doing: &str, failure: Failure) -> Failure {
    if failure.cause.passes() {
        return failure.within(&format!("{doing} {table}"));
    }
    let remedy = match failure.cause {
        Cause::Refused => format!("grant SELECT and INSERT on {table} to the user, or"),
        _ => "zkDatabase must name the state table of clickhouse-kafka-connect;".to_owned(),
    };
    let sentence = format!(
        "stateImport: {doing} {table}: {}; {remedy} set it to off if there is nothing to take over from \
         clickhouse-kafka-connect",
        failure.sentence
    );
    Failure { cause: Cause::Unfit, sentence, ..failure }
}

fn quoted(table: &Name) -> String {
    format!("{}.{}", Quoted(&table.database, '`'), Quoted(&table.table, '`'))
}

/// Before the Java connector's key: no topic's name has a colon.
const OURS: &str = "penstock:";
