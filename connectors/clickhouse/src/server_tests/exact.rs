//! Exactly-once: what a repeated plan leaves in the table, and which tables are refused.
use std::time::Duration;

use penstock_sdk::Kind;

use super::*;
use crate::exact::Promise;

const KEEPS: &str = "SETTINGS non_replicated_deduplication_window = 100";

fn exact(lab: &Lab) -> Delivery {
    lab.delivery(&[("exactlyOnce", "true")])
}

/// Records of topic `t`; offsets count from 0, odd ones lie in partition 1.
fn records(values: &[String]) -> Vec<Incoming<'_>> {
    let mut records = Vec::new();
    for (offset, value) in values.iter().enumerate() {
        let (partition, value) = (offset as i32 % 2, Some(value.as_bytes()));
        records.push(Incoming { topic: "t", partition, offset: offset as i64, value, ..Incoming::default() });
    }
    records
}

fn promise(token: &str, age: Duration) -> Promise<'_> {
    Promise { token, age, is_repeated: true, is_foreign: false, may_send: &|| true }
}

#[test]
fn a_plan_that_comes_again_in_another_order_changes_nothing() {
    let lab = Lab::new();
    // An array with a DEFAULT makes several blocks of one insert, a partition key several parts.
    lab.run(&format!(
        "CREATE TABLE @.t (k UInt32, a Array(UInt8) DEFAULT [7]) ENGINE = MergeTree PARTITION BY k % 3 ORDER BY k {KEEPS}"
    ));
    let values: Vec<_> = (0..40)
        .map(|k| if k % 4 == 0 { format!("{{\"k\":{k},\"a\":[{k}]}}") } else { format!("{{\"k\":{k}}}") })
        .collect();
    let mut records = records(&values);
    for round in 0..3 {
        let outcome = exact(&lab).write(&records, Some(&promise("p", Duration::ZERO))).unwrap();
        assert_eq!(outcome.inserts, 1, "round {round}");
        records.sort_by_key(|record| (record.partition, record.offset));
    }
    assert_eq!(lab.run("SELECT count(), uniqExact(k), sum(a[1]) FROM @.t"), [["40", "40", "390"]]);
    exact(&lab).write(&records, Some(&promise("q", Duration::ZERO))).unwrap();
    assert_eq!(lab.run("SELECT count() FROM @.t"), [["80"]]);
}

#[test]
fn parts_of_a_plan_that_was_cut_up_keep_their_tokens() {
    let lab = Lab::new();
    lab.run(&format!(
        "CREATE TABLE @.t (k UInt32, CONSTRAINT c CHECK k % 100 != 17) ENGINE = MergeTree ORDER BY k {KEEPS}"
    ));
    let values: Vec<_> = (0..250).map(|k| format!("{{\"k\":{k}}}")).collect();
    let records = records(&values);
    for _ in 0..2 {
        let outcome = exact(&lab).write(&records, Some(&promise("p", Duration::ZERO))).unwrap();
        assert_eq!(outcome.rejected.len(), 3);
    }
    assert_eq!(lab.run("SELECT count(), uniqExact(k) FROM @.t"), [["247", "247"]]);
}

#[test]
fn views_get_a_repeated_plan_once() {
    let lab = Lab::new();
    lab.run(&format!("CREATE TABLE @.t (k UInt32) ENGINE = MergeTree ORDER BY k {KEEPS}"));
    lab.run(&format!("CREATE TABLE @.copy (k UInt32) ENGINE = MergeTree ORDER BY k {KEEPS}"));
    lab.run("CREATE MATERIALIZED VIEW @.view TO @.copy AS SELECT k FROM @.t");
    let values: Vec<_> = (0..10).map(|k| format!("{{\"k\":{k}}}")).collect();
    for _ in 0..2 {
        exact(&lab).write(&records(&values), Some(&promise("p", Duration::ZERO))).unwrap();
    }
    assert_eq!(lab.run("SELECT count() FROM @.t"), [["10"]]);
    assert_eq!(lab.run("SELECT count() FROM @.copy"), [["10"]]);
}

#[test]
fn an_old_plan_is_compared_with_the_table() {
    let lab = Lab::new();
    lab.run(&format!(
        "CREATE TABLE @.t (k UInt32, _topic String, _partition Int32, _offset Int64) ENGINE = MergeTree ORDER BY k {KEEPS}"
    ));
    let value = |k: i32| format!("{{\"k\":{k},\"_topic\":\"t\",\"_partition\":{},\"_offset\":{k}}}", k % 2);
    let values: Vec<_> = (0..20).map(value).collect();
    // Somebody has stored some of them, under a token that the table has forgotten.
    lab.run("INSERT INTO @.t SELECT number, 't', number % 2, number FROM numbers(7)");
    let old = Duration::from_secs(3600);
    for _ in 0..2 {
        exact(&lab).write(&records(&values), Some(&promise("p", old))).unwrap();
    }
    assert_eq!(lab.run("SELECT count(), uniqExact(k) FROM @.t"), [["20", "20"]]);
}

#[test]
fn an_old_plan_is_not_written_where_nobody_can_look() {
    let lab = Lab::new();
    lab.run(&format!("CREATE TABLE @.t (k UInt32) ENGINE = MergeTree ORDER BY k {KEEPS}"));
    let values = ["{\"k\":1}".to_owned()];
    let old = promise("p", Duration::from_secs(3600));
    let error = exact(&lab).write(&records(&values), Some(&old)).unwrap_err();
    assert_eq!(error.kind(), &Kind::Config, "{error}");
    assert!(error.message().contains("no columns _topic, _partition and _offset"), "{error}");
    assert_eq!(lab.run("SELECT count() FROM @.t"), [["0"]]);
    // The first attempt of a plan needs no memory, however late it comes.
    let first = Promise { is_repeated: false, ..old };
    exact(&lab).write(&records(&values), Some(&first)).unwrap();
    assert_eq!(lab.run("SELECT count() FROM @.t"), [["1"]]);
}

#[test]
fn nothing_is_sent_when_the_task_may_be_elsewhere() {
    let lab = Lab::new();
    lab.run(&format!("CREATE TABLE @.t (k UInt32) ENGINE = MergeTree ORDER BY k {KEEPS}"));
    let lost = Promise { may_send: &|| false, ..promise("p", Duration::ZERO) };
    let error = exact(&lab).write(&records(&["{\"k\":1}".to_owned()]), Some(&lost)).unwrap_err();
    assert_eq!(error.kind(), &Kind::Retry { after: None }, "{error}");
    assert_eq!(lab.run("SELECT count() FROM @.t"), [["0"]]);
}

#[test]
fn tables_that_keep_no_tokens_are_refused_with_what_would_help() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.off (k UInt32) ENGINE = MergeTree ORDER BY k SETTINGS non_replicated_deduplication_window = 0");
    lab.run("CREATE TABLE @.plain (k UInt32) ENGINE = Memory");
    let refusal = |table: &str| {
        let error = lab.delivery(&[("exactlyOnce", "true"), ("topics", table)]).check_tables().unwrap_err();
        assert_eq!(error.kind(), &Kind::Config, "{error}");
        error.message().to_owned()
    };
    let off = refusal("off");
    let alter = format!(
        "ALTER TABLE {}.off MODIFY SETTING non_replicated_deduplication_window = 10000",
        lab.database
    );
    assert!(off.contains(&alter), "{off}");
    lab.run(&alter);
    lab.delivery(&[("exactlyOnce", "true"), ("topics", "off,missing")]).check_tables().unwrap();
    let plain = refusal("plain");
    assert!(plain.contains("has the engine Memory"), "{plain}");
}

#[test]
fn a_user_with_insert_alone_writes_plans_and_needs_select_to_look_old_ones_up() {
    let lab = Lab::new();
    lab.run(&format!(
        "CREATE TABLE @.t (k UInt32, _topic String, _partition Int32, _offset Int64) ENGINE = MergeTree ORDER BY k {KEEPS}"
    ));
    let write = |promise: &Promise<'_>| {
        let user = [("exactlyOnce", "true"), ("username", "inserter"), ("password", "inserter")];
        lab.delivery(&user).write(&records(&["{\"k\":1}".to_owned()]), Some(promise))
    };
    write(&promise("p", Duration::ZERO)).unwrap();
    let error = write(&promise("p", Duration::from_secs(3600))).unwrap_err();
    assert_eq!(error.kind(), &Kind::Fatal, "{error}");
    assert!(error.message().contains("grant SELECT"), "{error}");
    assert_eq!(lab.run("SELECT count() FROM @.t"), [["1"]]);
}
