//! Statuses of connectors and tasks, and the topics they use, as Connect writes them to the status log.
use super::Entry;
use crate::api::Status;
use cluster::{RunState, TaskId};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The newest status of everything.
#[derive(Default)]
pub struct Statuses {
    connectors: BTreeMap<String, Status>,
    tasks: BTreeMap<TaskId, Status>,
    /// Connector and topic.
    topics: BTreeSet<(String, String)>,
}

impl Statuses {
    pub fn connector(&self, name: &str) -> Option<&Status> {
        self.connectors.get(name)
    }

    pub fn task(&self, id: &TaskId) -> Option<&Status> {
        self.tasks.get(id)
    }

    pub fn tasks(&self) -> impl Iterator<Item = (&TaskId, &Status)> {
        self.tasks.iter()
    }

    pub fn topics(&self, connector: &str) -> Vec<String> {
        self.topics.iter().filter(|(name, _)| name == connector).map(|(_, topic)| topic.clone()).collect()
    }

    pub fn set_connector(&mut self, name: &str, status: Option<Status>) {
        match status {
            Some(status) => drop(self.connectors.insert(name.to_owned(), status)),
            None => drop(self.connectors.remove(name)),
        }
    }

    pub fn set_task(&mut self, id: &TaskId, status: Option<Status>) {
        match status {
            Some(status) => drop(self.tasks.insert(id.clone(), status)),
            None => drop(self.tasks.remove(id)),
        }
    }

    /// Takes a record of the log; an error says what is broken, and the record is skipped.
    pub fn read(&mut self, entry: &Entry) -> Result<(), String> {
        let key = std::str::from_utf8(&entry.key).map_err(|_| "the key is not UTF-8".to_owned())?;
        let value: Option<Value> = match &entry.value {
            Some(bytes) => serde_json::from_slice(bytes).map_err(|error| format!("{key}: {error}"))?,
            None => None,
        };
        if let Some(name) = key.strip_prefix("status-connector-") {
            self.set_connector(name, status(key, value.as_ref())?);
        } else if let Some(rest) = key.strip_prefix("status-task-") {
            let (name, number) = rest.rsplit_once('-').ok_or_else(|| format!("{key}: no task number"))?;
            let number = number.parse().map_err(|_| format!("{key}: {number:?} is no task number"))?;
            self.set_task(&TaskId::new(name, number), status(key, value.as_ref())?);
        } else if let Some((topic, name)) =
            key.strip_prefix("status-topic-").and_then(|r| r.split_once(":connector-"))
        {
            let pair = (name.to_owned(), topic.to_owned());
            let _ = if value.is_some() { self.topics.insert(pair) } else { self.topics.remove(&pair) };
        }
        Ok(())
    }
}

fn status(key: &str, value: Option<&Value>) -> Result<Option<Status>, String> {
    let Some(value) = value else { return Ok(None) };
    let name = value["state"].as_str().unwrap_or("");
    // Java writes DESTROYED for a task that is gone.
    let Some(state) = RunState::parse(name) else {
        return if name == "DESTROYED" { Ok(None) } else { Err(format!("{key}: unknown state {name:?}")) };
    };
    let text = |field: &str| value[field].as_str().map(ToOwned::to_owned);
    let worker_id = text("worker_id").unwrap_or_default();
    Ok(Some(Status { state, worker_id, version: text("version"), trace: text("trace") }))
}

fn document(status: &Status, generation: i64) -> Value {
    json!({
        "state": status.state.name(),
        "trace": status.trace,
        "worker_id": status.worker_id,
        "generation": generation,
        "version": status.version,
    })
}

pub fn connector_entry(name: &str, status: Option<&Status>, generation: i64) -> Entry {
    let value = status.map(|status| document(status, generation).to_string().into_bytes());
    Entry { key: format!("status-connector-{name}").into_bytes(), value }
}

pub fn task_entry(id: &TaskId, status: Option<&Status>, generation: i64) -> Entry {
    let value = status.map(|status| document(status, generation).to_string().into_bytes());
    Entry { key: format!("status-task-{id}").into_bytes(), value }
}

/// A task saw or wrote a topic for the first time; `None` forgets it.
pub fn topic_entry(id: &TaskId, topic: &str, discovered_ms: Option<u64>) -> Entry {
    let value = discovered_ms.map(|time| {
        json!({ "topic": { "name": topic, "connector": id.connector, "task": id.task, "discoverTimestamp": time } })
    });
    let key = format!("status-topic-{topic}:connector-{}", id.connector);
    Entry { key: key.into_bytes(), value: value.map(|value| value.to_string().into_bytes()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_of_a_java_worker_reads_and_writes_the_same_bytes() {
        let value = r#"{"state":"RUNNING","trace":null,"worker_id":"127.0.0.1:18083","generation":19,"version":"4.3.1"}"#;
        let mut statuses = Statuses::default();
        statuses.read(&Entry { key: "status-task-g-snk-0".into(), value: Some(value.into()) }).unwrap();
        let id = TaskId::new("g-snk", 0);
        let entry = task_entry(&id, statuses.task(&id), 19);
        assert_eq!(String::from_utf8(entry.value.unwrap()).unwrap(), value);
    }

    #[test]
    fn topics_are_kept_per_connector_until_they_are_reset() {
        let mut statuses = Statuses::default();
        let id = TaskId::new("c", 0);
        statuses.read(&topic_entry(&id, "t", Some(5))).unwrap();
        assert_eq!(statuses.topics("c"), ["t"]);
        statuses.read(&topic_entry(&id, "t", None)).unwrap();
        assert_eq!(statuses.topics("c"), Vec::<String>::new());
    }
}
