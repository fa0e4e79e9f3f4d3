//! The worker's OpenAPI document: valid by OpenAPI's own schema, and kept by the worker whatever it is asked.

use crate::stage::{Stage, folder, python};
use penstock_tests::command::{self, Output};
use penstock_tests::{Worker, unique};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

/// Cases of each operation in each phase; the whole run has to end within the limit.
const EXAMPLES: &str = "40";
const LIMIT: Duration = Duration::from_secs(300);

impl Stage {
    /// Keeps the worker's document, changed, in a file.
    fn document(&self, change: impl FnOnce(&mut Value)) -> PathBuf {
        let mut document = self.worker.rest.get("/openapi.json").expect(200);
        change(&mut document);
        let path = self.worker.path(&unique("openapi"));
        std::fs::write(&path, document.to_string()).unwrap();
        path
    }

    fn is_valid(&self, document: &Path) -> (bool, Output) {
        let output = self.run(python("openapi-spec-validator").args(["--schema", "3.1"]).arg(document));
        (output.status.success(), output)
    }

    /// Asks the worker what a document says it answers.
    fn is_kept(&self, document: &Path, arguments: &[&str]) -> (bool, Output) {
        let mut client = python("schemathesis");
        client.arg("--config-file").arg(folder().join("schemathesis.toml")).arg("run").arg(document);
        client.args(["--url", &self.worker.url, "--request-timeout", "35", "--continue-on-failure"]);
        client.args(arguments).stdin(Stdio::null()).current_dir(self.worker.path(""));
        let output = command::output_within(&mut client, &self.worker.path(""), LIMIT);
        (output.status.success(), output)
    }
}

#[test]
fn the_document_is_valid_openapi() {
    let mut stage = Stage::set();
    let (is_valid, output) = stage.is_valid(&stage.document(|_| ()));
    assert!(is_valid, "{}\n{}", output.stdout, output.stderr);
    let broken =
        stage.document(|document| document["paths"]["/connectors"]["get"]["responses"] = Value::Null);
    let (is_valid, output) = stage.is_valid(&broken);
    assert!(!is_valid, "a broken document is found: {output:?}");
    stage.worker.stop();
}

#[test]
fn the_worker_answers_everything_as_the_document_says() {
    let seed = std::env::var("PENSTOCK_SEED").unwrap_or_else(|_| "4".to_owned());
    println!("schemathesis: seed {seed}; another one with PENSTOCK_SEED");
    // What is made up is refused, ignored or fails, and the log says so as it should.
    let mut stage = Stage::with(Worker::distributed().allow(""));
    let generator = json!({ "connector.class": "Datagen", "topic": stage.name, "rate": "1" });
    stage.worker.create("lines", &stage.config());
    stage.worker.create("numbers", &generator);
    let stopped = json!({ "name": "stopped", "config": generator, "initial_state": "STOPPED" });
    stage.worker.rest.post("/connectors", &stopped).expect(201);

    // First, that a worker which answers otherwise than its document says would be found.
    let status = ["--include-operation-id", "getConnectorStatus", "--max-examples", "10", "--seed", &seed];
    let wrong = stage.document(|document| {
        let schema = &mut document["components"]["schemas"]["ConnectorState"];
        schema["properties"]["worker_id"] = json!({ "type": "integer" });
    });
    let (is_kept, output) = stage.is_kept(&wrong, &status);
    assert!(!is_kept && output.stdout.contains("violates schema"), "{}\n{}", output.stdout, output.stderr);

    let document = stage.document(|_| ());
    let (is_kept, output) = stage.is_kept(&document, &["--max-examples", EXAMPLES, "--seed", &seed]);
    assert!(is_kept, "{}\n{}", output.stdout, output.stderr);
    let summary = output.stdout.split("= SUMMARY =").last().unwrap_or_default();
    println!("{}", summary.trim_matches(['=', '\n', ' ']));

    assert!(!stage.worker.log.text().contains("panicked at"), "{}", stage.worker.log.tail());
    stage.worker.rest.get("/health").expect(200);
    stage.worker.stop();
}
