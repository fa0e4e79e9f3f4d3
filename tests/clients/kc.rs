//! kafka-connect-py's command `kc`: it ends well whatever happens, so only what it prints tells anything.

use crate::stage::{FILE_SOURCE, Stage, python};
use penstock_tests::{SOON, until, until_some};
use serde_json::{Value, json};

impl Stage {
    #[track_caller]
    fn kc(&self, arguments: &[&str]) -> String {
        let output = self.run(python("kc").args(["--url", &self.worker.url]).args(arguments));
        assert!(output.status.success(), "kc {arguments:?}: {output:?}");
        output.stdout.trim().to_owned()
    }

    #[track_caller]
    fn kc_json(&self, arguments: &[&str]) -> Value {
        let text = self.kc(arguments);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("kc {arguments:?}: {error}: {text}"))
    }

    /// Creates the connector and waits until it runs.
    fn kc_create(&self) -> Value {
        let creation = json!({ "name": self.name, "config": self.config() });
        let created = self.kc_json(&["create", "-d", &creation.to_string()]);
        self.worker.await_running(&self.name, 1);
        created
    }
}

#[test]
fn kc_creates_lists_and_shows_a_connector() {
    let stage = Stage::set();
    let name = stage.name.as_str();
    let info = stage.kc_json(&["info"]);
    assert!(info["version"].as_str().is_some_and(|version| version.starts_with("4.")), "{info}");
    assert!(info["kafka_cluster_id"].as_str().is_some_and(|id| !id.is_empty()), "{info}");

    let created = stage.kc_create();
    assert_eq!((&created["name"], &created["type"]), (&json!(name), &json!("source")));
    assert_eq!(stage.kc_json(&["list"]), json!([name]));
    assert_eq!(stage.kc_json(&["list", "-s", "RUNNING"]), json!([name]));
    assert_eq!(stage.kc_json(&["list", "-s", "FAILED"]), json!([]));
    assert_eq!(stage.kc_json(&["list", "-p", "no-.*"]), json!([]));
    let listed = stage.kc_json(&["list", "-e", "status"]);
    assert_eq!(listed[name]["status"]["connector"]["state"], "RUNNING");
    let listed = stage.kc_json(&["list", "-e", "info"]);
    assert_eq!(listed[name]["info"]["config"]["connector.class"], FILE_SOURCE);

    let mut config = stage.config();
    config["name"] = json!(name);
    assert_eq!(stage.kc_json(&["config", name]), config);
    let shown = stage.kc_json(&["get", name]);
    assert_eq!((&shown["config"], &shown["tasks"]), (&config, &json!([{ "connector": name, "task": 0 }])));
    let tasks = stage.kc_json(&["list-tasks", name]);
    assert_eq!((&tasks[0]["id"]["task"], &tasks[0]["config"]["topic"]), (&json!(0), &json!(name)));
    let topics = until_some("the topic that was written to", SOON, || {
        let topics = stage.kc_json(&["list-topics", name]);
        (topics[name]["topics"] != json!([])).then_some(topics)
    });
    assert_eq!(topics, json!({ name: { "topics": [name] } }));
    stage.kc(&["reset-topics", name]);
    until("the topics to be forgotten", SOON, || {
        stage.kc_json(&["list-topics", name]) == json!({ name: { "topics": [] } })
    });
}

#[test]
fn kc_pauses_restarts_updates_and_deletes_a_connector() {
    let mut stage = Stage::set();
    let name = &stage.name.clone();
    stage.kc_create();
    assert_eq!(stage.kc(&["pause", name]), "");
    stage.worker.await_status(name, "to pause", |status| status["tasks"][0]["state"] == "PAUSED");
    assert_eq!(stage.kc_json(&["list", "-s", "PAUSED"]), json!([name]));
    assert_eq!(stage.kc(&["resume", name]), "");
    stage.worker.await_running(name, 1);

    // Without flags Connect answers nothing, with one a status; either way `kc` shows the status it asks for next.
    assert_eq!(stage.kc_json(&["restart", name])["name"], json!(name));
    assert_eq!(stage.kc_json(&["restart", name, "--include-tasks", "--only-failed"])["name"], json!(name));
    assert!(stage.kc_json(&["restart", "--all", "--include-tasks"])[name]["status"].is_object());
    stage.worker.await_running(name, 1);
    assert_eq!(stage.kc_json(&["restart-task", name, "0"]), Value::Null);
    stage.worker.await_running(name, 1);
    let task = stage.kc_json(&["task-status", name, "0"]);
    assert_eq!((&task["id"], &task["state"]), (&json!(0), &json!("RUNNING")));
    assert_eq!(stage.kc_json(&["status", name])["tasks"], json!([task]));

    let mut config = stage.config();
    config["batch.size"] = json!(17);
    let updated = stage.kc_json(&["update", name, "-d", &config.to_string()]);
    assert_eq!(updated["config"]["batch.size"], "17", "a number is kept as text");
    stage.worker.await_running(name, 1);

    assert_eq!(stage.kc(&["pause", "--all"]), "");
    stage.worker.await_status(name, "to pause", |status| status["connector"]["state"] == "PAUSED");
    assert_eq!(stage.kc(&["resume", "--all"]), "");
    assert_eq!(stage.kc(&["delete", name]), "");
    until("the connector to be gone", SOON, || stage.kc_json(&["list"]) == json!([]));
    stage.worker.stop();
}

#[test]
fn kc_lists_plugins_and_validates_configs() {
    let stage = Stage::set();
    let plugins = stage.kc_json(&["list-plugins"]);
    let known = |plugin: &Value| plugin["class"] == FILE_SOURCE && plugin["type"] == "source";
    assert!(plugins.as_array().is_some_and(|list| list.iter().any(known)), "{plugins}");

    // The command encodes its JSON twice: what arrives is a string. The library under it does not.
    let doubled = stage.kc(&["validate-config", FILE_SOURCE, "-d", &stage.config().to_string()]);
    assert!(doubled.starts_with("400 Client Error: Bad Request"), "{doubled}");
    let script = "import json, sys, kafka_connect; print(json.dumps(kafka_connect.KafkaConnect(sys.argv[1])\
                  .validate_connector_config(sys.argv[2], json.loads(sys.argv[3]))))";
    let validate = |config: Value| -> Value {
        let mut client = python("python");
        client.args(["-c", script, &stage.worker.url, "FileStreamSource", &config.to_string()]);
        let output = stage.run(&mut client);
        serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    };
    let mut config = stage.config();
    config["name"] = json!(stage.name);
    assert_eq!(validate(config)["error_count"], 0);
    let validation = validate(json!({ "connector.class": "FileStreamSource" }));
    let wrong =
        |setting: &Value| setting["value"]["name"] == "topic" && setting["value"]["errors"] != json!([]);
    assert!(validation["configs"].as_array().is_some_and(|list| list.iter().any(wrong)), "{validation}");
}

#[test]
fn kc_shows_what_was_refused() {
    let mut stage = Stage::set();
    let name = &stage.name.clone();
    stage.kc_create();
    let creation = json!({ "name": name, "config": stage.config() });
    let again = stage.kc(&["create", "-d", &creation.to_string()]);
    assert!(again.starts_with("409 Client Error: Conflict"), "{again}");
    let wrong = json!({ "name": "wrong", "config": { "connector.class": FILE_SOURCE } });
    let refused = stage.kc(&["create", "-d", &wrong.to_string()]);
    assert!(refused.starts_with("400 Client Error: Bad Request"), "{refused}");
    for command in ["get", "config", "status", "pause", "resume", "delete", "list-tasks"] {
        let refused = stage.kc(&[command, "nobody"]);
        assert!(refused.starts_with("404 Client Error: Not Found"), "{command}: {refused}");
    }
    let refused = stage.kc_json(&["restart", "nobody"]);
    assert_eq!(refused, json!({ "error_code": 404, "message": "Unknown connector: nobody" }));
    assert!(stage.kc(&["task-status", name, "7"]).starts_with("404 Client Error: Not Found"));
    assert_eq!(stage.kc_json(&["list"]), json!([name]));
    stage.worker.stop();
}
