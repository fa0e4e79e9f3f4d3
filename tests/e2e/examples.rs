//! The files in `config/` work as they are, but for addresses and names.

use crate::clickhouse::LONG;
use penstock_tests::{ClickHouse, Kafka, SOON, Worker, services, unique, until};
use serde_json::{Value, json};

fn read(file: &str) -> String {
    std::fs::read_to_string(services::checkout().join("config").join(file)).unwrap()
}

/// An example's name and config.
fn example(file: &str) -> (String, Value) {
    let mut example: Value = serde_json::from_str(&read(file)).unwrap();
    (unique(example["name"].as_str().unwrap()), example["config"].take())
}

#[test]
fn made_up_orders_reach_clickhouse() {
    let (kafka, clickhouse, orders) = (Kafka::shared(), ClickHouse::shared(), unique("orders"));
    kafka.create_topic(&orders, 2);
    let table = read("orders.sql").replace("IF NOT EXISTS orders", &format!("`{orders}`"));
    assert!(table.contains(&orders), "the example names its table otherwise: {table}");
    clickhouse.query(&table);
    let mut worker = Worker::example("worker.properties").start();
    let (source, mut config) = example("datagen-source.json");
    assert_eq!(config["topic"], "orders");
    config["topic"] = json!(orders);
    worker.create(&source, &config);
    let (sink, mut config) = example("clickhouse-sink.json");
    for (key, value) in [
        ("topics", orders.clone()),
        ("hostname", clickhouse.host().to_owned()),
        ("port", clickhouse.port().to_owned()),
        ("topic2TableMap", format!("{orders}={orders}")),
        ("errors.deadletterqueue.topic.name", unique("dead")),
    ] {
        assert!(config[key].is_string(), "the example has no {key}");
        config[key] = json!(value);
    }
    worker.create(&sink, &config);
    until("2,000 orders in the table", LONG, || clickhouse.count(&orders) > 2_000);
    let odd =
        format!("SELECT countIf(quantity NOT BETWEEN 1 AND 10 OR price < 1 OR note = '') FROM `{orders}`");
    assert_eq!(clickhouse.number(&odd), 0);
    let doubled = format!("SELECT count() - uniqExact(id) FROM `{orders}`");
    assert_eq!(clickhouse.number(&doubled), 0);
    assert_eq!(worker.metric("penstock_task_records_rejected_total", &[]) as u64, 0);
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{orders}`"));
}

#[test]
fn made_up_orders_reach_clickhouse_through_a_pipe() {
    let (clickhouse, orders) = (ClickHouse::shared(), unique("orders"));
    clickhouse.query(&read("orders.sql").replace("IF NOT EXISTS orders", &format!("`{orders}`")));
    let mut worker = Worker::example("standalone.properties").unset("bootstrap.servers").start();
    let (name, mut config) = example("pipe.json");
    for (key, value) in [
        ("source.topic", orders.as_str()),
        ("sink.hostname", clickhouse.host()),
        ("sink.port", clickhouse.port()),
    ] {
        assert!(config[key].is_string(), "the example has no {key}");
        config[key] = json!(value);
    }
    worker.create(&name, &config);
    until("2,000 orders in the table", LONG, || clickhouse.count(&orders) > 2_000);
    assert_eq!(clickhouse.number(&format!("SELECT count() - uniqExact(id) FROM `{orders}`")), 0);
    assert_eq!(worker.metric("penstock_task_records_rejected_total", &[]) as u64, 0);
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{orders}`"));
}

#[test]
fn lines_of_a_file_come_out_of_a_standalone_worker() {
    let topic = unique("lines");
    Kafka::shared().create_topic(&topic, 1);
    let mut worker = Worker::example("standalone.properties").start();
    // The examples name files in the folder the worker runs in.
    std::fs::write(worker.path("lines.txt"), "one\ntwo\n").unwrap();
    for (file, key) in [("file-source.json", "topic"), ("file-sink.json", "topics")] {
        let (name, mut config) = example(file);
        config[key] = json!(topic);
        worker.create(&name, &config);
    }
    let out = worker.path("lines.out.txt");
    until("both lines", SOON, || std::fs::read_to_string(&out).is_ok_and(|text| text == "one\ntwo\n"));
    worker.stop();
}

#[test]
fn two_workers_of_the_cluster_s_file_share_the_tasks() {
    let topic = unique("shared");
    Kafka::shared().create_topic(&topic, 2);
    let mut first = Worker::example("cluster.properties").start();
    let mut second = first.sibling().start();
    let name = unique("shared");
    let out = first.path("out.txt");
    first.create(
        &name,
        &json!({ "connector.class": "FileStreamSink", "tasks.max": "2", "topics": topic, "file": out }),
    );
    second.await_status(&name, "to have a task on each worker", |status| {
        let tasks = status["tasks"].as_array().map_or(&[][..], Vec::as_slice);
        let on = |worker: &Worker| {
            tasks.iter().filter(|task| worker.url.ends_with(task["worker_id"].as_str().unwrap())).count()
        };
        tasks.iter().all(|task| task["state"] == "RUNNING") && (on(&first), on(&second)) == (1, 1)
    });
    first.stop();
    second.await_running(&name, 2);
    second.stop();
}
