//! A DynamoDB table comes to ClickHouse through a pipe: its export, then its changes, through kills, without any Kafka, and
//! with no more rights than its page documents.

use crate::dynamo_service::{DynamoDb, Guarded, KEY, OF_EXPORTS, SECRET, Sample, documented};
use penstock_tests::{ClickHouse, Kinesis, Worker, services, unique, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(120);

/// One table's way, from end to end.
struct Way {
    kinesis: Kinesis,
    clickhouse: ClickHouse,
    service: DynamoDb,
    guarded: Guarded,
    sample: Sample,
    /// Stream, table and connector.
    name: String,
}

impl Way {
    fn new(sample: Sample) -> Self {
        Self::without(sample, &[])
    }

    /// With fewer rights.
    fn without(sample: Sample, rights: &[&str]) -> Self {
        let (kinesis, name) = (Kinesis::shared(), unique("orders"));
        kinesis.create(&name, 2);
        sample.upload();
        let service = DynamoDb::start(&sample, &kinesis, &name);
        let policy = documented(&sample, &kinesis, &name).without(rights);
        let guarded = Guarded::new(&service, policy);
        Self { kinesis, clickhouse: ClickHouse::shared(), service, guarded, sample, name }
    }

    /// The example, with this run's addresses and names.
    fn example(&self) -> Value {
        let text = std::fs::read_to_string(services::checkout().join("config/dynamodb-pipe.json")).unwrap();
        let mut config = serde_json::from_str::<Value>(&text).unwrap()["config"].take();
        for (key, value) in [
            ("source.dynamodb.export.bucket", self.sample.bucket),
            ("source.dynamodb.export.prefix", &self.sample.prefix),
            ("source.kinesis.stream", &self.name),
            ("source.topic", &self.name),
            ("source.aws.region", "us-east-1"),
            ("sink.hostname", self.clickhouse.host()),
            ("sink.port", self.clickhouse.port()),
        ] {
            assert!(config[key].is_string(), "the example has no {key}");
            config[key] = json!(value);
        }
        for (key, value) in [
            ("source.aws.dynamodb.endpoint", self.guarded.dynamodb.as_str()),
            ("source.aws.kinesis.endpoint", &self.guarded.kinesis),
            ("source.aws.s3.endpoint", &self.guarded.s3),
            ("source.aws.access.key.id", KEY),
            ("source.aws.secret.access.key", SECRET),
            ("sink.penstock.batch.age.max.ms", "100"),
        ] {
            config[key] = json!(value);
        }
        config
    }

    /// The same for a table that is there, whose columns take numbers.
    fn config(&self, more: &[(&str, &str)]) -> Value {
        let mut config = self.example();
        let own = ["sink.tableCreation", "sink.tableEngine", "sink.tableOrderBy", "sink.schemaEvolution"];
        for key in own.iter().chain(&["source.dynamodb.numbers"]) {
            config.as_object_mut().unwrap().remove(*key).expect("a setting of the example");
        }
        for (key, value) in more {
            config[*key] = json!(value);
        }
        config
    }

    fn create_table(&self) {
        self.clickhouse.query(&format!(
            "CREATE TABLE `{}` (customer_id String, order_no UInt64, status String, total String, qty Int64, paid Bool, \
             note Nullable(String), tags Array(String), sizes Array(String), ship String, _raw_message String, \
             _version UInt256, _is_deleted Bool) ENGINE = ReplacingMergeTree(_version, _is_deleted) \
             ORDER BY (customer_id, order_no)",
            self.name
        ));
    }

    /// Rows as they are now, by the item's number: the text that came, without what tells rows of one item apart.
    fn found(&self) -> BTreeMap<u64, String> {
        let text = self.clickhouse.query(&format!(
            "SELECT order_no, base64Encode(_raw_message) FROM `{}` FINAL ORDER BY order_no FORMAT TSV",
            self.name
        ));
        let row = |line: &str| {
            let (number, raw) = line.split_once('\t').unwrap();
            let raw = String::from_utf8(base64(raw)).unwrap();
            let end = raw.rfind(",\"_version\":").expect("a version");
            (number.parse().unwrap(), format!("{}}}", &raw[..end]))
        };
        text.lines().map(row).collect()
    }

    fn await_final(&self) {
        let expected = self.sample.expected("expected.ndjson");
        let same = || self.found() == expected;
        let reached = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            until("the table to be as it should be", LONG, same);
        }));
        if reached.is_err() {
            let found = self.found();
            let wrong: Vec<_> = expected
                .iter()
                .filter(|(key, row)| found.get(key) != Some(row))
                .map(|(key, _)| key)
                .collect();
            let more: Vec<_> = found.keys().filter(|key| !expected.contains_key(key)).collect();
            panic!("seed {}: missing or wrong {wrong:?}, too many {more:?}", self.sample.summary["seed"]);
        }
    }

    fn rows(&self) -> u64 {
        self.clickhouse.count(&self.name)
    }

    fn newest(&self) -> String {
        self.clickhouse.query(&format!("SELECT max(_version) FROM `{}`", self.name))
    }

    fn phase(&self, worker: &Worker) -> Option<String> {
        let offsets = worker.rest.get(&format!("/connectors/{}/offsets", self.name)).expect(200);
        let all = offsets["offsets"].as_array().unwrap().clone();
        all.iter().find_map(|entry| entry["offset"]["phase"].as_str().map(str::to_owned))
    }

    /// No right was missing, and all were needed but these.
    fn end(self, mut worker: Worker, unused: &[&str]) {
        worker.stop();
        self.guarded.assert_least(unused);
        self.kinesis.delete(&self.name);
        self.clickhouse.query(&format!("DROP TABLE `{}`", self.name));
    }
}

fn base64(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

fn alone() -> Worker {
    Worker::standalone().unset("bootstrap.servers").start()
}

/// A kill while the snapshot is loaded, one while changes come, and half of these before the connector is there.
fn a_table_comes_through_kills(precision: &str) {
    let way = Way::new(Sample::make(precision, &["--items", "1500", "--changes", "2500", "--files", "5"]));
    way.create_table();
    let changes = way.sample.changes();
    let (before, after) = changes.split_at(changes.len() / 2);
    way.kinesis.put(&way.name, before);
    let mut worker = alone();
    // Small batches, so that there is a middle to be killed in.
    worker.create(&way.name, &way.config(&[("sink.penstock.batch.rows.max", "100")]));
    until("some rows of the snapshot", LONG, || way.rows() > 0);
    worker.kill();
    let loaded = way.rows();
    worker.start();
    until("the snapshot to be loaded", LONG, || way.phase(&worker).as_deref() == Some("loaded"));
    let seen = way.newest();
    way.kinesis.put(&way.name, &after[..after.len() / 2]);
    until("some changes", LONG, || way.newest() != seen);
    worker.kill();
    way.kinesis.put(&way.name, &after[after.len() / 2..]);
    worker.start();
    way.await_final();
    assert_eq!(way.service.exports(), 1, "one export, whatever happened");
    println!(
        "{precision}: killed with {loaded} rows, then among changes; {} rows of {} changes and {} items are {} items",
        way.rows(),
        changes.len(),
        way.sample.summary["items_in_export"],
        way.sample.summary["items_final"],
    );
    let digits = "extract(_raw_message, '\"total\":([^,}]*)')";
    let wrong = format!("SELECT countIf(total != {digits}) FROM `{}` FINAL", way.name);
    assert_eq!(way.clickhouse.number(&wrong), 0, "numbers keep their digits");
    way.end(worker, &["s3:ListBucket"]);
}

#[test]
fn a_table_with_microseconds_comes_through_kills() {
    a_table_comes_through_kills("MICROSECOND");
}

#[test]
fn a_table_with_milliseconds_comes_through_kills() {
    a_table_comes_through_kills("MILLISECOND");
}

#[test]
fn a_table_that_was_connected_long_ago_comes_through_kills() {
    a_table_comes_through_kills("LEGACY");
}

/// With the settings that the connector itself proposes.
#[test]
fn a_table_is_set_up_and_made_without_a_person() {
    let way = Way::new(Sample::make("MICROSECOND", &["--items", "200", "--changes", "600"]));
    way.kinesis.put(&way.name, &way.sample.changes());
    let worker = alone();
    let asked = "/penstock/v1/connector-plugins/DynamoDb/questions/setup";
    let own = way.config(&[]);
    let source: serde_json::Map<String, Value> = own
        .as_object()
        .unwrap()
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix("source.")?.to_owned(), value.clone())))
        .collect();
    let setup = worker.rest.post(asked, &json!({ "config": source })).expect(200);
    assert_eq!(setup["point_in_time_recovery"], false);
    assert_eq!(setup["stream"]["destination"], Value::Null);
    // The example says what the connector proposes.
    let mut config = way.example();
    for (key, value) in setup["sink"].as_object().unwrap() {
        assert_eq!(config[format!("sink.{key}")], *value, "{key}");
    }
    config["source.dynamodb.flatten.separator"] = json!("_");
    config["source.dynamodb.columns"] = json!("note=remark");
    worker.create(&way.name, &config);
    let expected = way.sample.expected("expected.ndjson");
    let query = format!("SELECT count() FROM `{}` FINAL", way.name);
    until("the table to be made and filled", LONG, || {
        way.clickhouse.try_query(&query).is_ok_and(|count| count == expected.len().to_string())
            && way.phase(&worker).as_deref() == Some("loaded")
    });
    let rows = format!(
        "SELECT concat(order_no, ' ', total, ' ', updated_us) FROM `{}` FINAL ORDER BY toUInt64(order_no)",
        way.name
    );
    let wanted: Vec<String> = expected
        .values()
        .map(|item| {
            format!("{} {} {}", field(item, "order_no"), field(item, "total"), field(item, "updated_us"))
        })
        .collect();
    until("the changes", LONG, || way.clickhouse.query(&rows).lines().eq(wanted.iter()));
    let made = way.clickhouse.query(&format!("SHOW CREATE TABLE `{}` FORMAT TSVRaw", way.name));
    for part in [
        "ReplacingMergeTree(_version, _is_deleted)",
        "ORDER BY (customer_id, order_no)",
        "`ship_city`",
        "`remark`",
    ] {
        assert!(made.contains(part), "{part}: {made}");
    }
    assert_set_up(&way);
    assert_told(&way, &worker, &source);
    way.end(worker, &["s3:ListBucket"]);
}

/// Each step after the one that it needs.
fn assert_set_up(way: &Way) {
    let calls = way.service.calls();
    let first = |action: &str| calls.iter().position(|call| call == action).unwrap();
    let order = [
        "DescribeTable",
        "EnableKinesisStreamingDestination",
        "UpdateContinuousBackups",
        "ExportTableToPointInTime",
        "DescribeExport",
    ];
    assert!(order.map(first).is_sorted(), "{calls:?}");
    let asked = way.service.said("ExportTableToPointInTime");
    assert_eq!(
        (&asked["ExportFormat"], &asked["S3Prefix"]),
        (&json!("DYNAMODB_JSON"), &json!(way.sample.prefix))
    );
    let asked = way.service.said("EnableKinesisStreamingDestination");
    let precision = &asked["EnableKinesisStreamingConfiguration"]["ApproximateCreationDateTimePrecision"];
    assert_eq!(precision, "MICROSECOND");
}

/// Progress is told by question and by metric.
fn assert_told(way: &Way, worker: &Worker, source: &serde_json::Map<String, Value>) {
    let progress = "/penstock/v1/connector-plugins/DynamoDb/questions/progress";
    let progress = worker.rest.post(progress, &json!({ "config": source })).expect(200);
    let tasks: Vec<_> = progress["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|task| task["connector"] == way.name.as_str())
        .cloned()
        .collect();
    assert_eq!(tasks.len(), 2, "{progress}");
    let total: u64 = tasks.iter().map(|task| task["rows"].as_u64().unwrap()).sum();
    assert_eq!(way.sample.summary["items_in_export"], total, "{progress}");
    let label = format!("connector=\"{}\"", way.name);
    assert!(worker.metric("penstock_plugin_value", &[&label, "name=\"snapshot_rows\""]) >= total as f64);
}

/// As a person would do it who follows the guide: `ClickHouse` loads the export, and the connector brings changes only.
#[test]
fn a_snapshot_may_be_loaded_by_hand() {
    let unneeded = [OF_EXPORTS.as_slice(), &["s3:GetObject", "s3:ListBucket"]].concat();
    let sample = Sample::make("MICROSECOND", &["--items", "200", "--changes", "600"]);
    let way = Way::without(sample, &unneeded);
    way.kinesis.put(&way.name, &way.sample.changes());
    let text = std::fs::read_to_string(services::checkout().join("config/dynamodb-manual.sql")).unwrap();
    let (from, to) = (
        "'https://orders-exports.s3.eu-central-1.amazonaws.com/penstock/",
        format!("'{}/{}/{}/", services::s3(), way.sample.bucket, way.sample.prefix),
    );
    assert!(text.contains(from));
    let text = text.replace(from, &to).replace(".gz', ", &format!(".gz', '{KEY}', '{SECRET}', "));
    let text = text.replace("orders_snapshot", &format!("`{}_x`", way.name)).replace("`_rows", "_rows`");
    let text = text.replace("EXISTS orders\n", &format!("EXISTS `{}`\n", way.name));
    let text = text.replace("TO orders AS", &format!("TO `{}` AS", way.name));
    for statement in text.split(';').filter(|statement| !statement.trim().is_empty()) {
        way.clickhouse.query(statement);
    }
    let count = way.clickhouse.number(&format!("SELECT count() FROM `{}` FINAL", way.name));
    assert_eq!(way.sample.summary["items_in_export"], count);
    let worker = alone();
    worker.create(&way.name, &way.config(&[("source.dynamodb.snapshot", "never")]));
    let expected = way.sample.expected("expected.ndjson");
    let rows = format!("SELECT order_no, total FROM `{}` FINAL ORDER BY order_no FORMAT TSV", way.name);
    let wanted: Vec<String> =
        expected.iter().map(|(number, item)| format!("{number}\t{}", field(item, "total"))).collect();
    until("the changes", LONG, || way.clickhouse.query(&rows).lines().eq(wanted.iter()));
    assert_eq!(way.service.exports(), 0);
    for table in ["_x", "_x_rows"] {
        way.clickhouse.query(&format!("DROP TABLE `{}{table}`", way.name));
    }
    way.end(worker, &[]);
}

/// A number of an item, as it stands there.
fn field<'a>(item: &'a str, name: &str) -> &'a str {
    let rest = item.split_once(&format!("\"{name}\":")).unwrap().1;
    rest.split([',', '}']).next().unwrap()
}
