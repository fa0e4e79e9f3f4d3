//! A failed task says why, hurts nobody else, and runs again when it is restarted.

use crate::datagen::{datagen, total};
use crate::file_stream;
use penstock_tests::{Kafka, SOON, Worker, unique, until};
use serde_json::{Value, json};

#[test]
fn a_failed_task_shows_its_trace_and_can_be_restarted() {
    let kafka = Kafka::shared();
    let (topic, name, other) = (unique("failing"), unique("failing"), unique("other"));
    kafka.create_topic(&topic, 1);
    kafka.create_topic(&other, 1);
    kafka.produce_values(&topic, ["one", "two"]);
    let mut worker = Worker::distributed().allow("missing").start();
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
