//! Pause, resume, stop and delete, seen in the status and in what arrives in the topic.

use crate::datagen::{datagen, total};
use penstock_tests::poll::until_calm;
use penstock_tests::{Kafka, SOON, Worker, unique, until};
use serde_json::{Value, json};
use std::time::Duration;

const CALM: Duration = Duration::from_secs(2);

fn await_growth(kafka: &Kafka, topic: &str) {
    let before = total(kafka, topic);
    until("more records", SOON, || total(kafka, topic) > before);
}

fn await_standstill(kafka: &Kafka, topic: &str) {
    until_calm("no more records", CALM, SOON, || total(kafka, topic));
}

#[test]
fn pause_resume_stop_and_delete_do_what_they_say() {
    let (kafka, name) = (Kafka::shared(), unique("cycle"));
    kafka.create_topic(&name, 1);
    let mut worker = Worker::distributed().start();
    worker.create(&name, &datagen(&name, &[("rate", "200")]));
    await_growth(&kafka, &name);

    worker.rest.put(&format!("/connectors/{name}/pause"), &Value::Null).expect(202);
    worker.await_status(&name, "to pause", |status| {
        status["connector"]["state"] == "PAUSED" && status["tasks"][0]["state"] == "PAUSED"
    });
    await_standstill(&kafka, &name);

    worker.rest.put(&format!("/connectors/{name}/resume"), &Value::Null).expect(202);
    worker.await_running(&name, 1);
    await_growth(&kafka, &name);

    worker.rest.put(&format!("/connectors/{name}/stop"), &Value::Null).expect(204);
    worker.await_status(&name, "to stop", |status| {
        status["connector"]["state"] == "STOPPED" && status["tasks"] == json!([])
    });
    await_standstill(&kafka, &name);

    // What an operator decided outlives the worker.
    worker.stop();
    worker.start();
    worker.await_status(&name, "to be stopped still", |status| status["connector"]["state"] == "STOPPED");
    worker.rest.put(&format!("/connectors/{name}/resume"), &Value::Null).expect(202);
    worker.await_running(&name, 1);
    await_growth(&kafka, &name);

    worker.rest.delete(&format!("/connectors/{name}")).expect(204);
    until("the connector to be gone", SOON, || worker.rest.get(&format!("/connectors/{name}")).status == 404);
    await_standstill(&kafka, &name);
    assert_eq!(worker.rest.get("/connectors").expect(200), json!([]));
    worker.stop();
    worker.start();
    assert_eq!(worker.rest.get("/connectors").expect(200), json!([]), "a deleted connector stays deleted");
    worker.stop();
}

#[test]
fn a_config_reads_back_exactly_as_it_was_written() {
    let (kafka, name) = (Kafka::shared(), unique("config"));
    kafka.create_topic(&name, 1);
    let mut worker = Worker::distributed().allow("client.note").start();
    let mut config = datagen(&name, &[("rate", "1"), ("client.note", "größer \"quoted\" ${env:HOME}")]);
    worker.create(&name, &config);
    config["name"] = json!(name);
    assert_eq!(worker.rest.get(&format!("/connectors/{name}/config")).expect(200), config);
    config["rate"] = json!("2");
    worker.rest.put(&format!("/connectors/{name}/config"), &config).expect(200);
    assert_eq!(worker.rest.get(&format!("/connectors/{name}/config")).expect(200), config);
    worker.await_running(&name, 1);
    let again = json!({ "name": name, "config": config });
    let refused = worker.rest.post("/connectors", &again).expect(409);
    assert_eq!(refused["error_code"], 409);
    worker.stop();
}
