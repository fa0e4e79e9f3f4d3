//! A million records from Kafka into ClickHouse, through the plugin loaded from a directory.

use penstock_tests::million::Records;
use penstock_tests::poll::until_calm;
use penstock_tests::services::Own;
use penstock_tests::{ClickHouse, Kafka, Worker, unique, until};
use serde_json::{Value, json};
use std::panic::AssertUnwindSafe;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// A million rows take seconds; this is for machines that do ten other things.
pub const LONG: Duration = Duration::from_secs(300);

/// The topic with the million records: read by several tests, each with a group of its own.
fn million() -> (&'static Records, &'static str) {
    static RECORDS: Records = Records::million(42);
    static TOPIC: OnceLock<String> = OnceLock::new();
    let topic = TOPIC.get_or_init(|| {
        let topic = unique("million");
        RECORDS.produce(&Kafka::shared(), &topic);
        topic
    });
    (&RECORDS, topic)
}

/// The connector's config, as a user of Java's connector writes it.
pub fn sink(clickhouse: &ClickHouse, topic: &str, table: &str, tasks: u32) -> Value {
    json!({
        "connector.class": "com.clickhouse.kafka.connect.ClickHouseSinkConnector",
        "tasks.max": tasks.to_string(),
        "topics": topic,
        "hostname": clickhouse.host(),
        "port": clickhouse.port(),
        "database": "default",
        "username": "default",
        "password": "",
        "topic2TableMap": format!("{topic}={table}"),
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
    })
}

/// Waits until the connector has committed everything that is in the topic.
pub fn await_committed(connector: &str, topic: &str) {
    let kafka = Kafka::shared();
    let ends = kafka.ends(topic);
    let group = format!("connect-{connector}");
    until(&format!("{group} to commit {ends:?}"), LONG, || kafka.committed(&group, topic) == ends);
}

fn carry_a_million(tasks: u32) {
    let (records, topic) = million();
    let (clickhouse, name) = (ClickHouse::shared(), unique("orders"));
    records.create_table(&clickhouse, &name);
    let mut worker = Worker::distributed().start();
    let start = Instant::now();
    worker.create(&name, &sink(&clickhouse, topic, &name, tasks));
    until("all rows to arrive", LONG, || clickhouse.count(&name) >= records.total());
    println!("{} rows with {tasks} task(s) in {:?} from the request on", records.total(), start.elapsed());
    await_committed(&name, topic);
    records.assert_exactly_once(&clickhouse, &name);
    let label = format!("connector=\"{name}\"");
    let counted = worker.metric("penstock_task_records_written_total", &[&label]);
    assert!(counted >= records.total() as f64, "the metric counts {counted} records");
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{name}`"));
}

#[test]
fn a_million_records_arrive_once_with_one_task() {
    carry_a_million(1);
}

#[test]
fn a_million_records_arrive_once_with_two_tasks() {
    carry_a_million(2);
}

#[test]
fn nothing_is_lost_when_the_worker_is_killed_three_times() {
    let (records, topic) = million();
    let (clickhouse, name) = (ClickHouse::shared(), unique("killed"));
    records.create_table(&clickhouse, &name);
    // Commits often, so that each kill comes after some: what a commit covers must not come again.
    let mut worker = Worker::distributed().set("offset.flush.interval.ms", "100").start();
    let mut config = sink(&clickhouse, topic, &name, 2);
    config["penstock.batch.rows.max"] = json!("10000");
    worker.submit(&name, &config);
    let committed = || -> i64 {
        Kafka::shared().committed(&format!("connect-{name}"), topic).iter().map(|offset| offset.max(&0)).sum()
    };
    let (mut seen, mut stored) = (0, 0);
    for kill in 1..=3 {
        until("more rows to arrive and a commit", LONG, || {
            clickhouse.count(&name) > seen && committed() > stored
        });
        worker.kill();
        stored = committed();
        seen = until_calm("inserts on their way to end", Duration::from_secs(1), LONG, || {
            clickhouse.count(&name)
        });
        assert!(seen < records.total(), "kill {kill} came when all rows had arrived: it shows nothing");
        println!("kill {kill} at {seen} rows, {stored} of them committed");
        worker.start();
    }
    until("all rows to arrive", LONG, || {
        clickhouse.number(&format!("SELECT uniqExact(part, seq) FROM `{name}`")) >= records.total()
    });
    await_committed(&name, topic);
    let doubled = records.assert_complete(&clickhouse, &name);
    println!("killed three times: nothing lost, {doubled} of {} rows doubled", records.total());
    assert!(doubled < records.total(), "no commit was of any use");
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{name}`"));
}

#[test]
fn a_stop_of_clickhouse_for_20_seconds_loses_nothing() {
    const OUTAGE: Duration = Duration::from_secs(20);
    let (records, topic) = million();
    let server = Own::start("clickhouse");
    let (clickhouse, name) = (ClickHouse::at(&server.address), unique("outage"));
    records.create_table(&clickhouse, &name);
    // The outage is the worker's business to report; anything else in its log is not.
    let mut worker = Worker::distributed().allow("clickhouse").allow("127.0.0.1").start();
    worker.submit(&name, &sink(&clickhouse, topic, &name, 1));
    until("the first rows to arrive", LONG, || clickhouse.count(&name) > 0);
    server.stop();
    let start = Instant::now();
    let kafka = Kafka::shared();
    let group = format!("connect-{name}");
    let mut last = Vec::new();
    until("20 seconds to pass", LONG, || {
        assert_eq!(worker.rest.get("/health").status, 200, "the worker answers during the outage");
        last = kafka.committed(&group, topic);
        start.elapsed() > OUTAGE
    });
    let committed: i64 = last.iter().map(|offset| offset.max(&0)).sum();
    assert!(committed < records.total() as i64, "all was committed before the outage: it shows nothing");
    server.start_again();
    let kept = clickhouse.count(&name);
    println!("{committed} records committed and {kept} rows in the table when ClickHouse came back");
    assert!(committed as u64 <= kept, "offsets moved past what ClickHouse had acknowledged");
    until("all rows to arrive", LONG, || {
        clickhouse.number(&format!("SELECT uniqExact(part, seq) FROM `{name}`")) >= records.total()
    });
    await_committed(&name, topic);
    let doubled = records.assert_complete(&clickhouse, &name);
    println!("an outage of 20 s: nothing lost, {doubled} of {} rows doubled", records.total());
    worker.await_running(&name, 1);
    worker.stop();
}

/// The expected sums come from SQL expressions: ClickHouse's own JSON reader must agree with them, and a single
/// changed value must be seen, or the tests above show nothing.
#[test]
fn the_expected_sums_are_those_of_clickhouses_own_reader() {
    let (clickhouse, table) = (ClickHouse::shared(), unique("oracle"));
    let records = Records { per_partition: 5_000, ..Records::million(9) };
    let topic = unique("oracle");
    records.produce(&Kafka::shared(), &topic);
    let lines: Vec<String> =
        Kafka::shared().read(&topic).iter().map(|record| record.text().to_owned()).collect();
    assert_eq!(lines.len() as u64, records.total());
    records.create_table(&clickhouse, &table);
    let settings =
        "SETTINGS input_format_skip_unknown_fields = 1, input_format_defaults_for_omitted_fields = 1";
    let insert = format!("INSERT INTO `{table}` {settings} FORMAT JSONEachRow\n{}", lines.join("\n"));
    clickhouse.query(&insert);
    records.assert_exactly_once(&clickhouse, &table);
    let change = "ALTER TABLE `{table}` UPDATE ratio = ratio + 0.125 WHERE part = 2 AND seq = 77 \
                  SETTINGS mutations_sync = 1";
    clickhouse.query(&change.replace("{table}", &table));
    let seen = std::panic::catch_unwind(AssertUnwindSafe(|| records.assert_complete(&clickhouse, &table)));
    let message = seen.expect_err("a changed value was not seen");
    let message = message.downcast_ref::<String>().unwrap();
    assert!(message.contains("checksum of column ratio"), "{message}");
    clickhouse.query(&format!("DROP TABLE `{table}`"));
}
