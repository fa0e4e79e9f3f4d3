//! Questions over REST that need no task: what is set up, which table would take the rows, how far loading is.
use penstock_sdk::{Config, Error, Result};
use serde_json::{Value, json};

use crate::access;
use crate::kinesis::Stream;

use super::control::{Control, Described};
use super::progress;
use super::settings::{Mode, Settings};

/// The answer as JSON; none for a question that has none here.
pub fn ask(question: &str, config: &Config) -> Result<Option<String>> {
    let answer = match question {
        "progress" => progress::answer(&Settings::parse(config)?.table.name),
        "setup" => setup(&Settings::parse(config)?)?,
        _ => return Ok(None),
    };
    Ok(Some(answer.to_string()))
}

/// Whether there is such a table for whoever asks. Silence is no answer.
pub fn check(settings: &Settings) -> Result<Option<()>> {
    access::ask("dynamodb", async {
        let control = Control::open(settings).await?;
        control.describe().await.map(drop).map_err(|failure| control.error(&failure))
    })
}

fn setup(settings: &Settings) -> Result<Value> {
    access::ask("dynamodb", found(settings))?.ok_or_else(|| Error::retry("no answer in time"))
}

async fn found(settings: &Settings) -> Result<Value> {
    let control = Control::open(settings).await?;
    let failed = |failure| control.error(&failure);
    let described = control.describe().await.map_err(failed)?;
    let recoverable = control.is_recoverable().await.map_err(failed)?;
    let mut answer = json!({
        "table": described.arn,
        "keys": described.keys.iter().map(|key| json!({ "name": key.name, "type": key.kind })).collect::<Vec<_>>(),
        "point_in_time_recovery": recoverable,
        "sink": sink(settings, &described),
        "statement": statement(settings, &described),
    });
    if let (Some(stream), true) = (&settings.stream, settings.mode != Mode::Only) {
        let stream = Stream::open(&stream.stream, &stream.access).await?;
        let arn = stream.arn().await.map_err(|failure| stream.error(&failure))?;
        let destination = control.destination(&arn).await.map_err(failed)?;
        let status = destination.map(|found| json!({ "status": found.status, "precision": found.precision }));
        answer["stream"] = json!({ "arn": arn, "destination": status });
    }
    Ok(answer)
}

/// Settings of the ClickHouse sink that create such a table.
fn sink(settings: &Settings, described: &Described) -> Value {
    let shape = &settings.shape;
    json!({
        "tableCreation": "create",
        "tableEngine": format!("ReplacingMergeTree({}, {})", quoted(&shape.version), quoted(&shape.deleted)),
        "tableOrderBy": keys(settings, described).join(", "),
    })
}

/// The least of a table that takes the rows; columns for other attributes are a person's to add.
fn statement(settings: &Settings, described: &Described) -> String {
    let shape = &settings.shape;
    let column = |name: &String, kind: &str| {
        let numbers = if shape.texts { "String" } else { "Decimal(38, 0)" };
        format!("{name} {}", if kind == "N" { numbers } else { "String" })
    };
    let names = keys(settings, described);
    let columns: Vec<String> =
        names.iter().zip(&described.keys).map(|(name, key)| column(name, &key.kind)).collect();
    format!(
        "CREATE TABLE {} ({}, {version} UInt256, {deleted} Bool) ENGINE = ReplacingMergeTree({version}, {deleted}) ORDER BY ({})",
        quoted(&settings.topic),
        columns.join(", "),
        names.join(", "),
        version = quoted(&shape.version),
        deleted = quoted(&shape.deleted),
    )
}

fn keys(settings: &Settings, described: &Described) -> Vec<String> {
    described.keys.iter().map(|key| quoted(settings.shape.name(&key.name).unwrap_or(&key.name))).collect()
}

/// A name as ClickHouse takes any.
fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}
