//! A file through Kafka into a file, by the class names of Apache Kafka's own file connectors.

use penstock_tests::files::{append, await_text};
use penstock_tests::{Kafka, Worker, unique};
use serde_json::{Value, json};
use std::path::Path;

const STRING: &str = "org.apache.kafka.connect.storage.StringConverter";

fn source(file: &Path, topic: &str) -> Value {
    json!({
        "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
        "tasks.max": "1",
        "file": file.to_string_lossy(),
        "topic": topic,
        "value.converter": STRING,
    })
}

pub fn sink(file: &Path, topic: &str) -> Value {
    json!({
        "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
        "tasks.max": "1",
        "file": file.to_string_lossy(),
        "topics": topic,
        "value.converter": STRING,
    })
}

fn copies_lines(mut worker: Worker) {
    let topic = unique("lines");
    Kafka::shared().create_topic(&topic, 1);
    let (from, to) = (worker.path("in.txt"), worker.path("out.txt"));
    let (reader, writer) = (unique("reader"), unique("writer"));
    let lines: Vec<String> = (0..5_000).map(|n| format!("line {n}: größer, \"quoted\"\n")).collect();
    let mut expected = lines.concat();
    append(&from, &expected);
    worker.create(&reader, &source(&from, &topic));
    worker.create(&writer, &sink(&to, &topic));
    await_text(&to, &expected);

    // A line is a line when its end has been written.
    append(&from, "first half, ");
    expected += "first half, second half\n";
    append(&from, "second half\nnot yet");
    await_text(&to, &expected);

    // After a restart both go on where they stood: nothing again, nothing missing.
    worker.stop();
    append(&from, " but now\n");
    expected += "not yet but now\n";
    worker.start();
    worker.await_running(&reader, 1);
    worker.await_running(&writer, 1);
    await_text(&to, &expected);
    append(&from, "last\n");
    expected += "last\n";
    await_text(&to, &expected);
    worker.stop();
}

#[test]
fn lines_travel_from_file_to_file_and_resume_after_a_restart() {
    copies_lines(Worker::distributed().start());
}

#[test]
fn a_standalone_worker_does_the_same() {
    copies_lines(Worker::standalone().start());
}

#[test]
fn the_short_names_of_java_are_known() {
    let mut worker = Worker::distributed().start();
    let topic = unique("alias");
    Kafka::shared().create_topic(&topic, 1);
    let (from, to) = (worker.path("in.txt"), worker.path("out.txt"));
    append(&from, "one\ntwo\n");
    let renamed = |mut config: Value, class: &str| {
        config["connector.class"] = json!(class);
        config
    };
    worker.create(&unique("reader"), &renamed(source(&from, &topic), "FileStreamSource"));
    worker.create(&unique("writer"), &renamed(sink(&to, &topic), "FileStreamSinkConnector"));
    await_text(&to, "one\ntwo\n");
    worker.stop();
}
