//! The two connectors that are shown: a generator of orders, and a sink for what else is there.

use std::path::Path;

use serde_json::{Value, json};

use super::clickhouse::{Server, TABLE};

/// A connector as REST takes it.
#[derive(Debug, PartialEq)]
pub struct Connector {
    pub name: String,
    pub config: Value,
}

/// Names that are free: in a Kafka that others use too, a run gets its own.
#[derive(Debug, PartialEq, Eq)]
pub struct Names {
    pub topic: String,
    source: String,
    sink: String,
}

impl Names {
    /// `run` tells this run from others in the same Kafka.
    pub fn new(sink: &str, run: Option<&str>) -> Self {
        let end = run.map(|run| format!("-{run}")).unwrap_or_default();
        let topic = if run.is_some() { format!("penstock-quickstart{end}") } else { "orders".to_owned() };
        Self { topic, source: format!("orders-made-up{end}"), sink: format!("orders-to-{sink}{end}") }
    }

    pub fn source(&self, rate: u32) -> Connector {
        let config = json!({
            "connector.class": "DatagenSource",
            "tasks.max": "1",
            "topic": self.topic,
            "rate": rate.to_string(),
            "key.field": "id",
        });
        Connector { name: self.source.clone(), config }
    }

    /// The values are JSON already: the file gets their text as it is.
    pub fn to_file(&self, file: &Path) -> Connector {
        let config = json!({
            "connector.class": "FileStreamSink",
            "tasks.max": "1",
            "topics": self.topic,
            "file": file.display().to_string(),
            "value.converter": "org.apache.kafka.connect.storage.StringConverter",
        });
        Connector { name: self.sink.clone(), config }
    }

    pub fn to_clickhouse(&self, server: &Server) -> Connector {
        let config = json!({
            "connector.class": "ClickHouseSink",
            "tasks.max": "1",
            "topics": self.topic,
            "url": server.url,
            "username": server.username,
            "password": server.password,
            "database": server.database,
            "topic2TableMap": format!("{}={TABLE}", self.topic),
        });
        Connector { name: self.sink.clone(), config }
    }
}

impl Connector {
    /// What a person types for the same; a password is theirs to fill in.
    pub fn curl(&self, rest: &str) -> String {
        let mut config = self.config.clone();
        if let Some(password) = config.get_mut("password").filter(|password| **password != "") {
            *password = "***".into();
        }
        let config = config.to_string().replace('\'', r"'\''");
        let name = &self.name;
        format!(
            "curl -X PUT {rest}/connectors/{name}/config -H 'Content-Type: application/json' -d '{config}'"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Names;
    use crate::quickstart::clickhouse::Server;
    use std::path::Path;

    #[test]
    fn runs_in_the_same_kafka_share_nothing() {
        let (own, others) = (Names::new("file", Some("a1")), Names::new("file", Some("b2")));
        assert_ne!(own.topic, others.topic);
        assert_ne!(own.source(1).name, others.source(1).name);
        // The consumer group is named after the sink.
        let sink = |names: &Names| names.to_file(Path::new("/tmp/x")).name;
        assert_ne!(sink(&own), sink(&others));
    }

    #[test]
    fn both_connectors_use_the_same_topic() {
        let names = Names::new("file", None);
        assert_eq!(names.source(7).config["topic"], "orders");
        assert_eq!(names.source(7).config["rate"], "7");
        assert_eq!(names.to_file(Path::new("/tmp/x")).config["topics"], "orders");
    }

    #[test]
    fn the_lines_to_type_hold_no_password_and_survive_the_shell() {
        let server = Server::parse("http://it's:canary@h:1").unwrap();
        let line = Names::new("clickhouse", None).to_clickhouse(&server).curl("http://127.0.0.1:8083");
        assert!(
            line.starts_with("curl -X PUT http://127.0.0.1:8083/connectors/orders-to-clickhouse/config ")
        );
        assert!(line.contains(r"it'\''s") && line.contains("***") && !line.contains("canary"), "{line}");
    }
}
