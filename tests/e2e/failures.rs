//! A failed task says why, hurts nobody else, and runs again when it is restarted.

use crate::datagen::{datagen, total};
use crate::file_stream;
use penstock_tests::{Builder, Kafka, SOON, Worker, services, unique, until};
use serde_json::{Value, json};

#[test]
fn a_failed_task_shows_its_trace_and_can_be_restarted() {
    let kafka = Kafka::shared();
    let (topic, name, other) = (unique("failing"), unique("failing"), unique("other"));
    kafka.create_topic(&topic, 1);
    kafka.create_topic(&other, 1);
    kafka.produce_values(&topic, ["one", "two"]);
    let builder = Worker::distributed().allow("missing");
    // It stays failed until somebody restarts it.
    let mut worker = builder.set("penstock.task.restart.backoff.ms", "300000").start();
    worker.create(&other, &datagen(&other, &[("rate", "100")]));
    let folder = worker.path("missing");
    worker.submit(&name, &file_stream::sink(&folder.join("out.txt"), &topic));
    let status = worker.await_status(&name, "to fail", |status| status["tasks"][0]["state"] == "FAILED");
    let trace = status["tasks"][0]["trace"].as_str().unwrap_or_default();
    assert!(trace.contains("missing") && trace.contains("out.txt"), "the trace names the file: {trace:?}");
    let task = worker.rest.get(&format!("/connectors/{name}/tasks/0/status")).expect(200);
    assert_eq!((&task["id"], &task["state"]), (&json!(0), &json!("FAILED")));

    let before = total(&kafka, &other);
    until("the other connector to go on", SOON, || total(&kafka, &other) > before);

    std::fs::create_dir(&folder).unwrap();
    worker.rest.post(&format!("/connectors/{name}/tasks/0/restart"), &Value::Null).expect(204);
    worker.await_running(&name, 1);
    until("both lines to arrive", SOON, || {
        std::fs::read_to_string(folder.join("out.txt")).is_ok_and(|text| text == "one\ntwo\n")
    });
    worker.stop();
}

/// A worker that also finds the plugin that fails on demand.
fn worker_with_faulty() -> Builder {
    let folders = format!("{},{}", services::plugins().display(), services::faulty().display());
    Worker::distributed().set("plugin.path", &folders)
}

#[test]
fn a_panic_in_a_plugin_fails_its_task_alone() {
    let kafka = Kafka::shared();
    let (topic, name, other) = (unique("panic"), unique("panic"), unique("other"));
    kafka.create_topic(&topic, 1);
    kafka.create_topic(&other, 1);
    kafka.produce_values(&topic, ["one"]);
    let mut worker = worker_with_faulty().allow("task failed").start();
    worker.create(&other, &datagen(&other, &[("rate", "100")]));
    let out = worker.path("out.txt");
    worker.submit(&name, &faulty(&topic, &out.to_string_lossy(), "panic"));
    let status = worker.await_status(&name, "to fail", |status| status["tasks"][0]["state"] == "FAILED");
    let trace = status["tasks"][0]["trace"].as_str().unwrap_or_default();
    assert!(trace.starts_with("penstock.PanicException: "), "{trace:?}");
    let before = total(&kafka, &other);
    until("the other connector to go on", SOON, || total(&kafka, &other) > before);
    worker.stop();
}

#[test]
fn a_call_that_hangs_is_named_and_holds_up_nobody() {
    let kafka = Kafka::shared();
    let (topic, name, other) = (unique("hang"), unique("hang"), unique("other"));
    kafka.create_topic(&topic, 1);
    kafka.create_topic(&other, 1);
    kafka.produce_values(&topic, ["one"]);
    let worker = worker_with_faulty().set("penstock.call.timeout.ms", "3000");
    let worker = worker.set("task.shutdown.graceful.timeout.ms", "500");
    let mut worker = worker.allow("hangs").allow("abandoned").allow("still running").start();
    let out = worker.path("out.txt");
    worker.submit(&name, &faulty(&topic, &out.to_string_lossy(), "hang"));
    let hung = |status: &Value| {
        let trace = status["tasks"][0]["trace"].as_str().unwrap_or_default().to_owned();
        trace.starts_with("penstock.HungCallException: the plugin's write")
    };
    worker.await_status(&name, "to be named as hung", hung);
    worker.create(&other, &datagen(&other, &[("rate", "100")]));
    until("the other connector to write", SOON, || total(&kafka, &other) > 0);
    worker.rest.delete(&format!("/connectors/{name}")).expect(204);
    until("the connector to be gone", SOON, || {
        worker.rest.get(&format!("/connectors/{name}/status")).status == 404
    });
    worker.stop();
}

fn faulty(topic: &str, file: &str, fault: &str) -> Value {
    json!({
        "connector.class": "FaultySink", "topics": topic, "file": file, "fault": fault, "fault.in": "call",
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
    })
}

#[test]
fn a_config_that_cannot_work_is_refused_with_every_reason() {
    let mut worker = Worker::distributed().start();
    let config = json!({ "connector.class": "FileStreamSource", "tasks.max": "0", "batch.size": "many" });
    let answer =
        worker.rest.post("/connectors", &json!({ "name": unique("wrong"), "config": config })).expect(400);
    assert_eq!(answer["error_code"], 400);
    let message = answer["message"].as_str().unwrap_or_default();
    for key in ["tasks.max", "batch.size", "topic"] {
        assert!(message.contains(key), "{key} is missing in {message:?}");
    }
    let unknown = json!({ "name": unique("wrong"), "config": { "connector.class": "no.such.Connector" } });
    let answer = worker.rest.post("/connectors", &unknown);
    assert!([400, 500].contains(&answer.status), "{answer:?}");
    assert!(
        answer.body["message"].as_str().is_some_and(|text| text.contains("no.such.Connector")),
        "{answer:?}"
    );
    assert_eq!(worker.rest.get("/connectors").expect(200), json!([]));
    worker.stop();
}
