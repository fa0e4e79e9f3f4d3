//! Questions over REST that need no task: which table would take a sample of records, or all records of a schema.
mod advice;
mod input;
mod registered;
mod schema;
#[cfg(test)]
mod tests;

use penstock_sdk::{Config, Error, Result};

use crate::incoming::Incoming;
use crate::json::quote;
use crate::proposal::{Proposal, Sample};
use crate::settings::Settings;
use crate::shape::{KeyForm, Shape};
use input::{Input, Sent};

/// The answer as JSON; none for a question that has none here.
pub fn ask(question: &str, config: &Config, input: &str) -> Result<Option<String>> {
    match question {
        "table" => table(config, input).map(Some),
        "advice" => Ok(Some(advice::advice(config))),
        _ => Ok(None),
    }
}

fn table(config: &Config, input: &str) -> Result<String> {
    let input = Input::read(input)?;
    let settings = settings(config)?;
    if settings.shape.lines.is_some() {
        return Err(Error::config("insertFormat: lines of cells have no names and types to go by"));
    }
    let topic = input.topic.as_ref().or(settings.topics.first());
    let registered = match topic {
        Some(topic) if input.is_empty() => registered::given(config, topic)?,
        _ => None,
    };
    if input.is_empty() && registered.is_none() {
        return Err(Error::config(input::NOTHING));
    }
    let topic = topic.ok_or_else(|| Error::config("input.topic: expected a topic, as topics names none"))?;
    let sample = match input.schema.as_ref().or(registered.as_ref()) {
        Some(given) => given.sample(config, &settings.shape)?,
        None => sample(&input.records, &settings.shape)?,
    };
    if !sample.has_fields() && !settings.shape.raw_only {
        return Err(Error::config("input: no record has a field that a column could be made of"));
    }
    let name = settings.table(topic);
    let proposal =
        Proposal::make(&name, &sample, &settings.shape, &settings.wishes).map_err(Error::config)?;
    Ok(answer(&name.to_string(), &proposal))
}

/// The settings that say how records become rows; no server is asked, so none has to be named.
fn settings(config: &Config) -> Result<Settings> {
    let is_named =
        ["hostname", "url"].iter().any(|key| config.get(key).is_some_and(|value| !value.is_empty()));
    let config = if is_named { config.clone() } else { config.clone().with("hostname", "localhost") };
    let mut settings = Settings::parse(&config)?;
    let is_json = |key: &str| config.get(key).is_some_and(|class| class.trim().ends_with("JsonConverter"));
    let has_schemas = |key: &str| config.flag(key, true);
    settings.shape.envelope = is_json("value.converter") && has_schemas("value.converter.schemas.enable")?;
    if let Some(upserts) = &mut settings.shape.upserts {
        upserts.key = match is_json("key.converter") {
            true if has_schemas("key.converter.schemas.enable")? => KeyForm::Envelope,
            true => KeyForm::Json,
            false => KeyForm::Text,
        };
    }
    Ok(settings)
}

fn answer(table: &str, proposal: &Proposal) -> String {
    let column = |name: &str, ty: &str| format!("{{\"name\":{},\"type\":{}}}", text(name), text(ty));
    let columns: Vec<_> =
        proposal.columns.iter().map(|known| column(&known.name, &known.type_text)).collect();
    let advice: Vec<_> = proposal.advice.iter().map(|advice| text(advice)).collect();
    format!(
        "{{\"table\":{},\"statement\":{},\"columns\":[{}],\"advice\":[{}]}}",
        text(table),
        text(&proposal.statement),
        columns.join(","),
        advice.join(",")
    )
}

fn text(text: &str) -> String {
    let mut json = String::new();
    quote(text, &mut json);
    json
}

fn sample(records: &[Sent], shape: &Shape) -> Result<Sample> {
    let incoming: Vec<_> = records
        .iter()
        .map(|sent| Incoming {
            key: sent.key.as_deref(),
            value: sent.value.as_deref(),
            ..Incoming::default()
        })
        .collect();
    Sample::read(incoming.iter(), shape, incoming.len())
        .map_err(|failure| Error::config(format!("input.records: {}", failure.sentence)))
}
