//! Exactly-once pipes: whatever is killed, moved or changed on the way, each record is in ClickHouse once.

use crate::clickhouse::LONG;
use crate::kinesis::source as kinesis_source;
use penstock_tests::{ClickHouse, Kinesis, SOON, Worker, unique, until};
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// A table that keeps tokens, and the end of a pipe that leads to it.
pub struct Stage {
    pub clickhouse: ClickHouse,
    /// The table's name, and the connector's.
    pub name: String,
}

impl Stage {
    pub fn new(columns: &str) -> Self {
        let (clickhouse, name) = (ClickHouse::shared(), unique("once"));
        clickhouse.query(&format!(
            "CREATE TABLE `{name}` ({columns}) ENGINE = MergeTree ORDER BY tuple() \
             SETTINGS non_replicated_deduplication_window = 1000000"
        ));
        Self { clickhouse, name }
    }

    /// Small batches, so that there are many plans.
    fn pipe(&self, source: &Value, tasks: u32) -> Value {
        let mut config = json!({
            "connector.class": "Pipe",
            "tasks.max": tasks.to_string(),
            "sink.connector.class": "ClickHouseSink",
            "sink.hostname": self.clickhouse.host(),
            "sink.port": self.clickhouse.port(),
            "sink.exactlyOnce": "true",
            "sink.penstock.batch.rows.max": "2000",
            "sink.penstock.batch.age.max.ms": "50",
        });
        for (key, value) in source.as_object().unwrap() {
            if key != "tasks.max" && key != "value.converter" {
                config[format!("source.{key}")] = value.clone();
            }
        }
        config
    }

    pub fn rows(&self) -> u64 {
        self.clickhouse.count(&self.name)
    }

    /// As many as there shall be, and each of them once.
    #[track_caller]
    pub fn assert_once(&self, key: &str, total: u64) {
        until(&format!("{total} rows in {}", self.name), LONG, || self.rows() >= total);
        let distinct = self.clickhouse.number(&format!("SELECT uniqExact({key}) FROM `{}`", self.name));
        assert_eq!((self.rows(), distinct), (total, total), "rows and distinct ones of {}", self.name);
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.clickhouse.query(&format!("DROP TABLE IF EXISTS `{}`", self.name));
        }
    }
}

fn append(file: &Path, text: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(file).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn file(from: &Path, topic: &str) -> Value {
    json!({"connector.class": "FileStreamSource", "file": from.to_string_lossy(), "topic": topic})
}

pub fn alone() -> Worker {
    Worker::standalone().unset("bootstrap.servers").allow("ConfigException").allow("the task failed").start()
}

fn stop(worker: &Worker, name: &str) {
    worker.rest.put(&format!("/connectors/{name}/stop"), &json!(null)).expect(204);
    worker.await_status(name, "to stop", |status| {
        status["connector"]["state"] == "STOPPED" && status["tasks"] == json!([])
    });
}

fn resume(worker: &Worker, name: &str) {
    worker.rest.put(&format!("/connectors/{name}/resume"), &json!(null)).expect(202);
}

#[track_caller]
pub fn await_failure(worker: &Worker, name: &str, expected: &str) {
    let says = |status: &Value| {
        let trace = status["tasks"][0]["trace"].as_str();
        status["tasks"][0]["state"] == "FAILED" && trace.is_some_and(|trace| trace.contains(expected))
    };
    worker.await_status(name, &format!("to fail with {expected:?}"), says);
}

#[test]
fn lines_are_there_once_after_five_kills() {
    let stage = Stage::new("n UInt64, _topic String, _partition Int32, _offset Int64");
    let mut worker = alone();
    let from = worker.path("in.jsonl");
    let line = |n: u64| format!("{{\"n\":{n}}}\n");
    let mut written = 0;
    let mut more = |count: u64| {
        append(&from, &(written..written + count).map(line).collect::<String>());
        written += count;
        written
    };
    more(40_000);
    worker.create(&stage.name, &stage.pipe(&file(&from, &stage.name), 1));
    let mut seen = 0;
    for _ in 0..5 {
        let further = seen + fastrand::u64(1..8_000);
        until("more of it to arrive", LONG, || stage.rows() >= further);
        worker.kill();
        seen = stage.rows();
        more(20_000);
        worker.start();
    }
    stage.assert_once("n", more(1));
    // No two records have the same place, so that a sink may tell them by it.
    stage.assert_once("_partition, _offset", written);
    let offsets = worker.rest.get(&format!("/connectors/{}/offsets", stage.name)).expect(200);
    assert_eq!(offsets["offsets"].as_array().map(Vec::len), Some(1), "{offsets}");
    worker.stop();
}

const KEYS: u64 = 50;

/// Records for Kinesis: each key once in each round.
fn rounds(from: u64, count: u64) -> Vec<(String, Vec<u8>)> {
    let one = |round| {
        (0..KEYS).map(move |k| (format!("key-{k}"), json!({"k": k, "round": round}).to_string().into_bytes()))
    };
    (from..from + count).flat_map(one).collect()
}

#[test]
fn records_of_a_stream_are_there_once_after_kills_and_reshards() {
    let kinesis = Kinesis::shared();
    let stage = Stage::new("_shard String, _sequence_number String, k UInt64, round UInt64");
    kinesis.create(&stage.name, 4);
    let mut worker = Worker::standalone().unset("bootstrap.servers").start();
    let source = kinesis_source(&kinesis, &stage.name, 2, &[]);
    worker.create(&stage.name, &stage.pipe(&source, 2));
    let mut written = 0;
    for (shards, tasks) in [(7, 2), (3, 3)] {
        kinesis.put(&stage.name, &rounds(written, 20));
        written += 20;
        until("some rows of this round", LONG, || stage.rows() > (written - 20) * KEYS);
        worker.kill();
        kinesis.reshard(&stage.name, shards);
        kinesis.put(&stage.name, &rounds(written, 20));
        written += 20;
        worker.start();
        // Tasks of another number share the shards otherwise.
        let config = stage.pipe(&source, tasks);
        worker.rest.put(&format!("/connectors/{}/config", stage.name), &config).expect(200);
    }
    stage.assert_once("k, round", written * KEYS);
    worker.stop();
    kinesis.delete(&stage.name);
}

#[test]
fn a_cluster_keeps_it_when_workers_are_killed_and_tasks_become_fewer() {
    let kinesis = Kinesis::shared();
    let stage = Stage::new("k UInt64, round UInt64");
    kinesis.create(&stage.name, 6);
    let worker = Worker::distributed().allow("out of the cluster").allow("leads no more");
    let mut first = worker.allow("leading has to be taken anew").allow("plan was stored, looking").start();
    let mut second = first.sibling().start();
    let source = kinesis_source(&kinesis, &stage.name, 3, &[]);
    first.create(&stage.name, &stage.pipe(&source, 3));
    let mut written = 0;
    let mut more = || {
        kinesis.put(&stage.name, &rounds(written, 40));
        written += 40;
        written * KEYS
    };
    let total = more();
    until("some rows", LONG, || stage.rows() > total / 10);
    second.kill();
    let total = more();
    // Tasks of the worker that is gone have plans that are open, and nobody has their numbers any more.
    let config = format!("/connectors/{}/config", stage.name);
    first.rest.put(&config, &stage.pipe(&source, 1)).expect(200);
    stage.assert_once("k, round", total);
    second.start();
    first.rest.put(&config, &stage.pipe(&source, 4)).expect(200);
    let before = stage.rows();
    let total = more();
    until("more rows", LONG, || stage.rows() > before);
    first.kill();
    stage.assert_once("k, round", total);
    second.stop();
    kinesis.delete(&stage.name);
}

#[test]
fn a_plan_that_is_open_is_called_off_by_altered_offsets_and_by_nothing_less() {
    let stage = Stage::new("n UInt8");
    let mut worker = alone();
    let from = worker.path("in.jsonl");
    append(&from, "{\"n\":1}\n{\"n\":300}\n{\"n\":3}\n");
    let config = stage.pipe(&file(&from, &stage.name), 1);
    worker.submit(&stage.name, &config);
    await_failure(&worker, &stage.name, "errors.tolerance=all");
    let path = format!("/connectors/{}/offsets", stage.name);
    // The plan is nobody's business but the worker's.
    assert_eq!(worker.rest.get(&path).expect(200), json!({"offsets": []}));
    // It stands through a restart: other lines under its token would be others' loss.
    worker.stop();
    std::fs::write(&from, "{\"n\":7}\n").unwrap();
    worker.start();
    await_failure(&worker, &stage.name, "cannot be read again");
    await_failure(&worker, &stage.name, "the lines that ended at byte 26 are not there any more");
    std::fs::write(&from, "{\"n\":1}\n{\"n\":300}\n{\"n\":3}\n{\"n\":4}\n").unwrap();
    stop(&worker, &stage.name);
    let partition = json!({"filename": from.to_string_lossy()});
    let offsets = json!({"offsets": [{"partition": partition, "offset": {"position": 18}}]});
    worker.rest.send("PATCH", &path, Some(&offsets)).unwrap().expect(200);
    resume(&worker, &stage.name);
    // The good lines of the plan may have been written: its bad one is left out now, as the offsets say.
    let written = || {
        stage.clickhouse.query(&format!("SELECT countIf(n = 3) > 0, countIf(n = 4) FROM `{}`", stage.name))
    };
    until("the lines behind the altered place", SOON, || written().trim() == "1\t1");
    worker.stop();
}

#[test]
fn ends_that_cannot_keep_it_are_refused_by_name() {
    let worker = alone();
    let stage = Stage::new("n UInt8");
    let refusal = |more: &[(&str, &str)]| {
        let mut config = stage.pipe(&file(Path::new("in"), "t"), 1);
        config["name"] = json!("p");
        for (key, value) in more {
            config[*key] = json!(value);
        }
        worker.rest.put("/connector-plugins/Pipe/config/validate", &config).expect(200).to_string()
    };
    let sink = [("sink.connector.class", "FileStreamSink"), ("sink.file", "out")];
    assert!(refusal(&sink).contains("FileStreamSinkConnector cannot deliver exactly once"));
    let source = [("source.connector.class", "ClickHouseSource"), ("source.hostname", "localhost")];
    assert!(refusal(&source).contains("ClickHouseSource cannot give records again"));
    assert!(!refusal(&[]).contains("cannot give records again"));
    drop(worker);
}
