//! The JSON documents of Kafka Connect, built from what the worker says.
use cluster::Properties;
use serde_json::{Map, Value, json};
use worker::api::{ConnectorInfo, ConnectorOffset, ConnectorStatus, Logger, PluginInfo, Root, Status};

pub(crate) fn root(root: &Root) -> Value {
    json!({ "version": root.version, "commit": root.commit, "kafka_cluster_id": root.kafka_cluster_id })
}

/// Every key in its place, null as null, and nothing added: clients compare it with what they wrote.
pub(crate) fn config(config: &Properties) -> Value {
    config.iter().map(|(key, value)| (key.to_owned(), value.map_or(Value::Null, Value::from))).collect()
}

pub(crate) fn info(info: &ConnectorInfo) -> Value {
    let tasks: Vec<_> = info.tasks.iter().map(|task| task_id(&info.name, *task)).collect();
    json!({ "name": info.name, "config": config(&info.config), "tasks": tasks, "type": info.kind })
}

pub(crate) fn status(status: &ConnectorStatus) -> Value {
    let tasks: Vec<_> = status.tasks.iter().map(|(number, status)| task_status(*number, status)).collect();
    let connector = state(Map::new(), &status.connector);
    json!({ "name": status.name, "connector": connector, "tasks": tasks, "type": status.kind })
}

pub(crate) fn task_status(number: u32, status: &Status) -> Value {
    state(Map::from_iter([("id".to_owned(), number.into())]), status)
}

pub(crate) fn tasks(connector: &str, tasks: &[(u32, Properties)]) -> Value {
    let task = |number, settings| json!({ "id": task_id(connector, number), "config": config(settings) });
    tasks.iter().map(|(number, settings)| task(*number, settings)).collect()
}

pub(crate) fn topics(connector: &str, topics: &[String]) -> Value {
    json!({ connector: { "topics": topics } })
}

pub(crate) fn offsets(offsets: &[ConnectorOffset]) -> Value {
    let one = |one: &ConnectorOffset| json!({ "partition": one.partition, "offset": one.offset });
    json!({ "offsets": offsets.iter().map(one).collect::<Vec<_>>() })
}

pub(crate) fn message(text: &str) -> Value {
    json!({ "message": text })
}

pub(crate) fn loggers(loggers: &[(String, Logger)]) -> Value {
    loggers.iter().map(|(name, state)| (name.clone(), logger(state))).collect()
}

pub(crate) fn logger(logger: &Logger) -> Value {
    json!({ "level": logger.level, "last_modified": logger.last_modified_ms })
}

pub(crate) fn plugins(plugins: &[PluginInfo]) -> Value {
    plugins.iter().map(plugin).collect()
}

fn plugin(plugin: &PluginInfo) -> Value {
    json!({ "class": plugin.class, "type": plugin.kind, "version": plugin.version })
}

fn task_id(connector: &str, task: u32) -> Value {
    json!({ "connector": connector, "task": task })
}

/// Only strings in here: some clients read it into a map of strings.
fn state(mut fields: Map<String, Value>, status: &Status) -> Value {
    fields.insert("state".into(), status.state.name().into());
    fields.insert("worker_id".into(), status.worker_id.as_str().into());
    for (key, value) in [("version", &status.version), ("trace", &status.trace)] {
        if let Some(value) = value {
            fields.insert(key.into(), value.as_str().into());
        }
    }
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cluster::RunState;

    fn status_of(run: RunState, version: Option<&str>, trace: Option<&str>) -> Status {
        let text = |text: Option<&str>| text.map(str::to_owned);
        Status { state: run, worker_id: "10.0.0.1:8083".into(), version: text(version), trace: text(trace) }
    }

    #[test]
    fn info_reads_back_what_was_written() {
        let mut config: Properties = [("z", "1"), ("a", "${file:/s:p}")].into_iter().collect();
        config.insert("topic", None);
        let given = ConnectorInfo { name: "x".into(), config, tasks: vec![0, 1], kind: "sink" };
        let expected = concat!(
            r#"{"name":"x","config":{"z":"1","a":"${file:/s:p}","topic":null},"#,
            r#""tasks":[{"connector":"x","task":0},{"connector":"x","task":1}],"type":"sink"}"#
        );
        assert_eq!(info(&given).to_string(), expected);
    }

    #[test]
    fn status_has_java_s_keys_in_java_s_order() {
        let given = ConnectorStatus {
            name: "x".into(),
            connector: status_of(RunState::Running, Some("1.2"), None),
            tasks: vec![(3, status_of(RunState::Failed, None, Some("Fatal: no such table\n\tat x")))],
            kind: "source",
        };
        let expected = concat!(
            r#"{"name":"x","connector":{"state":"RUNNING","worker_id":"10.0.0.1:8083","version":"1.2"},"#,
            r#""tasks":[{"id":3,"state":"FAILED","worker_id":"10.0.0.1:8083","#,
            r#""trace":"Fatal: no such table\n\tat x"}],"type":"source"}"#
        );
        assert_eq!(status(&given).to_string(), expected);
    }

    #[test]
    fn lists_have_their_shapes() {
        let settings: Properties = [("task.class", "T")].into_iter().collect();
        let expected = r#"[{"id":{"connector":"x","task":0},"config":{"task.class":"T"}}]"#;
        assert_eq!(tasks("x", &[(0, settings)]).to_string(), expected);
        assert_eq!(topics("x", &["t".into()]).to_string(), r#"{"x":{"topics":["t"]}}"#);
        assert_eq!(topics("x", &[]).to_string(), r#"{"x":{"topics":[]}}"#);
        let object = |key: &str, value: i64| [(key.to_owned(), value.into())].into_iter().collect();
        let offset = ConnectorOffset { partition: object("id", 1), offset: object("seqno", 7) };
        assert_eq!(
            offsets(&[offset]).to_string(),
            r#"{"offsets":[{"partition":{"id":1},"offset":{"seqno":7}}]}"#
        );
        let state = Logger { level: "INFO", last_modified_ms: None };
        assert_eq!(
            loggers(&[("root".into(), state)]).to_string(),
            r#"{"root":{"level":"INFO","last_modified":null}}"#
        );
        let plugin = PluginInfo { class: "C".into(), kind: "sink", version: "1".into() };
        assert_eq!(plugins(&[plugin]).to_string(), r#"[{"class":"C","type":"sink","version":"1"}]"#);
    }
}
