//! A stream comes to ClickHouse through a pipe, without any Kafka: all of it, through reshards and kills.

use crate::kinesis::source;
use penstock_tests::{ClickHouse, Kinesis, Worker, unique, until};
use serde_json::{Value, json};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(180);
const KEYS: u64 = 50;

/// Rounds from `from` on, each key once in each.
fn rounds(from: u64, count: u64) -> Vec<(String, Vec<u8>)> {
    let one = |round: u64| {
        (0..KEYS).map(move |key| (format!("key-{key}"), json!({ "round": round }).to_string().into_bytes()))
    };
    (from..from + count).flat_map(one).collect()
}

/// The source's settings below `source.`, and ClickHouse as the sink.
pub fn pipe(kinesis: &Kinesis, clickhouse: &ClickHouse, stream: &str) -> Value {
    let mut config = json!({
        "connector.class": "Pipe",
        "tasks.max": "2",
        "sink.connector.class": "ClickHouseSink",
        "sink.hostname": clickhouse.host(),
        "sink.port": clickhouse.port(),
        "sink.penstock.batch.age.max.ms": "100",
    });
    for (key, value) in source(kinesis, stream, 2, &[]).as_object().unwrap() {
        if key != "tasks.max" && key != "value.converter" {
            config[format!("source.{key}")] = value.clone();
        }
    }
    config
}

#[test]
fn a_stream_reaches_clickhouse_through_reshards_and_kills() {
    let (kinesis, clickhouse, stream) = (Kinesis::shared(), ClickHouse::shared(), unique("piped"));
    clickhouse.query(&format!(
        "CREATE TABLE `{stream}` (_key String, _stream String, _shard String, _sequence_number String, \
         _timestamp DateTime64(3), round UInt64) ENGINE = MergeTree ORDER BY _key"
    ));
    kinesis.create(&stream, 4);
    let mut worker = Worker::standalone().unset("bootstrap.servers").start();
    worker.create(&stream, &pipe(&kinesis, &clickhouse, &stream));
    let seen = || clickhouse.number(&format!("SELECT uniqExact(_shard, _sequence_number) FROM `{stream}`"));
    let mut written = 0;
    for shards in [8, 3, 3] {
        kinesis.put(&stream, &rounds(written, 20));
        written += 20;
        until("some rows of this round", LONG, || seen() > (written - 20) * KEYS);
        worker.kill();
        kinesis.put(&stream, &rounds(written, 20));
        written += 20;
        kinesis.reshard(&stream, shards);
        kinesis.put(&stream, &rounds(written, 20));
        written += 20;
        worker.start();
    }
    until("every record", LONG, || seen() >= written * KEYS);
    // Once in effect: one row for each round of each key, in the order in which the stream has them.
    let whole = format!(
        "SELECT count() FROM (SELECT _key, arrayMap(x -> x.2, arraySort(groupUniqArray((toUInt256(_sequence_number), \
         round)))) AS rounds FROM `{stream}` GROUP BY _key) WHERE rounds = range({written})"
    );
    assert_eq!(clickhouse.number(&whole), KEYS);
    let named = format!("SELECT countIf(_stream != '{stream}' OR _timestamp < now() - 3600) FROM `{stream}`");
    assert_eq!(clickhouse.number(&named), 0);
    let again = clickhouse.count(&stream) - written * KEYS;
    println!("{again} of {} records came again, by 3 kills", written * KEYS);
    let offsets = worker.rest.get(&format!("/connectors/{stream}/offsets")).expect(200);
    assert!(offsets["offsets"].as_array().unwrap().len() >= 4, "{offsets}");
    worker.stop();
    kinesis.delete(&stream);
    clickhouse.query(&format!("DROP TABLE `{stream}`"));
}
