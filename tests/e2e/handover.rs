//! Partitions taken over from clickhouse-kafka-connect by its state in a real `KeeperMap` table: nothing twice, nothing lost.

use crate::clickhouse::{LONG, await_committed, sink};
use penstock_tests::faults::{Fault, FaultProxy};
use penstock_tests::million::Records;
use penstock_tests::services::Own;
use penstock_tests::{ClickHouse, Kafka, SOON, Worker, unique, until};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Value, json};

const PER_PARTITION: u64 = 20_000;

/// What the Java connector left behind: rows, states, and a group that is behind both.
struct Left {
    records: Records,
    name: String,
    clickhouse: ClickHouse,
    _server: Own,
}

impl Left {
    fn new() -> Self {
        let server = Own::start("clickhouse-keeper");
        let clickhouse = ClickHouse::at(&server.address);
        let records = Records { partitions: 4, per_partition: PER_PARTITION, seed: 5, bad_every: None };
        let name = unique("handover");
        records.produce(&Kafka::shared(), &name);
        records.create_table(&clickhouse, &name);
        clickhouse.query(&format!(
            "ALTER TABLE `{name}` MODIFY SETTING non_replicated_deduplication_window = 1000000"
        ));
        clickhouse.query(
            "CREATE TABLE IF NOT EXISTS `connect_state` (`key` String, minOffset BIGINT, maxOffset BIGINT, state String) \
             ENGINE=KeeperMap('/kafka-connect') PRIMARY KEY `key`",
        );
        let left = Self { records, name, clickhouse, _server: server };
        for (partition, rows) in [(0, 3000), (1, 3000), (2, 2500)] {
            left.insert(partition, rows);
        }
        left.state(0, "AFTER_PROCESSING");
        left.state(1, "BEFORE_PROCESSING");
        left.state(2, "BEFORE_PROCESSING");
        left.commit(&[(0, 1000), (1, 2000), (2, 2500)]);
        left
    }

    /// The partition's first rows, in ranges of 500, each under the token which the Java connector gives it.
    fn insert(&self, partition: i32, rows: i64) {
        let records = Kafka::shared().read(&self.name);
        for min in (0..rows).step_by(500) {
            let range = min..min + 500;
            let own = records
                .iter()
                .filter(|record| record.partition == partition && range.contains(&record.offset));
            let lines: Vec<_> = own.map(penstock_tests::kafka::Record::text).collect();
            assert_eq!(lines.len(), 500);
            let (name, max) = (&self.name, min + 499);
            self.clickhouse.query(&format!(
                "INSERT INTO `{name}` SETTINGS insert_deduplication_token = '{name}-{partition}-{min}-{max}', \
                 input_format_skip_unknown_fields = 1 FORMAT JSONEachRow\n{}",
                lines.join("\n")
            ));
        }
    }

    fn state(&self, partition: i32, state: &str) {
        let name = &self.name;
        self.clickhouse.query(&format!(
            "INSERT INTO `connect_state` VALUES ('{name}-{partition}', 2500, 2999, '{state}')"
        ));
    }

    fn commit(&self, offsets: &[(i32, i64)]) {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", Kafka::shared().bootstrap)
            .set("group.id", format!("connect-{}", self.name));
        let consumer: BaseConsumer = config.create().expect("a consumer");
        let mut list = TopicPartitionList::new();
        for (partition, offset) in offsets {
            list.add_partition_offset(&self.name, *partition, Offset::Offset(*offset)).unwrap();
        }
        consumer.commit(&list, CommitMode::Sync).expect("committed");
    }

    fn config(&self, url: &str) -> Value {
        let mut config = sink(&ClickHouse::at(url), &self.name, &self.name, 2);
        config["exactlyOnce"] = json!("true");
        config["penstock.batch.rows.max"] = json!("4000");
        config["penstock.batch.age.max.ms"] = json!("100");
        config
    }

    fn assert_exactly_once(&self) {
        until("all rows", LONG, || self.clickhouse.count(&self.name) >= self.records.total());
        await_committed(&self.name, &self.name);
        self.records.assert_exactly_once(&self.clickhouse, &self.name);
    }
}

fn worker() -> Worker {
    let allowed =
        ["clickhouse", "unknown setting, ignored", "127.0.0.1", "accepted without effect", "the task failed"];
    allowed.iter().fold(Worker::distributed(), |builder, text| builder.allow(text)).start()
}

#[test]
fn a_java_config_goes_on_where_its_connector_was_and_forgets_it_afterwards() {
    let left = Left::new();
    let proxy = FaultProxy::start(&left.clickhouse.url);
    proxy.set(Fault::LoseAnswer(2));
    let mut worker = worker();
    worker.submit(&left.name, &left.config(&proxy.url));
    // The plans that take over are found again by other tasks.
    for kill in 1..=3_u64 {
        until("an answer to get lost", LONG, || proxy.injected() >= kill);
        worker.kill();
        worker.start();
    }
    proxy.set(Fault::None);
    left.assert_exactly_once();
    let taken = worker.log.text();
    println!("{}", taken.lines().filter(|line| line.contains("stateImport")).collect::<Vec<_>>().join("\n"));

    // Whoever moves offsets back wants all of it again.
    worker.rest.put(&format!("/connectors/{}/stop", left.name), &Value::Null).expect(204);
    left.clickhouse.query(&format!("TRUNCATE TABLE `{}`", left.name));
    let reset = format!("/connectors/{}/offsets", left.name);
    until("the offsets to be reset", SOON, || worker.rest.delete(&reset).status == 200);
    worker.rest.put(&format!("/connectors/{}/resume", left.name), &Value::Null).expect(202);
    left.assert_exactly_once();
    worker.stop();
}

#[test]
fn replicated_tables_are_judged_by_what_they_remember() {
    let server = Own::start("clickhouse-keeper");
    let (clickhouse, name) = (ClickHouse::at(&server.address), unique("replicated"));
    let mut config = sink(&clickhouse, &name, &name, 1);
    config["exactlyOnce"] = json!("true");
    let mut worker = worker();
    let class = config["connector.class"].as_str().unwrap_or_default().to_owned();
    config["name"] = json!(name);
    let refused = |settings: &str| {
        clickhouse.query(&format!("DROP TABLE IF EXISTS `{name}` SYNC"));
        clickhouse.query(&format!(
            "CREATE TABLE `{name}` (k UInt64) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{name}', 'one') ORDER BY k \
             {settings}"
        ));
        let answer =
            worker.rest.put(&format!("/connector-plugins/{class}/config/validate"), &config).expect(200);
        let found =
            answer["configs"].as_array().unwrap().iter().find(|one| one["value"]["name"] == "exactlyOnce");
        found.expect("the setting")["value"]["errors"].to_string()
    };
    assert_eq!(refused(""), "[]");
    for settings in ["replicated_deduplication_window = 0", "replicated_deduplication_window_seconds = 0"] {
        let errors = refused(&format!("SETTINGS {settings}"));
        assert!(
            errors.contains("MODIFY SETTING replicated_deduplication_window = 10000"),
            "{settings}: {errors}"
        );
    }
    worker.stop();
}
