//! The error table, the search for records at fault, and what users need to be granted.
use std::fmt::Write;

use penstock_sdk::Kind;

use super::*;

const ERRORS: &[(&str, &str)] = &[("errorTableEnabled", "true"), ("errors.tolerance", "all")];

fn bad(offset: i64) -> Incoming<'static> {
    Incoming {
        topic: "t",
        partition: 2,
        offset,
        value: Some(b"{\"k\":\"bad\xc3\xa9\"}"),
        key: Some(b"\xff"),
        ..Incoming::default()
    }
}

#[test]
fn rejected_records_are_in_the_error_table_when_the_batch_is_done() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32, CONSTRAINT c CHECK k != 3) ENGINE = MergeTree ORDER BY k");
    let good =
        Incoming { topic: "t", partition: 2, offset: 8, value: Some(b"{\"k\":1}"), ..Incoming::default() };
    let server = Incoming { value: Some(b"{\"k\":3}"), offset: 9, ..good.clone() };
    let outcome = lab.delivery(ERRORS).write(&[bad(7), good, server], None).unwrap();
    assert_eq!((outcome.rows, outcome.rejected.len()), (1, 2));
    let rows = lab.run(
        "SELECT error_class, topic, partition, offset, hex(key), raw_message, connector, task, error_message, \
         abs(dateDiff('minute', time, now())) < 5 FROM @.t_penstock_error ORDER BY offset",
    );
    let expected = [
        "DATA_PARSING_ERROR",
        "t",
        "2",
        "7",
        "FF",
        "{\"k\":\"badé\"}",
        "",
        "0",
        "t-2@7: field k: string \"badé\" does not fit column k UInt32",
        "1",
    ];
    assert_eq!(rows[0], expected);
    assert_eq!((rows[1][0].as_str(), rows[1][5].as_str()), ("INSERT_ERROR", "{\"k\":3}"));
    assert!(rows[1][8].contains("code 469"), "{rows:?}");
    let engine =
        lab.run("SELECT engine_full FROM system.tables WHERE database = '@' AND name = 't_penstock_error'");
    assert!(engine[0][0].contains("TTL toDateTime(time) + toIntervalDay(7)"), "{engine:?}");
}

#[test]
fn without_the_setting_there_is_no_error_table() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32) ENGINE = MergeTree ORDER BY k");
    let outcome = lab.delivery(&[]).write(&[bad(7)], None).unwrap();
    assert_eq!(outcome.rejected.len(), 1);
    assert_eq!(lab.run("SHOW TABLES FROM @"), [["t"]]);
}

#[test]
fn a_batch_waits_for_its_error_table_and_doubles_nothing() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32) ENGINE = MergeTree ORDER BY k");
    // A table of the name that cannot take the rows, until someone puts it right.
    lab.run("CREATE TABLE @.t_penstock_error (other UInt8) ENGINE = MergeTree ORDER BY other");
    let mut delivery = lab.delivery(ERRORS);
    let good = Incoming { topic: "t", offset: 1, value: Some(b"{\"k\":1}"), ..Incoming::default() };
    let records = [bad(0), good];
    for _ in 0..3 {
        let error = delivery.write(&records, None).unwrap_err();
        assert_eq!(error.kind(), &Kind::Retry { after: None }, "{error}");
        assert!(error.message().starts_with("writing rejected records into "), "{error}");
    }
    lab.run("DROP TABLE @.t_penstock_error SYNC");
    assert_eq!(delivery.write(&records, None).unwrap().rejected.len(), 1);
    assert_eq!(
        lab.run("SELECT (SELECT count() FROM @.t), (SELECT count() FROM @.t_penstock_error)"),
        [["1", "1"]]
    );
    // The same records once more, as after a crash before their offsets were committed.
    lab.delivery(ERRORS).write(&records[..1], None).unwrap();
    assert_eq!(lab.run("SELECT count() FROM @.t_penstock_error"), [["1"]]);
}

#[test]
fn the_records_at_fault_in_a_large_batch_are_found_in_few_inserts() {
    const ROWS: usize = 60_000;
    let lab = Lab::new();
    lab.run(
        "CREATE TABLE @.t (k UInt32, CONSTRAINT c CHECK k % 20000 != 4321) ENGINE = MergeTree ORDER BY k",
    );
    let values: Vec<_> = (0..ROWS).map(|k| format!("{{\"k\":{k}}}")).collect();
    let outcome = write(&mut lab.delivery(ERRORS), "t", &values).unwrap();
    let rejected: Vec<_> = outcome.rejected.iter().map(|(index, _)| *index).collect();
    assert_eq!(rejected, [4321, 24_321, 44_321]);
    // Each record at fault cuts the batch at most log2 of its length times.
    let bound = rejected.len() as u64 * u64::from(ROWS.ilog2() + 1);
    assert!(outcome.inserts <= bound, "{} inserts for {} records at fault", outcome.inserts, rejected.len());
    assert_eq!(lab.run("SELECT count(), uniqExact(k) FROM @.t"), [["59997", "59997"]]);
    assert_eq!(
        lab.run("SELECT groupArray(offset) FROM (SELECT offset FROM @.t_penstock_error ORDER BY offset)"),
        [["[4321,24321,44321]"]]
    );
}

#[test]
fn many_large_rejected_records_are_kept_whole() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32) ENGINE = MergeTree ORDER BY k");
    let mut value = String::from("{\"k\":\"");
    while value.len() < 3 << 20 {
        let _ = write!(value, "{} ", value.len());
    }
    let values = vec![value; 15];
    let outcome = write(&mut lab.delivery(ERRORS), "t", &values).unwrap();
    assert_eq!(outcome.rejected.len(), 15);
    let sums = lab.run("SELECT count(), uniqExact(offset), min(length(raw_message)) FROM @.t_penstock_error");
    assert_eq!(sums, [["15".to_owned(), "15".to_owned(), values[0].len().to_string()]]);
}

/// A delivery as a user of the test server: `inserter` may insert and no more, `creator` also create tables.
fn as_user(lab: &Lab, user: &str, settings: &[(&str, &str)]) -> Delivery {
    lab.delivery(&[&[("username", user), ("password", user)], settings].concat())
}

#[test]
fn inserts_and_upserts_need_no_grant_but_insert() {
    let lab = Lab::new();
    lab.run(
        "CREATE TABLE @.t (k UInt32, _offset UInt64, v UInt64 MATERIALIZED k) ENGINE = MergeTree ORDER BY k",
    );
    lab.run("CREATE TABLE @.u (k UInt32, v UInt64, d UInt8) ENGINE = ReplacingMergeTree(v, d) ORDER BY k");
    let map = [("field2ColumnMap", "a.b=k")];
    accept(&mut as_user(&lab, "inserter", &map), "t", &["{\"a\":{\"b\":1}}"]);
    let delete = Incoming { topic: "u", offset: 5, key: Some(b"1"), ..Incoming::default() };
    let mut upserts = as_user(&lab, "inserter", &[("upsertMode", "tombstones")]);
    assert_eq!(upserts.write(&[delete], None).unwrap().rows, 1);
}

#[test]
fn an_error_table_needs_insert_and_create_table_where_nobody_has_created_it() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32) ENGINE = MergeTree ORDER BY k");
    let mut inserter = as_user(&lab, "inserter", ERRORS);
    let error = inserter.write(&[bad(0)], None).unwrap_err();
    assert_eq!(error.kind(), &Kind::Retry { after: None }, "{error}");
    assert!(error.message().contains("Not enough privileges"), "{error}");
    assert_eq!(as_user(&lab, "creator", ERRORS).write(&[bad(0)], None).unwrap().rejected.len(), 1);
    assert_eq!(inserter.write(&[bad(1)], None).unwrap().rejected.len(), 1);
    assert_eq!(lab.run("SELECT count() FROM @.t_penstock_error"), [["2"]]);
}

#[test]
fn records_that_are_too_large_are_refused_with_their_size_and_the_others_arrive() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32, v String) ENGINE = MergeTree ORDER BY k");
    let value = |k: u32, bytes: usize| {
        let start = format!("{{\"k\":{k},\"v\":\"");
        let letters = "x".repeat(bytes - start.len() - 2);
        format!("{start}{letters}\"}}")
    };
    let limit = [("recordBytesMax", "100"), ERRORS[0], ERRORS[1]];
    let mut delivery = lab.delivery(&limit);
    let values = [value(1, 100), value(2, 101), value(3, 20)];
    let outcome = write(&mut delivery, "t", &values).unwrap();
    let reason = "t-0@1: the record has 101 bytes of key and value, and recordBytesMax lets 100 through";
    assert_eq!(
        outcome.rejected.iter().map(|(at, why)| (*at, &*why.sentence)).collect::<Vec<_>>(),
        [(1, reason)]
    );
    assert_eq!(lab.run("SELECT k, length(v) FROM @.t ORDER BY k"), [["1", "86"], ["3", "6"]]);
    let kept = lab.run("SELECT error_class, error_message, length(raw_message) FROM @.t_penstock_error");
    assert_eq!(kept, [["DATA_PARSING_ERROR", reason, "101"]]);
    // The key counts, a batch may have no other record, and without a limit of one's own it is 16 MiB.
    let key = Some(&[b'k'; 91][..]);
    let record = Incoming { topic: "t", key, value: Some(b"{\"k\":4}   "), ..Incoming::default() };
    let outcome = delivery.write(std::slice::from_ref(&record), None).unwrap();
    assert_eq!((outcome.rows, outcome.rejected.len()), (0, 1), "{:?}", outcome.rejected);
    let mut delivery = lab.delivery(&[]);
    assert_eq!(delivery.write(&[record], None).unwrap().rows, 1);
    let outcome = write(&mut delivery, "t", &[value(5, 16 << 20), value(6, (16 << 20) + 1)]).unwrap();
    assert_eq!((outcome.rows, outcome.rejected.len()), (1, 1));
    assert!(outcome.rejected[0].1.sentence.contains("has 16777217 bytes"), "{:?}", outcome.rejected);
    assert_eq!(lab.run("SELECT length(v) FROM @.t WHERE k = 5"), [["16777202"]]);
}
