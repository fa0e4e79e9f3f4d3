//! What clients and operators of Connect ask first: the root, health, plugins, validation and metrics.

use penstock_tests::{SOON, Worker, unique, until};
use serde_json::{Value, json};

#[test]
fn the_root_health_and_plugins_answer_as_connect_does() {
    let mut worker = Worker::distributed().start();
    let root = worker.rest.get("/").expect(200);
    assert!(root["version"].as_str().is_some_and(|version| version.starts_with("4.3.")), "{root}");
    until("the cluster's id", SOON, || {
        let root = worker.rest.get("/").expect(200);
        root["kafka_cluster_id"].as_str().is_some_and(|id| id.len() > 10)
    });
    assert_eq!(worker.rest.get("/health").expect(200)["status"], "healthy");
    let plugins = worker.rest.get("/connector-plugins").expect(200);
    let kind = |class: &str| {
        let found = plugins.as_array().unwrap().iter().find(|plugin| plugin["class"] == class);
        found.unwrap_or_else(|| panic!("{class} is missing in {plugins}"))["type"].clone()
    };
    assert_eq!(kind("org.apache.kafka.connect.file.FileStreamSourceConnector"), "source");
    assert_eq!(kind("org.apache.kafka.connect.file.FileStreamSinkConnector"), "sink");
    // Under the name that its configs have in Java; the short one counts wherever a class is named.
    assert_eq!(kind("com.clickhouse.kafka.connect.ClickHouseSinkConnector"), "sink");
    let settings = |class: &str| worker.rest.get(&format!("/connector-plugins/{class}/config")).expect(200);
    assert_eq!(settings("ClickHouseSink"), settings("com.clickhouse.kafka.connect.ClickHouseSinkConnector"));
    assert_eq!(settings("JsonConverter"), settings("org.apache.kafka.connect.json.JsonConverter"));
    let missing = worker.rest.get("/connectors/nobody").expect(404);
    assert_eq!(missing, json!({ "error_code": 404, "message": "Connector nobody not found" }));
    worker.stop();
}

#[test]
fn validation_names_what_is_missing() {
    let mut worker = Worker::distributed().start();
    let class = "com.clickhouse.kafka.connect.ClickHouseSinkConnector";
    let config = json!({ "name": unique("v"), "connector.class": class, "tasks.max": "1" });
    let path = format!("/connector-plugins/{class}/config/validate");
    let answer = worker.rest.put(&path, &config).expect(200);
    assert!(answer["error_count"].as_u64().is_some_and(|count| count > 0), "{answer}");
    let errors = |key: &str| -> Value {
        let configs = answer["configs"].as_array().unwrap();
        let found = configs.iter().find(|entry| entry["value"]["name"] == key);
        found.unwrap_or_else(|| panic!("{key} is missing"))["value"]["errors"].clone()
    };
    assert_ne!(errors("hostname"), json!([]), "hostname is required");
    assert_eq!(errors("tasks.max"), json!([]));
    worker.stop();
}

#[test]
fn metrics_are_those_prometheus_reads() {
    let mut worker = Worker::distributed().start();
    let Value::String(text) = worker.rest.get("/metrics").expect(200) else { panic!("/metrics is no text") };
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let value = line.rsplit(' ').next().unwrap();
        assert!(value.parse::<f64>().is_ok() || value == "+Inf", "no sample: {line}");
    }
    assert!(text.lines().any(|line| line.starts_with("penstock_")), "{text}");
    worker.stop();
}
