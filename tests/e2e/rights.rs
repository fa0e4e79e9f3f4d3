//! Kinesis is read and written as the least-privileged identity that docs/aws.md documents, and a right that is missing is
//! named: the guard before the emulator lets nothing else pass.

use crate::dynamo_faults::trace;
use crate::kinesis::source;
use crate::kinesis_pipe::pipe;
use crate::kinesis_sink::sink;
use penstock_tests::rights::{Guard, Policy};
use penstock_tests::{ClickHouse, Kafka, Kinesis, SOON, Worker, services, unique, until, with};
use serde_json::{Value, json};
use std::fmt::Write;

const PAGE: &str = include_str!("../../docs/aws.md");
const EXAMPLE: &str = "arn:aws:kinesis:eu-central-1:123456789012:stream/orders";
const RECORDS: u64 = 200;

/// A stream of two shards, behind a guard.
struct Guarded {
    guard: Guard,
    kinesis: Kinesis,
    /// The way through the guard.
    through: Kinesis,
    name: String,
    arn: String,
}

impl Guarded {
    fn new() -> Self {
        let (kinesis, name) = (Kinesis::shared(), unique("rights"));
        kinesis.create(&name, 2);
        let told = kinesis.call("DescribeStreamSummary", &json!({ "StreamName": name }));
        let arn = told["StreamDescriptionSummary"]["StreamARN"].as_str().unwrap().to_owned();
        let guard = Guard::default();
        let through = Kinesis::at(&guard.before(&kinesis.url));
        Self { guard, kinesis, through, name, arn }
    }

    /// What the page says below a heading, for this stream.
    fn documented(&self, heading: &str) -> Policy {
        Policy::documented(PAGE, heading, &[(EXAMPLE, &self.arn)])
    }

    fn put(&self) {
        let record = |id: u64| (format!("key-{id}"), json!({ "round": id }).to_string().into_bytes());
        self.kinesis.put(&self.name, &(0..RECORDS).map(record).collect::<Vec<_>>());
    }

    /// The line of a policy, as a denial names it.
    fn line(&self, action: &str) -> String {
        let is_of_consumer = ["Subscribe", "DescribeStreamConsumer"].iter().any(|part| action.contains(part));
        let consumer = if is_of_consumer { "/consumer/" } else { "\"}" };
        format!("{{\"Effect\":\"Allow\",\"Action\":\"{action}\",\"Resource\":\"{}{consumer}", self.arn)
    }

    #[track_caller]
    fn assert_least(&self, who: &str) {
        assert!(self.guard.refused(who).is_empty(), "{who} was refused {:?}", self.guard.refused(who));
        assert!(self.guard.unused(who).is_empty(), "{who} never needed {:?}", self.guard.unused(who));
    }
}

fn create_table(clickhouse: &ClickHouse, table: &str) {
    clickhouse.query(&format!(
        "CREATE TABLE `{table}` (_shard String, _sequence_number String, round UInt64) ENGINE = MergeTree ORDER BY round"
    ));
}

/// Somebody's pipe to a table.
fn piped(
    stream: &Guarded,
    clickhouse: &ClickHouse,
    (who, table): (&str, &str),
    more: &[(&str, &str)],
) -> Value {
    let own = [("source.topic", table), ("source.aws.access.key.id", who), ("tasks.max", "1")];
    with(with(pipe(&stream.through, clickhouse, &stream.name), &own), more)
}

/// Why a connector is refused; none if it is taken.
pub fn refused(worker: &Worker, name: &str, config: &Value) -> Option<String> {
    let answer = worker.rest.post("/connectors", &json!({ "name": name, "config": config }));
    (answer.status != 201).then(|| answer.body["message"].as_str().unwrap_or_default().to_owned())
}

/// Why a connector is refused, or its task fails.
fn refusal(worker: &Worker, name: &str, config: &Value) -> String {
    refused(worker, name, config).unwrap_or_else(|| trace(worker, name))
}

const FANOUT: (&str, &str) = ("source.kinesis.mode", "fanout");
const DELETES: (&str, &str) = ("source.kinesis.consumer.delete.on.stop", "true");
/// Known to the server of tokens.
const SERVICE: &str = "service";
const ROLE: &str = "arn:aws:iam::000000000000:role/PenstockReader";

#[test]
fn a_stream_is_read_with_the_documented_rights() {
    let (stream, clickhouse) = (Guarded::new(), ClickHouse::shared());
    stream.put();
    let (polling, fanout) = (stream.documented("### Polling"), stream.documented("### Enhanced fan-out"));
    let role =
        Policy::documented(PAGE, "### Role", &[("arn:aws:iam::123456789012:role/penstock-reader", ROLE)]);
    for (who, policy) in [
        ("polling", polling.clone()),
        ("auto", polling.clone()),
        ("fanout", fanout),
        (SERVICE, role),
        (ROLE, polling),
    ] {
        stream.guard.admit(who, policy);
    }
    let tokens = stream.guard.before(&services::s3());
    let ways: [(&str, &[(&str, &str)]); 4] = [
        ("polling", &[]),
        ("auto", &[("source.kinesis.mode", "auto")]),
        ("fanout", &[FANOUT, DELETES]),
        (
            SERVICE,
            &[
                ("source.aws.secret.access.key", "service-secret"),
                ("source.aws.role.arn", ROLE),
                ("source.aws.sts.endpoint", &tokens),
            ],
        ),
    ];
    let mut worker = Worker::standalone().unset("bootstrap.servers").start();
    let tables = ways.map(|(who, more)| {
        let table = unique(who);
        create_table(&clickhouse, &table);
        worker.create(&table, &piped(&stream, &clickhouse, (who, &table), more));
        table
    });
    for table in &tables {
        let seen = format!("SELECT uniqExact(round) FROM `{table}`");
        until("every record", SOON, || clickhouse.number(&seen) == RECORDS);
    }
    // The consumer is removed when the first task ends.
    worker.stop();
    for who in ["polling", "fanout", SERVICE, ROLE] {
        stream.assert_least(who);
    }
    let summary = format!("kinesis:DescribeStreamSummary on {}", stream.arn);
    assert_eq!(stream.guard.refused("auto"), [summary], "why it polls");
    stream.kinesis.delete(&stream.name);
    for table in tables {
        clickhouse.query(&format!("DROP TABLE `{table}`"));
    }
}

#[test]
fn each_right_that_is_missing_is_named_by_the_source() {
    let (stream, clickhouse) = (Guarded::new(), ClickHouse::shared());
    stream.put();
    create_table(&clickhouse, &stream.name);
    let mut worker = Worker::standalone().unset("bootstrap.servers").allow("is denied to").start();
    let polling: (&str, &[(&str, &str)]) = ("### Polling", &[]);
    for (heading, more) in [polling, ("### Enhanced fan-out", &[FANOUT])] {
        let whole = stream.documented(heading);
        // Without this one the consumer stays, and that is in the log.
        let all = whole.rights().into_iter().filter(|(_, action)| !action.contains("Deregister"));
        for (_, action) in all {
            let who = unique("without");
            stream.guard.admit(&who, whole.clone().without(&[&action]));
            let told = refusal(&worker, &who, &piped(&stream, &clickhouse, (&who, &stream.name), more));
            let denied = format!("stream {}: {action} is denied to access key {who}", stream.name);
            for part in [denied, stream.line(&action)] {
                assert!(told.contains(&part), "expected {part} in {told}");
            }
        }
    }
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{}`", stream.name));
    stream.kinesis.delete(&stream.name);
}

#[test]
fn a_role_that_may_not_be_assumed_is_named() {
    let stream = Guarded::new();
    let mut worker = Worker::standalone().unset("bootstrap.servers").start();
    let tokens = stream.guard.before(&services::s3());
    let more = [("aws.role.arn", ROLE), ("aws.sts.endpoint", tokens.as_str())];
    let config = source(&stream.through, &stream.name, 1, &more);
    let path = "/connector-plugins/KinesisSource/config/validate";
    let told = worker.rest.send("PUT", path, Some(&config)).unwrap().expect(200).to_string();
    for part in ["sts:AssumeRole", ROLE, "there are no valid credentials"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    worker.stop();
    stream.kinesis.delete(&stream.name);
}

#[test]
fn a_stream_is_written_with_the_documented_rights_and_a_missing_one_is_named() {
    let (stream, kafka) = (Guarded::new(), Kafka::shared());
    let policy = stream.documented("### Sink");
    stream.guard.admit("sink", policy.clone());
    stream.guard.admit("put-only", policy.clone().without(&["kinesis:ListShards"]));
    stream.guard.admit("list-only", policy.without(&["kinesis:PutRecords"]));
    kafka.create_topic(&stream.name, 1);
    let mut number = 0..RECORDS;
    kafka.produce(&stream.name, |key, value| {
        let number = number.next()?;
        let _ = write!(key, "key-{number}");
        value.push_str(&number.to_string());
        Some(0)
    });
    let of = |who: &str| {
        sink(&stream.through, &stream.name, &stream.name, &[("aws.access.key.id", who), ("tasks.max", "1")])
    };
    let mut worker = Worker::standalone().allow("is denied to").start();
    for (rounds, who) in [(1, "sink"), (2, "put-only")] {
        worker.create(&unique(who), &of(who));
        until("every record", SOON, || stream.kinesis.read(&stream.name).len() as u64 >= rounds * RECORDS);
    }
    stream.assert_least("sink");
    assert_eq!(stream.guard.refused("put-only"), [format!("kinesis:ListShards on {}", stream.arn)]);
    let told = refusal(&worker, &unique("list-only"), &of("list-only"));
    for part in ["kinesis:PutRecords is denied to access key list-only", &stream.line("kinesis:PutRecords")] {
        assert!(told.contains(part), "expected {part} in {told}");
    }
    worker.stop();
    stream.kinesis.delete(&stream.name);
}
