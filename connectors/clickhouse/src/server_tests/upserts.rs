//! Rows that replace and delete earlier rows of their key, and tables that cannot keep that.
use penstock_sdk::Kind;

use super::*;

const TABLE: &str = "CREATE TABLE @.t (k UInt32, name String, v UInt64, gone UInt8) ENGINE = ReplacingMergeTree(v, gone) ORDER BY k";
const LIVE: &str = "SELECT k, name FROM @.t FINAL ORDER BY k";

fn record(offset: i64, key: &'static str, value: Option<&'static str>) -> Incoming<'static> {
    let (key, value) = (Some(key.as_bytes()), value.map(str::as_bytes));
    Incoming { topic: "t", offset, key, value, ..Incoming::default() }
}

#[test]
fn the_newest_row_of_a_key_is_left_and_deleted_keys_are_gone() {
    let lab = Lab::new();
    lab.run(TABLE);
    let mut delivery = lab.delivery(&[("upsertMode", "tombstones")]);
    let records = [
        record(1, "1", Some(r#"{"k":1,"name":"a","v":1000,"gone":1}"#)),
        record(2, "2", Some(r#"{"k":2,"name":"b"}"#)),
        record(3, "1", Some(r#"{"k":1,"name":"c"}"#)),
        record(4, "2", None),
        record(5, "{\"k\":3}", Some(r#"{"k":3,"name":"d"}"#)),
        record(6, "{\"k\":3}", None),
        record(7, "{\"k\":3}", Some(r#"{"k":3,"name":"e"}"#)),
    ];
    let outcome = delivery.write(&records, None).unwrap();
    assert_eq!((outcome.rows, outcome.tombstones, outcome.inserts), (7, 0, 1));
    assert_eq!(lab.run(LIVE), [["1", "c"], ["3", "e"]]);
    // What comes again changes nothing: its versions are old ones.
    delivery.write(&records[..2], None).unwrap();
    assert_eq!(lab.run(LIVE), [["1", "c"], ["3", "e"]]);
    let outcome = delivery.write(&[record(8, "no number", None), record(9, "1", None)], None).unwrap();
    assert_eq!((outcome.rows, outcome.rejected.len()), (1, 1));
    assert_eq!(lab.run(LIVE), [["3", "e"]]);
}

#[test]
fn change_events_of_debezium_are_carried_out() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32, name String, _version UInt64, is_deleted UInt8) ENGINE = ReplacingMergeTree(_version, is_deleted) ORDER BY k");
    let mut delivery = lab.delivery(&[("debeziumCDCEnabled", "true")]);
    let event = r#"{"before":null,"after":{"k":1,"name":"a"},"source":{"connector":"postgresql","lsn":100},"op":"c"}"#;
    let update = r#"{"before":{"k":1,"name":"a"},"after":{"k":1,"name":"b"},"source":{"connector":"postgresql","lsn":200},"op":"u"}"#;
    let delete =
        r#"{"before":{"k":1,"name":""},"after":null,"source":{"connector":"postgresql","lsn":300},"op":"d"}"#;
    // Versions come from the source's log, so a late event does not bring an old row back.
    let records = [record(1, "{\"k\":1}", Some(update)), record(2, "{\"k\":1}", Some(event))];
    delivery.write(&records, None).unwrap();
    assert_eq!(lab.run(LIVE), [["1", "b"]]);
    let outcome =
        delivery.write(&[record(3, "{\"k\":1}", Some(delete)), record(4, "{\"k\":1}", None)], None).unwrap();
    assert_eq!((outcome.rows, outcome.tombstones), (1, 1));
    assert_eq!(lab.run(LIVE), Vec::<Vec<String>>::new());
    assert_eq!(lab.run("SELECT max(_version), max(is_deleted) FROM @.t"), [["300", "1"]]);
    let outcome = delivery.write(&[record(5, "", Some(r#"{"op":"t","source":{"lsn":400}}"#))], None).unwrap();
    assert!(
        outcome.rejected[0].1.sentence.contains("field op: \"t\" is no operation"),
        "{:?}",
        outcome.rejected
    );
}

#[test]
fn tables_that_cannot_keep_it_are_refused_when_validated_and_when_opened() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.plain (k UInt32) ENGINE = MergeTree ORDER BY k");
    lab.run("CREATE TABLE @.half (k UInt32, v UInt64) ENGINE = ReplacingMergeTree(v) ORDER BY k");
    lab.run("CREATE TABLE @.odd (k UInt32, v Date, d UInt8) ENGINE = ReplacingMergeTree(v, d) ORDER BY k");
    lab.run(TABLE);
    let config = config(&[("upsertMode", "tombstones"), ("topics", "plain, half,t,nowhere")])
        .with("database", &lab.database);
    let problems: Vec<_> = crate::check::outside(&config)
        .into_iter()
        .map(|problem| (problem.setting, problem.message))
        .collect();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(
        problems[0]
            .1
            .contains("plain has engine MergeTree, which keeps all rows: expected ReplacingMergeTree("),
        "{problems:?}"
    );
    assert!(
        problems[1].1.contains("half has engine ReplacingMergeTree without a mark for deletes"),
        "{problems:?}"
    );
    for (table, expected) in
        [("plain", "keeps all rows"), ("odd", "column v is to hold the record's offset and has type Date")]
    {
        let error =
            write(&mut lab.delivery(&[("upsertMode", "tombstones")]), table, &["{\"k\":1}"]).unwrap_err();
        assert_eq!(error.kind(), &Kind::Fatal, "{error}");
        assert!(error.message().contains(expected), "{error}");
    }
    let away = config.with("url", "http://127.0.0.1:1");
    assert_eq!(crate::check::outside(&away).len(), 0, "a server that is away is no problem of the settings");
}

#[test]
fn a_table_in_front_of_the_one_that_keeps_rows_is_told_its_columns() {
    let lab = Lab::new();
    lab.run(TABLE);
    lab.run("CREATE TABLE @.front AS @.t ENGINE = Buffer(@, t, 1, 0, 0, 1, 1, 1, 1)");
    let settings = [
        ("upsertMode", "tombstones"),
        ("upsertVersionColumn", "v"),
        ("upsertDeletedColumn", "gone"),
        ("upsertKeyColumn", "k"),
        ("topic2TableMap", "t=front"),
    ];
    let mut delivery = lab.delivery(&settings);
    delivery
        .write(&[record(1, "1", Some("{\"k\":1,\"name\":\"a\"}")), record(2, "2", Some("{\"k\":2}"))], None)
        .unwrap();
    delivery.write(&[record(3, "1", None)], None).unwrap();
    lab.run("OPTIMIZE TABLE @.front");
    assert_eq!(lab.run(LIVE), [["2", ""]]);
}
