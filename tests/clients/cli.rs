//! kafka-connect-cli's command `kafka_connect`: it knows no states but those of old, and ends with 1 when it fails.

use crate::stage::{FILE_SOURCE, Stage, in_environment, installed};
use penstock_tests::command::Output;
use penstock_tests::{SOON, until};
use serde_json::{Value, json};

impl Stage {
    #[track_caller]
    fn cli(&self, command: &[&str], options: &[&str]) -> Output {
        let mut client = in_environment(&installed("cli"), "kafka_connect");
        self.run(client.args(command).args(["--url", &self.worker.url]).args(options))
    }

    /// What a command prints, which has to end well.
    #[track_caller]
    fn cli_json(&self, command: &[&str], options: &[&str]) -> Value {
        let output = self.cli(command, options);
        assert!(output.status.success(), "{command:?} {options:?}: {output:?}");
        let text = output.stdout.trim();
        let parsed = if text.is_empty() { Ok(Value::Null) } else { serde_json::from_str(text) };
        parsed.unwrap_or_else(|error| panic!("{command:?} {options:?}: {error}: {output:?}"))
    }

    /// What a command prints that fails.
    #[track_caller]
    fn cli_error(&self, command: &[&str], options: &[&str]) -> String {
        let output = self.cli(command, options);
        assert_eq!(output.status.code(), Some(1), "{command:?} {options:?}: {output:?}");
        output.stdout.trim().to_owned()
    }

    fn cli_create(&self) -> Value {
        let config = self.config().to_string();
        let created =
            self.cli_json(&["connector", "create"], &["--name", &self.name, "--configuration", &config]);
        self.worker.await_running(&self.name, 1);
        created
    }
}

#[test]
fn the_cli_takes_a_connector_through_its_life() {
    let mut stage = Stage::set();
    let name = &stage.name.clone();
    let named = ["--name", name.as_str()];
    assert_eq!(stage.cli_create()["name"], json!(name));
    let running = json!({ "connector": name, "state": "RUNNING", "failedTasks": [] });
    assert_eq!(stage.cli_json(&["connector", "list"], &[]), json!([running]));
    assert_eq!(stage.cli_json(&["connector", "get"], &named), running);
    let mut config = stage.config();
    config["name"] = json!(name);
    assert_eq!(stage.cli_json(&["connector", "configuration"], &named), config);

    for (pause, resume) in [("pause", "resume"), ("pause-all", "resume-all")] {
        stage.cli_json(&["connector", pause], &named);
        stage.worker.await_status(name, "to pause", |status| status["tasks"][0]["state"] == "PAUSED");
        assert_eq!(stage.cli_json(&["connector", "get"], &named)["state"], "PAUSED");
        stage.cli_json(&["connector", resume], &named);
        stage.worker.await_running(name, 1);
    }
    config["batch.size"] = json!("17");
    let options = ["--name", name, "--configuration", &config.to_string()];
    assert_eq!(stage.cli_json(&["connector", "update"], &options)["config"], config);
    stage.worker.await_running(name, 1);
    stage.cli_json(&["connector", "restart"], &named);
    stage.worker.await_running(name, 1);
    stage.cli_json(&["task", "restart"], &["--connector", name, "--task", "0"]);
    stage.worker.await_running(name, 1);
    let tasks = stage.cli_json(&["task", "list"], &["--connector", name]);
    assert_eq!(tasks, json!([{ "taskId": 0, "state": "RUNNING", "trace": "" }]));

    stage.cli_json(&["connector", "delete"], &named);
    until("the connector to be gone", SOON, || stage.cli_json(&["connector", "list"], &[]) == json!([]));
    stage.cli_create();
    stage.cli_json(&["connector", "delete-all"], &["--name", "lines.*"]);
    until("all connectors to be gone", SOON, || stage.cli_json(&["connector", "list"], &[]) == json!([]));
    stage.worker.stop();
}

#[test]
fn the_cli_passes_on_what_was_refused() {
    let mut stage = Stage::set();
    let name = &stage.name.clone();
    stage.cli_create();
    let config = stage.config().to_string();
    let create = |name: &str, config: &str, more: &str| {
        let options = ["--name", name, "--configuration", config, more];
        let options = if more.is_empty() { &options[..4] } else { &options };
        stage.cli(&["connector", "create"], options)
    };
    // It asks first, and creates only what is answered with 404.
    assert_eq!(create(name, &config, "").stdout.trim(), format!("Error: Connector {name} already exists"));
    assert_eq!(create(name, &config, "--if-not-exists").stdout.trim(), "null");
    let wrong = create("wrong", &json!({ "connector.class": FILE_SOURCE }).to_string(), "");
    let is_refusal = wrong.stdout.contains("response status: 400") && wrong.stdout.contains("topic");
    assert!(is_refusal, "{wrong:?}");

    let nobody = stage.cli_error(&["connector", "get"], &["--name", "nobody"]);
    assert!(nobody.contains("response status: 404"), "{nobody}");
    assert!(nobody.contains("No status found for connector nobody"), "{nobody}");
    for command in ["configuration", "pause", "resume", "restart", "delete"] {
        let nobody = stage.cli_error(&["connector", command], &["--name", "nobody"]);
        assert!(nobody.contains("response status: 404"), "{command}: {nobody}");
    }
    let task = stage.cli_error(&["task", "restart"], &["--connector", name, "--task", "7"]);
    assert!(
        task.contains("response status: 404") && task.contains(&format!("Unknown task: {name}-7")),
        "{task}"
    );
    stage.worker.stop();
}

#[test]
fn the_cli_s_health_check_ends_with_1_when_a_task_failed_and_with_2_without_a_worker() {
    let mut stage = Stage::set();
    stage.cli_create();
    let check = |stage: &Stage| {
        let output = stage.cli(&["health-check"], &["--verbose"]);
        (output.status.code(), output.stdout)
    };
    let (code, text) = check(&stage);
    assert_eq!((code, text.trim()), (Some(0), &*format!("Connector {} in state RUNNING", stage.name)));
    let failing = stage.create_failing();
    let (code, text) = check(&stage);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains(&format!("Task 0 of connector {failing} in state FAILED")), "{text}");
    let failed = json!({ "connector": failing, "state": "FAILED", "failedTasks": [0] });
    assert_eq!(stage.cli_json(&["connector", "get"], &["--name", &failing]), failed);
    let tasks = stage.cli_json(&["task", "list"], &["--connector", &failing]);
    assert!(
        tasks[0]["trace"].as_str().is_some_and(|trace| trace.contains("asked for an error of kind config")),
        "{tasks}"
    );
    stage.worker.stop();
    assert_eq!(check(&stage).0, Some(2), "there is no worker to ask");
}
