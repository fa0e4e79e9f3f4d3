//! Exactly-once delivery of sources: records and offsets are one transaction, whatever breaks.
//!
//! More kills by `PENSTOCK_EXACTLY_KILLS`.

use crate::datagen::{datagen, total};
use penstock_tests::files::append;
use penstock_tests::{
    Builder, Cut, JavaWorker, Kafka, Proxy, SOON, Worker, services, unique, until, until_some,
};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(180);

/// A worker whose sources deliver exactly once, and whose log may tell of what these tests do to it.
pub fn worker() -> Builder {
    let allowed = [
        "127.0.0.1",
        "out of the cluster",
        "Consumer group session timed out",
        "leads no more",
        "the worker leaves",
        "leading has to be taken anew",
        "this worker shall lead and cannot yet",
        "a worker that is out took the task's place",
        "the task did not end well",
        "it is not known what became of a transaction",
        "has been fenced",
        "fenced by a newer instance",
        "Failed to flush outstanding messages while dropping the producer",
    ];
    let builder = Worker::distributed().set("exactly.once.source.support", "enabled");
    allowed.iter().fold(builder, |builder, text| builder.allow(text))
}

/// Numbers from 0, in small polls.
fn numbers(topic: &str, more: &[(&str, &str)]) -> Value {
    let mut config = datagen(topic, &[("fields", "id:sequence"), ("batch.records.max", "20")]);
    for (key, value) in more {
        config[*key] = json!(value);
    }
    config
}

fn committed(kafka: &Kafka, topic: &str) -> Vec<u64> {
    let id = |text: &str| serde_json::from_str::<Value>(text).expect("JSON")["id"].as_u64().expect("an id");
    kafka.read(topic).iter().map(|record| id(record.text())).collect()
}

/// Every number below `count` is there once, and those of each task in order.
#[track_caller]
fn assert_exactly(kafka: &Kafka, topic: &str, count: u64, tasks: u64) {
    let read = committed(kafka, topic);
    for task in 0..tasks {
        let own: Vec<u64> = read.iter().copied().filter(|id| id % tasks == task).collect();
        let expected: Vec<u64> = (task..count).step_by(tasks as usize).collect();
        let differs = own.iter().zip(&expected).position(|(one, other)| one != other);
        assert!(
            own == expected,
            "{topic}, task {task}: {} of {} records, other than expected from {differs:?} on",
            own.len(),
            expected.len()
        );
    }
}

fn offsets(worker: &Worker, name: &str) -> BTreeMap<i64, i64> {
    let answer = worker.rest.get(&format!("/connectors/{name}/offsets")).expect(200);
    let list = answer["offsets"].as_array().expect("offsets").clone();
    let of =
        |entry: Value| Some((entry["partition"]["task"].as_i64()?, entry["offset"]["sequence"].as_i64()?));
    list.into_iter().filter_map(of).collect()
}

/// Waits until every task has stored that it is done.
fn await_done(worker: &Worker, name: &str, count: u64, tasks: i64) {
    until(&format!("{name} to be done"), LONG, || {
        let offsets = offsets(worker, name);
        (0..tasks).all(|task| offsets.get(&task).is_some_and(|at| *at >= count as i64))
    });
}

fn kills() -> u64 {
    std::env::var("PENSTOCK_EXACTLY_KILLS").map_or(5, |text| text.parse().expect("a number of kills"))
}

fn killed_at_random(name: &str, boundary: &[(&str, &str)]) {
    let (kafka, name) = (Kafka::shared(), unique(name));
    kafka.create_topic(&name, 1);
    let mut worker = worker().start();
    // As many as keep both tasks busy until the last kill.
    let count = 6_000 * kills();
    let total_each = count.to_string();
    let mut config = numbers(&name, &[("tasks.max", "2"), ("rate", "1500"), ("total", &total_each)]);
    for (key, value) in boundary {
        config[*key] = json!(value);
    }
    worker.submit(&name, &config);
    let mut random = fastrand::Rng::with_seed(5);
    for kill in 1..=kills() {
        let before = total(&kafka, &name);
        until("some more records", LONG, || total(&kafka, &name) > before);
        let (start, delay) = (Instant::now(), Duration::from_millis(random.u64(0..600)));
        until("a random moment to pass", LONG, || start.elapsed() >= delay);
        worker.kill();
        println!("kill {kill} at offset {}", total(&kafka, &name));
        worker.start();
    }
    await_done(&worker, &name, count, 2);
    assert_exactly(&kafka, &name, count, 2);
    assert_eq!(offsets(&worker, &name), BTreeMap::from([(0, count as i64), (1, count as i64 + 1)]));
    worker.stop();
}

#[test]
fn killed_at_random_every_record_is_there_once() {
    killed_at_random("eos-killed", &[]);
}

#[test]
fn killed_at_random_with_transactions_by_time_every_record_is_there_once() {
    let boundary = [("transaction.boundary", "interval"), ("transaction.boundary.interval.ms", "300")];
    killed_at_random("eos-interval", &boundary);
}

#[test]
fn a_frozen_worker_that_thaws_doubles_nothing() {
    let (kafka, name) = (Kafka::shared(), unique("eos-frozen"));
    kafka.create_topic(&name, 1);
    let mut workers = vec![worker().start()];
    let second = workers[0].sibling().start();
    workers.push(second);
    let config = numbers(&name, &[("tasks.max", "3"), ("rate", "300"), ("total", "18000")]);
    workers[0].create(&name, &config);
    for round in 0..2 {
        let before = total(&kafka, &name);
        until("records to flow", LONG, || total(&kafka, &name) > before + 200);
        workers[round].send("STOP");
        let other = &workers[1 - round];
        other.await_status(&name, "to run on the other worker", |status| {
            let tasks = status["tasks"].as_array().expect("tasks");
            tasks.len() == 3
                && tasks
                    .iter()
                    .all(|task| task["state"] == "RUNNING" && task["worker_id"] == other.authority())
        });
        let before = total(&kafka, &name);
        until("records to flow again", LONG, || total(&kafka, &name) > before + 200);
        workers[round].send("CONT");
        workers[round].await_health();
    }
    await_done(&workers[0], &name, 18_000, 3);
    assert_exactly(&kafka, &name, 18_000, 3);
    workers[0].await_running(&name, 3);
    workers.iter_mut().for_each(Worker::stop);
}

#[test]
fn answers_that_get_lost_double_nothing() {
    let (kafka, name) = (Kafka::shared(), unique("eos-cut"));
    kafka.create_topic(&name, 1);
    let proxy = Proxy::start(&kafka.bootstrap);
    let mut worker = worker()
        .set("bootstrap.servers", &proxy.address)
        .set("producer.transaction.timeout.ms", "2000")
        .allow("timed out")
        .allow("Timed out")
        .allow("the task failed")
        .allow("Current transaction failed")
        .allow("Producer attempted a transactional operation in an invalid state")
        .allow("source offsets were not stored")
        .start();
    worker.create(&name, &numbers(&name, &[("rate", "1000"), ("total", "20000")]));
    let mut random = fastrand::Rng::with_seed(3);
    for cut in [Cut::Answers, Cut::Both, Cut::Answers, Cut::Requests, Cut::Answers] {
        let before = total(&kafka, &name);
        until("some more records", LONG, || total(&kafka, &name) > before + 100);
        let (start, delay) = (Instant::now(), Duration::from_millis(random.u64(0..200)));
        until("a random moment to pass", LONG, || start.elapsed() >= delay);
        proxy.cut(cut);
        let start = Instant::now();
        until("a transaction's time to be over", LONG, || start.elapsed() >= Duration::from_secs(4));
        proxy.heal();
    }
    await_done(&worker, &name, 20_000, 1);
    assert_exactly(&kafka, &name, 20_000, 1);
    worker.stop();
}

#[test]
fn what_a_failing_task_wrote_is_never_seen() {
    let (kafka, name) = (Kafka::shared(), unique("eos-failing"));
    kafka.create_topic(&name, 1);
    let mut worker =
        worker().allow("the task failed").set("penstock.task.restart.backoff.ms", "300000").start();
    let file = worker.path("lines.txt");
    let good = numbered(0..100);
    std::fs::write(&file, &good).unwrap();
    let mut config = json!({
        "connector.class": "FileStreamSource", "file": file, "topic": name,
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
        "transaction.boundary": "interval", "transaction.boundary.interval.ms": "25000",
        "producer.override.max.request.size": "10000000",
        "exactly.once.support": "required",
    });
    worker.create(&name, &config);
    until("the good lines to be on the broker", SOON, || written(&kafka, &name) >= 100);
    // More than the broker takes.
    append(&file, &format!("{}\n", "x".repeat(3_000_000)));
    worker.await_status(&name, "to fail", |status| status["tasks"][0]["state"] == "FAILED");
    assert_eq!(kafka.read(&name).len(), 0, "a record of an undone transaction was read");
    let offsets = worker.rest.get(&format!("/connectors/{name}/offsets")).expect(200);
    assert_eq!(offsets, json!({ "offsets": [] }));

    std::fs::write(&file, &good).unwrap();
    config["transaction.boundary"] = json!("poll");
    worker.rest.put(&format!("/connectors/{name}/config"), &config).expect(200);
    worker.await_running(&name, 1);
    until("the good lines to be committed", SOON, || kafka.read(&name).len() >= 100);
    assert_eq!(read_lines(&kafka, &name), good);
    worker.stop();
}

fn numbered(numbers: std::ops::Range<usize>) -> String {
    numbers.flat_map(|number| ["line ".to_owned(), number.to_string(), "\n".to_owned()]).collect()
}

/// What is committed, a line for each record.
fn read_lines(kafka: &Kafka, topic: &str) -> String {
    kafka.read(topic).iter().flat_map(|record| [record.text().to_owned(), "\n".to_owned()]).collect()
}

/// Where a partition ends for those who read what is not committed as well.
fn written(kafka: &Kafka, topic: &str) -> i64 {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &kafka.bootstrap).set("isolation.level", "read_uncommitted");
    let consumer: BaseConsumer =
        config.set("group.id", "penstock-tests-written").create().expect("a consumer");
    consumer.fetch_watermarks(topic, 0, SOON).expect("watermarks").1
}

/// A producer that writes with a task's id, as one of a worker that nobody hears of any more.
fn zombie(id: &str) -> BaseProducer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", Kafka::shared().bootstrap).set("transactional.id", id);
    let producer: BaseProducer = config.create().expect("a producer");
    producer.init_transactions(SOON).expect("the id");
    producer
}

fn fencing(kafka: &Kafka, group: &str, name: &str) -> Vec<Option<Value>> {
    let key = format!("tasks-fencing-{name}");
    let records = kafka.read(&format!("{group}-configs")).into_iter();
    let own = records.filter(|record| record.key.as_deref() == Some(key.as_bytes()));
    own.map(|record| Some(serde_json::from_slice(&record.value?).expect("JSON"))).collect()
}

#[test]
fn producers_of_former_tasks_are_shut_out_before_new_ones_begin() {
    let (kafka, name, group) = (Kafka::shared(), unique("eos-fenced"), unique("eos-group"));
    kafka.create_topic(&name, 1);
    let mut worker = ["config", "offset", "status"]
        .iter()
        .fold(worker().set("group.id", &group), |builder, kind| {
            builder.set(&format!("{kind}.storage.topic"), &format!("{group}-{kind}s"))
        })
        .start();
    let config = |tasks: &str| numbers(&name, &[("tasks.max", tasks), ("rate", "100")]);
    let count = |tasks: u64| Some(json!({ "task-count": tasks }));
    worker.create(&name, &config("3"));
    assert_eq!(fencing(&kafka, &group, &name), [count(3)]);

    // Task 2 is somebody's who does not hear of the change.
    let former = zombie(&format!("{group}-{name}-2"));
    former.begin_transaction().expect("a transaction");
    let record = BaseRecord::<str, str>::to(&name).payload("{\"id\":-1}");
    former.send(record).map_err(|(error, _)| error).expect("sent");
    former.flush(SOON).expect("written");
    worker.rest.put(&format!("/connectors/{name}/config"), &config("1")).expect(200);
    until("the former tasks to be shut out", SOON, || fencing(&kafka, &group, &name) == [count(3), count(1)]);
    worker.await_running(&name, 1);
    let refused = former.commit_transaction(SOON);
    assert!(refused.is_err(), "a task of before has committed");
    assert!(kafka.read(&name).iter().all(|record| record.text() != "{\"id\":-1}"));

    worker.rest.put(&format!("/connectors/{name}/stop"), &Value::Null).expect(204);
    until("the producers of a stopped connector to be shut out", SOON, || {
        fencing(&kafka, &group, &name).last() == Some(&count(0))
    });
    worker.rest.delete(&format!("/connectors/{name}/offsets")).expect(200);
    worker.rest.put(&format!("/connectors/{name}/resume"), &Value::Null).expect(202);
    worker.await_running(&name, 1);
    worker.rest.delete(&format!("/connectors/{name}")).expect(204);
    until("a deleted connector to leave no record of its producers", SOON, || {
        fencing(&kafka, &group, &name).last() == Some(&None)
    });
    worker.stop();
}

#[test]
fn a_guarantee_that_a_connector_cannot_give_is_refused_in_connects_words() {
    let folders = format!("{},{}", services::plugins().display(), services::faulty().display());
    let mut worker = worker().set("plugin.path", &folders).start();
    let (name, topic) = (unique("eos-refused"), unique("eos-refused"));
    let refused = |config: &Value| {
        let answer = worker.rest.post("/connectors", &json!({ "name": name, "config": config })).expect(400);
        answer["message"].as_str().unwrap_or_default().to_owned()
    };
    let mut faulty =
        json!({ "connector.class": "FaultySource", "topic": topic, "exactly.once.support": "required" });
    let message = refused(&faulty);
    assert!(message.contains("The connector does not support exactly-once semantics"), "{message}");
    faulty["exactly.once.support"] = json!("requested");
    faulty["transaction.boundary"] = json!("connector");
    let message = refused(&faulty);
    assert!(
        message.contains("The connector does not support connector-defined transaction boundaries"),
        "{message}"
    );
    let mut own_id = numbers(&topic, &[("exactly.once.support", "required"), ("total", "10")]);
    own_id["producer.override.transactional.id"] = json!("mine");
    let message = refused(&own_id);
    assert!(message.contains("transactional.id"), "{message}");

    own_id.as_object_mut().unwrap().remove("producer.override.transactional.id");
    worker.create(&name, &own_id);
    await_done(&worker, &name, 10, 1);
    worker.stop();
}

#[test]
fn a_topic_of_the_connectors_own_keeps_its_offsets_and_counts_before_the_workers() {
    let (kafka, name, own) = (Kafka::shared(), unique("eos-own"), unique("eos-own-offsets"));
    kafka.create_topic(&name, 1);
    let group = unique("eos-group");
    let mut worker = ["config", "offset", "status"]
        .iter()
        .fold(worker().set("group.id", &group), |builder, kind| {
            builder.set(&format!("{kind}.storage.topic"), &format!("{group}-{kind}s"))
        })
        .start();
    let config = |total: &str| numbers(&name, &[("offsets.storage.topic", &own), ("total", total)]);
    worker.create(&name, &config("1000"));
    await_done(&worker, &name, 1000, 1);
    assert_eq!(kafka.topic_setting(&own, "cleanup.policy").as_deref(), Some("compact"));
    let key = format!("[\"{name}\",{{\"task\":0}}]");
    let stored = |topic: &str| {
        let records = kafka.read(topic).into_iter();
        let mut own = records.filter(|record| record.key.as_deref() == Some(key.as_bytes()));
        own.next_back().map(|record| record.text().to_owned())
    };
    assert_eq!(stored(&own).as_deref(), Some("{\"sequence\":1000}"));
    let workers = format!("{group}-offsets");
    until("a copy in the worker's topic", SOON, || {
        stored(&workers).as_deref() == Some("{\"sequence\":1000}")
    });
    // What the worker's topic says does not count as long as the own one says something.
    worker.stop();
    kafka.put(&workers, &key, Some("{\"sequence\":7}"));
    worker.start();
    worker.rest.put(&format!("/connectors/{name}/config"), &config("2000")).expect(200);
    await_done(&worker, &name, 2000, 1);
    assert_exactly(&kafka, &name, 2000, 1);

    worker.rest.put(&format!("/connectors/{name}/stop"), &Value::Null).expect(204);
    let reset = format!("/connectors/{name}/offsets");
    until("the offsets to be reset", SOON, || worker.rest.delete(&reset).status == 200);
    assert_eq!(worker.rest.get(&reset).expect(200), json!({ "offsets": [] }));
    worker.stop();
}

#[test]
fn offsets_of_transactions_count_once_committed_and_those_undone_never_do() {
    let (kafka, name, group) = (Kafka::shared(), unique("eos-java"), unique("eos-group"));
    kafka.create_topic(&name, 1);
    let workers = format!("{group}-offsets");
    kafka.create_topic_with(&workers, 5, &[("cleanup.policy", "compact")]);
    let key = format!("[\"{name}\",{{\"task\":0}}]");
    // As a Java worker writes them.
    let java = zombie(&format!("{group}-{name}-0"));
    for (sequence, is_committed) in [(400, true), (900, false)] {
        java.begin_transaction().expect("a transaction");
        let offset = format!("{{\"sequence\":{sequence}}}");
        let record = BaseRecord::<str, str>::to(&workers).partition(3).key(&key).payload(&offset);
        java.send(record).map_err(|(error, _)| error).expect("sent");
        java.flush(SOON).expect("written");
        if is_committed {
            java.commit_transaction(SOON).expect("committed");
        }
    }
    let mut worker = ["config", "offset", "status"]
        .iter()
        .fold(worker().set("group.id", &group), |builder, kind| {
            builder.set(&format!("{kind}.storage.topic"), &format!("{group}-{kind}s"))
        })
        .start();
    // The transaction that is open is undone by the task that takes the id over.
    worker.create(&name, &numbers(&name, &[("total", "500")]));
    let ids = until_some("100 records", SOON, || {
        let ids = committed(&kafka, &name);
        (ids.len() >= 100).then_some(ids)
    });
    assert_eq!(ids, (400..500).collect::<Vec<_>>());
    worker.stop();
}

#[test]
fn a_java_cluster_that_delivers_exactly_once_is_taken_over_and_given_back() {
    let (kafka, name, group) = (Kafka::shared(), unique("eos-moved"), unique("eos-java"));
    kafka.create_topic(&name, 1);
    let java = JavaWorker::start_set(&group, "exactly.once.source.support=enabled");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines.txt");
    let mut written = String::new();
    let mut write = |from: usize| {
        let lines = numbered(from..from + 2000);
        append(&file, &lines);
        written.push_str(&lines);
        let read = || read_lines(&kafka, &name);
        until(&format!("{} lines to be committed", from + 2000), LONG, || read().len() >= written.len());
        assert_eq!(read(), written, "every line once and in order");
    };
    let config = json!({
        "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "tasks.max": "1",
        "file": file, "topic": name, "batch.size": "1000000", "exactly.once.support": "required",
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
    });
    java.create(&name, &config);
    write(0);
    java.stop();
    let mut worker = ["127.0.0.1", "accepted without effect", "unknown", "joining when they are gone"]
        .into_iter()
        .fold(Worker::takeover(&java.properties()), Builder::allow)
        .start();
    write(2000);
    assert_eq!(fencing(&kafka, &group, &name).last(), Some(&Some(json!({ "task-count": 1 }))));
    worker.stop();
    java.start_again();
    write(4000);
    java.stop();
}
