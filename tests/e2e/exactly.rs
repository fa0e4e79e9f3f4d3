//! Exactly-once delivery into ClickHouse: whatever breaks, every record is there once.
//!
//! More kills by `PENSTOCK_EXACTLY_KILLS`.

use crate::clickhouse::{LONG, await_committed, sink};
use penstock_tests::faults::{Fault, FaultProxy};
use penstock_tests::million::Records;
use penstock_tests::{ClickHouse, Kafka, SOON, Worker, unique, until, until_some};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What a test has: records in a topic, a table that keeps tokens, a way to ClickHouse that can break.
struct Stage {
    records: Records,
    topic: String,
    /// The table's name, and the connector's.
    name: String,
    clickhouse: ClickHouse,
    proxy: FaultProxy,
}

impl Stage {
    fn new(name: &str, per_partition: u64) -> Self {
        let records = Records { partitions: 4, per_partition, seed: 11, bad_every: None };
        let (topic, name, clickhouse) = (unique(name), unique(name), ClickHouse::shared());
        records.produce(&Kafka::shared(), &topic);
        records.create_table(&clickhouse, &name);
        // Small batches can make many inserts a second, and the table is to remember them for as long as a test takes.
        clickhouse.query(&format!(
            "ALTER TABLE `{name}` MODIFY SETTING non_replicated_deduplication_window = 1000000"
        ));
        let proxy = FaultProxy::start(&clickhouse.url);
        Self { records, topic, name, clickhouse, proxy }
    }

    /// Small batches, so that there are many plans.
    fn config(&self, tasks: u32) -> Value {
        let mut config = sink(&ClickHouse::at(&self.proxy.url), &self.topic, &self.name, tasks);
        config["exactlyOnce"] = json!("true");
        config["penstock.batch.rows.max"] = json!("2000");
        config["penstock.batch.age.max.ms"] = json!("50");
        config
    }

    fn rows(&self) -> u64 {
        self.clickhouse.count(&self.name)
    }

    fn await_rows(&self, rows: u64) {
        until(&format!("{rows} rows in {}", self.name), LONG, || self.rows() >= rows);
    }

    fn assert_exactly_once(&self) {
        self.await_rows(self.records.total());
        await_committed(&self.name, &self.topic);
        self.records.assert_exactly_once(&self.clickhouse, &self.name);
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.clickhouse.query(&format!("DROP TABLE IF EXISTS `{}`", self.name));
        }
    }
}

/// A worker whose log may tell of what these tests do to it.
fn worker() -> Worker {
    let allowed = [
        "clickhouse",
        "unknown setting, ignored",
        "the task failed",
        "127.0.0.1",
        "partitions go while a write is still running",
        "partitions were taken away",
        "the task did not end well",
        "out of the cluster",
        "Consumer group session timed out",
        "Static consumer fenced by other consumer",
        "a worker that is out took the task's place",
        "leads no more",
        "the worker leaves",
        "a call into the plugin does not end",
        "the last commit",
        "leading has to be taken anew",
        "this worker shall lead and cannot yet",
        "the task ends while a write is still running",
        "tasks did not end in time",
        "the task did not end in time",
        "statuses",
        "task settings were not written",
    ];
    allowed.iter().fold(Worker::distributed(), |builder, text| builder.allow(text)).start()
}

fn kills() -> u64 {
    std::env::var("PENSTOCK_EXACTLY_KILLS").map_or(3, |text| text.parse().expect("a number of kills"))
}

/// Members come and go here: a change may have to be asked for again.
fn configure(worker: &Worker, stage: &Stage, tasks: u32) {
    let path = format!("/connectors/{}/config", stage.name);
    until("the new number of tasks to be taken", LONG, || {
        let answer = worker.rest.send("PUT", &path, Some(&stage.config(tasks)));
        answer.is_ok_and(|answer| answer.status == 200)
    });
}

#[test]
fn killed_at_random_every_record_is_there_once() {
    // As many as keep the worker busy until the last kill.
    let stage = Stage::new("eo-killed", 10_000 * kills());
    let mut worker = worker();
    worker.submit(&stage.name, &stage.config(2));
    let mut random = fastrand::Rng::with_seed(7);
    for kill in 1..=kills() {
        let rows = stage.rows();
        until("some more rows, or all", LONG, || {
            stage.rows() > rows || stage.rows() >= stage.records.total()
        });
        let (start, delay) = (Instant::now(), Duration::from_millis(random.u64(0..400)));
        until("a random moment to pass", LONG, || start.elapsed() >= delay);
        worker.kill();
        println!("kill {kill} at {} of {} rows", stage.rows(), stage.records.total());
        worker.start();
    }
    stage.assert_exactly_once();
    worker.stop();
}

#[test]
fn lost_answers_and_broken_connections_double_nothing() {
    let stage = Stage::new("eo-lost", 40_000);
    stage.proxy.set(Fault::LoseAnswer(3));
    let mut worker = worker();
    worker.create(&stage.name, &stage.config(1));
    until("answers to be lost", LONG, || stage.proxy.injected() > 2);
    stage.proxy.set(Fault::CutBody(3));
    let lost = stage.proxy.injected();
    // One more answer may be lost, of an insert that was on its way.
    until("connections to be broken", LONG, || stage.proxy.injected() > lost + 3);
    let cut = stage.proxy.injected() - lost;
    stage.proxy.set(Fault::None);
    stage.assert_exactly_once();
    println!("{lost} answers lost, {cut} connections broken");
    worker.stop();
}

#[test]
fn a_frozen_worker_with_an_insert_in_flight_doubles_nothing() {
    let stage = Stage::new("eo-frozen", 20_000);
    let mut first = worker();
    stage.proxy.set(Fault::Hold);
    first.create(&stage.name, &stage.config(1));
    until("an insert to be held", LONG, || stage.proxy.held() > 0);
    first.send("STOP");
    let mut second = first.sibling().start();
    // Its own insert of the same plan is held as well.
    until("the other worker to send the plan again", LONG, || stage.proxy.held() > 1);
    first.send("CONT");
    stage.proxy.set(Fault::None);
    stage.assert_exactly_once();
    second.stop();
    first.stop();
}

#[test]
fn partitions_that_move_with_an_open_plan_double_nothing() {
    let stage = Stage::new("eo-moved", 20_000);
    let mut worker = worker();
    worker.create(&stage.name, &stage.config(1));
    stage.await_rows(1);
    for tasks in [3, 1, 2, 4] {
        let before = stage.proxy.injected();
        stage.proxy.set(Fault::Hold);
        if stage.rows() < stage.records.total() - 8000 {
            until("an insert to be held", LONG, || stage.proxy.injected() > before);
        }
        worker.kill();
        // Half of them reach the server, the others never do.
        if tasks % 2 == 1 {
            stage.proxy.set(Fault::None);
        }
        worker.start();
        configure(&worker, &stage, tasks);
        stage.proxy.set(Fault::None);
        worker.await_running(&stage.name, tasks as usize);
    }
    stage.assert_exactly_once();
    worker.stop();
}

#[test]
fn a_storm_of_rebalances_doubles_nothing() {
    let stage = Stage::new("eo-storm", 25_000);
    let mut first = worker();
    let mut second = first.sibling().start();
    first.submit(&stage.name, &stage.config(2));
    let mut tasks = 2;
    for round in 0..6 {
        let rows = stage.rows();
        until("some more rows, or all", LONG, || {
            stage.rows() > rows || stage.rows() >= stage.records.total()
        });
        match round % 3 {
            0 => {
                tasks = 5 - tasks;
                configure(&first, &stage, tasks);
            }
            1 => {
                second.stop();
                second.start();
            }
            _ => {
                second.kill();
                second.start();
            }
        }
    }
    stage.assert_exactly_once();
    second.stop();
    first.stop();
}

/// A table that remembers one token, and knows where its rows come from.
fn forgetful(stage: &Stage, has_places: bool) -> (String, String) {
    let (topic, table) = (unique("eo-forgot"), unique("eo-forgot"));
    let places = if has_places { ", _topic String, _partition Int32, _offset Int64" } else { "" };
    stage.clickhouse.query(&format!(
        "CREATE TABLE `{table}` (k UInt64{places}) ENGINE = MergeTree ORDER BY k \
         SETTINGS non_replicated_deduplication_window = 1"
    ));
    let kafka = Kafka::shared();
    kafka.create_topic(&topic, 2);
    let mut all = (0..ROWS).flat_map(|offset| [(0, offset), (1, offset)]);
    kafka.produce(&topic, |_, value| {
        let (partition, offset) = all.next()?;
        let k = offset * 2 + partition;
        *value = json!({ "k": k, "_topic": topic, "_partition": partition, "_offset": offset }).to_string();
        Some(partition as i32)
    });
    (topic, table)
}

const ROWS: u64 = 5_000;

#[test]
fn a_token_that_is_forgotten_is_made_up_for_by_looking_into_the_table() {
    let stage = Stage::new("eo-window", 1);
    let (topic, table) = forgetful(&stage, true);
    let mut config = stage.config(1);
    config["topics"] = json!(topic);
    config["topic2TableMap"] = json!(format!("{topic}={table}"));
    config["penstock.batch.rows.max"] = json!("500");
    stage.proxy.set(Fault::LoseAnswer(2));
    let mut worker = worker();
    worker.create(&table, &config);
    let count = || stage.clickhouse.count(&table);
    for _ in 0..3 {
        let seen = (count(), stage.proxy.injected());
        until("another answer to get lost", LONG, || stage.proxy.injected() > seen.1 || count() >= 2 * ROWS);
        // The server stored it and then forgets: another writer's insert takes the one place.
        stage.proxy.set(Fault::Down);
        stage.clickhouse.query(&format!("INSERT INTO `{table}` (k, _offset) VALUES (1000000000, -1)"));
        worker.kill();
        worker.start();
        stage.proxy.set(Fault::LoseAnswer(2));
    }
    stage.proxy.set(Fault::None);
    await_committed(&table, &topic);
    let own = format!("FROM `{table}` WHERE _offset >= 0");
    assert_eq!(stage.clickhouse.number(&format!("SELECT uniqExact(_partition, _offset) {own}")), 2 * ROWS);
    assert_eq!(stage.clickhouse.number(&format!("SELECT count() {own}")), 2 * ROWS);
    worker.stop();
    stage.clickhouse.query(&format!("DROP TABLE `{table}`"));
}

#[test]
fn a_forgotten_token_without_the_columns_to_look_stops_the_task() {
    let stage = Stage::new("eo-blind", 1);
    let (topic, table) = forgetful(&stage, false);
    let mut config = stage.config(1);
    config["topics"] = json!(topic);
    config["topic2TableMap"] = json!(format!("{topic}={table}"));
    let mut worker = worker();
    stage.proxy.set(Fault::LoseAnswer(1));
    worker.submit(&table, &config);
    let status = worker.await_status(&table, "to fail", |status| status["tasks"][0]["state"] == "FAILED");
    let trace = status["tasks"][0]["trace"].as_str().unwrap_or_default();
    assert!(trace.contains("the table has no columns _topic, _partition and _offset"), "{trace}");
    worker.kill();
    stage.clickhouse.query(&format!("DROP TABLE `{table}`"));
}

#[test]
fn a_table_that_drops_no_repetition_is_refused_with_the_remedy() {
    let stage = Stage::new("eo-refused", 1);
    let worker = worker();
    stage.clickhouse.query(&format!(
        "ALTER TABLE `{}` MODIFY SETTING non_replicated_deduplication_window = 0",
        stage.name
    ));
    let config = stage.config(1);
    let class = config["connector.class"].as_str().unwrap_or_default();
    let mut named = config.clone();
    named["name"] = json!(stage.name);
    let path = format!("/connector-plugins/{class}/config/validate");
    // A server that does not say in time how the table is has no objection.
    let answer = until_some("the setting to be refused", SOON, || {
        Some(worker.rest.put(&path, &named).expect(200)).filter(|answer| answer["error_count"] == 1)
    });
    let setting = |entry: &&Value| entry["value"]["name"] == "exactlyOnce";
    let found = answer["configs"].as_array().into_iter().flatten().find(setting).expect("the setting");
    assert!(found["value"]["errors"].to_string().contains("run ALTER TABLE "), "{found}");
    let refused = worker.rest.post("/connectors", &json!({ "name": stage.name, "config": config }));
    let refused = refused.expect(400).to_string();
    assert!(refused.contains("run ALTER TABLE "), "{refused}");
    assert_eq!(stage.rows(), 0);
}

#[test]
fn bad_records_and_a_clean_restart_double_nothing() {
    let mut stage = Stage::new("eo-bad", 1);
    stage.records = Records { bad_every: Some(100), per_partition: 10_000, ..stage.records.clone() };
    stage.topic = unique("eo-bad");
    stage.records.produce(&Kafka::shared(), &stage.topic);
    let mut config = stage.config(1);
    config["errors.tolerance"] = json!("all");
    stage.proxy.set(Fault::LoseAnswer(4));
    let mut worker = worker();
    worker.create(&stage.name, &config);
    stage.await_rows(stage.records.good() / 2);
    worker.stop();
    worker.start();
    stage.proxy.set(Fault::None);
    stage.await_rows(stage.records.good());
    await_committed(&stage.name, &stage.topic);
    stage.records.assert_exactly_once(&stage.clickhouse, &stage.name);
    worker.stop();
}
