//! Connectors that the command line names, in files as Connect's standalone worker reads them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cluster::Properties;
use serde_json::{Map, Value};
use worker::Handle;

use crate::failure::Failure;
use crate::settings::parse_properties;

/// A connector as its file has it.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    name: String,
    config: Properties,
    file: PathBuf,
}

/// A worker reads its store within moments; each look costs nothing.
const READY_WAIT: Duration = Duration::from_millis(20);

/// Reads all files before anything is started: a file that cannot be used is a sentence that names it.
pub fn read(files: &[PathBuf]) -> Result<Vec<Named>, Failure> {
    files.iter().map(|file| read_one(file)).collect()
}

fn read_one(file: &Path) -> Result<Named, Failure> {
    let wrong = |why: String| Failure::Usage(format!("--connector {}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    let is_properties = file.extension().is_some_and(|extension| extension == "properties");
    let (name, config) = if is_properties { of_properties(&text) } else { of_json(&text) }.map_err(wrong)?;
    let name = name.filter(|name| !name.trim().is_empty());
    let name = name.ok_or_else(|| wrong("expected a `name`".to_owned()))?;
    Ok(Named { name, config, file: file.to_owned() })
}

fn of_properties(text: &str) -> Result<(Option<String>, Properties), String> {
    let mut config = Properties::new();
    for (key, value) in parse_properties(text)? {
        config.set(key, value);
    }
    Ok((config.get("name").map(str::to_owned), config))
}

/// Either what `POST /connectors` takes, or the settings alone with the name among them.
fn of_json(text: &str) -> Result<(Option<String>, Properties), String> {
    let whole: Map<String, Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let name = whole.get("name").and_then(Value::as_str).map(str::to_owned);
    let config = match whole.get("config") {
        Some(Value::Object(config)) => config,
        Some(other) => return Err(format!("config: expected an object, got {other}")),
        None => &whole,
    };
    let mut properties = Properties::new();
    for (key, value) in config {
        properties.insert(key, scalar(key, value)?);
    }
    Ok((name, properties))
}

fn scalar(key: &str, value: &Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Bool(_) | Value::Number(_) => Ok(Some(value.to_string())),
        Value::Array(_) | Value::Object(_) => {
            Err(format!("{key}: expected a string, a number or a boolean, got {value}"))
        }
    }
}

/// Creates them, or gives those that the store knows already these settings.
pub async fn submit(handle: &Handle, connectors: Vec<Named>) -> Result<(), Failure> {
    while !connectors.is_empty() && !handle.is_ready() {
        tokio::time::sleep(READY_WAIT).await;
    }
    for Named { name, config, file } in connectors {
        let put = handle.put_config(&name, config).await;
        put.map_err(|refusal| Failure::Usage(format!("--connector {}: {refusal}", file.display())))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pairs = Vec<(String, Option<String>)>;

    fn read_text(name: &str, text: &str) -> Result<(String, Pairs), String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        let named = read_one(&file).map_err(|failure| failure.to_string())?;
        let pairs = named.config.iter().map(|(key, value)| (key.to_owned(), value.map(str::to_owned)));
        Ok((named.name, pairs.collect()))
    }

    #[test]
    fn the_forms_of_both_of_connects_workers_are_read() {
        let pair = |key: &str, value: &str| (key.to_owned(), Some(value.to_owned()));
        let (name, config) =
            read_text("a.json", r#"{"name":"a","config":{"tasks.max":2,"x":null}}"#).unwrap();
        assert_eq!((name.as_str(), config), ("a", vec![pair("tasks.max", "2"), ("x".to_owned(), None)]));
        let (name, config) = read_text("a.json", r#"{"name":"b","errors.log.enable":true}"#).unwrap();
        assert_eq!(
            (name.as_str(), config),
            ("b", vec![pair("name", "b"), pair("errors.log.enable", "true")])
        );
        let (name, config) = read_text("a.properties", "name = c\ntopic: t\n").unwrap();
        assert_eq!((name.as_str(), config), ("c", vec![pair("name", "c"), pair("topic", "t")]));
    }

    #[test]
    fn what_cannot_be_used_is_named_with_its_file() {
        for (text, part) in [
            ("{", "EOF"),
            ("[]", "expected a map"),
            ("{}", "expected a `name`"),
            (r#"{"name":" ","config":{}}"#, "expected a `name`"),
            (r#"{"name":"a","config":3}"#, "config: expected an object, got 3"),
            (r#"{"name":"a","x":[1]}"#, "x: expected a string"),
        ] {
            let reason = read_text("a.json", text).unwrap_err();
            assert!(reason.contains("a.json: ") && reason.contains(part), "{reason}");
        }
        let missing = read(&[PathBuf::from("/nowhere/a.json")]).unwrap_err();
        assert!(missing.to_string().starts_with("--connector /nowhere/a.json: "), "{missing}");
    }
}
