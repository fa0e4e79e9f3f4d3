//! Levels of logs, changed while the worker runs, under the names that Connect's clients use.

use penstock_tests::{SOON, Worker, until};
use serde_json::{Value, json};

const REST: &str = "org.apache.kafka.connect.runtime.rest.RestServer";
const SINK_TASK: &str = "org.apache.kafka.connect.runtime.WorkerSinkTask";

fn level(worker: &Worker, logger: &str) -> Value {
    worker.rest.get(&format!("/admin/loggers/{logger}")).expect(200)["level"].clone()
}

/// Whether a request is logged that nobody else makes.
fn logs_requests(worker: &Worker, path: &str) -> bool {
    worker.rest.get(path).expect(404);
    // The line is written before the answer is sent.
    worker.log.text().contains(path)
}

#[test]
fn a_level_changes_what_is_logged_at_once() {
    let mut worker = Worker::standalone().start();
    assert!(!logs_requests(&worker, "/before"), "requests are logged at INFO");

    let changed = worker.rest.put(&format!("/admin/loggers/{REST}"), &json!({ "level": "debug" }));
    assert_eq!(changed.expect(200), json!([REST]));
    assert!(logs_requests(&worker, "/while-debug"), "DEBUG logs no requests");
    assert!(!worker.log.text().contains("DEBUG penstock_worker"), "another part became louder too");
    let logger = worker.rest.get(&format!("/admin/loggers/{REST}")).expect(200);
    assert_eq!(logger["level"], "DEBUG");
    assert!(logger["last_modified"].as_u64().is_some(), "{logger}");

    // The root is above all loggers, and all of them follow it.
    let changed = worker.rest.put("/admin/loggers/root", &json!({ "level": "WARN" })).expect(200);
    assert!(changed.as_array().unwrap().contains(&json!(SINK_TASK)), "{changed}");
    assert!(!logs_requests(&worker, "/after-warn"), "requests are logged at WARN");
    assert_eq!(level(&worker, SINK_TASK), "WARN");

    let namespace = "/admin/loggers/org.apache.kafka.connect";
    worker.rest.put(namespace, &json!({ "level": "TRACE" })).expect(200);
    assert!(logs_requests(&worker, "/while-trace"), "the namespace did not change the part");
    worker.stop();
}

#[test]
fn a_level_for_the_cluster_reaches_its_workers_and_ends_with_them() {
    let mut worker = Worker::distributed().start();
    let path = format!("/admin/loggers/{SINK_TASK}?scope=cluster");
    worker.rest.put(&path, &json!({ "level": "LOUD" })).expect(404);
    worker.rest.put(&path, &json!({ "level": "ERROR" })).expect(204);
    until("the worker to follow the cluster", SOON, || level(&worker, SINK_TASK) == "ERROR");
    assert_eq!(level(&worker, REST), "INFO");
    worker.stop();
    worker.start();
    assert_eq!(level(&worker, SINK_TASK), "INFO");
    worker.stop();
}
