//! Decides what is embedded, what is real and what moves between them, and says so.

use std::fmt::Write;
use std::path::Path;

use super::clickhouse::{Server, TABLE, Table};
use super::connectors::{Connector, Names};
use crate::args;
use crate::failure::Failure;

/// The systems that are not embedded.
#[derive(Default)]
pub struct Systems {
    pub kafka: Option<String>,
    pub clickhouse: Option<Server>,
}

impl Systems {
    pub fn given(args: &args::Quickstart) -> Result<Self, Failure> {
        let kafka = args.kafka.as_deref().map(str::trim);
        if kafka == Some("") {
            return Err(Failure::Usage("--kafka: expected brokers such as localhost:9092".to_owned()));
        }
        let clickhouse = args.clickhouse.as_deref().map(Server::parse).transpose()?;
        Ok(Self { kafka: kafka.map(str::to_owned), clickhouse })
    }

    /// Records per second. The embedded broker forgets what is older than 5 MB a partition and a file fills a
    /// disk, so only two real systems are shown what they can do.
    pub fn rate(&self) -> u32 {
        if self.kafka.is_some() && self.clickhouse.is_some() { 10_000 } else { 1_000 }
    }
}

/// Everything that a run shows.
pub struct Scene {
    /// Address of the worker.
    pub rest: String,
    pub source: Connector,
    pub sink: Connector,
    pub table: Option<Table>,
}

impl Scene {
    pub fn new(rest: String, names: &Names, systems: &Systems, output: Option<&Path>) -> Self {
        let table = systems.clickhouse.clone().map(Table::of);
        let sink = match (&systems.clickhouse, output) {
            (Some(server), _) => names.to_clickhouse(server),
            (None, file) => names.to_file(file.unwrap_or(Path::new(""))),
        };
        Self { rest, source: names.source(systems.rate()), sink, table }
    }

    /// What is shown once, above the lines.
    pub fn opening(&self, systems: &Systems) -> String {
        let mut text = format!("Penstock answers REST at\n  {}\n\n", self.rest);
        let kafka = match &systems.kafka {
            Some(brokers) => format!("real, {brokers}"),
            None => {
                "embedded, inside this process, for a first look only: it keeps 5 MB a partition, in memory"
                    .to_owned()
            }
        };
        let sink = match &systems.clickhouse {
            Some(server) => format!("real, ClickHouse at {server}, table {}.{TABLE}", server.database),
            None => format!(
                "real, a file of JSON lines, {}",
                self.sink.config["file"].as_str().unwrap_or_default()
            ),
        };
        let (topic, rate) = (self.source.config["topic"].as_str().unwrap_or_default(), systems.rate());
        // Writing into a string does not fail.
        let _ = writeln!(text, "  source   made up, {rate} orders a second");
        let _ = writeln!(text, "  Kafka    {kafka}, topic {topic}");
        let _ = writeln!(text, "  sink     {sink}\n");
        let _ = writeln!(text, "The two connectors were created as by\n  {}", self.source.curl(&self.rest));
        let _ = writeln!(text, "  {}\n", self.sink.curl(&self.rest));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{Scene, Systems};
    use crate::args::Quickstart;
    use crate::quickstart::connectors::Names;
    use std::path::Path;

    fn systems(kafka: Option<&str>, clickhouse: Option<&str>) -> Result<Systems, String> {
        let args = Quickstart {
            kafka: kafka.map(str::to_owned),
            clickhouse: clickhouse.map(str::to_owned),
            real: false,
            listen: String::new(),
            plugin_path: None,
            seconds: None,
        };
        Systems::given(&args).map_err(|failure| failure.to_string())
    }

    fn opening(systems: &Systems, names: &Names) -> String {
        Scene::new("http://127.0.0.1:1".to_owned(), names, systems, Some(Path::new("/tmp/x")))
            .opening(systems)
    }

    #[test]
    fn without_systems_the_broker_is_embedded_and_the_sink_is_a_file() {
        let text = opening(&systems(None, None).unwrap(), &Names::new("file", None));
        assert!(text.contains("Kafka    embedded") && text.contains("JSON lines, /tmp/x"), "{text}");
        assert!(text.lines().any(|line| line.trim() == "http://127.0.0.1:1"), "{text}");
    }

    #[test]
    fn systems_that_were_named_are_said_to_be_real() {
        let systems = systems(Some("a:1,b:2"), Some("http://u:canary@h:3/d")).unwrap();
        let text = opening(&systems, &Names::new("clickhouse", Some("1")));
        assert!(text.contains("real, a:1,b:2") && text.contains("http://h:3, table d."), "{text}");
        assert!(!text.contains("embedded") && !text.contains("canary"), "{text}");
    }

    #[test]
    fn an_embedded_broker_and_a_file_are_spared() {
        let rate = |kafka, clickhouse| systems(kafka, clickhouse).unwrap().rate();
        assert_eq!(rate(None, None), 1_000);
        assert_eq!(rate(None, Some("http://h")), 1_000);
        assert_eq!(rate(Some("a:1"), None), 1_000);
        assert_eq!(rate(Some("a:1"), Some("http://h")), 10_000);
    }

    #[test]
    fn no_brokers_are_a_mistake() {
        assert!(systems(Some(" "), None).is_err_and(|sentence| sentence.starts_with("--kafka: expected")));
    }
}
