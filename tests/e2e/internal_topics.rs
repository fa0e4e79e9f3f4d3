//! What a worker finds in its internal topics: broken records, leftovers, and topics that are made wrongly.

use penstock_tests::{Kafka, SOON, Worker, command, services, unique, until};
use serde_json::{Value, json};
use std::process::Command;

/// The three topics of a worker that was not started yet.
struct Topics {
    group: String,
    configs: String,
    offsets: String,
    statuses: String,
}

impl Topics {
    fn create() -> Self {
        let topics = Self::unmade();
        for topic in [&topics.configs, &topics.offsets, &topics.statuses] {
            Kafka::shared().create_topic_with(topic, 1, &[("cleanup.policy", "compact")]);
        }
        topics
    }

    fn unmade() -> Self {
        let group = unique("internal");
        let name = |kind: &str| format!("{group}-{kind}");
        Self {
            configs: name("configs"),
            offsets: name("offsets"),
            statuses: name("status"),
            group: group.clone(),
        }
    }

    fn worker(&self) -> penstock_tests::Builder {
        Worker::distributed()
            .set("group.id", &self.group)
            .set("config.storage.topic", &self.configs)
            .set("offset.storage.topic", &self.offsets)
            .set("status.storage.topic", &self.statuses)
    }
}

fn source(file: &std::path::Path, topic: &str) -> Value {
    json!({ "connector.class": "FileStreamSource", "tasks.max": "1", "file": file, "topic": topic })
}

/// The record of a connector's config: Java's always holds the name.
fn named(name: &str, mut config: Value) -> String {
    config["name"] = json!(name);
    json!({ "properties": config }).to_string()
}

fn task(file: &std::path::Path, topic: &str) -> String {
    let mut config = source(file, topic);
    config["task.class"] = json!("org.apache.kafka.connect.file.FileStreamSourceTask");
    config["connector.class"] = json!("org.apache.kafka.connect.file.FileStreamSourceConnector");
    json!({ "properties": config }).to_string()
}

#[test]
fn a_broken_record_is_skipped_and_its_place_is_logged() {
    let (topics, kafka, data) = (Topics::create(), Kafka::shared(), unique("data"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("in.txt");
    std::fs::write(&file, "one\ntwo\n").unwrap();
    kafka.create_topic(&data, 1);
    let broken = [
        (&topics.configs, "connector-broken", "{no json"),
        (&topics.configs, "connector-odd", "[1,2]"),
        (&topics.configs, "target-state-lines", "{\"state.v2\":\"SIDEWAYS\"}"),
        (&topics.configs, "task-lines-many", "{\"properties\":{}}"),
        (&topics.configs, "commit-lines", "[7]"),
        (&topics.configs, "penstock-placement-lines", "{\"epoch\":\"x\"}"),
        (&topics.offsets, "no key at all", "{\"position\":4}"),
        (&topics.offsets, "[\"lines\",{\"filename\":\"x\"}]", "4"),
        (&topics.offsets, "[\"lines\",{\"filename\":\"y\"}]", "{"),
        (&topics.statuses, "status-connector-lines", "{"),
        (&topics.statuses, "status-task-lines-0", "{\"state\":\"DANCING\"}"),
        (&topics.statuses, "penstock-worker-http://gone:1", "{\"turn\":-1}"),
    ];
    for (topic, key, value) in broken {
        kafka.put(topic, key, Some(value));
    }
    // What is sound among them counts.
    let config = named("lines", source(&file, &data));
    kafka.put(&topics.configs, "connector-lines", Some(&config));
    let skipped = "skipping an unreadable record";
    let mut worker = topics.worker().allow(skipped).start();
    worker.await_running("lines", 1);
    until("both lines", SOON, || kafka.ends(&data) == [2]);
    assert_eq!(worker.rest.get("/connectors").expect(200), json!(["lines"]));
    let log = worker.log.text();
    let places: Vec<(&str, usize)> = [("config", 6), ("offset", 3), ("status", 3)]
        .iter()
        .flat_map(|(log, count)| (0..*count).map(move |at| (*log, at)))
        .collect();
    for (topic, offset) in places {
        let named = format!("log=\"{topic}\" partition=0 offset={offset} ");
        let line = log.lines().find(|line| line.contains(skipped) && line.contains(&named));
        assert!(line.is_some(), "no line names {named}:\n{log}");
    }
    assert_eq!(log.matches(skipped).count(), broken.len(), "{log}");
    worker.stop();
}

#[test]
fn leftovers_of_deleted_connectors_bring_nothing_back() {
    let (topics, kafka, data) = (Topics::create(), Kafka::shared(), unique("data"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("in.txt");
    std::fs::write(&file, "one\ntwo\n").unwrap();
    kafka.create_topic(&data, 1);
    // What compaction leaves of connectors that Java deleted: with their tombstones, and after those have gone.
    for name in ["fresh-dead", "old-dead"] {
        kafka.put(&topics.configs, &format!("task-{name}-0"), Some(&task(&file, &data)));
        kafka.put(&topics.configs, &format!("task-{name}-1"), Some(&task(&file, &data)));
        kafka.put(&topics.configs, &format!("commit-{name}"), Some("{\"tasks\":2}"));
        kafka.put(&topics.configs, &format!("tasks-fencing-{name}"), Some("{\"task-count\":2}"));
    }
    kafka.put(&topics.configs, "connector-fresh-dead", None);
    kafka.put(&topics.configs, "target-state-fresh-dead", None);
    kafka.put(&topics.statuses, "status-task-old-dead-1", Some(
        "{\"state\":\"RUNNING\",\"trace\":null,\"worker_id\":\"gone:8083\",\"generation\":3,\"version\":null}",
    ));
    kafka.put(
        &topics.configs,
        "restart-connector-old-dead",
        Some("{\"include-tasks\":true,\"only-failed\":false}"),
    );
    kafka.put(
        &topics.configs,
        "session-key",
        Some("{\"key\":\"eA==\",\"algorithm\":\"HmacSHA256\",\"creation-timestamp\":1}"),
    );
    let mut worker = topics.worker().start();
    assert_eq!(worker.rest.get("/connectors").expect(200), json!([]));
    for name in ["fresh-dead", "old-dead"] {
        worker.rest.get(&format!("/connectors/{name}/status")).expect(404);
        worker.rest.get(&format!("/connectors/{name}/tasks")).expect(404);
    }
    // The name is free, and its old tasks do not come with it: two were committed, the new one has one.
    let out = folder.path().join("new.txt");
    std::fs::write(&out, "three\n").unwrap();
    worker.create("old-dead", &source(&out, &data));
    until("the new connector's line", SOON, || kafka.ends(&data) == [1]);
    let tasks = worker.rest.get("/connectors/old-dead/tasks").expect(200);
    assert_eq!(tasks.as_array().map(Vec::len), Some(1), "{tasks}");
    assert_eq!(kafka.read(&data)[0].text(), "\"three\"");
    worker.stop();
    // A worker that reads all of it anew sees the same.
    worker.start();
    worker.await_running("old-dead", 1);
    assert_eq!(worker.rest.get("/connectors").expect(200), json!(["old-dead"]));
    assert_eq!(kafka.ends(&data), [1]);
    worker.stop();
}

#[test]
fn the_last_word_of_a_former_leader_does_not_stay() {
    let (topics, kafka, data) = (Topics::create(), Kafka::shared(), unique("data"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("in.txt");
    std::fs::write(&file, "one\n").unwrap();
    kafka.create_topic(&data, 1);
    let mut worker = topics.worker().start();
    worker.create("lines", &source(&file, &data));
    worker.await_running("lines", 1);
    let own = worker.rest.get("/connectors/lines/status").expect(200);
    let late = json!({ "state": "FAILED", "trace": "late", "worker_id": "gone:8083", "generation": 1, "version": "1" });
    let at = kafka.ends(&topics.statuses)[0];
    kafka.put(&topics.statuses, "status-connector-lines", Some(&late.to_string()));
    kafka.put(&topics.statuses, "status-task-lines-0", Some(&late.to_string()));
    // Both records, and the worker's answer to each of them.
    until("the worker to contradict both", SOON, || kafka.ends(&topics.statuses)[0] >= at + 4);
    until("the status as it was", SOON, || worker.rest.get("/connectors/lines/status").expect(200) == own);
    worker.stop();
}

/// Starts a worker that has to refuse these topics, and returns what it says.
fn refusal(topics: &Topics) -> String {
    let folder = tempfile::tempdir().unwrap();
    let settings = topics.worker().save(folder.path());
    let mut command = command::penstock(&["run", "--config"]);
    let output = command::output(command.arg(settings).current_dir(folder.path()), folder.path());
    assert!(!output.status.success(), "the worker took topics that it should refuse: {output:?}");
    let said = format!("{}{}", output.stdout, output.stderr);
    assert!(!said.contains("panicked"), "{said}");
    said
}

/// The command that an error tells to run, run by Kafka's own tools.
fn repair(said: &str) {
    let told = said.split("Repair it by: ").nth(1).unwrap_or_else(|| panic!("no command is told: {said}"));
    let told = told.lines().next().unwrap().trim();
    let arguments = told.strip_prefix("kafka-configs.sh ").unwrap_or_else(|| panic!("another tool: {told}"));
    let tools = services::checkout().join("tests/services/kafka/kafka.sh");
    let mut command = Command::new(tools);
    command.args(["cli", "configs"]).args(arguments.split_whitespace());
    let status = command.status().expect("Kafka's tools start");
    assert!(status.success(), "{told}: {status}");
}

#[test]
fn a_topic_that_would_forget_is_refused_with_the_command_that_repairs_it() {
    for wrong in ["delete", "compact,delete"] {
        for pick in [|topics: &Topics| topics.configs.clone(), |topics: &Topics| topics.offsets.clone()] {
            let topics = Topics::unmade();
            let topic = pick(&topics);
            Kafka::shared().create_topic_with(&topic, 1, &[("cleanup.policy", wrong)]);
            let said = refusal(&topics);
            for part in [&topic, "cleanup.policy", "expected compact", wrong] {
                assert!(said.contains(part), "{part} is not named: {said}");
            }
            if wrong == "compact,delete" {
                continue;
            }
            repair(&said);
            topics.worker().start().stop();
        }
    }
}

#[test]
fn a_config_topic_of_two_partitions_is_refused() {
    let topics = Topics::unmade();
    Kafka::shared().create_topic_with(&topics.configs, 2, &[("cleanup.policy", "compact")]);
    let said = refusal(&topics);
    let create =
        format!("--create --topic {} --partitions 1 --config cleanup.policy=compact", topics.configs);
    for part in ["expected exactly 1 partition, got 2", "kafka-topics.sh --bootstrap-server", &create] {
        assert!(said.contains(part), "{part:?} is not told: {said}");
    }
}
