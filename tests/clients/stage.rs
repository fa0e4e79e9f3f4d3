//! What every client finds: a worker, a file with two lines, and the config of a connector that would read it.

use penstock_tests::command::{self, Output};
use penstock_tests::{Builder, Kafka, Worker, services, unique};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub const FILE_SOURCE: &str = "org.apache.kafka.connect.file.FileStreamSourceConnector";

pub struct Stage {
    pub worker: Worker,
    /// Of the connector, which nobody has created yet, and of its topic.
    pub name: String,
}

impl Stage {
    pub fn set() -> Self {
        Self::with(worker_with_faulty())
    }

    pub fn with(worker: Builder) -> Self {
        let stage = Self { worker: worker.start(), name: unique("lines") };
        Kafka::shared().create_topic(&stage.name, 1);
        std::fs::write(stage.file(), "one\ntwo\n").unwrap();
        stage
    }

    pub fn file(&self) -> PathBuf {
        self.worker.path("lines.txt")
    }

    pub fn config(&self) -> Value {
        json!({
            "connector.class": FILE_SOURCE,
            "tasks.max": "1",
            "file": self.file().to_string_lossy(),
            "topic": self.name,
        })
    }

    /// Creates a connector whose task fails in a way that no restart heals, and waits until it has.
    pub fn create_failing(&self) -> String {
        let name = unique("failing");
        let config = json!({ "connector.class": "FaultySource", "topic": self.name, "fault": "config", "fault.in": "open" });
        self.worker.submit(&name, &config);
        self.worker.await_status(&name, "to fail", |status| status["tasks"][0]["state"] == "FAILED");
        name
    }

    /// Runs a client to its end, in the worker's own folder.
    #[track_caller]
    pub fn run(&self, client: &mut Command) -> Output {
        command::output(client.stdin(Stdio::null()).current_dir(self.worker.path("")), &self.worker.path(""))
    }
}

/// A worker that also finds the plugin that fails on demand, and says in its log that a task failed.
pub fn worker_with_faulty() -> Builder {
    let folders = format!("{},{}", services::plugins().display(), services::faulty().display());
    Worker::distributed().set("plugin.path", &folders).allow("asked for an error of kind config")
}

/// The folder of installed clients: `python`, `cli` or `java`.
pub fn installed(kind: &str) -> PathBuf {
    let output = Command::new(folder().join("install")).arg(kind).stdin(Stdio::null()).output();
    let output = output.expect("tests/clients/install starts");
    let reason = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the {kind} clients cannot be installed: {reason}");
    PathBuf::from(String::from_utf8(output.stdout).expect("a path in UTF-8").trim())
}

/// Where these tests keep their programs and settings.
pub fn folder() -> PathBuf {
    services::checkout().join("tests/clients")
}

/// A program of Python's clients.
pub fn python(program: &str) -> Command {
    in_environment(&installed("python"), program)
}

pub fn in_environment(environment: &Path, program: &str) -> Command {
    let mut command = Command::new(environment.join("bin").join(program));
    // Warnings of other people's code on newer Pythons are not what is looked at.
    command.env("PYTHONWARNINGS", "ignore").env("PYTHONDONTWRITEBYTECODE", "1");
    command
}
