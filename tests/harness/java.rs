//! A real worker of Apache Kafka Connect, which a test starts, stops and takes over from.

use crate::services::{self, Own};
use crate::{Kafka, Rest, SOON, unique, until};
use serde_json::{Value, json};
use std::path::PathBuf;

/// One Java worker on the shared broker, with internal topics named after its group. It is stopped when dropped.
pub struct JavaWorker {
    own: Own,
    pub group: String,
    pub rest: Rest,
    set: String,
}

/// What Java's worker says when it starts and stops, with us and without us.
const USUAL: [&str; 4] = [
    "consider reconfiguring plugin.discovery=service_load",
    "Catching up to assignment's config offset",
    // A topic that is being made.
    "UNKNOWN_TOPIC_OR_PARTITION",
    "LEADER_NOT_AVAILABLE",
];

impl JavaWorker {
    /// Returns once it has joined its group.
    pub fn start(group: &str) -> Self {
        Self::start_set(group, "")
    }

    /// The same with more settings, `key=value` a line.
    pub fn start_set(group: &str, set: &str) -> Self {
        let own = Own::start_with("connect", &settings(group, set));
        let rest = Rest::new(&own.address);
        Self { own, group: group.to_owned(), rest, set: set.to_owned() }
    }

    /// Starts one that is expected to end by itself, and returns what it logged.
    pub fn refused(group: &str) -> String {
        let instance = format!("connect.{}", unique("refused"));
        let started = services::try_up(&instance, &settings(group, ""));
        let log = std::fs::read_to_string(log_of(&instance)).unwrap_or_default();
        services::wipe(&instance);
        assert!(!started, "Java's worker started beside ours; its log:\n{log}");
        log
    }

    /// A clean stop.
    pub fn stop(&self) {
        self.own.stop();
    }

    pub fn start_again(&self) {
        self.own.start_again_with(&settings(&self.group, &self.set));
    }

    /// The settings it was started with, as a user has them.
    pub fn properties(&self) -> PathBuf {
        services::state(self.own.instance()).join("worker/worker.properties")
    }

    pub fn internal_topics(&self) -> [String; 3] {
        ["configs", "offsets", "status"].map(|kind| format!("{}-{kind}", self.group))
    }

    /// What its log says since its last start.
    pub fn log(&self) -> String {
        std::fs::read_to_string(log_of(self.own.instance())).expect("the Java worker's log")
    }

    /// Warnings and errors of its log, without those that it has by itself.
    pub fn alarms(&self) -> Vec<String> {
        let log = self.log();
        let alarming = log.lines().filter(|line| line.contains("] WARN ") || line.contains("] ERROR "));
        alarming
            .filter(|line| !USUAL.iter().any(|usual| line.contains(usual)))
            .map(ToOwned::to_owned)
            .collect()
    }

    pub fn create(&self, name: &str, config: &Value) {
        self.rest.post("/connectors", &json!({ "name": name, "config": config })).expect(201);
    }

    /// Waits until the connector is in this state, and so many tasks are with it.
    #[track_caller]
    pub fn await_state(&self, name: &str, state: &str, tasks: usize) {
        await_state(&self.rest, name, state, tasks);
    }
}

impl Drop for JavaWorker {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(log_of(self.own.instance())).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!(
                "--- the end of the Java worker's log\n{}\n---",
                lines[lines.len().saturating_sub(80)..].join("\n")
            );
        }
    }
}

/// The same for a worker of either kind.
#[track_caller]
pub fn await_state(rest: &Rest, name: &str, state: &str, tasks: usize) {
    let mut last = Value::Null;
    let is_so = |status: &Value| {
        let all = status["tasks"]
            .as_array()
            .is_some_and(|list| list.len() == tasks && list.iter().all(|task| task["state"] == state));
        status["connector"]["state"] == state && all
    };
    let path = format!("/connectors/{name}/status");
    let start = std::time::Instant::now();
    until(&format!("{name} to be {state} with {tasks} tasks"), SOON * 2, || {
        // Java answers 409 while it rebalances, and 404 before it has read what it was told.
        last = rest.get(&path).body;
        assert!(start.elapsed() < SOON, "{name} did not come to {state} with {tasks} tasks: {last:#}");
        is_so(&last)
    });
}

fn log_of(instance: &str) -> PathBuf {
    services::state(instance).join("worker/worker.log")
}

fn settings(group: &str, set: &str) -> [(&'static str, String); 5] {
    [
        ("CONNECT_GROUP", group.to_owned()),
        ("CONNECT_HEAP_OPTS", "-Xms64M -Xmx256M -XX:TieredStopAtLevel=1".to_owned()),
        ("CONNECT_CDS", "1".to_owned()),
        ("CONNECT_SET", set.to_owned()),
        ("PENSTOCK_TEST_KAFKA", Kafka::shared().bootstrap),
    ]
}
