//! Reads connector configs out of JSON bodies: scalars become text, order stays, and nothing else gets through.
use crate::fault::{Fault, excerpt};
use crate::number;
use cluster::{Properties, TargetState};
use indexmap::IndexMap;
use serde_json::value::RawValue;

/// Fields as they were written. A field given twice has its first place and its last value, as in Java.
type Fields<'a> = IndexMap<String, &'a RawValue>;

/// What `POST /connectors` asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Creation {
    pub(crate) name: String,
    pub(crate) config: Properties,
    pub(crate) target: TargetState,
}

impl Creation {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Fault> {
        let mut creation =
            Self { name: String::new(), config: Properties::new(), target: TargetState::Started };
        let mut has_config = false;
        for (field, value) in fields("body", text(body)?)? {
            match field.as_str() {
                // A missing name is the worker's to refuse, together with all else that is wrong.
                "name" => creation.name = trimmed(&scalar("name", value)?.unwrap_or_default()),
                "config" if value.get() == "null" => {}
                "config" => {
                    creation.config = properties("config", value.get())?;
                    has_config = true;
                }
                "initial_state" => creation.target = target(scalar("initial_state", value)?.as_deref())?,
                other => {
                    let other = excerpt(other);
                    let message =
                        format!("body: {other} is no field, expected name, config or initial_state");
                    return Err(Fault::invalid(message));
                }
            }
        }
        if has_config { Ok(creation) } else { Err(Fault::invalid("config: missing, expected an object")) }
    }
}

/// What a plugin is asked with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) config: Properties,
    /// JSON as it was written.
    pub(crate) input: String,
}

impl Asked {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Fault> {
        let mut asked = Self { config: Properties::new(), input: "null".to_owned() };
        for (field, value) in fields("body", text(body)?)? {
            match field.as_str() {
                "config" => asked.config = properties("config", value.get())?,
                "input" => value.get().clone_into(&mut asked.input),
                other => {
                    let other = excerpt(other);
                    return Err(Fault::invalid(format!(
                        "body: {other} is no field, expected config or input"
                    )));
                }
            }
        }
        Ok(asked)
    }
}

/// What a preview is asked with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Previewed {
    pub(crate) config: Properties,
    pub(crate) records: usize,
}

impl Previewed {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Fault> {
        let (mut config, mut records) = (None, PREVIEW_RECORDS);
        for (field, value) in fields("body", text(body)?)? {
            match field.as_str() {
                "config" => config = Some(properties("config", value.get())?),
                "records" => {
                    let given = value.get().parse().ok().filter(|given| (1..=PREVIEW_MAX).contains(given));
                    records = given.ok_or_else(|| {
                        let got = value.get();
                        let got = if got.len() <= 20 { got.to_owned() } else { excerpt(got) };
                        let sentence =
                            format!("records: expected a number from 1 to {PREVIEW_MAX}, got {got}");
                        Fault::invalid(sentence)
                    })?;
                }
                other => {
                    let other = excerpt(other);
                    let message = format!("body: {other} is no field, expected config or records");
                    return Err(Fault::invalid(message));
                }
            }
        }
        let config = config.ok_or_else(|| Fault::invalid("config: missing, expected an object"))?;
        Ok(Self { config: without_nulls(config)?, records })
    }
}

const PREVIEW_RECORDS: usize = 10;
const PREVIEW_MAX: usize = 100;

/// A body that is a config and nothing else.
pub(crate) fn parse(body: &[u8]) -> Result<Properties, Fault> {
    properties("body", text(body)?)
}

/// Java refuses a null in `PUT …/config`, and overwrites the one of `name` before it looks.
pub(crate) fn without_nulls(mut config: Properties) -> Result<Properties, Fault> {
    if config.contains("name") && config.get("name").is_none() {
        config.remove("name");
    }
    if config.iter().any(|(_, value)| value.is_none()) {
        return Err(Fault::invalid("Null value can not be supplied as the configuration value."));
    }
    Ok(config)
}

pub(crate) fn text(body: &[u8]) -> Result<&str, Fault> {
    let text = std::str::from_utf8(body).map_err(|error| {
        Fault::invalid(format!("body: expected UTF-8, got something else at byte {}", error.valid_up_to()))
    })?;
    // RFC 8259 lets a reader pass over a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match text.trim_ascii() {
        "" => Err(Fault::invalid("body: empty, expected a JSON object")),
        text => Ok(text),
    }
}

fn fields<'a>(place: &str, json: &'a str) -> Result<Fields<'a>, Fault> {
    let syntax = |error: serde_json::Error| Fault::invalid(format!("{place}: expected JSON: {error}"));
    // The first pass does not go into the values, so that depth costs no stack.
    let value: &RawValue = serde_json::from_str(json).map_err(syntax)?;
    if !value.get().starts_with('{') {
        return Err(Fault::invalid(format!("{place}: expected an object, got {}", kind(value))));
    }
    serde_json::from_str(json).map_err(syntax)
}

fn properties(place: &str, json: &str) -> Result<Properties, Fault> {
    let mut properties = Properties::new();
    for (key, value) in fields(place, json)? {
        let value = scalar(&key, value)?;
        properties.insert(key, value);
    }
    Ok(properties)
}

/// The text of a value as Java turns it into a string; nothing for null.
fn scalar(key: &str, value: &RawValue) -> Result<Option<String>, Fault> {
    let json = value.get();
    let expected = |got: &str| {
        let key = excerpt(key);
        Fault::invalid(format!("{key}: expected a string, a number, a boolean or null, got {got}"))
    };
    match kind(value) {
        "null" => Ok(None),
        "a boolean" => Ok(Some(json.to_owned())),
        "a number" => number::text(json).map(Some).ok_or_else(|| expected("a number out of range")),
        // Not the parser's own words: they could show the value, which may be a secret.
        "a string" => {
            serde_json::from_str(json).map(Some).map_err(|_| expected("a string with a broken escape"))
        }
        other => Err(expected(other)),
    }
}

fn kind(value: &RawValue) -> &'static str {
    match value.get().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// Java's idea of blanks: everything up to U+0020.
fn trimmed(name: &str) -> String {
    name.trim_matches(|letter| letter <= ' ').to_owned()
}

fn target(state: Option<&str>) -> Result<TargetState, Fault> {
    let Some(state) = state else { return Ok(TargetState::Started) };
    match state.to_ascii_uppercase().as_str() {
        "RUNNING" => Ok(TargetState::Started),
        "PAUSED" => Ok(TargetState::Paused),
        "STOPPED" => Ok(TargetState::Stopped),
        _ => {
            let state = excerpt(state);
            Err(Fault::invalid(format!("initial_state: expected RUNNING, PAUSED or STOPPED, got {state}")))
        }
    }
}

#[cfg(test)]
mod tests;
