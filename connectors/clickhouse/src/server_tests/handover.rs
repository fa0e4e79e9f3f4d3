//! Partitions that are taken over from clickhouse-kafka-connect, by a state table like its own.
//!
//! `EmbeddedRocksDB` stands in for `KeeperMap`, which needs `ZooKeeper`: both keep the last row of a key.
use std::time::Duration;

use penstock_sdk::Kind;

use super::*;
use crate::check;
use crate::exact::Promise;

const STATE: &str = "(`key` String, minOffset BIGINT, maxOffset BIGINT, state String) ENGINE = EmbeddedRocksDB PRIMARY KEY `key`";
const KEEPS: &str = "ENGINE = MergeTree ORDER BY k SETTINGS non_replicated_deduplication_window = 100";

fn lab() -> Lab {
    let lab = Lab::new();
    lab.run(&format!("CREATE TABLE @.t (k Int64) {KEEPS}"));
    lab.run(&format!("CREATE TABLE @.connect_state {STATE}"));
    lab
}

fn exact(lab: &Lab, more: &[(&str, &str)]) -> Delivery {
    let mut settings = vec![
        ("connector.class", "com.clickhouse.kafka.connect.ClickHouseSinkConnector"),
        ("exactlyOnce", "true"),
    ];
    settings.extend_from_slice(more);
    lab.delivery(&settings)
}

fn promise(token: &str, is_repeated: bool) -> Promise<'_> {
    Promise { token, age: Duration::ZERO, is_repeated, is_foreign: false, may_send: &|| true }
}

/// The same as the Java connector has it, also where the table asks for more.
fn value(offset: i64) -> String {
    format!("{{\"k\":{offset},\"_topic\":\"t\",\"_partition\":0,\"_offset\":{offset}}}")
}

/// Writes offsets of partition 0, each as the row of its number.
fn offsets(
    delivery: &mut Delivery,
    token: &str,
    is_repeated: bool,
    offsets: std::ops::Range<i64>,
) -> Result<Outcome> {
    let values: Vec<_> = offsets.map(|offset| (offset, value(offset))).collect();
    let mut records = Vec::new();
    for (offset, value) in &values {
        let (offset, value) = (*offset, Some(value.as_bytes()));
        records.push(Incoming { topic: "t", partition: 0, offset, value, ..Incoming::default() });
    }
    delivery.write(&records, Some(&promise(token, is_repeated)))
}

/// Inserts as the Java connector does, and keeps its state.
fn java(lab: &Lab, offsets: std::ops::Range<i64>, state: &str, is_stored: bool) {
    let (min, max) = (offsets.start, offsets.end - 1);
    if is_stored {
        lab.run(&format!(
            "INSERT INTO @.t SETTINGS insert_deduplication_token = 't-0-{min}-{max}' \
             SELECT number + {min} FROM numbers({})",
            offsets.end - min
        ));
    }
    lab.run(&format!("INSERT INTO @.connect_state VALUES ('t-0', {min}, {max}, '{state}')"));
}

#[track_caller]
fn assert_once(lab: &Lab, rows: i64) {
    let (rows, last) = (rows.to_string(), (rows - 1).to_string());
    assert_eq!(lab.run("SELECT count(), uniqExact(k), max(k) FROM @.t"), [[rows.clone(), rows, last]]);
}

#[test]
fn what_the_java_connector_inserted_is_left_out() {
    let lab = lab();
    java(&lab, 0..50, "AFTER_PROCESSING", true);
    java(&lab, 50..100, "AFTER_PROCESSING", true);
    let mut delivery = exact(&lab, &[]);
    let outcome = offsets(&mut delivery, "p", false, 20..70).unwrap();
    assert_eq!((outcome.rows, outcome.inserts), (0, 0));
    assert_eq!(delivery.take_notices()[0].count, 50);
    // Another task finds the plan, and a third one goes on.
    offsets(&mut exact(&lab, &[]), "p", true, 20..70).unwrap();
    offsets(&mut delivery, "q", false, 70..130).unwrap();
    offsets(&mut exact(&lab, &[]), "q", true, 70..130).unwrap();
    offsets(&mut delivery, "r", false, 130..150).unwrap();
    // A task that comes late with a plan of before.
    offsets(&mut exact(&lab, &[]), "p", true, 20..70).unwrap();
    offsets(&mut delivery, "q", true, 70..130).unwrap();
    assert_once(&lab, 150);
}

#[test]
fn a_range_that_was_begun_comes_out_once_whether_or_not_it_was_stored() {
    for is_stored in [true, false] {
        let lab = lab();
        java(&lab, 0..50, "AFTER_PROCESSING", true);
        java(&lab, 50..100, "BEFORE_PROCESSING", is_stored);
        let outcome = offsets(&mut exact(&lab, &[]), "p", false, 20..130).unwrap();
        assert_eq!((outcome.rows, outcome.inserts), (80, 2));
        offsets(&mut exact(&lab, &[]), "p", true, 20..130).unwrap();
        offsets(&mut exact(&lab, &[]), "q", false, 130..150).unwrap();
        assert_once(&lab, 150);
    }
}

#[test]
fn a_begun_range_is_looked_up_where_the_table_has_places() {
    let lab = lab();
    lab.run("DROP TABLE @.t");
    lab.run(&format!("CREATE TABLE @.t (k Int64, _topic String, _partition Int32, _offset Int64) {KEEPS}"));
    // Its token is forgotten.
    lab.run("INSERT INTO @.t SELECT number, 't', 0, number FROM numbers(60)");
    java(&lab, 50..60, "BEFORE_PROCESSING", false);
    let outcome = offsets(&mut exact(&lab, &[]), "p", false, 50..80).unwrap();
    assert_eq!(outcome.rows, 20);
    assert_once(&lab, 80);
}

#[test]
fn a_begun_range_that_a_batch_cuts_stops_the_task_until_it_is_read_whole() {
    let lab = lab();
    java(&lab, 0..50, "AFTER_PROCESSING", true);
    java(&lab, 50..100, "BEFORE_PROCESSING", true);
    let mut delivery = exact(&lab, &[]);
    let error = offsets(&mut delivery, "p", false, 20..80).unwrap_err();
    assert_eq!(error.kind(), &Kind::Config, "{error}");
    assert!(error.message().contains("set this partition's offset to 50"), "{error}");
    offsets(&mut delivery, "q", false, 50..120).unwrap();
    assert_once(&lab, 120);
}

#[test]
fn offsets_that_are_moved_back_afterwards_bring_everything_again() {
    let lab = lab();
    java(&lab, 0..100, "AFTER_PROCESSING", true);
    offsets(&mut exact(&lab, &[]), "p", false, 20..120).unwrap();
    assert_once(&lab, 120);
    // The import is not over yet, as no plan has begun behind it: the same offsets in another plan are moved ones.
    let mut delivery = exact(&lab, &[]);
    assert_eq!(offsets(&mut delivery, "q", false, 50..70).unwrap().rows, 20);
    assert!(delivery.take_notices()[0].sentence.contains("offsets were altered"));
    assert_eq!(offsets(&mut exact(&lab, &[]), "q", true, 50..70).unwrap().rows, 20, "sent and dropped");
    assert_eq!(lab.run("SELECT count() FROM @.t"), [["140"]]);
    offsets(&mut exact(&lab, &[]), "r", false, 0..120).unwrap();
    assert_eq!(lab.run("SELECT count() FROM @.t"), [["260"]]);
}

#[test]
fn a_partition_from_offset_0_asks_for_a_decision() {
    let lab = lab();
    java(&lab, 0..50, "AFTER_PROCESSING", true);
    java(&lab, 50..100, "AFTER_PROCESSING", true);
    let error = offsets(&mut exact(&lab, &[]), "p", false, 0..120).unwrap_err();
    assert!(error.message().starts_with("stateImport: t-0 is read from offset 0"), "{error}");
    offsets(&mut exact(&lab, &[("stateImport", "on")]), "p", false, 0..120).unwrap();
    assert_once(&lab, 120);
    offsets(&mut exact(&lab, &[("stateImport", "off")]), "q", false, 0..120).unwrap();
    assert_eq!(lab.run("SELECT count() FROM @.t"), [["240"]]);
}

#[test]
fn a_state_table_that_is_missing_or_forbidden_is_told_with_what_to_do() {
    let lab = lab();
    let named = [("stateImport", "on"), ("zkDatabase", "elsewhere")];
    let error = offsets(&mut exact(&lab, &named), "p", false, 0..9).unwrap_err();
    assert!(
        error.message().contains("elsewhere, where clickhouse-kafka-connect keeps its state, does not exist"),
        "{error}"
    );
    offsets(&mut exact(&lab, &named[1..]), "p", false, 0..9).unwrap();
    assert_once(&lab, 9);

    let user = [("username", "writer"), ("password", "writer"), ("zkDatabase", "t")];
    let error = offsets(&mut exact(&lab, &user), "p", false, 0..9).unwrap_err();
    assert!(error.message().contains("zkDatabase must name the state table"), "{error}");
    // It may insert, which is enough without a state to take over.
    let user = [("username", "inserter"), ("password", "inserter")];
    let error = offsets(&mut exact(&lab, &user), "p", false, 0..9).unwrap_err();
    assert_eq!(error.kind(), &Kind::Config, "{error}");
    let remedy = format!("grant SELECT and INSERT on {}.connect_state", lab.database);
    assert!(error.message().contains(&remedy), "{error}");
    assert_once(&lab, 9);

    let url = std::env::var("PENSTOCK_TEST_CLICKHOUSE").unwrap();
    let config = config(&named).with("database", &lab.database).with("exactlyOnce", "true").with("url", url);
    let problems = check::outside(&config);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].setting, "stateImport");
}

#[test]
fn an_unknown_state_is_no_guess() {
    let lab = lab();
    lab.run("INSERT INTO @.connect_state VALUES ('t-0', 0, 9, 'IN_PROCESSING')");
    let error = offsets(&mut exact(&lab, &[]), "p", false, 5..20).unwrap_err();
    assert!(error.message().contains("a state of t-0 that is not known: 0 to 9, IN_PROCESSING"), "{error}");
    assert_eq!(lab.run("SELECT count() FROM @.t"), [["0"]]);
}

#[test]
fn nothing_is_marked_when_the_task_may_be_elsewhere() {
    let lab = lab();
    java(&lab, 0..50, "AFTER_PROCESSING", true);
    let lost = Promise { may_send: &|| false, ..promise("p", false) };
    let records =
        [Incoming { topic: "t", partition: 0, offset: 7, value: Some(b"{}"), ..Incoming::default() }];
    let error = exact(&lab, &[]).write(&records, Some(&lost)).unwrap_err();
    assert_eq!(error.kind(), &Kind::Retry { after: None }, "{error}");
    assert_eq!(lab.run("SELECT count() FROM @.connect_state"), [["1"]]);
}
