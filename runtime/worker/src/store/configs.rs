//! The config log's records as Connect writes them: keys are plain text, values JSON without blanks.
use super::{Entry, cluster as ours};
use crate::converter::base64;
use crate::session_key::SessionKey;
use cluster::{ConfigRecord, Properties, Restart, TargetState, TaskId};
use serde_json::{Map, Value, json};

/// What a record of the config log means to a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigEntry {
    Record(ConfigRecord),
    /// Somebody asked for a restart. Meaningless when it was written before this worker started.
    Restart {
        name: String,
        restart: Restart,
    },
    /// What workers sign requests to each other with, and when it was made.
    SessionKey {
        key: SessionKey,
        created_ms: i64,
    },
    /// A level for a logger of every worker. Meaningless when it was written before this worker started.
    Logger {
        name: String,
        level: String,
    },
    /// Whatever later versions add.
    Other,
}

/// Reads one record; an error says what is broken, and the record is skipped.
pub fn parse(entry: &Entry) -> Result<ConfigEntry, String> {
    let key = std::str::from_utf8(&entry.key).map_err(|_| "the key is not UTF-8".to_owned())?;
    let value: Option<Value> = match &entry.value {
        None => None,
        Some(bytes) => Some(serde_json::from_slice(bytes).map_err(|error| format!("{key}: {error}"))?),
    };
    let record = if let Some(name) = key.strip_prefix("connector-") {
        let config = value.map(|value| properties(key, &value)).transpose()?;
        ConfigRecord::Connector { name: name.into(), config }
    } else if let Some(name) = key.strip_prefix("target-state-") {
        let target = value.map(|value| target(key, &value)).transpose()?;
        ConfigRecord::Target { name: name.into(), target }
    } else if let Some(name) = key.strip_prefix("commit-") {
        let tasks = value.map_or(Ok(0), |value| committed(key, &value))?;
        ConfigRecord::Commit { name: name.into(), tasks }
    } else if let Some(rest) = key.strip_prefix("task-") {
        let (name, number) = rest.rsplit_once('-').ok_or_else(|| format!("{key}: no task number"))?;
        let number = number.parse().map_err(|_| format!("{key}: {number:?} is no task number"))?;
        let config = value.map(|value| properties(key, &value)).transpose()?;
        ConfigRecord::Task { id: TaskId::new(name, number), config }
    } else if let Some(name) = key.strip_prefix("tasks-fencing-") {
        let tasks = value.map(|value| counted(key, &value)).transpose()?;
        ConfigRecord::Fenced { name: name.into(), tasks }
    } else if let Some(name) = ours::placed_connector(key) {
        let placement = value.map(|value| ours::parse_placement(key, &value)).transpose()?;
        ConfigRecord::Placement { name: name.into(), placement }
    } else if let (true, Some(value)) = (ours::is_leader(key), &value) {
        let (epoch, worker) = ours::parse_leader(value)?;
        ConfigRecord::Leader { epoch, worker }
    } else if let (Some(name), Some(value)) = (key.strip_prefix("restart-connector-"), &value) {
        let flag = |name: &str| value[name].as_bool().unwrap_or(false);
        let restart = Restart { include_tasks: flag("include-tasks"), only_failed: flag("only-failed") };
        return Ok(ConfigEntry::Restart { name: name.into(), restart });
    } else if let ("session-key", Some(value)) = (key, &value) {
        return parse_session_key(value);
    } else if let (Some(name), Some(value)) = (key.strip_prefix("logger-cluster-"), &value) {
        let level = value["level"].as_str().ok_or_else(|| format!("{key}: expected a text `level`"))?;
        return Ok(ConfigEntry::Logger { name: name.into(), level: level.into() });
    } else {
        return Ok(ConfigEntry::Other);
    };
    Ok(ConfigEntry::Record(record))
}

fn properties(key: &str, value: &Value) -> Result<Properties, String> {
    let map =
        value["properties"].as_object().ok_or_else(|| format!("{key}: expected an object `properties`"))?;
    let mut properties = Properties::new();
    for (name, value) in map {
        match value {
            Value::Null => properties.insert(name.clone(), None),
            Value::String(text) => properties.set(name.clone(), text.clone()),
            other => properties.set(name.clone(), other.to_string()),
        }
    }
    Ok(properties)
}

/// What is no number of tasks must not end those that run.
fn committed(key: &str, value: &Value) -> Result<u32, String> {
    let tasks = value["tasks"].as_u64().and_then(|tasks| u32::try_from(tasks).ok());
    tasks.ok_or_else(|| format!("{key}: expected a number of tasks, got {value}"))
}

fn counted(key: &str, value: &Value) -> Result<u32, String> {
    let tasks = value["task-count"].as_u64().and_then(|tasks| u32::try_from(tasks).ok());
    tasks.ok_or_else(|| format!("{key}: expected a number `task-count`, got {value}"))
}

/// `state.v2` knows STOPPED; older workers write and read `state` alone.
fn target(key: &str, value: &Value) -> Result<TargetState, String> {
    match value["state.v2"].as_str().or_else(|| value["state"].as_str()) {
        Some("STARTED") => Ok(TargetState::Started),
        Some("PAUSED") => Ok(TargetState::Paused),
        Some("STOPPED") => Ok(TargetState::Stopped),
        other => {
            Err(format!("{key}: expected STARTED, PAUSED or STOPPED, got {:?}", other.unwrap_or_default()))
        }
    }
}

/// The sentence never holds the value: it is a secret.
fn parse_session_key(value: &Value) -> Result<ConfigEntry, String> {
    let broken = |field: &str| format!("session-key: expected {field}");
    let text = value["key"].as_str().ok_or_else(|| broken("a text `key`"))?;
    let mut bytes = Vec::new();
    base64::decode(text.as_bytes(), &mut bytes).ok_or_else(|| broken("`key` to be Base64"))?;
    if bytes.is_empty() {
        return Err(broken("a `key` that is not empty"));
    }
    let algorithm = value["algorithm"].as_str().ok_or_else(|| broken("a text `algorithm`"))?.to_owned();
    let created_ms =
        value["creation-timestamp"].as_i64().ok_or_else(|| broken("a number `creation-timestamp`"))?;
    Ok(ConfigEntry::SessionKey { key: SessionKey { algorithm, bytes }, created_ms })
}

fn entry(key: String, value: &Value) -> Entry {
    Entry { key: key.into_bytes(), value: Some(value.to_string().into_bytes()) }
}

fn document(properties: &Properties) -> Value {
    let map: Map<String, Value> = properties
        .iter()
        .map(|(key, value)| (key.to_owned(), value.map_or(Value::Null, Value::from)))
        .collect();
    json!({ "properties": map })
}

pub fn connector(name: &str, config: &Properties) -> Entry {
    entry(format!("connector-{name}"), &document(config))
}

/// Erases a connector and all that was written for it, but for the record of producers that are still to be shut out.
/// Java leaves task records, commits and fencing records behind for ever.
pub fn deletion(name: &str, tasks: usize) -> Vec<Entry> {
    let mut keys = vec![
        format!("connector-{name}"),
        format!("target-state-{name}"),
        format!("commit-{name}"),
        ours::placement_key(name),
    ];
    keys.extend((0..tasks).map(|task| format!("task-{name}-{task}")));
    keys.into_iter().map(|key| Entry { key: key.into_bytes(), value: None }).collect()
}

pub fn target_state(name: &str, target: TargetState) -> Entry {
    // Workers that do not know `state.v2` treat a stopped connector as paused.
    let (old, new) = match target {
        TargetState::Started => ("STARTED", "STARTED"),
        TargetState::Paused => ("PAUSED", "PAUSED"),
        TargetState::Stopped => ("PAUSED", "STOPPED"),
    };
    entry(format!("target-state-{name}"), &json!({ "state": old, "state.v2": new }))
}

/// All task records and then the commit that makes them count.
pub fn tasks(name: &str, tasks: &[Properties]) -> Vec<Entry> {
    let records = tasks.iter().enumerate();
    let mut entries: Vec<_> =
        records.map(|(number, config)| entry(format!("task-{name}-{number}"), &document(config))).collect();
    entries.push(commit(name, tasks.len()));
    entries
}

/// Erases task records beyond the committed count: compaction would keep them for ever.
pub fn surplus(name: &str, from: usize, to: usize) -> Vec<Entry> {
    (from..to).map(|task| Entry { key: format!("task-{name}-{task}").into_bytes(), value: None }).collect()
}

fn commit(name: &str, tasks: usize) -> Entry {
    entry(format!("commit-{name}"), &json!({ "tasks": tasks }))
}

/// How many tasks may have producers from here on; `None` when the connector is gone, and its producers are too.
pub fn fencing(name: &str, tasks: Option<u32>) -> Entry {
    let key = format!("tasks-fencing-{name}");
    match tasks {
        Some(tasks) => entry(key, &json!({ "task-count": tasks })),
        None => Entry { key: key.into_bytes(), value: None },
    }
}

/// The record with which a leader spreads a new key.
pub fn session_key(key: &SessionKey, created_ms: i64) -> Entry {
    let mut text = Vec::new();
    base64::encode(&key.bytes, &mut text);
    let text = String::from_utf8_lossy(&text);
    let value = json!({ "key": text, "algorithm": key.algorithm, "creation-timestamp": created_ms });
    entry("session-key".into(), &value)
}

pub fn restart(name: &str, restart: Restart) -> Entry {
    let value = json!({ "include-tasks": restart.include_tasks, "only-failed": restart.only_failed });
    entry(format!("restart-connector-{name}"), &value)
}

pub fn logger(name: &str, level: &str) -> Entry {
    entry(format!("logger-cluster-{name}"), &json!({ "level": level }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &str, value: Option<&str>, expected: ConfigEntry) {
        let entry = Entry { key: key.into(), value: value.map(Into::into) };
        assert_eq!(parse(&entry), Ok(expected), "{key}");
    }

    fn record(record: ConfigRecord) -> ConfigEntry {
        ConfigEntry::Record(record)
    }

    #[test]
    fn records_of_a_java_worker_are_read() {
        let config: Properties = [("a", "b")].into_iter().collect();
        let properties = r#"{"properties":{"a":"b"}}"#;
        check(
            "connector-g-src",
            Some(properties),
            record(ConfigRecord::Connector { name: "g-src".into(), config: Some(config.clone()) }),
        );
        check("connector-x", None, record(ConfigRecord::Connector { name: "x".into(), config: None }));
        let id = TaskId::new("g-ver", 2);
        check("task-g-ver-2", Some(properties), record(ConfigRecord::Task { id, config: Some(config) }));
        check(
            "commit-a",
            Some(r#"{"tasks":3}"#),
            record(ConfigRecord::Commit { name: "a".into(), tasks: 3 }),
        );
        let stopped = Some(TargetState::Stopped);
        check(
            "target-state-a",
            Some(r#"{"state":"PAUSED","state.v2":"STOPPED"}"#),
            record(ConfigRecord::Target { name: "a".into(), target: stopped }),
        );
        let fenced = |tasks| record(ConfigRecord::Fenced { name: "eos-src".into(), tasks });
        check("tasks-fencing-eos-src", Some(r#"{"task-count":2}"#), fenced(Some(2)));
        check("tasks-fencing-eos-src", None, fenced(None));
        let key = SessionKey { algorithm: "HmacSHA256".into(), bytes: b"foobar".to_vec() };
        check(
            "session-key",
            Some(r#"{"key":"Zm9vYmFy","algorithm":"HmacSHA256","creation-timestamp":1700000000000}"#),
            ConfigEntry::SessionKey { key, created_ms: 1_700_000_000_000 },
        );
        let (name, level) = ("org.apache.kafka.connect".to_owned(), "WARN".to_owned());
        check(
            "logger-cluster-org.apache.kafka.connect",
            Some(r#"{"level":"WARN"}"#),
            ConfigEntry::Logger { name, level },
        );
    }

    #[test]
    fn a_session_key_reads_back_and_a_broken_one_stays_secret() {
        let key = SessionKey { algorithm: "HmacSHA384".into(), bytes: (0..=255).collect() };
        let expected = ConfigEntry::SessionKey { key: key.clone(), created_ms: 7 };
        assert_eq!(parse(&session_key(&key, 7)), Ok(expected));
        for value in [r#"{"key":"ca-nary"}"#, r#"{"key":""}"#, r#"{"key":"Zm9v","algorithm":"canary"}"#] {
            let broken = parse(&Entry { key: "session-key".into(), value: Some(value.into()) }).unwrap_err();
            assert!(broken.starts_with("session-key: expected") && !broken.contains("nary"), "{broken}");
        }
    }

    #[test]
    fn a_broken_record_names_its_key() {
        for (key, value) in [
            ("connector-a", "{"),
            ("task-a-x", "{}"),
            ("target-state-a", r#"{"state":"UP"}"#),
            ("logger-cluster-a", "{}"),
            ("commit-a", "[7]"),
            ("tasks-fencing-a", r#"{"task-count":-1}"#),
            ("commit-a", r#"{"tasks":-1}"#),
            ("commit-a", r#"{"tasks":4294967296}"#),
        ] {
            let broken = parse(&Entry { key: key.into(), value: Some(value.into()) }).unwrap_err();
            assert!(broken.contains(key), "{broken}");
        }
    }

    #[test]
    fn what_is_written_is_what_java_writes() {
        let config: Properties = [("connector.class", "x"), ("name", "a")].into_iter().collect();
        let text = |entry: Entry| String::from_utf8(entry.value.unwrap()).unwrap();
        assert_eq!(text(connector("a", &config)), r#"{"properties":{"connector.class":"x","name":"a"}}"#);
        let stopped = target_state("a", TargetState::Stopped);
        assert_eq!(text(stopped), r#"{"state":"PAUSED","state.v2":"STOPPED"}"#);
        let keys: Vec<_> =
            tasks("a", &[config]).into_iter().map(|entry| String::from_utf8(entry.key).unwrap()).collect();
        assert_eq!(keys, ["task-a-0", "commit-a"]);
        assert_eq!(text(fencing("a", Some(3))), r#"{"task-count":3}"#);
        assert_eq!(text(logger("root", "ERROR")), r#"{"level":"ERROR"}"#);
    }

    #[test]
    fn a_deletion_leaves_no_key_behind_but_the_fencing_record() {
        let keys: Vec<_> =
            deletion("a", 2).into_iter().map(|entry| String::from_utf8(entry.key).unwrap()).collect();
        assert_eq!(
            keys,
            ["connector-a", "target-state-a", "commit-a", "penstock-placement-a", "task-a-0", "task-a-1"]
        );
    }
}
