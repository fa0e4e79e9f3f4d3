//! Questions over REST that need no task: which table would take a sample of records, or all records of a schema.
#[cfg(test)]
mod tests;

use formats::avro::Schema;
use penstock_sdk::{Config, Error, Result};

use crate::incoming::Incoming;
use crate::json::{Cursor, Fault, quote};
use crate::proposal::{Proposal, Sample};
use crate::settings::Settings;
use crate::shape::{KeyForm, Shape};

/// The answer as JSON; none for a question that has none here.
pub fn ask(question: &str, config: &Config, input: &str) -> Result<Option<String>> {
    match question {
        "table" => table(config, input).map(Some),
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
    let topic = topic.ok_or_else(|| Error::config("input.topic: expected a topic, as topics names none"))?;
    let sample = input.sample(&settings.shape)?;
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
    let text = |text: &str| {
        let mut json = String::new();
        quote(text, &mut json);
        json
    };
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

/// What a table is to be made for.
#[derive(Debug, Default)]
struct Input {
    topic: Option<String>,
    records: Vec<Sent>,
    /// The schema of a writer, in Avro.
    schema: Option<Vec<u8>>,
}

/// A record as it would be in Kafka.
#[derive(Debug, Default)]
struct Sent {
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
}

impl Input {
    fn read(text: &str) -> Result<Self> {
        let mut json = Cursor::new(text);
        let mut input = Input::default();
        let read = object(&mut json, &mut |name, json| {
            match name {
                "topic" => input.topic = content(json)?.and_then(|topic| String::from_utf8(topic).ok()),
                "schema" => input.schema = content(json)?,
                "records" => input.records = records(json)?,
                _ => return Err(json.fault("topic, records or schema")),
            }
            Ok(())
        });
        read.and_then(|()| json.end()).map_err(|fault| match fault {
            Fault::Syntax { at, expected } => {
                Error::config(format!("input: expected {expected} at byte {at} of {text:.60}"))
            }
            _ => Error::config("input: it is nested too deeply".to_owned()),
        })?;
        if input.records.is_empty() == input.schema.is_none() {
            return Err(Error::config(
                "input: expected either records, a list of objects with key and value, or schema",
            ));
        }
        Ok(input)
    }

    fn sample(&self, shape: &Shape) -> Result<Sample> {
        if let Some(schema) = &self.schema {
            let schema = String::from_utf8_lossy(schema);
            let problem = |why: &dyn std::fmt::Display| Error::config(format!("input.schema: {why}"));
            let schema = Schema::parse(&schema, &[]).map_err(|error| problem(&error))?;
            return Sample::of_schema(&schema, shape).map_err(|why| problem(&why));
        }
        let record = |sent: &Sent| (sent.key.clone(), sent.value.clone());
        let records: Vec<_> = self.records.iter().map(record).collect();
        let incoming: Vec<_> = records
            .iter()
            .map(|(key, value)| Incoming {
                key: key.as_deref(),
                value: value.as_deref(),
                ..Incoming::default()
            })
            .collect();
        Sample::read(incoming.iter(), shape, incoming.len())
            .map_err(|failure| Error::config(format!("input.records: {}", failure.sentence)))
    }
}

fn records(json: &mut Cursor<'_>) -> std::result::Result<Vec<Sent>, Fault> {
    let mut records = Vec::new();
    if json.peek() != b'[' {
        return Err(json.fault("a list of records"));
    }
    json.enter()?;
    let mut more = json.any(b']')?;
    while more {
        let mut sent = Sent::default();
        object(json, &mut |name, json| {
            match name {
                "key" => sent.key = content(json)?,
                "value" => sent.value = content(json)?,
                _ => return Err(json.fault("key or value")),
            }
            Ok(())
        })?;
        records.push(sent);
        more = json.more(b']')?;
    }
    Ok(records)
}

/// What a string says, or the text of any other value; none for null.
fn content(json: &mut Cursor<'_>) -> std::result::Result<Option<Vec<u8>>, Fault> {
    Ok(match json.peek() {
        b'"' => Some(json.string()?.into_owned().into_bytes()),
        _ => Some(json.raw()?).filter(|raw| *raw != "null").map(|raw| raw.as_bytes().to_vec()),
    })
}

fn object(
    json: &mut Cursor<'_>,
    field: &mut dyn FnMut(&str, &mut Cursor<'_>) -> std::result::Result<(), Fault>,
) -> std::result::Result<(), Fault> {
    if json.peek() != b'{' {
        return Err(json.fault("an object"));
    }
    json.enter()?;
    let mut more = json.any(b'}')?;
    while more {
        let name = json.string()?;
        json.expect(b':', "\":\"")?;
        field(&name, json)?;
        more = json.more(b'}')?;
    }
    Ok(())
}
