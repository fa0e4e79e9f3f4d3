//! Offsets of connectors, shown, altered and reset over REST: a source's in the offset topic, a sink's in its group.

use penstock_tests::{Kafka, SOON, Worker, unique, until};
use serde_json::{Value, json};
use std::path::Path;

const STRING: &str = "org.apache.kafka.connect.storage.StringConverter";

fn source(file: &Path, topic: &str) -> Value {
    json!({
        "connector.class": "FileStreamSource",
        "tasks.max": "1",
        "file": file.to_string_lossy(),
        "topic": topic,
        "value.converter": STRING,
    })
}

fn sink(file: &Path, topic: &str) -> Value {
    json!({
        "connector.class": "FileStreamSink",
        "tasks.max": "1",
        "file": file.to_string_lossy(),
        "topics": topic,
        "value.converter": STRING,
    })
}

/// A connector by its name in paths.
struct Subject<'a> {
    worker: &'a Worker,
    path: &'a str,
}

impl Subject<'_> {
    fn offsets(&self) -> Value {
        self.worker.rest.get(&format!("/connectors/{}/offsets", self.path)).expect(200)["offsets"].clone()
    }

    fn alter(&self, offsets: &Value) -> (u16, String) {
        let path = format!("/connectors/{}/offsets", self.path);
        let body = json!({ "offsets": offsets });
        let answer = self.worker.rest.send("PATCH", &path, Some(&body)).unwrap();
        (answer.status, answer.body["message"].as_str().unwrap_or_default().to_owned())
    }

    fn reset(&self) -> (u16, String) {
        let answer = self.worker.rest.delete(&format!("/connectors/{}/offsets", self.path));
        (answer.status, answer.body["message"].as_str().unwrap_or_default().to_owned())
    }

    fn stop(&self) {
        self.worker.rest.put(&format!("/connectors/{}/stop", self.path), &Value::Null).expect(204);
        self.worker.await_status(self.path, "to be stopped", |status| {
            status["connector"]["state"] == "STOPPED" && status["tasks"] == json!([])
        });
    }

    fn resume(&self) {
        self.worker.rest.put(&format!("/connectors/{}/resume", self.path), &Value::Null).expect(202);
        self.worker.await_running(self.path, 1);
    }
}

const ALTERED: &str = "The offsets for this connector have been altered successfully";
const RESET: &str = "The offsets for this connector have been reset successfully";

fn values(topic: &str) -> Vec<String> {
    Kafka::shared().read(topic).iter().map(|record| record.text().to_owned()).collect()
}

fn await_values(topic: &str, expected: &[&str]) {
    until(&format!("{} records in {topic}", expected.len()), SOON, || values(topic).len() >= expected.len());
    assert_eq!(values(topic), expected);
}

fn source_goes_on_where_it_is_told(mut worker: Worker) {
    let (name, topic) = (unique("reader"), unique("lines"));
    Kafka::shared().create_topic(&topic, 1);
    let file = worker.path("in.txt");
    std::fs::write(&file, "a\nb\nc\n").unwrap();
    worker.create(&name, &source(&file, &topic));
    await_values(&topic, &["a", "b", "c"]);

    let subject = Subject { worker: &worker, path: &name };
    let partition = json!({ "filename": file.to_string_lossy() });
    let at = |position: Value| json!([{ "partition": partition, "offset": { "position": position } }]);
    until("the source's offset", SOON, || subject.offsets() == at(json!(6)));
    let (status, why) = subject.alter(&at(json!(2)));
    assert_eq!(status, 400);
    assert!(why.starts_with("Connectors must be in the STOPPED state"), "{why}");
    assert_eq!(subject.reset().0, 400);

    subject.stop();
    assert_eq!(subject.offsets(), at(json!(6)));
    assert_eq!(subject.alter(&at(json!("2"))).0, 400);
    assert_eq!(subject.alter(&at(json!(-1))).0, 400);
    let (status, why) = subject.alter(&json!([{ "partition": { "x": 1 }, "offset": { "position": 2 } }]));
    assert_eq!((status, why.as_str()), (400, "Partition objects should contain the key 'filename'"));
    assert_eq!(subject.offsets(), at(json!(6)));
    assert_eq!(subject.alter(&at(json!(2))), (200, ALTERED.to_owned()));
    assert_eq!(subject.offsets(), at(json!(2)));

    subject.resume();
    await_values(&topic, &["a", "b", "c", "b", "c"]);
    until("the source's offset", SOON, || subject.offsets() == at(json!(6)));

    subject.stop();
    assert_eq!(subject.reset(), (200, RESET.to_owned()));
    assert_eq!(subject.offsets(), json!([]));
    subject.resume();
    await_values(&topic, &["a", "b", "c", "b", "c", "a", "b", "c"]);
    worker.stop();
}

#[test]
fn a_stopped_source_goes_on_where_it_is_told() {
    source_goes_on_where_it_is_told(Worker::distributed().start());
}

#[test]
fn a_stopped_source_of_a_standalone_worker_goes_on_where_it_is_told() {
    source_goes_on_where_it_is_told(Worker::standalone().start());
}

#[test]
fn a_stopped_sink_delivers_again_from_where_it_is_told() {
    let mut worker = Worker::distributed().start();
    let topic = unique("lines");
    Kafka::shared().create_topic(&topic, 2);
    // Java's worker takes such a name and can then neither read nor stop nor delete the connector.
    let name = format!("{}/%\\", unique("writer"));
    let path = name.replace('%', "%25").replace('/', "%2F").replace('\\', "%5C");
    let group = unique("readers");
    let file = worker.path("out.txt");
    let mut config = sink(&file, &topic);
    config["consumer.override.group.id"] = json!(group);
    worker.submit(&name, &config);
    worker.await_running(&path, 1);
    let mut left = 4;
    Kafka::shared().produce(&topic, |_, value| {
        left -= 1;
        value.push_str(["d", "c", "b", "a"].get(left as usize)?);
        (left >= 0).then_some(0)
    });
    let written = || std::fs::read_to_string(&file).unwrap_or_default();
    until("four lines", SOON, || written() == "a\nb\nc\nd\n");

    let subject = Subject { worker: &worker, path: &path };
    let place = |partition: Value| json!({ "kafka_topic": topic, "kafka_partition": partition });
    let at = |offset: i64| json!([{ "partition": place(json!(0)), "offset": { "kafka_offset": offset } }]);
    let first = || {
        subject
            .offsets()
            .as_array()
            .and_then(|all| all.iter().find(|one| one["partition"] == place(json!(0))).cloned())
    };
    until("the sink's offset", SOON, || first().is_some_and(|one| one["offset"]["kafka_offset"] == 4));
    assert_eq!(subject.alter(&at(1)).0, 400);

    subject.stop();
    let (status, why) =
        subject.alter(&json!([{ "partition": place(json!(7)), "offset": { "kafka_offset": 0 } }]));
    assert_eq!((status, why), (400, format!("{topic}: there is no Kafka partition 7")));
    let elsewhere = json!([{
        "partition": { "kafka_topic": "nowhere", "kafka_partition": 0 }, "offset": { "kafka_offset": 0 },
    }]);
    assert_eq!(subject.alter(&elsewhere), (400, "nowhere: there is no such Kafka topic".to_owned()));
    assert_eq!(subject.alter(&at(2)), (200, ALTERED.to_owned()));
    assert_eq!(first().unwrap()["offset"]["kafka_offset"], 2);
    assert_eq!(Kafka::shared().committed(&group, &topic)[0], 2);

    subject.resume();
    until("two lines again", SOON, || written() == "a\nb\nc\nd\nc\nd\n");
    subject.stop();
    assert_eq!(subject.reset(), (200, RESET.to_owned()));
    assert_eq!(subject.offsets(), json!([]));
    subject.resume();
    until("all lines again", SOON, || written() == "a\nb\nc\nd\nc\nd\na\nb\nc\nd\n");
    worker.rest.delete(&format!("/connectors/{path}")).expect(204);
    until("the connector to be gone", SOON, || {
        worker.rest.get(&format!("/connectors/{path}/status")).status == 404
    });
    worker.stop();
}

#[test]
fn a_deleted_connector_leaves_nothing_but_its_offsets() {
    let group = unique("cluster");
    let topic_of = |kind: &str| format!("{group}-{kind}");
    let mut worker = Worker::distributed()
        .set("config.storage.topic", &topic_of("configs"))
        .set("offset.storage.topic", &topic_of("offsets"))
        .set("status.storage.topic", &topic_of("statuses"))
        .start();
    let (name, topic) = (unique("reader"), unique("lines"));
    Kafka::shared().create_topic(&topic, 1);
    let file = worker.path("in.txt");
    std::fs::write(&file, "a\n").unwrap();
    worker.create(&name, &source(&file, &topic));
    await_values(&topic, &["a"]);
    let subject = Subject { worker: &worker, path: &name };
    until("the source's offset", SOON, || subject.offsets() != json!([]));
    worker.rest.delete(&format!("/connectors/{name}")).expect(204);

    let left = |kind: &str| {
        let mut newest = std::collections::BTreeMap::new();
        for record in Kafka::shared().read(&topic_of(kind)) {
            let key = String::from_utf8(record.key.clone().unwrap()).unwrap();
            newest.insert(key, record.value.is_some());
        }
        newest.retain(|key, is_there| *is_there && key.contains(&name));
        newest.into_keys().collect::<Vec<_>>()
    };
    until("nothing of it in the config topic", SOON, || left("configs").is_empty());
    until("nothing of it in the status topic", SOON, || left("statuses").is_empty());
    assert_eq!(left("offsets").len(), 1);
    worker.rest.get(&format!("/connectors/{name}/topics")).expect(404);
    worker.stop();
}
